"""Which surface a stream gets, from where the code runs."""

import io
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

import nbstream as nbs
from nbstream.display.choose import choose_surface, shows_widgets
from nbstream.display.notebook import NotebookSurface
from nbstream.display.rich_terminal import RichTerminalSurface
from nbstream.display.surface import NullSurface
from nbstream.display.terminal import TerminalSurface
from nbstream.errors import UsageError
from tests.terminal_screen import Screen

if TYPE_CHECKING:
    from nbstream.request import SurfaceKind


def kernel(**content):
    return SimpleNamespace(get_parent=lambda _: {"content": content})


def kernel_asked(content=None, metadata=None, header=None):
    request = {"content": content or {}, "metadata": metadata or {}, "header": header or {}}
    return SimpleNamespace(get_parent=lambda _: request)


CLIENT = {"session": "a1-b2", "msg_id": "a1-b2_4711_3"}  # how jupyter_client numbers its messages
LAB = {"session": "5f0c", "msg_id": "77aa"}


def kernel_of_xeus(header):
    """Its function takes no argument, and it tells only the header."""
    return SimpleNamespace(get_parent=lambda: {"header": header})


def mode_of(surface):
    return surface.mode


@pytest.fixture
def in_shell(monkeypatch):
    """Run as if `get_ipython()` returned this."""

    def in_shell(shell):
        monkeypatch.setattr("IPython.get_ipython", lambda: shell)

    return in_shell


@pytest.mark.parametrize("wanted", ["auto", "live", "markdown", "terminal", "static"])
def test_without_a_kernel_there_is_only_the_terminal(in_shell, wanted):
    for shell in (None, SimpleNamespace()):
        in_shell(shell)
        assert isinstance(choose_surface(wanted), TerminalSurface)


@pytest.mark.parametrize(
    ("asked_by", "mode"),
    [
        pytest.param(kernel(allow_stdin=True), "live", id="a person"),
        pytest.param(kernel(allow_stdin=False), "static", id="a program that runs notebooks"),
        pytest.param(kernel(), "live", id="a front end that does not say"),
        pytest.param(SimpleNamespace(get_parent=lambda _: {}), "live", id="nobody yet"),
        pytest.param(SimpleNamespace(), "live", id="a kernel without requests"),
        pytest.param(SimpleNamespace(get_parent=dict), "markdown", id="a kernel that tells nothing"),
        pytest.param(kernel_of_xeus(LAB), "markdown", id="a page of xeus-python"),
        pytest.param(kernel_of_xeus(CLIENT), "static", id="nbclient with xeus-python"),
        pytest.param(kernel_asked(header=LAB), "live", id="a page"),
        pytest.param(kernel_asked({"allow_stdin": True}, header=CLIENT), "static", id="a console"),
        pytest.param(kernel_asked({"allow_stdin": False}, header=CLIENT), "static", id="nbclient"),
        pytest.param(kernel_asked({"allow_stdin": False}, {"cellId": "c"}, CLIENT), "live", id="a page by a server"),
    ],
)
def test_in_a_kernel_a_live_view_if_somebody_may_be_watching(in_shell, asked_by, mode):
    in_shell(SimpleNamespace(kernel=asked_by))
    surface = choose_surface()
    assert isinstance(surface, NotebookSurface)
    assert mode_of(surface) == mode
    assert shows_widgets() == (mode != "static")


@pytest.mark.parametrize(
    ("surroundings", "content", "mode"),
    [
        ({"JPY_SESSION_NAME": "a.ipynb"}, {"allow_stdin": False}, "static"),
        ({"JPY_SESSION_NAME": "a.ipynb", "JPY_PARENT_PID": "4711"}, {"allow_stdin": True}, "live"),
        ({"JPY_SESSION_NAME": "a.ipynb", "JPY_PARENT_PID": "1"}, {"allow_stdin": True}, "static"),
        ({"SERVER_SOFTWARE": "voila/0.5.13"}, {"allow_stdin": False}, "live"),
        ({"SERVER_SOFTWARE": "other/1"}, {"allow_stdin": False}, "static"),
    ],
    ids=["jupyter-server-documents", "a server's client", "a console at a page's kernel", "Voila", "another server"],
)
def test_surroundings_tell_of_a_page(in_shell, monkeypatch, surroundings, content, mode):
    for name, value in surroundings.items():
        monkeypatch.setenv(name, value)
    in_shell(SimpleNamespace(kernel=kernel_asked(content, header=CLIENT)))
    assert mode_of(choose_surface()) == mode
    by_the_server = not content["allow_stdin"] and "JPY_SESSION_NAME" in surroundings
    assert shows_widgets() == (mode == "live" or by_the_server)


@pytest.mark.parametrize(
    "surroundings",
    [{"SERVER_SOFTWARE": "voila/0.5.13"}, {"JPY_SESSION_NAME": "a.ipynb", "JPY_PARENT_PID": "4711"}],
    ids=["Voila", "jupyter-server-documents"],
)
def test_a_server_may_run_xeus_python_for_a_page(in_shell, monkeypatch, surroundings):
    for name, value in surroundings.items():
        monkeypatch.setenv(name, value)
    in_shell(SimpleNamespace(kernel=kernel_of_xeus(CLIENT)))
    assert mode_of(choose_surface()) == "markdown"
    assert shows_widgets()


def test_a_program_that_is_started_in_a_notebook_is_no_page(in_shell, monkeypatch):
    monkeypatch.setenv("JPY_SESSION_NAME", "a.ipynb")
    inherited = SimpleNamespace(environ=lambda: {"JPY_SESSION_NAME": "a.ipynb"})
    monkeypatch.setattr("psutil.Process", lambda _: inherited)
    in_shell(SimpleNamespace(kernel=kernel_asked({"allow_stdin": False}, header=CLIENT)))
    assert mode_of(choose_surface()) == "static"


def test_the_setting_decides_for_a_panel_too(in_shell):
    in_shell(SimpleNamespace(kernel=kernel(allow_stdin=False)))
    assert (shows_widgets("live"), shows_widgets(), shows_widgets("static")) == (True, False, False)


@pytest.mark.parametrize("wanted", ["live", "markdown", "static"])
def test_in_a_kernel_the_setting_decides(in_shell, wanted):
    in_shell(SimpleNamespace(kernel=kernel(allow_stdin=False)))
    assert mode_of(choose_surface(wanted)) == wanted


def test_a_call_decides_before_the_setting(in_shell):
    from nbstream.api import surface_for
    from nbstream.settings.resolution import resolve

    nbs.configure(surface="static")
    in_shell(SimpleNamespace(kernel=kernel()))
    ask = partial(resolve, "Hi", model="demo")
    given: tuple[SurfaceKind, ...] = ("markdown", "live", "auto")
    assert [mode_of(surface_for(ask(surface=each), display=True)) for each in given] == ["markdown", "live", "live"]
    assert mode_of(surface_for(ask(), display=True)) == "static"
    with pytest.raises(UsageError, match=r"surface must be one of 'auto', 'live', .*, not 'page'"):
        ask(surface=cast("Any", "page"))


def test_in_a_kernel_a_terminal_can_be_asked_for(in_shell):
    in_shell(SimpleNamespace(kernel=kernel()))
    assert isinstance(choose_surface("terminal"), TerminalSurface)


# --- which terminal ---------------------------------------------------------------------------------------------------


class Narrow(Screen):
    encoding = "cp1252"


class Pipe(Screen):
    def isatty(self):
        return False


@pytest.fixture
def terminal(in_shell, monkeypatch):
    """What a stream gets whose `sys.stdout` and `TERM` are these."""
    in_shell(None)

    def terminal(out, term="xterm-256color"):
        monkeypatch.setattr("sys.stdout", out)
        monkeypatch.setenv("TERM", term)
        return type(choose_surface())

    return terminal


def test_markdown_is_rendered_where_it_can_be(terminal):
    assert terminal(Screen()) is RichTerminalSurface


def closed():
    (out := io.StringIO()).close()
    return out


@pytest.mark.parametrize("out", [None, closed()], ids=["none", "closed"])
def test_without_anywhere_to_write_nothing_is_written(terminal, out):
    assert terminal(out) is NullSurface


@pytest.mark.parametrize("out", [Pipe(), Narrow(), SimpleNamespace(write=len)], ids=["a pipe", "narrow", "a stand-in"])
def test_elsewhere_the_text_is_shown_as_it_is(terminal, out):
    assert terminal(out) is TerminalSurface


@pytest.mark.parametrize("term", ["dumb", "unknown"])
def test_a_terminal_that_cannot_move_its_cursor_gets_the_text_as_it_is(terminal, term):
    assert terminal(Screen(), term) is TerminalSurface


def test_without_rich_the_text_is_shown_as_it_is(terminal, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert terminal(Screen()) is TerminalSurface
