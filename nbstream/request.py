"""What a user asks for, resolved: values only, wherever they came from."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from urllib.parse import urlsplit

from nbstream.text.address import secrets_of
from nbstream.text.place import Place
from nbstream.text.plain import encodable_json, prompt_text
from nbstream.text.redaction import Redaction

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path

    from openai import AsyncOpenAI

    from nbstream.accounting.budget import Budget
    from nbstream.accounting.price import Price
    from nbstream.moderation.moderates import Moderates
    from nbstream.outcome import StreamWarning
    from nbstream.recording.choice import RecordingChoice
    from nbstream.settings.credential import Credential
    from nbstream.streaming.stages import Stage
    from nbstream.streaming.stopping import StopWhen
    from nbstream.structured.schema import AnswerSchema
    from nbstream.tools.approval import Approve
    from nbstream.tools.journal import Journal
    from nbstream.tools.tool import Tool

__all__ = [
    "EMBEDDED_URL",
    "OPENAI_BASE_URL",
    "REQUEST_VERSION",
    "Api",
    "As",
    "Endpoint",
    "Footer",
    "Images",
    "Position",
    "SizeLimits",
    "StreamRequest",
    "SurfaceKind",
    "Target",
    "TimeLimits",
    "messages_from",
]

Api: TypeAlias = Literal["chat", "responses"]
Images: TypeAlias = Literal["link", "allow"]
As: TypeAlias = Literal["text", "code"]
Footer: TypeAlias = Literal["none", "short", "full"]
SurfaceKind: TypeAlias = Literal["auto", "live", "markdown", "terminal", "static"]

OPENAI_BASE_URL = "https://api.openai.com/v1"

EMBEDDED_URL = "nbstream://demo/v1"
"""Stands for the demo model where it has no server: no socket can be bound."""

REQUEST_VERSION = 1
"""Raised whenever the same call sends another request than before, so that answers kept by their question are stale."""

_PARTS = {"text", "image_url", "input_audio", "file", "input_text", "input_image", "input_file"}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a request goes, and with which key.

    Attributes:
        base_url: The URL that `/chat/completions` or `/responses` is appended to.
        api_key: The key to send; `None` sends none.
        environment_applies: Whether the `OPENAI_…` variables of the environment (organisation, project, headers) are
            meant for this endpoint.
    """

    base_url: str
    api_key: Credential | None = None
    environment_applies: bool = False

    @property
    def name(self) -> str:
        """Host and port, for messages: a URL may carry a password, and its path is noise.

        The kernel's own demo server has another port each time, which says nothing to a reader.
        """
        if self.api_key is not None and self.api_key.origin == "demo":
            return "nbstream-demo"
        return _host_and_port(self.base_url)

    @property
    def sends_key(self) -> bool:
        """Whether a key goes with each request."""
        return self.api_key is not None and self.api_key.present

    def redaction(self) -> Redaction:
        """What takes the key, and long values of the address's query, out of words that may repeat what was sent."""
        key = self.api_key.redaction() if self.api_key else Redaction("")
        others = [Redaction(secret) for secret in secrets_of(self.base_url)]
        return Redaction("", [key, *others]) if others else key

    def redact(self, text: str) -> str:
        """`text` without the key and without characters that act; see `redaction`, which serves several texts."""
        return self.redaction()(text)

    @property
    def is_local(self) -> bool:
        """Whether this is a server on this machine."""
        host = urlsplit(self.base_url).hostname or ""
        return self.base_url == EMBEDDED_URL or host in {"localhost", "::1"} or host.startswith("127.")


@functools.lru_cache(64)
def _host_and_port(base_url: str) -> str:
    parts = urlsplit(base_url)
    host = parts.hostname or base_url
    return f"{host}:{parts.port}" if parts.port else host


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """How long a stream may take, in seconds.

    Attributes:
        connect: Until the connection is established.
        first_token: From sending the request to the first piece of the answer; slow prefill may take minutes.
        stall: Between two pieces of the answer. Keep-alive comments do not count.
        total: From the call to the end of the answer, retries included; `None` sets no limit.
    """

    connect: float = 10.0
    first_token: float = 120.0
    stall: float = 60.0
    total: float | None = 14_400.0


@dataclass(frozen=True, slots=True)
class SizeLimits:
    """How large an answer may become.

    Attributes:
        characters: Of the whole answer: text, reasoning, arguments, and what else comes with them.
        parts: Texts, thoughts, calls and the like. Each costs much more than its characters do.
        event_bytes: Of a single event, or of an answer in one piece.
    """

    characters: int = 10_000_000
    parts: int = 2_000
    event_bytes: int = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Position:
    """The resume point of a broken stream of a background response.

    Attributes:
        response_id: The id of the answer.
        sequence_number: The number of the last event that had arrived.
        translator: What translated its events so far and continues with the rest; transport's own.
        half: The first half of a surrogate pair, if the text that had arrived ends with one.
    """

    response_id: str
    sequence_number: int
    translator: Any
    half: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where requests go, before anything is asked.

    Attributes:
        endpoint: The server, and the key for it.
        api: Which of the two OpenAI APIs to call.
        model: The model's name, as the endpoint knows it; `None` if none is chosen.
        limits: How long a stream may take.
        sizes: How large an answer may become.
        client: A client of the user's own, which then replaces `endpoint` for sending.
    """

    endpoint: Endpoint
    api: Api
    model: str | None = None
    limits: TimeLimits = field(default_factory=TimeLimits)
    sizes: SizeLimits = field(default_factory=SizeLimits)
    client: AsyncOpenAI | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRequest(Target):
    """One request, ready to send.

    Attributes:
        messages: OpenAI messages (`{"role": …, "content": …}`), without the system prompt.
        model: The model's name, as the endpoint knows it.
        system: The system prompt, if any.
        temperature: Sampling temperature, if given.
        max_tokens: The maximum number of tokens in the answer, if limited.
        params: Any other fields of the request's body, as they are.
        max_retries: How often the request may be sent again, before any of the answer has arrived.
        images: What becomes of remote images in the answer: links, or loaded.
        surface: What the answer is drawn on; `"auto"` depends on where it is shown.
        footer: What is said of the answer below it, in a cell.
        bring_into_view: Whether the page may scroll, once, to an answer that begins low.
        answer_while_busy: Whether pages are answered while a cell waits for the end.
        partial_answer: The existing beginning of the answer; it is sent along as an assistant turn.
        position: The resume point, to resume an answer instead of asking for one.
        source: Where the stream comes from, in place of the pooled clients: a recording, a test. It is transport's
            `StreamSource`, typed `Any` here because transport imports this module.
        stages: What sees every event before the answer does, in this order.
        moderation: What moderates it, which is the last of its stages.
        allow_secrets: Whether it may be sent although it seems to hold a key or a card number.
        stop_when: A condition on the text so far that ends the answer early.
        stream: Whether to ask for a stream; otherwise the answer comes in one piece.
        tools: The functions that the model may call and nbstream calls; what the model is told of them is in `params`.
        approve: Who allows a call, see `nbstream.tools.approval`.
        journal: What keeps the calls that were attempted, beyond the answer; a chat has one.
        max_rounds: How many requests one answer may take.
        schema: What the answer is held to.
        repair: How often to ask again, with what is wrong, if the answer does not fit the schema.
        as_: What the answer is wanted for: all of it is shown, or its code.
        recordings: The recordings that are played or made, if any.
        epoch: Tells several recordings of the same request apart.
        warnings: What the reader should know about what was asked, such as that an image was scaled down.
        earlier: What earlier rounds of the same answer have given, as a `StreamResult`.
        place: Where the answer is read.
        cell: The number of the cell that asks, if one does.
        cell_id: What the notebook calls that cell, if it says.
        prices: What models cost, as the user says; before what a price list says.
        budget: What the answer may spend.
        admit: Is asked just before the request is sent, and raises a `StreamError` where it may not be.
        patience: How many seconds what has come of the answer may wait to be read; asked while it comes, on the loop.
        ledger: The file that the request is entered in once it has ended, besides the kernel's own ledger.
        batch: Whether it is answered in a batch, which has a price of its own.
    """

    messages: tuple[Mapping[str, Any], ...]
    model: str
    system: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    max_retries: int = 2
    images: Images = "link"
    surface: SurfaceKind = "auto"
    footer: Footer = "short"
    bring_into_view: bool = False
    answer_while_busy: bool = False
    partial_answer: str = field(default="", repr=False)
    position: Position | None = field(default=None, repr=False)
    source: Any = field(default=None, repr=False)
    stages: tuple[Stage, ...] = field(default=(), repr=False)
    moderation: Moderates | None = field(default=None, repr=False, compare=False)
    allow_secrets: bool = False
    stop_when: StopWhen | None = field(default=None, repr=False)
    stream: bool = True
    tools: tuple[Tool, ...] = field(default=(), repr=False)
    approve: Approve = "ask"
    journal: Journal | None = field(default=None, repr=False, compare=False)
    max_rounds: int = 8
    schema: AnswerSchema | None = None
    repair: int = 0
    as_: As = "text"
    recordings: RecordingChoice | None = None
    epoch: int = 1
    warnings: tuple[StreamWarning, ...] = ()
    earlier: Any = field(default=None, repr=False)  # results import no requests, and circles are refused
    place: Place = Place.PYTHON
    cell: int | None = None
    cell_id: str | None = None
    prices: Mapping[str, Price] = field(default_factory=dict)
    ledger: Path | None = None
    batch: bool = False
    budget: Budget | None = None
    admit: Callable[[], Awaitable[None]] | None = field(default=None, repr=False, compare=False)
    patience: Callable[[], float] | None = field(default=None, repr=False, compare=False)


def messages_from(prompt: str | list[dict[str, Any]], *, items: bool = False) -> tuple[Mapping[str, Any], ...]:
    """Turn a prompt into messages.

    Args:
        prompt: A string, or a list of OpenAI messages.
        items: Whether there may be more among them than messages: input items of the Responses API, and parts of a
            message's content, which become a message of the user's.

    Raises:
        ValueError: The prompt is empty, or not a list of messages.

    Example:
        >>> messages_from([{"type": "input_text", "text": "Hi"}], items=True)
        ({'role': 'user', 'content': [{'type': 'input_text', 'text': 'Hi'}]},)
    """
    if isinstance(prompt, str):
        if not prompt.strip():
            raise ValueError("the prompt is empty")
        return ({"role": "user", "content": prompt_text(prompt)},)
    if not isinstance(prompt, list) or not prompt:
        raise ValueError("a prompt is a string or a list of messages with at least one message")
    for number, message in enumerate(prompt):
        if not isinstance(message, dict) or not ("role" in message or (items and isinstance(message.get("type"), str))):
            raise ValueError(f'message {number} of the prompt has no "role"; a message is {{"role": …, "content": …}}')
    messages: list[Mapping[str, Any]] = []
    for is_part, run in itertools.groupby(map(encodable_json, prompt), _is_part):
        together = list(run)
        messages += [{"role": "user", "content": together}] if is_part else together
    return tuple(messages)


def _is_part(message: Mapping[str, Any]) -> bool:
    """Whether it is a part of a message's content, of either API."""
    return "role" not in message and message.get("type") in _PARTS
