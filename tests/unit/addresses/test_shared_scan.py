"""Sharing scans between orders: fewer scans, but never a result older than the question."""

import threading
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

import pytest

from bridge.addresses.lookout import SharedScan
from bridge.addresses.pools import Ip

FIRST, LAST = ip_address("10.0.0.1"), ip_address("10.0.0.9")
Seen = frozenset[tuple[int, int]]


class HeldLook:
    """A look that stops until it is let go, and tells the number of the run."""

    def __init__(self) -> None:
        self.runs = 0
        self.begun = threading.Semaphore(0)
        self.go_on = threading.Semaphore(0)

    def __call__(self, first: Ip, last: Ip) -> Seen:
        self.runs += 1
        run = self.runs
        self.begun.release()
        self.go_on.acquire(timeout=10)
        return frozenset({(0, run)})


class CountingLock:
    """A lock that counts how often it was let go."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.passed = 0

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self.passed += 1
        self._lock.release()


def test_those_who_ask_while_a_scan_runs_share_the_next_one() -> None:
    look = HeldLook()
    scan = SharedScan(look)
    doors = CountingLock()
    scan._lock = doors  # type: ignore[assignment]
    with ThreadPoolExecutor(8) as threads:
        early = threads.submit(scan, FIRST, LAST)
        look.begun.acquire(timeout=10)
        late = [threads.submit(scan, FIRST, LAST) for _ in range(6)]
        while doors.passed < 2 + len(late):  # the early one passes twice: asking, and beginning its run
            threading.Event().wait(0.001)
        look.go_on.release(10)
        assert early.result(10) == {(0, 1)}
        assert [future.result(10) for future in late] == [{(0, 2)}] * len(late)
    assert look.runs == 2


def test_a_question_is_never_answered_by_a_scan_that_began_before_it() -> None:
    look = HeldLook()
    scan = SharedScan(look)
    look.go_on.release(10)
    assert [scan(FIRST, LAST) for _ in range(3)] == [{(0, 1)}, {(0, 2)}, {(0, 3)}]


def test_ranges_do_not_wait_for_each_other() -> None:
    look = HeldLook()
    scan = SharedScan(look)
    with ThreadPoolExecutor(2) as threads:
        answers = [threads.submit(scan, FIRST, FIRST), threads.submit(scan, LAST, LAST)]
        assert all(look.begun.acquire(timeout=10) for _ in answers)
        look.go_on.release(2)
        assert {number for future in answers for _, number in future.result(10)} == {1, 2}


def test_a_failed_scan_fails_only_who_ran_it() -> None:
    calls: list[int] = []

    def look(first: Ip, last: Ip) -> Seen:
        calls.append(1)
        if len(calls) == 1:
            raise ConnectionError("gone")
        return frozenset({(0, 7)})

    scan = SharedScan(look)
    with pytest.raises(ConnectionError):
        scan(FIRST, LAST)
    assert scan(FIRST, LAST) == {(0, 7)}
