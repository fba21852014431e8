"""The relay as a service of JupyterHub, which says who asks: `python -m nbstream.relay.hub --config FILE`.

It is a process of its own, so its key is where no user's code runs. The hub starts it and tells it in the environment
where it is and what it identifies itself with. `jupyterhub_config.py` beside this file is an example.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import signal
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from jupyterhub.services.auth import HubAuth
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.httpserver import HTTPServer
from tornado.web import Application, HTTPError
from traitlets import Unicode
from traitlets.config import Application as ConfiguredApplication

from nbstream.relay.handlers import relay_routes
from nbstream.relay.limits import Caller
from nbstream.relay.refused import Refused
from nbstream.relay.settings import NBStreamRelay

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbstream.relay.handlers import RelayHandler

__all__ = ["HubCallers", "RelayService"]

_TOKEN = re.compile(r"(?:bearer|token)\s+(\S+)\s*\Z", re.IGNORECASE)
_SECONDS = 60
"""So long a token and the groups of a user are taken to be what they were."""

_MOST_KNOWN = 10_000
_LARGEST_REQUEST = 64 * 1024 * 1024


class HubCallers:
    """Asks the hub who has a token, and in which groups that user is.

    The groups come by the service's own token: a user can make tokens that do not tell them, and must not thereby get
    out of a group's limits.

    Args:
        hub: Asks the hub.
    """

    def __init__(self, hub: HubAuth | None = None) -> None:
        self._hub = hub or HubAuth(cache_max_age=_SECONDS)
        self._groups: dict[str, tuple[float, tuple[str, ...]]] = {}

    async def of(self, authorization: str) -> Caller:
        """The user of a request.

        Args:
            authorization: Its header.

        Raises:
            Refused: The hub does not know the token, or it may not be used here.
        """
        found = _TOKEN.match(authorization)
        if found is None:
            raise _unknown()
        try:
            user = await self._hub.user_for_token(found.group(1), sync=False)
        except HTTPError:
            raise Refused(503, "JupyterHub does not answer, so nobody is known.", "relay_hub") from None
        if not isinstance(user, dict) or user.get("kind") != "user" or not isinstance(user.get("name"), str):
            raise _unknown()
        if not self._hub.check_scopes(self._hub.access_scopes, user):
            raise Refused(403, "JupyterHub does not let this token use the relay.", "relay_identity")
        return Caller(user["name"], await self._groups_of(user["name"]))

    async def _groups_of(self, name: str) -> tuple[str, ...]:
        at, groups = self._groups.get(name, (-_SECONDS, ()))
        if time.monotonic() < at + _SECONDS:
            return groups
        asked = HTTPRequest(
            f"{self._hub.api_url}/users/{quote(name, safe='')}",
            headers={"Authorization": f"token {self._hub.api_token}"},
            ca_certs=self._hub.client_ca or None,
            client_key=self._hub.keyfile or None,
            client_cert=self._hub.certfile or None,
        )
        try:
            user = json.loads((await AsyncHTTPClient().fetch(asked)).body)
            groups = tuple(map(str, user["groups"]))
        except (HTTPClientError, OSError, ValueError, KeyError, TypeError):
            what = "The relay cannot read groups from JupyterHub; its role needs read:users:groups."
            raise Refused(503, what, "relay_hub", retry=False) from None
        if len(self._groups) >= _MOST_KNOWN:
            self._groups.clear()
        self._groups[name] = (time.monotonic(), groups)
        return groups


def _unknown() -> Refused:
    return Refused(403, "JupyterHub does not know who asks; its token is missing or wrong.", "relay_identity")


class RelayService(ConfiguredApplication):
    """The program."""

    name = "nbstream-relay"
    description = "A relay that holds the key to a provider, as a service of JupyterHub."
    config_file = Unicode(help="Its configuration: a Python file with c.NBStreamRelay.… = ….").tag(config=True)
    aliases = {"config": "RelayService.config_file"}  # noqa: RUF012  traitlets' way
    classes = [NBStreamRelay]  # noqa: RUF012  traitlets' way

    def initialize(self, argv: Sequence[str] | None = None) -> None:
        """Read the command line and the configuration."""
        super().initialize(None if argv is None else list(argv))
        if self.config_file:
            folder, name = os.path.split(os.path.abspath(self.config_file))  # noqa: PTH100  what is given may be a link
            self.load_config_file(name, path=folder)
        self.log.setLevel(logging.INFO)

    def start(self) -> None:
        """Serve until the hub ends the process."""
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        where = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
        relay, callers = NBStreamRelay(parent=self).relay(), HubCallers()

        def derived(handler: type[RelayHandler]) -> type[RelayHandler]:
            class Derived(handler):  # type: ignore[misc, valid-type]
                async def caller(self) -> Caller:
                    return await callers.of(self.request.headers.get("Authorization", ""))

            return Derived

        routes: list[Any] = relay_routes(f"{os.environ['JUPYTERHUB_SERVICE_PREFIX'].rstrip('/')}/v1", relay, derived)
        server = HTTPServer(Application(routes), max_body_size=_LARGEST_REQUEST)
        server.listen(where.port or 80, where.hostname or "127.0.0.1")
        await relay.prepare()
        self.log.info("relay: %s for %s", relay.endpoint.name, ", ".join(relay.policy.models) or "no model")
        ended = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
        await ended.wait()
        server.stop()
        await server.close_all_connections()
        await relay.close()


if __name__ == "__main__":
    RelayService.launch_instance()
