"""The relay as an extension of Jupyter's server, which says who asks."""

from __future__ import annotations

import getpass
import hmac
import os
import secrets
from functools import partial
from typing import TYPE_CHECKING, Any

from jupyter_server.auth import IdentityProvider, PasswordIdentityProvider, User
from jupyter_server.auth.decorator import authorized
from jupyter_server.auth.identity import LegacyIdentityProvider
from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado.ioloop import IOLoop
from tornado.web import authenticated

from nbstream.relay.handlers import relay_routes
from nbstream.relay.limits import Caller
from nbstream.relay.refused import Refused
from nbstream.relay.settings import NBStreamRelay
from nbstream.settings.jupyter_relay import RELAY_PATH, TOKEN_VARIABLE

if TYPE_CHECKING:
    from nbstream.relay.handlers import RelayHandler

__all__ = ["load"]

_NO_NAMES = (IdentityProvider, PasswordIdentityProvider, LegacyIdentityProvider)
"""They make up a name for whoever has the token, another one each time; behind it is the one user of the server."""


def load(server: Any) -> None:
    """Add the relay to a server.

    Args:
        server: The `ServerApp`.
    """
    settings = NBStreamRelay(parent=server)
    relay = settings.relay()
    own = ""
    if type(server.identity_provider) in _NO_NAMES:
        own = os.environ[TOKEN_VARIABLE] = secrets.token_hex(32)
    base = url_path_join(server.web_app.settings["base_url"], RELAY_PATH)
    server.web_app.add_handlers(".*$", relay_routes(base, relay, partial(_derived, own)))
    IOLoop.current().add_callback(relay.prepare)
    server.log.info(
        "nbstream relay | %s at %s for %s", relay.endpoint.name, base, ", ".join(settings.models) or "no model"
    )


def _derived(own: str, handler: type[RelayHandler]) -> type[RelayHandler]:
    """A handler that Jupyter tells who asks, and that Jupyter's authorizer is asked about.

    Kernels of a server with a password have no token of Jupyter's, so the relay gives them one, for itself alone.

    Args:
        own: That token, which is in the environment that kernels inherit; empty where users have names.
        handler: What to derive from.
    """

    class Derived(handler, APIHandler):  # type: ignore[misc, valid-type]
        auth_resource = "nbstream"

        async def prepare(self, **named: Any) -> None:
            given = self.request.headers.get("Authorization", "").removeprefix("Bearer ")
            if own and hmac.compare_digest(given.encode(), own.encode()):
                self.current_user = self._jupyter_current_user = User(username=getpass.getuser())
            else:
                await super().prepare(**named)

        async def caller(self) -> Caller:
            provider = self.identity_provider
            if type(provider) in _NO_NAMES:
                return Caller(getpass.getuser())
            user = self.current_user
            name = getattr(user, "username", None)
            if not isinstance(name, str) or not name:
                raise Refused(403, "Jupyter does not say who asks.", "relay_identity")
            return Caller(name, _groups_of(user))

        def finish(self, *pieces: Any, **named: Any) -> Any:
            """Leave the type of the content what it is; Jupyter's own handlers call everything JSON."""
            named.setdefault("set_content_type", self._headers.get("Content-Type", "application/json"))
            return super().finish(*pieces, **named)

    for method in ("get", "post"):
        if (answering := handler.__dict__.get(method)) is not None:
            setattr(Derived, method, authenticated(authorized(answering)))
    return Derived


def _groups_of(user: Any) -> tuple[str, ...]:
    """The groups that JupyterHub knows of a user, where its identity provider hands them over."""
    model = getattr(user, "hub_user", None)
    groups = model.get("groups") if isinstance(model, dict) else getattr(user, "groups", None)
    return tuple(map(str, groups)) if isinstance(groups, list | tuple) else ()
