"""A key can be sent and referred to; it cannot be shown, saved or carried into another process."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import json
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from IPython.lib.pretty import pretty

import nbstream as nbs
from nbstream.errors import UsageError
from nbstream.request import Endpoint
from nbstream.settings.credential import Credential, KeyReference
from nbstream.settings.resolution import resolve
from nbstream.text.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "sk-test-0123456789abcdef"
HELD = [Secret(KEY), Credential(Secret(KEY), "environment", "OPENAI_API_KEY")]


@pytest.fixture(params=HELD, ids=["secret", "credential"])
def held(request: pytest.FixtureRequest) -> Any:
    return request.param


# --- it is not shown --------------------------------------------------------------------------------------------------

WAYS_TO_SHOW: list[Callable[[Any], object]] = [
    repr,
    str,
    "{}".format,
    "{!r}".format,
    "%s".__mod__,
    pretty,
    lambda held: f"{held}",
    lambda held: [held],
    lambda held: json.dumps({"key": held}, default=str),
    inspect.getmembers,
    lambda held: [getattr(held, name) for kind in type(held).__mro__ for name in getattr(kind, "__slots__", ())],
    lambda held: Endpoint("http://localhost/v1", held),
    lambda held: dataclasses.asdict(Endpoint("http://localhost/v1", held)),
    lambda held: dataclasses.astuple(Endpoint("http://localhost/v1", held)),
]


@pytest.mark.parametrize("show", WAYS_TO_SHOW)
def test_nothing_that_shows_values_shows_a_key(held: Any, show: Callable[[Any], object]) -> None:
    shown = repr(show(held))
    assert KEY not in shown
    assert KEY[:-4] not in shown


def test_this_would_see_a_key_that_is_shown() -> None:
    assert KEY in repr(WAYS_TO_SHOW[-1](KEY))


@pytest.mark.parametrize(
    "take",
    [
        vars,
        "".join,
        json.dumps,
        bytes,
        lambda held: format(held, ">40"),
        lambda held: "key: " + held,
        *(lambda held, protocol=protocol: pickle.dumps(held, protocol) for protocol in range(6)),
        lambda held: pickle.dumps(Endpoint("http://localhost/v1", held)),
        lambda held: held.__reduce_ex__(2),
        lambda held: held.__getstate__(),
    ],
)
def test_nothing_takes_it_for_text_or_carries_it_away(held: Any, take: Callable[[Any], object]) -> None:
    with pytest.raises(TypeError) as caught:
        take(held)
    assert KEY not in str(caught.value)


def test_copies_are_the_same_value(held: Any) -> None:
    assert copy.copy(held) is held
    assert copy.deepcopy([held])[0] is held


def test_the_key_decides_what_is_equal() -> None:
    one = Credential(Secret(KEY), "call")
    assert one == Credential(Secret(KEY), "environment", "OPENAI_API_KEY") != Credential(Secret("other"))
    assert hash(one) == hash(Credential(Secret(KEY), "settings"))
    assert one != Secret(KEY)
    assert one.reveal() == KEY


# --- it is referred to ------------------------------------------------------------------------------------------------


def test_a_reference_is_resolved_from_the_environment_that_it_comes_to() -> None:
    reference = Credential(Secret(KEY), "environment", "MY_KEY").reference()
    carried = pickle.dumps(reference)
    assert KEY.encode() not in carried
    assert pickle.loads(carried) == reference == KeyReference("MY_KEY")
    found = reference.resolve({"MY_KEY": " sk-of-the-worker\n"})
    assert (found.reveal(), found.origin, found.variable) == ("sk-of-the-worker", "environment", "MY_KEY")
    assert found.reference() == reference


def test_a_worker_reads_its_own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MY_KEY", raising=False)
    program = "import pickle, sys; print(pickle.load(sys.stdin.buffer).resolve().reveal())"
    carried = pickle.dumps(KeyReference("MY_KEY"))
    worker = [sys.executable, "-c", program]
    environment = {"MY_KEY": "sk-of-the-worker", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(worker, input=carried, env=environment, capture_output=True, check=True)
    assert done.stdout.strip() == b"sk-of-the-worker"


@pytest.mark.parametrize("environment", [{}, {"MY_KEY": " "}])
def test_a_missing_variable_is_named(environment: dict[str, str]) -> None:
    with pytest.raises(UsageError, match=r"no key in this process: set the environment variable MY_KEY"):
        KeyReference("MY_KEY").resolve(environment)


def test_a_key_that_was_given_by_hand_cannot_be_referred_to() -> None:
    with pytest.raises(UsageError, match="set OPENAI_API_KEY in both processes") as caught:
        Credential(Secret(KEY), "settings").reference()
    assert KEY not in str(caught.value)


# --- where it comes from ----------------------------------------------------------------------------------------------


def credential_of(**options: Any) -> Credential:
    key = resolve("Hi", model="m", **options).endpoint.api_key
    assert key is not None
    return key


def test_a_resolved_key_says_who_gave_it(monkeypatch: pytest.MonkeyPatch, demo: Any) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    assert credential_of().reference() == KeyReference("OPENAI_API_KEY")
    nbs.configure(api_key="sk-of-settings")
    keys = [credential_of(), credential_of(api_key="sk-of-call")]
    assert [(key.reveal(), key.origin) for key in keys] == [("sk-of-settings", "settings"), ("sk-of-call", "call")]
    embedded = resolve("Hi", model="demo").endpoint.api_key
    assert embedded == Credential(Secret(demo.api_key))
    assert embedded.origin == "demo"
