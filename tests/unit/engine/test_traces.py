"""A task whose answer was lost is found again, also when it begins late, and never asked for twice while it may."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from statemachines.errors import StepError
from statemachines.outcome import Done, Wait
from statemachines.steps import tasks, traces
from tests.unit.engine.world import World

KIND = "qmrollback"


class Lost(Exception):
    """The call may have had its effect."""

    kind = "retryable"
    outcome_unknown = True


class Refused(Exception):
    """Nothing was done."""

    kind = "retryable"


@dataclass
class Cluster:
    """A node whose tasks begin `late` seconds after they were asked for, in front of `earlier` ones; answers get lost."""

    world: World
    late: float = 0.0
    earlier: list[str] = field(default_factory=list)
    error: Exception | None = field(default_factory=lambda: Lost("no answer"))
    asked: list[float] = field(default_factory=list)

    def start(self) -> str:
        self.asked.append(self.world.clock.now())
        if self.error:
            raise self.error
        return f"task {len(self.asked)}"

    def find_tasks(self, node: str, type: str, vmid: int) -> list[Any]:
        now = self.world.clock.now()
        begun = [f"task {number}" for number, at in enumerate(self.asked, 1) if at + self.late <= now]
        return [SimpleNamespace(upid=upid) for upid in [*reversed(begun), *self.earlier]]


@pytest.fixture
def world() -> Any:
    world: Any = World()
    world.vm.node = "pve1"
    return world


def begin(world: Any, cluster: Cluster) -> Wait:
    world.hypervisor = cluster
    return traces.begin(world, KIND, cluster.start, "it is at work", name="monday")


def look(world: Any, cluster: Cluster) -> Any:
    """One look of a step: the task that is found, or one more request."""
    return traces.recover(world, KIND, "it is at work") or begin(world, cluster)


@pytest.mark.req("SNP-18")
@pytest.mark.parametrize("earlier", [[], ["old 2", "old 1"]])
@pytest.mark.parametrize("late", [0.0, 5.0, 14.0])
def test_a_task_that_begins_late_is_taken_up_and_not_asked_for_again(
    world: Any, late: float, earlier: list[str]
) -> None:
    cluster = Cluster(world, late, earlier)
    assert isinstance(begin(world, cluster), Wait)
    assert world.vm.intent["name"] == "monday"
    for _ in range(20):
        assert isinstance(look(world, cluster), Wait)
        if world.vm.task:
            break
        world.clock.advance(1.0)
    assert (world.vm.task, len(cluster.asked)) == ("task 1", 1)


@pytest.mark.req("SNP-18")
def test_what_never_began_is_asked_for_again_after_a_while(world: Any) -> None:
    cluster = Cluster(world, late=1e9, earlier=["old 1"])
    begin(world, cluster)
    cluster.error = None
    while not world.vm.task:
        look(world, cluster)
        world.clock.advance(1.0)
    first, second = cluster.asked
    assert second - first == pytest.approx(traces.GRACE, abs=1.0)


def test_a_refusal_is_no_lost_answer(world: Any) -> None:
    with pytest.raises(Refused):
        begin(world, Cluster(world, error=Refused("busy node")))


def test_what_is_about_to_be_asked_for_is_written_down_first(world: Any) -> None:
    cluster = Cluster(world, error=None)
    begin(world, cluster)
    assert [sorted(note) for note in world.store.notes] == [["intent"], ["task"]]


@pytest.mark.parametrize(
    ("wrapper", "begun", "waits"),
    [(traces.patient, False, False), (traces.patient, True, True), (traces.tireless, False, True)],
)
def test_who_looks_again_after_an_error_that_time_may_heal(world: Any, wrapper: Any, begun: bool, waits: bool) -> None:
    world.vm.intent = {traces.ASKED: 1.0} if begun else {}

    def fail(ctx: Any) -> Any:
        raise Refused("the node is away")

    if waits:
        assert wrapper(fail)(world) == Wait("the node is away")
    else:
        with pytest.raises(Refused):
            wrapper(fail)(world)


def test_an_error_that_stays_ends_the_step(world: Any) -> None:
    world.vm.intent = {traces.ASKED: 1.0}

    def fail(ctx: Any) -> Any:
        error = StepError("pool is full")
        error.kind = "permanent"  # type: ignore[assignment]
        raise error

    with pytest.raises(StepError):
        traces.patient(fail)(world)
    assert traces.patient(lambda ctx: Done())(world) == Done()
    assert tasks.poll(world, "") is None
