"""Repeating a unit of work: when, how often, how long. On a virtual clock, without a database."""

from collections.abc import Iterator

import pytest

from bridge.database import DatabaseRefused, DatabaseUnavailable, Patience, retry_lost_connection
from bridge.models.base import proxy


class NoDatabase:
    """Stands in for the connected database; only the transaction state is asked."""

    inside = False

    def in_transaction(self) -> bool:
        return self.inside


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def nothing() -> Iterator[NoDatabase]:
    before = proxy.obj
    stand_in = NoDatabase()
    proxy.initialize(stand_in)
    yield stand_in
    proxy.initialize(before)


class Unit:
    """A unit of work that fails `failures` times with `error` and then returns 42."""

    __name__ = "unit"

    def __init__(self, failures: int, error: Exception | None = None) -> None:
        self.failures = failures
        self.error = error or DatabaseUnavailable("gone", outcome_unknown=True)
        self.calls = 0

    def __call__(self) -> int:
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error
        return 42


@pytest.mark.usefixtures("nothing")
def test_a_unit_is_repeated_until_the_database_is_back() -> None:
    time, unit = Time(), Unit(failures=5)
    assert retry_lost_connection(unit, Patience(clock=time, sleep=time.sleep))() == 42
    assert unit.calls == 6


@pytest.mark.usefixtures("nothing")
def test_pauses_grow_to_a_limit_and_end_within_the_patience() -> None:
    time, unit = Time(), Unit(failures=10**6)
    patience = Patience(seconds=15, first_pause=0.05, longest_pause=1.0, clock=time, sleep=time.sleep)
    with pytest.raises(DatabaseUnavailable):
        retry_lost_connection(unit, patience)()
    assert 13 < time.now <= 15
    assert time.pauses[0] <= 0.05
    assert max(time.pauses) <= 1.0
    assert 15 <= unit.calls <= 40


@pytest.mark.usefixtures("nothing")
def test_nesting_two_units_does_not_multiply_the_waiting() -> None:
    time, unit = Time(), Unit(failures=10**6)
    patience = Patience(clock=time, sleep=time.sleep)
    with pytest.raises(DatabaseUnavailable):
        retry_lost_connection(retry_lost_connection(unit, patience), patience)()
    assert time.now <= 30


def test_inside_a_transaction_nothing_is_repeated_since_all_of_it_is_lost(nothing: NoDatabase) -> None:
    time, unit = Time(), Unit(failures=1)
    nothing.inside = True
    with pytest.raises(DatabaseUnavailable):
        retry_lost_connection(unit, Patience(clock=time, sleep=time.sleep))()
    assert unit.calls == 1


@pytest.mark.usefixtures("nothing")
@pytest.mark.parametrize("error", [DatabaseRefused("wrong password"), KeyError("our bug")])
def test_what_waiting_cannot_heal_is_raised_at_once(error: Exception) -> None:
    time, unit = Time(), Unit(failures=1, error=error)
    with pytest.raises(type(error)):
        retry_lost_connection(unit, Patience(clock=time, sleep=time.sleep))()
    assert unit.calls == 1
