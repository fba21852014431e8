"""The command: what it prints, its exit status, and what it leaves behind. `--check` and JupyterLab run for real."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import nbformat
import pytest

from nbstream import __version__
from nbstream.api import stream
from nbstream.cli import commands as cli
from nbstream.cli import tutorial
from nbstream.cli.commands import main
from nbstream.errors import StreamError
from nbstream.testing import chat_body, chat_chunk

QUICKSTART = "01_quickstart.ipynb"
SECOND = "02_chat_panel.ipynb"
LOAD = '%load_ext nbstream\n%config NBStream.model = "demo"'

Use = Callable[..., None]


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Use:
    """Put a notebook of these cells in the tutorial's place."""

    def use(*cells: str) -> None:
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        monkeypatch.setattr(tutorial, "tutorial", lambda: json.dumps(notebook).encode())

    return use


@contextlib.contextmanager
def command(*arguments: str, **options) -> Iterator[subprocess.Popen[str]]:
    """A command that is killed, with what it started, if the test would wait for it in vain."""
    program = [sys.executable, "-W", "error", *arguments]
    piped = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "start_new_session": True, **options}
    with subprocess.Popen(program, text=True, **piped) as process:
        guard = threading.Timer(300, os.killpg, (process.pid, signal.SIGKILL))
        guard.start()
        try:
            yield process
        finally:
            guard.cancel()
            guard.join()


def files_below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


# --- the command ------------------------------------------------------------------------------------------------------


def test_version_and_help(capsys):
    for arguments in (["--version"], ["--help"], ["demo", "--help"], ["doctor", "--help"]):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"nbstream {__version__}\n")


@pytest.mark.parametrize("arguments", [["sing"], ["doctor", "--timeout", "0"], ["demo", "--port", "x"]])
def test_a_wrong_call_is_status_2(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: nbstream" in capsys.readouterr().err


def test_it_is_a_module_and_starts_light():
    program = "import sys; from nbstream.cli import main; print({'openai', 'ipywidgets', 'tornado'} & {*sys.modules})"
    with command("-c", program) as process:
        assert process.communicate() == ("set()\n", "")
    with command("-m", "nbstream", "--version") as process:
        assert process.communicate() == (f"nbstream {__version__}\n", "")
    assert process.returncode == 0


def test_ctrl_c_is_no_traceback(monkeypatch, capsys):
    def interrupt():
        raise KeyboardInterrupt

    monkeypatch.setattr(tutorial, "run", interrupt)
    assert main(["demo", "--check"]) == 130
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("arguments", "package"), [(["demo"], "jupyterlab"), (["demo", "--check"], "nbclient")])
def test_a_missing_package_is_named(arguments, package, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, package, None)
    assert main(arguments) == 1
    assert capsys.readouterr().err == f'nbstream: this needs {package}: pip install "nbstream[lab]"\n'
    assert files_below(tmp_path) == []


# --- demo --check -----------------------------------------------------------------------------------------------------


def test_check_prints_answer_state_and_usage_and_leaves_nothing(tmp_path):
    """As a process, at home in an empty folder, with a kernel named python3 installed that is not this Python's."""
    impostor = tmp_path / "data" / "kernels" / "python3"
    impostor.mkdir(parents=True)
    (impostor / "kernel.json").write_text('{"argv": ["false"], "display_name": "No", "language": "python"}')
    home = tmp_path / "home"
    home.mkdir()
    environment = {**os.environ, "HOME": str(home), "TMPDIR": str(home), "JUPYTER_PATH": str(tmp_path / "data")}
    for name in ("IPYTHONDIR", "OPENAI_API_KEY", "OPENAI_BASE_URL"):
        environment.pop(name, None)
    with command("-m", "nbstream", "demo", "--check", env=environment, cwd=home) as process:
        out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    answer, _, facts = out.rpartition("\n\n")
    assert "not from a language model" in answer
    assert "With `-m demo` no key is needed" in answer
    assert facts.splitlines()[0] == "state: completed"
    assert facts.splitlines()[1].startswith("usage: 5 input tokens, 322 output tokens, 327 total tokens")
    assert files_below(home) == []


CUT = '%%stream --param demo=\'{"fault": "cut"}\'\nWhat is nbstream?'
CANCELLED = 'import nbstream\nhandle = nbstream.start("long")\nhandle.cancel()\nresult = await handle'


@pytest.mark.parametrize(
    ("cells", "reason", "state"),
    [
        ([LOAD, "%stream hello", "1 / 0"], "the notebook stopped with ZeroDivisionError: division by", "completed"),
        ([LOAD, CUT], "the notebook stopped with ConnectionLostError: ", "failed"),
        ([LOAD, CANCELLED], "the stream ended as cancelled", "cancelled"),
        (["2 + 2"], "no answer was streamed", None),
        (["import os; os._exit(1)"], "the kernel did not run the notebook (DeadKernelError)", None),
    ],
)
def test_check_fails_with_a_reason(cells, reason, state, use, capsys):
    use(*cells)
    assert main(["demo", "--check"]) == 1
    out, err = capsys.readouterr()
    assert err.startswith(f"nbstream: {reason}")
    assert err.count("\n") == 1
    assert (f"state: {state}\n" in out) if state else (out == "")


def test_check_keeps_to_a_pace_that_was_asked_for(use, monkeypatch, capsys):
    monkeypatch.setenv("NBSTREAM_DEMO_PACE", "soon")
    use(LOAD, "%stream hello")
    assert main(["demo", "--check"]) == 1
    assert "A pace is 'instant' or" in capsys.readouterr().err


# --- demo -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> list[tuple[list[str], dict[str, str]]]:
    """What would have been started, in an empty working folder; the exit status is 7."""
    calls: list[tuple[list[str], dict[str, str]]] = []

    def start(program: list[str], environment: dict[str, str]) -> int:
        calls.append((program, environment))
        return 7

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "run_in_foreground", start)
    monkeypatch.setattr(os, "geteuid", lambda: 1000, raising=False)
    return calls


def test_demo_starts_jupyterlab_on_a_copy(started, tmp_path):
    assert main(["demo"]) == 7
    (program, environment), copy = started[0], tmp_path / "nbstream-demo" / QUICKSTART
    assert program[:4] == [sys.executable, "-m", "jupyterlab", f"nbstream-demo/{QUICKSTART}"]
    assert "--no-browser" not in program
    assert environment["NBSTREAM_MODEL"] == "demo"
    assert "NBSTREAM_MODEL" not in os.environ
    notebook = nbformat.read(copy, as_version=4)
    nbformat.validate(notebook)
    assert notebook.cells[0].source.startswith("# nbstream: quickstart")


def test_demo_passes_options_on(started, tmp_path):
    main(["demo", "--dir", str(tmp_path / "a" / "b"), "--no-browser", "--port", "8999", "--", "--allow-root", "-y"])
    (program, _), *_ = started
    assert program[3] == str(tmp_path / "a" / "b" / QUICKSTART)
    assert program[5:] == ["--no-browser", "--ServerApp.port=8999", "--allow-root", "-y"]


def test_demo_never_overwrites_what_someone_wrote(started, tmp_path, capsys):
    copy = tmp_path / "nbstream-demo" / QUICKSTART
    main(["demo"])
    main(["demo"])
    others = [path.name for path in sorted((pathlib.Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))[2:]]
    assert files_below(copy.parent) == [QUICKSTART, SECOND, *others]  # an untouched copy serves again
    assert "stays as it is" not in capsys.readouterr().out
    copy.write_text("mine")
    copy.with_name(SECOND).write_text("mine too")
    main(["demo"])
    assert copy.with_name(SECOND).read_text() == "mine too"
    assert f"nbstream-demo/{QUICKSTART} differs from the tutorial and is left as it is" in capsys.readouterr().out
    assert copy.read_text() == "mine"
    assert started[-1][0][3] == "nbstream-demo/01_quickstart-2.ipynb"


def test_demo_in_a_folder_that_cannot_be(started, tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main(["demo", "--dir", "file"]) == 1
    assert capsys.readouterr().err.startswith("nbstream: ")
    assert not started


@pytest.mark.parametrize(("arguments", "hint"), [(["demo"], True), (["demo", "--", "--allow-root"], False)])
def test_root_is_told_how(arguments, hint, started, monkeypatch, capsys):
    monkeypatch.setattr(os, "geteuid", lambda: 0, raising=False)
    assert main(arguments) == 7
    assert started
    assert ("nbstream demo -- --allow-root" in capsys.readouterr().err) is hint


@pytest.mark.parametrize(("code", "status"), [("exit(3)", 3), ("import os; os.kill(os.getpid(), 9)", 137)])
def test_the_exit_status_is_passed_on(code, status):
    before = signal.getsignal(signal.SIGINT)
    assert cli.run_in_foreground([sys.executable, "-c", code], dict(os.environ)) == status
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_leaves_the_decision_to_jupyter():
    """A terminal interrupts the whole group; the command must still be there when the program has thought about it."""
    asks = (
        "import signal as s; s.pthread_sigmask(s.SIG_BLOCK, {s.SIGINT}); print('ready', flush=True); "
        "s.sigwait({s.SIGINT}); input(); print('sure'); exit(4)"
    )
    call = "sys.exit(run_in_foreground(sys.argv[1:], os.environ))"
    program = f"import os, sys; from nbstream.cli.commands import run_in_foreground; {call}"
    arguments = ["-c", program, sys.executable, "-c", asks]
    with command(*arguments, stdin=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate("yes\n")
    assert (out, err, process.returncode) == ("sure\n", "", 4)


def test_demo_for_real(tmp_path):
    """JupyterLab comes up with the notebook in its address, and ends with the command."""
    environment = {**os.environ, "JUPYTER_RUNTIME_DIR": str(tmp_path), "PYTHONWARNINGS": "default"}
    arguments = ["-m", "nbstream", "demo", "--no-browser", "--port", "0", "--", "--allow-root"]
    with command(*arguments, env=environment, cwd=tmp_path) as process:
        assert process.stderr is not None
        address = next((line for line in process.stderr if "/lab/tree/" in line), "")
        process.terminate()
        process.communicate()
    assert f"/lab/tree/{QUICKSTART}?token=" in address
    assert process.returncode == 0


def test_the_command_alone_shows_its_help(capsys):
    assert main([]) == 0
    shown = capsys.readouterr().out
    assert "demo" in shown
    assert "doctor" in shown


# --- playing a recording ----------------------------------------------------------------------------------------------


def test_a_recording_is_played(loopback, tmp_path, capsys):
    loopback.send(chat_body("One ", "two.", usage=(3, 4)))
    file = tmp_path / "count.jsonl"
    stream("Count", model="m", base_url=loopback.base_url, record=file, display=False)
    capsys.readouterr()
    assert main(["replay", str(file), "--speed", "100"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("m, recorded 20")
    assert "> Count" in shown
    assert "One two." in shown


def test_what_failed_when_it_was_recorded_names_its_server(loopback, tmp_path, capsys):
    loopback.send(chat_chunk("One "))
    file = tmp_path / "count.jsonl"
    with pytest.raises(StreamError):
        stream("Count", model="m", base_url=loopback.base_url, record=file, display=False)
    capsys.readouterr()
    assert main(["replay", str(file), "--speed", "100"]) == 1
    said = capsys.readouterr().err
    assert "127.0.0.1" in said
    assert "openai.com" not in said


@pytest.mark.parametrize(
    ("content", "words"),
    [("", "is not a recording"), ('{"nbstream": "recording", "version": 2}\n', "update nbstream")],
)
def test_what_is_no_recording_is_told(tmp_path, capsys, content, words):
    file = tmp_path / "x.jsonl"
    file.write_text(content)
    assert main(["replay", str(file)]) == 1
    assert words in capsys.readouterr().err
    assert main(["replay", str(tmp_path / "nowhere")]) == 1
    assert "No such file" in capsys.readouterr().err


def test_a_notebook_is_recorded(loopback, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", loopback.base_url)
    monkeypatch.setenv("NBSTREAM_MODEL", "m")
    monkeypatch.setenv("NBSTREAM_DATA_DIR", str(tmp_path / "data"))
    cells = [nbformat.v4.new_code_cell(source) for source in ("%load_ext nbstream", "%%stream\nCount", "1 / 0")]
    notebook = tmp_path / "n.ipynb"
    notebook.write_text(json.dumps(nbformat.v4.new_notebook(cells=cells)))
    before = notebook.read_bytes()
    loopback.send(chat_body("One two."))
    assert main(["record", str(notebook)]) == 1
    said = capsys.readouterr()
    (recording,) = (tmp_path / "recordings").iterdir()
    assert said.out == f"recorded {recording.name}\n"
    assert "stopped with ZeroDivisionError" in said.err
    assert notebook.read_bytes() == before
    assert main(["record", "--missing", str(notebook)]) == 1  # asks nobody
    assert main(["record", str(recording)]) == 1
    assert "is not a notebook" in capsys.readouterr().err
