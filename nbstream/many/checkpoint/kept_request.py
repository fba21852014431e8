"""What every row of a map is asked with, as a checkpoint keeps it: never a key, and no function."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from nbstream.failures import UsageError
from nbstream.many.rows.row_key import RowKeys, host_of
from nbstream.settings.resolution import resolve
from nbstream.text.address import secrets_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbstream.request import StreamRequest

__all__ = ["kept_request", "request_from"]

_PROBE = ({"role": "user", "content": "…"},)
_VALUES = ("system", "temperature", "max_tokens", "as_", "repair", "allow_secrets", "max_retries")
_FUNCTIONS = ("tools", "stages", "stop_when", "moderation", "client", "source")


def kept_request(request: StreamRequest) -> dict[str, Any]:
    """What to keep of a request.

    Args:
        request: It.
    """
    address = request.endpoint.base_url
    has_secrets = bool(secrets_of(address) or urlsplit(address).password)
    params = {name: value for name, value in request.params.items() if _is_json(value)}
    left_out = [name for name in _FUNCTIONS if getattr(request, name)]
    left_out += [name for name in request.params if name not in params]
    return {
        "model": request.model,
        "api": request.api,
        "base_url": None if has_secrets or host_of(request) == "demo" else address,
        "params": params,
        **{name: getattr(request, name) for name in _VALUES},
        "schema": None if request.schema is None else request.schema.given,
        "left_out": left_out + ["base_url"] * has_secrets,
        "key": RowKeys(request).of(_PROBE).hex(),
    }


def request_from(kept: Mapping[str, Any], options: Mapping[str, Any], file: str) -> StreamRequest:
    """The request that was kept, with the keys and the settings of this kernel.

    Args:
        kept: What `kept_request` has returned.
        options: What the caller gives, because it was not kept or is another one: `api_key`, `schema`, `tools`, …
        file: What the checkpoint is called.

    Raises:
        UsageError: Something is missing, or would ask something else.
    """
    names = {"moderation": "moderate"}
    if missing := [name for name in kept["left_out"] if names.get(name, name) not in options]:
        what = ", ".join(names.get(each, each) for each in missing)
        raise UsageError(f"{file} cannot hold {what}; give it once more: nbs.map.resume({file!r}, {missing[0]}=…)")
    given = {name: kept[name] for name in ("model", "api", "base_url", "schema") if kept[name] is not None}
    request = resolve("…", **{**given, **options})
    own = {name: kept[name] for name in _VALUES if name not in options}
    request = replace(request, **own, params={**kept["params"], **request.params})
    if RowKeys(request).of(_PROBE).hex() != kept["key"]:
        told = "another model, parameter, schema or host, or another version of nbstream"
        raise UsageError(f"the rows of {file} would be asked something else now ({told}); call nbs.map again instead")
    return request


def _is_json(value: Any) -> bool:
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return False
    return True
