"""Snapshots of a VM: our client against the stand-in cluster, both against the published API, in every version."""

import pytest

from bridge.sandbox.proxmox.faults import Fault
from providers.errors import NotFound, Permanent
from providers.proxmox.snapshots import Snapshot

from .proxmox_world import GIB, LOCAL, World


def taken(world: World, name: str, node: str = "pve1", **options: object) -> Snapshot:
    """Take a snapshot, wait for it; what the list says of it."""
    status = world.wait(world.proxmox.take_snapshot(node, 100, name, **options))  # type: ignore[arg-type]
    assert status.ok, status.exitstatus
    world.clock.advance(5)
    return next(found for found in world.proxmox.snapshots(node, 100) if found.name == name)


@pytest.mark.req("SNP-20")
def test_a_vm_without_snapshots_has_none_although_proxmox_lists_the_present(any_world: World) -> None:
    any_world.vm()
    assert any_world.proxmox.snapshots("pve1", 100) == []
    assert any_world.proxmox.snapshots("pve1", 999) == []


@pytest.mark.req("SNP-18", "SNP-20")
def test_snapshots_are_taken_listed_and_removed_in_every_version(any_world: World) -> None:
    world, proxmox = any_world, any_world.proxmox
    world.vm()
    assert proxmox.has_feature("pve1", 100, "snapshot")
    began = int(world.clock.now())
    first = taken(world, "monday", description="before the update")
    second = taken(world, "tuesday")
    assert (first.description, first.with_ram, first.parent, first.complete) == ("before the update", False, "", True)
    assert (second.description, second.parent) == ("", "monday")
    assert began <= first.time < second.time <= world.clock.now()
    assert [found.name for found in proxmox.snapshots("pve1", 100)] == ["monday", "tuesday"]
    assert world.wait(proxmox.delete_snapshot("pve1", 100, "monday")).ok
    (left,) = proxmox.snapshots("pve1", 100)
    assert (left.name, left.parent) == ("tuesday", "")


@pytest.mark.req("SNP-19")
def test_memory_is_in_the_snapshot_of_a_running_vm_only(any_world: World) -> None:
    world, proxmox = any_world, any_world.proxmox
    world.vm()
    assert not taken(world, "stopped", with_ram=True).with_ram
    assert world.wait(proxmox.start("pve1", 100)).ok
    assert not taken(world, "disks").with_ram
    assert taken(world, "memory", with_ram=True).with_ram


@pytest.mark.req("SNP-22")
@pytest.mark.parametrize("with_ram", [True, False])
def test_after_a_rollback_a_vm_runs_when_the_snapshot_has_its_memory(any_world: World, with_ram: bool) -> None:
    world, proxmox = any_world, any_world.proxmox
    world.vm()
    assert world.wait(proxmox.start("pve1", 100)).ok
    taken(world, "monday", with_ram=with_ram)
    assert world.wait(proxmox.roll_back("pve1", 100, "monday")).ok
    status = proxmox.status("pve1", 100)
    assert status is not None
    assert status.running is with_ram


@pytest.mark.req("SNP-22")
def test_a_rollback_brings_the_configuration_back_but_not_the_description(any_world: World) -> None:
    world, proxmox = any_world, any_world.proxmox
    world.vm()
    proxmox.configure("pve1", 100, {"description": "nothing of ours"})
    taken(world, "monday")
    proxmox.configure("pve1", 100, {"cores": 3, "description": "kvm-bridge", "scsi1": "ceph-vm:4"})
    before = proxmox.config("pve1", 100)
    assert before is not None
    additional = before.additional_disk()
    assert additional is not None
    assert world.wait(proxmox.roll_back("pve1", 100, "monday")).ok
    after = proxmox.config("pve1", 100)
    assert after is not None
    assert (after.cores, after.description, after.net(0)) == (1, "kvm-bridge", before.net(0))
    assert list(after.unused_volumes().values()) == [additional.volume]


def test_a_snapshot_at_work_is_listed_as_incomplete_and_locks_the_vm(world: World) -> None:
    world.vm()
    world.cluster.timing.durations["qmsnapshot"] = 60.0
    world.proxmox.take_snapshot("pve1", 100, "monday")
    world.clock.advance(1)
    config, (found,) = world.proxmox.config("pve1", 100), world.proxmox.snapshots("pve1", 100)
    assert config is not None
    assert (config.lock, found.name, found.complete) == ("snapshot", "monday", False)
    world.clock.advance(120)
    assert world.proxmox.snapshots("pve1", 100)[0].complete


def test_a_snapshot_that_is_aborted_leaves_nothing(world: World) -> None:
    world.vm()
    world.cluster.timing.durations["qmsnapshot"] = 60.0
    upid = world.proxmox.take_snapshot("pve1", 100, "monday")
    world.clock.advance(1)
    world.proxmox.abort_task(upid)
    assert not world.wait(upid).ok
    config = world.proxmox.config("pve1", 100)
    assert config is not None
    assert (config.lock, world.proxmox.snapshots("pve1", 100)) == (None, [])


@pytest.mark.req("SNP-21")
def test_a_disk_that_cannot_be_snapshotted_is_told_beforehand_and_in_the_task(any_world: World) -> None:
    world, proxmox = any_world, any_world.proxmox
    node = world.vm(template=LOCAL)
    for volume in world.cluster.storages["local-lvm"].on(node).values():
        volume.fmt = "raw"
    world.cluster.storages["local-lvm"].kind = "lvm"
    assert not proxmox.has_feature(node, 100, "snapshot")
    failed = world.wait(proxmox.take_snapshot(node, 100, "monday"))
    assert isinstance(failed.failure("take snapshot monday"), Permanent)


def test_what_is_wrong_with_a_name_shows_in_the_task(any_world: World) -> None:
    world, proxmox = any_world, any_world.proxmox
    world.vm()
    taken(world, "monday")
    again = world.wait(proxmox.take_snapshot("pve1", 100, "monday"))
    assert again.exitstatus == "snapshot name 'monday' already used"
    for start in (proxmox.delete_snapshot, proxmox.roll_back):
        assert isinstance(world.wait(start("pve1", 100, "friday")).failure("do it"), NotFound)


def test_a_rollback_that_fails_in_its_task_changes_nothing(world: World) -> None:
    world.vm()
    taken(world, "monday")
    world.proxmox.configure("pve1", 100, {"cores": 3})
    assert world.wait(world.proxmox.resize("pve1", 100, "scsi0", 20 * GIB)).ok
    text = "can't rollback, 'monday' is not most recent snapshot on 'vm-100-disk-0'"
    world.cluster.faults.add(Fault(kind="task-fails", task_type="qmrollback", exit_status=text))
    failed = world.wait(world.proxmox.roll_back("pve1", 100, "monday"))
    config = world.proxmox.config("pve1", 100)
    assert isinstance(failed.failure("roll back"), Permanent)
    assert config is not None
    assert config.cores == 3
