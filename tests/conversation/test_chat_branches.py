"""Branches of a chat over real HTTP: editing, regenerating, continuing, undoing."""

from __future__ import annotations

import pytest

import nbstream as nbs
from nbstream.errors import UsageError
from nbstream.testing import RecordingSurface
from tests.chats import Listener, ask, broken, end, half, sent, states, texts, whole
from tests.conversation.talks import said


@pytest.fixture
def chat(make_chat, loopback):
    """Two exchanges."""
    made = make_chat("S")
    for number in (1, 2):
        loopback.send(whole(f"A{number}"))
        ask(made, f"Q{number}")
    return made


def ids(chat):
    return [turn.id for turn in chat.turns]


# --- regenerate -------------------------------------------------------------------------------------------------------


def test_an_answer_that_is_asked_for_again_is_a_sibling(chat, loopback):
    old = chat.turns[-1].id
    loopback.send(whole("B2"))
    end(chat.regenerate(display=False, temperature=1.0))
    assert loopback.requests[-1].json == {**loopback.requests[-2].json, "temperature": 1.0}
    assert texts(chat) == ["Q1", "A1", "Q2", "B2"]
    assert chat.siblings(chat.turns[-1].id) == (old, chat.turns[-1].id)
    chat.select(old)
    assert texts(chat) == ["Q1", "A1", "Q2", "A2"]


def test_an_earlier_answer_can_be_asked_for_again(chat, loopback):
    """What followed it stays on its branch."""
    before = ids(chat)
    loopback.send(whole("B1"))
    end(chat.regenerate(before[1], display=False))
    assert sent(loopback) == said("Q1", system="S")
    assert texts(chat) == ["Q1", "B1"]
    chat.select(before[1])
    assert ids(chat) == before


def test_a_failed_answer_is_tried_again(chat, loopback):
    failed = broken(chat, loopback, "Q3")
    loopback.send(whole("A3"))
    end(chat.regenerate(failed, display=False))
    assert sent(loopback) == said("Q1", "A1", "Q2", "A2", "Q3", system="S")
    assert texts(chat)[-2:] == ["Q3", "A3"]
    assert len(chat.siblings(chat.turns[-1].id)) == 2


def test_a_question_without_an_answer_is_answered(make_chat, loopback):
    chat = make_chat(messages=said("Q1"))
    loopback.send(whole("A1"))
    end(chat.regenerate(display=False))
    assert sent(loopback) == said("Q1")
    assert texts(chat) == ["Q1", "A1"]
    end(chat.regenerate(chat.turns[0].id, display=False))
    assert len(chat.siblings(chat.turns[-1].id)) == 2


def test_who_listens_learns_what_becomes_of_it(chat, loopback):
    listener = Listener(chat)
    chat.listen(listener)
    loopback.send(whole("B2"))
    question, old = ids(chat)[2:]
    end(chat.regenerate(display=False))
    (running,) = listener.began
    assert (running.user, running.prompt, running.parent, running.sibling_of, running.replaces) == (
        None,
        "Q2",
        question,
        old,
        None,
    )


# --- edit -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "before"), [(0, []), (2, ["Q1", "A1"])])
def test_an_edited_question_is_a_sibling(chat, loopback, number, before):
    old = ids(chat)
    listener = Listener(chat)
    chat.listen(listener)
    loopback.send(whole("New answer"))
    end(chat.edit(old[number], "New", display=False))
    assert sent(loopback) == said(*before, "New", system="S")
    assert texts(chat) == [*before, "New", "New answer"]
    assert chat.siblings(chat.turns[number].id) == (old[number], chat.turns[number].id)
    (running,) = listener.began
    assert (running.sibling_of, running.parent) == (old[number], old[number - 1] if number else None)
    chat.select(old[number])
    assert ids(chat) == old


def test_only_questions_are_edited_and_only_answers_regenerated(make_chat):
    chat = make_chat(messages=[{"role": "assistant", "content": "Hello"}, *said("Q", "A")])
    greeting, _, answer = ids(chat)
    with pytest.raises(UsageError, match="only a user turn can be edited"):
        chat.edit(answer, "New")
    with pytest.raises(UsageError, match="nothing was asked before"):
        chat.regenerate(greeting)
    for wrong in (lambda: chat.edit("nobody", "New"), lambda: chat.regenerate("nobody"), lambda: chat.resume("nobody")):
        with pytest.raises(UsageError, match="there is no turn 'nobody'"):
            wrong()
    assert chat.running is None


@pytest.mark.parametrize("wrong", ["regenerate", "resume"])
def test_there_is_nothing_to_answer_in_an_empty_chat(make_chat, wrong):
    with pytest.raises(UsageError, match="in this chat yet"):
        getattr(make_chat(), wrong)()


# --- resume -----------------------------------------------------------------------------------------------------------


def test_a_partial_answer_is_gone_on_with_in_its_place(chat, loopback):
    turn_id = broken(chat, loopback, "Q3", "Ha")
    listener = Listener(chat, RecordingSurface())
    chat.listen(listener)
    loopback.send(whole("lf", usage=(9, 1)))
    result = end(chat.resume(display=False))
    assert (result.text, result.state) == ("Half", "completed")
    assert sent(loopback) == said("Q1", "A1", "Q2", "A2", "Q3", "Ha", system="S")
    assert chat.turns[-1].id == turn_id
    assert states(chat)[-1] == ("Half", "completed", True)
    assert chat.siblings(turn_id) == (turn_id,)
    (running,) = listener.began
    assert (running.id, running.replaces, running.prompt, running.user) == (turn_id, turn_id, "Q3", None)
    assert running.beginning is not None
    assert running.beginning.text == "Ha"
    assert listener.surface is not None
    assert listener.surface.frames[0].text == "Ha"


def test_going_on_may_fail_and_go_on_again(chat, loopback):
    broken(chat, loopback, "Q3", "H")
    loopback.send(half("a"), then="close")
    end(chat.resume(display=False))
    assert states(chat)[-1] == ("Ha", "failed", False)
    loopback.send(whole("lf"))
    end(chat.resume(display=False, max_tokens=9))
    assert states(chat)[-1] == ("Half", "completed", True)
    assert loopback.requests[-1].json["max_tokens"] == 9


def test_a_failure_without_a_word_can_be_gone_on_with(chat, loopback):
    turn_id = broken(chat, loopback, "Q3")
    loopback.send(whole("A3"))
    end(chat.resume(display=False))
    assert sent(loopback) == said("Q1", "A1", "Q2", "A2", "Q3", system="S")
    assert (chat.turns[-1].id, chat.turns[-1].text) == (turn_id, "A3")


def test_what_is_gone_on_with_is_shown_again(chat, loopback):
    turn_id = broken(chat, loopback, "Q3", "Ha")
    loopback.send(whole("B"))
    end(chat.edit(chat.turns[0].id, "New", display=False))
    assert texts(chat) == ["New", "B"]
    loopback.send(whole("lf"))
    end(chat.resume(turn_id, display=False))
    assert texts(chat)[-2:] == ["Q3", "Half"]


def test_a_loaded_chat_goes_on_too(chat, loopback):
    broken(chat, loopback, "Q3", "Ha")
    loaded = type(chat).from_dict(chat.to_dict(), trust=True)
    loopback.send(whole("lf"))
    end(loaded.resume(display=False))
    assert sent(loopback) == said("Q1", "A1", "Q2", "A2", "Q3", "Ha", system="S")
    assert states(loaded)[-1] == ("Half", "completed", True)
    assert states(chat)[-1] == ("Ha", "failed", False)


def test_an_answer_cut_at_its_limit_is_gone_on_with(make_chat, loopback):
    chat = make_chat()
    loopback.send(whole("Ha", finish_reason="length"))
    ask(chat, "Q1")
    assert states(chat) == [("Ha", "completed", True)]
    loopback.send(whole("lf"))
    end(chat.resume(display=False))
    assert states(chat) == [("Half", "completed", True)]


@pytest.mark.parametrize("imported", [True, False])
def test_a_whole_answer_is_not_gone_on_with(chat, make_chat, imported):
    with pytest.raises(UsageError, match="the answer is complete"):
        (make_chat(messages=said("Q", "A")) if imported else chat).resume()


def test_resuming_the_result_is_resuming_in_the_chat(chat, loopback):
    turn_id = broken(chat, loopback, "Q3", "Ha")
    assert chat.result is not None
    loopback.send(whole("lf"))
    assert chat.result.resume(display=False).text == "Half"
    assert (chat.turns[-1].id, chat.turns[-1].text) == (turn_id, "Half")


def test_the_result_of_a_deleted_turn_is_not_resumed(chat, loopback):
    broken(chat, loopback, "Q3", "Ha")
    chat.undo()
    with pytest.raises(UsageError, match="there is no turn"):
        chat.result.resume(display=False)
    assert chat.running is None


def test_a_background_response_is_taken_up_where_it_broke_off(make_chat, loopback):
    chat = make_chat(api="responses", background=True)
    loopback.send(half("Ha", api="responses"), then="close")
    end(chat.start("Q1", display=False))
    loopback.send(whole("Ha", "lf", api="responses"))
    end(chat.resume(display=False))
    received = loopback.requests[-1]
    assert (received.method, received.path.partition("?")[0]) == ("GET", "/v1/responses/resp_1")
    assert states(chat) == [("Half", "completed", True)]


# --- taking away ------------------------------------------------------------------------------------------------------


def test_undo_takes_back_the_last_exchange(chat):
    chat.undo()
    assert texts(chat) == ["Q1", "A1"]
    chat.undo()
    assert texts(chat) == []
    with pytest.raises(UsageError, match="nothing to undo"):
        chat.undo()


def test_undo_brings_back_what_an_edit_has_put_aside(chat, loopback):
    before = ids(chat)
    loopback.send(whole("B"))
    end(chat.regenerate(display=False))
    chat.undo()
    assert ids(chat) == before
    end(chat.edit(before[0], "New", display=False))
    chat.undo()
    assert ids(chat) == before


def test_a_deletion_takes_along_what_follows(chat):
    chat.delete(chat.turns[2].id)
    assert texts(chat) == ["Q1", "A1"]
    chat.delete(chat.turns[1].id)
    assert texts(chat) == []


def test_a_deletion_can_be_taken_back_and_has_been_paid_for(chat):
    before, spent = chat.to_dict(), (chat.usage, chat.seconds, chat.cost)
    assert not chat.can_undelete
    chat.delete(chat.turns[2].id)
    assert (chat.usage, chat.seconds, chat.cost) == spent
    loaded = nbs.Chat.from_dict(chat.to_dict())
    assert (loaded.usage, loaded.seconds, loaded.cost, loaded.can_undelete) == (*spent, False)
    assert chat.fork().usage == spent[0]
    chat.undelete()
    assert (chat.to_dict(), chat.can_undelete) == (before, False)
    assert (chat.usage, chat.seconds, chat.cost) == spent
    with pytest.raises(UsageError, match="nothing to undelete"):
        chat.undelete()


def test_nothing_comes_back_to_a_place_that_is_gone(chat):
    last, first = chat.turns[2].id, chat.turns[0].id
    chat.delete(last)
    chat.delete(first)
    chat.undelete()
    assert texts(chat) == ["Q1", "A1"]


def test_what_is_being_answered_is_not_deleted(chat, loopback):
    loopback.send(half("Ha"), then="hold")
    handle = chat.start("Q3", display=False)
    for take_away in (chat.undo, lambda: chat.delete(chat.turns[0].id)):
        with pytest.raises(UsageError, match="still answering"):
            take_away()
    handle.cancel()
    end(handle)
    chat.undo()
    assert texts(chat) == ["Q1", "A1", "Q2", "A2"]


def test_another_branch_can_be_deleted_and_selected_meanwhile(chat, loopback):
    loopback.send(whole("B"))
    end(chat.edit(chat.turns[0].id, "New", display=False))
    old, _ = chat.siblings(chat.turns[0].id)
    loopback.send(half("Ha"), then="hold")
    handle = chat.start("Q3", display=False)
    chat.select(old)
    assert texts(chat) == ["Q1", "A1", "Q2", "A2"]
    chat.delete(old)
    handle.cancel()
    end(handle)
    assert texts(chat)[:3] == ["New", "B", "Q3"]


# --- fork -------------------------------------------------------------------------------------------------------------


def test_a_fork_goes_its_own_way(chat, loopback):
    chat.configure(temperature=0.5)
    other = chat.fork()
    assert (other.turns, other.system, other.options, other.name) == (chat.turns, "S", chat.options, None)
    loopback.send(whole("A3"))
    ask(other, "Q3")
    chat.undo()
    assert texts(chat) == ["Q1", "A1"]
    assert texts(other) == ["Q1", "A1", "Q2", "A2", "Q3", "A3"]
