"""What may be asked through the relay: which models, which fields, which tools. Pure: a body in, a body out."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from nbstream.relay.refused import Refused
from nbstream.text.plain import plain

__all__ = ["COMMON_FIELDS", "Operation", "Policy"]

Operation: TypeAlias = Literal["chat/completions", "responses"]

_EITHER = {"model", "stream", "temperature", "top_p", "tools", "tool_choice", "parallel_tool_calls", "top_logprobs"}
_CHAT = {
    *("messages", "stream_options", "max_tokens", "max_completion_tokens", "stop", "seed", "n", "response_format"),
    *("presence_penalty", "frequency_penalty", "logprobs", "logit_bias", "reasoning_effort", "verbosity"),
}
_RESPONSES = {
    "input",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "text",
    "reasoning",
    "include",
    "truncation",
}

COMMON_FIELDS: dict[Operation, frozenset[str]] = {
    "chat/completions": frozenset(_EITHER | _CHAT),
    "responses": frozenset(_EITHER | _RESPONSES),
}
"""What may be asked without further leave: fields that cost nothing beside tokens, and reach nobody else's data."""

_LIMITS: dict[Operation, tuple[str, ...]] = {
    "chat/completions": ("max_completion_tokens", "max_tokens"),
    "responses": ("max_output_tokens",),
}
_MOST_ANSWERS = 16
_DEEPEST = 40


@dataclass(frozen=True, slots=True)
class Policy:
    """What may be asked.

    Attributes:
        models: Names, or patterns such as `gpt-5-*`. None may be asked if there are none.
        fields: Fields of the request's body beside the common ones.
        tool_types: The types of tools that the provider may be told of; its own ones (`web_search`, …) cost extra.
        max_output_tokens: The most tokens that an answer may be asked to have, and the limit of one that names none.

    Example:
        >>> policy = Policy(("gpt-5-*",))
        >>> policy.checked("chat/completions", {"model": "gpt-5-mini", "messages": []})
        {'model': 'gpt-5-mini', 'messages': []}
        >>> policy.allows("gpt-4")
        False
    """

    models: tuple[str, ...]
    fields: frozenset[str] = frozenset()
    tool_types: frozenset[str] = field(default=frozenset({"function", "custom"}))
    max_output_tokens: int | None = None

    def allows(self, model: str) -> bool:
        """Whether a model may be asked."""
        return any(fnmatch.fnmatchcase(model, pattern) for pattern in self.models)

    def checked(self, operation: Operation, body: Any) -> dict[str, Any]:
        """The body to send on.

        Args:
            operation: What is called.
            body: The body that came, as JSON values.

        Raises:
            Refused: It may not be asked.
        """
        if not isinstance(body, dict):
            raise Refused(400, "The body of the request must be a JSON object.", "invalid_body")
        self._check_model(body.get("model"))
        allowed = COMMON_FIELDS[operation] | self.fields
        for name in body:
            if name not in allowed:
                shown = plain(str(name))[:60]
                raise Refused(400, f"This relay does not allow the field {shown}.", "relay_field", param=shown)
        if "stream" in body and not isinstance(body["stream"], bool):
            raise Refused(400, "stream must be true or false.", "invalid_value", param="stream")
        self._check_tools(body.get("tools"))
        self._check_references(body, 0)
        self._check_number(body.get("n", 1))
        checked = self._limited(operation, body)
        if operation == "chat/completions" and checked.get("stream"):  # or nobody would know what it has cost
            options = checked.get("stream_options")
            checked["stream_options"] = {**(options if isinstance(options, dict) else {}), "include_usage": True}
        return checked

    def _check_model(self, model: Any) -> None:
        if isinstance(model, str) and self.allows(model):
            return
        if not self.models:
            what = "This relay allows no model yet: its configuration has to name some (NBStreamRelay.models)."
            raise Refused(403, what, "relay_no_models")
        shown = plain(model)[:80] if isinstance(model, str) else "without a name"
        what = f"This relay does not allow the model {shown}; it allows {', '.join(self.models)}."
        raise Refused(404, what, "model_not_found", param="model")

    def _check_tools(self, tools: Any) -> None:
        for tool in tools if isinstance(tools, list) else []:
            kind = tool.get("type") if isinstance(tool, dict) else None
            if kind not in self.tool_types:
                what = f"This relay does not allow tools of the type {plain(str(kind))[:60]}."
                raise Refused(400, what, "relay_tool_type", param="tools")

    def _check_references(self, value: Any, depth: int) -> None:
        """Refuse what names something that the provider stores: with one key for all, it may be somebody else's."""
        if depth > _DEEPEST:
            raise Refused(400, "The body of the request is nested too deeply.", "invalid_body")
        if isinstance(value, dict):
            if "file_id" in value and "file_id" not in self.fields:
                raise Refused(400, "This relay does not allow files by their id.", "relay_field", param="file_id")
            if value.get("type") == "item_reference" and "item_reference" not in self.fields:
                raise Refused(
                    400, "This relay does not allow items by their id.", "relay_field", param="item_reference"
                )
            value = list(value.values())
        if isinstance(value, list):
            for each in value:
                if isinstance(each, dict | list):
                    self._check_references(each, depth + 1)

    def _check_number(self, number: Any) -> None:
        if number is not None and (not isinstance(number, int) or isinstance(number, bool) or number > _MOST_ANSWERS):
            raise Refused(400, f"n must be a whole number, {_MOST_ANSWERS} at most.", "invalid_value", param="n")

    def _limited(self, operation: Operation, body: dict[str, Any]) -> dict[str, Any]:
        """The body, with no higher limit of tokens than the one that is set."""
        most, names = self.max_output_tokens, _LIMITS[operation]
        given = [name for name in names if body.get(name) is not None]
        for name in given:
            limit = body[name]
            if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
                raise Refused(400, f"{name} must be a whole number above 0.", "invalid_value", param=name)
            if most is not None and limit > most:
                what = f"This relay allows answers of at most {most:,} tokens, and {name} is {limit:,}."
                raise Refused(400, what, "relay_token_limit", param=name)
        return dict(body) if most is None or given else {**body, names[0]: most}
