"""What a notebook output shows without a live view: growing Markdown, pauses, beginnings again."""

import contextlib
import itertools
import json
import threading
from types import SimpleNamespace
from unittest import mock

import ipywidgets
import pytest
from IPython.core.events import EventManager

from nbstream.display.host import Host
from nbstream.display.notebook import NotebookSurface
from nbstream.errors import ServerError
from nbstream.result import Retry, StreamResult, StreamState
from nbstream.settings.config import NBStream
from nbstream.tools.approval import Approved, Decision, Question
from tests import comms

SOME = StreamState.STREAMING
PAUSE = Retry("rate limited", 2.0, attempt=2, attempts=3)


class Output:
    """The words of each update of the output, and the hands of the clock."""

    def __init__(self):
        self.updates = []
        self.replacing = []  # whether each takes the place of what was shown before
        self.displayed = []
        self.times = []
        self.events = EventManager(
            mock.Mock(), dict.fromkeys(("pre_execute", "pre_run_cell", "post_execute", "post_run_cell"))
        )
        self.sent = 0  # bytes
        self.now = 0.0

    def publish(self, data, metadata, *, update, **_):
        self.replacing.append(update)
        self.updates.append(data.get("text/plain"))
        self.times.append(self.now)
        self.sent += len(json.dumps([data, metadata], ensure_ascii=False).encode())

    def display(self, data, metadata=None, **_):
        self.displayed.append(data)
        self.metadata = metadata or {}
        return SimpleNamespace(display_id="1")

    def end_cell(self):
        self.events.trigger("post_execute")
        self.events.trigger("post_run_cell", None)  # of a cell that an interrupt has cancelled

    def draw(self, surface, *frames):
        """Draw one frame a second."""
        for frame in frames:
            self.now += 1.0
            surface.draw(frame)


@pytest.fixture
def shell():
    return SimpleNamespace(execution_count=1, kernel=SimpleNamespace())


@pytest.fixture
def output(monkeypatch, shell):
    output = Output()
    shell.display_pub, shell.events = SimpleNamespace(publish=output.publish), output.events
    monkeypatch.setattr("IPython.get_ipython", lambda: shell)
    monkeypatch.setattr("IPython.display.display", output.display)
    monkeypatch.setattr("nbstream.display.notebook.time", SimpleNamespace(monotonic=lambda: output.now))
    return output


@pytest.fixture
def surface(output, make_request):
    assert output.updates == []
    surface = NotebookSurface("markdown")
    surface.open(make_request(model="m"), lambda: None)
    return surface


def test_a_pause_takes_the_waiting_lines_place_until_it_is_over(surface, output):
    waits = [StreamResult(retry=retry) for retry in (None, PAUSE, PAUSE, None, None)]
    output.draw(surface, *waits, StreamResult("Hi", SOME))
    assert output.updates == ["Rate limited, retrying in 2 s · attempt 2 of 3", "Waiting for m …", "Hi"]


def test_a_pause_is_told_below_the_text_of_an_answer_that_is_gone_on_with(surface, output):
    half = "Half an answer"
    waits = [StreamResult(half, retry=retry) for retry in (None, PAUSE, PAUSE, None)]
    output.draw(surface, *waits, StreamResult(half + " and more", SOME))
    assert output.updates == [
        half,
        f"{half}\n\n[Rate limited, retrying in 2 s · attempt 2 of 3]",
        half,
        half + " and more",
    ]


def test_text_that_turns_out_to_be_thinking_leaves_the_output(surface, output):
    thought = "I think, " * 20
    begun = [StreamResult(thought[:90], SOME), StreamResult(thought, SOME)]
    output.draw(surface, *begun, StreamResult("", SOME, reasoning=thought), StreamResult("Yes", SOME))
    assert output.updates == [thought[:90], thought, "Waiting for m …", "Yes"]


def test_an_answer_in_other_words_is_shown_at_once_though_it_is_shorter(surface, output):
    output.draw(surface, StreamResult("Hello wrld, how are you?", SOME), StreamResult("Hello world", SOME))
    assert output.updates == ["Hello wrld, how are you?", "Hello world"]


def test_a_static_output_shows_nothing_until_the_end(output, make_request):
    surface = NotebookSurface("static")
    surface.open(make_request(model="m"), lambda: None)
    output.draw(surface, StreamResult(retry=PAUSE), StreamResult("Hel", SOME))
    assert output.updates == []
    surface.close(StreamResult("Hello", StreamState.COMPLETED, "stop"))
    assert output.updates == ["Hello"]


def test_what_an_old_run_of_a_cell_still_says_is_not_shown(output, make_request, shell):
    shell.kernel.get_parent = lambda _: {"metadata": {"cellId": "c1"}}
    stopped = []
    surface = NotebookSurface("markdown")
    surface.open(make_request(model="m"), lambda: stopped.append(True))
    output.draw(surface, StreamResult("Hel", SOME))
    output.events.trigger("pre_run_cell", SimpleNamespace(cell_id="c2"))
    assert stopped == []
    output.events.trigger("pre_run_cell", SimpleNamespace(cell_id="c1"))
    assert stopped == [True]
    output.draw(surface, StreamResult("Hello and much more", SOME))
    surface.close(StreamResult("Hello and much more", StreamState.CANCELLED))
    output.events.trigger("pre_run_cell", SimpleNamespace(cell_id="c1"))
    assert (stopped, output.updates) == ([True], ["Hel"])


@pytest.mark.parametrize("host", [Host.CONSOLE, Host.PROGRAM])
def test_where_outputs_are_never_replaced_there_is_one_and_it_is_final(output, make_request, host):
    surface = NotebookSurface("static", host)
    surface.open(make_request(model="m"), lambda: None)
    output.draw(surface, StreamResult(retry=PAUSE), StreamResult("Hel", SOME))
    assert output.updates == []
    surface.close(StreamResult("Hello", StreamState.COMPLETED, "stop"))
    assert (output.updates, output.replacing) == (["Hello"], [False])


@pytest.mark.parametrize(("host", "asked"), [(Host.CONSOLE, 1), (Host.PROGRAM, 0), (Host.SERVER_PAGE, 0)])
@pytest.mark.usefixtures("output")
def test_somebody_at_a_console_is_asked_with_input(make_request, monkeypatch, host, asked):
    lines = ["y"]
    monkeypatch.setattr("builtins.input", lambda _: lines.pop())
    decided: list[Decision] = []
    question = Question("c1", "add", {"a": 1})
    question.when_answered(decided.append)
    surface = NotebookSurface("static", host)
    surface.open(make_request(model="m"), lambda: None)
    assert surface.ask(question) is False
    with contextlib.nullcontext() if asked else pytest.raises(EOFError):
        surface.prompt(question)
    assert decided == [Approved(question.digest)] * asked


def test_the_notebook_keeps_what_has_arrived_while_a_reader_is_asked(output, make_request, monkeypatch):
    page = comms.Page(monkeypatch)
    surface = NotebookSurface("live", Host.PAGE)
    surface.open(make_request(model="m"), lambda: None)
    page.says({"type": "hello", "view": "v"})
    output.draw(surface, StreamResult("Let me look.", SOME))
    assert surface.ask(Question("c1", "add", {"a": 1})) is True
    [kept] = [message["markdown"] for message in page.take() if message["type"] == "keep"]
    assert kept.startswith("Let me look.\n\n> **Partial.**")


def test_a_live_view_that_nobody_has_seen_where_outputs_are_never_replaced_ends_in_another(output, make_request):
    surface = NotebookSurface("live", Host.CONSOLE)
    surface.open(make_request(model="m"), lambda: None)
    surface.close(StreamResult("Hello", StreamState.COMPLETED, "stop"))
    assert (output.updates, output.replacing) == (["Hello"], [False])


@pytest.mark.parametrize(("host", "open_"), [(Host.PAGE, False), (Host.LATE_PAGE, True)])
def test_the_view_of_a_page_that_is_opened_later_stays(output, make_request, monkeypatch, host, open_):
    made = comms.Page(monkeypatch)
    surface = NotebookSurface("live", host)
    surface.open(make_request(model="m"), lambda: None)
    surface.close(StreamResult("Hello", StreamState.COMPLETED, "stop"))
    assert output.updates == ["Hello"]
    assert ("comm_close" not in [kind for kind, _ in made.messages]) is open_
    states = [data.get("state", {}) for _, data in made.messages]
    assert [state["no_notebook"] for state in states if "no_notebook" in state] == [open_]


def test_a_cell_that_a_program_runs_keeps_what_has_arrived_when_it_ends(output, make_request, monkeypatch):
    monkeypatch.setattr("nbstream.display.cell_end._SECONDS", 0.0)
    surface = NotebookSurface("static", Host.PROGRAM)
    surface.open(make_request(model="m"), lambda: None)
    output.draw(surface, StreamResult("Hel", SOME))
    output.end_cell()
    surface.close(StreamResult("Hello", StreamState.COMPLETED, "stop"))
    early, final = output.updates
    assert early == (
        "Hel\n\n[Note: The answer of m was still arriving when this cell ended. "
        "To keep all of it, wait for it in a cell.]"
    )
    assert (final, output.replacing) == ("Hello", [False, True])


def test_several_answers_hold_up_the_end_of_their_cell_no_longer_than_one(output, shell, make_request, monkeypatch):
    waits = []

    class Never:
        def wait(self, seconds):
            waits.append(seconds)
            output.now += seconds
            return False

    monkeypatch.setattr("nbstream.display.cell_end.threading", SimpleNamespace(Event=Never))
    monkeypatch.setattr("nbstream.display.cell_end.time", SimpleNamespace(monotonic=lambda: output.now))
    for number, before in (7, mock.Mock()), (8, mock.Mock()), (8, mock.Mock()):  # nbval counts none
        shell.execution_count, shell.last_execution_result = number, before
        for _ in range(3):
            NotebookSurface("static", Host.PROGRAM).open(make_request(model="m"), lambda: None)
        output.end_cell()
    assert waits == [10.0, 0.0, 0.0] * 3
    assert len(output.updates) == 9


@pytest.mark.parametrize("mode", ["live", "markdown", "static"])
def test_where_a_server_adds_every_output_the_answer_is_shown_once(output, make_request, monkeypatch, mode):
    comms.Page(monkeypatch)
    surface = NotebookSurface(mode, Host.SERVER_PAGE)
    surface.open(make_request(model="m"), lambda: None)
    output.draw(surface, *(StreamResult("word " * length, SOME) for length in range(1, 9)))
    assert output.updates == []
    ending = threading.Timer(0.05, surface.close, [StreamResult("word", StreamState.COMPLETED, "stop")])
    ending.start()
    output.end_cell()
    assert output.updates == ["word"], "the end of the cell waits"
    ending.join()
    assert bool(output.displayed) == (mode != "static")


@pytest.mark.parametrize("mode", ["live", "markdown", "static"])
@pytest.mark.parametrize("told_late", [False, True])
def test_in_an_output_widget_the_answer_takes_the_place_of_what_was_shown_first(
    output, shell, make_request, monkeypatch, told_late, mode
):
    comms.Page(monkeypatch)
    shell.kernel.get_parent = lambda _="shell": {"header": {"msg_id": "the cell's"}}
    widget, other = ipywidgets.Output(), ipywidgets.Output()
    widget.msg_id = "the cell's"
    surface, another = NotebookSurface(mode), NotebookSurface(mode)
    another.open(make_request(model="m"), lambda: None)
    surface.open(make_request(model="m"), lambda: None)
    widget.msg_id = ""
    words = {"output_type": "stream", "name": "stdout", "text": "Hi"}
    told = (words, {"output_type": "display_data", "data": output.displayed[1], "metadata": output.metadata})
    if not told_late:
        widget.outputs = told
    another.close(StreamResult("Another", StreamState.COMPLETED, "stop"))
    surface.close(StreamResult("Hello", StreamState.COMPLETED, "stop"))
    if told_late:
        widget.outputs = told
    assert widget.outputs[0] == words
    assert widget.outputs[1]["data"] == {"text/markdown": "Hello", "text/plain": "Hello"}
    assert widget.outputs[1]["metadata"]["nbstream"]["state"] == "completed"
    widget.outputs = told
    assert widget.outputs == told, "it is not looked at any more"
    assert other.outputs == ()


@pytest.mark.parametrize(("chunks_a_second", "mode"), [(100, "markdown"), (3_000, "markdown"), (100, "live")])
def test_a_long_answer_costs_at_most_40_times_its_bytes(output, make_request, chunks_a_second, mode):
    text = "".join(
        f"Word {number} of **many**, `code` and [a link](https://example.com/{number}).\n\n" for number in range(1_400)
    )
    text = text[:80_000]
    surface = NotebookSurface(mode)  # no view reports that it is on screen
    surface.open(make_request(model="m"), lambda: None)
    frame = chunks_a_second // 15 * 4 or 4  # of four characters a chunk, drawn at 15 frames a second
    for end in range(frame, len(text), frame):
        output.now += 1 / 15
        surface.draw(StreamResult(text[:end], SOME))
    before_the_end = output.sent
    surface.close(StreamResult(text, StreamState.COMPLETED, "stop"))

    ratio = output.sent / len(text.encode())
    print(f"\n80 KB at {chunks_a_second}/s, {mode}: {len(output.updates)} updates, {ratio:.1f} times the text")
    assert ratio <= 40
    assert before_the_end < output.sent
    assert output.updates[-1] == text
    gaps = [later - earlier for earlier, later in itertools.pairwise(output.times[:-1])]
    assert min(gaps) >= 0.25 - 1e-9, "at most four a second"
    assert gaps[-1] > 2 * gaps[0] or chunks_a_second > 1_000, "the interval grows"
    assert len(output.updates) >= 15


def test_a_result_is_shown_as_a_value_only_where_it_is_not_drawn_already(surface, output, shell):
    result = StreamResult("Hello\nworld", StreamState.COMPLETED, "stop", model="m")
    surface.close(result)
    result._ipython_display_()
    for shown in (StreamResult("Hello\nworld", StreamState.COMPLETED, "stop", model="m"), result):
        with pytest.raises(NotImplementedError):  # IPython then shows the repr
            shown._ipython_display_()
        shell.execution_count += 1
    assert repr(result) == r"<StreamResult completed, m, 'Hello\nworld'>"
    NBStream.instance()  # this shell could not hold settings
    result.show()
    assert output.displayed[-1]["text/plain"] == "Hello\nworld"


def test_a_stream_of_an_earlier_cell_does_not_make_a_result_be_shown_twice(surface, shell, make_request):
    shell.execution_count += 1
    later = NotebookSurface("static", Host.PAGE)
    later.open(make_request(model="m"), lambda: None)
    result = StreamResult("Hello", StreamState.COMPLETED, "stop", model="m")
    later.close(result)
    surface.close(StreamResult("Earlier", StreamState.COMPLETED, "stop", model="m"))
    result._ipython_display_()


@pytest.mark.parametrize(("text", "waits", "elsewhere"), [("Half", True, False), ("", True, False), ("", False, True)])
def test_a_failure_is_told_once(surface, output, shell, text, waits, elsewhere):
    shell.execution_count += elsewhere  # its error is raised below another cell
    if waits or elsewhere:
        surface.expect_error()
    output.events.trigger("post_execute")  # as a message of a widget does in the middle of a cell
    surface.close(StreamResult(text, StreamState.FAILED, error=ServerError("It broke. Mend it.")))
    told = "[Server error: It broke. Mend it.]"
    assert output.updates == [
        told if not waits else "Half\n\n[Server error: The answer is incomplete.]" if text else None
    ]


def test_where_the_error_says_all_nothing_is_shown_that_cannot_be_replaced(output, make_request):
    surface = NotebookSurface("static", Host.PROGRAM)
    surface.open(make_request(model="m"), lambda: None)
    surface.expect_error()
    surface.close(StreamResult("", StreamState.FAILED, error=ServerError("It broke.")))
    assert output.updates == []
