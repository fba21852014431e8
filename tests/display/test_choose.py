"""Which surface a stream gets, from where the code runs."""

import io
from types import SimpleNamespace

import pytest

from nbstream.display.choose import choose_surface
from nbstream.display.notebook import NotebookSurface
from nbstream.display.rich_terminal import RichTerminalSurface
from nbstream.display.surface import NullSurface
from nbstream.display.terminal import TerminalSurface
from tests.terminal_screen import Screen


def kernel(**content):
    return SimpleNamespace(get_parent=lambda _: {"content": content})


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
        pytest.param(SimpleNamespace(), "live", id="a kernel of another kind"),
    ],
)
def test_in_a_kernel_a_live_view_if_somebody_may_be_watching(in_shell, asked_by, mode):
    in_shell(SimpleNamespace(kernel=asked_by))
    surface = choose_surface()
    assert isinstance(surface, NotebookSurface)
    assert mode_of(surface) == mode


@pytest.mark.parametrize("wanted", ["live", "markdown", "static"])
def test_in_a_kernel_the_setting_decides(in_shell, wanted):
    in_shell(SimpleNamespace(kernel=kernel(allow_stdin=False)))
    assert mode_of(choose_surface(wanted)) == wanted


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
