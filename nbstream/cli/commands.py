"""The `nbstream` command and its subcommands. Thin: it parses, calls, prints, and starts JupyterLab."""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import os
import pathlib
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from nbstream import __version__
from nbstream.errors import UsageError
from nbstream.settings.options import positive_number
from nbstream.settings.target import DEMO_MODEL
from nbstream.text.place import Place
from nbstream.text.plain import encodable, exception_line, plain

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

    from nbstream.settings.provenance import Rows

__all__ = ["main"]


def main(argv: list[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: The arguments; by default those of the process.

    Returns:
        The exit status: 0 if all is well.

    Example:
        ```python
        sys.exit(main(["demo", "--check"]))
        ```
    """
    for stream in (sys.stdout, sys.stderr):
        # Answers hold any character, but a console may support few.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    options = _parser().parse_args(argv)
    try:
        status: int = options.run(options)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except OSError as error:
        return _fail(str(error))
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="nbstream", description="Streamed model answers in Jupyter.")
    parser.add_argument("--version", action="version", version=f"nbstream {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    parser.set_defaults(run=_help)
    text = "Open JupyterLab on a copy of the tutorials, with the demo model: no key, no network."
    demo = commands.add_parser("demo", help=text, description=text)
    demo.add_argument("--check", action="store_true", help="run the tutorial without JupyterLab and print the result")
    demo.add_argument("--dir", type=pathlib.Path, default="nbstream-demo", help="folder of the copy (%(default)s)")
    demo.add_argument("--no-browser", action="store_true", help="only print the address")
    demo.add_argument("--port", type=int, help="port of the Jupyter server")
    demo.add_argument("jupyter", nargs="*", metavar="-- OPTION", help="further options for JupyterLab")
    demo.set_defaults(run=_demo)
    text = "Print versions, front ends, the settings that apply, and whether the endpoint answers."
    doctor = commands.add_parser("doctor", help=text, description=text)
    doctor.add_argument("-m", "--model", help="as in %%%%stream; `demo` is the built-in model")
    doctor.add_argument("--base-url", metavar="URL", help="as in %%%%stream")
    doctor.add_argument(
        "--timeout", type=positive_number, default=5, metavar="SECONDS", help="for the answer (%(default)s)"
    )
    doctor.set_defaults(run=_doctor)
    text = "Play a recording: what was asked, and the answer as it came."
    replay = commands.add_parser("replay", help=text, description=text)
    replay.add_argument("file", type=pathlib.Path, metavar="FILE", help="the recording")
    replay.add_argument(
        "--speed", type=positive_number, default=1.0, help="how many times as fast as it was recorded (%(default)g)"
    )
    replay.set_defaults(run=_replay)
    text = "Run a notebook without a front end, and record its answers. The notebook stays as it is."
    record = commands.add_parser("record", help=text, description=text)
    record.add_argument("notebook", type=pathlib.Path, metavar="NOTEBOOK", help="the notebook")
    record.add_argument("--dir", type=pathlib.Path, help="where recordings go (recordings/ beside the notebook)")
    record.add_argument("--missing", action="store_true", help="ask only what is not recorded yet")
    record.set_defaults(run=_record)
    return parser


def _help(_: argparse.Namespace) -> int:
    _parser().print_help()
    return 0


def _demo(options: argparse.Namespace) -> int:
    needed = ("nbclient", "nbformat", "ipykernel") if options.check else ("jupyterlab", "ipykernel")
    if missing := [name for name in needed if importlib.util.find_spec(name) is None]:
        return _fail(f'this needs {", ".join(missing)}: pip install "nbstream[lab]"')
    return _check() if options.check else _open(options)


def _check() -> int:
    from nbstream.cli import tutorial

    outcome = tutorial.run()
    if outcome.facts is not None:
        usage = outcome.facts.get("usage") or {}
        counts = (f"{value} {name.replace('_', ' ')}" for name, value in usage.items() if value is not None)
        _say(f"{outcome.answer}\n")
        _say(f"state: {outcome.facts.get('state')}")
        _say(f"usage: {', '.join(counts) or 'not reported'}")
    return 0 if outcome.failure is None else _fail(outcome.failure)


def _open(options: argparse.Namespace) -> int:
    from nbstream.cli import tutorial

    notebook, other = tutorial.copy_into(options.dir)
    if other is not None:
        _say(f"{other} differs from the tutorial and is left as it is; opening {notebook}")
    # Without a default URL, the address that Jupyter prints would not lead to the notebook.
    command = [sys.executable, "-m", "jupyterlab", str(notebook), f"--LabApp.default_url=/lab/tree/{notebook.name}"]
    command += ["--no-browser"] if options.no_browser else []
    command += [] if options.port is None else [f"--ServerApp.port={options.port}"]
    command += options.jupyter
    environment = {
        **os.environ,
        "NBSTREAM_MODEL": DEMO_MODEL,
        # The notebook asks for "python3": this environment's kernel, not one of that name in the home folder.
        "JUPYTER_PREFER_ENV_PATH": "1",
    }
    _say(f"Starting JupyterLab on {notebook}; Ctrl-C here ends it.")
    status = run_in_foreground(command, environment)
    as_root = getattr(os, "geteuid", lambda: 1)() == 0
    if status and as_root and "--allow-root" not in options.jupyter:
        return _fail("Jupyter does not run as root unless it is told to: nbstream demo -- --allow-root", status)
    return status


def run_in_foreground(command: list[str], environment: dict[str, str]) -> int:
    """Run a program that owns the terminal; its exit status."""
    with contextlib.ExitStack() as stack:
        # Ctrl-C reaches both, and Jupyter asks for confirmation: this process, which waits for it, must not end first.
        stack.callback(signal.signal, signal.SIGINT, signal.signal(signal.SIGINT, lambda *_: None))
        process = stack.enter_context(subprocess.Popen(command, env=environment))  # noqa: S603  our own command
        stack.callback(signal.signal, signal.SIGTERM, signal.signal(signal.SIGTERM, lambda *_: process.terminate()))
        status = process.wait()
    return status if status >= 0 else 128 - status  # as a shell reports a signal


def _doctor(options: argparse.Namespace) -> int:
    from nbstream.cli.doctor import ask_endpoint, front_ends, versions
    from nbstream.settings.provenance import Setup, find_setup

    _print_section("Versions", _rows(versions))
    _print_section("Front ends", _rows(front_ends))
    setup, answers = Setup([]), False

    def settings() -> Rows:
        nonlocal setup
        setup = find_setup(options.model, options.base_url)
        return setup.rows

    def endpoint() -> Rows:
        nonlocal answers
        rows, answers = ask_endpoint(setup, options.timeout)
        return rows

    _print_section("Settings (of a new kernel; those made in a notebook are not included)", _rows(settings))
    _print_section("Endpoint", _rows(endpoint))
    return 0 if answers else 1


def _replay(options: argparse.Namespace) -> int:
    from nbstream.cli.replay import play

    failure = play(options.file, options.speed, _say)
    return 0 if failure is None else _fail(failure)


def _record(options: argparse.Namespace) -> int:
    if missing := [name for name in ("nbclient", "nbformat", "ipykernel") if importlib.util.find_spec(name) is None]:
        return _fail(f'this needs {", ".join(missing)}: pip install "nbstream[lab]"')
    from nbstream.cli.record import record

    try:
        written, problem = record(options.notebook, options.dir, "auto" if options.missing else "record")
    except UsageError as error:
        return _fail(error.told(Place.TERMINAL))
    for name in written:
        _say(f"recorded {name}")
    if problem is None and not written:
        _say("nothing was recorded: no cell asked anything" + (" that is not recorded yet" if options.missing else ""))
    return 0 if problem is None else _fail(problem)


def _rows(look: Callable[[], Rows]) -> Rows:
    """What was found; a doctor who falls ill says so and goes on."""
    try:
        return look()
    except Exception as error:  # noqa: BLE001  whatever is broken here is what the reader wants to know
        said = exception_line(error) if isinstance(error, OSError) else type(error).__name__  # others may quote a key
        return [("problem", f"could not be determined ({said})")]


def _print_section(title: str, rows: Rows) -> None:
    table = [[" ".join(plain(cell).split()) for cell in row] for row in rows]
    names = max(len(row[0]) for row in table)
    values = max((len(row[1]) for row in table if len(row) > 2), default=0)
    _say(title)
    for name, value, *more in table:
        _say(f"  {name:{names}}  {value:{values if more else 0}}  {' '.join(more)}".rstrip())
    _say("")


def _fail(message: str, status: int = 1) -> int:
    _say(f"nbstream: {message}", sys.stderr)
    return status


def _say(text: str, out: TextIO | None = None) -> None:
    """Print a server's words, and names of files, without what acts on a terminal."""
    print(plain(encodable(text)), file=out, flush=True)
