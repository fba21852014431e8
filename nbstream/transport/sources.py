"""Lists of sources that some servers send beside `choices`: `citations` and `search_results`, as Perplexity does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbstream.transport.fields import annotated, text_or_none

if TYPE_CHECKING:
    from nbstream.events import Annotated

__all__ = ["SourceLists"]

_LISTS = ("citations", "search_results")


class SourceLists:
    """Takes each source once: the lists come again with every chunk, and some only with the last."""

    def __init__(self) -> None:
        self._known: dict[str, bool] = {}  # whether the title of this address has been told

    def take(self, payload: dict[str, Any]) -> list[Annotated]:
        """The citations that are new in a chunk, in the order of `citations`, whose places an answer refers to.

        Example:
            >>> lists = SourceLists()
            >>> found = {"url": "https://a.example", "title": "A"}
            >>> chunk = {"citations": ["https://a.example"], "search_results": [found]}
            >>> [each.annotation["title"] for each in lists.take(chunk)], lists.take(chunk)
            (['A'], [])
        """
        titles: dict[str, str | None] = {}
        for name in _LISTS:
            given = payload.get(name)
            for source in given if isinstance(given, list) else ():
                fields = source if isinstance(source, dict) else {"url": source}
                if url := text_or_none(fields.get("url")):
                    titles[url] = titles.get(url) or text_or_none(fields.get("title"))
        events = []
        for url, title in titles.items():
            if self._known.get(url, False) or (url in self._known and title is None):
                continue
            self._known[url] = title is not None
            events.append(annotated({"type": "url_citation", "url": url, **({"title": title} if title else {})}))
        return events
