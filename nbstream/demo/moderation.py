"""What the demo's moderation says of a text. Pure. It flags the names of the categories themselves, as whole words.

So nobody has to write anything bad to see what moderation does: `violence` is flagged for violence.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from nbstream.demo.fields import invalid, missing, optional

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbstream.demo.request import Order

__all__ = ["CATEGORIES", "MODELS", "blocks", "check_moderation", "fails", "moderation_of", "result_of", "texts_of"]

CATEGORIES = ("harassment", "hate", "illicit", "self-harm", "sexual", "violence")
MODELS = ("omni-moderation-latest", "demo")
_MOST_TEXTS = 100
_MODES = {"score", "block"}


def result_of(text: str) -> dict[str, Any]:
    """The result for one text.

    Example:
        >>> result_of("No violence, please.")["categories"]["violence"]
        True
    """
    found = {name: re.search(rf"(?<![\w-]){name}(?![\w-])", text, re.IGNORECASE) is not None for name in CATEGORIES}
    return {
        "flagged": any(found.values()),
        "categories": found,
        "category_scores": {name: 0.99 if flagged else 0.01 for name, flagged in found.items()},
        "category_applied_input_types": {name: ["text"] for name in CATEGORIES},
    }


def texts_of(body: Mapping[str, Any]) -> list[str]:
    """The texts of a request to the moderation endpoint.

    Raises:
        ApiError: It is not a request that the demo answers.
    """
    model = optional(body, "model", str)
    if model is not None and model not in MODELS:
        raise invalid("model", f"Invalid 'model': the demo has {' and '.join(MODELS)}.")
    given = body.get("input")
    if given is None:
        raise missing("input")
    texts = given if isinstance(given, list) else [given]
    texts = [each.get("text") if isinstance(each, dict) else each for each in texts]
    if not texts or len(texts) > _MOST_TEXTS or not all(isinstance(each, str) for each in texts):
        raise invalid("input", f"Invalid 'input': expected a string, or at most {_MOST_TEXTS} of them.")
    return texts


def check_moderation(body: Mapping[str, Any]) -> None:
    """Check the field by which a request asks to be moderated.

    Raises:
        ApiError: It is something else.
    """
    asked = optional(body, "moderation", dict)
    if asked is None:
        return
    if optional(asked, "model", str, "moderation.") not in MODELS:
        raise invalid("moderation.model", f"Invalid 'moderation.model': the demo has {' and '.join(MODELS)}.")
    policy = optional(asked, "policy", dict, "moderation.") or {}
    for name in ("input", "output"):
        half = optional(policy, name, dict, "moderation.policy.")
        if half is not None and half.get("mode") not in _MODES:
            where = f"moderation.policy.{name}.mode"
            raise invalid(where, f"Invalid '{where}': expected score or block.")


def blocks(order: Order, half: str, text: str) -> bool:
    """Whether a request wants what is flagged to be blocked, and this text is."""
    policy = ((order.body.get("moderation") or {}).get("policy") or {}).get(half) or {}
    return policy.get("mode") == "block" and not fails(order) and bool(result_of(text)["flagged"])


def fails(order: Order) -> bool:
    """Whether moderation is to fail, by the demo's own field `"demo": {"moderation": "error"}`."""
    return (order.body.get("demo") or {}).get("moderation") == "error"


def moderation_of(order: Order, text: str, *, listed: bool) -> dict[str, Any] | None:
    """What an answer says of its moderation; `None` if nobody asked for it.

    Args:
        order: The request.
        text: The answer.
        listed: Whether results are in a list, as in a chat completion.
    """
    asked = order.body.get("moderation")
    if not asked:
        return None
    prompt = "\n\n".join(message.text for message in order.messages if message.role != "assistant")
    both = {"input": prompt, "output": text}
    return {name: _half(order, each, asked["model"], listed=listed) for name, each in both.items()}


def _half(order: Order, text: str, model: str, *, listed: bool) -> dict[str, Any]:
    if fails(order):
        return {"type": "error", "code": "moderation_failed", "message": "The request asked the demo to simulate this."}
    result = {"type": "moderation_result", "model": model, **result_of(text)}
    return {"type": "moderation_results", "model": model, "results": [result]} if listed else result
