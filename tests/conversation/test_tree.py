"""The tree of branches: what is active, what a deletion leaves."""

import pytest

from nbstream.conversation.tree import Tree
from nbstream.conversation.turn import Turn
from nbstream.errors import UsageError


@pytest.fixture
def tree():
    """Two exchanges, the second answered twice, the first asked in two ways.

    q ─ a ─ q2 ─ a2, b2
    p ─ c
    """
    made = Tree()
    for turn_id, parent in (("q", None), ("a", "q"), ("q2", "a"), ("a2", "q2"), ("b2", "q2"), ("p", None), ("c", "p")):
        role = "user" if turn_id[0] in "qp" else "assistant"
        made.add(Turn(turn_id, role, turn_id.upper()), parent)
    return made


def ids(turns):
    return [turn.id for turn in turns]


def test_what_is_added_last_is_active(tree):
    assert ids(tree.path()) == ["p", "c"]
    assert tree.leaf() == "c"
    assert tree.is_active("p")
    assert not tree.is_active("q")


def test_selecting_a_branch_brings_back_its_last_active_leaf(tree):
    tree.select("a2")
    tree.select("c")
    tree.select("q")
    assert ids(tree.path()) == ["q", "a", "q2", "a2"]


def test_siblings_are_in_the_order_of_their_making(tree):
    assert tree.siblings("b2") == tree.siblings("a2") == ("a2", "b2")
    assert tree.siblings("p") == ("q", "p")
    assert tree.siblings("a") == ("a",)


def test_a_path_can_be_had_to_any_turn(tree):
    assert ids(tree.path_to("q2")) == ["q", "a", "q2"]
    assert tree.path_to(None) == []


@pytest.mark.parametrize(
    ("deleted", "active", "left"),
    [
        ("p", ["q", "a", "q2", "b2"], ["q", "a", "q2", "a2", "b2"]),
        ("c", ["p"], ["q", "a", "q2", "a2", "b2", "p"]),
        ("q", ["p", "c"], ["p", "c"]),
        ("b2", ["p", "c"], ["q", "a", "q2", "a2", "p", "c"]),
    ],
)
def test_a_deletion_takes_what_follows_and_goes_back_to_the_sibling(tree, deleted, active, left):
    tree.cut(deleted)
    assert ids(tree.path()) == active
    assert ids(tree) == left
    assert deleted not in tree


@pytest.mark.parametrize("deleted", ["q", "a", "q2", "a2", "b2", "p", "c"])
@pytest.mark.parametrize("selected", ["a2", "b2", "c"])
def test_what_was_cut_out_can_be_put_back(tree, deleted, selected):
    tree.select(selected)
    before = (ids(tree.path()), ids(tree), [tree.is_active(each) for each in ids(tree)])
    tree.put_back(tree.cut(deleted))
    assert (ids(tree.path()), ids(tree), [tree.is_active(each) for each in ids(tree)]) == before


def test_what_is_put_back_does_not_take_the_reader_away(tree):
    cut = tree.cut("c")
    tree.add(Turn("d", "assistant", "D"), "p")
    tree.put_back(cut)
    assert ids(tree.path()) == ["p", "d"]
    assert tree.siblings("d") == ("c", "d")


def test_nothing_is_put_back_after_what_is_gone(tree):
    cut = tree.cut("c")
    tree.cut("p")
    with pytest.raises(UsageError, match="no turn 'p'"):
        tree.put_back(cut)


def test_the_first_of_several_is_followed_by_the_next_when_deleted(tree):
    tree.select("a2")
    tree.cut("a2")
    assert ids(tree.path()) == ["q", "a", "q2", "b2"]


def test_an_emptied_tree_takes_turns_again(tree):
    tree.cut("q")
    tree.cut("p")
    assert (tree.path(), tree.leaf(), list(tree)) == ([], None, [])
    tree.add(Turn("n", "user", "N"), None)
    assert ids(tree.path()) == ["n"]


def test_a_copy_goes_its_own_way(tree):
    other = tree.copy()
    other.cut("p")
    other.add(Turn("d", "assistant", "D"), "q2")
    assert ids(tree.path()) == ["p", "c"]
    assert tree.children("q2") == ("a2", "b2")


@pytest.mark.parametrize("use", [Tree.parent, Tree.siblings, Tree.select, Tree.cut, Tree.subtree, Tree.path_to])
def test_a_turn_that_is_not_there_is_named(tree, use):
    with pytest.raises(UsageError, match="there is no turn 'x' in this chat"):
        use(tree, "x")


def test_an_id_is_given_once(tree):
    with pytest.raises(UsageError, match="already"):
        tree.add(Turn("q", "user", "?"), None)
