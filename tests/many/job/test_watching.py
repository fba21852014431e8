"""Those who watch a map: told seldom, each on a thread of its own, and harmless."""

import threading

from nbstream.many.job.watching import Watchers


class Watcher:
    def __init__(self, hangs=None):
        self.told = []
        self.ended_once = threading.Event()
        self._hangs = hangs

    def began(self, job):
        if self._hangs is not None:
            self._hangs.wait(10)
        self.told.append(("began", job))

    def changed(self, numbers):
        self.told.append(("changed", numbers))

    def ended(self, job):
        self.told.append(("ended", job))
        self.ended_once.set()


def test_one_that_hangs_holds_up_nobody_else():
    gate = threading.Event()
    hanging, quick = Watcher(gate), Watcher()
    watchers = Watchers("job", lambda: (7,))
    watchers.add(hanging)
    watchers.add(quick)
    watchers.begin()
    for number in range(100):
        watchers.note([number])
    watchers.end()
    assert quick.ended_once.wait(5)
    assert not hanging.told
    assert quick.told[0] == ("began", "job")
    changes = [numbers for what, numbers in quick.told if what == "changed"]
    assert frozenset().union(*changes) >= frozenset(range(100)) - {0}
    gate.set()
    assert hanging.ended_once.wait(5)


def test_one_that_comes_late_is_told_and_one_that_has_left_is_not():
    late, left = Watcher(), Watcher()
    watchers = Watchers("job", tuple)
    leave = watchers.add(left)
    leave()
    watchers.begin()
    watchers.add(late)
    watchers.end()
    assert late.ended_once.wait(5)
    assert [what for what, _ in late.told if what != "changed"] == ["began", "ended"]
    assert not left.told
