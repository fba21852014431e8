"""One call resolved into a request: what is asked, checked, and where it goes."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from nbstream.accounting.budget import Budget, checked_amount
from nbstream.attachments.attached import attached
from nbstream.errors import UsageError
from nbstream.recording.choice import chosen
from nbstream.remedies import Remedy, RemedyKind
from nbstream.request import StreamRequest, messages_from
from nbstream.settings.config import settings
from nbstream.settings.moderation import asked_of, moderation_of
from nbstream.settings.options import OPTIONS, SURFACES
from nbstream.settings.shell import running_shell
from nbstream.settings.target import no_model, resolve_target
from nbstream.streaming.stopping import StopCondition
from nbstream.structured.schema import AnswerSchema
from nbstream.text.place import place_here
from nbstream.text.plain import prompt_text
from nbstream.text.suggestion import closest, did_you_mean
from nbstream.tools.approval import checked_policy
from nbstream.tools.given import told_tools

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from openai import AsyncOpenAI

    from nbstream.moderation.policy import Moderate
    from nbstream.moderation.stage import ModerationStage
    from nbstream.request import Api, As, Images, SurfaceKind, Target, TimeLimits
    from nbstream.settings.config import NBStream
    from nbstream.settings.named_endpoint import NamedEndpoint
    from nbstream.streaming.stages import Stage
    from nbstream.streaming.stopping import StopWhen
    from nbstream.text.secret import Secret
    from nbstream.tools.approval import Approve
    from nbstream.tools.tool import Tool
    from nbstream.transport.event_stream import StreamSource

__all__ = ["refuse_slips", "resolve"]

_MOST_ROUNDS = 8
_WHOLE_ANSWER_SECONDS = 600.0
"""As long as the SDK waits for a non-streamed answer."""


def resolve(  # noqa: PLR0913  each is an option of a stream
    prompt: str | list[dict[str, Any]],
    *,
    model: str | None = None,
    api: Api | None = None,
    system: str | None = None,
    temperature: float | None = None,
    max_tokens: int | None = None,
    reasoning: str | dict[str, Any] | None = None,
    base_url: str | None = None,
    api_key: str | Secret | Callable[[], Any] | None = None,
    timeout: float | None = None,
    total_timeout: float | None = None,
    budget: float | None = None,
    max_seconds: float | None = None,
    max_retries: int | None = None,
    images: Images | None = None,
    surface: SurfaceKind | None = None,
    client: AsyncOpenAI | None = None,
    on: str | NamedEndpoint | None = None,
    source: StreamSource | None = None,
    stages: Sequence[Stage] = (),
    stop_when: StopWhen | None = None,
    image: Any = None,
    file: Any = None,
    tools: Sequence[Tool | Iterable[Tool] | Callable[..., Any] | dict[str, Any]] | None = None,
    approve: Approve | None = None,
    max_rounds: int | None = None,
    moderate: Moderate | None = None,
    on_flagged: Literal["block", "notify"] | None = None,
    allow_secrets: bool | None = None,
    schema: Any = None,
    repair: int = 0,
    as_: As | None = None,
    record: str | os.PathLike[str] | None = None,
    replay: str | os.PathLike[str] | None = None,
    epoch: int | None = None,
    stream: bool = True,
    **params: Any,
) -> StreamRequest:
    """Resolve one call into a request, with the settings of this kernel for what is not given (`None`).

    `nbstream.settings.options` says what the options mean; what has no name here goes into the request's body.

    Raises:
        UsageError: The call is wrong: an empty prompt, an unreadable image, an impossible value, no model.
    """
    config = settings()
    prompt, warnings = attached(prompt, image=image, file=file)
    _check_values(api=api, max_tokens=max_tokens, max_retries=max_retries, images=images, surface=surface)
    refuse_slips(params)
    target = resolve_target(config, model=model, api=api, base_url=base_url, api_key=api_key, client=client, on=on)
    moderation = moderation_of(config, target, moderate, on_flagged)
    return StreamRequest(
        **_sent_to(target, _messages(prompt)),
        system=_prompt(config.system if system is None else system),
        limits=_limits(target.limits, timeout, total_timeout, stream),
        **_drawn(config, images, surface),
        stream=stream,
        warnings=warnings,
        **_accounted(config, budget, max_seconds),
        **_numbers(config, temperature=temperature, max_tokens=max_tokens, max_retries=max_retries),
        **_hooks(source, stages, stop_when, moderation, allow_secrets),
        **_recorded(config, record, replay, epoch),
        **_held_to(schema, repair, as_),
        **_asked_of_tools(tools, approve, max_rounds, target.api, _fields(reasoning, target.api, moderation, params)),
    )


def _accounted(config: NBStream, dollars: Any, seconds: Any) -> dict[str, Any]:
    """Who asks, and how it is charged."""
    budget = Budget(
        checked_amount("budget", dollars, "dollars"), checked_amount("max_seconds", seconds, "seconds"), config.budget
    )
    here = {"place": place_here(), "cell": _cell_here(), "cell_id": _cell_id_here()}
    return {**here, "prices": config.prices, "ledger": config.ledger_file, "budget": budget or None}


def _sent_to(target: Target, messages: tuple[Mapping[str, Any], ...]) -> dict[str, Any]:
    of_target = {name: getattr(target, name) for name in ("api", "endpoint", "sizes", "client")}
    return {"messages": messages, "model": _checked(target, messages), **of_target}


def _cell_here() -> int | None:
    """The number of the cell that runs now; IPython 9 counts on before it runs a cell, so its history is asked."""
    inputs = getattr(getattr(running_shell(), "history_manager", None), "input_hist_parsed", None)
    return len(inputs) - 1 if inputs else None


def _cell_id_here() -> str | None:
    """What the notebook calls the cell that runs now; the page of JupyterLab, Notebook 7 or VS Code says it."""
    parent = getattr(getattr(running_shell(), "kernel", None), "get_parent", None)
    if parent is None:
        return None
    with contextlib.suppress(Exception):  # kernels of other makes have other ideas of a parent
        said = (parent("shell") or {}).get("metadata", {}).get("cellId")
        return said if isinstance(said, str) else None
    return None


def _prompt(text: str | None) -> str | None:
    return text and prompt_text(text)


def _checked(target: Target, messages: Sequence[Mapping[str, Any]]) -> str:
    """The model, if there is one, and if its API takes such messages."""
    if target.model is None:
        raise no_model(target.endpoint)
    _check_items(messages, target.api)
    return target.model


def _fields(reasoning: Any, api: Api, moderation: ModerationStage | None, params: dict[str, Any]) -> dict[str, Any]:
    """The fields of the request's body that have no place of their own."""
    return {**_effort(reasoning, api), **asked_of(moderation), **params}


def _effort(reasoning: Any, api: Api) -> dict[str, Any]:
    """What the API calls how much a model may reason."""
    match reasoning:
        case None:
            return {}
        case str() if reasoning.strip():
            word = reasoning.strip()
            return {"reasoning_effort": word} if api == "chat" else {"reasoning": {"effort": word}}
        case dict() if reasoning:
            return {"reasoning": reasoning}
        case _:
            raise UsageError(f'reasoning must be a word such as "low", or a dictionary, not {reasoning!r}')


def _numbers(config: NBStream, **given: float | None) -> dict[str, Any]:
    """What is given, or else set."""
    return {name: getattr(config, name) if value is None else value for name, value in given.items()}


def _recorded(config: NBStream, record: Any, replay: Any, epoch: Any) -> dict[str, Any]:
    if epoch is not None and (not isinstance(epoch, int) or isinstance(epoch, bool) or epoch < 1):
        raise UsageError(f"epoch must be a whole number above 0, not {epoch!r}")
    choice = chosen(config.recording_choice, record=record, play=replay)
    return {"recordings": choice, "epoch": epoch or 1}


def _drawn(config: NBStream, images: Images | None, surface: SurfaceKind | None) -> dict[str, Any]:
    return {
        "images": images or config.images,
        "surface": surface or config.surface,
        "footer": config.footer,
        "bring_into_view": config.bring_into_view,
        "answer_while_busy": config.answer_while_busy,
    }


def _held_to(schema: Any, repair: Any, as_: Any) -> dict[str, Any]:
    if as_ not in (None, "text", "code"):
        raise UsageError(f'as_ must be "text" or "code", not {as_!r}')
    if as_ == "code" and schema is not None:
        raise UsageError('an answer is either code (as_="code") or held to a schema, not both')
    if not isinstance(repair, int) or isinstance(repair, bool) or repair < 0:
        raise UsageError(f"repair must be a whole number, 0 or above, not {repair!r}")
    return {"schema": None if schema is None else AnswerSchema(schema), "repair": repair, "as_": as_ or "text"}


def _asked_of_tools(tools: Any, approve: Any, max_rounds: Any, api: Api, params: dict[str, Any]) -> dict[str, Any]:
    if max_rounds is not None and not (isinstance(max_rounds, int) and max_rounds > 0):
        raise UsageError(f"max_rounds must be a whole number above 0, not {max_rounds!r}")
    functions, told = told_tools(tools, api)
    return {
        "params": params if tools is None else {**params, "tools": told},
        "tools": functions,
        "approve": _approve(approve, [tool.name for tool in functions]),
        "max_rounds": max_rounds or _MOST_ROUNDS,
    }


def _approve(approve: Any, names: Sequence[str]) -> Approve:
    """Who allows calls. The names of a provider's own tools are not known here, but slips are."""
    policy = checked_policy(approve)
    for name in sorted(policy.difference(names)) if isinstance(policy, frozenset) else ():
        if meant := did_you_mean(name, names):
            raise UsageError(f"approve names {name!r}, which is no tool here{meant}")
    return policy


def _limits(limits: TimeLimits, timeout: float | None, total: float | None, stream: bool) -> TimeLimits:  # noqa: FBT001  an option of the caller's
    _check_times(timeout=timeout, total_timeout=total)
    first_token = limits.first_token if stream else max(limits.first_token, _WHOLE_ANSWER_SECONDS)
    return replace(
        limits,
        first_token=timeout or first_token,
        stall=timeout or limits.stall,
        total=total or limits.total,
    )


def _messages(prompt: str | list[dict[str, Any]]) -> tuple[Mapping[str, Any], ...]:
    try:
        return messages_from(prompt, items=True)
    except ValueError as error:
        raise UsageError(str(error)) from None


def _check_items(messages: Sequence[Mapping[str, Any]], api: Api) -> None:
    """Only one of the APIs takes more than messages, and images by their ids."""
    if api == "responses":
        return
    what = None
    if item := next((each for each in messages if "role" not in each), None):
        what = f'an item of type {item["type"]!r} is for the Responses API; a message is {{"role": …, "content": …}}'
    elif any(part.get("type") == "input_image" and "file_id" in part for part in _content(messages)):
        what = "the id of an image is for the Responses API; give the image itself, or its address"
    if what:
        raise UsageError(what, remedies=[Remedy(RemedyKind.USE_API, "responses")])


def _content(messages: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for message in messages:
        content = message.get("content")
        yield from (part for part in (content if isinstance(content, list) else ()) if isinstance(part, dict))


def _check_values(*, api: Any, max_tokens: Any, max_retries: Any, images: Any, surface: Any) -> None:
    """Raise for the first impossible value."""
    if api not in (None, "chat", "responses"):
        raise UsageError(f'api must be "chat" or "responses", not {api!r}')
    if images not in (None, "link", "allow"):
        raise UsageError(f'images must be "link" or "allow", not {images!r}')
    if surface not in (None, *SURFACES):
        raise UsageError(f"surface must be one of {', '.join(map(repr, SURFACES))}, not {surface!r}")
    if max_retries is not None and not (isinstance(max_retries, int) and max_retries >= 0):
        raise UsageError(f"max_retries must be a whole number, 0 or above, not {max_retries!r}")
    if max_tokens is not None and not (isinstance(max_tokens, int) and max_tokens > 0):
        raise UsageError(f"max_tokens must be a whole number above 0, not {max_tokens!r}")


# Fields that servers take, however much they look like an option.
_NO_SLIPS = {"filter", "max_new_tokens", "min_tokens", "mode", "models", "sources"}


def refuse_slips(names: Iterable[str], also: Iterable[str] = ()) -> None:
    """Refuse what is most likely a slip of an option: the API would be sent a field that it does not know.

    Args:
        names: What was given. Known options may be among them.
        also: Other names that may have been meant.

    Raises:
        UsageError: A name is close to another one.

    Example:
        >>> refuse_slips(["model", "seed"])
    """
    known = [*(option.name for option in OPTIONS), *also]
    for name in names:
        if name not in (*known, *_NO_SLIPS) and (meant := closest(name, known)) is not None:
            raise UsageError(f"no such option: {name}; did you mean {meant}?")


def _check_times(**times: Any) -> None:
    for name, seconds in times.items():
        if seconds is not None and not (isinstance(seconds, int | float) and seconds > 0):
            raise UsageError(f"the {name} must be a number of seconds above 0, not {seconds!r}")


def _truth(allow_secrets: Any) -> bool:
    if not isinstance(allow_secrets, bool | None):
        raise UsageError(f"allow_secrets must be True or False, not {allow_secrets!r}")
    return bool(allow_secrets)


def _hooks(
    source: Any, stages: Any, stop_when: Any, moderation: ModerationStage | None, allow_secrets: Any
) -> dict[str, Any]:
    if source is not None and not callable(getattr(source, "open", None)):
        raise UsageError("the source must have a method open(request), as nbstream.testing.ScriptedBytes has")
    if not isinstance(stages, list | tuple) or not all(map(callable, stages)):
        raise UsageError("stages are a list of functions from batches of events to batches of events")
    if stop_when is not None:
        StopCondition(stop_when)  # which raises if it cannot be one
    stages = tuple(stages) if moderation is None else (*stages, moderation)
    checked = {"stages": stages, "moderation": moderation, "allow_secrets": _truth(allow_secrets)}
    return {"source": source, "stop_when": stop_when, **checked}
