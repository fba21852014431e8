"""Runs what the magics are asked for: parse the options, fill in the prompt, stream, bind the names.

What it adds to `nbs.start` is the notebook's own: options, names, short errors.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from IPython.core.error import UsageError as IPythonUsageError

from nbstream.api import start
from nbstream.attachments.attached import listed
from nbstream.errors import StreamError, UsageError, shown_briefly
from nbstream.ipython.comparing import asks_several, beginning, bound_names, check_comparison
from nbstream.ipython.interpolation import interpolate
from nbstream.ipython.map_options import check_map
from nbstream.ipython.options import split_line
from nbstream.result import StreamResult, StreamState
from nbstream.settings.options import IN_MAGICS, OPTIONS
from nbstream.streaming.engine import engine
from nbstream.streaming.errands import waited_for_here
from nbstream.streaming.interrupts import HeldInterrupts
from nbstream.text.code import code_blocks
from nbstream.text.place import Place, reader_in
from nbstream.text.suggestion import closest, did_you_mean
from nbstream.tools.inserting import Insertion

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Mapping

    from IPython.core.interactiveshell import InteractiveShell
    from IPython.core.magic_arguments import MagicArgumentParser

    from nbstream.accounting.ledger import Groups, Ledger
    from nbstream.many.comparison.comparison import Comparison
    from nbstream.many.comparison.handle import ComparisonHandle
    from nbstream.recording.diff import Diff
    from nbstream.streaming.handle import StreamHandle
    from nbstream.telemetry.inspection import Inspection

__all__ = ["MagicRunner"]


class MagicRunner:
    """Runs the magics of one shell.

    Args:
        shell: Has the variables.
    """

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._latest: argparse.Namespace | None = None  # what the last stream was asked with

    def stream(self, parser: argparse.ArgumentParser, line: str, cell: str | None, local_ns: dict[str, Any]) -> Any:
        """Do what a cell or line of `stream` asks for.

        Args:
            parser: Reads its options.
            line: What stands after the magic's name.
            cell: The lines below, if it is a cell.
            local_ns: The local variables of the code around it.
        """
        options, ask = self._prepare(parser, line, cell, local_ns)
        if options.map is not None:
            ask()
            return _nothing() if options.awaited else None
        if options.plan is not None:
            from nbstream.ipython.planning import show_plan

            show_plan(options)
            return _nothing() if options.awaited else None
        if options.background:
            from nbstream.ipython.background import begin

            begun = begin(self._shell, options, cast("Callable[[], StreamHandle]", ask))
            return begun if cell is None else _nothing() if options.awaited else None
        insertion = Insertion()
        with insertion.asked() if options.insert == "ask" else contextlib.nullcontext():
            if options.awaited:
                handle = self._begin(options, ask, asyncio.get_running_loop())
                return self._finish_awaited(options, handle, insertion)
            result = self._finish(options, ask)
        _insert(options, result, insertion)
        return result if cell is None else None

    def stream_continue(self, parser: MagicArgumentParser, line: str) -> None:
        """Do what a line of `%stream_continue` asks for.

        Args:
            parser: Reads its options.
            line: What stands after the magic's name.
        """
        try:
            options = parser.parse_argstring(line)
            result = (
                self._shell.user_ns.get(options.name) if options.name else next(reversed(engine().last_results), None)
            )
            if not isinstance(result, StreamResult):
                there_is_no = f"there is no StreamResult named {options.name}"
                raise UsageError(there_is_no if options.name else "there is nothing to continue")  # noqa: TRY301
            begun = getattr(result.continuation, "request", None)
            options.as_, options.schema = (begun.as_, begun.schema) if begun else (None, None)
        except UsageError as error:
            raise IPythonUsageError(error.told(Place.CELL)) from None

        def ask() -> StreamHandle:
            handle: StreamHandle = result.start_again(display=not options.quiet)
            self._unset("stream_text", "stream_usage", options.out, options.usage)
            return handle

        self._finish(options, ask)

    def stream_diff(self, parser: MagicArgumentParser, line: str) -> Diff:
        """Do what a line of `%stream_diff` asks for.

        Args:
            parser: Reads its options.
            line: What stands after the magic's name.
        """
        from nbstream.recording.diff import diff

        try:
            names = parser.parse_argstring(line).names
            answers = [self._shell.user_ns.get(name, name) for name in names] or list(engine().last_results)
            if len(answers) != 2:
                needed = "two answers are compared: name both, or neither to compare the last two"
                raise UsageError(needed if names else f"there are no two answers yet; {needed}")  # noqa: TRY301
            return diff(*answers)
        except UsageError as error:
            raise IPythonUsageError(error.told(Place.CELL)) from None

    def stream_inspect(self, parser: MagicArgumentParser, line: str) -> Inspection:
        """Do what a line of `%stream_inspect` asks for.

        Args:
            parser: Reads its options.
            line: What stands after the magic's name.
        """
        from nbstream.telemetry.inspection import inspected

        try:
            return inspected(engine().tape, max(1, parser.parse_argstring(line).events))
        except UsageError as error:
            raise IPythonUsageError(error.told(Place.CELL)) from None

    def stream_usage(self, parser: MagicArgumentParser, line: str) -> Ledger | Groups:
        """Do what a line of `%stream_usage` asks for.

        Args:
            parser: Reads its options.
            line: What stands after the magic's name.
        """
        from nbstream.accounting.ledger import Ledger, ledger

        try:
            options = parser.parse_argstring(line)
            kept = Ledger.read(options.file) if options.file else ledger
            return kept.by(*options.by) if options.by else kept
        except UsageError as error:
            raise IPythonUsageError(error.told(Place.CELL)) from None

    def _finish(self, options: argparse.Namespace, ask: Callable[[], StreamHandle | ComparisonHandle]) -> Any:
        with HeldInterrupts() as held:
            handle = self._begin(options, ask)
            held.stop_with(handle.cancel)
            with _unset_names_told(options, handle), _context_shown(options, handle):
                return handle.wait()

    async def _finish_awaited(
        self, options: argparse.Namespace, handle: StreamHandle | ComparisonHandle, insertion: Insertion
    ) -> None:
        try:
            with _unset_names_told(options, handle), _context_shown(options, handle):
                result = await handle.wait_async()
        except asyncio.CancelledError:
            raise shown_briefly(KeyboardInterrupt()) from None  # the kernel's interrupt cancels a cell that awaits
        _insert(options, result, insertion)

    def _begin(
        self,
        options: argparse.Namespace,
        ask: Callable[[], StreamHandle | ComparisonHandle],
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> StreamHandle | ComparisonHandle:
        """Start the stream, and have its names bound at its end: an interrupt comes before both or ends the stream."""
        with HeldInterrupts() as held:
            try:
                with reader_in(Place.COMPARISON if asks_several(options) else Place.CELL), waited_for_here(loop):
                    handle = ask().unread()
            except UsageError as error:
                raise IPythonUsageError(error.told(Place.CELL)) from None
            held.stop_with(handle.cancel)
            self._latest = options
            handle.when_committed(partial(self._bind, options))
            return handle

    def _prepare(
        self, parser: argparse.ArgumentParser, line: str, cell: str | None, local_ns: dict[str, Any]
    ) -> tuple[argparse.Namespace, Callable[[], Any]]:
        """Read a cell; what it asks is yet to be asked."""
        options = None
        try:
            try:
                options, rest = split_line(parser, line)
            except IPythonUsageError as error:
                raise UsageError(f"{error}; %%stream? lists the options") from None
            finally:
                if options is None or not options.background:  # which leaves the names to the cells that wait
                    # `stream_result` stays until there is another: it may hold a partial text.
                    self._unset("stream_text", "stream_usage")
            self._unset(options.out if options.map is None else None, options.usage, options.result)
            if cell is not None and rest:
                raise UsageError(f"unexpected {rest!r} after the options; the prompt goes below the first line")  # noqa: TRY301
            options.prompt = text = rest if cell is None else cell.strip("\n")
            if options.background:
                from nbstream.ipython.background import refuse_what_needs_the_cell

                refuse_what_needs_the_cell(options)
            names = {**self._shell.user_ns, **local_ns}
            check_map(options)
            check_comparison(options)
            options.tools = _functions(options.tools, names)
            options.schema = _named(options.schema, names)
            options.moderate = _check_named(options.moderate, names)
            options.image, options.file = _given(options.image, names), _given(options.file, names)
            options.image = list(map(_cell_of, options.image or ()))
            if options.map is not None:
                from nbstream.ipython.mapping import map_cell

                return options, partial(map_cell, self._shell, options, text, names, _asked(options))
            prompt, pictures = (text, []) if options.raw else interpolate(text, names)
            options.image = [*pictures, *options.image]
            options.asked = prompt, (asked := _asked(options))
            if asks_several(options):
                self._unset("stream_choice")
                return options, beginning(options, prompt, asked)
            if options.chat is None:
                return options, partial(start, prompt, **asked)
            return options, partial(self._continue, options, prompt, asked)
        except UsageError as error:
            raise IPythonUsageError(error.told(Place.CELL)) from None

    def _continue(self, options: argparse.Namespace, prompt: str, asked: dict[str, Any]) -> StreamHandle:
        """Ask in a chat."""
        from nbstream.conversation.chat import Chat

        name = options.chat
        chat = Chat.named(name)
        system = asked.pop("system")
        with_it = {name: asked.pop(name) for name in ("image", "file", "display", "allow_secrets")}
        chat.configure(**{option: value for option, value in asked.items() if value is not None})
        if system is not None:
            chat.system = system
        options.as_ = chat.options.get("as_")
        handle = chat.start(prompt, **with_it)
        if name not in self._shell.user_ns:
            self._shell.push({name: chat}, interactive=True)
        return handle

    def _unset(self, *names: str | None) -> None:
        for name in names:
            self._shell.user_ns.pop(name, None)

    def _bind(self, options: argparse.Namespace, result: StreamResult | Comparison) -> None:
        if options is not self._latest:
            return  # given up while it did not end, and another one has been asked since
        if not isinstance(result, StreamResult):
            self._push(bound_names(options, result))
            result.when_chosen(lambda chosen: self._push({"stream_choice": chosen.chosen}))
            return
        names: dict[str | None, Any] = {"stream_result": result, options.result: result}
        if result.state is StreamState.COMPLETED:
            text = result.code if options.as_ == "code" else result.text
            names |= {
                "stream_text": text,
                "stream_usage": result.usage,
                options.out: text if options.schema is None else result.parsed,
                options.usage: result.usage,
            }
        self._push(names)

    def _push(self, names: Mapping[Any, Any]) -> None:
        self._shell.push({name: value for name, value in names.items() if name}, interactive=True)


async def _nothing() -> None:
    """What a cell that awaits its stream gets where there is none."""


def _context_shown(options: argparse.Namespace, handle: Any) -> contextlib.AbstractContextManager[None]:
    if not getattr(options, "context", False):
        return contextlib.nullcontext()
    from nbstream.ipython.planning import context_shown

    return context_shown(options, handle)


def _insert(options: argparse.Namespace, result: Any, insertion: Insertion) -> None:
    """Put the code of the answer into a new cell, if that was asked for and nobody has said no."""
    wanted = options.insert is not None and insertion.allowed is not False
    if not wanted or not isinstance(result, StreamResult) or result.state is not StreamState.COMPLETED:
        return
    if options.as_ != "code" and not code_blocks(result.text):
        sys.stdout.write("No cell was inserted because there is no code in the answer.\n")
        return
    try:
        result.insert(ask=options.insert == "ask" and insertion.allowed is None)
    except UsageError as error:
        raise IPythonUsageError(error.told(Place.CELL)) from None


def _named(wanted: str | None, names: dict[str, Any]) -> Any:
    """The type or the schema of this name."""
    if wanted is None or wanted in names:
        return None if wanted is None else names[wanted]
    meant = closest(wanted, [name for name, value in names.items() if isinstance(value, type | dict)])
    raise UsageError(f"there is no type called {wanted} in this notebook{f'; did you mean {meant}?' if meant else ''}")


def _check_named(wanted: str | None, names: dict[str, Any]) -> Any:
    """Who moderates: the provider, OpenAI, or what has this name."""
    if wanted is None or wanted in {"provider", "openai"}:
        return wanted
    if wanted not in names:
        meant = closest(wanted, ["provider", "openai", *(name for name, value in names.items() if callable(value))])
        suggestion = f"; did you mean {meant}?" if meant else ""
        raise UsageError(f"there is no function called {wanted} in this notebook{suggestion}")
    return names[wanted]


def _given(wanted: list[str] | None, names: dict[str, Any]) -> list[Any] | None:
    """What is to be attached: the values of variables, of which each may be several; else paths and addresses."""
    for name in wanted or ():
        if name.isidentifier() and name not in names and not Path(name).exists():
            raise UsageError(f"there is no variable and no file called {name}{did_you_mean(name, names, 0.7)}")
    return None if wanted is None else [each for name in wanted for each in listed(names.get(name, name))]


def _cell_of(image: Any) -> Any:
    """The number of a cell, which stands for what that cell has displayed."""
    return int(image) if isinstance(image, str) and image.isdecimal() and not Path(image).exists() else image


def _functions(wanted: list[str] | None, names: dict[str, Any]) -> list[Any] | None:
    """The functions of these names."""
    for name in wanted or ():
        if name not in names:
            meant = closest(name, [each for each, value in names.items() if callable(value)])
            suggestion = f"; did you mean {meant}?" if meant else ""
            raise UsageError(f"there is no function called {name} in this notebook{suggestion}")
    return None if wanted is None else [names[name] for name in wanted]


def _asked(options: argparse.Namespace) -> dict[str, Any]:
    """What the options mean to `nbs.start`."""
    named = {option.name: getattr(options, option.name) for option in IN_MAGICS}
    named |= {name: named[name][0] if named[name] else None for name in ("model", "on")}  # one is asked
    if named["stream"] is None:
        del named["stream"]
    if (approve := named["approve"]) and len(approve) == 1 and approve[0] in {"ask", "all", "none"}:
        named["approve"] = approve[0]
    params = dict(options.param)
    if taken := sorted(set(params) & {"prompt", *(option.name for option in OPTIONS)}):
        raise UsageError(f"--param cannot set {', '.join(taken)}; use the option for it")
    return {"display": not options.quiet, **named, **params}


@contextlib.contextmanager
def _unset_names_told(options: argparse.Namespace, handle: StreamHandle | ComparisonHandle) -> Iterator[None]:
    """Say below an answer that is not complete which names are not set, so that a later `NameError` is no riddle."""
    given = [name for name in (options.out, options.usage) if name]
    stopped = given or ([] if asks_several(options) else ["stream_text"])
    try:
        yield
    except StreamError as error:
        if given:
            error.add_note(_not_set(given, "failed"))
        raise
    finally:
        if handle.state is StreamState.CANCELLED and stopped and not options.quiet:
            sys.stdout.write(f"{_not_set(stopped, 'was stopped')}\n")


def _not_set(names: list[str], happened: str) -> str:
    return f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} not set because the stream {happened}."
