"""Takes the channels of gpt-oss out of an answer that a server has left as the model writes it.

Such an answer is a row of messages, each with a header: `<|start|>assistant<|channel|>final<|message|>Hello<|end|>`;
the first one lacks its start. What is said in the channel `analysis` is reasoning. Messages are paragraphs. A call of a
tool, whose header names the tool, is shown as it is. Source: OpenAI's description of the "harmony" response format.

Some servers leave out the marks and keep the words between them: `analysisWe greet.assistantfinalHello`.
"""

from __future__ import annotations

import re

from nbstream.assembly.split import Split, Where
from nbstream.parts import PARAGRAPH_BREAK

__all__ = ["ANALYSIS", "BEGINNINGS", "BareChannels", "Channels", "begins_bare_channel", "begins_channel"]

BEGINNINGS = ("<|channel|>", "<|start|>assistant")
"""How such an answer begins."""

ANALYSIS = "analysis"
"""How one begins whose marks are left out; a capital follows, because a sentence does."""

_FINAL = "assistantfinal"

_HEADER = re.compile(r"(?:<\|start\|>[^<]*)?<\|channel\|>([^<]*)(?:<\|constrain\|>[^<]*)?<\|message\|>")
_LONGEST_HEADER = 256
_ENDS = ("<|end|>", "<|return|>", "<|call|>", "<|start|>", "<|channel|>")
_END = re.compile("|".join(map(re.escape, _ENDS)))
_LONGEST_END = max(map(len, _ENDS))


def begins_channel(text: str) -> bool:
    """Whether an answer that begins so has channels."""
    return text.startswith(BEGINNINGS)


def begins_bare_channel(text: str) -> bool:
    """Whether an answer that begins so may have channels without marks."""
    return text.startswith(ANALYSIS) and text[len(ANALYSIS) :][:1].isupper()


class BareChannels:
    """Splits the pieces of one answer that may have channels without marks; until that is clear, it is text.

    Example:
        >>> channels = BareChannels()
        >>> [(part.where.value, part.text) for part in channels.split("analysisHm.assistantfinalYes")]
        [('text', 'analysisHm.'), ('channel', ''), ('text', 'Yes')]
    """

    def __init__(self) -> None:
        self._held = ""
        self.is_in_text = False

    @property
    def holds(self) -> bool:
        """Whether the last piece ended in what may be the beginning of the word that begins the answer."""
        return bool(self._held)

    def split(self, piece: str) -> list[Split]:
        """Take the next piece and say where its parts belong."""
        if self.is_in_text:
            return [Split(Where.TEXT, piece)]
        thought, mark, said = (self._held + piece).partition(_FINAL)
        self._held = ""
        if mark:
            self.is_in_text = True
            parts = [Split(Where.TEXT, thought), Split(Where.CHANNEL, ""), Split(Where.TEXT, said)]
            return [part for part in parts if part.text or part.where is Where.CHANNEL]
        cut = next((size for size in range(len(_FINAL) - 1, 0, -1) if thought.endswith(_FINAL[:size])), 0)
        if cut:
            thought, self._held = thought[:-cut], thought[-cut:]
        return [Split(Where.TEXT, thought)] if thought else []

    def close(self) -> list[Split]:
        """Nothing follows here: what looked like the beginning of the word was not one."""
        held, self._held = self._held, ""
        return [Split(Where.TEXT, held)] if held else []


class Channels:
    """Splits the pieces of one answer.

    Example:
        >>> pieces = "<|channel|>analysis<|mess", "age|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Yes"
        >>> channels = Channels()
        >>> [(part.where.value, part.text) for piece in pieces for part in channels.split(piece)]
        [('reasoning', 'Hm.'), ('text', 'Yes')]
    """

    def __init__(self) -> None:
        self._where: Where | None = None  # nowhere between two messages
        self._held = ""
        self._said: set[Where] = set()  # where something has been said
        self._begins = False

    @property
    def holds(self) -> bool:
        """Whether the last piece ended in what may be the beginning of a mark."""
        return bool(self._held)

    @property
    def is_in_text(self) -> bool:
        """Whether the answer itself is being said."""
        return self._where is Where.TEXT

    def split(self, piece: str) -> list[Split]:
        """Take the next piece and say where its parts belong."""
        rest, self._held = self._held + piece, ""
        parts: list[Split] = []
        while rest:
            rest = self._between(rest, parts) if self._where is None else self._within(rest, self._where, parts)
        return parts

    def close(self) -> list[Split]:
        """Nothing follows: what looked like the beginning of a mark was not one."""
        held, self._held = self._held, ""
        return [Split(self._where or Where.TEXT, held)] if held.strip() else []

    # Each of these takes the rest of a piece and returns what is left.

    def _between(self, rest: str, parts: list[Split]) -> str:
        beginning = rest.lstrip()
        if header := _HEADER.match(beginning):
            name = header[1].strip()
            self._begins = True
            if " " in name:  # the tool that is called
                self._say(Where.TEXT, header[0], parts)
            self._where = Where.REASONING if name == "analysis" else Where.TEXT
            return beginning[header.end() :]
        marks = ("<|start|>", "<|channel|>")
        may_be = beginning.startswith(marks) or any(mark.startswith(beginning) for mark in marks)
        if may_be and len(beginning) < _LONGEST_HEADER:
            self._held = rest
            return ""
        self._where = Where.TEXT
        if beginning.startswith(marks):  # or it would end the text at once
            self._say(Where.TEXT, beginning[:1], parts)
            return beginning[1:]
        return rest

    def _within(self, rest: str, where: Where, parts: list[Split]) -> str:
        end = _END.search(rest)
        said, left = (rest, "") if end is None else (rest[: end.start()], rest[end.end() :])
        if end is not None:
            self._where = None
            left = end[0] + left if end[0] in BEGINNINGS or end[0] == "<|start|>" else left
        else:
            start = rest.rfind("<", -_LONGEST_END + 1)
            if start >= 0 and any(mark.startswith(rest[start:]) for mark in _ENDS):
                said, self._held = rest[:start], rest[start:]
        self._say(where, said, parts)
        return left

    def _say(self, where: Where, said: str, parts: list[Split]) -> None:
        if not said:
            return
        parts.append(Split(where, PARAGRAPH_BREAK + said if self._begins and where in self._said else said))
        self._begins = False
        self._said.add(where)
