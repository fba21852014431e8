"""The one model there is, as the models API describes it."""

from __future__ import annotations

from typing import Any

from nbstream.demo.errors import unknown_model
from nbstream.demo.handlers.api import ApiHandler
from nbstream.demo.request import MODEL


def model_object() -> dict[str, Any]:
    """The demo as the models API describes it."""
    return {"id": MODEL, "object": "model", "created": 0, "owned_by": "nbstream"}


class ModelsHandler(ApiHandler):
    """The list of models."""

    def get(self) -> None:
        """List the one there is."""
        self.finish_json({"object": "list", "data": [model_object()]})


class ModelHandler(ApiHandler):
    """One model."""

    def get(self, model: str) -> None:
        """Describe the demo, and nothing else."""
        if model == MODEL:
            self.finish_json(model_object())
        else:
            self.refuse(unknown_model(model))
