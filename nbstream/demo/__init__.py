"""The embedded model: an OpenAI-compatible server on loopback with scripted answers, and it says that it is a demo.

It knows nothing of nbstream's other layers: they meet it over HTTP, as they meet any other server.
"""

from __future__ import annotations

from nbstream.demo.pace import Pace
from nbstream.demo.server import DemoServer, demo_server

__all__ = ["DemoServer", "Pace", "demo_server"]
