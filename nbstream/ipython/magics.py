"""The `%%stream` and `%stream` magics. Thin: parse the options, fill in the prompt, run, bind the names.

What they add to `nbs.start` is the notebook's own: options, names, short errors.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError as IPythonUsageError
from IPython.core.magic import Magics, line_cell_magic, line_magic, magics_class, needs_local_scope, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring

from nbstream.api import start
from nbstream.errors import StreamError, UsageError, shown_briefly
from nbstream.ipython import prompt_lines
from nbstream.ipython.awaited_cells import AWAITED_OPTION, AwaitedCells
from nbstream.ipython.interpolation import interpolate
from nbstream.ipython.options import Completer, key_and_json, split_line, variable_name
from nbstream.result import StreamResult, StreamState
from nbstream.settings.config import settings
from nbstream.settings.options import IN_MAGICS, OPTIONS
from nbstream.settings.target import DEMO_MODEL, resolve_target
from nbstream.streaming.engine import engine
from nbstream.streaming.interrupts import HeldInterrupts
from nbstream.text.place import Place, reader_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from IPython.core.interactiveshell import InteractiveShell

    from nbstream.streaming.handle import StreamHandle

__all__ = ["StreamMagics", "load", "unload"]


def _stream_options(magic: Callable[..., Any]) -> Callable[..., Any]:
    """Give a magic the options of a stream."""
    for option in reversed(IN_MAGICS):
        magic = argument(*option.flags, help=option.help, **option.parsing)(magic)
    return magic


@magics_class
class StreamMagics(Magics):
    """The magics that `%load_ext nbstream` registers."""

    _latest: argparse.Namespace | None = None  # what the last stream was asked with

    @no_var_expand
    @needs_local_scope
    @line_cell_magic
    @magic_arguments()
    @_stream_options
    @argument("-o", "--out", type=variable_name, help="Name for the text, besides `stream_text`. Example: -o summary")
    @argument("-u", "--usage", type=variable_name, help="Name for the usage, besides `stream_usage`. Example: -u cost")
    @argument(
        "-r", "--result", type=variable_name, help="Name for the StreamResult, besides `stream_result`. Example: -r run"
    )
    @argument(
        "--param",
        action="append",
        type=key_and_json,
        default=[],
        metavar="KEY=JSON",
        help="Any other field of the API's request; may be repeated. Example: --param seed=7",
    )
    @argument(
        "--chat",
        type=variable_name,
        metavar="NAME",
        help="Continue the chat of this name, or begin it. Example: --chat tutor",
    )
    @argument("--raw", action="store_true", help="Send the text as it is, double braces included. Example: --raw")
    @argument(AWAITED_OPTION, action="store_true", help=argparse.SUPPRESS)
    @argument("--quiet", action="store_true", help="Show nothing, only bind the names. Example: --quiet -o summary")
    def stream(self, line: str, cell: str | None = None, local_ns: dict[str, Any] | None = None) -> Any:
        """Stream a model's answer below the cell, as it arrives.

        As a cell magic, the cell is the prompt, and {{ expression }} in it is evaluated in the notebook; single braces
        are text. As a line magic, the rest of the line is the prompt, and the StreamResult is returned.

        After a completed stream, `stream_text` is the answer (str), `stream_usage` the token usage and `stream_result`
        the whole StreamResult. After a failed or stopped one only `stream_result` and the name given with -r are set,
        to the partial result; the other names are unset, so that no later cell mistakes half an answer for a whole one.

        With --chat NAME, the prompt is sent with what was said before in the notebook variable NAME, if that is a Chat
        or a ChatPanel, which then shows the turn as well. Otherwise a chat is begun, and assigned to NAME if there is
        no such variable yet. Model, system prompt and the other options of a request stay with the chat, until a later
        cell gives others.

        Examples::

            %%stream -m gpt-5-mini -o summary -u cost
            Summarise in five bullets: {{ report_text }}

            result = %stream -m demo Explain tokens in one sentence.

            %%stream --chat tutor -m gpt-5-mini -s "You are a patient tutor."
            What is a gradient?
        """
        options, ask = self._prepare(line, cell, local_ns or {})
        if options.awaited:
            return self._finish_awaited(options, self._begin(options, ask))
        result = self._finish(options, ask)
        return result if cell is None else None

    @no_var_expand
    @line_magic
    @magic_arguments()
    @argument(
        "name",
        nargs="?",
        type=variable_name,
        help="The StreamResult to continue; by default that of the stream that ended last. Example: run",
    )
    @argument("-o", "--out", type=variable_name, help="Name for the whole text. Example: -o summary")
    @argument("-u", "--usage", type=variable_name, help="Name for the usage. Example: -u cost")
    @argument("-r", "--result", type=variable_name, help="Name for the new StreamResult. Example: -r run")
    @argument("--quiet", action="store_true", help="Show nothing, only bind the names. Example: --quiet -o summary")
    def stream_continue(self, line: str) -> None:
        """Continue an answer that broke off, was stopped or was cut at its limit.

        It continues the stream that ended last, however it was started, or a StreamResult by name. The whole answer is
        drawn; the names are set as `%%stream` sets them, the usage being that of the second request. A background
        Responses answer is resumed where it broke off; any other is sent back for the model to continue.

        Example::

            %stream_continue -o summary
        """
        try:
            options = parse_argstring(self.stream_continue, line)
            result = self._shell.user_ns.get(options.name) if options.name else engine().last_result
            if not isinstance(result, StreamResult):
                there_is_no = f"there is no StreamResult named {options.name}"
                raise UsageError(there_is_no if options.name else "there is nothing to continue")  # noqa: TRY301
        except UsageError as error:
            raise IPythonUsageError(error.told(Place.CELL)) from None

        def ask() -> StreamHandle:
            handle: StreamHandle = result.start_again(display=not options.quiet)
            self._unset("stream_text", "stream_usage", options.out, options.usage)
            return handle

        self._finish(options, ask)

    def _finish(self, options: argparse.Namespace, ask: Callable[[], StreamHandle]) -> StreamResult:
        with HeldInterrupts() as held:
            handle = self._begin(options, ask)
            held.stop_with(handle.cancel)
            with _unset_names_told(options, handle):
                return handle.wait()

    async def _finish_awaited(self, options: argparse.Namespace, handle: StreamHandle) -> None:
        try:
            with _unset_names_told(options, handle):
                await handle.wait_async()
        except asyncio.CancelledError:
            raise shown_briefly(KeyboardInterrupt()) from None  # the kernel's interrupt cancels a cell that awaits

    def _begin(self, options: argparse.Namespace, ask: Callable[[], StreamHandle]) -> StreamHandle:
        """Start the stream, and have its names bound at its end: an interrupt comes before both or ends the stream."""
        with HeldInterrupts() as held:
            try:
                with reader_in(Place.CELL):
                    handle = ask().unread()
            except UsageError as error:
                raise IPythonUsageError(error.told(Place.CELL)) from None
            held.stop_with(handle.cancel)
            self._latest = options
            handle.when_committed(partial(self._bind, options))
            return handle

    def _prepare(
        self, line: str, cell: str | None, local_ns: dict[str, Any]
    ) -> tuple[argparse.Namespace, Callable[[], StreamHandle]]:
        """Read a cell; what it asks is yet to be asked."""
        # `stream_result` stays until there is another: it may hold a partial text.
        self._unset("stream_text", "stream_usage")
        try:
            try:
                options, rest = split_line(_parser(), line)
            except IPythonUsageError as error:
                raise UsageError(f"{error}; %%stream? lists the options") from None
            self._unset(options.out, options.usage, options.result)
            if cell is not None and rest:
                raise UsageError(f"unexpected {rest!r} after the options; the prompt goes below the first line")  # noqa: TRY301
            text = rest if cell is None else cell.strip("\n")
            names = {**self._shell.user_ns, **local_ns}
            prompt, asked = text if options.raw else interpolate(text, names), _asked(options)
            if options.chat is None:
                return options, partial(start, prompt, **asked)
            return options, partial(self._continue, options.chat, prompt, asked)
        except UsageError as error:
            raise IPythonUsageError(error.told(Place.CELL)) from None

    def _continue(self, name: str, prompt: str, asked: dict[str, Any]) -> StreamHandle:
        """Ask in a chat."""
        from nbstream.conversation.chat import Chat

        chat = Chat.named(name)
        system, display = asked.pop("system"), asked.pop("display")
        chat.configure(**{option: value for option, value in asked.items() if value is not None})
        if system is not None:
            chat.system = system
        handle = chat.start(prompt, display=display)
        if name not in self._shell.user_ns:
            self._shell.push({name: chat}, interactive=True)
        return handle

    @property
    def _shell(self) -> InteractiveShell:
        assert self.shell is not None  # magics are made by a shell
        return self.shell

    def _unset(self, *names: str | None) -> None:
        for name in names:
            self._shell.user_ns.pop(name, None)

    def _bind(self, options: argparse.Namespace, result: StreamResult) -> None:
        if options is not self._latest:
            return  # given up while it did not end, and another one has been asked since
        names: dict[str | None, Any] = {"stream_result": result, options.result: result}
        if result.state is StreamState.COMPLETED:
            names |= {
                "stream_text": result.text,
                "stream_usage": result.usage,
                options.out: result.text,
                options.usage: result.usage,
            }
        self._shell.push({name: value for name, value in names.items() if name}, interactive=True)


def _parser() -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = getattr(StreamMagics.stream, "parser")  # noqa: B009  put there by magic_arguments
    return parser


def _asked(options: argparse.Namespace) -> dict[str, Any]:
    """What the options mean to `nbs.start`."""
    named = {option.name: getattr(options, option.name) for option in IN_MAGICS}
    if named["stream"] is None:
        del named["stream"]
    params = dict(options.param)
    if taken := sorted(set(params) & {"prompt", *(option.name for option in OPTIONS)}):
        raise UsageError(f"--param cannot set {', '.join(taken)}; use the option for it")
    return {"display": not options.quiet, **named, **params}


@contextlib.contextmanager
def _unset_names_told(options: argparse.Namespace, handle: StreamHandle) -> Iterator[None]:
    """Say below an answer that is not complete which names are not set, so that a later `NameError` is no riddle."""
    given = [name for name in (options.out, options.usage) if name]
    try:
        yield
    except StreamError as error:
        if given:
            error.add_note(_not_set(given, "failed"))
        raise
    finally:
        if handle.state is StreamState.CANCELLED:
            sys.stdout.write(f"{_not_set(given or ['stream_text'], 'was stopped')}\n")


def _not_set(names: list[str], happened: str) -> str:
    return f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} not set because the stream {happened}."


def load(shell: InteractiveShell) -> None:
    """Register the magics, their completion and the settings."""
    settings()
    prompt_lines.install(shell)
    shell.register_magics(StreamMagics)
    for completer in _completers(shell):
        completer.install(shell)
    if AwaitedCells.worthwhile(shell) and not _awaited_cells(shell):
        AwaitedCells(shell).install()
    if settings().preload and getattr(shell, "kernel", None) is not None:
        with contextlib.suppress(UsageError, RuntimeError):  # no thread can be started: the first stream says it
            engine().prepare("nbstream.display.notebook", "nbstream.display.live_view")


def unload(shell: InteractiveShell) -> None:
    """Take away what `load` registered; the settings stay, because they may hold a key that is still wanted."""
    prompt_lines.remove(shell)
    for kind, name in (("line", "stream"), ("cell", "stream"), ("line", "stream_continue")):
        shell.magics_manager.magics[kind].pop(name, None)
    for completer in _completers(shell):
        completer.remove(shell)
    for transformer in _awaited_cells(shell):
        transformer.remove()


def _completers(shell: InteractiveShell) -> list[Completer]:
    """What completes the lines of the magics."""
    models, chats = _known_models, partial(_variables, shell, "Chat", "ChatPanel")
    values: dict[str, Callable[[], Iterable[str]]] = {
        **dict.fromkeys(("-m", "--model"), models),
        "--api": lambda: ("chat", "responses"),
        "--images": lambda: ("link", "allow"),
        "--chat": chats,
    }
    continuing = getattr(StreamMagics.stream_continue, "parser")  # noqa: B009  put there by magic_arguments
    return [
        Completer(_parser(), r"\s*(?:[\w.]+\s*=\s*)?%%?stream", values),
        Completer(continuing, r"\s*%stream_continue", {}),
    ]


def _known_models() -> list[str]:
    """The models that may be meant, without asking anybody."""
    loop, known = engine(), {DEMO_MODEL}
    with contextlib.suppress(UsageError):
        target = resolve_target(settings())
        known |= {target.model or DEMO_MODEL, *loop.listed_models(target.endpoint.base_url)}
    return sorted(known)


def _variables(shell: InteractiveShell, *kinds: str) -> list[str]:
    """The notebook's variables of these classes of nbstream."""
    return sorted(
        name
        for name, value in list(shell.user_ns.items())
        if not name.startswith("_") and type(value).__module__.startswith("nbstream.") and type(value).__name__ in kinds
    )


def _awaited_cells(shell: InteractiveShell) -> list[AwaitedCells]:
    return [transformer for transformer in shell.input_transformers_post if isinstance(transformer, AwaitedCells)]
