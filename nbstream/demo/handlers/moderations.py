"""The moderation endpoint."""

from __future__ import annotations

import secrets

from nbstream.demo.errors import ApiError
from nbstream.demo.handlers.api import ApiHandler
from nbstream.demo.moderation import MODELS, result_of, texts_of


class ModerationsHandler(ApiHandler):
    """Says of each text whether it is flagged."""

    def post(self) -> None:
        """Answer."""
        try:
            texts = texts_of(self.json_object())
        except ApiError as error:
            self.refuse(error)
        else:
            made = {"id": f"modr-demo-{secrets.token_hex(12)}", "model": MODELS[0]}
            self.finish_json({**made, "results": [result_of(text) for text in texts]})
