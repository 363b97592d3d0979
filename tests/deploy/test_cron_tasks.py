"""Tasks that plan: their lock, what they tell, what happens when they fail, and the texts of `--list` and `--help`."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest

from bridge.cron import Cron
from bridge.models.companion import TaskState
from bridge.streamed_cron import StreamedCron
from bridge.task_book import Begun
from bridge.tasks import SNAPSHOTS, STATISTICS, TASKS, Detail, Duty, Result, Watch
from statemachines.errors import LeaseLost
from tests.chaos.virtual_worker import VirtualWorker
from tests.deploy.conftest import Install
from tests.deploy.installation import Installation
from tests.deploy.test_cron import run, told
from tests.deploy.test_output import masked

HELP = """\
PUQ Proxmox KVM - Standalone Cron

Usage:
  php cron.php                                    Run all tasks (with interval checks)
  php cron.php --task=processVirtualMachines       Run single task (skip interval check)
  php cron.php --force                             Run all tasks (skip interval checks)
  php cron.php --list                              Show tasks status
  php cron.php --no-lock                           Run without lock file (debug)
  php cron.php --run-task=process_vms              Same as --task=processVirtualMachines
  php cron.php --clear-locks                       Clear all stale lock files
  php cron.php --verbose                           Print every step (default)
  php cron.php --help                              Show this help

Available tasks:
  processVirtualMachines — Process Virtual Machines (default: 1m)
  removeOldSnapshots — Remove Old Snapshots (default: 5m)
  restoreBackupStatus — Restore Backup Status (default: 1m)
  nowBackupStatus — Now Backup Status (default: 1m)
  scheduleBackup — Schedule Backup (default: 5m)
  collectingStatistics — Collecting Statistics (default: 60m)"""

LIST = """\
PUQ Proxmox KVM - Tasks

  processVirtualMachines   interval: 1m    last: 2026-04-10 01:20:00   ACTIVE
  removeOldSnapshots       interval: 5m    last: 2026-04-10 01:20:00   LOCKED
  restoreBackupStatus      interval: 1m    last: 2026-04-10 01:20:00   ACTIVE
  nowBackupStatus          interval: 1m    last: never                 ACTIVE
  scheduleBackup           interval: 0m    last: 2026-04-10 01:20:00   DISABLED
  collectingStatistics     interval: 60m   last: 2026-04-10 01:20:00   ACTIVE"""


class Planned:
    """A duty that does what a test says."""

    def __init__(self, do: Callable[[Watch, Result], None]) -> None:
        self.do = do
        self.runs = 0

    def work(self, watch: Watch) -> Result:
        self.runs += 1
        result = Result()
        self.do(watch, result)
        return result


def with_duties(rig: Installation, **duties: Duty) -> Cron:
    """Ticks whose tasks plan this."""
    house: Any = rig.house
    worker: Any = VirtualWorker(house.claims, house.runs, rig.clock)
    return Cron(house.claims, worker, house.settings, house.clock, duties)


def lines_of(rig: Installation, cron: Cron, *argv: str) -> tuple[list[str], int]:
    """What a run prints, masked, and its exit code."""
    lines: list[str] = []
    stream = StreamedCron(lambda: cron, rig.house.settings, nullcontext).run(argv, "standalone")
    while True:
        try:
            line = next(stream)
        except StopIteration as end:
            return masked(lines).splitlines(), end.value
        if line is not None:
            lines.append(line)


@pytest.mark.req("CRN-34")
def test_the_help_is_word_for_word_the_one_that_users_know(install: Install) -> None:
    assert run(install(), "--help") == (HELP.splitlines(), 0)


@pytest.mark.req("CRN-30")
def test_the_list_shows_every_task_with_interval_last_run_and_status(install: Install) -> None:
    rig = install()
    cron = rig.cron()
    rig.clock.time = 1_775_784_000.0
    for task in TASKS:
        if task.name != "nowBackupStatus":
            begun = cron.book.begin(task.name, None)
            assert isinstance(begun, Begun)
            if task is not SNAPSHOTS:
                cron.book.release(begun)
    rig.house.settings.change({"cron_interval_scheduleBackup": 0})
    assert run(rig, "--list") == (LIST.splitlines(), 0)


@pytest.mark.req("CRN-39", "CRN-47")
def test_below_its_summary_a_task_has_a_line_for_each_service(install: Install) -> None:
    rig = install()

    def plan(watch: Watch, result: Result) -> None:
        result.success(5546, "last:never, collected")
        result.skipped(5547, "no node")
        result.error(5548, "no answer")

    cron = with_duties(rig, collectingStatistics=Planned(plan))
    lines, code = lines_of(rig, cron, f"--task={STATISTICS.name}")
    assert lines[1:-1] == [
        "<ts> [collectingStatistics] Running (interval: 60m, last: never)",
        "<ts> [collectingStatistics] Done (<n>s) — processed: 2, errors: 1",
        "<ts>   sid:5546 [success] last:never, collected",
        "<ts>   sid:5547 [skipped] no node",
        "<ts>   sid:5548 [error] no answer",
    ]
    assert code == 0
    row = TaskState.get_by_id(STATISTICS.name)
    assert (row.processed, row.errors, row.last_result) == (2, 1, "ok")
    assert cron.book.details(STATISTICS.name)[0] == Detail(5546, "[success] last:never, collected")


@pytest.mark.req("CRN-17")
def test_a_task_that_another_run_holds_is_skipped_and_the_others_are_run(install: Install) -> None:
    rig = install()
    duty = Planned(lambda watch, result: None)
    cron = with_duties(rig, removeOldSnapshots=duty, collectingStatistics=duty)
    assert isinstance(cron.book.begin(SNAPSHOTS.name, None), Begun)
    rig.clock.advance(42)
    lines: list[str] = []
    stream = StreamedCron(lambda: cron, rig.house.settings, nullcontext).run(["--force"], "standalone")
    lines = [line for line in stream if line is not None]
    assert told(lines, "Locked (pid ") == [SNAPSHOTS.name]
    assert next(line for line in lines if "Locked" in line).endswith(", 42s) — skipped")
    assert told(lines, "Done") == [task.name for task in TASKS if task is not SNAPSHOTS]
    assert duty.runs == 1


@pytest.mark.req("CRN-18", "CRN-52")
def test_a_task_that_breaks_off_gives_its_lock_back_and_the_next_ones_are_done(
    install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    rig = install()

    def fail(watch: Watch, result: Result) -> None:
        raise KeyError("row")

    cron = with_duties(rig, removeOldSnapshots=Planned(fail))
    lines, code = lines_of(rig, cron, "--force")
    assert "<ts> [removeOldSnapshots] Error: internal error, KeyError (traceback in the log of KVM Bridge)" in lines
    assert "<ts> [collectingStatistics] Done (<n>s) — processed: 0, errors: 0" in lines
    assert (code, cron.book.is_held(SNAPSHOTS.name)) == (1, False)
    assert TaskState.get_by_id(SNAPSHOTS.name).last_result == "error"
    assert "removeOldSnapshots broke off" in caplog.text


@pytest.mark.req("CRN-19")
def test_a_run_that_lost_its_task_stops_and_says_so(install: Install) -> None:
    rig = install()
    written: list[int] = []

    def lose(watch: Watch, result: Result) -> None:
        rig.clock.advance(601)
        assert isinstance(cron.book.begin(SNAPSHOTS.name, None), Begun)
        watch.alive()
        written.append(1)

    cron = with_duties(rig, removeOldSnapshots=Planned(lose))
    lines, code = lines_of(rig, cron, f"--task={SNAPSHOTS.name}")
    assert "<ts> [removeOldSnapshots] Error: removeOldSnapshots was taken over by another process" in lines
    assert (written, code, cron.book.is_held(SNAPSHOTS.name)) == ([], 1, True)
    assert TaskState.get_by_id(SNAPSHOTS.name).last_result is None
    with pytest.raises(LeaseLost):
        Begun(SNAPSHOTS.name, "somebody/1/x", None, rig.clock, 600.0).prove()


@pytest.mark.req("CRN-15", "CRN-16")
def test_the_scheduler_plans_when_an_interval_is_over_as_the_settings_say_at_that_moment(install: Install) -> None:
    rig = install()
    duty = Planned(lambda watch, result: result.success(7, "done"))
    cron, printed = with_duties(rig, removeOldSnapshots=duty), list[str]()
    for _ in range(3):
        cron.tend(SNAPSHOTS, printed.append)
        rig.clock.advance(100)
    assert duty.runs == 1
    rig.house.settings.change({"cron_interval_removeOldSnapshots": 2})
    cron.tend(SNAPSHOTS, printed.append)
    assert duty.runs == 2
    rig.house.settings.change({"cron_interval_removeOldSnapshots": 0})
    rig.clock.advance(10_000)
    cron.tend(SNAPSHOTS, printed.append)
    assert duty.runs == 2
    frame = [line.partition(" (")[0] for line in masked(printed).splitlines()]
    assert frame == 2 * [
        "<ts> PUQ Proxmox KVM Cron Start",
        "<ts> [removeOldSnapshots] Running",
        "<ts> [removeOldSnapshots] Done",
        "<ts>   sid:7 [success] done",
        "<ts> PUQ Proxmox KVM Cron End",
    ]


def test_the_scheduler_prints_nothing_about_a_task_that_had_nothing_to_do(install: Install) -> None:
    rig = install()
    cron, printed = with_duties(rig, removeOldSnapshots=Planned(lambda watch, result: None)), list[str]()
    cron.tend(SNAPSHOTS, printed.append)
    assert printed == []
    assert TaskState.get_by_id(SNAPSHOTS.name).last_result == "ok"


@pytest.mark.req("CRN-05", "CRN-16")
def test_a_scheduler_and_a_tick_share_the_intervals(install: Install) -> None:
    rig = install()
    duty = Planned(lambda watch, result: None)
    cron = with_duties(rig, removeOldSnapshots=duty)
    cron.tend(SNAPSHOTS, lambda line: None)
    rig.clock.advance(30)
    lines, _ = lines_of(rig, cron)
    assert duty.runs == 1
    assert any(line.startswith("<ts> [removeOldSnapshots] Skipped (interval: 5m") for line in lines)


def test_the_scheduler_tells_every_error_and_not_ten_thousand_successes(install: Install) -> None:
    rig = install()

    def plan(watch: Watch, result: Result) -> None:
        for service in range(1000):
            result.success(service, "collected")
        result.error(1000, "no answer")

    cron, printed = with_duties(rig, collectingStatistics=Planned(plan)), list[str]()
    cron.tend(STATISTICS, printed.append)
    lines = masked(printed).splitlines()
    assert [line for line in lines if "[success]" in line] == [
        f"<ts>   sid:{service} [success] collected" for service in range(50)
    ]
    assert lines[-3:-1] == ["<ts>   sid:1000 [error] no answer", "<ts>   and 950 more"]
    assert len(cron.book.details(STATISTICS.name)) == 500
