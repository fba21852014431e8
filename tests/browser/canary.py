"""What a page does that no answer may make it do: code that runs, requests, windows, navigation, foreign elements.

Knows browsers and payload numbers, not nbstream.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from nbstream.testing import Answer, FaultServer
from tests.real_jupyter import FOREIGN_HOST

if TYPE_CHECKING:
    from collections.abc import Iterable

    from playwright.sync_api import Dialog, Frame, Page, Request

    from tests.payloads import Payload

__all__ = ["END", "Canary", "numbers"]

END = "end of the answer"
_PROBE = (Path(__file__).parent / "probe.js").read_text(encoding="utf-8")


class Canary:
    """Watches one page and all windows it opens.

    Args:
        page: The page, before it has loaded anything.
        server: What payloads ask for; nobody else asks it for anything.

    Attributes:
        ran: Numbers of the payloads whose code has run.
        visits: Addresses that were asked for, opened or gone to, each after the word for it.
    """

    def __init__(self, page: Page, server: FaultServer) -> None:
        self.page = page
        self.ran: set[int] = set()
        self.visits: list[tuple[str, str]] = []
        self._server = server
        self._asked = 0
        server.respond(lambda _: Answer("", status=204, headers={"access-control-allow-origin": "*"}))
        page.context.expose_function("__ran", self._on_run)
        page.context.on("request", self._on_request)
        page.context.on("page", lambda opened: self.visits.append(("window", opened.url)))
        page.on("dialog", self._on_dialog)
        page.on("framenavigated", self._on_navigation)

    @property
    def address(self) -> str:
        """Host and port of the server that must not be asked: its name is a foreign one, to which links may lead."""
        return f"{FOREIGN_HOST}:{urlsplit(self._server.base_url).port}"

    def armed(self, payloads: Iterable[Payload]) -> str:
        """Return an answer with these payloads, each below its number, and at its end `END` and a formula."""
        texts = [f"Answer {payload.number}\n\n{payload.armed(self.address)}" for payload in payloads]
        return "\n\n".join([*texts, f"{END} $x^2$"])

    def begin(self) -> None:
        """Forget what happened so far, such as loading the page, and remember how the page looks."""
        self.forget()
        self.remember()

    def forget(self) -> None:
        """Forget what happened so far."""
        self.ran.clear()
        self.visits.clear()
        self._asked = self._server.connections

    def remember(self) -> None:
        """Remember how the page looks."""
        self.page.evaluate(f"({_PROBE}).begin()")

    def asked(self) -> set[int]:
        """Numbers of the payloads that have asked the server for something."""
        found = (re.search(rf"{re.escape(self.address)}/(\d+)", url) for _, url in self.visits)
        return {int(match[1]) for match in found if match}

    def poke(self, selector: str) -> list[str]:
        """Touch everything in the elements that show answers, and return what is there or about that must not be.

        Args:
            selector: Finds the elements, one for each answer.
        """
        found: list[str] = self.page.evaluate(f"(selector) => ({_PROBE}).poke(selector)", selector)
        return found

    def misdeeds(self, own: tuple[str, ...]) -> list[str]:
        """What has happened since `forget`; what begins like one of `own` is the page's.

        Args:
            own: Beginnings of addresses.
        """
        connections = self._server.connections - self._asked
        return [
            *(f"payload {number} ran" for number in sorted(self.ran)),
            *(f"{what} {url}" for what, url in self.visits if not url.startswith((*own, "data:", "blob:"))),
            *([f"{connections} connections to the server of the payloads"] if connections else []),
        ]

    def _on_run(self, number: int) -> None:
        self.ran.add(number)

    def _on_request(self, request: Request) -> None:
        self.visits.append(("request", request.url))

    def _on_dialog(self, dialog: Dialog) -> None:
        if dialog.type == "beforeunload":  # the test itself goes on to the next page
            dialog.accept()
            return
        self.visits.append(("dialog", dialog.message))
        dialog.dismiss()

    def _on_navigation(self, frame: Frame) -> None:
        self.visits.append(("navigation", frame.url))


def numbers(findings: list[str]) -> set[int]:
    """Numbers of the payloads that findings of `Canary.poke` name."""
    matches: list[Any] = [re.match(r"payload (\d+):", finding) for finding in findings]
    return {int(match[1]) for match in matches if match}
