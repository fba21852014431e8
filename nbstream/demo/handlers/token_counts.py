"""The tokens of a prompt counted, without an answer."""

from __future__ import annotations

from nbstream.demo.handlers.answer import AnswerHandler
from nbstream.demo.responses import Response
from nbstream.demo.script import Script


class TokenCountHandler(AnswerHandler[Response]):
    """Counts the tokens of what would be sent."""

    async def _respond(self) -> None:
        script = Script.of(self._read())
        self.finish_json({"object": "response.input_tokens", "input_tokens": script.input_tokens})
