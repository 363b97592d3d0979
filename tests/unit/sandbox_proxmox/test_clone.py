"""Cloning: what is refused, what is seen meanwhile, and what comes out."""

import pytest

from bridge.sandbox.proxmox import VirtualClock, conformance_cluster
from tests.unit.sandbox_proxmox.api import Api

CLONE_SHARED = "/nodes/pve1/qemu/9000/clone"
CLONE_LOCAL = "/nodes/pve2/qemu/9001/clone"


def test_a_clone_takes_as_long_as_its_task_says(api: Api) -> None:
    began = api.clock.now()
    api.vm(100, full=1)
    assert 3.5 < api.clock.now() - began < 5.0


def test_the_task_carries_the_templates_id_and_not_the_new_one(api: Api) -> None:
    upid = api.clone(100)
    assert upid.split(":")[5:7] == ["qmclone", "9000"]


def test_a_vm_that_is_being_cloned_is_a_locked_stub_first_and_gets_its_name_later(api: Api) -> None:
    api.clone(100, name="web100", full=1)
    api.clock.advance(0.1)
    assert set(api.get("/nodes/pve1/qemu/100/config")) == {"lock", "digest"}
    api.clock.advance(2.0)
    config = api.get("/nodes/pve1/qemu/100/config")
    assert (config["lock"], config["name"], "scsi0" in config) == ("clone", "web100", False)
    api.clock.advance(5.0)
    config = api.get("/nodes/pve1/qemu/100/config")
    assert ("lock" in config, "scsi0" in config) == (False, True)


def test_a_free_id_is_only_told_and_not_kept(api: Api) -> None:
    assert api.get("/cluster/nextid") == api.get("/cluster/nextid") == "100"
    api.clone(100)
    api.clock.advance(0.1)
    assert api.get("/cluster/nextid") == "101"
    assert api.call("GET", "/cluster/nextid", vmid=100).errors == {"vmid": "VM 100 already exists"}


def test_of_three_clones_to_one_id_exactly_one_wins(api: Api) -> None:
    upids = [api.clone(100, name=f"web{number}") for number in range(3)]
    ends = [api.end_of(upid) for upid in upids]
    assert sorted(ends)[0] == "OK"
    assert ends.count("OK") == 1
    assert api.get("/nodes/pve1/qemu/100/config")["name"] == f"web{ends.index('OK')}"


def test_a_taken_id_is_refused_before_there_is_a_task(api: Api) -> None:
    api.vm(100)
    reply = api.call("POST", CLONE_SHARED, newid=100)
    assert (reply.status, reply.reason) == (500, "unable to create VM 100: config file already exists")


def test_every_clone_has_a_mac_and_ids_of_its_own(api: Api) -> None:
    configs = [api.get(api.vm(vmid) + "/config") for vmid in (100, 101, 102)]
    configs.append(api.get("/nodes/pve1/qemu/9000/config"))
    for key in ("net0", "smbios1", "vmgenid"):
        assert len({config[key] for config in configs}) == 4


def test_a_linked_clone_names_its_base_and_a_full_one_does_not(api: Api) -> None:
    linked, full = api.vm(100, full=0), api.vm(101, full=1)
    assert api.get(linked + "/config")["scsi0"] == "ceph-vm:base-9000-disk-0/vm-100-disk-0,size=3G"
    assert api.get(full + "/config")["scsi0"] == "ceph-vm:vm-101-disk-0,size=3G"


def test_a_base_with_linked_clones_cannot_be_destroyed(api: Api) -> None:
    child = api.vm(100, full=0)
    end = api.task("DELETE", "/nodes/pve1/qemu/9000")
    assert end == "base volume 'ceph-vm:base-9000-disk-0' is still in use by linked cloned"
    assert api.task("DELETE", child) == "OK"
    assert api.task("DELETE", "/nodes/pve1/qemu/9000") == "OK"


@pytest.mark.parametrize(
    ("path", "params", "status", "reason"),
    [
        (CLONE_SHARED, {"storage": "ceph-vm"}, 500, "parameter 'storage' not allowed for linked clones"),
        (CLONE_SHARED, {"format": "raw"}, 500, "parameter 'format' not allowed for linked clones"),
        (CLONE_SHARED, {"full": 1, "storage": "nosuch"}, 500, "storage 'nosuch' does not exist"),
        (CLONE_SHARED, {"target": "pve9"}, 500, "no such cluster node 'pve9'"),
        (CLONE_LOCAL, {"target": "pve3"}, 500, "can't clone VM to node 'pve3' (VM uses local storage)"),
        (
            CLONE_SHARED,
            {"full": 1, "storage": "local-lvm", "target": "pve3"},
            500,
            "can't clone to non-shared storage 'local-lvm'",
        ),
        (CLONE_SHARED, {"pool": "nosuch"}, 403, "Permission check failed (pool 'nosuch' does not exist)"),
        (CLONE_SHARED, {"snapname": "nosuch"}, 500, "snapshot 'nosuch' does not exist"),
        ("/nodes/pve2/qemu/9000/clone", {}, 500, "unable to find configuration file for VM 9000 on node 'pve2'"),
    ],
)
def test_a_clone_that_cannot_be_is_refused_at_once(
    api: Api, path: str, params: dict[str, object], status: int, reason: str
) -> None:
    reply = api.call("POST", path, newid=100, **params)
    assert (reply.status, reply.reason) == (status, reason)
    assert 100 not in api.cluster.guests


def test_a_clone_on_shared_storage_may_go_to_another_node(api: Api) -> None:
    assert api.vm(100, target="pve3", full=1) == "/nodes/pve3/qemu/100"


@pytest.mark.req("SBX-03")
def test_a_write_during_a_clone_waits_ten_seconds_and_ends_as_a_timeout() -> None:
    api = Api(conformance_cluster(VirtualClock()))
    api.token = api.cluster.role_tokens["module"]
    api.clone(100, full=1, bwlimit=40000)
    api.clock.advance(1.0)
    reply = api.call("PUT", "/nodes/pve1/qemu/100/config", memory=128)
    assert reply.reason == "can't lock file '/var/lock/qemu-server/lock-100.conf' - got timeout"
    assert reply.seconds == pytest.approx(10.0, abs=0.1)


def test_a_write_that_gets_the_lock_in_time_is_done_late(api: Api) -> None:
    api.clone(100, full=1)
    api.clock.advance(0.5)
    reply = api.call("PUT", "/nodes/pve1/qemu/100/config", memory=2048)
    assert reply.status == 200
    assert 3.0 < reply.seconds < 4.0
    assert api.get("/nodes/pve1/qemu/100/config")["memory"] == "2048"


def test_an_aborted_clone_leaves_nothing_behind(api: Api) -> None:
    before = api.cluster.snapshot_of_state()
    upid = api.clone(100, full=1)
    api.clock.advance(2.0)
    assert api.call("DELETE", f"/nodes/pve1/tasks/{upid}").status == 200
    assert api.end_of(upid).startswith("clone failed: copy failed: command '/usr/bin/qemu-img convert")
    assert api.cluster.snapshot_of_state() == before


def test_clones_that_wait_too_long_for_a_slow_storage_fail(api: Api) -> None:
    slow = api.cluster.storages["ceph-vm"]
    slow.allocation_seconds = 6.0
    ends = [api.end_of(upid) for upid in [api.clone(vmid, full=1) for vmid in (100, 101, 102)]]
    assert ends.count("OK") == 2
    assert [end for end in ends if end != "OK"] == [
        "clone failed: cfs-lock 'storage-ceph-vm' error: got lock request timeout"
    ]


def test_the_firewall_file_is_cloned_too(api: Api) -> None:
    api.call("PUT", "/nodes/pve1/qemu/9000/firewall/options", enable=1, macfilter=0)
    path = api.vm(100)
    options = api.get(path + "/firewall/options")
    assert (options["enable"], options["macfilter"]) == (1, 0)


def test_a_new_vm_is_in_the_clusters_resources_without_a_name_at_first(api: Api) -> None:
    api.clone(100, name="web100")
    api.clock.advance(1.6)

    def listed() -> dict[str, object]:
        return next(item for item in api.get("/cluster/resources", type="vm") if item["vmid"] == 100)

    assert (listed()["status"], "name" in listed()) == ("unknown", False)
    api.clock.advance(10.0)
    assert (listed()["status"], listed()["name"]) == ("stopped", "web100")


@pytest.mark.req("SBX-03")
def test_a_node_that_fails_during_a_clone_leaves_a_locked_stub_that_no_token_can_remove(api: Api) -> None:
    upid = api.clone(100, full=1)
    api.clock.advance(2.0)
    api.cluster.crash_node("pve1")
    assert api.call("GET", f"/nodes/pve1/tasks/{upid}/status").status == 595
    api.cluster.boot_node("pve1")
    assert api.end_of(upid) == "unexpected status"
    api.clock.advance(3600.0)
    assert api.get("/nodes/pve1/qemu/100/config")["lock"] == "clone"
    assert api.call("PUT", "/nodes/pve1/qemu/100/config", memory=128).reason == "VM is locked (clone)"
    assert api.task("DELETE", "/nodes/pve1/qemu/100", purge=1) == "VM is locked (clone)"
    assert api.call("DELETE", "/nodes/pve1/qemu/100", skiplock=1).status == 400
