"""`Chat` over real HTTP: what is sent, what is kept, and who is told."""

from __future__ import annotations

import asyncio
import threading
from concurrent import futures
from typing import Any

import pytest
from PIL import Image

import nbstream as nbs
from nbstream.errors import ConnectionLostError, StreamError, UsageError
from nbstream.testing import Answer, RecordingSurface, chat_body, chat_chunk, error_body
from tests.chats import PATIENCE, Listener, ask, broken, end, half, sent, states, texts, whole
from tests.conversation.talks import said

JSON = {"content-type": "application/json"}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "low"}}


# --- asking -----------------------------------------------------------------------------------------------------------


def test_every_question_is_sent_with_what_was_said_before(make_chat, loopback):
    chat = make_chat("Be terse.")
    for answer in ("A1", "A2"):
        loopback.send(whole(answer, usage=(5, 1)))
    assert ask(chat, "Q1").text == "A1"
    assert ask(chat, "Q2").text == "A2"
    assert sent(loopback, 0) == said("Q1", system="Be terse.")
    assert sent(loopback, 1) == said("Q1", "A1", "Q2", system="Be terse.")
    assert chat.messages == said("Q1", "A1", "Q2", "A2", system="Be terse.")
    assert chat.usage == nbs.Usage(10, 2, 12)
    assert chat.result is not None
    assert chat.result.text == "A2"


def test_the_same_over_responses(make_chat, loopback):
    chat = make_chat("Be terse.", api="responses")
    for answer in ("A1", "A2"):
        loopback.send(whole(answer, api="responses"))
        ask(chat, f"Q{answer[1]}")
    assert sent(loopback) == said("Q1", "A1", "Q2")
    assert loopback.requests[1].json["instructions"] == "Be terse."


@pytest.mark.parametrize(
    ("api", "parts"),
    [
        ("chat", [{"type": "text", "text": "Look:"}, IMAGE]),
        (
            "responses",
            [
                {"type": "input_text", "text": "Look:"},
                {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "low"},
            ],
        ),
    ],
)
def test_a_prompt_may_have_parts(make_chat, loopback, api, parts):
    chat = make_chat(api=api)
    for answer in ("A1", "A2"):
        loopback.send(whole(answer, api=api))
    prompt: list[dict[str, Any]] = [{"type": "text", "text": "Look:"}, IMAGE]
    ask(chat, prompt)
    prompt[0]["text"] = "changed later"
    ask(chat, "Q2")
    assert sent(loopback) == [{"role": "user", "content": parts}, *said("Look:", "A1", "Q2")[1:]]
    assert chat.turns[0].text == "Look:"


def test_an_image_goes_with_its_question_and_stays_with_it(make_chat, loopback):
    chat = make_chat()
    for answer in ("A1", "A2", "A3"):
        loopback.send(whole(answer))
    url = "https://example.org/a.png"
    asked = {
        "role": "user",
        "content": [{"type": "text", "text": "Q1"}, {"type": "image_url", "image_url": {"url": url}}],
    }
    wide = Image.new("1", (4096, 2))
    results = [ask(chat, "Q1", image=url), ask(chat, "Q2"), chat.edit(chat.turns[2].id, "Q3", image=[wide]).result()]
    assert sent(loopback, 0) == [asked]
    assert sent(loopback, 1) == [asked, *said("Q1", "A1", "Q2")[1:]]
    assert [part["type"] for part in sent(loopback, 2)[-1]["content"]] == ["text", "image_url"]
    assert [[each.kind for each in result.warnings] for result in results] == [[], [], ["changed_attachment"]]


def test_an_image_is_no_option_for_every_turn(make_chat):
    chat = make_chat(messages=said("Q1", "A1"))
    for wrong in (lambda: make_chat(image="a.png"), lambda: chat.regenerate(image="a.png")):
        with pytest.raises(UsageError, match=r'image goes with a question, as in chat.stream\("…", image=…\)'):
            wrong()


def test_messages_can_be_given_and_set(make_chat, loopback):
    chat = make_chat(messages=said("Q1", "A1", system="S"))
    loopback.send(whole("A2"))
    ask(chat, "Q2")
    assert sent(loopback) == said("Q1", "A1", "Q2", system="S")
    chat.messages = said("Other", "Yes")
    assert (chat.messages, chat.system) == (said("Other", "Yes"), None)
    ask(chat, "Q3")
    assert sent(loopback) == said("Other", "Yes", "Q3")


def test_a_system_prompt_is_given_once():
    with pytest.raises(UsageError, match="given twice"):
        nbs.Chat("S", messages=said("Q", system="T"))
    assert nbs.Chat("S", messages=said("Q")).messages == said("Q", system="S")


def test_options_are_of_the_chat_or_of_a_turn(make_chat, loopback):
    chat = make_chat(temperature=0.5, seed=7)
    loopback.send(whole("A"))
    ask(chat, "Q1", temperature=0.1, system="Be kind.")
    chat.configure(seed=None, max_tokens=9)
    ask(chat, "Q2")
    chat.system = "Be terse."
    ask(chat, "Q3")
    bodies = [received.json for received in loopback.requests]
    assert [(body["temperature"], body.get("seed"), body.get("max_tokens")) for body in bodies] == [
        (0.1, 7, None),
        (0.5, None, 9),
        (0.5, None, 9),
    ]
    assert [body["messages"][0] for body in bodies] == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Q1"},
        {"role": "system", "content": "Be terse."},
    ]


@pytest.mark.parametrize("name", ["display", "prompt", "input"])
def test_what_is_no_option_of_a_chat(name):
    with pytest.raises(UsageError, match=name):
        nbs.Chat().configure(**{name: None})


@pytest.mark.parametrize(
    ("prompt", "options"),
    [("", {}), ([], {}), ("Q", {"max_tokens": 0}), ("Q", {"api": "telepathy"}), ("Q", {"base_url": "nowhere"})],
)
def test_a_wrong_call_sends_and_keeps_nothing(make_chat, loopback, prompt, options):
    chat = make_chat()
    listener = Listener(chat)
    chat.listen(listener)
    with pytest.raises(UsageError):
        ask(chat, prompt, **options)
    assert (chat.turns, chat.running, loopback.requests, listener.began) == ((), None, [], [])
    loopback.send(whole("A"))
    assert ask(chat, "Q").text == "A"


def test_it_can_be_awaited(make_chat, loopback):
    chat = make_chat()
    loopback.send(whole("A1"))
    assert asyncio.run(chat.astream("Q1", display=False)).text == "A1"
    assert texts(chat) == ["Q1", "A1"]


# --- how exchanges end ------------------------------------------------------------------------------------------------


def test_a_failed_exchange_is_kept_and_not_sent(make_chat, loopback):
    chat = make_chat()
    broken(chat, loopback, "Q1", "Ha")
    assert states(chat) == [("Ha", "failed", False)]
    assert isinstance(chat.turns[1].result.error, ConnectionLostError)
    loopback.send(whole("A2"))
    ask(chat, "Q2")
    assert sent(loopback) == said("Q2")
    assert texts(chat) == ["Q1", "Ha", "Q2", "A2"]


def test_what_the_user_stopped_is_part_of_the_conversation(make_chat, loopback, surface, monkeypatch):
    monkeypatch.setattr("nbstream.api.choose_surface", lambda _: surface)
    chat = make_chat()
    loopback.send(half("A long ans"), then="hold")
    stopped_by_handle(chat, surface)
    loopback.send(whole("A"))
    chat.start("Make it shorter", display=False).result()
    assert sent(loopback) == said("Q", "A long ans\n\n[The user stopped this answer here.]", "Make it shorter")
    assert chat.turns[1].text == "A long ans"
    chat.include(chat.turns[1].id, False)
    chat.start("And now?", display=False).result()
    assert sent(loopback) == said("Make it shorter", "A", "And now?")


def test_a_part_of_an_answer_is_sent_if_the_user_says_so(make_chat, loopback):
    chat = make_chat()
    turn_id = broken(chat, loopback, "Q1", "Ha")
    chat.include(turn_id)
    loopback.send(whole("A"))
    ask(chat, "Q2")
    assert sent(loopback) == said("Q1", "Ha\n\n[This answer broke off here.]", "Q2")
    chat.include(turn_id, False)
    ask(chat, "Q3")
    assert sent(loopback) == said("Q2", "A", "Q3")


def test_a_failure_without_a_word_is_a_turn_too(make_chat, loopback):
    chat = make_chat()
    loopback.send(error_body("no"), status=500, headers=JSON)
    with pytest.raises(StreamError):
        ask(chat, "Q1")
    assert texts(chat) == ["Q1", ""]
    assert states(chat) == [("", "failed", False)]
    assert chat.running is None
    with pytest.raises(UsageError, match="no text"):
        chat.include(chat.turns[-1].id)
    with pytest.raises(UsageError, match="not an answer"):
        chat.include(chat.turns[0].id)


def stopped_by_handle(chat, surface):
    handle = chat.start("Q")
    assert surface.drawn.wait(PATIENCE)
    handle.cancel()
    assert end(handle).state == "cancelled"


def stopped_by_chat(chat, surface):
    chat.stop()
    handle = chat.start("Q")
    assert surface.drawn.wait(PATIENCE)
    chat.stop()
    assert end(handle).state == "cancelled"
    chat.stop()


def stopped_by_surface(chat, surface):
    handle = chat.start("Q")
    assert surface.drawn.wait(PATIENCE)
    surface.stop()
    surface.stop()
    assert end(handle).state == "cancelled"


def stopped_by_interrupt(chat, surface):
    with pytest.MonkeyPatch.context() as patch:
        wait = futures.wait

        def interrupted(*_, **__):
            patch.setattr(futures, "wait", wait)
            assert surface.drawn.wait(PATIENCE)
            raise KeyboardInterrupt

        patch.setattr(futures, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            chat.stream("Q")


def stopped_by_task(chat, surface):
    async def main():
        task = asyncio.create_task(chat.astream("Q"))
        await asyncio.to_thread(surface.drawn.wait, PATIENCE)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


@pytest.mark.parametrize(
    "stop",
    [stopped_by_handle, stopped_by_chat, stopped_by_surface, stopped_by_interrupt, stopped_by_task],
    ids=lambda stop: stop.__name__,
)
def test_a_stopped_exchange_is_committed_once(make_chat, loopback, surface, monkeypatch, stop):
    monkeypatch.setattr("nbstream.api.choose_surface", lambda _: surface)
    chat = make_chat()
    listener = Listener(chat)
    chat.listen(listener)
    loopback.send(half("Ha"), then="hold")
    stop(chat, surface)
    assert states(chat) == [("Ha", "cancelled", True)]
    assert listener.told == [("began", 0), ("ended", 2)]
    assert chat.running is None


def test_a_chat_can_be_stopped_while_it_starts(make_chat, loopback, monkeypatch):
    chat = make_chat()
    listener = Listener(chat)
    monkeypatch.setattr(listener, "turn_began", lambda _: chat.stop())
    chat.listen(listener)
    loopback.send(half("Ha"), then="hold")
    assert end(chat.start("Q", display=False)).state == "cancelled"
    assert states(chat)[0][1] == "cancelled"


def test_a_terminal_among_the_surfaces_knows_that_the_caller_waits(make_chat, loopback, monkeypatch):
    class Terminal(RecordingSurface):
        waits: list[bool] = []  # noqa: RUF012  there is one

        def attend(self, waits):
            self.waits.append(waits)

    monkeypatch.setattr("nbstream.api.choose_surface", lambda _: Terminal())
    chat = make_chat()
    chat.listen(Listener(chat, RecordingSurface()))
    loopback.send(whole("A1"))
    chat.stream("Q1")
    assert Terminal.waits == [True, False]


def test_an_answer_without_text_is_not_sent(make_chat, loopback):
    chat = make_chat()
    loopback.send(chat_chunk({"reasoning_content": "Hm."}), chat_body(finish_reason="stop"))
    loopback.send(whole("A2"))
    end(chat.start("Q1", display=False))
    assert chat.turns[1].reasoning == "Hm."
    ask(chat, "Q2")
    assert sent(loopback) == said("Q2")


def test_only_one_exchange_at_a_time(make_chat, loopback):
    chat = make_chat()
    loopback.send(half("Ha"), then="hold")
    handle = chat.start("Q1", display=False)
    assert chat.running is not None
    assert chat.running.handle is handle
    for ask_again in (lambda: chat.start("Q2"), lambda: asyncio.run(chat.astream("Q2"))):
        with pytest.raises(UsageError, match="still answering"):
            ask_again()
    with pytest.raises(UsageError, match="still answering"):
        chat.messages = []
    handle.cancel()
    end(handle)
    assert chat.running is None
    assert len(chat.turns) == 2


# --- listeners --------------------------------------------------------------------------------------------------------


def test_listeners_draw_and_are_told(make_chat, loopback, monkeypatch):
    cell, panel = RecordingSurface(), RecordingSurface()
    monkeypatch.setattr("nbstream.api.choose_surface", lambda _: cell)
    chat = make_chat()
    listener = Listener(chat, panel)
    leave = chat.listen(listener)
    loopback.send(whole("Hel", "lo"))
    result = chat.stream("Q1")
    assert cell.final is panel.final is result
    (running,) = listener.began
    assert listener.ended == [(running, result)]
    assert listener.told == [("began", 0), ("ended", 2)]
    assert (running.id, running.user, running.prompt) == (chat.turns[1].id, chat.turns[0], "Q1")
    leave()
    leave()
    ask(chat, "Q2")
    assert len(listener.told) == 2


def test_listeners_are_told_of_every_change(make_chat):
    chat = make_chat(messages=said("Q1", "A1"))
    listener = Listener(chat)
    chat.listen(listener)
    changes = [
        lambda: setattr(chat, "name", "tutor"),
        lambda: setattr(chat, "system", "S"),
        lambda: chat.configure(seed=7),
        lambda: chat.include(chat.turns[1].id, False),
        lambda: chat.select(chat.turns[0].id),
        chat.undo,
        lambda: setattr(chat, "messages", said("Q")),
        lambda: chat.delete(chat.turns[0].id),
    ]
    for number, change in enumerate(changes, 1):
        change()
        assert [what for what, _ in listener.told] == ["changed"] * number


@pytest.mark.parametrize("method", ["turn_began", "turns_changed", "turn_ended"])
def test_a_listener_that_raises_loses_nothing(make_chat, loopback, monkeypatch, caplog, method):
    chat = make_chat()
    listener, other = Listener(chat), Listener(chat)
    monkeypatch.setattr(listener, method, lambda *_: 1 / 0)
    chat.listen(listener)
    chat.listen(other)
    loopback.send(whole("A1"))
    assert ask(chat, "Q1").text == "A1"
    chat.undo()
    assert other.told == [("began", 0), ("ended", 2), ("changed", 0)]
    assert "could not tell a listener" in caplog.text


def test_no_lock_is_held_while_listeners_are_told(make_chat, loopback, monkeypatch):
    """Another thread can look at the chat and change it meanwhile."""
    chat = make_chat()

    seen: list[int] = []

    def look(*_):
        thread = threading.Thread(target=lambda: seen.append(len(chat.messages)))
        thread.start()
        thread.join(PATIENCE)

    listener = Listener(chat)
    for method in ("turn_began", "turns_changed", "turn_ended"):
        monkeypatch.setattr(listener, method, look)
    chat.listen(listener)
    loopback.send(whole("A1"))
    ask(chat, "Q1")
    chat.undo()
    assert seen == [0, 2, 0]


class HangingSurface(RecordingSurface):
    """Never comes back from one of its methods, until the test lets it."""

    def __init__(self, method: str) -> None:
        super().__init__()
        self.let_go = threading.Event()
        self._method = method

    def draw(self, snapshot: nbs.StreamResult) -> None:
        super().draw(snapshot)
        assert self._method != "draw" or self.let_go.wait()

    def close(self, result: nbs.StreamResult) -> None:
        super().close(result)
        assert self._method != "close" or self.let_go.wait()


@pytest.mark.parametrize("method", ["draw", "close"])
def test_a_surface_that_hangs_for_ever_changes_nothing_for_the_chat(make_chat, loopback, monkeypatch, method):
    cell = RecordingSurface()
    monkeypatch.setattr("nbstream.api.choose_surface", lambda _: cell)
    monkeypatch.setattr("nbstream.streaming.rounds._LEAST_PATIENCE_SECONDS", 0.2)
    chat, hanging = make_chat(), HangingSurface(method)
    listener = Listener(chat, hanging)
    chat.listen(listener)
    loopback.send(whole("Hel", "lo"))
    loopback.send(whole("again"))
    try:
        assert chat.start("Q1").result(PATIENCE).text == "Hello"
        assert texts(chat) == ["Q1", "Hello"]
        assert cell.final is not None
        assert cell.final.text == "Hello"
        assert listener.told == [("began", 0), ("ended", 2)]
        assert ask(chat, "Q2").text == "again"
    finally:
        hanging.let_go.set()


# --- several ----------------------------------------------------------------------------------------------------------


def test_chats_that_stream_at_once_do_not_mix(make_chat, loopback):
    """Each of eight chats asks three times, all at the same time."""

    def echo(received):
        *_, last = received.json["messages"]
        return Answer(chat_body(*(f"{last['content']}." for _ in range(20))), drip=(200, 0.001))

    loopback.respond(echo)
    chats = [make_chat() for _ in range(8)]

    def talk(number):
        for turn in range(3):
            ask(chats[number], f"c{number}t{turn}")

    threads = [threading.Thread(target=talk, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    for number, chat in enumerate(chats):
        expected = [(f"c{number}t{turn}", f"c{number}t{turn}." * 20) for turn in range(3)]
        assert texts(chat) == [text for pair in expected for text in pair]


def test_of_two_threads_that_ask_one_is_told_to_wait(make_chat, loopback):
    chat = make_chat()
    loopback.send(half("Ha"), then="hold")
    barrier = threading.Barrier(4)
    outcomes: list[Any] = []

    def start():
        barrier.wait(PATIENCE)
        try:
            outcomes.append(chat.start("Q", display=False))
        except UsageError:
            outcomes.append(None)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    (handle,) = filter(None, outcomes)
    assert len(outcomes) == 4
    handle.cancel()
    end(handle)
    assert texts(chat)[:1] == ["Q"]
    assert len(chat.turns) == 2


def test_it_says_what_it_is_and_no_more(make_chat, loopback):
    chat = make_chat("secret", name="tutor", api_key="sk-0123456789abcdef")
    assert repr(chat) == "<Chat 'tutor': 0 turns>"
    loopback.send(whole("A1", usage=(1200, 1)))
    ask(chat, "Q1")
    assert repr(chat) == "<Chat 'tutor': 2 turns, 1,201 tokens>"
    assert loopback.requests[-1].headers["authorization"] == "Bearer sk-0123456789abcdef"
    assert "0123456789" not in repr(chat.options)


def test_three_hundred_turns(make_chat, loopback):
    """Every request carries all that was said, in order, and nothing is asked twice."""
    loopback.respond(lambda received: Answer(chat_body(f"A{len(received.json['messages']) // 2}", usage=(1, 1))))
    chat = make_chat("S")
    for number in range(150):
        ask(chat, f"Q{number}")
    assert [len(received.json["messages"]) for received in loopback.requests] == list(range(2, 302, 2))
    assert chat.messages[:-1] == sent(loopback)
    assert chat.usage == nbs.Usage(150, 150, 300)
