"""The settings: traits that `%config NBStream` shows and changes, and IPython's configuration files set."""

from __future__ import annotations

import functools
import pathlib
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, cast

from traitlets import Bool, Dict, Enum, Float, Integer, TraitError, TraitType, Unicode, validate
from traitlets.config import SingletonConfigurable

from nbstream.errors import UsageError
from nbstream.recording.choice import MODES, RecordingChoice
from nbstream.settings.options import SURFACES
from nbstream.settings.shell import running_shell
from nbstream.text.address import JUPYTER, check_address
from nbstream.text.key_function import KeyFunction
from nbstream.text.secret import Secret
from nbstream.text.suggestion import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from traitlets.config import Config

    from nbstream.settings.key_store import KeyStore
    from nbstream.settings.named_endpoint import EndpointBook

    _TraitOfSecret = TraitType[Secret | KeyFunction | None, Any]
else:
    _TraitOfSecret = TraitType  # which takes no parameters at run time before traitlets 5.10

__all__ = ["NBStream", "settings"]


class SecretTrait(_TraitOfSecret):
    """A key: takes a string, keeps a `Secret`, which every way of printing the setting shows masked.

    Or it takes a function that gives the key.
    """

    default_value = None
    allow_none = True
    info_text = "a key (a string), a function that gives it, or None"

    def validate(self, obj: Any, value: Any) -> Secret | KeyFunction | None:  # noqa: ARG002  traitlets' signature
        """Wrap the string, or the function."""
        if value is None or isinstance(value, KeyFunction) or (isinstance(value, Secret) and value):
            return value
        if isinstance(value, str) and (key := Secret(value)):
            return key
        if callable(value):
            return KeyFunction(value)
        # The value is not repeated: it may be a key in the wrong shape.
        raise TraitError("api_key must be a string with the key, a function that gives it, or None")


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
    api_key = SecretTrait(help="Key for that endpoint; prefer OPENAI_API_KEY in the environment.").tag(config=True)
    key_file = Unicode(
        None, allow_none=True, help="File that holds the key for that endpoint; it is read again when it has changed."
    ).tag(config=True)
    keyring = Bool(
        default_value=True,
        help="Whether a key that nothing else gives is looked for in the system's keyring (`nbstream[keyring]`).",
    ).tag(config=True)
    system = Unicode(None, allow_none=True, help="System prompt.").tag(config=True)
    temperature = Float(None, allow_none=True, help="Sampling temperature.").tag(config=True)
    max_tokens = Integer(None, allow_none=True, help="The maximum number of tokens in an answer.").tag(config=True)
    connect_timeout = Float(10.0, min=0.001, help="Seconds to wait for a connection.").tag(config=True)
    first_token_timeout = Float(120.0, min=0.001, help="Seconds to wait for the answer to begin.").tag(config=True)
    stall_timeout = Float(60.0, min=0.001, help="Seconds to wait without output, once the answer has begun.").tag(
        config=True
    )
    total_timeout = Float(
        14_400.0, allow_none=True, min=0.001, help="Seconds to wait for the whole answer; None sets no limit."
    ).tag(config=True)
    max_answer_characters = Integer(
        10_000_000, min=1, help="The maximum number of characters in an answer: text, reasoning and arguments together."
    ).tag(config=True)
    max_answer_parts = Integer(
        2_000, min=1, help="The maximum number of parts of an answer: texts, thoughts, tool calls and the like."
    ).tag(config=True)
    max_event_bytes = Integer(
        64 * 1024 * 1024, min=1, help="The maximum size in bytes of a single event, or of an answer in one piece."
    ).tag(config=True)
    max_file_bytes = Integer(
        256 * 1024 * 1024,
        min=1,
        help="The maximum size in bytes of a saved chat or notebook that is read.",
    ).tag(config=True)
    max_retries = Integer(
        2, min=0, help="How often a request may be sent again, before any of the answer has arrived."
    ).tag(config=True)
    max_frame_rate = Float(9.0, min=0.1, help="The maximum number of frames drawn a second.").tag(config=True)
    images = Enum(
        ("link", "allow"),
        "link",
        help="Images from other servers: `link` shows links, `allow` loads them when the answer is shown.",
    ).tag(config=True)
    bring_into_view = Bool(
        default_value=True,
        help="Whether the page scrolls, once, to an answer that begins low on it while the reader does nothing else.",
    ).tag(config=True)
    preload = Bool(
        default_value=True,
        help="Whether `%load_ext nbstream` imports what the first answer needs, in the background.",
    ).tag(config=True)
    answer_while_busy = Bool(
        default_value=True,
        help="Whether a page that is loaded while a cell waits for an answer is told of its widgets at once.",
    ).tag(config=True)
    footer = Enum(
        ("none", "short", "full"),
        "short",
        help="The line below an answer in a cell: `short` has model, tokens and cost; `full` also how it ended.",
    ).tag(config=True)
    surface = Enum(
        SURFACES,
        "auto",
        help="Where answers are drawn: `live` view, growing `markdown`, `terminal` text, or only the `static` end.",
    ).tag(config=True)

    recordings = Unicode(
        None, allow_none=True, help="Directory of recordings, which are played in place of asking again."
    ).tag(config=True)
    recordings_mode = Enum(
        MODES,
        "auto",
        help="`auto` plays what is recorded and records the rest, `replay` only plays, `record` always asks, `off`.",
    ).tag(config=True)
    recordings_speed = Float(
        None, allow_none=True, min=0.001, help="How fast to play: 1 is as recorded; None plays all at once."
    ).tag(config=True)
    recordings_trust = Bool(
        default_value=False, help="Whether to play what others have recorded; which is untrusted, as any server is."
    ).tag(config=True)

    log_content = Bool(
        default_value=False, help="Whether logs and traces hold what was asked and answered; else only facts about it."
    ).tag(config=True)
    opentelemetry = Enum(
        ("auto", "on", "off"),
        "auto",
        help="Whether streams are traced: `auto` where the application has set OpenTelemetry up, `on` always, `off`.",
    ).tag(config=True)
    prices = Dict(
        help='What models cost, in dollars for a million tokens: `{"llama3.2": {"input": 0.1, "output": 0.4}}`.'
    ).tag(config=True)
    budget = Float(None, allow_none=True, help="US dollars that all the requests of this kernel may cost.").tag(
        config=True
    )
    ledger = Unicode(
        None, allow_none=True, help="File (SQLite) in which each request is entered, by all kernels that name it."
    ).tag(config=True)

    @functools.cached_property
    def key_store(self) -> KeyStore:
        """The keys that were entered, and those that are fetched when they are needed."""
        from nbstream.settings.key_store import KeyStore

        return KeyStore()

    @functools.cached_property
    def endpoints(self) -> EndpointBook:
        """The endpoints that have a name in this kernel."""
        from nbstream.settings.named_endpoint import EndpointBook

        return EndpointBook()

    @property
    def ledger_file(self) -> pathlib.Path | None:
        """The file of the ledger, if one is named.

        Raises:
            UsageError: It is something else, or cannot be written.
        """
        if not self.ledger:
            return None
        from nbstream.accounting.ledger_file import LedgerFile

        return LedgerFile(pathlib.Path(self.ledger).expanduser().absolute()).checked()

    @property
    def recording_choice(self) -> RecordingChoice | None:
        """The recordings that these settings name, if they do."""
        if not self.recordings:
            return None
        directory = pathlib.Path(self.recordings).expanduser()
        return RecordingChoice(
            directory, self.recordings_mode, speed=self.recordings_speed, trust=self.recordings_trust
        )

    @validate("budget")
    def _is_amount(self, proposal: Any) -> float | None:
        from nbstream.accounting.budget import checked_amount

        try:
            return checked_amount("budget", proposal["value"], "dollars")
        except UsageError as error:
            raise TraitError(str(error)) from None

    @validate("prices")
    def _are_prices(self, proposal: Any) -> dict[str, Any]:
        from nbstream.accounting.price import prices_from

        try:
            return dict(prices_from(proposal["value"]))
        except UsageError as error:
            raise TraitError(str(error)) from None

    @validate("base_url")
    def _no_password_in_url(self, proposal: Any) -> str | None:
        # `%config NBStream` prints this setting as it is.
        url: str | None = proposal["value"]
        if url is not None:
            url = url.strip()
            if url == JUPYTER:
                return url
            try:
                check_address(url)
            except UsageError as error:
                raise TraitError(str(error)) from None
        return url

    @validate("opentelemetry")
    def _is_installed(self, proposal: Any) -> str:
        choice: str = proposal["value"]
        if choice == "on" and find_spec("opentelemetry") is None:
            raise TraitError('traces need opentelemetry-api: pip install "nbstream[telemetry]"')
        return choice

    @classmethod
    def unknown(cls, names: Iterable[str]) -> UsageError:
        """What to raise for names that no setting has."""
        known = sorted(cls.class_own_traits(config=True))
        first = next(iter(names))
        suggestion = did_you_mean(first, known) or "."
        return UsageError(f"no such setting: {', '.join(names)}{suggestion} There are: {', '.join(known)}.")

    def update_config(self, config: Config) -> None:
        """Take `%config NBStream.… = …`, with the key wrapped; other holders of the key must not show it either."""
        _wrap_key(config)
        own = config.get("NBStream", {})
        if unknown := [name for name in own if name not in self.class_own_traits(config=True)]:
            for name in unknown:  # or it would come up again with the next setting
                del own[name]
            raise self.unknown(unknown)
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
    shell = running_shell()
    made = NBStream.instance(parent=shell)
    if shell is not None:
        cast("list[Any]", shell.configurables).append(made)
        for holder in (shell, *shell.configurables):  # a key from a configuration file
            _wrap_key(holder.config)
    return made
