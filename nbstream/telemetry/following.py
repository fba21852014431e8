"""Who follows a stream that begins: the log, and OpenTelemetry, where somebody listens to them."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from nbstream.settings.config import settings
from nbstream.telemetry.log import StreamLog

if TYPE_CHECKING:
    from nbstream.streaming.steps import Follower

__all__ = ["followers"]

_log = logging.getLogger("nbstream")


def followers() -> list[Follower]:
    """Those who want to be told of the next stream; usually nobody does, and it costs nothing more."""
    content = settings().log_content
    found: list[Follower] = []
    if StreamLog.wanted():
        found.append(StreamLog(content=content))
    if _is_traced() and (trace := _trace(content=content)) is not None:
        found.append(trace)
    return found


def _trace(*, content: bool) -> Follower | None:
    try:
        from nbstream.telemetry.trace import StreamTrace

        return StreamTrace.wanted(content=content)
    except ImportError:  # other packages share its name, and it is not there itself
        return None
    except Exception:  # noqa: BLE001  whatever an application's providers raise: the stream itself has no part in that
        _log.exception("nbstream could not trace a stream")
        return None


def _is_traced() -> bool:
    """Whether OpenTelemetry is to be told, as far as that can be said without importing it."""
    choice = settings().opentelemetry
    return choice == "on" or (choice == "auto" and "opentelemetry" in sys.modules)
