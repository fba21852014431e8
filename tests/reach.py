"""What a debugger or a crash report can reach from an object: everything but modules and classes."""

from __future__ import annotations

import gc
import sys
import types
from typing import Any

__all__ = ["holders_of"]

_LEFT_OUT = types.ModuleType | type


def holders_of(secret: str, *roots: object) -> list[str]:
    """How to get from the roots to each text that holds the secret: the types of the objects on the way."""
    plain = secret.encode()
    namespaces = {id(vars(module)) for module in list(sys.modules.values()) if isinstance(module, types.ModuleType)}
    seen: dict[int, Any] = {id(root): root for root in roots}
    came_from: dict[int, int] = {}
    found, todo = [], list(roots)
    while todo:
        at = todo.pop(0)
        if (isinstance(at, str) and secret in at) or (isinstance(at, bytes | bytearray) and plain in at):
            found.append(_way_to(at, came_from, seen))
            continue
        for each in gc.get_referents(at):
            if id(each) not in seen and id(each) not in namespaces and not isinstance(each, _LEFT_OUT):
                seen[id(each)] = each
                came_from[id(each)] = id(at)
                todo.append(each)
    return found


def _way_to(at: Any, came_from: dict[int, int], seen: dict[int, Any]) -> str:
    way = [type(at).__name__]
    step = id(at)
    while step in came_from:
        step = came_from[step]
        kind = type(seen[step])
        way.append(f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins."))
    return " < ".join(way)
