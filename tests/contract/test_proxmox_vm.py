"""The life of a VM against the stand-in cluster; every request and answer is held against the API schema."""

from dataclasses import replace

import pytest

from providers.errors import AuthFailed, ChangedMeanwhile, Conflict, Locked
from providers.proxmox import Proxmox
from providers.proxmox.disk import Limits
from providers.proxmox.translate import WrongState

from .proxmox_world import GIB, LOCAL, MARK, SHARED, World


@pytest.mark.req("NET-05")
def test_an_order_becomes_a_running_vm(any_world: World) -> None:
    world, proxmox = any_world, any_world.proxmox
    assert world.wait(world.clone(storage="ceph-vm")).ok
    config = proxmox.config("pve1", 100)
    assert config is not None
    assert (config.name, config.lock, MARK.is_ours(config)) == ("web100", None, True)
    card, disk = config.net(0), config.system_disk()
    assert card is not None
    assert disk is not None
    changes: dict[str, str | int] = {"cores": 2, "sockets": 1, "memory": 4096, "tags": MARK.tags_with(config.tags)}
    proxmox.configure("pve1", 100, changes, digest=config.digest)
    upid = proxmox.resize("pve1", 100, disk.interface, 20 * GIB)
    assert upid is None or world.wait(upid).ok
    grown = proxmox.config("pve1", 100)
    assert grown is not None
    disk = grown.system_disk()
    assert disk is not None
    assert disk.size == 20 * GIB
    proxmox.configure("pve1", 100, {disk.interface: str(disk.with_limits(Limits.of(mbps_rd=50, iops_wr=300)))})
    extra = grown.new_disk("ceph-vm", 10)
    proxmox.configure("pve1", 100, {extra.interface: str(extra)})
    proxmox.configure("pve1", 100, {"net0": str(card.with_(bridge="vmbr1", tag=5, rate=12, firewall=True))})
    proxmox.configure(
        "pve1",
        100,
        {
            "ciuser": "root",
            "cipassword": "secret123",
            "sshkeys": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB6l3GqQn8E0fXh2r1bPzLJ9y3R0vO7Zs7N1M2Hq3q5v me@x",
        },
    )
    proxmox.configure("pve1", 100, {"ipconfig0": str(grown.ipconfig(0).with_(ip="192.0.2.5/24", gw="192.0.2.1"))})
    proxmox.regenerate_cloudinit("pve1", 100)
    assert world.wait(proxmox.start("pve1", 100)).ok
    status, final = proxmox.status("pve1", 100), proxmox.config("pve1", 100)
    assert status is not None
    assert final is not None
    assert status.running
    changed, system, additional = final.net(0), final.system_disk(), final.additional_disk()
    assert changed == replace(card, bridge="vmbr1", tag=5, rate=12.0, firewall=True)
    assert system is not None
    assert additional is not None
    assert (system.limits, system.size) == (Limits.of(mbps_rd=50, iops_wr=300), 20 * GIB)
    assert (additional.interface, additional.size) == (extra.interface, 10 * GIB)
    assert (final.cores, final.memory, final.ipconfig(0).ip) == (2, 4096, "192.0.2.5/24")
    assert final.sshkeys.endswith("me@x")
    assert MARK.tag in final.tags


def test_the_cluster_is_read_in_every_version(any_world: World) -> None:
    proxmox = any_world.proxmox
    any_world.vm()
    any_world.clock.advance(60)
    assert proxmox.version().startswith(any_world.cluster.version)
    assert [node.name for node in proxmox.nodes() if node.online] == ["pve1", "pve2", "pve3"]
    assert {(guest.vmid, guest.template) for guest in proxmox.guests()} == {(100, False), (9000, True), (9001, True)}
    assert {storage.name for storage in proxmox.storages("pve1") if storage.holds_disks} == {"ceph-vm", "local-lvm"}
    assert {(s.name, s.node) for s in proxmox.storages() if "images" in s.content} == {
        (name, node) for name in ("ceph-vm", "local-lvm") for node in ("pve1", "pve2", "pve3")
    }
    assert proxmox.bridges("pve1") == ["vmbr0", "vmbr1"]
    assert (proxmox.vmid_is_free(100), proxmox.vmid_is_free(101)) == (False, True)
    assert proxmox.has_feature("pve1", 9000, "clone")
    assert proxmox.cluster_firewall_enabled()


@pytest.mark.req("SRV-07", "SRV-08", "SRV-09")
def test_the_connection_test_accepts_the_demo_token_in_every_version(any_world: World) -> None:
    any_world.proxmox.test_connection()


@pytest.mark.req("SRV-08")
def test_a_wrong_secret_fails_the_connection_test(world: World) -> None:
    wrong = Proxmox(replace(world.endpoint, token_secret="00000000-0000-0000-0000-000000000000"), adapter=world.wire)
    with pytest.raises(AuthFailed, match="credentials are refused") as caught:
        wrong.test_connection()
    assert "00000000-0000" not in str(caught.value)


def test_a_linked_clone_reads_from_its_template(world: World) -> None:
    assert world.wait(world.clone(full=False, storage="ceph-vm")).ok
    config = world.proxmox.config("pve1", 100)
    assert config is not None
    disk = config.system_disk()
    assert disk is not None
    assert "base-9000-disk-0" in disk.volume


def test_a_clone_in_flight_is_a_locked_stub_and_busy(world: World) -> None:
    world.cluster.timing.durations["qmclone"] = 60.0
    world.clone()
    world.clock.advance(0.5)
    stub = world.proxmox.config("pve1", 100)
    assert stub is not None
    assert stub.is_clone_stub
    running = [task for task in world.proxmox.find_tasks("pve1", type="qmclone", vmid=SHARED) if task.running]
    assert len(running) == 1
    with pytest.raises(Conflict):
        world.clone()
    with pytest.raises(Locked) as caught:
        world.proxmox.configure("pve1", 100, {"cores": 2})
    assert caught.value.busy
    assert not caught.value.outcome_unknown


def test_other_locks_are_told_at_once(world: World) -> None:
    world.vm()
    world.cluster.guests[100].config["lock"] = "backup"
    with pytest.raises(Locked, match=r"VM is locked \(backup\)"):
        world.proxmox.configure("pve1", 100, {"cores": 2})
    failed = world.wait(world.proxmox.start("pve1", 100))
    assert isinstance(failed.failure("start VM 100"), Locked)


def test_somebody_elses_change_in_between_is_noticed(world: World) -> None:
    world.vm()
    config = world.proxmox.config("pve1", 100)
    assert config is not None
    world.proxmox.configure("pve1", 100, {"description": "changed by Bob"})
    with pytest.raises(ChangedMeanwhile):
        world.proxmox.configure("pve1", 100, {"cores": 2}, digest=config.digest)


def test_shrinking_fails_in_the_task_and_the_same_size_is_fine(world: World) -> None:
    world.vm()
    assert world.wait(world.proxmox.resize("pve1", 100, "scsi0", 3 * GIB)).ok
    shrunk = world.wait(world.proxmox.resize("pve1", 100, "scsi0", 2 * GIB))
    assert "shrinking disks is not supported" in str(shrunk.failure("resize scsi0"))


def test_a_stopped_vm_moves_to_another_node(any_world: World) -> None:
    world, proxmox = any_world, any_world.proxmox
    node = world.vm(template=LOCAL)
    assert proxmox.migrate_preconditions(node, 100, "pve3")["running"] in (0, False)
    assert world.wait(proxmox.migrate(node, 100, "pve3", targetstorage="local-lvm")).ok
    assert proxmox.config(node, 100) is None
    moved = proxmox.config("pve3", 100)
    assert moved is not None
    assert MARK.is_ours(moved)
    found = proxmox.locate(100)
    assert found is not None
    assert found.node == "pve3"


def test_power_actions_are_tasks(any_world: World) -> None:
    world, proxmox = any_world, any_world.proxmox
    world.vm()
    with pytest.raises(WrongState):
        proxmox.reset("pve1", 100)
    for action, running in ((proxmox.start, True), (proxmox.stop, False), (proxmox.start, True)):
        assert world.wait(action("pve1", 100)).ok
        status = proxmox.status("pve1", 100)
        assert status is not None
        assert status.running is running
    assert isinstance(world.wait(proxmox.start("pve1", 100)).failure("start VM 100"), WrongState)
    world.clock.advance(60)
    assert proxmox.agent_ping("pve1", 100)
    proxmox.agent_set_password("pve1", 100, "root", "secret123")
    assert world.wait(proxmox.shutdown("pve1", 100, timeout=60)).ok
    assert not proxmox.agent_ping("pve1", 100)


def test_a_vm_is_destroyed_once_it_is_stopped(any_world: World) -> None:
    world, proxmox = any_world, any_world.proxmox
    world.vm()
    assert world.wait(proxmox.start("pve1", 100)).ok
    with pytest.raises(WrongState, match="is running"):
        proxmox.destroy("pve1", 100)
    assert world.wait(proxmox.stop("pve1", 100)).ok
    assert world.wait(proxmox.destroy("pve1", 100)).ok
    assert proxmox.config("pve1", 100) is None
    assert proxmox.status("pve1", 100) is None
    assert proxmox.destroy("pve1", 100) is None
    assert proxmox.vmid_is_free(100)


def test_pending_changes_of_a_running_vm_are_seen_until_it_is_restarted(world: World) -> None:
    world.vm()
    assert world.wait(world.proxmox.start("pve1", 100)).ok
    world.proxmox.configure("pve1", 100, {"cores": 4})
    assert world.proxmox.pending("pve1", 100) == {"cores": "4"}
    now, then = world.proxmox.config("pve1", 100, current=True), world.proxmox.config("pve1", 100)
    assert now is not None
    assert then is not None
    assert (now.cores, then.cores) == (1, 4)
    assert world.wait(world.proxmox.stop("pve1", 100)).ok
    assert world.proxmox.pending("pve1", 100) == {}


def test_a_forgotten_task_is_unknown(any_world: World) -> None:
    upid = "UPID:pve1:00001234:00001234:65000000:qmstart:100:root@pam:"
    assert any_world.proxmox.task(upid).unknown
    assert any_world.proxmox.task_log(upid) == []
    any_world.proxmox.abort_task(upid)


def test_the_log_of_a_task_ends_with_its_verdict(world: World) -> None:
    upid = world.clone()
    assert world.wait(upid).ok
    assert world.proxmox.task_log(upid, last=1) == ["TASK OK"]
