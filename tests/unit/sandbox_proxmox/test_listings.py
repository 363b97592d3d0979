"""What the cluster tells about itself: nodes, networks, storages and what is on them."""

import json
from typing import Any

import pytest

from bridge.sandbox.proxmox import Request, VirtualClock, demo_cluster
from bridge.sandbox.proxmox.schema import VERSIONS, check_answer
from tests.unit.sandbox_proxmox.api import Api

FW = "/nodes/pve1/qemu/100/firewall"
LISTINGS = [
    "/version",
    "/cluster/resources",
    "/cluster/status",
    "/cluster/tasks",
    "/cluster/nextid",
    "/cluster/firewall/options",
    "/nodes",
    "/nodes/pve1/status",
    "/nodes/pve1/network",
    "/nodes/pve1/qemu",
    "/nodes/pve1/storage",
    "/nodes/pve1/storage/ceph-vm/status",
    "/nodes/pve1/storage/ceph-vm/content",
    "/nodes/pve1/storage/local/content",
    "/nodes/pve1/storage/local/content/local:iso/tiny.iso",
    "/access/permissions",
    "/access/users/bridge@pve/token",
    "/access/users/bridge@pve/token/demo",
    *(FW + part for part in ("", "/options", "/rules", "/rules/0", "/ipset", "/ipset/admins", "/aliases", "/refs")),
    FW + "/aliases/office",
    FW + "/ipset/admins/192.0.2.0/24",
]


def filled(version: str) -> Api:
    """A cluster with a VM, a firewall that holds one of everything, and an ISO."""
    api = Api(demo_cluster(VirtualClock(), version))
    api.vm(100)
    api.call("PUT", FW + "/options", enable=1, policy_in="DROP")
    api.call("POST", FW + "/aliases", name="office", cidr="192.0.2.9", comment="c")
    api.call("POST", FW + "/ipset", name="admins", comment="c")
    api.call("POST", FW + "/ipset/admins", cidr="192.0.2.0/24", nomatch=1)
    api.call("POST", FW + "/rules", type="in", action="ACCEPT", source="office", proto="tcp", dport="22", log="info")
    upload(api, "tiny.iso")
    return api


def upload(api: Api, name: str, size: int = 5000) -> None:
    token, api.token = api.token, api.cluster.access.add_token("root@pam", "upload")
    parts = {"content": (b"iso", ""), "filename": (b"x" * size, f'; filename="{name}"')}
    body = b"".join(
        f'--B\r\nContent-Disposition: form-data; name="{key}"{extra}\r\n\r\n'.encode() + data + b"\r\n"
        for key, (data, extra) in parts.items()
    )
    headers = {"Authorization": f"PVEAPIToken={api.token}", "Content-Type": "multipart/form-data; boundary=B"}
    path = "/api2/json/nodes/pve1/storage/local/upload"
    answer = api.cluster.handle(Request("POST", path, "", body + b"--B--\r\n", headers))
    assert answer.status == 200, answer.reason
    assert api.end_of(json.loads(answer.body)["data"]) == "OK"
    api.token = token


@pytest.mark.req("SBX-06")
@pytest.mark.parametrize("version", VERSIONS)
def test_every_listing_is_valid_in_the_schema_of_its_version(version: str) -> None:
    api = filled(version)
    complaints: dict[str, Any] = {path: check_answer(version, "GET", path, api.get(path)) for path in LISTINGS}
    assert {path: found for path, found in complaints.items() if found} == {}


@pytest.mark.req("SBX-02")
def test_an_id_that_was_named_is_not_reserved(api: Api) -> None:
    first = api.get("/cluster/nextid")
    assert api.get("/cluster/nextid") == first == "100"
    assert api.get("/cluster/nextid", vmid=9002) == "9002"
    assert api.call("GET", "/cluster/nextid", vmid=9000).errors == {"vmid": "VM 9000 already exists"}


def test_a_nodes_status_adds_up(api: Api) -> None:
    status = api.get("/nodes/pve2/status")
    assert status["memory"]["used"] + status["memory"]["free"] == status["memory"]["total"]
    assert status["rootfs"]["used"] + status["rootfs"]["avail"] == status["rootfs"]["total"]
    [listed] = [node for node in api.get("/nodes") if node["node"] == "pve2"]
    assert (listed["mem"], listed["maxmem"]) == (status["memory"]["used"], status["memory"]["total"])


def test_memory_of_a_node_goes_to_the_vms_that_run_there(api: Api) -> None:
    vm = api.vm(100)
    before = api.get("/nodes/pve1/status")["memory"]["used"]
    assert api.task("POST", vm + "/status/start") == "OK"
    assert api.get("/nodes/pve1/status")["memory"]["used"] == before + 1024 * 2**20


def test_one_interface_is_shown_like_in_the_list(api: Api) -> None:
    bridges = api.get("/nodes/pve1/network", type="any_bridge")
    assert [bridge["iface"] for bridge in bridges] == ["vmbr0", "vmbr1"]
    assert {"iface": "vmbr1", **api.get("/nodes/pve1/network/vmbr1")} == bridges[1]
    assert api.call("GET", "/nodes/pve1/network/vmbr9").errors == {"iface": "interface does not exist"}


def test_machine_types_end_with_the_nodes_qemu(api: Api) -> None:
    api.cluster.nodes["pve1"].qemu = "8.1.5"
    versions = [item["version"] for item in api.get("/nodes/pve1/capabilities/qemu/machines") if item["type"] == "q35"]
    assert versions[:2] == ["8.1", "8.0"]
    assert versions[-1] == "2.4"


def test_the_configuration_of_storages_says_where_they_are(api: Api) -> None:
    api.cluster.storages["local-lvm"].nodes = ("pve1", "pve2")
    found = {item["storage"]: item for item in api.get("/storage")}
    assert (found["local"]["path"], found["local-lvm"]["nodes"]) == ("/var/lib/vz", "pve1,pve2")
    assert len({item["digest"] for item in found.values()}) == 1
    assert [item["storage"] for item in api.get("/storage", type="rbd")] == ["ceph-vm"]
    assert [item["storage"] for item in api.get("/nodes/pve3/storage", content="images")] == ["ceph-vm"]


@pytest.mark.req("SBX-01")
def test_removing_a_volume_is_a_task_that_takes_time_and_may_be_repeated() -> None:
    api = filled("8.4")
    api.token = api.cluster.access.add_token("root@pam", "admin")
    path = "/nodes/pve1/storage/local/content/local:iso/tiny.iso"
    upid = api.call("DELETE", path).data
    assert ":imgdel:local:root@pam!admin:" in upid
    assert api.call("GET", path).status == 200, "not yet"
    assert api.end_of(upid) == "OK"
    assert api.call("GET", path).status == 500
    again = api.call("DELETE", path).data
    assert api.end_of(again) == "OK"
    assert "disk image '/var/lib/vz/template/iso/tiny.iso' does not exist" in api.log(again)


def test_a_disk_that_linked_clones_read_from_is_not_removed(api: Api) -> None:
    api.vm(100, full=0)
    api.token = api.cluster.access.add_token("root@pam", "admin")
    path = "/nodes/pve1/storage/ceph-vm/content/ceph-vm:base-9000-disk-0"
    upid = api.call("DELETE", path).data
    assert ":imgdel:9000@ceph-vm:" in upid
    assert api.end_of(upid) == "base volume 'ceph-vm:base-9000-disk-0' is still in use by linked cloned"


def test_an_uploaded_iso_can_be_mounted() -> None:
    api = filled("8.4")
    assert [item["volid"] for item in api.get("/nodes/pve1/storage/local/content", content="iso")] == [
        "local:iso/tiny.iso"
    ]
    assert api.call("PUT", "/nodes/pve1/qemu/100/config", ide0="local:iso/tiny.iso,media=cdrom").status == 200
    assert api.get("/nodes/pve1/qemu/100/config")["ide0"] == "local:iso/tiny.iso,media=cdrom,size=5K"


@pytest.mark.parametrize(
    ("volume", "reason"),
    [
        ("local:garbage", "unable to parse directory volume name 'garbage'"),
        ("nosuch:iso/x.iso", "storage ID missmatch (nosuch != local)"),
        ("iso/gone.iso", "volume_size_info on 'local:iso/gone.iso' failed"),
    ],
)
def test_volumes_that_are_none_are_named(api: Api, volume: str, reason: str) -> None:
    reply = api.call("GET", f"/nodes/pve1/storage/local/content/{volume}")
    assert (reply.status, reply.reason) == (500, reason)
