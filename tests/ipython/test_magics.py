"""`%%stream` and `%stream` in a real IPython shell."""

import io
import json
import re
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any

import IPython
import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.magic_arguments import parse_argstring
from PIL import Image

import nbstream
from nbstream.display.segments import segments_of
from nbstream.ipython.magics import StreamMagics
from nbstream.result import StreamResult
from nbstream.testing import RecordingSurface, chat_body
from nbstream.tools.approval import Approved, Denied

KEY = "sk-test-0123456789abcdef"
CUT = """--param demo='{"fault":"cut"}'"""  # the demo server then closes the connection in the middle of its answer
NAMES = ("stream_text", "stream_usage", "stream_result")


@dataclass
class Ran:
    out: str
    err: str
    result: Any
    success: bool
    error: BaseException | None


@pytest.fixture
def run(shell):
    """Run a cell and return what a reader sees of it."""

    def run(cell):
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            result = shell.run_cell(cell)
        return Ran(out.getvalue(), err.getvalue(), result.result, result.success, result.error_in_exec)

    return run


# --- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("demo")
def test_names_are_bound_by_the_end_of_the_stream_not_by_the_display(run, ns, monkeypatch):
    seen = []

    class Slow(RecordingSurface):
        def close(self, result):
            super().close(result)
            seen.append((ns.get("stream_text"), ns.get("summary"), ns["stream_result"] is result))

    monkeypatch.setattr("nbstream.api.choose_surface", lambda _: Slow())
    assert run("%%stream -m demo --max-tokens 3 -o summary\nCount to 12").success
    assert run("%stream_continue -o summary").success
    assert [(text == short, is_it) for text, short, is_it in seen] == [(True, True), (True, True)]
    assert seen[0][0]


@pytest.mark.usefixtures("demo")
def test_a_completed_stream_binds_its_names(run, ns):
    ran = run("%%stream -m demo -o summary -u cost -r whole\nCount to 12")
    assert ran.success
    assert ran.result is None
    result = ns["stream_result"]
    assert isinstance(result, StreamResult)
    assert ns["stream_text"] == ns["summary"] == result.text
    assert ns["stream_usage"] == ns["cost"] == result.usage
    assert ns["whole"] is result
    assert result.text.endswith("11, 12")
    assert ran.out.strip() == result.text
    assert {"cost", "summary", "stream_text"} <= set(run("%who_ls").result)


@pytest.mark.usefixtures("demo")
def test_the_line_form_returns_the_result(run, ns):
    ran = run("r = %stream -m demo Don't count; what's a token, then.")
    assert ran.success
    assert ns["r"] is ns["stream_result"]
    assert "> Don't count; what's a token, then." in ns["r"].text
    assert isinstance(run("%stream -m demo --quiet hello").result, StreamResult)


@pytest.mark.usefixtures("demo")
def test_quiet_shows_nothing(run, ns):
    ran = run("%%stream -m demo --quiet -o answer\nhello")
    assert (ran.out, ran.err, ran.success) == ("", "", True)
    assert ns["answer"]


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize(
    "cell",
    [
        pytest.param(f"%%stream -m demo -o a -u b {CUT}\nTell a long story", id="failed"),
        pytest.param("%%stream -m demo -o a -u b --max-tokens 0\nhello", id="wrong option value"),
        pytest.param("%%stream -m demo -o a -u b\n{{ missing }}", id="missing name"),
        pytest.param("%%stream -m demo -o a -u b\n\n", id="empty prompt"),
    ],
)
def test_no_stale_answer_survives(run, ns, cell):
    ns |= dict.fromkeys((*NAMES, "a", "b"), "stale")
    assert not run(cell).success
    assert not {"stream_text", "stream_usage", "a", "b"} & set(ns)


@pytest.mark.usefixtures("demo")
def test_no_stale_answer_survives_a_line_that_cannot_be_read(run, ns):
    ns |= dict.fromkeys(NAMES, "stale")
    assert not run("%%stream --no-such-option\nhello").success
    assert not {"stream_text", "stream_usage"} & set(ns)


@pytest.mark.usefixtures("demo")
def test_a_mistyped_cell_does_not_cost_the_partial_answer_of_the_last_one(run, ns):
    run(f"%%stream -m demo {CUT}\nTell a long story")
    assert ns["stream_result"].text
    mistyped = run("%%stream --modle demo\nTell a long story")
    assert "no such option: --modle; did you mean --model?" in mistyped.err
    assert ns["stream_result"].state == "failed"
    assert ns["stream_result"].text


@pytest.mark.usefixtures("demo")
def test_a_failed_stream_leaves_its_result(run, ns):
    ran = run(f"%%stream -m demo -r run {CUT}\nTell a long story")
    result = ns["stream_result"]
    assert ns["run"] is result
    assert (result.state, ran.error) == ("failed", result.error)
    assert result.text
    assert result.text in ran.out
    assert "[Connection lost: " in ran.out


@pytest.mark.usefixtures("demo")
def test_a_cell_is_told_what_to_do_in_a_cell_and_python_in_python(run, ns):
    ran = run(f"%%stream -m demo {CUT}\nTell a long story")
    assert "Run %stream_continue to continue" in ran.out
    assert str(ran.error).endswith(". Run %stream_continue to continue.")
    ran = run('import nbstream\nnbstream.stream("Tell a long story", model="demo", demo={"fault": "cut"})')
    assert "Call result.resume() to continue" in ran.out
    assert str(ran.error).endswith(". Call result.resume() to continue.")
    ns["partial"] = ran.error.result
    ran = run("%stream_continue partial")  # which is cut again
    assert str(ran.error).endswith(". Run %stream_continue to continue.")


def test_a_wrong_cell_is_told_what_to_do_in_a_cell(run):
    run("%config NBStream.model = None")
    ran = run("%%stream --base-url http://localhost:1/v1\nHi")
    assert "no model given for localhost:1; name one with -m MODEL or NBSTREAM_MODEL" in ran.err


def test_a_stopped_stream_ends_the_cell_without_an_error(run, ns, demo, surface, monkeypatch):
    monkeypatch.setattr("nbstream.api.choose_surface", lambda _: surface)
    draw = surface.draw

    def draw_and_stop(snapshot):
        draw(snapshot)
        if snapshot.text:
            surface.stop()

    monkeypatch.setattr(surface, "draw", draw_and_stop)
    ran = run('%%stream -m demo -o a --param demo=\'{"fault":"stall"}\'\nTell a long story')
    assert ran.success
    assert ns["stream_result"].state == "cancelled"
    assert ns["stream_result"].text
    assert not {"stream_text", "stream_usage", "a"} & set(ns)
    assert demo.requests[-1].ended.wait(60)


# --- prompts ----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("demo")
def test_expressions_are_filled_in_and_single_braces_are_text(run, ns):
    ns["animal"] = "Zebras"
    run("%%stream -m demo --quiet\n{{ animal.upper() }}? {animal} $animal")
    assert "> ZEBRAS? {animal} $animal" in ns["stream_text"]
    run("%stream -m demo --quiet {{ animal }}? {animal} $animal")
    assert "> Zebras? {animal} $animal" in ns["stream_text"]


@pytest.mark.usefixtures("demo")
def test_local_names_of_a_function_can_be_filled_in(run, ns):
    ask = "get_ipython().run_line_magic('stream', '-m demo --quiet {{ animal }}?')"
    run(f"def f(animal):\n    return {ask}\nr = f('Zebras')")
    assert "> Zebras?" in ns["r"].text


@pytest.mark.usefixtures("demo")
def test_raw_sends_the_text_as_it_is(run, ns):
    assert run("%%stream -m demo --quiet --raw\nZebras {{ missing }}?").success
    assert "> Zebras {{ missing }}?" in ns["stream_text"]


def test_options_go_to_the_server(run, loopback, ns):
    loopback.send('data: {"choices":[{"delta":{"content":"Hi"}}]}\n\ndata: [DONE]\n\n')
    line = "-m m --api chat -s 'Be terse.' --temperature 0.5 --max-tokens 9 --param seed=7 --param user='\"me\"'"
    assert run(f"%%stream {line} --base-url {loopback.base_url} --quiet\n\n  Hi  \n\n").success
    assert json.loads(loopback.requests[0].body) == {
        "model": "m",
        "messages": [{"role": "system", "content": "Be terse."}, {"role": "user", "content": "  Hi  "}],
        "temperature": 0.5,
        "max_tokens": 9,
        "seed": 7,
        "user": "me",
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    assert ns["stream_text"] == "Hi"


def test_images_go_with_the_prompt(run, ns, loopback, tmp_path):
    loopback.send(chat_body("A cat."))
    Image.new("L", (2, 1)).save(tmp_path / "in a folder.png")
    ns["drawn"], ns["several"] = Image.new("L", (1, 1)), [tmp_path / "in a folder.png"]
    options = f"-m m --base-url {loopback.base_url} --image https://example.org/a.png --image drawn --image several"
    assert run(f"%%stream {options} --image '{tmp_path}/in a folder.png'\nWhat?").success
    text, first, *others = json.loads(loopback.requests[0].body)["messages"][0]["content"]
    assert (text["text"], first["image_url"]["url"]) == ("What?", "https://example.org/a.png")
    one, *both = [each["image_url"]["url"] for each in others]
    assert one.startswith("data:image/png;base64,")
    assert both[0] == both[1] != one


def test_an_image_in_the_prompt_is_attached_before_the_others(run, ns, loopback):
    loopback.send(chat_body("Yes."))
    ns["drawn"] = Image.new("L", (1, 1))
    options = f"-m m --base-url {loopback.base_url} --image https://example.org/a.png"
    assert run(f"%%stream {options}\nIs {{{{ drawn }}}} a dot?").success
    text, drawn, other = json.loads(loopback.requests[0].body)["messages"][0]["content"]
    assert text["text"] == "Is [image 1] a dot?"
    assert drawn["image_url"]["url"].startswith("data:image/png;base64,")
    assert other["image_url"]["url"] == "https://example.org/a.png"


def test_files_go_with_the_prompt(run, ns, loopback, tmp_path):
    loopback.send(chat_body("Fine."))
    ns["data"] = tmp_path / "data.csv"
    ns["data"].write_text("a,b", "utf-8")
    assert run(f"%%stream -m m --base-url {loopback.base_url} --file data\nSum it up").success
    content = json.loads(loopback.requests[0].body)["messages"][0]["content"]
    assert [part["text"] for part in content] == ["Sum it up", "File data.csv:\n\n```\na,b\n```"]


# --- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("%%stream -m demo\n{{ missing }}", "missing in {{ missing }} is not defined"),
        ("%%stream -m demo\n", "cell body is empty"),
        ("%%stream -m demo\n ", "the prompt is empty"),
        ("%stream -m demo", "the prompt is empty"),
        ("%%stream -m demo text\nprompt", "unexpected 'text' after the options"),
        ("%%stream -m\nprompt", "expected one argument"),
        ("%%stream --no-such-option\nprompt", "unrecognized arguments"),
        ("%%stream -o 1x\nprompt", "is not a valid variable name"),
        ("%%stream --api telepathy\nprompt", "invalid choice"),
        ("%%stream --images all\nprompt", "invalid choice"),
        ("%%stream --temperature warm\nprompt", "--temperature"),
        ("%%stream --timeout 0\nprompt", "is not a number above 0"),
        ("%%stream --max-tokens 0 -m demo\nprompt", "a whole number above 0"),
        ("%%stream --image missing.png -m demo\nprompt", "there is no file missing.png"),
        ("%%stream --image nbstrem -m demo\nprompt", "there is no variable and no file called nbstrem"),
        ("%%stream --image get_ipython -m demo --chat c\nprompt", "an image is a path, bytes, a PIL image"),
        ("%%stream --file missing.csv -m demo\nprompt", "there is no file missing.csv"),
        ("%%stream --param seed\nprompt", "not of the form KEY=JSON"),
        ("%%stream --param model=1\nprompt", "--param cannot set model"),
        ("%%stream --base-url nowhere\nprompt", "must look like http://host:port/v1"),
        ('%%stream -s "open\nprompt', "a quote is not closed"),
    ],
)
def test_a_wrong_call_is_one_line_and_sends_nothing(run, demo, ns, cell, words):
    before = len(demo.requests)
    ran = run(cell)
    assert not ran.success
    shown = (ran.out + ran.err).strip()
    assert shown.startswith("UsageError: ")
    assert words in shown
    assert "\n" not in shown
    assert len(demo.requests) == before
    assert not set(NAMES) & set(ns)


@pytest.mark.parametrize("mode", ["Plain", "Context", "Verbose", "Minimal"])
def test_a_failed_stream_has_a_short_traceback_without_a_key(run, loopback, monkeypatch, mode):
    monkeypatch.setenv("OPENAI_BASE_URL", loopback.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    loopback.send(f'{{"error":{{"message":"Incorrect API key: {KEY}"}}}}', status=401)
    run(f"%xmode {mode}")
    ran = run("%%stream -m m --quiet\nsecret prompt")
    assert type(ran.error).__name__ == "AuthenticationError"
    shown = ran.out + ran.err
    assert "AuthenticationError: 127.0.0.1:" in shown
    assert len(shown.strip().splitlines()) <= 3
    again = run("%tb")
    for text in (shown, again.out + again.err, repr(ran.error), str(ran.error)):
        assert KEY not in text
        assert "secret prompt" not in text


def test_a_failed_call_of_the_python_api_shows_the_readers_own_frames(run, loopback):
    loopback.send("no", status=500)
    call = f"nbs.stream('Hi', model='m', base_url='{loopback.base_url}', api_key='{KEY}', display=False)"
    ran = run(f"import nbstream as nbs\ndef ask():\n    return {call}\nask()")
    shown = ran.out + ran.err
    assert "ServerError: 127.0.0.1:" in shown
    assert "in ask" in shown
    assert "nbstream/" not in shown
    assert KEY not in shown


def test_a_failed_stream_of_a_magic_is_one_line(run, loopback):
    loopback.send("no", status=500)
    ran = run(f"%%stream -m m --base-url {loopback.base_url} --max-retries 0 --quiet\nHi")
    assert "ServerError: 127.0.0.1:" in ran.out + ran.err
    assert "of this cell" not in ran.out + ran.err


@pytest.mark.usefixtures("demo")
def test_run_all_stops_at_a_failed_stream(run):
    assert not run('%%stream -m demo --quiet --param demo=\'{"fault":"rate_limit"}\'\nhello').success


# --- help and completion ----------------------------------------------------------------------------------------------


def documented(shown):
    """The options that a help text describes: their names, and the example of each."""
    options = re.split(r"\n(?=\S)", shown.partition("\noptions:")[2])[0]
    described = re.split(r"\n  (?=-)", options)[1:]
    lines = [re.sub(r"\s*\n\s+", " ", re.sub(r"-\n\s+", "-", each)) for each in described]
    return {tuple(re.findall(r"(?<![\w-])--?\w[\w-]*", line.partition("  ")[0])): line for line in lines}


@pytest.mark.parametrize("asked", ["%%stream?", "%stream?"])
def test_help_documents_every_option_with_an_example(shell, run, asked):
    shown = run(asked).out
    options = documented(shown)
    with pytest.warns(PendingDeprecationWarning):
        _, completed = shell.complete("", "%stream --", 10)
    names_completed = {name for name in completed if name.startswith("-")}
    assert names_completed
    assert names_completed <= {name for names in options for name in names}
    for names, line in options.items():
        assert "Example: " in line, names
    for word in ("stream_text", "stream_usage", "stream_result", "{{ expression }}", "%%stream -m gpt-5-mini"):
        assert word in shown


def test_every_example_of_the_help_can_be_parsed(run):
    options = documented(run("%%stream?").out)
    assert len(options) > 10
    for line in options.values():
        parse_argstring(StreamMagics.stream, line.partition("Example: ")[2])


ASKED_THE_OLD_WAY = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")


@ASKED_THE_OLD_WAY
@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("%%stream --mo", "--model"),
        ("%stream --max", "--max-tokens"),
        ("%%stream -m demo --qu", "--quiet"),
        ("%%stream --api res", "responses"),
        ("%%stream --images al", "allow"),
        ("%stream -m de", "demo"),
    ],
)
def test_tab_completes_options(shell, typed, expected):
    _, matches = shell.complete("", typed, len(typed))
    assert expected in matches
    with provisionalcompleter():
        found = {completion.text: completion.type for completion in shell.Completer.completions(typed, len(typed))}
        kind = "option" if expected.startswith("-") else "value"
        assert found[expected] == (kind if IPython.version_info >= (8, 6) else "<unknown>")


@ASKED_THE_OLD_WAY
@pytest.mark.parametrize("typed", ["%stream", "%%stream", "%stream ", "%stream -m demo what "])
def test_tab_is_harmless_anywhere(shell, typed):
    shell.complete("", typed, len(typed))


# --- loading ----------------------------------------------------------------------------------------------------------


@ASKED_THE_OLD_WAY
def test_the_extension_can_be_loaded_twice_and_unloaded(shell, run):
    assert run("%reload_ext nbstream").success
    assert run("%load_ext nbstream").success
    assert run("%unload_ext nbstream").success
    for kind in ("line", "cell"):
        assert "stream" not in shell.magics_manager.magics[kind]
    assert "--model" not in shell.complete("", "%stream --mo", 12)[1]
    assert run("%load_ext nbstream").success
    assert "stream" in shell.magics_manager.magics["cell"]
    assert "--model" in shell.complete("", "%stream --mo", 12)[1]


def test_settings_outlive_unloading(run):
    run('%config NBStream.model = "m"')
    run("%unload_ext nbstream")
    run("%load_ext nbstream")
    assert "'m'" in run("%config NBStream").out or run("%config NBStream.model").result == "m"


# --- questions, and names that are not set ----------------------------------------------------------------------------


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize("prompt", ["What is nbstream?", "What's it -- 'quoted?", "Is a[0] == b ??", "Warum? Wieso?"])
def test_a_prompt_may_end_with_a_question_mark(run, ns, shell, prompt):
    transform = shell.input_transformer_manager.transform_cell
    call = f"get_ipython().run_line_magic('stream', {'-m demo ' + prompt!r})"
    assert transform(f"%stream -m demo {prompt}\n") == f"{call}\n"
    assert transform(f"if True:\n    r = %stream -m demo {prompt}\n") == f"if True:\n    r = {call}\n"
    assert run(f"r = %stream -m demo {prompt}").success
    assert ns["r"] is ns["stream_result"]


def test_help_is_still_help(shell):
    transform = shell.input_transformer_manager.transform_cell
    for line in ("%stream?", "%stream??", "?%stream", "print?", "%timeit?"):
        assert "'pinfo" in transform(f"{line}\n"), line
    assert transform('text = """\n%stream why?\n"""\n') == 'text = """\n%stream why?\n"""\n'
    nbstream.unload_ipython_extension(shell)
    assert "'pinfo" in transform("%stream why?\n")


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("", "stream_text is not set because the stream "),
        ("-o a -u b", "a and b are not set because the stream "),
        ("-r run -u cost", "cost is not set because the stream "),
    ],
)
def test_names_that_are_not_set_are_told_where_the_stream_ended(run, monkeypatch, options, said):
    failed = run(f"%%stream -m demo {CUT} {options}\nCount to 12")
    lines = failed.error._render_traceback_()
    assert lines[1:] == ([f"{said}failed."] if "-o" in options or "-u" in options else []), "one error, once"
    monkeypatch.setattr("nbstream.api.choose_surface", lambda _: Stopping())
    assert run(f"%%stream -m demo {options}\nCount to 12").out == f"{said}was stopped.\n"


class Stopping(RecordingSurface):
    def open(self, request, stop):
        super().open(request, stop)
        stop()


# --- tools ------------------------------------------------------------------------------------------------------------

TOOLS = """
import nbstream as nbs
ran = []

@nbs.tool
def population(country: str) -> int:
    "How many people live in a country."
    ran.append(country)
    return 5
"""
CALL = "Call population(country='Oman')"


@pytest.mark.usefixtures("demo")
def test_a_tool_is_named_and_allowed(run, ns):
    run(TOOLS)
    assert run(f"%%stream -m demo -t population --approve population\n{CALL}").success
    assert ns["ran"] == ["Oman"]
    assert "`: 5" in ns["stream_text"]
    assert run(f"%stream -m demo -t population --approve none {CALL}").success
    assert ns["ran"] == ["Oman"]


@pytest.mark.usefixtures("demo")
def test_the_tools_of_an_mcp_server_are_named_as_a_set(run, ns):
    run("from mcp.server.mcpserver import MCPServer\nimport nbstream as nbs\nserver = MCPServer('Towns')")
    run("@server.tool()\ndef population(country: str) -> int:\n    return 5\ntowns = nbs.mcp(server)")
    called = "Call towns_population(country='Oman')"
    assert run(f"%%stream -m demo -t towns --approve towns_population\n{called}").success
    assert "`: 5" in ns["stream_text"]
    run(
        f"chat = nbs.Chat(model='demo', tools=[towns])\nresult = chat.stream({called!r}, approve='none', display=False)"
    )
    assert [part.run.state for part in ns["result"].tool_runs] == ["denied"]
    run("towns.close()")
    assert "are closed; connect again" in run(f"%%stream -m demo -t towns\n{called}").err


@pytest.mark.usefixtures("demo")
def test_the_reader_is_asked_below_the_answer(run, ns, monkeypatch):
    run(TOOLS)
    monkeypatch.setattr("builtins.input", lambda words: "y" if "population" in words else "")
    assert run(f"%%stream -m demo -t population\n{CALL}").success
    assert ns["ran"] == ["Oman"]


@pytest.mark.usefixtures("demo")
def test_a_name_that_is_no_tool_is_told(run, ns):
    run(TOOLS)
    ns["number"] = 7
    assert (
        "no function called popluation in this notebook; did you mean population?"
        in run(f"%%stream -m demo -t popluation\n{CALL}").err
    )
    assert "a tool is a function, not something of type int" in run(f"%%stream -m demo -t number\n{CALL}").err
    assert ns["ran"] == []


@pytest.mark.usefixtures("demo")
def test_a_schema_is_named_and_an_answer_that_does_not_fit_has_failed(run, ns):
    run("from dataclasses import dataclass\n@dataclass\nclass City:\n    name: str")
    ran = run("%%stream -m demo --schema City -o city --param demo='{\"misfits\": 1}'\nhello")
    assert "does not fit the schema: name: Input should be a valid string" in f"{ran.err}{ran.error}"
    assert "Let the model correct it with --repair 1." in str(ran.error)
    assert "city" not in ns
    assert "no type called Citty in this notebook; did you mean City?" in run("%%stream --schema Citty\nhello").err
    assert run("%%stream -m demo --schema City -o city\nhello").success
    assert ns["city"].name == "Oslo"


def test_the_object_is_bound(run, ns, loopback):
    run("from dataclasses import dataclass\n@dataclass\nclass City:\n    name: str")
    loopback.send(chat_body('{"name": ', '"Oslo"}'))
    assert run(f"%%stream -m m --base-url {loopback.base_url} --schema City -o city\nWhich?").success
    assert ns["city"] == ns["City"]("Oslo")
    assert ns["stream_text"] == '{"name": "Oslo"}'


# --- only code --------------------------------------------------------------------------------------------------------


@pytest.fixture
def inserted(shell, monkeypatch):
    """What is put into new cells."""
    cells = []
    monkeypatch.setattr(shell, "set_next_input", lambda text, replace=False: cells.append((text, replace)))
    return cells


def test_code_is_shown_bound_and_inserted(run, ns, loopback, inserted, monkeypatch):
    surface = RecordingSurface()
    monkeypatch.setattr("nbstream.api.choose_surface", lambda _: surface)
    answers = iter(["maybe", "n", "YES "])
    monkeypatch.setattr("builtins.input", lambda _: next(answers))
    to = f"--base-url {loopback.base_url} --api chat -m m"
    for _ in range(4):
        loopback.send(chat_body("Here it is:\n\n```python\nx = ", "40\nx += 2\n```\nIt is 42.", model="m\n1"))
    assert run(f"%%stream {to} --as code --insert -o source\nx").success
    assert ns["source"] == ns["stream_text"] == ns["stream_result"].code == "x = 40\nx += 2"
    assert ns["stream_result"].text.startswith("Here it is:")
    assert surface.final is not None
    assert segments_of(surface.final)[0].text == "```python\nx = 40\nx += 2\n```"
    assert inserted == []
    assert run(f"%%stream {to} --insert -o source\nx").success
    assert ns["source"].startswith("Here it is:")
    [(text, replaces)] = inserted
    about, _, code = text.partition("\n")
    assert (code, replaces) == ("x = 40\nx += 2", False)
    assert re.fullmatch(r"# Written by m 1, \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ, sha256 [0-9a-f]{16}", about)
    assert run(f"r = %stream {to} --insert=yes x").success
    assert [code.partition("\n")[2] for code, _ in inserted] == ["x = 40\nx += 2"] * 2
    assert json.loads(loopback.requests[0].body)["messages"] == [{"role": "user", "content": "x"}]

    def nobody(_):
        raise NotImplementedError

    monkeypatch.setattr("builtins.input", nobody)
    ran = run(f"%%stream {to} --insert\nx")
    assert "nobody can be asked here whether to insert the code; --insert=yes" in str(ran.error)
    assert ns["stream_result"].state == "completed"
    loopback.send(chat_body("No code."))
    assert "no code in the answer" in run(f"%%stream {to} --insert=yes\nx").out


class AskedSurface(RecordingSurface):
    """What shows questions, and what its reader does about each."""

    def __init__(self, does):
        super().__init__()
        self.does, self.asked, self.withdrawn = does, [], []

    def open(self, request, stop):
        super().open(request, stop)
        self.stop = stop

    def ask(self, question):
        self.asked.append(question)
        self.does(self, question)
        return True

    def withdraw(self, question):
        self.withdrawn.append(question)


def test_the_question_whether_to_insert_is_on_the_answer(run, ns, loopback, inserted, monkeypatch):
    to = f"--base-url {loopback.base_url} --api chat -m m --insert"
    body = chat_body("Here:\n\n```python\nx = 1\n```", model="m")
    for line, does, cells in (
        (f"%%stream {to}\nx", lambda _, question: question.answer(Approved(question.digest)), 1),
        (f"%%stream {to}\nx", lambda surface, question: question.answer(Approved("of another")) or surface.stop(), 0),
        (f"%%stream {to}\nx", lambda _, question: question.answer(Denied()), 0),
        (f"r = %stream {to} x", lambda surface, _: surface.stop(), 0),
        (f"r = %stream {to}=yes x", None, 1),
    ):
        surface = AskedSurface(does)
        monkeypatch.setattr("nbstream.api.choose_surface", lambda _, surface=surface: surface)
        inserted.clear()
        loopback.send(body)
        assert run(line).success
        assert [code.partition("\n")[2] for code, _ in inserted] == ["x = 1"] * cells
        assert ns["stream_result"].state == "completed", "a Stop takes only the question back"
        assert surface.withdrawn == surface.asked
        assert len(surface.asked) == (does is not None)
    assert "x = 1" in ns["stream_text"]


def test_nobody_is_asked_about_code_that_is_not_there(run, loopback, inserted, monkeypatch):
    surface = AskedSurface(None)
    monkeypatch.setattr("nbstream.api.choose_surface", lambda _: surface)
    loopback.send(chat_body("No code."))
    assert "no code in the answer" in run(f"%%stream --base-url {loopback.base_url} -m m --insert\nx").out
    assert (surface.asked, inserted) == ([], [])


def test_code_cannot_be_held_to_a_schema(run, ns):
    ns["City"] = dict[str, int]
    assert "either code" in str(run("%%stream -m demo --as code --schema City\nx").error)
    wrong: Any = "js"
    with pytest.raises(nbstream.errors.UsageError, match='as_ must be "text" or "code"'):
        nbstream.stream("x", model="demo", as_=wrong, display=False)
