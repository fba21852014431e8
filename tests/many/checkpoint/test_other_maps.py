"""A checkpoint that other maps have used: what is told before anything is paid, and when it is refused."""

import pytest

from nbstream.errors import UsageError
from nbstream.many.checkpoint.other_maps import told_of_others

MOOD = {"of": "Mood of {{ review }}", "request": {"model": "a", "key": "1"}}
OTHER_MODEL = {"of": "Mood of {{ review }}", "request": {"model": "b", "key": "2"}}
OTHER_PROMPT = {"of": "Language of {{ review[:9] }}", "request": {"model": "b", "key": "2"}}
FOREIGN = {"of": "Capital of {{ country }}", "request": {"model": "b", "key": "2"}}
OWN_PROMPTS = {"of": None, "request": {"model": "b", "key": "2"}}


@pytest.mark.parametrize("others", [[], [MOOD], [FOREIGN, MOOD], [MOOD, FOREIGN]])
def test_of_its_own_file_nothing_is_told(others):
    assert told_of_others("f", MOOD, others) is None


@pytest.mark.parametrize(
    ("others", "told"),
    [
        ([OTHER_MODEL], "asked with this model, these parameters, this schema and this host"),
        ([OTHER_PROMPT], "only to others"),
        ([FOREIGN, OTHER_PROMPT], "only to others"),
        ([OWN_PROMPTS], "only to others"),
        ([FOREIGN | {"request": MOOD["request"]}], "only to others"),
    ],
)
def test_what_has_changed_is_stale_and_told(others, told):
    assert told in str(told_of_others("f", MOOD, others))


def test_a_file_that_has_nothing_in_common_is_refused():
    with pytest.raises(UsageError, match="Capital of") as raised:
        told_of_others("f", MOOD, [FOREIGN])
    assert "f is the checkpoint of another map (“Capital of {{ country }}” with b)" in str(raised.value)


@pytest.mark.sdk
def test_a_map_says_so_before_it_asks(ask, oracle):
    rows = [{"x": "a", "y": "b"}]
    assert ask("Say {{ x }}", rows).result() == ["SAY A"]
    with pytest.raises(UsageError, match=r"answers\.sqlite is the checkpoint of another map .*name another file"):
        ask("Tell {{ y }}", rows, model="n")
    changed = ask("Tell {{ x }}", rows)
    assert "no answers to this prompt yet, only to others" in repr(changed.plan(0))
    assert "only to others" in changed.progress.note
    assert changed.result() == ["TELL A"]
    assert ask("Say {{ x }}", rows).progress.note is None
    assert oracle.asked == {"Say a": 1, "Tell a": 1}
