"""Processes, sleeping and locks in simulated time."""

from collections.abc import Generator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.sandbox.proxmox.simulation import Acquire, LockTimeout, Simulation, Sleep, Step

Body = Generator[Step, None, str]


def sleeper(diary: list[str], name: str, *pauses: float) -> Body:
    for pause in pauses:
        yield Sleep(pause)
        diary.append(name)
    return name


def holder(simulation: Simulation, diary: list[tuple[str, float]], name: str, seconds: float, **lock: bool) -> Body:
    yield Acquire("door", 10.0, "the door stayed shut", **lock)
    diary.append((name, simulation.now))
    yield Sleep(seconds)
    return name


def test_nothing_happens_before_its_time() -> None:
    simulation = Simulation(100.0)
    diary: list[Any] = []
    process = simulation.spawn(sleeper(diary, "a", 5.0))
    simulation.run_until(104.9)
    assert (diary, process.done) == ([], False)
    simulation.run_until(105.0)
    assert (diary, process.result) == (["a"], "a")


def test_things_happen_in_their_order_however_late_somebody_looks() -> None:
    simulation = Simulation(0.0)
    diary: list[Any] = []
    simulation.spawn(sleeper(diary, "a", 1.0, 2.0))
    simulation.spawn(sleeper(diary, "b", 2.0, 2.0))
    simulation.run_until(1000.0)
    assert diary == ["a", "b", "a", "b"]


def test_the_moment_of_a_continuation_is_its_own_and_not_that_of_the_look() -> None:
    simulation = Simulation(0.0)
    diary: list[Any] = []
    simulation.spawn(holder(simulation, diary, "a", 3.0))
    simulation.spawn(holder(simulation, diary, "b", 3.0))
    simulation.run_until(1000.0)
    assert diary == [("a", 0.0), ("b", 3.0)]


def test_who_waits_too_long_for_a_lock_is_told_so() -> None:
    simulation = Simulation(0.0)
    diary: list[Any] = []
    simulation.spawn(holder(simulation, diary, "a", 30.0))
    late = simulation.spawn(holder(simulation, diary, "b", 1.0))
    simulation.run_until(9.9)
    assert not late.done
    simulation.run_until(10.0)
    assert isinstance(late.error, LockTimeout)
    assert str(late.error) == "the door stayed shut"


def test_several_may_share_a_lock_and_one_alone_waits_for_all_of_them() -> None:
    simulation = Simulation(0.0)
    diary: list[Any] = []
    for name, seconds in (("a", 2.0), ("b", 4.0)):
        simulation.spawn(holder(simulation, diary, name, seconds, shared=True))
    simulation.spawn(holder(simulation, diary, "alone", 1.0))
    simulation.spawn(holder(simulation, diary, "c", 1.0, shared=True))
    simulation.run_until(100.0)
    assert diary == [("a", 0.0), ("b", 0.0), ("alone", 4.0), ("c", 5.0)]


def test_an_interrupted_process_gives_its_lock_to_the_next() -> None:
    simulation = Simulation(0.0)
    diary: list[Any] = []
    first = simulation.spawn(holder(simulation, diary, "a", 30.0))
    simulation.spawn(holder(simulation, diary, "b", 1.0))
    simulation.run_until(3.0)
    simulation.interrupt(first, RuntimeError("stop"))
    simulation.run_until(20.0)
    assert str(first.error) == "stop"
    assert diary == [("a", 0.0), ("b", 3.0)]


def test_an_interrupted_waiter_leaves_the_queue() -> None:
    simulation = Simulation(0.0)
    diary: list[Any] = []
    simulation.spawn(holder(simulation, diary, "a", 2.0))
    waiter = simulation.spawn(holder(simulation, diary, "b", 1.0))
    simulation.interrupt(waiter, RuntimeError("stop"))
    simulation.spawn(holder(simulation, diary, "c", 1.0))
    simulation.run_until(20.0)
    assert diary == [("a", 0.0), ("c", 2.0)]
    assert not simulation.is_held("door")


@given(st.lists(st.tuples(st.floats(0.1, 5.0), st.booleans()), min_size=1, max_size=8))
def test_a_lock_is_never_held_by_one_alone_and_another_at_a_time(wanted: list[tuple[float, bool]]) -> None:
    simulation = Simulation(0.0)
    inside: list[bool] = []

    def visitor(seconds: float, shared: bool) -> Body:
        yield Acquire("door", 1000.0, "never", shared=shared)
        assert not inside or (shared and all(inside))
        inside.append(shared)
        yield Sleep(seconds)
        inside.remove(shared)
        return "left"

    visitors = [simulation.spawn(visitor(seconds, shared)) for seconds, shared in wanted]
    simulation.run_until(10_000.0)
    assert [visitor.result for visitor in visitors] == ["left"] * len(wanted)


def test_the_next_event_is_known() -> None:
    simulation = Simulation(0.0)
    diary: list[Any] = []
    assert simulation.next_event() is None
    simulation.spawn(sleeper(diary, "a", 7.0))
    first = simulation.spawn(sleeper(diary, "b", 4.0))
    assert simulation.next_event() == 4.0
    simulation.interrupt(first, RuntimeError("stop"))
    assert simulation.next_event() == 7.0


def test_a_process_that_fails_keeps_its_failure() -> None:
    def broken() -> Body:
        yield Sleep(1.0)
        raise ValueError("broken")

    simulation = Simulation(0.0)
    process = simulation.spawn(broken())
    simulation.run_until(1.0)
    with pytest.raises(ValueError, match="broken"):
        raise process.error or AssertionError
