"""The `%%stream` and `%stream` magics: their options and their help.

What runs them is imported at their first use, so that `%load_ext nbstream` is quick.
"""

from __future__ import annotations

import argparse
import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_cell_magic, line_magic, magics_class, needs_local_scope, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments

from nbstream.attachments.displayed import DisplayedImages
from nbstream.errors import UsageError
from nbstream.ipython import prompt_lines
from nbstream.ipython.awaited_cells import AWAITED_OPTION, AwaitedCells
from nbstream.ipython.options import Completer, key_and_json, variable_name
from nbstream.settings.config import settings
from nbstream.settings.options import IN_MAGICS, SURFACES
from nbstream.streaming.engine import engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from IPython.core.interactiveshell import InteractiveShell
    from IPython.core.magic_arguments import MagicArgumentParser

    from nbstream.ipython.runner import MagicRunner

__all__ = ["StreamMagics", "load", "unload"]


def _stream_options(magic: Callable[..., Any]) -> Callable[..., Any]:
    """Give a magic the options of a stream."""
    for option in reversed(IN_MAGICS):
        magic = argument(*option.flags, help=option.help, **option.parsing)(magic)
    return magic


@magics_class
class StreamMagics(Magics):
    """The magics that `%load_ext nbstream` registers."""

    _runner: MagicRunner | None = None

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
        "--n",
        type=int,
        metavar="TIMES",
        help="Ask each model so many times, to compare its answers. Example: --n 3",
    )
    @argument(
        "--blind",
        action="store_true",
        help="Hide which model gave which answer until you choose one. Example: -m gpt-5-mini -m gpt-5 --blind",
    )
    @argument(
        "--diff",
        action="store_true",
        help="Show the word differences between two answers. Example: -m gpt-5-mini -m gpt-5 --diff",
    )
    @argument(
        "--chat",
        type=variable_name,
        metavar="NAME",
        help="Continue the chat of this name, or begin it. Example: --chat tutor",
    )
    @argument(
        "--map",
        type=variable_name,
        metavar="NAME",
        help="Ask the prompt of every row of this table, whose columns are names in {{ }}; -o is a column of the "
        "data frame, or a list. Example: --map reviews -o mood",
    )
    @argument("--checkpoint", metavar="FILE", help="With --map: keep the answers in a file. Example: --checkpoint a.db")
    @argument(
        "--batch",
        action="store_true",
        help="With --map: let the provider take up to a day, for less money. Example: --map reviews -o mood --batch",
    )
    @argument(
        "--insert",
        nargs="?",
        const="ask",
        choices=("ask", "yes"),
        help="Put the code of the answer into a new cell below, after asking; --insert=yes does not ask. Nothing runs "
        "it. Example: --as code --insert",
    )
    @argument(
        "--plan",
        nargs="?",
        const="count",
        choices=("count", "local"),
        help="Show what would be sent, its tokens as the provider counts them, and the price; nothing is asked. "
        "--plan=local sends nothing at all. Example: --plan",
    )
    @argument(
        "--background",
        action="store_true",
        help="Return at once, and let the answer arrive below the cell while others run; -o then names its handle. "
        "Example: --background -o answer",
    )
    @argument("--context", action="store_true", help="Show what was sent, folded, below the answer. Example: --context")
    @argument("--raw", action="store_true", help="Send the text as it is, double braces included. Example: --raw")
    @argument(AWAITED_OPTION, action="store_true", help=argparse.SUPPRESS)
    @argument("--quiet", action="store_true", help="Show nothing, only bind the names. Example: --quiet -o summary")
    def stream(self, line: str, cell: str | None = None, local_ns: dict[str, Any] | None = None) -> Any:
        """Stream a model's answer below the cell, as it arrives.

        As a cell magic, the cell is the prompt, and {{ expression }} in it is evaluated in the notebook; single braces
        are text. A PIL image or a matplotlib figure is attached. As a line magic, the rest of the line is the prompt,
        and the StreamResult is returned.

        After a completed stream, `stream_text` is the answer (str), `stream_usage` the token usage and `stream_result`
        the whole StreamResult. After a failed or stopped one only `stream_result` and the name given with -r are set,
        to the partial result; the other names are unset, so that no later cell mistakes half an answer for a whole one.

        With --chat NAME, the prompt is sent with what was said before in the notebook variable NAME, if that is a Chat
        or a ChatPanel, which then shows the turn as well. Otherwise a chat is begun, and assigned to NAME if there is
        no such variable yet. Model, system prompt and the other options of a request stay with the chat, until a later
        cell gives others.

        With --map NAME, the prompt is asked of every row of that data frame or list, see `nbs.map`; `stream_map` is the
        map. A stopped map keeps what is done: run the cell again, and it goes on. With --batch, an interrupt leaves the
        batches to the provider; the cell, or `nbs.map.resume`, takes them up again, in another kernel as well.

        With --background -o answer, the cell ends at once and `answer` is a StreamHandle; `answer.result()` or
        `await answer` waits for the result. `stream_text` and the others are left alone. Running the cell again, or
        deleting it, ends the stream; %stream_jobs lists what is running.

        Examples::

            %%stream -m gpt-5-mini -o summary -u cost
            Summarise in five bullets: {{ report_text }}

            result = %stream -m demo Explain tokens in one sentence.

            %%stream --map reviews -o mood -m gpt-5-mini
            Mood of this review, in one word: {{ text }}

            %%stream --chat tutor -m gpt-5-mini -s "You are a patient tutor."
            What is a gradient?
        """
        return self._run().stream(_parser(StreamMagics.stream), line, cell, local_ns or {})

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
        self._run().stream_continue(_parser(StreamMagics.stream_continue), line)

    @no_var_expand
    @line_magic
    @magic_arguments()
    @argument(
        "names",
        nargs="*",
        metavar="ANSWER",
        help="Two StreamResults by name, or files of recordings; by default the last two. Example: before after",
    )
    def stream_diff(self, line: str) -> Any:
        """Show what changed between two answers: in the prompt, in its parameters, and word by word in the answer.

        Example::

            %stream_diff
            %stream_diff before after
        """
        return self._run().stream_diff(_parser(StreamMagics.stream_diff), line)

    @no_var_expand
    @line_magic
    @magic_arguments()
    @argument(
        "--events",
        type=int,
        default=300,
        metavar="N",
        help="How many raw events of each request to show. Example: --events 2000",
    )
    def stream_inspect(self, line: str) -> Any:
        """Show the last stream step by step: its requests, rounds and retries, its raw events and what each became.

        The key is in none of it. What was sent and received is kept of the stream that was begun last, up to a
        megabyte of its beginning and its end.

        Example::

            %stream_inspect
        """
        return self._run().stream_inspect(_parser(StreamMagics.stream_inspect), line)

    @no_var_expand
    @line_magic
    @magic_arguments()
    @argument("--base-url", help="Server that the key is for; by default that of the settings. Example: --base-url URL")
    @argument("--keep", action="store_true", help="Keep the key in the system's keyring as well. Example: --keep")
    @argument("--forget", action="store_true", help="Forget the key; with --keep, the keyring too. Example: --forget")
    def stream_login(self, line: str) -> None:
        """Ask for a key without showing it, and keep it in this kernel's memory until it ends.

        It is in no cell, no output and no file, and goes to no other server. With --keep the system's keyring keeps it
        as well, where later kernels find it.

        Example::

            %stream_login
            %stream_login --base-url https://gateway.example/v1 --keep
        """
        from nbstream.ipython.login import log_in

        log_in(_parser(StreamMagics.stream_login).parse_argstring(line))

    @no_var_expand
    @line_magic
    @magic_arguments()
    @argument("file", nargs="?", help="A ledger in a file; by default that of this kernel. Example: usage.sqlite")
    @argument(
        "--by",
        action="append",
        metavar="FIELD",
        help="Add up by model, host, state, cell, day or another field; may be repeated. Example: --by day",
    )
    def stream_usage(self, line: str) -> Any:
        """Show what the requests of this kernel took and cost, or those in a file: totals, small charts, and a table.

        What is known, what is a lower bound and what is unknown are told apart. `nbs.ledger` is the same in Python.

        Example::

            %stream_usage
            %stream_usage usage.sqlite --by day --by model
        """
        return self._run().stream_usage(_parser(StreamMagics.stream_usage), line)

    @no_var_expand
    @line_magic
    @magic_arguments()
    @argument("--stop", metavar="NAME|all", help="End a stream and keep what has arrived. Example: --stop answer")
    @argument(
        "--wait",
        nargs="?",
        const="all",
        metavar="NAME|all",
        help="Wait for the end of a stream, or of all of them. Example: --wait",
    )
    def stream_jobs(self, line: str) -> None:
        """Show the streams that run in the background: what was asked, the state, time, tokens and the text's end.

        The table is live while one of them is running. A stream goes by the name that -o gave it, else by its number.
        An interrupt ends the waiting, and no stream. `nbs.jobs` is the same in Python.

        Example::

            %stream_jobs
            %stream_jobs --stop answer
            %stream_jobs --wait
        """
        from nbstream.ipython.jobs import run

        run(_parser(StreamMagics.stream_jobs).parse_argstring(line))

    def _run(self) -> MagicRunner:
        if self._runner is None:
            from nbstream.ipython.runner import MagicRunner

            assert self.shell is not None  # magics are made by a shell
            self._runner = MagicRunner(self.shell)
        return self._runner


_MAGICS = (
    *("stream", "stream_continue", "stream_diff", "stream_inspect", "stream_jobs", "stream_login"),
    "stream_usage",
)


def _parser(magic: Callable[..., Any]) -> MagicArgumentParser:
    parser: MagicArgumentParser = getattr(magic, "parser")  # noqa: B009  put there by magic_arguments
    return parser


def load(shell: InteractiveShell) -> None:
    """Register the magics, their completion and the settings."""
    settings()
    prompt_lines.install(shell)
    DisplayedImages.watch(shell)
    shell.register_magics(StreamMagics)
    for completer in _completers(shell):
        completer.install(shell)
    if AwaitedCells.worthwhile(shell) and not _awaited_cells(shell):
        AwaitedCells(shell).install()
    if settings().preload and getattr(shell, "kernel", None) is not None:
        with contextlib.suppress(UsageError, RuntimeError):  # no thread can be started: the first stream says it
            engine().prepare("nbstream.ipython.runner", "nbstream.display.notebook", "nbstream.display.live_view")


def unload(shell: InteractiveShell) -> None:
    """Take away what `load` registered; the settings stay, because they may hold a key that is still wanted."""
    prompt_lines.remove(shell)
    DisplayedImages.leave(shell)
    for name in _MAGICS:
        for kind in ("line", "cell"):
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
        "--as": lambda: ("text", "code"),
        "--images": lambda: ("link", "allow"),
        "--moderate": lambda: ("openai", "provider"),
        "--on-flagged": lambda: ("block", "notify"),
        "--surface": lambda: SURFACES,
        "--chat": chats,
        "--on": lambda: settings().endpoints.names,
    }
    return [
        Completer(_parser(StreamMagics.stream), r"\s*(?:[\w.]+\s*=\s*)?%%?stream", values),
        Completer(_parser(StreamMagics.stream_continue), r"\s*%stream_continue", {}),
        Completer(_parser(StreamMagics.stream_inspect), r"\s*%stream_inspect", {}),
        Completer(_parser(StreamMagics.stream_jobs), r"\s*%stream_jobs", dict.fromkeys(("--stop", "--wait"), _jobs)),
    ]


def _known_models() -> list[str]:
    """The models that may be meant, without asking anybody."""
    from nbstream.settings.target import DEMO_MODEL, resolve_target

    loop, known = engine(), {DEMO_MODEL}
    with contextlib.suppress(UsageError):
        target = resolve_target(settings())
        known |= {target.model or DEMO_MODEL, *loop.listed_models(target.endpoint.base_url)}
    return sorted(known)


def _jobs() -> list[str]:
    """What may be stopped or waited for."""
    return ["all", *(job.name for job in engine().running if job.running)]


def _variables(shell: InteractiveShell, *kinds: str) -> list[str]:
    """The notebook's variables of these classes of nbstream."""
    return sorted(
        name
        for name, value in list(shell.user_ns.items())
        if not name.startswith("_") and type(value).__module__.startswith("nbstream.") and type(value).__name__ in kinds
    )


def _awaited_cells(shell: InteractiveShell) -> list[AwaitedCells]:
    return [transformer for transformer in shell.input_transformers_post if isinstance(transformer, AwaitedCells)]
