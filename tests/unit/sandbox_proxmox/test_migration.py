"""Moving VMs between nodes."""

import pytest

from bridge.sandbox.proxmox.storage import Volume
from tests.unit.sandbox_proxmox.api import Api


def test_disks_on_shared_storage_stay_where_they_are(api: Api) -> None:
    vm = api.vm(100, full=1)
    disk = api.get(vm + "/config")["scsi0"]
    assert api.task("POST", vm + "/migrate", target="pve2") == "OK"
    assert api.get("/nodes/pve2/qemu/100/config")["scsi0"] == disk
    assert api.call("GET", vm + "/config").status == 500


def test_local_disks_move_along(api: Api) -> None:
    vm = api.vm(100, template=9001, full=1)
    assert api.task("POST", vm + "/migrate", target="pve3") == "OK"
    local = api.cluster.storages["local-lvm"]
    assert "vm-100-disk-0" in local.on("pve3")
    assert "vm-100-disk-0" not in local.on("pve2")


def test_local_disks_may_change_their_storage(api: Api) -> None:
    vm = api.vm(100, template=9001, full=1)
    assert api.task("POST", vm + "/migrate", target="pve3", targetstorage="local-lvm:ceph-vm") == "OK"
    config = api.get("/nodes/pve3/qemu/100/config")
    assert config["scsi0"].startswith("ceph-vm:vm-100-disk-0")
    assert config["ide2"].startswith("ceph-vm:vm-100-cloudinit")
    assert api.task("POST", "/nodes/pve3/qemu/100/status/start") == "OK"


def test_a_vm_on_its_way_is_locked(api: Api) -> None:
    vm = api.vm(100, full=1)
    upid = api.call("POST", vm + "/migrate", target="pve2").data
    api.clock.advance(2.0)
    assert api.get(vm + "/config")["lock"] == "migrate"
    assert api.end_of(upid) == "OK"
    assert "lock" not in api.get("/nodes/pve2/qemu/100/config")


def test_a_linked_clone_on_local_files_stays_where_it_is(api: Api) -> None:
    api.cluster.storages["local"].content += ("images",)
    vm = api.vm(100, template=9001, full=1, storage="local", format="qcow2")
    api.call("PUT", vm + "/config", delete="ide2")
    assert api.task("POST", vm + "/template") == "OK"
    child = api.vm(101, template=100)
    upid = api.call("POST", child + "/migrate", target="pve3").data
    assert api.end_of(upid) == "migration aborted"
    assert api.log(upid)[-2].endswith("as it's a clone of 'base-100-disk-0.qcow2'")
    assert api.cluster.guests[101].node == "pve2"
    assert "lock" not in api.get(child + "/config")


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"target": "pve9"}, "no such cluster node 'pve9'"),
        ({"target": "pve1"}, "Parameter verification failed."),
        ({"target": "pve2", "targetstorage": "nosuch"}, "storage 'nosuch' does not exist"),
    ],
)
def test_a_migration_that_cannot_be_is_refused(api: Api, params: dict[str, str], reason: str) -> None:
    vm = api.vm(100, full=1)
    assert api.call("POST", vm + "/migrate", **params).reason == reason


def test_a_mounted_local_iso_holds_a_vm_back(api: Api) -> None:
    vm = api.vm(100, full=1)
    iso = "iso/debian.iso"
    api.cluster.storages["local"].on("pve1")[iso] = Volume(iso, "iso", "iso", 5120)
    assert api.call("PUT", vm + "/config", ide3=f"local:{iso},media=cdrom").status == 200
    upid = api.call("POST", vm + "/migrate", target="pve2").data
    assert api.end_of(upid) == "migration aborted"
    assert f"can't migrate local disk 'local:{iso}': local cdrom image" in api.log(upid)
    assert api.call("PUT", vm + "/config", ide3="none,media=cdrom").status == 200
    assert api.task("POST", vm + "/migrate", target="pve2") == "OK"


def test_a_running_vm_moves_online_with_its_local_disks_only_when_told_so(api: Api) -> None:
    vm = api.vm(100, template=9001, full=1)
    api.task("POST", vm + "/status/start")
    assert api.task("POST", vm + "/migrate", target="pve3", online=1) == "migration aborted"
    assert api.task("POST", vm + "/migrate", target="pve3", online=1, **{"with__local__disks": 1}) == "OK"
    assert api.get("/nodes/pve3/qemu/100/status/current")["status"] == "running"


def test_a_running_vm_is_not_moved_offline(api: Api) -> None:
    vm = api.vm(100, full=1)
    api.task("POST", vm + "/status/start")
    assert api.call("POST", vm + "/migrate", target="pve2").reason == "can't migrate running VM without --online"


def test_the_preconditions_name_local_disks_and_allowed_nodes(api: Api) -> None:
    vm = api.vm(100, template=9001, full=1)
    found = api.get(vm + "/migrate")
    assert {disk["volid"] for disk in found["local_disks"]} == {
        "local-lvm:vm-100-disk-0",
        "local-lvm:vm-100-cloudinit",
    }
    assert found["allowed_nodes"] == ["pve1", "pve3"]


def test_a_node_that_is_off_answers_nothing_and_takes_nobody(api: Api) -> None:
    vm = api.vm(100, full=1)
    api.cluster.nodes["pve2"].online = False
    reply = api.call("GET", "/nodes/pve2/qemu")
    assert (reply.status, reply.reason) == (595, "No route to host")
    assert api.task("POST", vm + "/migrate", target="pve2") == "migration aborted"
