"""The Python entry points: `stream`, `astream`, `start`, `configure`. Thin: resolve, choose a surface, submit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from nbstream.display.choose import choose_surface, in_background
from nbstream.display.rerun import Rerun
from nbstream.display.surface import NullSurface
from nbstream.errors import UsageError
from nbstream.many.background.asked import shown_prompt
from nbstream.moderation.gates import ModerationGate, SecretsGate, moderated_after, secrets_of
from nbstream.settings.config import settings
from nbstream.settings.options import documented
from nbstream.settings.resolution import resolve
from nbstream.settings.signatures import like
from nbstream.streaming.engine import engine
from nbstream.streaming.errands import Errands, is_waited_for
from nbstream.streaming.gates import Gates
from nbstream.streaming.handle import StreamHandle
from nbstream.streaming.interrupts import HeldInterrupts
from nbstream.streaming.rounds import FollowUps
from nbstream.streaming.surfaces import Surfaces
from nbstream.streaming.waiting import awaited, waited_for
from nbstream.structured.item_stream import ItemStream, list_of
from nbstream.text.secret import takes_key
from nbstream.tools.asking import Asking
from nbstream.tools.inserting import insertion_here

if TYPE_CHECKING:
    from collections.abc import Callable

    from nbstream.display.surface import Surface
    from nbstream.request import StreamRequest
    from nbstream.result import StreamResult
    from nbstream.streaming.gates import Gate
    from nbstream.streaming.rounds import FollowUp

__all__ = [
    "astream",
    "begin_on",
    "configure",
    "follow_up_of",
    "gate_of",
    "items",
    "launch",
    "start",
    "stream",
    "surface_for",
]

T = TypeVar("T")


@takes_key
@documented
@like(resolve)
def start(  # noqa: D417  `documented` says what the options mean
    prompt: str | list[dict[str, Any]], *, display: bool = True, **options: Any
) -> StreamHandle:
    """Start a stream and return at once; the answer is drawn below the current cell while other code runs.

    The stream ends if its cell is run again, or deleted from the notebook. `nbs.jobs` lists what is running.

    Args:
        prompt: The question, or a list of OpenAI messages (`{"role": …, "content": …}`), or of the parts of one. With
            the Responses API, its input items may be among the messages.
        {options}
        **params: Any other field of the API's request body, sent as it is.

    Returns:
        A handle: `cancel()`, `state`, `text` so far, `result()`, `await handle`.

    Raises:
        UsageError: The call is wrong; nothing was sent.

    Example:
        ```python
        handle = nbs.start("Explain server-sent events", model="demo")
        handle.state, handle.text
        result = handle.result()
        ```
    """
    return _begin(resolve(prompt, **options), None, display)


def _begin(request: StreamRequest, beginning: StreamResult | None, display: bool) -> StreamHandle:  # noqa: FBT001  as `Continuation` calls it
    handle = launch(request, Surfaces([surface_for(request, display=display)]), beginning, _begin)
    if not (display or is_waited_for()):  # a surface would see to it
        rerun = Rerun()
        rerun.watch(handle.cancel)
        handle.when_committed(lambda _: rerun.forget())
    return handle


def begin_on(request: StreamRequest, surface: Surface) -> StreamHandle:
    """Start a stream that is drawn on this surface.

    Args:
        request: What to ask.
        surface: Where to draw; a continuation is drawn where any other answer is.
    """
    return launch(request, Surfaces([surface]), None, _begin)


def surface_for(request: StreamRequest, *, display: bool) -> Surface:
    """Where the answer is drawn, if the code that runs now asks."""
    if not display:
        return NullSurface()
    surface = choose_surface(request.surface)
    return surface if is_waited_for() else in_background(surface)


def launch(
    request: StreamRequest,
    surfaces: Surfaces,
    beginning: StreamResult | None,
    resume: Callable[[StreamRequest, StreamResult, bool], StreamHandle],
    commit: Callable[[StreamResult], Callable[[], object] | None] | None = None,
) -> StreamHandle:
    """Start a stream on the engine.

    Args:
        request: What to ask.
        surfaces: Where to draw.
        beginning: What exists already of an answer that is continued.
        resume: Continues this stream, if it breaks off and the caller asks for that.
        commit: Is given the result at the end, before anybody else gets it; see `Rounds`.
    """
    rate = settings().max_frame_rate
    request = moderated_after(request, "" if beginning is None else beginning.text)
    errands, follow_up = follow_up_of(request, surfaces)
    errands, gate = gate_of(request, surfaces, errands)
    with HeldInterrupts() as held:
        handle = StreamHandle(
            request,
            surfaces,
            engine(),
            max_rate=rate,
            beginning=beginning,
            resume=resume,
            commit=commit,
            follow_up=follow_up,
            gate=gate,
            errands=errands,
        )
        held.stop_with(handle.cancel)
        if not is_waited_for():
            engine().running.add(handle, shown_prompt(request))
        return handle


def follow_up_of(request: StreamRequest, surfaces: Surfaces) -> tuple[Errands | None, FollowUp | None]:
    """What follows each round of an answer, and where the functions that it calls run."""
    follow_ups: list[FollowUp] = []
    errands = None
    if request.tools or request.params.get("tools"):
        from nbstream.tools.loop import ToolLoop, needs_loop

        if needs_loop(request):
            errands = Errands()
            recordings = request.recordings
            if recordings is not None and recordings.mode != "record" and not recordings.run_tools:
                from nbstream.recording.results import RecordedResults

                follow_ups.append(RecordedResults(recordings))
            follow_ups.append(ToolLoop(surfaces, errands))
    if request.schema is not None:
        from nbstream.structured.loop import SchemaLoop

        follow_ups.append(SchemaLoop(request.schema, request.repair))
    if (insertion := insertion_here()) is not None:
        errands = errands or Errands()
        insertion.through(surfaces, errands)
        follow_ups.append(insertion)
    return errands, FollowUps(*follow_ups) if follow_ups else None


def gate_of(request: StreamRequest, surfaces: Surfaces, errands: Errands | None) -> tuple[Errands | None, Gate | None]:
    """What decides whether a request may be sent, and where it asks."""
    gates: list[Gate] = []
    if found := secrets_of(request):
        errands = errands or Errands()
        gates.append(SecretsGate(found, Asking(surfaces, errands)))
    moderation = request.moderation
    if moderation is not None and moderation.policy.check != "provider" and "prompt" in moderation.policy.at:
        gates.append(ModerationGate(moderation))
    return errands, Gates(*gates) if gates else None


@takes_key
@like(start)
def stream(*arguments: Any, **options: Any) -> StreamResult:
    """Stream an answer below the current cell, wait for its end and return the result.

    {arguments}

    Raises:
        UsageError: The call is wrong; nothing was sent.
        StreamError: The stream failed; its `result` holds what had arrived.
        KeyboardInterrupt: The kernel was interrupted; the output has been finished and marked.

    Example:
        ```python
        result = nbs.stream("Explain server-sent events in one sentence", model="demo")
        print(result.usage.output_tokens)
        ```
    """
    return waited_for(lambda: start(*arguments, **options))


@takes_key
@like(start)
async def astream(*arguments: Any, **options: Any) -> StreamResult:
    """Like `stream`, without blocking the event loop; cancelling the awaiting task cancels the stream.

    {arguments}

    Raises:
        UsageError: The call is wrong; nothing was sent.
        StreamError: The stream failed; its `result` holds what had arrived.

    Example:
        ```python
        one, two = await asyncio.gather(nbs.astream("One?", model="demo"), nbs.astream("Two?", model="demo"))
        ```
    """
    return await awaited(lambda: start(*arguments, **options))


@takes_key
def items(prompt: str | list[dict[str, Any]], kind: type[T] | dict[str, Any], **options: Any) -> ItemStream[T]:
    """Ask for a list, and give out each element as soon as it is whole and fits.

    Args:
        prompt: The question, as for `start`.
        kind: What each element is: a pydantic model, a dataclass, a `TypedDict`, another type that JSON can express,
            or a JSON schema, whose elements are only checked to be JSON.
        **options: Options of `start`, other than `schema` and `repair`.

    Returns:
        What gives out the elements: `for`, `async for`, `to_pandas()`. The stream is its `handle`.

    Raises:
        UsageError: The call is wrong; nothing was sent.

    Example:
        ```python
        for city in nbs.items("The ten largest cities of Europe", City):
            print(city.name)
        ```
    """
    if taken := sorted({"schema", "repair"} & options.keys()):
        raise UsageError(f"items takes no {taken[0]}: it asks for a list of what you name, once")
    return ItemStream(start(prompt, schema=list_of(kind), **options), kind)


@takes_key
def configure(**values: Any) -> None:
    """Set what every later stream of this kernel uses; `None` goes back to the default.

    Args:
        **values: Settings by name: `model`, `api`, `base_url`, `api_key`, `key_file`, `keyring`, `system`,
            `temperature`, `max_tokens`, `connect_timeout`, `first_token_timeout`, `stall_timeout`, `total_timeout`
            (seconds), `max_retries`, `max_answer_characters`, `max_answer_parts`, `max_event_bytes`, `max_file_bytes`,
            `max_frame_rate` (frames a second), `images`, `footer`, `surface`, `preload`, `bring_into_view`,
            `answer_while_busy`, `log_content`, `opentelemetry`, `recordings`, `recordings_mode`, `recordings_speed`,
            `recordings_trust`, `ledger`, `prices`, `budget`. The same as `%config NBStream.NAME = …`.

    Raises:
        UsageError: There is no such setting, or the value does not fit; nothing is changed.

    Example:
        ```python
        nbs.configure(base_url="http://localhost:11434/v1", model="llama3.2")
        ```
    """
    from traitlets import TraitError

    config = settings()
    known = config.class_own_traits(config=True)
    if unknown := sorted(set(values) - set(known)):
        raise config.unknown(unknown)
    values = {name: known[name].default(config) if value is None else value for name, value in values.items()}
    try:
        with config.hold_trait_notifications():  # which reverts everything if one value does not fit
            for name, value in values.items():
                setattr(config, name, value)
    except TraitError as error:
        raise UsageError(str(error)) from None
