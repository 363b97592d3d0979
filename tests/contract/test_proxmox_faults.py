"""What the client makes of a cluster that breaks off, proxies badly, is slow or too busy."""

import pytest

from bridge.sandbox.proxmox import Fault
from providers.errors import Permanent, Retryable, Unavailable
from providers.proxmox.translate import WorkerNotStarted

from .proxmox_world import World


def test_warnings_are_success(world: World) -> None:
    world.vm()
    world.cluster.faults.add(Fault(kind="task-warnings", task_type="qmstart", text="EFI certificates are old"))
    done = world.wait(world.proxmox.start("pve1", 100))
    assert (done.ok, done.warnings, done.failure("start")) == (True, True, None)


@pytest.mark.parametrize("status", [500, 503, 595, 596, 599])
def test_a_write_answered_by_a_broken_proxy_is_sent_once(world: World, status: int) -> None:
    world.vm()
    world.cluster.faults.add(Fault(match="PUT .*config", status=status))
    with pytest.raises(Retryable) as caught:
        world.proxmox.configure("pve1", 100, {"cores": 2})
    assert caught.value.outcome_unknown
    assert [call for call in world.wire.calls if call[0] == "PUT"] == [("PUT", "/nodes/pve1/qemu/100/config")]


@pytest.mark.parametrize(("kind", "exists"), [("cut-before", False), ("cut-after", True)])
def test_a_cut_connection_leaves_open_whether_the_clone_was_started(world: World, kind: str, exists: bool) -> None:
    world.cluster.faults.add(Fault(match="POST .*clone", kind=kind))
    with pytest.raises(Unavailable, match="broke off") as caught:
        world.clone()
    assert caught.value.outcome_unknown
    world.clock.advance(1)
    assert (world.proxmox.config("pve1", 100) is not None) is exists
    assert len([call for call in world.wire.calls if call[0] == "POST"]) == 1


def test_a_read_survives_a_dropped_connection(world: World) -> None:
    world.cluster.faults.add(Fault(match="GET /version", kind="cut-before"))
    assert world.proxmox.version() == "8.4.1"


def test_a_node_too_busy_to_start_a_worker_has_done_nothing(world: World) -> None:
    world.vm()
    world.cluster.faults.add(Fault(match="POST .*start", kind="no-worker"))
    with pytest.raises(WorkerNotStarted) as caught:
        world.proxmox.start("pve1", 100)
    assert not caught.value.outcome_unknown
    assert world.wait(world.proxmox.start("pve1", 100)).ok


def test_an_answer_slower_than_the_deadline_is_given_up(world: World) -> None:
    world.vm()
    world.cluster.faults.add(Fault(match="GET .*config", kind="slow", seconds=11))
    with pytest.raises(Unavailable, match="did not answer in time") as read:
        world.proxmox.config("pve1", 100)
    world.cluster.faults.add(Fault(match="POST .*start", kind="slow", seconds=11))
    assert world.wait(world.proxmox.start("pve1", 100)).ok
    assert not read.value.outcome_unknown


def test_a_missing_storage_needs_the_admin(world: World) -> None:
    with pytest.raises(Permanent, match="storage 'nosuch' does not exist"):
        world.clone(storage="nosuch")
