"""Asks the reader of a blind comparison which answer is the best: a button for each letter.

The page says `choose` with the `name`. It learns who gave which answer only then, in `told`.
"""

from __future__ import annotations

import contextlib
import pathlib
from collections import deque
from typing import TYPE_CHECKING, Any, ClassVar

import anywidget
import traitlets

from nbstream.display.page import packed_code, take_messages_at_once, view_bundle
from nbstream.errors import UsageError
from nbstream.markdown import escaped
from nbstream.text.place import Place

if TYPE_CHECKING:
    from nbstream.display.output import Output
    from nbstream.many.comparison.comparison import Comparison

__all__ = ["ChoiceView"]

_STATIC = pathlib.Path(__file__).parent / "static"
_RESULTS = {Place.COMPARISON: "stream_results"}


class ChoiceView(anywidget.AnyWidget):
    """One comparison's.

    Args:
        comparison: What to choose from.
        output: Where this is shown.
    """

    _esm = packed_code(_STATIC / "choice.js", _STATIC / "choice.css")
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    told = traitlets.Unicode().tag(sync=True)
    _kept: ClassVar[deque[ChoiceView]] = deque(maxlen=20)

    def __init__(self, comparison: Comparison, output: Output) -> None:
        super().__init__(names=list(comparison.names))
        self._comparison, self._output = comparison, output
        take_messages_at_once(self.comm)
        self.on_msg(self._on_page_message)
        comparison.when_chosen(self._tell)

    @classmethod
    def offer(cls, comparison: Comparison, output: Output, place: Place) -> None:
        """Show the question below the answers. A page that is opened later still finds it, if it is one of the last.

        Args:
            comparison: What to choose from.
            output: Where to show it.
            place: Where it is read.
        """
        view = cls(comparison, output)
        if len(cls._kept) == cls._kept.maxlen:
            cls._kept[0].close()
        cls._kept.append(view)
        how = f'{_RESULTS.get(place, "results")}.choose("A")'
        data = {"text/plain": f"Which answer is the best? {how} chooses one, and tells who gave which."}
        output.update({**view_bundle(view.model_id), **data}, {})

    def _on_page_message(self, _: Any, content: dict[str, Any], __: Any) -> None:
        match content:
            case {"type": "choose", "name": str(name)}:
                with contextlib.suppress(UsageError):  # chosen meanwhile, or by a page of another version
                    self._comparison.choose(name)
            case _:
                pass

    def _tell(self, comparison: Comparison) -> None:
        self.told = f"You chose {comparison.choice}."
        shown = f"You chose **{escaped(comparison.choice or '')}**."
        self._output.update({"text/markdown": shown, "text/plain": self.told}, {})
