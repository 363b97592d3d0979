"""However a run ends for a worker, it is closed: what it has begun outside is nobody's any more."""

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from bridge.console import Console
from bridge.worker import Worker
from statemachines.engine import Ended, Later, Turn
from statemachines.errors import LeaseLost
from statemachines.run import Report
from tests.unit.engine.world import World


class Closable:
    """A run that answers each turn with what `turn` does."""

    def __init__(self, turn: Callable[[], Turn]) -> None:
        self.turn = turn
        self.ctx = World()
        self.closed = 0

    def start(self) -> None:
        """No header."""

    def close(self) -> None:
        """Count."""
        self.closed += 1


class Claimed:
    """The leases of a worker that has one service; what became of its lease is in `ends`."""

    lease = 30.0

    def __init__(self) -> None:
        self.ends: list[str] = []

    def renew(self, services: object) -> None:
        """Still ours."""

    def give_back(self, service_id: int) -> None:
        self.ends.append("given back")

    def postpone(self, service_id: int) -> None:
        self.ends.append("postponed")


def lost() -> Turn:
    raise LeaseLost("taken over")


def broken() -> Turn:
    raise KeyError("row")


def over() -> Turn:
    return Ended(Report(1, "deploy", ok=True, text="result:success"))


def waits() -> Turn:
    return Later(2e9)


@pytest.mark.req("DNS-58")
@pytest.mark.parametrize(
    ("turn", "end"), [(over, "given back"), (lost, "given back"), (broken, "postponed"), (waits, "given back")]
)
def test_a_run_is_closed_once_when_it_has_ended_was_lost_broke_or_is_let_go(turn: Callable[[], Turn], end: str) -> None:
    run, claims, world = Closable(turn), Claimed(), World()
    factory: Any = type("Factory", (), {"open": lambda self, service_id, block: run})()
    worker = Worker(claims, factory, world.clock, threads=1)  # type: ignore[arg-type]
    ahead, looks = [1], itertools.count()

    def take(limit: int) -> list[int]:
        taken = list(ahead)
        ahead.clear()
        return taken

    worker.work(Console(lambda line: None), take, lambda: next(looks) < 3)
    worker.close()
    assert (run.closed, claims.ends) == (1, [end])


def test_a_vm_whose_lease_ran_out_and_is_taken_again_has_one_run_still() -> None:
    """The database was away for longer than a lease lasts."""
    claims, world, opened = Claimed(), World(), list[int]()
    turns = iter([Later(0.0), over()])

    def open_run(self: object, service_id: int, block: object) -> Closable:
        opened.append(service_id)
        return Closable(lambda: next(turns))

    factory: Any = type("Factory", (), {"open": open_run})()
    worker = Worker(claims, factory, world.clock, threads=1)  # type: ignore[arg-type]
    looks = iter([[1], [1]])

    def take(limit: int) -> list[int]:
        world.clock.advance(60.0)
        return next(looks, [])

    tally = worker.work(Console(lambda line: None), take)
    worker.close()
    assert (opened, tally.processed.total(), claims.ends) == ([1], 1, ["given back"])
