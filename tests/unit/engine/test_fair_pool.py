"""A server that does not answer takes at most half of the threads while others have work."""

import queue
import threading

import pytest

from bridge.fair_pool import FairPool


@pytest.mark.req("ENG-29")
def test_calls_to_a_dead_server_leave_threads_for_the_others() -> None:
    pool, dead, answered = FairPool(4), threading.Event(), queue.Queue[str]()
    try:
        pool.submit("alive", lambda: answered.put("first"))
        for _ in range(20):
            pool.submit("dead", lambda: dead.wait(30) and None)
        assert answered.get(timeout=10) == "first"
        pool.done("alive")
        pool.submit("alive", lambda: answered.put("second"))
        assert answered.get(timeout=10) == "second"
    finally:
        dead.set()
        pool.close()


def test_a_lone_server_gets_three_quarters_of_the_threads() -> None:
    pool, gate = FairPool(4), threading.Barrier(3, timeout=10)
    met: queue.Queue[int] = queue.Queue()

    def meet() -> None:
        met.put(gate.wait())

    for _ in range(3):
        pool.submit("only", meet)
    assert sorted(met.get(timeout=10) for _ in range(3)) == [0, 1, 2]
    pool.close()


def test_parked_calls_follow_when_a_place_is_free() -> None:
    pool, order = FairPool(2), queue.Queue[int]()
    hold = threading.Event()
    pool.submit("other", lambda: hold.wait(10) and None)
    for number in range(3):
        pool.submit("one", lambda number=number: order.put(number))
    got = []
    for _ in range(3):
        got.append(order.get(timeout=10))
        pool.done("one")
    hold.set()
    assert got == [0, 1, 2]
    pool.close()
