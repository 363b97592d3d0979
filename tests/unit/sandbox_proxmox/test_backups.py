"""Backups and what comes back from them."""

from typing import Any

import pytest

from tests.unit.sandbox_proxmox.api import Api

CONTENT = "/nodes/pve1/storage/backup/content"


@pytest.fixture
def vm(api: Api) -> str:
    """A VM with a firewall, whose backups find a place on the NFS storage."""
    path = api.vm(100, full=1, name="web")
    api.call("PUT", path + "/firewall/options", enable=1)
    api.call("POST", path + "/firewall/ipset", name="ipfilter-net0")
    return path


def backup(api: Api, **params: Any) -> str:
    status = api.task("POST", "/nodes/pve1/vzdump", **{"vmid": 100, "storage": "backup", "compress": "zstd", **params})
    assert status == "OK"
    return str(max(api.get(CONTENT, content="backup"), key=lambda item: item["ctime"])["volid"])


def identity(config: dict[str, Any]) -> tuple[Any, Any]:
    return config["net0"], config["smbios1"]


@pytest.mark.req("SBX-01")
def test_a_vm_is_locked_while_it_is_backed_up(api: Api, vm: str) -> None:
    upid = api.call("POST", "/nodes/pve1/vzdump", vmid=100, storage="backup").data
    api.clock.advance(1)
    assert api.get(vm + "/config")["lock"] == "backup"
    reply = api.call("PUT", vm + "/config", description="meanwhile")
    assert (reply.status, reply.reason) == (500, "VM is locked (backup)")
    assert api.get(CONTENT, content="backup") == []
    assert api.end_of(upid) == "OK"
    assert "lock" not in api.get(vm + "/config")
    assert [item["vmid"] for item in api.get(CONTENT, content="backup")] == [100]


def test_a_restore_brings_configuration_and_firewall_back_and_keeps_cards(api: Api, vm: str) -> None:
    before, volid = api.get(vm + "/config"), backup(api)
    api.call("PUT", vm + "/config", memory=4096, description="later")
    api.call("DELETE", vm + "/firewall/ipset/ipfilter-net0")
    reply = api.call("POST", "/nodes/pve1/qemu", vmid=100, archive=volid)
    assert reply.reason == "unable to restore VM 100 - VM 100 already exists on node 'pve1'"
    assert api.task("POST", "/nodes/pve1/qemu", vmid=100, archive=volid, force=1) == "OK"
    after = api.get(vm + "/config")
    assert {**after, "vmgenid": 0, "digest": 0} == {**before, "vmgenid": 0, "digest": 0}
    assert after["vmgenid"] != before["vmgenid"]
    assert [item["name"] for item in api.get(vm + "/firewall/ipset")] == ["ipfilter-net0"]


@pytest.mark.parametrize("unique", [0, 1])
def test_a_restore_under_another_id_has_new_cards_only_when_told(api: Api, vm: str, unique: int) -> None:
    volid = backup(api)
    assert api.task("POST", "/nodes/pve1/qemu", vmid=101, archive=volid, unique=unique, name="copy") == "OK"
    old, new = api.get(vm + "/config"), api.get("/nodes/pve1/qemu/101/config")
    assert (identity(old) == identity(new)) == (not unique)
    assert new["name"] == "copy"
    assert new["scsi0"].startswith("ceph-vm:vm-101-disk-")
    assert api.get("/nodes/pve1/qemu/101/firewall/options")["enable"] == 1


def test_a_running_or_protected_vm_is_not_overwritten(api: Api, vm: str) -> None:
    volid = backup(api)
    api.task("POST", vm + "/status/start")
    restore = {"vmid": 100, "archive": volid, "force": 1}
    assert api.task("POST", "/nodes/pve1/qemu", **restore) == "unable to restore VM 100 - vm is running"
    api.task("POST", vm + "/status/stop")
    api.call("PUT", vm + "/config", protection=1)
    assert "protection mode enabled" in api.task("POST", "/nodes/pve1/qemu", **restore)
    assert api.get(vm + "/config")["name"] == "web"


def test_a_restore_to_an_unknown_storage_leaves_the_id_taken(api: Api, vm: str) -> None:
    volid = backup(api)
    status = api.task("POST", "/nodes/pve1/qemu", vmid=101, archive=volid, storage="nosuch")
    assert status.endswith("failed: storage 'nosuch' does not exist")
    assert set(api.get("/nodes/pve1/qemu/101/config")) == {"digest"}
    assert api.call("GET", "/cluster/nextid", vmid=101).status == 400


def test_one_guest_that_fails_makes_the_job_fail_and_the_others_are_kept(api: Api, vm: str) -> None:
    assert api.task("POST", "/nodes/pve1/vzdump", vmid="999,100", storage="backup") == "job errors"
    assert [item["vmid"] for item in api.get(CONTENT, content="backup")] == [100]


def test_a_protected_backup_stays_until_it_is_released(api: Api, vm: str) -> None:
    volid = backup(api, protected=1, notes__template="{{guestname}}\\nsecond")
    [item] = api.get(CONTENT, content="backup")
    assert (item["notes"], item["protected"]) == ("web", 1)
    assert api.get(f"{CONTENT}/{volid}")["notes"] == "web\nsecond"
    assert api.task("DELETE", f"{CONTENT}/{volid}").startswith(
        "cannot remove protected volume 'backup/vzdump-qemu-100-"
    )
    assert api.call("PUT", f"{CONTENT}/{volid}", protected=0).status == 200
    assert api.task("DELETE", f"{CONTENT}/{volid}") == "OK"
    assert api.get(CONTENT, content="backup") == []


def test_a_retention_rule_marks_the_oldest_and_spares_protected_ones(api: Api, vm: str) -> None:
    backup(api, protected=1)
    backup(api)
    backup(api)
    marks = api.get("/nodes/pve1/storage/backup/prunebackups", vmid=100, **{"prune-backups": "keep-last=1"})
    assert [item["mark"] for item in marks] == ["keep", "remove", "protected"]


def test_the_archive_tells_its_configuration(api: Api, vm: str) -> None:
    text = api.get("/nodes/pve1/vzdump/extractconfig", volume=backup(api))
    assert "name: web\n" in text
    assert text.endswith("#qmdump#map:scsi0:drive-scsi0:ceph-vm:raw:\n")


@pytest.mark.req("SBX-05")
def test_throttling_a_backup_is_for_administrators(api: Api, vm: str) -> None:
    reply = api.call("POST", "/nodes/pve1/vzdump", vmid=100, storage="backup", bwlimit=1000)
    assert (reply.status, reply.reason) == (403, "Permission check failed (/, Sys.Modify)")
