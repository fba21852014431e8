"""Answers in a terminal: by value, and in a real IPython behind a pseudo-terminal."""

import io
import os
import sys

import pytest

from nbstream.demo import DemoServer, Pace
from nbstream.display.terminal import TerminalSurface
from nbstream.errors import ConnectionLostError
from nbstream.result import StreamResult, StreamState

if sys.platform != "win32":
    import pexpect

SOME = StreamState.STREAMING


class Out(io.StringIO):
    """Remembers each write, and that it was flushed."""

    def __init__(self):
        super().__init__()
        self.writes = []
        self.unflushed = False

    def write(self, text):
        self.writes.append(text)
        self.unflushed = True
        return super().write(text)

    def flush(self):
        self.unflushed = False


@pytest.fixture
def shown(make_request):
    """Draw some frames, close with the last, and return each write."""

    def shown(*frames):
        out = Out()
        surface = TerminalSurface(out)
        surface.open(make_request(), lambda: None)
        assert out.writes == [], "a waiting line could not be taken back"
        for frame in frames[:-1]:
            surface.draw(frame)
            assert not out.unflushed
        surface.close(frames[-1])
        assert not out.unflushed
        return out.writes

    return shown


def test_only_what_is_new_is_written(shown):
    frames = [StreamResult(text, SOME) for text in ("", "Hel", "Hel", "Hello")]
    assert shown(*frames, StreamResult("Hello", StreamState.COMPLETED)) == ["Hel", "lo", "\n"]


def test_the_last_frame_writes_the_rest(shown):
    assert shown(StreamResult("Hel", SOME), StreamResult("Hello", StreamState.COMPLETED)) == ["Hel", "lo", "\n"]


def test_a_line_that_is_ended_is_not_ended_again(shown):
    assert shown(StreamResult("Hello\n", StreamState.COMPLETED)) == ["Hello\n"]


def test_an_empty_answer_writes_nothing(shown):
    assert shown(StreamResult("", StreamState.COMPLETED)) == []


@pytest.mark.parametrize(
    ("result", "mark"),
    [
        (StreamResult("Hel", StreamState.CANCELLED), "\n[Stopped: You stopped the answer after 3 characters.]\n"),
        (StreamResult("Hel", StreamState.FAILED, error=ConnectionLostError("It broke.")), "\n[Failed: It broke.]\n"),
        (StreamResult("Hel", StreamState.COMPLETED, "length"), "\n[Cut off: "),
    ],
)
def test_an_unusual_end_is_marked(shown, result, mark):
    written = shown(result)
    assert written[0] == "Hel"
    assert written[1].startswith(mark)
    assert written[1].endswith("]\n")


def test_a_failure_without_text_is_marked_on_its_own_line(shown):
    assert shown(StreamResult("", StreamState.FAILED, error=ConnectionLostError("It broke."))) == [
        "[Failed: It broke.]\n"
    ]


def test_a_refusal_is_shown(shown):
    written = shown(StreamResult(refusal="No.", state=SOME), StreamResult(refusal="No.", state=StreamState.COMPLETED))
    assert "".join(written) == "No.\n[Refused: The model refused to answer.]\n"


def test_an_answer_after_a_refusal_is_shown_whole(shown):
    writes = shown(StreamResult(refusal="I cannot", state=SOME), StreamResult("But I can", StreamState.COMPLETED))
    assert "".join(writes) == "I cannot\nBut I can\n"


def test_a_narrow_encoding_costs_a_character_not_the_answer(make_request):
    out = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    surface = TerminalSurface(out)
    surface.open(make_request(), lambda: None)
    surface.close(StreamResult("before → after", StreamState.COMPLETED))
    assert out.buffer.getvalue().decode("cp1252") == "before ? after" + os.linesep


def test_controls_never_reach_the_terminal(shown):
    hostile = "a\x1b]52;c;x\x07b\rc\x9b31m\tok\n"
    assert "".join(shown(StreamResult(hostile, StreamState.COMPLETED))) == "a␛]52;c;xbc31m\tok\n"


# --- a real terminal --------------------------------------------------------------------------------------------------

needs_a_terminal = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals on Windows")


@pytest.fixture
def upstream():
    """A model slow enough to be watched."""
    with DemoServer(Pace(first_token=0.05, tokens_per_second=100)) as server:
        yield server


@pytest.fixture
def terminal(upstream, tmp_path):
    """IPython in a pseudo-terminal, with the extension loaded."""
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "IPYTHONDIR": str(tmp_path),
        "TERM": "dumb",
        "OPENAI_API_KEY": upstream.api_key,
        "OPENAI_BASE_URL": upstream.base_url,
    }
    options = [
        "--simple-prompt",
        "--no-banner",
        "--no-confirm-exit",
        "--colors=nocolor",
        "--HistoryManager.enabled=False",
    ]
    child = pexpect.spawn(
        sys.executable, ["-m", "IPython", *options, "--ext", "nbstream"], env=environment, encoding="utf-8", timeout=20
    )
    child.setecho(False)
    child.expect("In .*: ")
    yield child
    child.close(force=True)


def ask(terminal, upstream, line, prompt):
    terminal.sendline(f"%%stream {line} --base-url {upstream.base_url} -m demo")
    terminal.sendline(prompt)
    for _ in range(2):  # blank lines end the cell
        terminal.sendline("")


@needs_a_terminal
def test_an_answer_grows_in_a_terminal(terminal, upstream):
    ask(terminal, upstream, "-o answer", "Count to 40")
    terminal.expect(r"\b5, 6, 7\b")
    assert upstream.requests[-1].state == "open", "the beginning is shown while the rest is still being made"
    terminal.expect(r"38, 39, 40\s")
    terminal.expect("In .*: ")
    terminal.sendline("print('answer', 'has', len(answer), stream_usage.output_tokens > 40)")
    terminal.expect(r"answer has \d+ True")


@needs_a_terminal
def test_ctrl_c_stops_and_marks_the_answer(terminal, upstream):
    ask(terminal, upstream, "", "Count to 20000")
    terminal.expect(r"\b5, 6, 7\b")
    terminal.sendintr()
    terminal.expect(r"\[Stopped: You stopped the answer after [\d,]+ characters\.\]")
    terminal.expect("KeyboardInterrupt")
    terminal.expect("In .*: ")
    assert upstream.requests[-1].ended.wait(10)
    assert upstream.requests[-1].state == "client_closed"
    terminal.sendline("print(stream_result.state, 'stream_text' in globals())")
    terminal.expect("cancelled False")
