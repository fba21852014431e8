"""What a request sends: whole exchanges, within the limits."""

import base64

import pytest

from nbstream.conversation.budget import context_of, tokens_of
from nbstream.conversation.conversation import Conversation
from nbstream.conversation.history import Limits, exchanges_of, known_to_server, note_of, outgoing
from nbstream.conversation.messages import messages_to_send
from nbstream.conversation.turn import Turn, answer_turn
from nbstream.result import MediaPart, StreamResult, TextPart, ToolCall, Usage
from tests.conversation.talks import ENDS, answer, question, said, talk, texts
from tests.pictures import drawn

NEW = question("New")
NO_LIMIT = Limits()


def imported(*roles):
    """Turns whose texts are their roles' first letters, numbered."""
    messages = [{"role": role, "content": f"{role[0]}{at}"} for at, role in enumerate(roles)]
    made = Conversation.from_messages(messages)
    system = [Turn("system", "system", made.system)] if made.system else []
    return [*system, *made.tree.path()]


# --- exchanges --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("roles", "groups"),
    [
        ([], []),
        (["user"], [["u0"]]),
        (["user", "assistant", "user"], [["u0", "a1"], ["u2"]]),
        (["assistant", "user", "assistant"], [["a0"], ["u1", "a2"]]),
        (["developer", "assistant", "user"], [["d0", "a1"], ["u2"]]),
        (["user", "user", "assistant", "user"], [["u0", "u1", "a2"], ["u3"]]),
        (["user", "assistant", "tool", "assistant", "user"], [["u0", "a1", "t2", "a3"], ["u4"]]),
        (["user", "assistant", "developer", "user"], [["u0", "a1", "d2"], ["u3"]]),
    ],
    ids=str,
)
def test_an_exchange_is_a_question_with_its_answer(roles, groups):
    assert [texts(group) for group in exchanges_of(imported(*roles))] == groups


def test_an_exchange_that_is_not_included_is_left_out_as_a_whole():
    turns = [question("Q1"), answer("half", "failed"), question("Q2"), answer("A2"), NEW]
    assert texts(outgoing(turns, NO_LIMIT).turns) == ["Q2", "A2", "New"]


def test_an_exchange_of_nothing_but_an_unanswered_call_is_left_out():
    calling = answer("", tool_calls=(ToolCall("c", "f", "{}"),))
    assert texts(outgoing([question("Q1"), calling, NEW], NO_LIMIT).turns) == ["New"]
    result = Turn("t", "tool", "1", extra={"tool_call_id": "c"})
    assert texts(outgoing([question("Q1"), calling, result, NEW], NO_LIMIT).turns) == ["Q1", "", "1", "New"]


# --- limits -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "sent", "left_out"),
    [
        (None, ["Q0", "A0", "Q1", "A1", "Q2", "A2", "New"], 0),
        (3, ["Q0", "A0", "Q1", "A1", "Q2", "A2", "New"], 0),
        (2, ["Q1", "A1", "Q2", "A2", "New"], 1),
        (1, ["Q2", "A2", "New"], 2),
        (0, ["New"], 3),
    ],
)
def test_a_limit_of_turns_drops_the_oldest_exchanges(limit, sent, left_out):
    assert_sent(outgoing([*talk((1, 1), (1, 1), (1, 1)), NEW], Limits(turns=limit)), sent, left_out)


def assert_sent(made, sent, left_out):
    assert (texts(made.turns), made.left_out) == (sent, left_out)


@pytest.mark.parametrize(
    ("limit", "sent", "left_out"),
    [
        (200, ["Q1", "A1", "Q2", "A2", "New"], 1),
        (99, ["Q2", "A2", "New"], 2),
        (9, ["New"], 3),
        (10_000, ["Q0", "A0", "Q1", "A1", "Q2", "A2", "New"], 0),
    ],
)
def test_a_limit_of_tokens_goes_by_what_the_server_counted(limit, sent, left_out):
    """The texts are all the same length; only the server's counts tell the exchanges apart."""
    turns = talk((100, 900), (60, 40), (6, 4), system=50)
    assert_sent(outgoing([*turns, NEW], Limits(tokens=limit)), sent, left_out)


def test_the_tighter_of_two_limits_counts():
    turns = [*talk((1, 1), (1, 1), (1, 1)), NEW]
    assert outgoing(turns, Limits(turns=1, tokens=10_000)).left_out == 2
    assert outgoing(turns, Limits(turns=2, tokens=1)).left_out == 3


def test_what_is_not_included_takes_no_room():
    turns = [*talk((1, 1)), question("Q9"), answer("half", "failed"), NEW]
    assert_sent(outgoing(turns, Limits(turns=1)), ["Q0", "A0", "New"], 0)


def test_instructions_are_never_dropped():
    turns = imported("developer", "user", "assistant", "system", "user", "assistant", "user")
    assert_sent(outgoing(turns, Limits(turns=0)), ["d0", "s3", "u6"], 2)


def test_what_an_assistant_said_first_is_kept():
    turns = imported("assistant", "user", "assistant", "user")
    assert_sent(outgoing(turns, Limits(turns=0)), ["a0", "u3"], 1)


@pytest.mark.parametrize(
    ("left_out", "limits", "note"),
    [
        (0, Limits(turns=20), None),
        (6, Limits(turns=20), "The 6 oldest exchanges are no longer sent (max_turns=20)."),
        (1, Limits(turns=20), "The oldest exchange is no longer sent (max_turns=20)."),
        (2, Limits(tokens=4000), "The 2 oldest exchanges are no longer sent (max_history_tokens=4,000)."),
    ],
)
def test_the_reader_is_told(left_out, limits, note):
    assert note_of(left_out, limits) == note


# --- counting ---------------------------------------------------------------------------------------------------------


def sizes(turns):
    return tokens_of(exchanges_of(turns))


def test_the_growth_of_the_prompt_is_what_an_exchange_takes():
    assert sizes(talk((30, 20), (100, 50), (7, 3), system=1000))[1:] == [150, 10]


def test_thoughts_are_not_sent_again():
    turns = talk((30, 20))
    usage = Usage(57, 500, 557, reasoning_tokens=480)
    turns += [asked := question("Q"), answer("A", context=context_of([turns[-1], asked], turns[-1].context))]
    turns[-1] = answer("A", context=turns[-1].context, usage=usage)
    assert sizes(turns)[1] == 57 + 20 - 50


def test_without_a_report_text_is_measured():
    turns = [Turn("q", "user", "x" * 400), Turn("a", "assistant", "é" * 400)]
    assert sizes(turns) == [100 + 200 + 8]
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 9999}}
    assert sizes([Turn("q", "user", ({"type": "text", "text": "x" * 400}, image))]) == [1104]


def test_an_answer_is_counted_even_if_its_prompt_cannot_be():
    """Another prompt was sent than that of the exchange before, so the difference says nothing."""
    asked = Turn("q", "user", "x" * 400)
    turns = [*talk((30, 20)), asked, answer("A", context="other", usage=Usage(9000, 33, 9033))]
    assert sizes(turns)[1] == 104 + 33


def test_a_server_that_counts_oddly_is_not_believed():
    """Some report only the tokens that were not in their cache."""
    turns = talk((3000, 200))
    asked = Turn("q", "user", "x" * 400)
    context = context_of([turns[-1], asked], turns[-1].context)
    turns += [asked, answer("A", context=context, usage=Usage(12, 33, 45))]
    assert sizes(turns)[1] == 104 + 33


# --- what the server has kept -----------------------------------------------------------------------------------------


def kept(*names, seed="seed"):
    """A conversation whose answers a server has kept."""
    turns = []
    for name in names:
        turns.append(question(f"Q{name}"))
        turns.append(answer(f"A{name}", context=context_of(turns, seed), response_id=f"resp_{name}"))
    return turns


def test_the_last_answer_stands_for_all_before_it():
    assert known_to_server([*kept("1", "2"), NEW], "seed") == ("resp_2", 4)


def test_nothing_is_known_of_a_new_conversation():
    assert known_to_server([NEW], "seed") == (None, 0)


def test_another_server_knows_nothing():
    assert known_to_server([*kept("1", "2"), NEW], "other") == (None, 0)


def test_what_has_changed_since_is_sent_again():
    one, two, three, four, *rest = kept("1", "2", "3")
    assert known_to_server([three, four, *rest, NEW], "seed") == (None, 0)
    assert known_to_server([one, two, *rest, NEW], "seed") == ("resp_1", 2)


def test_an_answer_that_broke_off_was_not_kept():
    turns = kept("1")
    turns.append(question("Q2"))
    turns.append(answer("half", "cancelled", context=context_of(turns, "seed"), response_id="resp_2"))
    assert known_to_server([*turns, NEW], "seed") == ("resp_1", 2)


def test_imported_messages_are_sent():
    turns = Conversation.from_messages(said("Q", "A")).tree.path()
    assert known_to_server([*turns, NEW], "seed") == (None, 0)


# --- images -----------------------------------------------------------------------------------------------------------

PNG = drawn()
SHOWN = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{base64.b64encode(PNG).decode()}"}}


@pytest.mark.parametrize(
    ("parts", "content"),
    [
        ([MediaPart("image", PNG)], [SHOWN]),
        ([TextPart("A cat."), MediaPart("image", PNG)], [{"type": "text", "text": "A cat."}, SHOWN]),
        (
            [MediaPart("image", url="https://a.example/x.png")],
            [{"type": "image_url", "image_url": {"url": "https://a.example/x.png"}}],
        ),
        ([TextPart("A cat."), MediaPart("image", PNG, partial=True)], "A cat."),
        ([TextPart("A cat."), MediaPart("image", b"<svg/>")], "A cat."),
        ([TextPart("Purr."), MediaPart("audio", bytes(8))], "Purr."),
    ],
    ids=str,
)
def test_what_an_answer_shows_is_sent_with_what_it_says(parts, content):
    shown = answer_turn("a", StreamResult(parts=tuple(parts), **ENDS["completed"]))
    sent = messages_to_send(outgoing([question("Draw."), shown, NEW], NO_LIMIT).turns)
    assert [message["content"] for message in sent] == ["Draw.", content, "New"]


def test_an_image_counts_as_tokens():
    shown = answer_turn("a", StreamResult(parts=(MediaPart("image", PNG),), **ENDS["completed"]))
    assert tokens_of([[question("Q"), shown]])[0] >= 1_000
