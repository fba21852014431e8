"""Answers in a terminal: by value, and in a real IPython behind a pseudo-terminal."""

import io
import os
import signal
import subprocess
import sys
import threading

import pytest

from nbstream.demo import DemoServer, Pace
from nbstream.display.terminal import TerminalSurface
from nbstream.errors import ConnectionLostError
from nbstream.result import Retry, StreamResult, StreamState, StreamWarning
from nbstream.testing import chat_body
from tests.terminal_screen import Screen

if sys.platform != "win32":
    import pexpect

SOME = StreamState.STREAMING
PAUSE = Retry("rate limited", 2.0, attempt=2, attempts=3)


def whole(text, **facts):
    return StreamResult(text, StreamState.COMPLETED, "stop", **facts)


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
    assert shown(*frames, whole("Hello")) == ["Hel", "lo", "\n"]


def test_the_last_frame_writes_the_rest(shown):
    assert shown(StreamResult("Hel", SOME), whole("Hello")) == ["Hel", "lo", "\n"]


def test_a_line_that_is_ended_is_not_ended_again(shown):
    assert shown(whole("Hello\n")) == ["Hello\n"]


def test_a_line_that_shows_as_ended_is_not_ended_again(shown):
    assert "".join(shown(whole("Hello\n\x07"))) == "Hello\n"


def test_an_empty_answer_writes_only_its_mark(shown):
    (line,) = shown(whole(""))
    assert line.startswith("[Empty: ")
    assert line.endswith("]\n")


@pytest.mark.parametrize(
    ("result", "mark"),
    [
        (StreamResult("Hel", StreamState.CANCELLED), "[Stopped: You stopped the answer after 3 characters. "),
        (
            StreamResult("Hel", StreamState.FAILED, error=ConnectionLostError("It broke.")),
            "[Connection lost: It broke.]\n",
        ),
        (StreamResult("Hel", StreamState.COMPLETED, "length"), "[Cut off: "),
    ],
)
def test_an_unusual_end_is_marked(shown, result, mark):
    text, end, last = shown(result)
    assert (text, end) == ("Hel", "\n")
    assert last.startswith(mark)
    assert last.endswith("]\n")


def test_a_failure_without_text_is_marked_on_its_own_line(shown):
    assert shown(StreamResult("", StreamState.FAILED, error=ConnectionLostError("It broke."))) == [
        "[Connection lost: It broke.]\n"
    ]


def test_a_refusal_is_shown(shown):
    written = shown(StreamResult(refusal="No.", state=SOME), StreamResult(refusal="No.", state=StreamState.COMPLETED))
    assert "".join(written) == "No.\n[Refused: The model refused to answer.]\n"


def test_an_answer_after_a_refusal_is_shown_whole(shown):
    begun = StreamResult(refusal="I cannot", state=SOME)
    writes = shown(begun, StreamResult("But I", SOME, refusal="I cannot do"), whole("But I can"))
    assert "".join(writes) == "I cannot\n[The model began to refuse. The answer:]\nBut I can\n"


def test_text_that_turns_out_to_be_thinking_is_told_apart_from_the_answer(shown):
    thought = "The user wants 4.\nSo"
    frames = [
        StreamResult(thought, SOME),
        StreamResult("", SOME, reasoning=thought + " be it.\n"),
        StreamResult("It is", SOME, reasoning=thought + " be it.\n"),
    ]
    writes = shown(*frames, whole("It is 4.", reasoning=thought + " be it.\n"))
    assert "".join(writes) == f"{thought}\n[That was the model thinking. The answer:]\nIt is 4.\n"


def test_thinking_without_an_answer_is_only_marked(shown):
    writes = shown(StreamResult("Hm", SOME), whole("", reasoning="Hm"))
    text, end, mark = writes
    assert (text, end) == ("Hm", "\n")
    assert mark.startswith("[No answer: ")


def test_an_answer_that_the_server_rewords_begins_again(shown):
    writes = shown(StreamResult("Hello wrld", SOME), whole("Hello world"))
    assert "".join(writes) == "Hello wrld\n[The server changed the answer, so it starts again:]\nHello world\n"


@pytest.mark.parametrize(("before", "after"), [("Hello  ", "Hello"), ("Hello\n", "Hello"), ("\n", "Hello"), (" ", "")])
def test_white_space_that_comes_or_goes_does_not_make_the_answer_begin_again(shown, before, after):
    written = "".join(shown(StreamResult(before, SOME), StreamResult(after, StreamState.CANCELLED)))
    assert "again" not in written
    assert written.count("Hello") == after.count("Hello")
    assert written.partition("[")[0].endswith("\n")


def test_each_pause_before_another_attempt_is_one_line(shown):
    second = Retry("server error", 0.5, attempt=3, attempts=3)
    waits = [StreamResult(retry=pause) for pause in (None, PAUSE, PAUSE, None, second, second)]
    assert shown(*waits, StreamResult("Hello", SOME), whole("Hello")) == [
        "[rate limited, retrying in 2 s · attempt 2 of 3]\n",
        "[server error, retrying in 0.5 s · attempt 3 of 3]\n",
        "Hello",
        "\n",
    ]


def test_a_pause_that_was_stopped_is_not_told_again(shown):
    stopped = StreamResult(state=StreamState.CANCELLED, retry=PAUSE)
    assert "".join(shown(StreamResult(retry=PAUSE), stopped)) == (
        "[rate limited, retrying in 2 s · attempt 2 of 3]\n[Stopped: You stopped the stream before the answer began.]\n"
    )
    assert "retrying" not in "".join(shown(stopped))


def test_warnings_follow_the_mark(shown):
    warnings = (StreamWarning("malformed_event", "An image is not shown: \x1b[31m."),) * 2
    result = StreamResult("Hel", StreamState.CANCELLED, warnings=warnings)
    assert "".join(shown(result)).splitlines()[1:] == [
        "[Stopped: You stopped the answer after 3 characters. Call result.resume() to continue.]",
        "[Note: An image is not shown: ␛[31m.]",
    ]
    assert "".join(shown(whole("Hi", warnings=warnings))) == "Hi\n[Note: An image is not shown: ␛[31m.]\n"


def test_an_answer_is_shown_again_in_a_terminal(capsys):
    StreamResult("Hello", StreamState.CANCELLED).show()
    assert capsys.readouterr().out.startswith("Hello\n[Stopped: ")


def test_a_narrow_encoding_costs_a_character_not_the_answer(make_request):
    out = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    surface = TerminalSurface(out)
    surface.open(make_request(), lambda: None)
    surface.close(whole("before → after"))
    assert out.buffer.getvalue().decode("cp1252") == "before ? after" + os.linesep


class Pipe(Out):
    """Its reader leaves after the first words, or it is closed."""

    def __init__(self, leave):
        super().__init__()
        self.leave = leave

    def flush(self):
        super().flush()
        self.leave(self)


def leave(_):
    raise BrokenPipeError


@pytest.mark.parametrize("leave", [leave, io.StringIO.close], ids=["broken pipe", "closed"])
def test_nothing_more_is_written_once_nobody_reads(make_request, leave):
    out = Pipe(leave)
    surface = TerminalSurface(out)
    surface.open(make_request(), lambda: None)
    for text in ("Hel", "Hello", "Hello, you"):
        surface.draw(StreamResult(text, SOME))
    surface.close(whole("Hello, you!"))
    assert out.writes[0] == "Hel"
    assert len(out.writes) <= 2


def test_controls_never_reach_the_terminal(shown):
    hostile = "a\x1b]52;c;x\x07b\rc\x9b31m\tok\n"
    assert "".join(shown(whole(hostile))) == "a␛]52;c;xbc31m\tok\n"


# --- a real terminal --------------------------------------------------------------------------------------------------

needs_a_terminal = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals on Windows")


@pytest.fixture
def upstream():
    """A model slow enough to be watched."""
    with DemoServer(Pace(first_token=0.05, tokens_per_second=100)) as server:
        yield server


@pytest.fixture
def start_ipython(upstream, tmp_path):
    """Start IPython in a pseudo-terminal of a kind, with the extension loaded."""
    children = []

    def start(kind, **surroundings):
        children.append(child := spawn_ipython(upstream, tmp_path, {"TERM": kind, **surroundings}))
        child.setecho(False)
        child.expect("In .*: ")
        return child

    yield start
    for child in children:
        child.kill(signal.SIGKILL)
        child.wait()  # `close` gives up after a tenth of a second, which may be too little on a busy machine
        child.close()


@pytest.fixture
def terminal(start_ipython):
    """A terminal that cannot move its cursor."""
    return start_ipython("dumb")


def spawn_ipython(upstream, home, surroundings):
    environment = {
        **os.environ,
        "HOME": str(home),
        "IPYTHONDIR": str(home),
        **surroundings,
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
    return pexpect.spawn(
        sys.executable,
        ["-m", "IPython", *options, "--ext", "nbstream"],
        env=environment,
        encoding="utf-8",
        timeout=120,
        dimensions=(24, 80),
    )


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
@pytest.mark.parametrize("kind", ["dumb", "xterm-256color"])
def test_what_was_not_checked_is_never_written(start_ipython, upstream, kind):
    terminal = start_ipython(kind)
    terminal.logfile_read = written = io.StringIO()
    terminal.sendline("unkind = lambda text: 'flags the ' + 'word' in text")
    terminal.expect("In .*: ")
    ask(terminal, upstream, "--moderate unkind", "Say something unsafe.")
    terminal.expect("boats went out")
    assert upstream.requests[-1].state == "open", "what was checked is shown while the rest is still being made"
    terminal.expect("The rest was")
    terminal.expect("In .*: ")
    assert "flags the word" not in " ".join(written.getvalue().split())


@needs_a_terminal
def test_a_prompt_with_a_key_is_sent_once_somebody_has_typed_yes(terminal, upstream):
    for typed, state, count in (("n", "cancelled", 0), ("y", "completed", 1)):
        ask(terminal, upstream, "", "hello sk-proj-Ab3dEf6hIj9kLm2nOp5q")
        terminal.expect("Send it all the same")
        assert len(upstream.requests) == 0
        terminal.sendline(typed)
        terminal.expect("In .*: ")
        terminal.sendline("print('it', 'is', stream_result.state)")
        terminal.expect(f"it is {state}")
        assert len(upstream.requests) == count


@needs_a_terminal
def test_ctrl_c_stops_and_marks_the_answer(terminal, upstream):
    ask(terminal, upstream, "", "Count to 20000")
    terminal.expect(r"\b5, 6, 7\b")
    terminal.sendintr()
    terminal.expect(r"\[Stopped: You stopped the answer after [\d,]+ characters\. ")
    terminal.expect("KeyboardInterrupt")
    terminal.expect("In .*: ")
    assert upstream.requests[-1].ended.wait(60)
    assert upstream.requests[-1].state == "client_closed"
    terminal.sendline("print(stream_result.state, 'stream_text' in globals())")
    terminal.expect("cancelled False")


PARAGRAPH = " ".join(f"word{number}" for number in range(60))


@needs_a_terminal
def test_markdown_is_rendered_in_a_terminal_and_survives_resizing(start_ipython, loopback):
    # The model pauses at each mark, and the window gets another width while nothing is written.
    widths = {"alpha": 50, "beta": 110, "gamma": 40}
    gates = {mark: threading.Event() for mark in widths}
    body: list[bytes | threading.Event] = [chat_body("# A **title**\n\n", finish_reason=None, done=False)]
    for mark, gate in gates.items():
        pieces = (f"{PARAGRAPH[:300]} {mark}", f" {PARAGRAPH[300:]}\n\n- item\n")
        first, second = (chat_body(piece, finish_reason=None, done=False) for piece in pieces)
        body += [first, gate, second]
    loopback.send(*body, chat_body("The end."))

    terminal = start_ipython("xterm-256color")
    screen = Screen()
    terminal.sendline(f"answer = %stream --base-url {loopback.base_url} -m m Go")
    for mark, columns in widths.items():
        terminal.expect(rf"{mark}\r\n")
        screen.write((terminal.before + terminal.after).replace("\r\n", "\n"))
        terminal.setwinsize(24, columns)
        screen.size = os.terminal_size((columns, 24))
        gates[mark].set()
    terminal.expect(r"\n?In .*: ")
    screen.write(terminal.before.replace("\r\n", "\n"))
    blocks = [f"{PARAGRAPH[:300]} {mark} {PARAGRAPH[300:]} • item" for mark in widths]
    assert screen.text.split() == " ".join(["A title", *blocks, "The end."]).split()
    assert "\x1b[1" in screen.written, "headings are bold"
    assert "\x1b[?25l" not in screen.written, "the cursor is never hidden"


@needs_a_terminal
def test_ctrl_c_leaves_a_clean_screen_and_the_mark(start_ipython, upstream):
    terminal = start_ipython("xterm-256color")
    terminal.sendline(f"%stream --base-url {upstream.base_url} -m demo Count to 20000")
    terminal.expect(r"\b5, 6, 7\b")
    screen = Screen()
    screen.write((terminal.before + terminal.after).replace("\r\n", "\n"))
    terminal.sendintr()
    terminal.expect("KeyboardInterrupt")
    screen.write(terminal.before.replace("\r\n", "\n").partition("\x1b[0;31m")[0])
    assert "[Stopped: You stopped the answer after" in screen.text
    assert screen.text.count("5, 6, 7") == 1
    assert "^C" not in screen.text
    assert "\x1b[?25l" not in screen.written


def test_what_is_piped_is_the_text():
    code = "import nbstream; nbstream.stream('Count to 40', model='demo')"
    environment = {**os.environ, "TERM": "xterm-256color"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.endswith("38, 39, 40\n")
    assert "\x1b" not in done.stdout


@needs_a_terminal
def test_an_answer_in_the_background_is_written_whole_at_its_end(terminal, upstream):
    terminal.logfile_read = written = io.StringIO()
    ask(terminal, upstream, "--background -o answer", "Count to 30")
    terminal.expect("In .*: ")
    terminal.sendline("import time; print('sum', 1 + 1)")
    terminal.expect("sum 2")
    terminal.sendline("answer.state, time.sleep(0.5), print('one cell', answer.result().state)")
    terminal.expect("one cell completed")
    terminal.expect("In .*: ")
    lines = written.getvalue().splitlines()
    (head,) = (number for number, line in enumerate(lines) if "[The answer of demo in the background:]" in line)
    assert "1, 2, 3" in " ".join(lines[head + 1 : head + 4])
    assert "29, 30" in " ".join(lines[head + 1 : head + 6])
