"""Cron runs as `php cron.php` and WHMCS's cron ask for them: flags, intervals, modes, exit codes, and the frame around tasks."""

import os
import subprocess
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Literal

import pytest

from bridge.claims import Claims, new_owner
from bridge.cron import Wanted
from bridge.models.companion import VmWork
from bridge.package.fields import BadSetting
from bridge.settings import Settings
from bridge.streamed_cron import StreamedCron
from bridge.tasks import PROCESS, TASKS, Task
from tests.deploy.conftest import Install
from tests.deploy.installation import Installation
from tests.deploy.test_output import TIME, masked

Mode = Literal["standalone", "hook"]

INTERVAL = f"cron_interval_{PROCESS.name}"
MODES: dict[Mode, str] = {"standalone": "standalone", "hook": "whmcs"}


def run(rig: Installation, *argv: str, mode: Mode = "standalone") -> tuple[list[str], int]:
    """What is printed, and the exit code."""
    lines: list[str] = []
    stream = StreamedCron(rig.cron, rig.house.settings, nullcontext).run(argv, mode)
    while True:
        try:
            line = next(stream)
        except StopIteration as end:
            return lines, end.value
        if line is not None:
            lines.append(line)


def told(lines: Sequence[str], word: str) -> list[str]:
    """The tasks of which a line tells this, in order."""
    found = [line[21:].partition("] ") for line in lines if TIME.match(line) and line[20] == "["]
    return [task for task, _, rest in found if rest.startswith(word)]


NAMES = [task.name for task in TASKS]


@pytest.mark.req("CRN-07")
def test_the_six_tasks_run_in_their_fixed_order(install: Install) -> None:
    assert told(run(install(), "--force")[0], "Done (") == [
        "processVirtualMachines",
        "removeOldSnapshots",
        "restoreBackupStatus",
        "nowBackupStatus",
        "scheduleBackup",
        "collectingStatistics",
    ]


@pytest.mark.req("CRN-37", "CRN-38", "CRN-26")
def test_every_task_is_run_in_its_order_with_its_two_lines(install: Install) -> None:
    rig = install()
    lines, code = run(rig)
    assert told(lines, "Running (interval: ") == told(lines, "Done (") == NAMES
    for task in TASKS:
        expected = f"<ts> [{task.name}] Running (interval: {task.default_interval}m, last: never)"
        assert expected in masked(lines).splitlines()
        assert f"<ts> [{task.name}] Done (<n>s) — processed: 0, errors: 0" in masked(lines).splitlines()
    assert code == 0


@pytest.mark.req("CRN-15", "CRN-16", "CRN-26")
@pytest.mark.parametrize("mode", MODES)
def test_the_interval_is_the_least_time_between_two_runs_of_a_task(install: Install, mode: Mode) -> None:
    rig = install()
    rig.house.settings.change({"cron_mode": MODES[mode], INTERVAL: 5})
    began = rig.clock.stamp(rig.clock.now())[11:]
    assert told(run(rig, mode=mode)[0], "Running") == NAMES
    service = rig.order()
    rig.clock.advance(280)
    lines, code = run(rig, mode=mode)
    assert f"<ts> [{PROCESS.name}] Skipped (interval: 5m, last: {began})" in masked(lines).splitlines()
    assert (rig.states(), rig.sent, code) == ({service: "creation"}, [], 0)
    rig.clock.advance(20)
    assert PROCESS.name in told(run(rig, mode=mode)[0], "Running")
    assert rig.states() == {service: "ready"}


@pytest.mark.req("CRN-14", "CRN-15")
@pytest.mark.parametrize("mode", MODES)
def test_an_interval_of_zero_disables_a_task(install: Install, mode: Mode) -> None:
    rig = install()
    rig.house.settings.change({"cron_mode": MODES[mode], INTERVAL: 0})
    service = rig.order()
    lines, code = run(rig, mode=mode)
    assert f"<ts> [{PROCESS.name}] Disabled (interval: 0m)" in masked(lines).splitlines()
    assert (rig.states(), code) == ({service: "creation"}, 0)


@pytest.mark.req("CRN-27")
@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_a_named_task_alone_is_run_whatever_its_interval_says(install: Install, task: Task) -> None:
    rig = install()
    run(rig)
    lines, code = run(rig, f"--task={task.name}")
    assert (told(lines, "Running"), told(lines, ""), code) == ([task.name], [task.name] * 2, 0)


@pytest.mark.req("CRN-28")
@pytest.mark.parametrize("flag", ["--run-task=process_vms", "--task=process_vms", "--run-task=processVirtualMachines"])
def test_the_task_has_two_names_and_two_flags(install: Install, flag: str) -> None:
    rig = install()
    run(rig)
    service = rig.order()
    lines, code = run(rig, flag)
    assert (told(lines, "Running"), code) == ([PROCESS.name], 0)
    assert rig.states() == {service: "ready"}


@pytest.mark.req("CRN-29")
def test_force_runs_every_task_whatever_the_intervals_say(install: Install) -> None:
    rig = install()
    run(rig)
    rig.house.settings.change({f"cron_interval_{name}": 0 for name in NAMES})
    service = rig.order()
    lines, code = run(rig, "--force")
    assert (told(lines, "Running"), code) == (NAMES, 0)
    assert rig.states() == {service: "ready"}


@pytest.mark.req("CRN-33")
@pytest.mark.parametrize("flags", [[], ["--verbose"]])
def test_every_step_is_printed_with_verbose_and_without(install: Install, flags: list[str]) -> None:
    rig = install()
    rig.order()
    lines, code = run(rig, *flags)
    assert len([line for line in lines if line.startswith("  [+] ")]) == 15
    assert code == 0


@pytest.mark.req("CRN-31")
def test_a_run_without_locks_never_works_on_a_vm_that_another_run_holds(install: Install) -> None:
    rig = install()
    held, free = rig.order(), rig.order()
    assert rig.house.claims.take(1) == [held]
    lines, code = run(rig, "--force", "--no-lock")
    assert (rig.states(), code) == ({held: "creation", free: "ready"}, 0)
    assert told(lines, "Running") == NAMES


@pytest.mark.req("CRN-32")
def test_clearing_locks_frees_what_dead_processes_hold_and_runs_nothing(install: Install) -> None:
    rig = install()
    stale, held = rig.order(), rig.order()
    child = subprocess.Popen(["true"])
    child.wait()
    assert Claims(new_owner().replace(f"/{os.getpid()}/", f"/{child.pid}/"), ["creation"], rig.clock).take(1) == [stale]
    assert rig.house.claims.take(1) == [held]
    assert run(rig, "--clear-locks") == (["stale locks cleared: 1"], 0)
    assert [bool(VmWork.get_by_id(service).lease_owner) for service in (stale, held)] == [False, True]
    assert rig.states() == {stale: "creation", held: "creation"}


@pytest.mark.req("CRN-35")
@pytest.mark.parametrize(
    ("argument", "line"),
    [
        ("--colour", "unknown option '--colour'; --help lists what there is"),
        ("process_vms", "unknown option 'process_vms'; --help lists what there is"),
        ("--task=dishes", f"unknown task 'dishes', known are {', '.join(NAMES)}"),
        ("--task", f"unknown task '', known are {', '.join(NAMES)}"),
    ],
)
def test_what_nobody_knows_is_answered_with_one_line_and_nothing_is_done(
    install: Install, argument: str, line: str
) -> None:
    rig = install()
    service = rig.order()
    assert run(rig, "--force", argument) == ([line], 1)
    assert rig.states() == {service: "creation"}


@pytest.mark.req("CRN-01", "CRN-05")
def test_the_mode_says_whether_whmcs_s_cron_drives_the_tasks_and_by_hand_they_run_always(install: Install) -> None:
    rig = install()
    assert rig.house.settings.cron_mode == "whmcs"
    assert told(run(rig, mode="hook")[0], "Running") == NAMES
    assert told(run(rig, "--force")[0], "Running") == NAMES
    rig.house.settings.change({"cron_mode": "standalone"})
    service = rig.order()
    rig.clock.advance(3600)
    assert run(rig, mode="hook") == ([], 0)
    assert rig.states() == {service: "creation"}
    assert told(run(rig)[0], "Running") == NAMES


@pytest.mark.req("CRN-01")
def test_there_are_two_modes(install: Install) -> None:
    settings = install().house.settings
    for mode in ("whmcs", "standalone", "WHMCS Hook", "Standalone Cron File"):
        settings.change({"cron_mode": mode})
    with pytest.raises(BadSetting):
        settings.change({"cron_mode": "both"})
    assert Settings.cron_mode.default == "whmcs"


@pytest.mark.req("CRN-52")
def test_a_task_that_breaks_off_is_told_and_the_next_one_is_done(
    install: Install, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    rig = install()
    service = rig.order()
    sweep, sweeps = rig.house.claims.sweep, iter([RuntimeError("our bug")])

    def broken_once() -> int:
        for error in sweeps:
            raise error
        return sweep()

    printed: list[str] = []
    cron = rig.cron()
    monkeypatch.setattr(cron, "sweep", broken_once)
    assert cron.run(Wanted((PROCESS, PROCESS)), printed.append) is False
    error, *rest = masked(printed).splitlines()[1:]
    assert error == f"<ts> [{PROCESS.name}] Error: internal error, RuntimeError (traceback in the log of KVM Bridge)"
    assert rest[0].startswith(f"<ts> [{PROCESS.name}] Running")
    assert "our bug" in caplog.text
    assert rig.states() == {service: "ready"}


@pytest.mark.req("CRN-48")
def test_nothing_is_printed_in_the_form_of_the_second_version(install: Install) -> None:
    rig = install()
    rig.fault("PUT .*/resize", status=500)
    rig.order()
    rig.tick()
    rig.clock.advance(60)
    printed = "\n".join([*rig.lines, *rig.tick()])
    assert rig.states() == {1: "ready"}
    assert "Local_status" not in printed
    assert "The local status should be" not in printed
    assert not [line for line in printed.splitlines() if line.startswith(("VM", "Service", "===="))]
