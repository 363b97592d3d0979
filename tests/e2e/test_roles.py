"""The roles of the daemon: together and alone, started again when they die, stopped in order."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos import invariants
from tests.chaos.processes import Installation, Process, wait_until


def children(pid: int) -> dict[str, int]:
    """Roles below `serve`, by name."""
    found = {}
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
        found["web" if b"gunicorn" in words else words[-2].decode()] = int(child)
    return found


def cloning(installation: Installation) -> bool:
    return any(call.path.endswith("/clone") for call in installation.calls)


@pytest.mark.req("OPS-09")
def test_serve_runs_all_roles_and_ends_them_on_sigterm(installation: Installation) -> None:
    serve = installation.start("serve")
    service = installation.order()
    installation.wait_until_ready([service])
    roles = children(serve.pid)
    assert set(roles) == {"web", "scheduler"}
    assert serve.stop() == 0
    assert not [pid for pid in roles.values() if os.path.exists(f"/proc/{pid}")]


@pytest.mark.req("OPS-09")
def test_each_role_runs_alone_and_ends_on_sigterm(installation: Installation) -> None:
    scheduler, web = installation.start("scheduler"), installation.start("web")
    service = installation.order()
    installation.wait_until_ready([service])
    assert (scheduler.stop(), web.stop()) == (0, 0)


def test_a_role_that_dies_is_started_again(installation: Installation) -> None:
    serve = installation.start("serve")
    wait_until(lambda: "scheduler" in children(serve.pid), 30, lambda: serve.logged)
    before = children(serve.pid)["scheduler"]
    os.kill(before, signal.SIGKILL)
    service = installation.order()
    installation.wait_until_ready([service])
    assert children(serve.pid)["scheduler"] != before
    assert "the scheduler role ended" in serve.logged


def terminate(process: Process) -> None:
    assert process.stop(timeout=15) == 0, process.logged


def terminate_twice(process: Process) -> None:
    os.kill(process.pid, signal.SIGTERM)
    terminate(process)


@pytest.mark.req("OPS-10")
@pytest.mark.parametrize("stop", [terminate, terminate_twice])
def test_a_scheduler_stopped_during_a_clone_goes_on_after_its_next_start(
    slow: Installation, stop: Callable[[Process], None]
) -> None:
    slow.start("web")
    scheduler = slow.start("scheduler")
    service = slow.order()
    wait_until(lambda: cloning(slow), 30, lambda: "\n".join(slow.lines))
    stop(scheduler)
    assert slow.states() == {service: "set_ip"}
    assert scheduler.printed.rstrip().rpartition("\n")[2].rpartition(" (")[0].endswith("PUQ Proxmox KVM Cron End")
    slow.start("scheduler")
    slow.wait_until_ready([service])
    assert sum(call.path.endswith("/clone") for call in slow.calls) == 1
    invariants.all_hold(slow, [service], {service: (2, 1)})


@pytest.fixture
def slow(installation: Installation) -> Installation:
    """Clones take four seconds, as on real Proxmox."""
    installation.cluster.timing.durations["qmclone"] = 4.0 * installation.cluster.timing.speed
    return installation


@pytest.mark.req("OPS-10")
def test_a_killed_serve_leaves_nobody_behind_and_the_next_one_goes_on(installation: Installation) -> None:
    serve = installation.start("serve")
    wait_until(lambda: len(children(serve.pid)) == 2, 30, lambda: serve.logged)
    roles = children(serve.pid)
    os.kill(serve.pid, signal.SIGKILL)
    wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in roles.values()), 30, lambda: serve.logged)
    installation.start("serve")
    installation.wait_until_ready([installation.order()])
