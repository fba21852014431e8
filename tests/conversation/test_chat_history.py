"""Who keeps a chat's history, and how much of it is sent."""

from __future__ import annotations

import base64

import pytest

import nbstream as nbs
from nbstream.errors import UsageError
from nbstream.testing import Answer, frame, responses_body
from tests.chats import ask, broken, end, sent, texts, whole
from tests.conversation.talks import said
from tests.pictures import drawn
from tests.tools.wire import calling

# --- limits -----------------------------------------------------------------------------------------------------------


def test_the_oldest_turns_are_left_out_and_the_reader_is_told(make_chat, loopback):
    chat = make_chat("S", max_turns=2)
    loopback.send(whole("A"))
    notes = []
    for number in range(4):
        notes.append(chat.left_out())
        ask(chat, f"Q{number}")
    assert notes == [None, None, None, "The oldest exchange is no longer sent (max_turns=2)."]
    assert sent(loopback) == said("Q1", "A", "Q2", "A", "Q3", system="S")
    assert chat.left_out() == "The 2 oldest exchanges are no longer sent (max_turns=2)."
    chat.max_turns = None
    assert chat.left_out() is None
    assert len(chat.turns) == 8


def test_tokens_are_those_that_the_server_reports(make_chat, loopback):
    """The second exchange took 500 + 20 tokens, though its text is as short as that of the others."""
    chat = make_chat("S")
    for prompt_tokens, name in ((100, "A0"), (100 + 10 + 500, "A1"), (610 + 20 + 30, "A2")):
        loopback.send(whole(name, usage=(prompt_tokens, {"A0": 10, "A1": 20, "A2": 5}[name])))
    for number in range(3):
        ask(chat, f"Q{number}")
    chat.max_history_tokens = 300
    assert chat.left_out() == "The 2 oldest exchanges are no longer sent (max_history_tokens=300)."
    ask(chat, "New")
    assert sent(loopback) == said("Q2", "A2", "New", system="S")
    chat.max_history_tokens = 570
    assert chat.left_out() == "The oldest exchange is no longer sent (max_history_tokens=570)."


def test_the_question_and_the_system_prompt_are_sent_whatever_the_limit(make_chat, loopback):
    chat = make_chat("S" * 4000, max_turns=0, max_history_tokens=0, messages=said("Q", "A"))
    loopback.send(whole("A"))
    ask(chat, "Q" * 4000)
    assert sent(loopback) == said("Q" * 4000, system="S" * 4000)


@pytest.mark.parametrize("value", [-1, "20", 2.5])
@pytest.mark.parametrize("name", ["max_turns", "max_history_tokens"])
def test_a_limit_is_a_whole_number(make_chat, loopback, name, value):
    words = f"{name} must be a whole number, 0 or above, not {value!r}"
    with pytest.raises(UsageError, match=words):
        make_chat(**{name: value})
    chat = make_chat()
    setattr(chat, name, value)
    with pytest.raises(UsageError, match=words):
        ask(chat, "Q")
    assert (loopback.requests, chat.running) == ([], None)


# --- kept by the server -----------------------------------------------------------------------------------------------


@pytest.fixture
def keeper(loopback):
    """A server that numbers its responses: the answer to `Q1` is `A1`, with the id `resp_1`."""

    def respond(received):
        number = received.json["input"][-1]["content"][1:]
        return Answer(responses_body(f"A{number}", id=f"resp_{number}"))

    loopback.respond(respond)
    return loopback


@pytest.fixture
def kept(make_chat, keeper):
    """A chat whose server keeps the history, with two exchanges."""
    chat = make_chat("S", history="server", api="responses", base_url=keeper.base_url)
    for number in (1, 2):
        ask(chat, f"Q{number}")
    return chat


def asked(server, number=-1):
    body = server.requests[number].json
    return body.get("previous_response_id"), sent(server, number), body["instructions"]


def test_only_what_is_new_is_sent(kept, keeper):
    assert asked(keeper, 0) == (None, said("Q1"), "S")
    assert asked(keeper, 1) == ("resp_1", said("Q2"), "S")
    assert texts(kept) == ["Q1", "A1", "Q2", "A2"]


def test_another_branch_has_another_predecessor(kept, keeper):
    turns = kept.turns
    end(kept.edit(turns[2].id, "Q3", display=False))
    assert asked(keeper) == ("resp_1", said("Q3"), "S")
    end(kept.regenerate(turns[1].id, display=False))
    assert asked(keeper) == (None, said("Q1"), "S")
    kept.select(turns[3].id)
    ask(kept, "Q4")
    assert asked(keeper) == ("resp_2", said("Q4"), "S")


def test_what_the_server_does_not_know_is_sent(kept, keeper):
    """An exchange that was left out on its way, or let in later, makes another history."""
    first, second = kept.turns[1].id, kept.turns[3].id
    kept.include(second, False)
    ask(kept, "Q3")
    assert asked(keeper) == ("resp_1", said("Q3"), "S")
    kept.include(first, False)
    ask(kept, "Q4")
    assert asked(keeper) == (None, said("Q3", "A3", "Q4"), "S")
    kept.include(first)
    ask(kept, "Q5")
    assert asked(keeper) == ("resp_3", said("Q4", "A4", "Q5"), "S")


def test_a_broken_answer_is_not_in_the_servers_keeping(make_chat, loopback):
    chat = make_chat("S", history="server", api="responses")
    for number, status in ((1, "completed"), (2, None), (3, "completed")):
        loopback.send(
            responses_body(f"A{number}", id=f"resp_{number}", status=status), then="end" if status else "close"
        )
        end(chat.start(f"Q{number}", display=False))
    assert asked(loopback) == ("resp_1", said("Q3"), "S")
    chat.include(chat.turns[3].id)
    loopback.send(responses_body("A4", id="resp_4"))
    ask(chat, "Q4")
    assert asked(loopback) == ("resp_1", said("Q2", "A2\n\n[This answer broke off here.]", "Q3", "A3", "Q4"), "S")


def test_a_loaded_chat_is_still_known(kept, keeper):
    loaded = nbs.Chat.from_dict(kept.to_dict(), trust=True)
    ask(loaded, "Q3")
    assert asked(keeper) == ("resp_2", said("Q3"), "S")


def test_messages_that_were_given_are_sent_once(make_chat, keeper):
    chat = make_chat("S", history="server", api="responses", messages=said("Q0", "A0"))
    ask(chat, "Q1")
    ask(chat, "Q2")
    assert asked(keeper, 0) == (None, said("Q0", "A0", "Q1"), "S")
    assert asked(keeper, 1) == ("resp_1", said("Q2"), "S")


def test_another_server_gets_it_all(kept, keeper):
    kept.configure(base_url=keeper.base_url.replace("127.0.0.1", "localhost"))
    ask(kept, "Q3")
    assert asked(keeper) == (None, said("Q1", "A1", "Q2", "A2", "Q3"), "S")


def test_a_server_that_is_asked_to_keep_nothing_gets_it_all(make_chat, keeper):
    chat = make_chat("S", history="server", api="responses", store=False)
    ask(chat, "Q1")
    ask(chat, "Q2")
    assert asked(keeper) == (None, said("Q1", "A1", "Q2"), "S")


def test_a_partial_answer_is_gone_on_with(make_chat, loopback):
    chat = make_chat("S", history="server", api="responses")
    loopback.send(responses_body("A1", id="resp_1"))
    ask(chat, "Q1")
    loopback.send(responses_body("Ha", status=None, id="resp_2"), then="close")
    end(chat.start("Q2", display=False))
    loopback.send(responses_body("lf", id="resp_3"))
    end(chat.resume(display=False))
    assert asked(loopback) == (
        "resp_1",
        [{"role": "user", "content": "Q2"}, {"role": "assistant", "content": "Ha"}],
        "S",
    )
    loopback.send(responses_body("A3", id="resp_4"))
    ask(chat, "Q3")
    assert asked(loopback) == ("resp_3", said("Q3"), "S")


def test_chat_completions_keep_no_history(make_chat, loopback):
    chat = make_chat(history="server")
    with pytest.raises(UsageError, match=r"needs the Responses API, but 127.0.0.1:\d+ uses Chat Completions"):
        ask(chat, "Q1")
    assert (loopback.requests, chat.turns, chat.running) == ([], (), None)
    chat.history = "messages"
    loopback.send(whole("A1"))
    assert ask(chat, "Q1").text == "A1"


def test_limits_are_for_what_is_sent(make_chat):
    with pytest.raises(UsageError, match='max_turns and max_history_tokens need history="messages"'):
        ask(make_chat(history="server", api="responses", max_turns=2), "Q1")


def test_there_are_two_ways_to_keep_a_history():
    with pytest.raises(UsageError, match='history must be "messages" or "server"'):
        nbs.Chat(history="elsewhere")  # type: ignore[arg-type]


def test_broken_answers_of_chat_completions_are_no_predecessors(make_chat, loopback):
    """The ids of the one API mean nothing to the other."""
    chat = make_chat(api="chat")
    loopback.send(whole("A1"))
    ask(chat, "Q1")
    broken(chat, loopback, "Q2", "Ha")
    chat.history = "server"
    chat.configure(api="responses")
    loopback.send(responses_body("A3", id="resp_3"))
    ask(chat, "Q3")
    assert "previous_response_id" not in loopback.requests[-1].json
    assert sent(loopback) == said("Q1", "A1", "Q3")


# --- images -----------------------------------------------------------------------------------------------------------

DRAWN = base64.b64encode(drawn()).decode()
URL = f"data:image/png;base64,{DRAWN}"


def picture(api):
    """An answer that is an image and nothing else."""
    if api == "responses":
        call = {"id": "ig", "type": "image_generation_call", "status": "completed", "result": DRAWN}
        done = frame({"type": "response.output_item.done", "output_index": 0, "item": call})
        response = {"id": "r", "status": "completed", "model": "m", "output": [call]}
        return done + frame({"type": "response.completed", "response": response})
    delta = {"images": [{"type": "image_url", "image_url": {"url": URL}}]}
    return frame({"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": "stop"}]})


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_an_answer_that_is_an_image_can_be_asked_about(make_chat, loopback, api, tmp_path):
    chat = make_chat(api=api)
    loopback.send(picture(api))
    loopback.send(whole("Done.", api=api))
    assert len(ask(chat, "Draw a cat.").images) == 1
    ask(chat, "Make it bluer.")
    asked, answered, further = sent(loopback)
    assert (asked["role"], answered["role"], further["role"]) == ("user", "assistant", "user")
    assert answered["content"] == "[An image; the next message shows it.]"
    words, image, question = further["content"]
    assert words["text"] == "[The image of your answer above:]"
    assert image["image_url"] == (URL if api == "responses" else {"url": URL})
    assert question["text"] == "Make it bluer."
    ask(chat, "And now?")
    assert len(sent(loopback)) == 5
    chat.save(tmp_path / "chat.json")
    loaded = nbs.Chat.load(tmp_path / "chat.json")
    loaded.configure(base_url=loopback.base_url, model="m", api=api)
    ask(loaded, "And then?")
    assert sent(loopback)[:3] == [asked, answered, further]


@pytest.mark.parametrize("status", [400, 404])
def test_a_server_that_takes_no_images_is_told_of_them(make_chat, loopback, status):
    chat = make_chat(api="chat")
    loopback.send(picture("chat"))
    loopback.send('{"error": {"message": "No endpoints found that support image input"}}', status=status)
    loopback.send(whole("Done."))
    ask(chat, "Draw a cat.")
    assert ask(chat, "Make it bluer.").text == "Done."
    assert sent(loopback) == said("Draw a cat.", "[An image; not sent again.]", "Make it bluer.")
    ask(chat, "And now?")
    assert len(loopback.requests) == 4, "it is remembered"


def test_a_server_that_keeps_an_image_is_not_sent_it(make_chat, loopback):
    chat = make_chat(api="responses", history="server")
    loopback.send(picture("responses"))
    loopback.send(whole("Done.", api="responses"))
    ask(chat, "Draw a cat.")
    ask(chat, "Make it bluer.")
    assert sent(loopback) == said("Make it bluer.")
    assert loopback.requests[-1].json["previous_response_id"] == "r"


def test_a_server_that_keeps_calls_is_sent_what_is_new(make_chat, loopback):
    @nbs.tool(safe=True)
    def add(a: int) -> int:
        return a + 1

    chat = make_chat(api="responses", history="server", tools=[add])
    loopback.send(calling("responses", ("add", {"a": 1})))
    loopback.send(whole("Two.", api="responses"))
    ask(chat, "1 + 1?")
    ask(chat, "And now?")
    assert sent(loopback) == said("And now?")
