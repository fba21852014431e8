"""Where a call goes: endpoint, key, API and model, from options, then settings, then the environment, then defaults.

A key goes only to the endpoint it was given with: `OPENAI_API_KEY` to api.openai.com or `OPENAI_BASE_URL`, the
`api_key` setting to the `base_url` setting. A shared notebook that names another server must not collect keys.
"""

from __future__ import annotations

import inspect
import os
from typing import TYPE_CHECKING, Any, cast

from nbstream.errors import UsageError
from nbstream.remedies import Remedy, RemedyKind
from nbstream.request import EMBEDDED_URL, OPENAI_BASE_URL, Endpoint, SizeLimits, Target, TimeLimits
from nbstream.settings.capabilities import capabilities_of
from nbstream.settings.credential import Credential
from nbstream.settings.jupyter_relay import find_relay
from nbstream.settings.key_sources import FileKey, FunctionKey, KeyringKey, keyring_installed
from nbstream.settings.key_store import server_of
from nbstream.settings.named_endpoint import NamedEndpoint
from nbstream.text.address import JUPYTER, Address, address_from, same_server
from nbstream.text.key_function import KeyFunction
from nbstream.text.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from openai import AsyncOpenAI

    from nbstream.request import Api
    from nbstream.settings.config import NBStream
    from nbstream.settings.credential import Origin

__all__ = [
    "ADDRESS_VARIABLE",
    "DEMO_MODEL",
    "KEY_FILE_VARIABLE",
    "KEY_VARIABLE",
    "chosen_model",
    "current_address",
    "no_model",
    "resolve_target",
    "target_options",
]

_UNNAMED = NamedEndpoint("")

DEMO_MODEL = "demo"
KEY_VARIABLE = "OPENAI_API_KEY"
KEY_FILE_VARIABLE = "OPENAI_API_KEY_FILE"
ADDRESS_VARIABLE = "OPENAI_BASE_URL"

_TARGET_OPTIONS = ("model", "api", "base_url", "api_key", "client", "on")


def resolve_target(
    config: NBStream,
    *,
    model: str | None = None,
    api: Api | None = None,
    base_url: str | None = None,
    api_key: str | Secret | Callable[[], Any] | None = None,
    client: AsyncOpenAI | None = None,
    on: str | NamedEndpoint | None = None,
) -> Target:
    """Resolve where a call goes, before anything is asked.

    Returns:
        The target; its `model` is `None` where none is chosen and the endpoint has no default.

    Raises:
        UsageError: An address or an option is invalid.

    Example:
        >>> from nbstream.settings.config import settings
        >>> resolve_target(settings(), base_url="http://localhost:11434/v1", model="llama3.2").api
        'chat'
    """
    _check_client(client)
    named = _named_alone(config, on, base_url=base_url, api_key=api_key, client=client)
    model, api, base_url = model or named.model, api or named.api, base_url or named.base_url
    chosen, named_api = chosen_model(config, model), None
    if client is not None:
        endpoint = Endpoint(str(client.base_url), _credential(client.api_key, "client"))
    elif chosen == DEMO_MODEL and base_url is None:
        endpoint = _demo_endpoint()
    elif current_address(config, base_url) == JUPYTER:
        endpoint = _relay_endpoint()
    else:
        address = _address(config, base_url)
        key = _credential_of(config, address.base_url, named) or _credential_given(config, address.base_url, api_key)
        endpoint, named_api = _endpoint(config, address.base_url, key), address.api
    capabilities = capabilities_of(endpoint.base_url)
    configured = None if config.api == "auto" else cast("Api", config.api)
    return Target(
        endpoint=endpoint,
        api=api or configured or named_api or capabilities.default_api,
        model=chosen or capabilities.default_model,
        limits=TimeLimits(
            connect=config.connect_timeout,
            first_token=config.first_token_timeout,
            stall=config.stall_timeout,
            total=config.total_timeout,
        ),
        sizes=SizeLimits(config.max_answer_characters, config.max_answer_parts, config.max_event_bytes),
        client=client,
    )


def current_address(config: NBStream, base_url: str | None = None) -> str:
    """The address that a call goes to, by this option, the settings, the environment or by default.

    Example:
        >>> from nbstream.settings.config import settings
        >>> current_address(settings(), "http://localhost:11434/v1")
        'http://localhost:11434/v1'
    """
    return _given_address(config, base_url) or _address_of_environment()


def target_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a stream that say where it goes, of those that are given."""
    return {name: options[name] for name in _TARGET_OPTIONS if options.get(name) is not None}


def chosen_model(config: NBStream, model: str | None = None) -> str | None:
    """The model named by the call, the settings or the environment, in this order; `None` if there is none."""
    return model or config.model or os.environ.get("NBSTREAM_MODEL", "").strip() or None


def no_model(endpoint: Endpoint) -> UsageError:
    """What to raise where a model must be named."""
    return UsageError(f"no model given for {endpoint.name}", remedies=[Remedy(RemedyKind.CHOOSE_MODEL)])


def _check_client(client: Any) -> None:
    if client is not None and not inspect.iscoroutinefunction(getattr(client, "post", None)):
        raise UsageError("the client must be an openai.AsyncOpenAI, or a subclass of it")


def _given_address(config: NBStream, base_url: str | None) -> str:
    return (base_url or config.base_url or "").strip()


def _address_of_environment() -> str:
    return os.environ.get(ADDRESS_VARIABLE, "").strip() or OPENAI_BASE_URL


def _address(config: NBStream, base_url: str | None) -> Address:
    given = _given_address(config, base_url)
    return address_from(given) if given else address_from(_address_of_environment(), ADDRESS_VARIABLE)


def _relay_endpoint() -> Endpoint:
    """The relay of the Jupyter server; only Jupyter's own token goes there, whatever key was given."""
    relay = find_relay()
    return Endpoint(address_from(relay.base_url, "NBSTREAM_RELAY_URL").base_url, relay.credential)


def _named_alone(config: NBStream, on: str | NamedEndpoint | None, **others: Any) -> NamedEndpoint:
    """The endpoint that is named, if one is; what it says must not be said otherwise as well."""
    if on is None:
        return _UNNAMED
    if also := [name for name, value in others.items() if value is not None]:
        raise UsageError(f"on and {also[0]} both say where to ask; give one of them")
    return config.endpoints.named(on)


def _credential_given(config: NBStream, url: str, api_key: Any) -> Credential | None:
    return _given_key(config, api_key, "call") if _is_for(api_key, url) else None


def _credential_of(config: NBStream, url: str, named: NamedEndpoint) -> Credential | None:
    """The key that was given with an endpoint's name."""
    if (variable := named.key_variable) is not None:
        key = _credential(os.environ.get(variable), "environment", variable)
        if key is None:
            raise UsageError(f"the endpoint {named.name} takes its key from {variable}, which is not set here")
        return key
    if named.key_file is not None:
        return _key_in(config, named.key_file)
    return _credential_given(config, url, named.api_key)


def _endpoint(config: NBStream, url: str, key: Credential | None) -> Endpoint:
    from_environment = _address_of_environment()
    by_environment = same_server(url, from_environment) or same_server(url, OPENAI_BASE_URL)
    key = key or config.key_store.entered(url)
    if key is None and same_server(url, config.base_url or from_environment):
        key = _given_key(config, config.api_key, "settings") or _key_in(config, config.key_file)
    if key is None and by_environment:
        key = _credential(os.environ.get(KEY_VARIABLE), "environment", KEY_VARIABLE)
        key = key or _key_in(config, os.environ.get(KEY_FILE_VARIABLE))
    if key is None and config.keyring and url.startswith("https:") and keyring_installed():
        key = config.key_store.fetched_from(KeyringKey(server_of(url)))
    return Endpoint(url, key, by_environment)


def _is_for(key: Any, url: str) -> bool:
    """Whether a key may go to this server: one that was given for another one stays here."""
    given_for = key.endpoint if isinstance(key, Secret | KeyFunction) else None
    return given_for is None or same_server(given_for, url)


def _given_key(config: NBStream, key: Any, origin: Origin) -> Credential | None:
    """A key, or what a function gives, which is asked when the key is needed."""
    if key is None or isinstance(key, str | Secret):
        return _credential(key, origin)
    function = key if isinstance(key, KeyFunction) else KeyFunction(key)
    return config.key_store.fetched_from(FunctionKey(function))


def _key_in(config: NBStream, path: str | None) -> Credential | None:
    return config.key_store.fetched_from(FileKey(path.strip())) if path and path.strip() else None


def _credential(key: str | Secret | None, origin: Origin, variable: str | None = None) -> Credential | None:
    secret = Secret(key) if isinstance(key, str) else key
    return Credential(secret, origin, variable) if secret else None


def _demo_endpoint() -> Endpoint:
    from nbstream.demo import demo_server

    try:
        server = demo_server()
    except ValueError as error:  # the pace in the environment
        raise UsageError(str(error).rstrip(".")) from None
    except (ImportError, OSError, RuntimeError):  # no tornado, no socket or no thread, as in a browser or a sandbox
        return Endpoint(EMBEDDED_URL)
    return Endpoint(server.base_url, _credential(server.api_key, "demo"))
