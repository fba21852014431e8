"""Doubles for tests of notebooks and of programs that stream: both ends of a stream, and time.

    FaultServer         real HTTP on loopback, byte by byte; `chat_body`, `error_frame`, … make bytes to send
    ScriptedBatches     files and batches for it
    ScriptedStream      a stream made of events; `play` runs a real session over it, in virtual time
    ScriptedBytes       the same one layer below: a response made of pieces of bytes, decoded as a real one is
    recorded            the answer of a recording
    RecordingSurface    remembers what it was asked to draw
    ManualClock         stands still until it is advanced

As pytest fixtures: `pytest_plugins = ["nbstream.testing.fixtures"]`.
"""

from __future__ import annotations

from nbstream.testing.answers import Answer, Received
from nbstream.testing.batches import ScriptedBatches
from nbstream.testing.bodies import (
    DONE,
    chat_body,
    chat_chunk,
    error_body,
    error_frame,
    frame,
    responses_body,
    whole_chat,
)
from nbstream.testing.recorded import recorded
from nbstream.testing.script import ScriptedAttempts, ScriptedStream, play
from nbstream.testing.scripted_bytes import ScriptedBytes
from nbstream.testing.server import FaultServer
from nbstream.testing.surface import RecordingSurface
from nbstream.testing.virtual_time import LoopClock, ManualClock, VirtualLoop, run_virtually

__all__ = [
    "DONE",
    "Answer",
    "FaultServer",
    "LoopClock",
    "ManualClock",
    "Received",
    "RecordingSurface",
    "ScriptedAttempts",
    "ScriptedBatches",
    "ScriptedBytes",
    "ScriptedStream",
    "VirtualLoop",
    "chat_body",
    "chat_chunk",
    "error_body",
    "error_frame",
    "frame",
    "play",
    "recorded",
    "responses_body",
    "run_virtually",
    "whole_chat",
]
