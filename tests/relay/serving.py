"""A relay in a thread of this process, for users whose tokens are their names: `Bearer token-of-ada`."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application

from nbstream.relay.handlers import relay_routes
from nbstream.relay.limits import Caller
from nbstream.relay.refused import Refused
from nbstream.relay.settings import NBStreamRelay

if TYPE_CHECKING:
    from typing import Self

    from nbstream.relay.handlers import RelayHandler
    from nbstream.relay.relay import Relay

GROUPS = {"ada": ("teachers",), "bob": ("students",)}


def known(handler: type[RelayHandler]) -> type[RelayHandler]:
    class Derived(handler):  # type: ignore[misc, valid-type]
        async def caller(self) -> Caller:
            name = self.request.headers.get("Authorization", "").removeprefix("Bearer token-of-")
            if name not in GROUPS:
                raise Refused(403, "Nobody is known by this token.", "relay_identity")
            return Caller(name, GROUPS[name])

    return Derived


class RelayServer:
    """Serves a relay while the `with` block runs."""

    def __init__(self, **settings: Any) -> None:
        self._settings = settings
        self._ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event, int]] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self.relay: Relay

    def __enter__(self) -> Self:
        self._thread.start()
        self._loop, self._halted, port = self._ready.result()
        self.base_url = f"http://127.0.0.1:{port}/nbstream/v1"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._halted.set)
        self._thread.join()

    async def _serve(self) -> None:
        self.relay = NBStreamRelay(**self._settings).relay()
        server = HTTPServer(Application(relay_routes("/nbstream/v1", self.relay, known)))
        sockets = bind_sockets(0, "127.0.0.1")
        server.add_sockets(sockets)
        halted = asyncio.Event()
        self._ready.set_result((asyncio.get_running_loop(), halted, sockets[0].getsockname()[1]))
        await halted.wait()
        server.stop()
        await server.close_all_connections()
        await self.relay.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)
