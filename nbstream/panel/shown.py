"""What a panel shows of a chat: turns as the values that the view draws, and the line of totals."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from nbstream.display.marks import facts_of, mark_of, notes_of
from nbstream.display.segments import segments_of
from nbstream.panel.attachments import attachments_of, text_of
from nbstream.panel.view.panel_state import TurnView
from nbstream.result import StreamState
from nbstream.text.money import shown_cost
from nbstream.text.place import Place

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nbstream.conversation.chat import Chat
    from nbstream.conversation.chat_running import RunningTurn
    from nbstream.conversation.turn import Turn

__all__ = ["ShownTurns", "hint_of", "totals_of"]

Versions: TypeAlias = "Mapping[str, tuple[str, ...]]"

_SHORTEST = 0.05  # 0.0 s would say nothing
_NOT_SENT = "Not part of the conversation."


class ShownTurns:
    """Makes the views of a chat's turns, each once: a turn never changes, it is only replaced."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[Turn, tuple[str, ...], TurnView]] = {}

    def of(self, chat: Chat) -> tuple[tuple[TurnView, ...], str | None]:
        """The turns to show, the exchange in flight included, and the id of the turn that streams."""
        turns, versions, running = chat.overview()
        kept, self._kept = self._kept, {}
        if running is None:
            return tuple(self._view(kept, turn, versions[turn.id]) for turn in turns), None
        before, after = _around(turns, running)
        live = [*_question(running, versions), _answer(running, versions)]
        settled = [[self._view(kept, turn, versions[turn.id]) for turn in part] for part in (before, after)]
        return (*settled[0], *live, *settled[1]), running.id

    def _view(
        self, kept: dict[str, tuple[Turn, tuple[str, ...], TurnView]], turn: Turn, siblings: tuple[str, ...]
    ) -> TurnView:
        found = kept.get(turn.id)
        if found is None or found[0] is not turn or found[1] != siblings:
            found = turn, siblings, _view_of(turn, siblings)
        self._kept[turn.id] = found
        return found[2]


def hint_of(turns: Sequence[TurnView]) -> str:
    """How many of the last exchanges the next message is sent without, if any."""
    answers = [turn.included for turn in turns if turn.role == "assistant"]
    count = len(answers) if not any(answers) else answers[::-1].index(True)
    if not count or turns[-1].role != "assistant":
        return ""
    last = "the last question and its answer" if count == 1 else f"the last {count} questions and their answers"
    return f"Your next message is sent without {last}."


def totals_of(chat: Chat) -> tuple[str, ...]:
    """What the conversation has cost so far, in tokens, time and money, and what of it is no longer sent.

    Versions that are not shown have been paid for, too.
    """
    usage, seconds, cost = chat.spent
    parts = [
        usage and f"{usage.input_tokens:,} tokens in, {usage.output_tokens:,} out",
        _duration(seconds) if seconds >= _SHORTEST else None,
        None if cost is None else shown_cost(cost),
        chat.left_out(),
    ]
    return tuple(part for part in parts if part)


def _duration(seconds: float) -> str:
    return f"{seconds:,.1f} s" if seconds < 60 else f"{seconds // 60:,.0f} min {seconds % 60:.0f} s"


def _around(turns: Sequence[Turn], running: RunningTurn) -> tuple[Sequence[Turn], Sequence[Turn]]:
    """The turns before the exchange in flight, and those after it: there are some only if it continues a turn."""
    ids = [turn.id for turn in turns]
    if running.replaces in ids:
        place = ids.index(running.replaces)
        return turns[:place], turns[place + 1 :]
    return turns[: ids.index(running.parent) + 1] if running.parent in ids else (), ()


def _question(running: RunningTurn, versions: Versions) -> list[TurnView]:
    if running.user is None:
        return []
    view = _view_of(running.user, _with(running.user.id, running.sibling_of, versions))
    return [replace(view, can_edit=False)]  # it is not in the chat yet


def _answer(running: RunningTurn, versions: Versions) -> TurnView:
    begun = running.beginning
    other = None if running.user is not None else running.sibling_of or running.replaces
    return TurnView(
        running.id,
        "assistant",
        text="" if begun is None else begun.text,
        state=str(StreamState.PENDING if begun is None else StreamState.STREAMING),
        siblings=_with(running.id, other, versions),
    )


def _with(turn_id: str, other: str | None, versions: Versions) -> tuple[str, ...]:
    """The versions of a turn that is not in the chat yet."""
    siblings = () if other is None else versions.get(other, ())
    siblings = siblings if turn_id in siblings else (*siblings, turn_id)
    return siblings if len(siblings) > 1 else ()


def _view_of(turn: Turn, siblings: tuple[str, ...]) -> TurnView:
    several = siblings if len(siblings) > 1 else ()
    if turn.role != "assistant":
        return TurnView(
            turn.id,
            turn.role,
            text=text_of(turn.content),
            siblings=several,
            attachments=attachments_of(turn.content),
            can_edit=turn.role == "user",
        )
    # An answer that was not streamed here has no story to tell.
    result = turn.answer
    partial = turn.state is not StreamState.COMPLETED
    cut = result is not None and result.finish_reason in {"length", None}
    return TurnView(
        turn.id,
        turn.role,
        text=turn.text or turn.refusal,
        state=str(turn.state),
        mark=mark_of(result, Place.PANEL) if result else None,
        facts=tuple(facts_of(result)) if result else (),
        reasoning=turn.reasoning,
        body=() if result is None else segments_of(result),
        siblings=several,
        attachments=attachments_of(turn.content),
        included=turn.included,
        can_include=partial and bool(turn.text),
        can_retry=turn.state is StreamState.FAILED,
        can_continue=bool(turn.text or turn.result.tool_runs) and (partial or cut),
        can_regenerate=True,
        note=" ".join([*([] if turn.included else [_NOT_SENT]), *(notes_of(result, Place.PANEL) if result else [])]),
    )
