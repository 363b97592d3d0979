"""Changing configurations: at once, pending, refused."""

import pytest

from tests.unit.sandbox_proxmox.api import Api


@pytest.fixture
def vm(api: Api) -> str:
    """A stopped VM."""
    return api.vm(100, full=1)


@pytest.fixture
def running(api: Api, vm: str) -> str:
    """A running VM."""
    assert api.task("POST", vm + "/status/start") == "OK"
    return vm


def pending(api: Api, vm: str) -> dict[str, dict[str, object]]:
    return {item["key"]: item for item in api.get(vm + "/pending")}


def test_a_digest_guards_against_another_editor(api: Api, vm: str) -> None:
    digest = api.get(vm + "/config")["digest"]
    assert api.call("PUT", vm + "/config", cores=2, digest=digest).status == 200
    reply = api.call("PUT", vm + "/config", cores=3, digest=digest)
    assert (reply.status, reply.reason) == (500, "checksum mismatch (file change by other user?)")
    assert api.get(vm + "/config")["cores"] == 2


def test_the_same_configuration_has_the_same_digest_again(api: Api, vm: str) -> None:
    before = api.get(vm + "/config")["digest"]
    api.call("PUT", vm + "/config", cores=7)
    assert api.get(vm + "/config")["digest"] != before
    api.call("PUT", vm + "/config", cores=1)
    assert api.get(vm + "/config")["digest"] == before


def test_a_running_vm_keeps_what_cannot_be_plugged_pending_until_it_was_stopped(api: Api, running: str) -> None:
    api.call("PUT", running + "/config", memory=4096, onboot=1)
    assert pending(api, running)["memory"] == {"key": "memory", "value": "1024", "pending": "4096"}
    assert pending(api, running)["onboot"] == {"key": "onboot", "value": 1}
    assert api.get(running + "/config")["memory"] == "4096"
    assert api.get(running + "/config", current=1)["memory"] == "1024"
    assert api.task("POST", running + "/status/stop") == "OK"
    assert pending(api, running)["memory"] == {"key": "memory", "value": "4096"}


def test_a_card_written_without_its_mac_gets_a_new_one(api: Api, vm: str) -> None:
    before = api.get(vm + "/config")["net0"]
    api.call("PUT", vm + "/config", net0="virtio,bridge=vmbr0")
    after = api.get(vm + "/config")["net0"]
    assert after.startswith("virtio=BC:24:11:")
    assert after.split(",")[0] != before.split(",")[0]
    assert "firewall" not in after


def test_a_password_is_never_shown_and_never_stored_in_clear(api: Api, vm: str) -> None:
    api.call("PUT", vm + "/config", cipassword="Sekret-123")
    assert api.get(vm + "/config")["cipassword"] == "**********"
    assert "Sekret" not in api.get(vm + "/cloudinit/dump", type="user")
    assert "Sekret" not in str(api.cluster.guests[100])


def test_a_removed_disk_becomes_unused_and_its_volume_goes_only_with_that(api: Api, vm: str) -> None:
    api.call("PUT", vm + "/config", scsi1="ceph-vm:5")
    api.call("PUT", vm + "/config", delete="scsi1")
    config = api.get(vm + "/config")
    assert config["unused0"] == "ceph-vm:vm-100-disk-1"
    assert "vm-100-disk-1" in api.cluster.storages["ceph-vm"].on("pve1")
    api.call("PUT", vm + "/config", delete="unused0")
    assert "vm-100-disk-1" not in api.cluster.storages["ceph-vm"].on("pve1")


def test_detaching_the_boot_disk_leaves_an_empty_boot_order(api: Api, vm: str) -> None:
    api.call("PUT", vm + "/config", delete="scsi0")
    assert api.get(vm + "/config")["boot"] == " "


def test_a_wrong_size_in_a_disk_string_is_corrected_without_a_word(api: Api, vm: str) -> None:
    volume = api.get(vm + "/config")["scsi0"].split(",")[0]
    assert api.call("PUT", vm + "/config", scsi0=f"{volume},size=99G,iops_rd=500").status == 200
    assert api.get(vm + "/config")["scsi0"] == f"{volume},iops_rd=500,size=3G"


@pytest.mark.parametrize(
    ("params", "status", "reason"),
    [
        ({"scsi1": "nosuch:5"}, 500, "storage 'nosuch' does not exist"),
        ({"scsi1": "ceph-vm:abc"}, 500, "unable to parse rbd volume name 'abc'"),
        ({"scsi1": "ceph-vm:vm-100-disk-9"}, 500, "volume 'ceph-vm:vm-100-disk-9' does not exist"),
        ({"scsi1": "local:5"}, 400, "Parameter verification failed."),
        ({"scsi1": "local:iso/debian.iso"}, 400, "Parameter verification failed."),
        ({"serial1": "/dev/ttyS0"}, 500, "only root can set 'serial1' config for real devices"),
        ({"net0": "virtio"}, 500, "no sdn vnet ID specified"),
        ({"balloon": 4096}, 500, "balloon value too large (must be smaller than assigned memory)"),
        ({"ide3": "ceph-vm:cloudinit"}, 500, "ide3 - cloud-init drive is already attached at 'ide2'"),
        ({"args": "-cpu host"}, 500, "only root can set 'args' config"),
        ({"startup": "order=1"}, 403, "Permission check failed (/, Sys.Modify)"),
        ({"boot": "order=scsi7"}, 500, "invalid bootorder: device 'scsi7' does not exist'"),
        ({"skiplock": 1, "cores": 2}, 400, "Parameter verification failed."),
    ],
)
def test_what_a_node_refuses_changes_nothing(
    api: Api, vm: str, params: dict[str, object], status: int, reason: str
) -> None:
    before = api.get(vm + "/config")
    reply = api.call("PUT", vm + "/config", **params)
    assert (reply.status, reply.reason) == (status, reason)
    assert api.get(vm + "/config") == before


def test_with_force_a_removed_disk_goes_for_good(api: Api, vm: str) -> None:
    api.call("PUT", vm + "/config", scsi1="ceph-vm:5")
    api.call("PUT", vm + "/config", delete="scsi1", force=1)
    assert not [key for key in api.get(vm + "/config") if key.startswith("unused")]
    assert "vm-100-disk-1" not in api.cluster.storages["ceph-vm"].on("pve1")


@pytest.mark.parametrize(
    ("drive", "live"),
    [
        ("scsi1", True),
        ("virtio1", True),
        ("sata1", False),
        ("ide1", False),
    ],
)
def test_a_new_disk_of_a_running_vm_waits_where_its_bus_cannot_be_plugged(
    api: Api, running: str, drive: str, live: bool
) -> None:
    api.call("PUT", running + "/config", **{drive: "ceph-vm:5"})
    assert ("pending" not in pending(api, running)[drive]) is live


@pytest.mark.parametrize(("option", "live"), [("mbps_rd=50", True), ("cache=writeback", False), ("iothread=1", False)])
def test_a_disks_limits_change_live_and_its_device_does_not(api: Api, running: str, option: str, live: bool) -> None:
    volume = api.get(running + "/config")["scsi0"].split(",")[0]
    api.call("PUT", running + "/config", scsi0=f"{volume},{option}")
    assert ("pending" not in pending(api, running)["scsi0"]) is live


def test_a_pending_change_can_be_taken_back(api: Api, running: str) -> None:
    api.call("PUT", running + "/config", memory=4096, cores=4)
    api.call("PUT", running + "/config", revert="memory")
    found = pending(api, running)
    assert ("pending" in found["memory"], "pending" in found["cores"]) == (False, True)


def test_a_change_in_the_background_is_not_named_when_it_was_quick(api: Api, vm: str) -> None:
    assert api.call("POST", vm + "/config", cores=2, background_delay=5).data is None
    assert api.get(vm + "/config")["cores"] == 2
    assert str(api.call("POST", vm + "/config", cores=3).data).startswith("UPID:")


@pytest.mark.parametrize("lock", ["backup", "migrate", "rollback", "snapshot"])
def test_a_locked_vm_refuses_changes_at_once(api: Api, vm: str, lock: str) -> None:
    api.cluster.guests[100].config["lock"] = lock
    reply = api.call("PUT", vm + "/config", cores=2)
    assert (reply.reason, reply.seconds) == (f"VM is locked ({lock})", 0.0)
    assert api.task("PUT", vm + "/resize", disk="scsi0", size="20G") == f"VM is locked ({lock})"


@pytest.mark.parametrize(
    ("size", "end", "shown"),
    [
        ("20G", "OK", "20G"),
        ("+1G", "OK", "4G"),
        ("3G", "OK", "3G"),
        ("2G", "shrinking disks is not supported", "3G"),
        (str(5 * 2**30), "OK", "5G"),
    ],
)
def test_a_disk_grows_and_never_shrinks(api: Api, vm: str, size: str, end: str, shown: str) -> None:
    assert api.task("PUT", vm + "/resize", disk="scsi0", size=size) == end
    assert api.get(vm + "/config")["scsi0"].endswith(f"size={shown}")


def test_cloud_init_shows_what_the_image_was_not_made_from_yet(api: Api, running: str) -> None:
    api.call("PUT", running + "/config", ciuser="later", ipconfig0="ip=10.0.0.9/24")
    listed = {item["key"]: item for item in api.get(running + "/cloudinit")}
    assert listed["ciuser"] == {"key": "ciuser", "pending": "later"}
    api.call("PUT", running + "/cloudinit")
    listed = {item["key"]: item for item in api.get(running + "/cloudinit")}
    assert listed["ciuser"] == {"key": "ciuser", "value": "later"}
    assert "ipconfig0" not in listed
