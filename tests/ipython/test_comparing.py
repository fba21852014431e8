"""`%%stream` with several models in a real IPython shell: the names it binds, what it refuses, and how it ends."""

import io
from contextlib import redirect_stderr, redirect_stdout

import pytest

import nbstream as nbs
from nbstream.many.comparison.comparison import Comparison
from nbstream.result import StreamResult
from nbstream.testing import chat_body

ONE_FAILS = "--on good --on bad"


@pytest.fixture
def run(shell):
    """Run a cell and return its output, and its error."""

    def run(cell):
        out = io.StringIO()
        with redirect_stdout(out), redirect_stderr(out):
            ended = shell.run_cell(cell)
        return out.getvalue(), ended.error_in_exec or ended.error_before_exec

    return run


@pytest.fixture
def endpoints(demo):
    nbs.endpoint("good", base_url=demo.base_url, model="demo", api_key=demo.api_key)
    nbs.endpoint("bad", base_url=demo.base_url, model="nothing", api_key=demo.api_key)


@pytest.mark.usefixtures("demo")
def test_the_answers_are_bound_in_order_and_by_name(run, ns):
    ns["stream_choice"] = "stale"
    out, error = run("%%stream -m demo -m demo -o answers -u usages -r kept\nCount to {{ 6 * 2 }}")
    assert error is None
    results = ns["stream_results"]
    assert isinstance(results, Comparison)
    assert results is ns["kept"]
    assert ns["answers"] == {"demo (1)": results[0].text, "demo (2)": results["demo (2)"].text}
    assert ns["usages"]["demo (1)"].output_tokens > 1
    assert not {"stream_text", "stream_usage", "stream_choice"} & set(ns)
    # In a terminal, one after the other, then the table.
    first, second, table = (out.index(words) for words in ("── demo (1) ──", "── demo (2) ──", "tokens/s"))
    assert first < second < table
    assert out.count("11, 12") == 2


@pytest.mark.usefixtures("demo")
def test_quiet_and_the_line_form(run, ns):
    out, error = run("r = %stream -m demo --n 3 --quiet Count to 12")
    assert (out, error) == ("", None)
    assert [result.text[-6:] for result in ns["r"]] == ["11, 12"] * 3
    assert ns["r"].names == ("demo (1)", "demo (2)", "demo (3)")


@pytest.mark.usefixtures("demo")
def test_a_blind_choice_is_bound(run, ns):
    out, error = run("%%stream -m demo -m demo --blind -o answers\nCount to 12")
    assert error is None
    assert "demo (" not in out
    assert "── A ──" in out
    assert list(ns["answers"]) == ["A", "B"]
    assert "stream_choice" not in ns
    out, error = run("stream_results.choose('B')")
    assert error is None
    assert isinstance(ns["stream_choice"], StreamResult)
    assert ns["stream_choice"] is ns["stream_results"][1]
    assert ns["stream_results"].choice in {"demo (1)", "demo (2)"}


@pytest.mark.usefixtures("endpoints")
def test_a_name_of_an_endpoint_alone_asks_there(run, ns):
    out, error = run("%%stream --on good\nCount to 12")
    assert error is None
    assert ns["stream_text"].endswith("11, 12")
    assert "stream_results" not in ns
    assert nbs.stream("Count to 12", on="good", display=False).text == ns["stream_text"]
    out, error = run("%%stream --on goood\nhello")
    assert "there is no endpoint called goood; did you mean good?" in out


@pytest.mark.usefixtures("endpoints")
def test_one_that_fails_fails_no_other(run, ns):
    out, error = run(f"%%stream {ONE_FAILS} -o answers\nCount to 12")
    assert error is None
    assert [str(result.state) for result in ns["stream_results"]] == ["completed", "failed"]
    assert list(ns["answers"]) == ["good"]
    assert "does not exist" in out


@pytest.mark.usefixtures("endpoints")
def test_the_cell_fails_if_all_do(run, ns):
    ns["answers"] = "stale"
    out, error = run("%%stream --on bad --n 2 -o answers\nhello")
    assert isinstance(error, nbs.StreamError)
    assert str(error).startswith("All 2 answers failed. bad (1): ")
    assert "answers is not set because the stream failed." in out
    assert "answers" not in ns
    assert [result.error.status for result in ns["stream_results"]] == [404, 404]
    out, error = run("%%stream --on bad --n 2 --blind\nhello")
    assert str(error) == "All 2 answers failed."


@pytest.mark.usefixtures("demo")
def test_the_differences_of_two_are_shown(run, ns):
    _, error = run("%%stream -m demo --n 2 --diff\nCount to 12")
    assert error is None
    assert "### Differences" in ns["stream_results"].bundle()[0]["text/markdown"]


@pytest.mark.usefixtures("demo")
def test_plans_are_shown_for_each_and_nothing_is_asked(run, demo):
    asked = len(demo.requests)
    _, error = run("%%stream -m demo -m demo --plan=local\nCount to 12")
    assert error is None
    assert len(demo.requests) == asked


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("-m demo --diff", "--diff is for several answers: name another model with -m, or ask one twice with --n 2"),
        ("-m demo --blind", "--blind is for several answers"),
        ("-m demo --n 3 --diff", "the differences are between two answers, and here are 3"),
        ("-m demo --n 0", "n must be a whole number above 0, not 0"),
        ("-m demo --n 99", "99 answers are too many to compare"),
        ("-m demo -m demo --chat tutor", "--chat continues with one answer"),
        ("-m demo -m demo --insert", "--insert puts the code of one answer into a cell"),
        ("-m demo -m demo --context", "--context shows one request"),
        ("-m demo -m demo --record a.jsonl", "record names the file of one answer"),
        ("-m demo --on good --on bad", "there is no endpoint called good"),
    ],
)
def test_what_makes_no_sense_is_refused(run, ns, options, words):
    ns["stream_results"] = "kept"
    out, _ = run(f"%%stream {options}\nhello")
    assert f"UsageError: {words}" in out
    assert ns["stream_results"] == "kept"


def test_each_answer_is_asked_the_same_and_entered_in_the_ledger(run, ns, loopback):
    loopback.respond(lambda _: chat_body("Hi", usage=(3, 2)))
    before = len(nbs.ledger)
    out, error = run(f"%%stream --base-url {loopback.base_url} -m a -m b -m c\n{{{{ [1, 2] }}}}")
    assert error is None, out
    sent = [received.json for received in loopback.requests]
    assert sorted(each["model"] for each in sent) == ["a", "b", "c"]
    assert {each["messages"][-1]["content"] for each in sent} == {"[1, 2]"}
    assert len(nbs.ledger) == before + 3
    assert sum(usage.output_tokens for usage in ns["stream_results"].usages.values()) == 6
