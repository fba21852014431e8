"""What the answer to a row is kept under: the same question to the same model has the same key. Pure."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nbstream.recording.described import described
from nbstream.request import REQUEST_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbstream.request import StreamRequest

__all__ = ["KEY_BYTES", "RowKeys", "host_of", "nameless"]

KEY_BYTES = 16


class RowKeys:
    """Makes the keys of the rows of one map.

    A key stands for what is sent: the prompt that a row's values make, the model, its parameters, the schema, the host
    that is asked, and the version of nbstream's requests. It holds no key of a provider's. What would not change the
    answer is not in it: a column that the prompt does not name, how long an answer may take.

    Args:
        request: What every row is asked with, apart from its messages.

    Example:
        ```python
        keys = RowKeys(resolve("…", model="gpt-5-mini"))
        keys.of(({"role": "user", "content": "Mood of: fine"},)).hex()
        ```
    """

    def __init__(self, request: StreamRequest) -> None:
        self._request = replace(request, messages=())
        asked = {
            "version": REQUEST_VERSION,
            "host": host_of(request),
            "asked": described(self._request),
            "repair": request.repair,
            "as": request.as_,
            "stop_when": nameless(request.stop_when),
            "stages": [nameless(each) for each in request.stages if each is not request.moderation],
            "tools": [nameless(getattr(each, "__wrapped__", each)) for each in request.tools],
        }
        self._base = hashlib.sha256(_canonical(asked).encode())

    def of(self, messages: tuple[Mapping[str, Any], ...]) -> bytes:
        """The key of a row: 16 bytes.

        Args:
            messages: What is asked.
        """
        whole = self._base.copy()
        if len(messages) == 1 and isinstance(content := messages[0].get("content"), str) and len(messages[0]) == 2:
            whole.update(f"\0{messages[0]['role']}\0{content}".encode())
        else:
            asked = described(replace(self._request, messages=messages))
            whole.update(_canonical(asked["messages"]).encode())
        return whole.digest()[:KEY_BYTES]


def host_of(request: StreamRequest) -> str:
    """Where a request goes, as a key says it. The demo server has another port in each kernel."""
    key = request.endpoint.api_key
    return "demo" if key is not None and key.origin == "demo" else request.endpoint.name


def nameless(value: Any) -> Any:
    """What stands for a value in a key: itself if it is a text or a list of them, else the name of the function."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list | tuple):
        return [nameless(each) for each in value]
    code = getattr(value, "__code__", None)
    made_of = ""
    if code is not None:
        plain = [each for each in code.co_consts if isinstance(each, str | int | float | bytes)]
        made_of = hashlib.sha256(code.co_code + repr((code.co_names, plain)).encode()).hexdigest()[:16]
    return f"{type(value).__name__} {getattr(value, '__qualname__', '')} {made_of}".strip()


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
