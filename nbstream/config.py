"""Settings and how a call is resolved from them: options, then settings, then the environment, then defaults.

A key goes only to the endpoint it was given with: `OPENAI_API_KEY` to api.openai.com or `OPENAI_BASE_URL`, the
`api_key` setting to the `base_url` setting. A shared notebook that names another server must not collect keys.
It must not know the SDK, nor how a request is sent.
"""

from __future__ import annotations

import inspect
import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from traitlets import Enum, Float, Integer, TraitError, TraitType, Unicode, validate
from traitlets.config import SingletonConfigurable

from nbstream.address import same_server
from nbstream.credential import Credential
from nbstream.errors import UsageError
from nbstream.request import OPENAI_BASE_URL, Endpoint, StreamRequest, Target, TimeLimits, messages_from
from nbstream.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from openai import AsyncOpenAI
    from traitlets.config import Config

    from nbstream.credential import Origin
    from nbstream.request import Api, Images
    from nbstream.transport.event_stream import StreamSource

__all__ = [
    "DEMO_MODEL",
    "KEY_VARIABLE",
    "NBStream",
    "chosen_model",
    "no_model",
    "resolve",
    "resolve_target",
    "settings",
    "target_options",
]

DEMO_MODEL = "demo"
KEY_VARIABLE = "OPENAI_API_KEY"
DEFAULT_OPENAI_MODEL = "gpt-5-mini"

_TARGET_OPTIONS = ("model", "api", "base_url", "api_key", "client")


class SecretTrait(TraitType[Secret | None, Secret | str | None]):
    """A key: takes a string, keeps a `Secret`, which every way of printing the setting shows masked."""

    default_value = None
    allow_none = True
    info_text = "a key (a string), or None"

    def validate(self, obj: Any, value: Any) -> Secret | None:  # noqa: ARG002  traitlets' signature
        """Wrap the string."""
        if value is None or isinstance(value, Secret):
            return value
        if isinstance(value, str) and value.strip():
            return Secret(value.strip())
        # The value is not repeated: it may be a key in the wrong shape.
        raise TraitError("api_key must be a string with the key, or None")


class NBStream(SingletonConfigurable):
    """nbstream's settings, for every stream of this kernel.

    In a notebook: `%config NBStream.model = "gpt-5-mini"`; in `ipython_config.py`: `c.NBStream.model = "gpt-5-mini"`.
    """

    model = Unicode(None, allow_none=True, help="Model to ask; `demo` is the built-in one.").tag(config=True)
    api = Enum(
        ("auto", "chat", "responses"),
        "auto",
        help="Which OpenAI API to call; `auto` takes Responses for api.openai.com and Chat Completions elsewhere.",
    ).tag(config=True)
    base_url = Unicode(
        None, allow_none=True, help="Endpoint of an OpenAI-compatible server, such as http://localhost:11434/v1."
    ).tag(config=True)
    api_key = SecretTrait(help="Key for that endpoint; better set OPENAI_API_KEY in the environment.").tag(config=True)
    system = Unicode(None, allow_none=True, help="System prompt.").tag(config=True)
    temperature = Float(None, allow_none=True, help="Sampling temperature.").tag(config=True)
    max_tokens = Integer(None, allow_none=True, help="The most tokens an answer may have.").tag(config=True)
    connect_timeout = Float(10.0, min=0.001, help="Seconds until a connection must stand.").tag(config=True)
    first_token_timeout = Float(120.0, min=0.001, help="Seconds until the answer must begin.").tag(config=True)
    stall_timeout = Float(60.0, min=0.001, help="Seconds an answer may be silent once it has begun.").tag(config=True)
    total_timeout = Float(
        None, allow_none=True, min=0.001, help="Seconds until an answer must be complete; no limit if unset."
    ).tag(config=True)
    max_retries = Integer(
        2, min=0, help="How often a request may be sent again, before anything of the answer has arrived."
    ).tag(config=True)
    max_frame_rate = Float(9.0, min=0.1, help="The most frames a second that are drawn.").tag(config=True)
    images = Enum(
        ("link", "allow"),
        "link",
        help="Images of other servers in an answer: `link` shows links, `allow` loads them when the answer is shown.",
    ).tag(config=True)
    surface = Enum(
        ("auto", "live", "markdown", "terminal", "static"),
        "auto",
        help="Where answers are drawn: `live` view, growing `markdown`, `terminal` text, or only the `static` end.",
    ).tag(config=True)

    @validate("base_url")
    def _no_password_in_url(self, proposal: Any) -> str | None:
        # `%config NBStream` prints this setting as it is.
        url: str | None = proposal["value"]
        if url is not None:
            try:
                _check_url(url)
            except UsageError as error:
                raise TraitError(str(error)) from None
        return url

    def update_config(self, config: Config) -> None:
        """Take `%config NBStream.… = …`, with the key wrapped; whoever else was given it must not show it either."""
        _wrap_key(config)
        super().update_config(config)
        for holder in (self.parent, *getattr(self.parent, "configurables", ())):
            if holder is not None:
                _wrap_key(holder.config)


def _wrap_key(config: Config) -> None:
    """Wrap a key that is still a plain string; IPython hands all its settings to all its parts, and they print them."""
    if "NBStream" in config and isinstance(key := config.NBStream.get("api_key"), str):
        config.NBStream.api_key = Secret(key)


def settings() -> NBStream:
    """The settings of this process, made known to IPython's `%config` if there is a shell."""
    if NBStream.initialized():
        return NBStream.instance()
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    made = NBStream.instance(parent=shell)
    if shell is not None:
        shell.configurables.append(made)
        for holder in (shell, *shell.configurables):  # a key from a configuration file
            _wrap_key(holder.config)
    return made


def resolve(
    config: NBStream,
    prompt: str | list[dict[str, Any]],
    /,
    *,
    model: str | None = None,
    api: Api | None = None,
    system: str | None = None,
    temperature: float | None = None,
    max_tokens: int | None = None,
    base_url: str | None = None,
    api_key: str | None = None,
    timeout: float | None = None,
    total_timeout: float | None = None,
    max_retries: int | None = None,
    images: Images | None = None,
    client: AsyncOpenAI | None = None,
    source: StreamSource | None = None,
    **params: Any,
) -> StreamRequest:
    """Resolve one call into a request; `None` means "not given", and what has no name here goes into the body.

    Raises:
        UsageError: The call is wrong: an empty prompt, an impossible value, no model to ask.
    """
    messages = _messages(prompt)
    _check_values(
        api=api,
        timeout=timeout,
        total_timeout=total_timeout,
        max_tokens=max_tokens,
        max_retries=max_retries,
        images=images,
        source=source,
    )
    target = resolve_target(config, model=model, api=api, base_url=base_url, api_key=api_key, client=client)
    if target.model is None:
        raise no_model(target.endpoint)
    return StreamRequest(
        messages=messages,
        model=target.model,
        api=target.api,
        endpoint=target.endpoint,
        system=system if system is not None else config.system,
        temperature=temperature if temperature is not None else config.temperature,
        max_tokens=max_tokens if max_tokens is not None else config.max_tokens,
        params=params,
        limits=replace(
            target.limits,
            first_token=timeout or target.limits.first_token,
            stall=timeout or target.limits.stall,
            total=total_timeout or target.limits.total,
        ),
        max_retries=max_retries if max_retries is not None else config.max_retries,
        images=images or cast("Images", config.images),
        client=client,
        source=source,
    )


def resolve_target(
    config: NBStream,
    *,
    model: str | None = None,
    api: Api | None = None,
    base_url: str | None = None,
    api_key: str | None = None,
    client: AsyncOpenAI | None = None,
) -> Target:
    """Resolve where a call goes, before anything is asked.

    Returns:
        The target; its `model` is `None` where none is chosen and the endpoint has no default.

    Raises:
        UsageError: An address or an option cannot be.

    Example:
        >>> resolve_target(settings(), base_url="http://localhost:11434/v1", model="llama3.2").api
        'chat'
    """
    _check_client(client)
    chosen = chosen_model(config, model)
    if client is not None:
        endpoint = Endpoint(str(client.base_url), _credential(client.api_key, "client"))
    elif chosen == DEMO_MODEL and base_url is None:
        endpoint = _demo_endpoint()
    else:
        endpoint = _endpoint(config, base_url, api_key)
    configured = None if config.api == "auto" else cast("Api", config.api)
    return Target(
        endpoint=endpoint,
        api=api or configured or ("responses" if endpoint.is_openai else "chat"),
        model=chosen or (DEFAULT_OPENAI_MODEL if endpoint.is_openai else None),
        limits=TimeLimits(
            connect=config.connect_timeout,
            first_token=config.first_token_timeout,
            stall=config.stall_timeout,
            total=config.total_timeout,
        ),
        client=client,
    )


def target_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a stream that say where it goes, of those that are given."""
    return {name: options[name] for name in _TARGET_OPTIONS if options.get(name) is not None}


def chosen_model(config: NBStream, model: str | None = None) -> str | None:
    """The model that is named by the call, the settings or the environment, in this order; `None` if none is."""
    return model or config.model or os.environ.get("NBSTREAM_MODEL") or None


def no_model(endpoint: Endpoint) -> UsageError:
    """What to raise where a model must be named."""
    return UsageError(
        f"no model given for {endpoint.name}: name one with -m MODEL (in Python, model=…) or NBSTREAM_MODEL"
    )


def _messages(prompt: str | list[dict[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    try:
        return messages_from(prompt)
    except ValueError as error:
        raise UsageError(str(error)) from None


def _check_values(
    *,
    api: Any,
    timeout: Any,
    total_timeout: Any,
    max_tokens: Any,
    max_retries: Any,
    images: Any,
    source: Any,
) -> None:
    """Raise for the first value that cannot be."""
    if api not in {None, "chat", "responses"}:
        raise UsageError(f'api must be "chat" or "responses", not {api!r}')
    if images not in {None, "link", "allow"}:
        raise UsageError(f'images must be "link" or "allow", not {images!r}')
    for name, seconds in (("timeout", timeout), ("total_timeout", total_timeout)):
        if seconds is not None and not (isinstance(seconds, int | float) and seconds > 0):
            raise UsageError(f"the {name} must be a number of seconds above 0, not {seconds!r}")
    if max_retries is not None and not (isinstance(max_retries, int) and max_retries >= 0):
        raise UsageError(f"max_retries must be a whole number, 0 or above, not {max_retries!r}")
    if max_tokens is not None and not (isinstance(max_tokens, int) and max_tokens > 0):
        raise UsageError(f"max_tokens must be a whole number above 0, not {max_tokens!r}")
    if source is not None and not callable(getattr(source, "open", None)):
        raise UsageError("the source must have a method open(request), as nbstream.testing.ScriptedBytes has")


def _check_client(client: Any) -> None:
    if client is not None and not inspect.iscoroutinefunction(getattr(client, "post", None)):
        raise UsageError("the client must be an openai.AsyncOpenAI, or a subclass of it")


def _endpoint(config: NBStream, base_url: str | None, api_key: str | None) -> Endpoint:
    from_environment = os.environ.get("OPENAI_BASE_URL") or OPENAI_BASE_URL
    url = base_url or config.base_url or from_environment
    _check_url(url)
    by_environment = same_server(url, from_environment) or same_server(url, OPENAI_BASE_URL)
    key = _credential(api_key, "call")
    if key is None and config.api_key is not None and same_server(url, config.base_url or from_environment):
        key = Credential(config.api_key, "settings")
    if key is None and by_environment:
        key = _credential(os.environ.get(KEY_VARIABLE), "environment", KEY_VARIABLE)
    return Endpoint(url, key, by_environment)


def _credential(key: str | None, origin: Origin, variable: str | None = None) -> Credential | None:
    stripped = (key or "").strip()
    return Credential(Secret(stripped), origin, variable) if stripped else None


def _check_url(url: str) -> None:
    """Raise for what is no address of a server. The value is not repeated: it may hold a password."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise UsageError(
            "the base URL must look like http://host:port/v1; this one lacks http://, a host or a port that can be"
        )
    if parts.username or parts.password:
        raise UsageError("the base URL holds a password; give the key with nbs.configure(api_key=…) instead")


def _demo_endpoint() -> Endpoint:
    from nbstream.demo import demo_server

    try:
        server = demo_server()
    except ValueError as error:  # the pace in the environment
        raise UsageError(str(error).rstrip(".")) from None
    return Endpoint(server.base_url, _credential(server.api_key, "demo"))
