"""The queue of messages: in order, changeable until sent, held when told so."""

import pytest

from nbstream.errors import UsageError
from nbstream.panel.queue import MessageQueue
from nbstream.panel.view.panel_state import Attachment


@pytest.fixture
def queue():
    return MessageQueue()


def texts(queue):
    return [item.text for item in queue.items]


def test_messages_leave_in_the_order_they_came(queue):
    for text in "abc":
        queue.add(text)
    assert [queue.take().text for _ in "abc"] == ["a", "b", "c"]
    assert queue.take() is None


def test_each_has_an_id_of_its_own_also_after_others_have_left(queue):
    one = queue.add("a")
    queue.take()
    assert queue.add("b").id != one.id


def test_a_message_can_be_changed_and_keeps_its_place_and_files(queue):
    file = Attachment("a.txt", text="x")
    first, _ = queue.add("a", (file,)), queue.add("b")
    queue.change(first.id, "A")
    assert texts(queue) == ["A", "b"]
    assert queue.take().attachments == (file,)


def test_a_message_can_be_taken_back(queue):
    first, _ = queue.add("a"), queue.add("b")
    queue.drop(first.id)
    assert texts(queue) == ["b"]


@pytest.mark.parametrize("act", [lambda queue, id_: queue.change(id_, "x"), lambda queue, id_: queue.drop(id_)])
def test_what_was_sent_can_no_longer_be_changed(queue, act):
    item = queue.add("a")
    queue.take()
    with pytest.raises(UsageError, match="has been sent already"):
        act(queue, item.id)
    assert queue.items == ()


def test_a_held_queue_gives_nothing_until_it_is_released(queue):
    queue.add("a")
    queue.hold()
    assert (queue.held, queue.take(), texts(queue)) == (True, None, ["a"])
    queue.release()
    assert (queue.held, queue.take().text) == (False, "a")


def test_an_empty_queue_has_nothing_to_hold(queue):
    queue.hold()
    assert not queue.held


def test_what_could_not_be_sent_is_the_first_again(queue):
    queue.add("a")
    queue.add("b")
    queue.put_back(queue.take())
    assert texts(queue) == ["a", "b"]
