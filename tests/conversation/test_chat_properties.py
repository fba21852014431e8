"""What holds for a chat whatever is done with it, and however long it grows. Streams end at once, without a network."""

from __future__ import annotations

import json
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nbstream as nbs
from nbstream.errors import ConnectionLostError, UsageError
from nbstream.result import StreamResult, StreamState, Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nbstream.conversation.turn import Turn
    from nbstream.request import StreamRequest

ENDS: dict[str, dict[str, Any]] = {
    "whole": {"state": StreamState.COMPLETED, "finish_reason": "stop", "usage": Usage(10, 5, 15)},
    "cut": {"state": StreamState.COMPLETED, "finish_reason": "length"},
    "stopped": {"state": StreamState.CANCELLED},
    "failed": {"state": StreamState.FAILED, "error": ConnectionLostError("It broke off.")},
}


class Engine:
    """Ends every stream at once, with what it was told to answer."""

    def __init__(self) -> None:
        self.requests: list[StreamRequest] = []
        self.answer: tuple[str, str] = ("whole", "A")

    def launch(
        self, request: StreamRequest, surfaces: Any, beginning: StreamResult | None, resume: Any, commit: Any
    ) -> Any:
        del resume
        self.requests.append(request)
        end, text = self.answer
        surfaces.open(request, lambda: None)
        commit(StreamResult(text=(beginning.text if beginning else "") + text, model=request.model, **ENDS[end]))
        return SimpleNamespace(done=lambda: True)


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with pytest.MonkeyPatch.context() as patch:
        made = Engine()
        patch.setattr("nbstream.conversation.chat.launch", made.launch)
        yield made


def chat_of(*arguments: Any, **options: Any) -> nbs.Chat:
    return nbs.Chat(*arguments, **{"model": "m", "base_url": "http://localhost:9/v1", **options})


# --- whatever is done -------------------------------------------------------------------------------------------------

NUMBERS = st.integers(0, 40)
ANSWERS = st.tuples(st.sampled_from(sorted(ENDS)), st.sampled_from(["", "A", "half a word", "é😀"]))
STEPS = st.one_of(
    st.tuples(st.sampled_from(["ask", "edit", "regenerate", "resume"]), NUMBERS, ANSWERS),
    st.tuples(
        st.sampled_from(["include", "exclude", "delete", "undelete", "select", "undo", "fork", "save", "limit"]),
        NUMBERS,
    ),
)

REMARKS = {
    StreamState.CANCELLED: "\n\n[The user stopped this answer here.]",
    StreamState.FAILED: "\n\n[This answer broke off here.]",
}

DEEDS: dict[str, Callable[[nbs.Chat, str, int], Any]] = {
    "ask": lambda chat, _, number: chat.start(f"Q{number}", display=False),
    "edit": lambda chat, turn, number: chat.edit(turn, f"E{number}", display=False),
    "regenerate": lambda chat, turn, _: chat.regenerate(turn, display=False),
    "resume": lambda chat, turn, _: chat.resume(turn, display=False),
    "include": lambda chat, turn, _: chat.include(turn),
    "exclude": lambda chat, turn, _: chat.include(turn, False),
    "delete": lambda chat, turn, _: chat.delete(turn),
    "undelete": lambda chat, *_: chat.undelete(),
    "select": lambda chat, turn, _: chat.select(turn),
    "undo": lambda chat, *_: chat.undo(),
    "limit": lambda chat, _, number: setattr(chat, "max_turns", number % 5),
    "fork": lambda chat, *_: chat.fork(),
    "save": lambda chat, *_: nbs.Chat.from_dict(json.loads(json.dumps(chat.to_dict()))),
}


def all_turns(chat: nbs.Chat) -> list[Turn]:
    return list(chat.conversation.tree)


def check(chat: nbs.Chat) -> None:
    """The invariants of a tree, of what is saved and of the messages."""
    tree, every = chat.conversation.tree, all_turns(chat)
    assert len({turn.id for turn in every}) == len(every)
    for turn in every:
        siblings = chat.siblings(turn.id)
        assert turn.id in siblings
        assert sum(tree.is_active(sibling) for sibling in siblings) == 1
        assert turn.state.terminal
    before = None
    for turn in chat.turns:
        assert tree.parent(turn.id) == before
        before = turn.id
    assert before is None or not tree.children(before)
    roles = [turn.role for turn in chat.turns]
    assert roles == ["user", "assistant"] * (len(roles) // 2)
    made = chat.to_dict()
    loaded = nbs.Chat.from_dict(json.loads(json.dumps(made)))
    assert loaded.to_dict() == made
    assert [turn.id for turn in loaded.turns] == [turn.id for turn in chat.turns]
    assert (loaded.usage, loaded.seconds, loaded.left_out()) == (chat.usage, chat.seconds, chat.left_out())
    assert chat_of(messages=chat.messages).messages == chat.messages


def check_request(chat: nbs.Chat, answer: str, request: StreamRequest) -> None:
    """The question, and before it the last exchanges that are included, as many as fit."""
    *earlier, question, _ = chat.conversation.tree.path_to(answer)
    pairs = [pair for pair in zip(earlier[::2], earlier[1::2], strict=True) if pair[1].included]
    fitting = len(pairs) if chat.max_turns is None else chat.max_turns
    sent = [turn for pair in pairs[max(len(pairs) - fitting, 0) :] for turn in pair]
    said = [{"role": turn.role, "content": turn.text + REMARKS.get(turn.state, "")} for turn in (*sent, question)]
    assert list(request.messages) == said
    assert all(message["content"] for message in request.messages)


@given(steps=st.lists(STEPS, max_size=25))
@settings(max_examples=150, deadline=None)
def test_whatever_is_done_the_tree_holds_and_what_is_saved_is_what_is_loaded(engine, steps):
    chat = chat_of("S", name="tutor")
    for deed, number, *answer in steps:
        turns = all_turns(chat)
        turn = turns[number % len(turns)].id if turns else "nobody"
        if answer:
            engine.answer = answer[0]
        engine.requests.clear()
        seconds = chat.seconds
        count, path = len(turns), chat.turns
        try:
            outcome = DEEDS[deed](chat, turn, number)
        except UsageError:
            assert (len(all_turns(chat)), chat.turns, engine.requests) == (count, path, [])
        else:
            added = {"ask": 2, "edit": 2, "regenerate": 1}.get(deed, 0)
            assert len(all_turns(chat)) == count + added or deed in {"delete", "undelete", "undo"}
            for request in engine.requests:
                resumed = chat.conversation.answer(turn).id if deed == "resume" else chat.turns[-1].id
                check_request(chat, resumed, request)
            chat = outcome if deed in {"fork", "save"} else chat
            assert chat.seconds >= seconds * (1 - 1e-9)
        check(chat)


@given(
    st.lists(
        st.builds(
            lambda role, content, extra: {"role": role, "content": content, **extra},
            st.sampled_from(["system", "developer", "user", "assistant", "tool"]),
            st.one_of(st.none(), st.text(max_size=9), st.lists(st.just({"type": "text", "text": "x"}), max_size=2)),
            st.sampled_from([{}, {"name": "me"}, {"tool_calls": []}, {"refusal": "No."}, {"refusal": None}]),
        ),
        max_size=9,
    )
)
@settings(max_examples=300, deadline=None)
def test_messages_come_out_as_they_went_in_also_through_a_file(messages):
    chat = nbs.Chat(messages=messages)
    assert chat.messages == messages
    loaded = nbs.Chat.from_dict(json.loads(json.dumps(chat.to_dict())))
    assert loaded.messages == messages
    assert loaded.to_markdown() == chat.to_markdown()


# --- however long it grows --------------------------------------------------------------------------------------------


def test_text_is_never_copied(engine):
    """Of 300 long answers there is one copy, in the turns and in every request."""
    chat = chat_of()
    engine.requests.clear()
    for number in range(150):
        engine.answer = ("whole", f"{number}" + "x" * 10_000)
        chat.start(f"Q{number}", display=False)
    *_, last = engine.requests
    assert len(last.messages) == 299
    for message, turn in zip(last.messages, chat.turns, strict=False):
        assert message["content"] is turn.content
    assert all(one is other for one, other in zip(chat.fork().turns, chat.turns, strict=True))


def seconds(action: Callable[[], Any]) -> float:
    """The least processor time of several tries."""
    tries = []
    for _ in range(5):
        before = time.thread_time()
        action()
        tries.append(time.thread_time() - before)
    return min(tries)


def costs(count: int) -> list[float]:
    """What everything costs that is done for each turn of a chat, or for a chat as a whole."""
    chat = chat_of(messages=[{"role": ("user", "assistant")[at % 2], "content": "x" * 100} for at in range(count)])
    document = chat.to_dict()

    def ask() -> None:
        chat.start("Q", display=False)
        chat.undo()

    actions = (
        *(ask, lambda: chat.turns, lambda: chat.messages, chat.to_dict, lambda: nbs.Chat.from_dict(document)),
        *(chat.fork, chat.left_out, lambda: chat.usage),
    )
    return [seconds(action) for action in actions]


def test_work_grows_with_the_length_and_not_with_its_square(engine):
    """Ten times the turns take about ten times as long; with the square it would be a hundred."""
    engine.answer = ("whole", "A")
    short, long = costs(300), costs(3000)
    ratios = [much / max(little, 1e-5) for little, much in zip(short, long, strict=True)]
    print("3000 turns against 300:", [f"{ratio:.1f}" for ratio in ratios], [f"{1000 * cost:.2f} ms" for cost in long])
    assert max(ratios) < 30
