"""What happens when the reader does something: over loopback HTTP, with the real SDK, without a page."""

import queue
import sys
import threading

import pytest

from nbstream.conversation.chat import Chat
from nbstream.conversation.turn import answer_turn
from nbstream.errors import StreamError, UsageError
from nbstream.panel.controller import PanelController
from nbstream.panel.hooks import Hooks
from nbstream.panel.shown import totals_of
from nbstream.panel.view.panel_state import Attachment
from nbstream.result import StreamResult, StreamState, Timing, Usage
from nbstream.testing import chat_body, error_body

REFUSED = {"status": 400, "headers": {"content-type": "application/json"}}


def said(state):
    return [(turn.role, turn.text) for turn in state.turns]


def told(state):
    """All that is said beside the conversation."""
    return "\n".join([*state.notices, *filter(None, [state.paused])])


def queued(state):
    return [item.text for item in state.queue]


def sent(loopback, request=-1):
    return loopback.requests[request].json["messages"]


# --- asking -----------------------------------------------------------------------------------------------------------


def test_a_message_is_shown_at_once_and_its_answer_when_it_has_come(panel, view, loopback, gate):
    loopback.send(*gate.before("lo"))
    panel.send("Hi")
    loopback.wait(requests=1)
    question, answer = view.state.turns
    assert (question.role, question.text, question.state) == ("user", "Hi", "completed")
    assert (answer.role, answer.live, view.state.running) == ("assistant", True, answer.id)
    gate.set()
    state = view.idle(turns=2)
    assert said(state) == [("user", "Hi"), ("assistant", "Hello")]
    assert [turn.id for turn in state.turns] == [question.id, answer.id]
    assert state.turns[1].facts[:2] == ("m", "complete")
    assert [(turn, surface.final.text) for turn, surface in view.surfaces] == [(answer.id, "Hello")]


def test_a_later_message_sends_what_was_said_before(panel, view, loopback):
    loopback.send(chat_body("Hello"))
    panel.send("Hi")
    view.idle(turns=2)
    panel.send("And?")
    view.idle(turns=4)
    assert [message["content"] for message in sent(loopback)] == ["Hi", "Hello", "And?"]


@pytest.mark.usefixtures("panel")
def test_a_turn_that_begins_in_a_cell_is_shown_too(view, chat, loopback):
    loopback.send(chat_body("Hello"))
    chat.stream("Hi", display=False)
    assert said(view.state) == [("user", "Hi"), ("assistant", "Hello")]
    assert view.surfaces[0][1].final.text == "Hello"


def test_files_go_along(panel, view, loopback):
    loopback.send(chat_body("Seen"))
    file = Attachment("a.txt", text="words")
    panel.send("Look", (file,))
    assert view.idle(turns=2).turns[0].attachments == (file,)
    assert sent(loopback)[0]["content"][0] == {"type": "text", "text": "Look"}


def test_nothing_is_not_sent(panel, view, loopback):
    with pytest.raises(UsageError, match="nothing to send"):
        panel.send("  ")
    assert (view.state.turns, view.state.queue, loopback.requests) == ((), (), [])


def test_what_cannot_be_asked_is_the_callers_to_show(view, make_panel, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    panel = make_panel()
    panel.chat.configure(model=None)
    with pytest.raises(UsageError, match="no model given"):
        panel.send("Hi")
    assert (view.state.turns, view.state.running) == ((), None)


# --- the queue --------------------------------------------------------------------------------------------------------


def test_messages_queue_while_an_answer_arrives_and_follow_in_order(panel, view, loopback, gate):
    loopback.send(*gate.before("lo"))
    loopback.send(chat_body("Yes"))
    panel.send("Hi")
    panel.send("second")
    panel.send("third")
    assert queued(view.state) == ["second", "third"]
    gate.set()
    state = view.idle(turns=6)
    assert [text for role, text in said(state) if role == "user"] == ["Hi", "second", "third"]
    assert state.queue == ()


def test_a_queued_message_can_be_changed_and_taken_back_until_it_is_sent(panel, view, loopback, gate):
    loopback.send(*gate.before("lo"))
    loopback.send(chat_body("Yes"))
    panel.send("Hi")
    for text in ("a", "b", "c"):
        panel.send(text)
    first, second, third = view.state.queue
    panel.change_queued(second.id, "B")
    panel.drop_queued(first.id)
    panel.change_queued(third.id, "  ")
    assert queued(view.state) == ["B"]
    gate.set()
    view.idle(turns=4)
    assert sent(loopback)[-1]["content"] == "B"
    with pytest.raises(UsageError, match="has been sent already"):
        panel.change_queued(second.id, "x")


def test_after_a_stop_the_queue_waits_and_says_so(panel, view, loopback, gate):
    loopback.send(*gate.before("lo"))
    loopback.send(chat_body("Yes"))
    panel.send("Hi")
    panel.send("second")
    assert view.surfaces[0][1].drawn.wait(10)
    panel.stop()
    state = view.idle(turns=2)
    loopback.wait(left=1)
    assert (queued(state), state.paused.partition(":")[0], state.notices) == (["second"], "Queue paused", ())
    assert (state.turns[1].text, state.turns[1].state, len(loopback.requests)) == ("Hel", "cancelled", 1)
    panel.send("another")
    state = view.idle(turns=6)
    assert [text for role, text in said(state) if role == "user"] == ["Hi", "another", "second"]
    assert told(state) == ""


def test_after_a_failure_the_queue_waits_for_a_retry(panel, view, loopback):
    refused = threading.Event()
    loopback.send(error_body("bad request"), before_head=refused, **REFUSED)
    loopback.send(chat_body("Yes"))
    panel.chat.start("Hi", display=False)
    panel.send("second")
    refused.set()
    state = view.wait(lambda state: "Queue paused" in told(state))
    assert (state.turns[1].state, state.turns[1].can_retry) == ("failed", True)
    panel.retry(state.turns[1].id)
    state = view.idle(turns=4)
    assert (queued(state), told(state)) == ([], "")
    assert said(state) == [("user", "Hi"), ("assistant", "Yes"), ("user", "second"), ("assistant", "Yes")]
    assert len(state.turns[1].siblings) == 2


def test_a_queued_message_that_cannot_be_sent_stays_and_says_why(panel, view, loopback, gate, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    loopback.send(*gate.before("lo"))
    panel.send("Hi")
    panel.send("second")
    panel.chat.configure(model=None)
    gate.set()
    state = view.wait(lambda state: "could not be sent" in told(state))
    assert "; choose one below\n" in told(state)
    assert "Send a message to resume" in told(state)
    assert "incomplete" not in told(state), "the answer is"
    assert queued(state) == ["second"]


def test_a_queue_that_waits_goes_on_once_the_part_of_an_answer_is_gone(panel, view, loopback, gate):
    loopback.send(chat_body("Hello"))
    loopback.send(*gate.before("lo"))
    loopback.send(chat_body("Yes"))
    panel.send("Hi")
    view.idle(turns=2)
    panel.send("more")
    panel.send("second")
    assert view.surfaces[1][1].drawn.wait(10)
    panel.stop()
    state = view.idle(turns=4)
    loopback.wait(left=1)
    assert "Queue paused: the last answer is incomplete." in told(state)
    panel.delete(state.turns[3].id)
    state = view.wait(lambda state: len(state.turns) == 4 and state.running is None and not state.queue)
    assert (said(state)[2:], told(state)) == ([("user", "second"), ("assistant", "Yes")], "")


def test_a_queue_behind_a_question_without_an_answer_offers_nothing_to_continue(panel, view, loopback):
    loopback.send(before_head=threading.Event())
    panel.send("Hi")
    loopback.wait(requests=1)
    panel.send("second")
    panel.stop()
    state = view.wait(lambda state: "Queue paused" in told(state))
    assert told(state) == (
        "Queue paused: the last question has no answer. Retry or delete it, or send a message, to resume."
    )


def test_a_deletion_is_taken_back_until_something_else_is_asked(asked, view):
    before = view.state
    asked.delete(before.turns[1].id)
    assert (view.state.turns, view.state.deleted, view.state.totals) == ((), True, before.totals)
    asked.undelete()
    assert (view.state.turns, view.state.deleted) == (before.turns, False)
    asked.delete(before.turns[1].id)
    asked.dismiss("")
    assert not view.state.deleted
    asked.undelete()
    asked.delete(before.turns[1].id)
    asked.send("Ho")
    assert not view.idle(turns=2).deleted


def test_a_look_at_another_version_sends_nothing(asked, view, loopback, gate):
    loopback.send(*gate.before("lo"))
    first = view.state.turns[1].id
    asked.regenerate(first)
    asked.send("second")
    assert view.surfaces[1][1].drawn.wait(10)
    asked.stop()
    state = view.wait(lambda state: state.running is None and "incomplete" in told(state))
    asked.select(first)
    assert (queued(view.state), told(view.state)) == (
        ["second"],
        "Queue paused. Send a message to resume.",
    )
    assert len(loopback.requests) == 2
    asked.select(state.turns[1].id)
    assert "incomplete" in told(view.state)
    gate.set()
    asked.send_next()
    state = view.idle(turns=4)
    assert (queued(state), state.paused, said(state)[2]) == ([], "", ("user", "second"))


def test_a_queued_message_is_not_overtaken_while_it_is_being_sent(panel, view, loopback, gate, monkeypatch):
    loopback.send(*gate.before("lo"))
    loopback.send(chat_body("Yes"))
    panel.send("Hi")
    panel.send("one")
    panel.send("two")
    monkeypatch.setattr(panel, "_told", lambda: panel.turns_changed() or {})  # as when a setting changes meanwhile
    gate.set()
    state = view.idle(turns=6)
    assert [text for role, text in said(state) if role == "user"] == ["Hi", "one", "two"]


def test_a_late_stop_does_not_end_the_next_answer(panel, view, loopback, gate):
    loopback.send(*gate.before("lo"))
    panel.send("Hi")
    panel.stop("another turn")
    gate.set()
    assert view.idle(turns=2).turns[1].state == "completed"


def test_two_panels_of_one_chat_show_the_same_and_lose_nothing(make_panel, view, loopback, gate):
    loopback.send(*gate.before("lo"))
    loopback.send(chat_body("Yes"))
    other = type(view)()
    one, two = make_panel(), make_panel(other)
    one.send("Hi")
    one.send("of one")
    two.send("of two")
    assert (queued(view.state), queued(other.state)) == (["of one"], ["of two"])
    gate.set()
    assert said(view.idle(turns=6)) == said(other.idle(turns=6))
    assert {text for _, text in said(view.state)} == {"Hi", "Hello", "of one", "of two", "Yes"}


def test_stopping_nothing_does_nothing(panel, view):
    panel.stop()
    assert told(view.state) == ""


# --- branches ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def asked(panel, view, loopback):
    """A panel with one exchange."""
    loopback.send(chat_body("Hello"))
    panel.send("Hi", (Attachment("a.txt", text="words"),))
    view.idle(turns=2)
    return panel


def test_another_answer_is_a_sibling_also_while_it_streams(asked, view, loopback, gate):
    loopback.send(*gate.before("p"))
    first = view.state.turns[1].id
    asked.regenerate(first)
    live = view.state.turns[-1]
    assert (len(view.state.turns), live.live, live.siblings) == (2, True, (first, live.id))
    gate.set()
    state = view.idle(turns=2)
    assert (state.turns[1].text, state.turns[1].siblings) == ("Help", (first, live.id))
    asked.select(first)
    assert said(view.state)[1] == ("assistant", "Hello")


def test_the_branch_that_is_being_answered_is_the_one_that_is_shown(asked, view, loopback, gate):
    asked.edit(view.state.turns[0].id, "Ho")
    view.wait(lambda state: said(state)[:1] == [("user", "Ho")] and state.running is None)
    old, new = view.state.turns[0].siblings
    loopback.send(*gate.before("p"))
    asked.send("On")
    with pytest.raises(UsageError, match="still answering"):
        asked.select(old)
    asked.chat.select(old)  # a cell may
    asked.refresh()
    assert [text for role, text in said(view.state) if role == "user"] == ["Ho", "On"]
    gate.set()
    assert view.idle(turns=4).turns[0].id == new


def test_what_is_being_edited_or_asked_again_cannot_be_taken_away(asked, view, loopback, gate):
    loopback.send(*gate.before("p"))
    first = view.state.turns[0].id
    asked.edit(first, "Ho")
    assert not view.state.turns[0].can_edit, "it is not in the chat yet"
    for take_away in (asked.chat.undo, lambda: asked.chat.delete(first)):
        with pytest.raises(UsageError, match="still answering"):
            take_away()
    gate.set()
    assert len(view.idle(turns=2).turns[0].siblings) == 2


def test_an_answer_asked_for_in_a_panel_speaks_of_the_panel(panel, view, loopback):
    loopback.send('data: {"choices": [{"delta": {"content": "Hel"}}]}\n\n', then="reset")
    panel.send("Hi")
    state = view.idle(turns=2)
    assert state.turns[1].mark.sentence.endswith("(3 characters) is kept. Continue picks up from here.")
    assert str(panel.chat.result.error) == state.turns[1].mark.sentence


def test_a_panel_that_is_made_meanwhile_shows_the_answer_from_its_beginning(panel, make_panel, view, loopback, gate):
    loopback.send(*gate.before("lo"))
    panel.send("Hi")
    assert view.surfaces[0][1].drawn.wait(10)
    late = type(view)()
    make_panel(late)
    ((turn, surface),) = late.surfaces
    assert surface.drawn.wait(10)
    assert (turn, surface.frames[0].text) == (late.state.running, "Hel")
    gate.set()
    late.idle(turns=2)
    assert surface.final.text == "Hello"


def test_an_edited_question_keeps_its_files_and_the_old_one(asked, view):
    first = view.state.turns[0]
    asked.edit(first.id, "Ho")
    state = view.idle(turns=2)
    assert (state.turns[0].text, state.turns[0].attachments) == ("Ho", first.attachments)
    assert state.turns[0].siblings == (first.id, state.turns[0].id)


def test_a_stopped_answer_is_gone_on_with_in_its_place(panel, view, loopback, gate):
    loopback.send(*gate.before("lo"))
    loopback.send(chat_body("lo"))
    panel.send("Hi")
    assert view.surfaces[0][1].drawn.wait(10)
    panel.stop()
    stopped = view.idle(turns=2).turns[1]
    assert (stopped.can_continue, stopped.can_include, stopped.included) == (True, True, True)
    assert (stopped.note, view.state.hint) == ("", "")
    panel.include(stopped.id, False)
    assert (view.state.turns[1].included, view.state.turns[1].note) == (False, "Not part of the conversation.")
    assert view.state.hint == "Your next message is sent without the last question and its answer."
    panel.resume(stopped.id)
    state = view.idle(turns=2)
    assert (state.turns[1].id, state.turns[1].text, state.turns[1].state) == (stopped.id, "Hello", "completed")
    live = next(turn for shown in view.states for turn in shown.turns if turn.live and turn.text)
    assert (live.text, live.state) == ("Hel", "streaming")


def test_a_deleted_turn_goes_with_what_follows(asked, view):
    asked.delete(view.state.turns[0].id)
    assert view.state.turns == ()


# --- settings ---------------------------------------------------------------------------------------------------------


def test_settings_go_along_with_the_next_message(asked, view, loopback):
    for name, value in [("model", "other"), ("system", "Be terse."), ("temperature", 0.5), ("max_tokens", 7.0)]:
        asked.set(name, value)
    state = view.state
    assert (state.model, state.system) == ("other", "Be terse.")
    assert state.parameters == {"temperature": 0.5, "max_tokens": 7}
    asked.send("And?")
    view.idle(turns=4)
    body = loopback.requests[-1].json
    assert (body["model"], body["temperature"], body["messages"][0]["content"]) == ("other", 0.5, "Be terse.")
    asked.set("temperature", None)
    asked.set("system", " ")
    assert (view.state.parameters["temperature"], view.state.system) == (None, "")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", -1),
        ("temperature", float("nan")),
        ("temperature", "x"),
        ("max_tokens", 0),
        ("max_tokens", 1.5),
        ("max_tokens", float("inf")),
        ("model", "x" * 300),
        ("model", 3),
        ("base_url", "http://elsewhere/v1"),
        ("api_key", "x"),
    ],
)
def test_what_cannot_be_set_is_refused_and_nothing_changes(panel, name, value):
    before = (panel.chat.options, panel.chat.system)
    with pytest.raises(UsageError):
        panel.set(name, value)
    assert (panel.chat.options, panel.chat.system) == before


def test_the_models_come_with_a_later_state(panel, view, loopback):
    loopback.send('{"data": [{"id": "b"}, {"id": "a"}]}', headers={"content-type": "application/json"})
    assert view.state.models is None
    panel.list_models()
    assert view.wait(lambda state: state.models is not None).models == ("a", "b")


def test_models_that_cannot_be_listed_are_said_so(panel, view, loopback):
    loopback.send("no", status=404)
    panel.list_models()
    state = view.wait(lambda state: bool(told(state)))
    assert told(state).startswith("The models could not be listed: ")
    assert state.models == ()


def test_a_question_ends_what_was_said_of_the_models(panel, view, loopback):
    loopback.send(error_body("no list"), **REFUSED)
    loopback.send(chat_body("Hello"))
    panel.list_models()
    view.wait(lambda state: "could not be listed" in told(state))
    panel.send("Hi")
    assert told(view.idle(turns=2)) == ""


def test_the_context_is_that_of_the_moment_and_shown(make_panel, view, loopback):
    names = {"x": 1}
    loopback.send(chat_body("Hello"))
    panel = make_panel(context=["x", "y"], namespace=names)
    panel.set("system", "Be terse.")
    assert view.state.context == ("x: int\n  1", "y (not defined)")
    names["x"] = 2
    panel.send("Hi")
    view.idle(turns=2)
    system, question = sent(loopback)
    assert system["content"].startswith("Be terse.\n\nVariables of the user's Python notebook")
    assert "x: int\n  2" in system["content"]
    assert question["content"] == "Hi"
    assert (panel.chat.system, view.state.context[0]) == ("Be terse.", "x: int\n  2")


# --- the notebook's code ----------------------------------------------------------------------------------------------


def test_errors_of_the_notebooks_code_are_shown_and_cost_nothing(make_panel, view, loopback):
    results: queue.SimpleQueue[StreamResult] = queue.SimpleQueue()

    def fails(*_):
        raise ValueError("no\nsuch   thing")

    hooks = Hooks(began=[("bind", fails)], ended=[("on_result", fails), ("another", results.put)])
    loopback.send(chat_body("Hello"))
    panel = make_panel(hooks=hooks)
    panel.send("Hi")
    view.idle(turns=2)
    fails_of = ("bind failed: ValueError: no such thing", "on_result failed: ValueError: no such thing")
    view.wait(lambda state: state.notices == fails_of)
    assert results.get(timeout=10.0).text == "Hello"
    panel.dismiss(fails_of[0])
    assert view.state.notices == fails_of[1:]
    panel.dismiss(fails_of[1])
    assert view.state.notices == ()


def test_a_callback_that_wants_to_exit_ends_nothing(make_panel, view, loopback):
    loopback.send(chat_body("Hello"))
    panel = make_panel(hooks=Hooks(ended=[("on_result", lambda _: sys.exit(3))]))
    for count in (2, 4):
        panel.send("Hi")
        view.idle(turns=count)
        view.wait(lambda state: "on_result failed: SystemExit: 3" in told(state))


def test_what_cannot_be_drawn_is_sent_all_the_same(panel, view, loopback, monkeypatch, caplog):
    loopback.send(chat_body("Hello"))
    monkeypatch.setattr(view, "show", lambda _: 1 / 0)
    panel.send("Hi")
    panel.chat.running.handle.result(10)
    assert len(loopback.requests) == 1
    assert "could not draw a chat panel" in caplog.text


def test_a_callback_can_ask_on(make_panel, view, loopback):
    loopback.send(chat_body("Hello"))
    hooks = Hooks()
    panel = make_panel(hooks=hooks)
    hooks.ended.append(("on_result", lambda _: len(loopback.requests) < 2 and panel.send("And?")))
    panel.send("Hi")
    assert said(view.idle(turns=4))[2] == ("user", "And?")


def test_hooks_are_told_in_order(make_panel, view, loopback):
    told, ends = [], threading.Semaphore(0)
    hooks = Hooks(
        began=[("", lambda: told.append("began"))],
        ended=[("", lambda result: told.append(str(result.state))), ("", lambda _: ends.release())],
        changed=[("", lambda: told.append("changed"))],
    )
    loopback.send(chat_body("Hello"))
    panel = make_panel(hooks=hooks)
    panel.send("Hi")
    panel.send("Ho")
    view.idle(turns=4)
    assert all(ends.acquire(timeout=10) for _ in range(2))
    assert told == ["began", "changed", "completed"] * 2


# --- the rest ---------------------------------------------------------------------------------------------------------


def test_totals_and_exports(asked, view, loopback):
    loopback.send(chat_body("Yes", usage=(1200, 34)))
    asked.send("And?")
    assert view.idle(turns=4).totals[0] == "1,200 tokens in, 34 out"
    assert view.state.exports == ("markdown", "notebook", "json")
    asked.chat.name = "a/b ../c"
    files = [asked.export(kind) for kind in view.state.exports]
    assert [file.filename for file in files] == ["a-b-c.md", "a-b-c.ipynb", "a-b-c.json"]
    assert all("Hello" in file.text for file in files)
    with pytest.raises(UsageError, match="cannot be exported as pdf"):
        asked.export("pdf")


def test_without_a_key_a_panel_names_what_one_does_in_a_panel(view):
    panel = PanelController(Chat(model="m"), namespace={}, hooks=Hooks())
    panel.attach(view)
    panel.list_models()
    [notice] = view.wait(lambda state: bool(state.notices)).notices
    panel.send("Hi")
    mark = view.idle(turns=2).turns[1].mark
    for words in (notice, mark.sentence):
        assert "No key for api.openai.com" in words
        assert "ChatPanel(base_url=…), or choose the built-in demo model" in words
        assert "--" not in words


def test_totals_count_what_is_not_shown_too():
    chat = Chat(model="m")
    for text, total, cost in (("One", 1.5, 0.25), ("Two", 60.0, 0.5), ("", 30.0, None)):
        result = StreamResult(
            text, StreamState.COMPLETED, "stop", Usage(3, 2, 5), timing=Timing(total=total), cost=cost
        )
        chat.conversation.commit(None, [answer_turn(text or "none", result)])
    assert len(chat.turns) == 1
    assert totals_of(chat) == ("9 tokens in, 6 out", "1 min 2 s", "$0.75")


def test_nothing_is_said_of_a_chat_that_was_never_answered():
    chat = Chat(model="m")
    failed = StreamResult("", StreamState.FAILED, timing=Timing(total=0.2))
    instant = StreamResult("Hi", StreamState.COMPLETED, "stop", timing=Timing(total=0.01))
    assert totals_of(chat) == ()
    for result in (failed, instant):
        chat.conversation.commit(None, [answer_turn(result.text or "failed", result)])
        assert totals_of(chat) == ()


def test_turns_that_were_not_streamed_here_have_no_story(view, loopback):
    messages = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
    panel = PanelController(Chat(model="m", base_url=loopback.base_url, messages=messages), namespace={}, hooks=Hooks())
    panel.attach(view)
    answer = view.state.turns[1]
    assert (answer.text, answer.mark, answer.facts, answer.can_continue) == ("Hello", None, (), False)


def test_a_turn_that_has_not_changed_is_the_same_value(asked, view):
    before = view.state.turns
    asked.send("And?")
    state = view.idle(turns=4)
    assert all(one is other for one, other in zip(before, state.turns, strict=False))


def test_a_failed_turn_tells_what_happened(panel, view, loopback):
    loopback.send(error_body("too many words", code="context_length_exceeded"), **REFUSED)
    with pytest.raises(StreamError):
        panel.chat.stream("Hi", display=False)
    failed = view.state.turns[1]
    assert failed.mark is not None
    assert (failed.state, failed.mark.word, failed.can_continue) == ("failed", "Too long", False)
    assert panel.chat.turns[1].state is StreamState.FAILED
    with pytest.raises(StreamError):
        panel.chat.stream("Hi again", display=False)
    assert view.state.hint == "Your next message is sent without the last 2 questions and their answers."
