"""What can be done about what happened, worded for each place."""

import copy
import pickle
import string

import pytest

from nbstream.errors import RateLimitError, StreamError, UsageError, words_of
from nbstream.remedies import Remedy, RemedyKind
from nbstream.result import StreamWarning
from nbstream.text.place import Place, place_here, reader_in
from nbstream.text.wording import WORDINGS, told
from tests.each import check_each

# What a remedy is about, for the kinds that have a value.
VALUES: dict[RemedyKind, str | float] = {
    RemedyKind.USE_ADDRESS: "http://localhost:11434/v1",
    RemedyKind.CHECK_VARIABLE: "SSL_CERT_FILE",
    RemedyKind.INSTALL: "socksio",
    RemedyKind.CHECK_MODEL: "gpt-x",
    RemedyKind.USE_API: "chat",
    RemedyKind.WAIT: 20.0,
    RemedyKind.ALLOW_TOOL: "look_up",
    RemedyKind.CHECK_KEY_FILE: "/etc/key",
    RemedyKind.SET_PRICE: "llama3.2",
}


def remedies(*kinds):
    return [Remedy(kind, VALUES.get(kind)) for kind in kinds]


# --- the tables -------------------------------------------------------------------------------------------------------


ACTING = [place for place in Place if place is not Place.FILE]


def test_every_place_has_its_words():
    assert set(WORDINGS) == set(Place)


@pytest.mark.parametrize("place", ACTING)
def test_every_remedy_is_worded_in_every_place(place):
    assert set(WORDINGS[place].clauses) == set(RemedyKind)


@pytest.mark.parametrize("place", ACTING)
def test_a_clause_fits_into_any_sentence(place):
    def check(kind):
        clause = WORDINGS[place].clause(Remedy(kind, VALUES.get(kind)))
        assert clause
        assert clause == clause.strip()
        assert not clause.endswith((".", ";", ","))
        assert (str(VALUES[kind]).removesuffix(".0") in clause) if kind in VALUES else "{" not in clause

    check_each(RemedyKind, check)


@pytest.mark.parametrize("place", Place)
def test_a_clause_takes_no_other_value(place):
    for kind, clause in WORDINGS[place].clauses.items():
        fields = {name for _, name, _, _ in string.Formatter().parse(clause) if name is not None}
        assert fields == ({"value"} if kind in VALUES else set())


@pytest.mark.parametrize(
    ("place", "foreign"),
    [
        (Place.CELL, ("panel.", "result.resume", "in the settings")),
        (Place.PANEL, ("--", "%stream", "the cell", "result.resume", "-m ")),
        (Place.PYTHON, ("--", "%stream", "the cell", "panel.", "in the settings", "-m ")),
        (Place.TERMINAL, ("%stream", "the cell", "panel.", "in the settings", "nbs.configure")),
    ],
)
def test_a_place_knows_no_ways_of_others(place, foreign):
    words = [WORDINGS[place].result, WORDINGS[place].token_limit, *WORDINGS[place].clauses.values()]
    assert [(each, way) for each in words for way in foreign if way in each] == []


SET_KEY = "Set OPENAI_API_KEY (or nbs.configure(api_key=…))"


# --- sentences --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("happened", "kinds", "place", "sentence"),
    [
        ("It broke.", [], Place.CELL, "It broke."),
        ("", [], Place.CELL, ""),
        ("It broke.", [RemedyKind.RETRY], Place.CELL, "It broke. Run the cell again."),
        ("It broke.", [RemedyKind.RETRY], Place.PANEL, "It broke. Ask again."),
        ("It broke.", [RemedyKind.RETRY], Place.PYTHON, "It broke. Ask again."),
        ("It broke.", [RemedyKind.RETRY], Place.TERMINAL, "It broke. Run the command again."),
        ("Too many.", [RemedyKind.WAIT], Place.CELL, "Too many. Wait 20 s and run the cell again."),
        ("Not there.", [RemedyKind.START_SERVER], Place.CELL, "Not there. Is the server running?"),
        (
            "No key for x.",
            [RemedyKind.SET_KEY, RemedyKind.NAME_SERVER, RemedyKind.TRY_DEMO],
            Place.CELL,
            (
                f"No key for x. {SET_KEY}, name a compatible server with --base-url URL, "
                "or try the built-in demo model with -m demo."
            ),
        ),
        (
            "No key for x.",
            [RemedyKind.SET_KEY, RemedyKind.TRY_DEMO],
            Place.PYTHON,
            f'No key for x. {SET_KEY}, or try the built-in demo model with model="demo".',
        ),
        (
            "It is kept.",
            [RemedyKind.CONTINUE, RemedyKind.MORE_TIME_IN_TOTAL],
            Place.CELL,
            "It is kept. Run %stream_continue to continue, or allow more with --total-timeout SECONDS.",
        ),
        ("It is kept.", [RemedyKind.CONTINUE], Place.PANEL, "It is kept. Continue picks up from here."),
        ("It is kept.", [RemedyKind.CONTINUE], Place.PYTHON, "It is kept. Call result.resume() to continue."),
        ("It is kept.", [RemedyKind.CONTINUE], Place.FILE, "It is kept."),
        ("Did you mean m?", [RemedyKind.RETRY], Place.PANEL, "Did you mean m? Ask again."),
        ("Did you mean m?", [RemedyKind.REPORT_BUG], Place.PANEL, "Did you mean m? Please report this."),
        ("no model given", [RemedyKind.CHOOSE_MODEL], Place.PANEL, "no model given; choose one below"),
        (
            "no model given",
            [RemedyKind.CHOOSE_MODEL],
            Place.CELL,
            "no model given; name one with -m MODEL or NBSTREAM_MODEL",
        ),
    ],
)
def test_what_happened_and_what_to_do(happened, kinds, place, sentence):
    assert told(happened, remedies(*kinds), place) == sentence


def test_a_wait_is_never_shorter_than_it_should_be():
    assert told("Too many.", [Remedy(RemedyKind.WAIT, 0.25)], Place.PYTHON) == "Too many. Wait 1 s and ask again."


def test_a_wait_of_unknown_length():
    assert told("Too many.", [Remedy(RemedyKind.WAIT)], Place.CELL) == "Too many. Wait a little and run the cell again."


# --- errors and warnings ----------------------------------------------------------------------------------------------

SLOW_DOWN = RateLimitError("Too many.", remedies=remedies(RemedyKind.WAIT), status=429, retry_after=20.0)


def test_an_error_speaks_python_unless_it_is_read_elsewhere():
    error = copy.copy(SLOW_DOWN)
    assert str(error) == error.message == "Too many. Wait 20 s and ask again."
    assert error.told(Place.PANEL) == "Too many. Wait 20 s and ask again."
    error.place = Place.CELL
    assert str(error) == error.message == "Too many. Wait 20 s and run the cell again."
    assert error.happened == "Too many."


def test_a_program_finds_out_what_can_be_done():
    assert [(each.kind, each.value) for each in SLOW_DOWN.remedies] == [("wait", 20.0)]


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_copies_of_an_error_say_the_same(again):
    error = copy.copy(SLOW_DOWN)
    error.place = Place.CELL
    made = again(error)
    assert type(made) is RateLimitError
    assert (str(made), made.remedies, made.place) == (str(error), error.remedies, Place.CELL)


# A `RateLimitError` and a `StreamWarning`, pickled when their sentences said what to do as well.
OLD_PICKLE = (
    b"\x80\x04\x95\xed\x00\x00\x00\x00\x00\x00\x00\x8c\x0fnbstream.errors\x94\x8c\x0eRateLimitError\x94\x93\x94\x8c"
    b"\x1dToo many. Run the cell again.\x94\x85\x94R\x94}\x94(\x8c\x06status\x94M\xad\x01\x8c\x04code\x94\x8c"
    b"\tslow_down\x94\x8c\tretryable\x94\x88\x8c\x0bretry_after\x94G@\x00\x00\x00\x00\x00\x00\x00\x8c\nrequest_id\x94Nub\x8c\x10"
    b"nbstream.outcome\x94\x8c\rStreamWarning\x94\x93\x94)\x81\x94]\x94(\x8c\x08buffered\x94\x8c\x10It came at once."
    b"\x94eb\x86\x94."
)


def test_pickles_of_before_say_what_they_said():
    error, warning = pickle.loads(OLD_PICKLE)
    assert (error.message, error.status, error.remedies) == ("Too many. Run the cell again.", 429, ())
    assert error.told(Place.PANEL) == error.message
    assert warning == StreamWarning("buffered", "It came at once.")
    assert (warning.message, warning.told(Place.CELL)) == ("It came at once.", "It came at once.")


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_copies_of_a_warning(again):
    warning = StreamWarning("other_api", "It speaks the other API.", (Remedy(RemedyKind.USE_API, "chat"),))
    assert again(warning) == warning
    assert warning.message == 'It speaks the other API; api="chat" suits it better.'
    assert warning.told(Place.CELL) == "It speaks the other API; --api chat suits it better."


def test_a_wrong_call_without_words_is_possible():
    assert (str(UsageError()), str(StreamError("Broken."))) == ("", "Broken.")


def test_an_exception_of_others_says_what_it_says():
    assert words_of(KeyError("x"), Place.PANEL) == "'x'"
    assert words_of(UsageError("no model", remedies=remedies(RemedyKind.CHOOSE_MODEL)), Place.PANEL) == (
        "no model; choose one below"
    )


# --- the place --------------------------------------------------------------------------------------------------------


def test_the_reader_is_in_python_unless_something_says_otherwise():
    assert place_here() is Place.PYTHON
    with reader_in(Place.CELL):
        assert place_here() is Place.CELL
        with reader_in(Place.PANEL):
            assert place_here() is Place.PANEL
        assert place_here() is Place.CELL
    assert place_here() is Place.PYTHON
