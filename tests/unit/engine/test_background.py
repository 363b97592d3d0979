"""Work that takes hours outside: a tick leaves it alone without a complaint, the scheduler waits for it."""

from typing import Any

import pytest

from bridge.tasks import Detail, Result
from bridge.worker import Tally
from statemachines.engine import Ended, Later, Run
from statemachines.machine import PROCESS, Machine, Step
from statemachines.outcome import Done, Outcome, Skip, Wait
from statemachines.output import BlockStyle
from statemachines.run import Report
from tests.unit.engine.world import ListBoard, World

BACKUPS = "nowBackupStatus"


def copying(world: World, seconds: float) -> Machine:
    """A copy that takes so long."""
    over = world.clock.now() + seconds

    def copy(ctx: Any) -> Outcome:
        return (
            Done(facts={"summary": "backup created"})
            if world.clock.now() >= over
            else Wait("the copy is still running")
        )

    step = Step("one", "Copy", copy, "ready", "Copy", patience=60.0, background=True)
    return Machine("copy", BlockStyle("Copy"), final="ready", steps=[step], task=BACKUPS)


def until_ended(run: Run, world: World) -> Report:
    while True:
        turn = run.turn()
        if isinstance(turn, Ended):
            return turn.report
        assert isinstance(turn, Later)
        world.clock.time = turn.at


def test_a_tick_leaves_the_vm_to_its_task_when_its_patience_is_over() -> None:
    world, board = World(), ListBoard()
    run = Run(copying(world, 3600), world, board)  # type: ignore[arg-type]
    report = until_ended(run, world)
    assert (report.resting, report.ok, report.summary) == (True, True, "the copy is still running")
    assert (world.store.rests, world.store.paused, world.store.runs) == (1, [], [])
    assert board.lines == ["--- Copy paused: waiting at (one) ---"]


def test_the_scheduler_waits_for_its_end() -> None:
    world = World()
    run = Run(copying(world, 3600), world, ListBoard())  # type: ignore[arg-type]
    run.patient = True
    report = until_ended(run, world)
    assert (report.resting, report.ok, report.summary, report.task) == (False, True, "backup created", BACKUPS)
    assert world.store.states == ["ready"]


@pytest.mark.req("CRN-39", "CRN-40")
def test_a_task_s_summary_counts_what_was_done_and_what_failed_and_tells_what_goes_on() -> None:
    tally = Tally()
    for report in (
        Report(1, "copy", True, "result:success", "backup created", BACKUPS),
        Report(2, "copy", False, "no space (one -> ready) [1.00s]", "no space", BACKUPS),
        Report(3, "copy", True, "still running", "still running", BACKUPS, resting=True),
        Report(4, "deploy", True, "result:success", "deploy", PROCESS),
        Report(5, "copy", True, "result:success", "none is due", BACKUPS, skipped=True),
        Report(6, "VMStart", True, "result:success", "suspended", PROCESS, skipped=True),
    ):
        tally.add(report)
    backups, rest = Result(), Result()
    tally.add_to(backups, BACKUPS)
    assert (backups.processed, backups.errors) == (2, 1)
    assert backups.details == [
        Detail(1, "[success] backup created"),
        Detail(2, "[error] no space"),
        Detail(3, "[skipped] still running"),
        Detail(5, "[skipped] none is due"),
    ]
    tally.add_to(rest, PROCESS)
    assert rest.processed == 2
    assert rest.details == [
        Detail(4, "action:deploy result:success"),
        Detail(6, "action:VMStart result:success"),
    ]


def test_a_run_whose_only_step_had_nothing_to_do_tells_why() -> None:
    world = World()
    step = Step("one", "Copy", lambda ctx: Skip("none is due"), "ready", "Copy")
    run = Run(Machine("copy", BlockStyle("Copy"), "ready", [step], task=BACKUPS), world, ListBoard())  # type: ignore[arg-type]
    report = until_ended(run, world)
    assert (report.skipped, report.ok, report.summary) == (True, True, "none is due")
    assert world.store.states == ["ready"]
