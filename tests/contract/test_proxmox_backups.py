"""Backups against the stand-in cluster; every request and answer is held against the API schema."""

from collections.abc import Mapping
from typing import Any

import pytest

from bridge.sandbox.proxmox.storage import Storage
from providers.errors import Permanent
from providers.proxmox import Endpoint, Proxmox
from providers.proxmox.backup_note import MANUAL, BackupNote

from .proxmox_wire import Canned
from .proxmox_world import GIB, MARK, World

NOTE: dict[str, Any] = {"text": "before the update", "mark": MARK, "purpose": MANUAL, "id": "9f2c4e1a"}

ENDPOINT = Endpoint("pve1.example.com", token_id="bridge@pve!whmcs", token_secret="secret")


def backed_up(world: World, storage: str = "backup") -> str:
    """A VM with one backup; the backup's volume id."""
    world.vm()
    assert world.wait(world.proxmox.backup("pve1", 100, storage, **NOTE)).ok
    [backup] = world.proxmox.backups("pve1", storage, 100)
    return backup.volid


@pytest.mark.req("BAK-31")
@pytest.mark.parametrize("storage", ["backup", "pbs"])
def test_a_backup_is_made_listed_and_removed(any_world: World, storage: str) -> None:
    world, proxmox = any_world, any_world.proxmox
    world.cluster.storages["pbs"] = Storage("pbs", "pbs", ("backup",), shared=True)
    volid = backed_up(world, storage)
    [backup] = proxmox.backups("pve2" if storage == "pbs" else "pve1", storage, 100)
    assert backup.note == BackupNote("before the update", MARK, MANUAL, "9f2c4e1a")
    assert backup.size > 0
    assert proxmox.backups("pve1", storage, 100, since=backup.made + 1) == []
    assert proxmox.backups("pve1", storage, 101) == []
    assert [world.wait(proxmox.delete_backup("pve1", volid)).ok for _ in range(2)] == [True, True]
    assert proxmox.backups("pve1", storage, 100) == []


def test_a_protected_backup_stays(world: World) -> None:
    volid = backed_up(world)
    world.cluster.storages["backup"].on("pve1")[volid.removeprefix("backup:")].protected = True
    assert world.proxmox.backups("pve1", "backup", 100)[0].protected
    failed = world.wait(world.proxmox.delete_backup("pve1", volid))
    assert isinstance(failed.failure("remove it"), Permanent)


@pytest.mark.req("BAK-26")
def test_proxmox_is_told_to_remove_no_other_backup() -> None:
    """Proxmox applies the retention of the storage after a backup, unless it is told not to (PVE::VZDump, `remove`)."""
    sent: list[tuple[str, Mapping[str, str]]] = []

    def answer(method: str, path: str, params: Mapping[str, str]) -> str:
        sent.append((path, params))
        return "UPID:pve1:00007FA0:000A4880:6B033CD2:vzdump:100:bridge@pve!whmcs:"

    Proxmox(ENDPOINT, adapter=Canned(answer)).backup("pve1", 100, "backup", **NOTE)
    [(path, params)] = sent
    assert (path, params["vmid"], params["storage"]) == ("/nodes/pve1/vzdump", "100", "backup")
    assert (params["remove"], params["mode"]) == ("0", "snapshot")


@pytest.mark.parametrize("storage", ["backup", "pbs"])
def test_a_restore_brings_the_vm_of_the_backup_back(any_world: World, storage: str) -> None:
    world, proxmox = any_world, any_world.proxmox
    world.cluster.storages["pbs"] = Storage("pbs", "pbs", ("backup",), shared=True)
    volid = backed_up(world, storage)
    archived = proxmox.archived_config("pve1", volid)
    now = proxmox.config("pve1", 100)
    assert now is not None
    assert (archived.name, archived.cores, MARK.is_ours(archived)) == ("web100", now.cores, True)
    assert [disk.storage for disk in archived.disks()] == ["ceph-vm"]
    proxmox.configure("pve1", 100, {"memory": 4096, "description": "changed"})
    assert world.wait(proxmox.restore("pve1", 100, volid)).ok
    back = proxmox.config("pve1", 100)
    assert back is not None
    assert (back.memory, MARK.is_ours(back)) == (now.memory, True)
    disk = back.system_disk()
    assert disk is not None
    assert (disk.storage, disk.size) == ("ceph-vm", 3 * GIB)


def test_a_restore_to_another_storage_takes_all_disks_there(world: World) -> None:
    volid = backed_up(world)
    assert world.wait(world.proxmox.restore("pve1", 100, volid, "local-lvm")).ok
    back = world.proxmox.config("pve1", 100)
    assert back is not None
    assert {disk.storage for disk in back.disks()} == {"local-lvm"}


def test_the_description_in_a_backup_is_read_as_it_was_written(world: World) -> None:
    world.vm()
    text = f"Zoë's VM: 100 % #1\n{MARK.description}"
    world.proxmox.configure("pve1", 100, {"description": text})
    assert world.wait(world.proxmox.backup("pve1", 100, "backup", **NOTE)).ok
    [backup] = world.proxmox.backups("pve1", "backup", 100)
    assert world.proxmox.archived_config("pve1", backup.volid).description == text
