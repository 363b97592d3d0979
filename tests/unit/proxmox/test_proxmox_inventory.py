"""What there is in the cluster, and whether we may do our work there."""

import pytest
import responses

from providers.errors import AuthFailed, Rejected, Unavailable
from providers.proxmox import Proxmox
from providers.proxmox.access import NEEDED, NEEDED_SINCE_8, missing_privileges

from .conftest import API, Calls

VMS = [
    {
        "vmid": 100,
        "node": "pve1",
        "name": "web1",
        "status": "running",
        "tags": "a;b",
        "template": 0,
        "type": "qemu",
        "maxmem": 512,
    },
    {"vmid": 101, "node": "pve2", "status": "unknown", "lock": "clone", "type": "qemu"},
    {"vmid": 102, "node": "pve2", "name": "ct", "status": "stopped", "type": "lxc", "template": 0},
    {"vmid": 9000, "node": "pve1", "name": "tmpl", "status": "stopped", "type": "qemu", "template": 1},
]
ALL = {privilege: 1 for group in (NEEDED, NEEDED_SINCE_8) for names in group.values() for privilege in names}


@pytest.fixture
def cluster(net: responses.RequestsMock) -> responses.RequestsMock:
    net.get(f"{API}/cluster/resources", json={"data": VMS})
    return net


def test_one_request_lists_all_guests(cluster: responses.RequestsMock, proxmox: Proxmox, sent: Calls) -> None:
    web, stub, container, template = proxmox.guests()
    assert sent.lines == ["GET /cluster/resources?type=vm"]
    assert (web.name, web.status, web.tags, web.template) == ("web1", "running", {"a", "b"}, False)
    assert (web.maxmem, stub.maxmem) == (512, 0)
    assert (stub.name, stub.status, stub.lock) == ("", "unknown", "clone")
    assert (container.type, template.template) == ("lxc", True)


def test_vmids_of_containers_and_templates_are_used_too(cluster: responses.RequestsMock, proxmox: Proxmox) -> None:
    assert proxmox.used_vmids() == {100, 101, 102, 9000}


def test_a_guest_is_found_wherever_it_is(cluster: responses.RequestsMock, proxmox: Proxmox) -> None:
    found = proxmox.locate(101)
    assert found is not None
    assert found.node == "pve2"
    assert proxmox.locate(555) is None


def test_a_vmid_is_free_or_not(net: responses.RequestsMock, proxmox: Proxmox) -> None:
    taken = {"data": None, "errors": {"vmid": "VM 100 already exists"}, "message": "Parameter verification failed.\n"}
    bad = {"data": None, "errors": {"vmid": "invalid format - value does not look like a valid VM ID\n"}}
    match = responses.matchers.query_param_matcher
    net.get(f"{API}/cluster/nextid", json={"data": "555"}, match=[match({"vmid": "555"})])
    net.get(f"{API}/cluster/nextid", status=400, json=taken, match=[match({"vmid": "100"})])
    net.get(f"{API}/cluster/nextid", status=400, json=bad, match=[match({"vmid": "5"})])
    assert (proxmox.vmid_is_free(555), proxmox.vmid_is_free(100)) == (True, False)
    with pytest.raises(Rejected):
        proxmox.vmid_is_free(5)


def test_nodes_tell_their_free_memory_and_hidden_ones_none(net: responses.RequestsMock, proxmox: Proxmox) -> None:
    rows = [
        {"node": "pve1", "status": "online", "maxmem": 1000, "mem": 300, "cpu": 0.5, "maxcpu": 2, "uptime": 5},
        {"node": "pve2", "status": "offline"},
    ]
    net.get(f"{API}/nodes", json={"data": rows})
    first, second = proxmox.nodes()
    assert (first.name, first.online, first.mem_free, first.mem_total) == ("pve1", True, 700, 1000)
    assert (second.online, second.mem_free) == (False, 0)


def test_storages_of_a_node_are_asked_there(net: responses.RequestsMock, proxmox: Proxmox) -> None:
    row = {"storage": "ceph", "type": "rbd", "content": "images,rootdir", "shared": 1, "enabled": 1, "active": 1}
    off = {"storage": "old", "type": "nfs", "content": "images", "shared": 1, "enabled": 1, "active": 0, "avail": 0}
    iso = {"storage": "iso", "type": "dir", "content": "iso,vztmpl", "shared": 0, "enabled": 1, "active": 1}
    net.get(f"{API}/nodes/pve1/storage", json={"data": [row | {"avail": 70, "total": 100}, off, iso]})
    ceph, old, isos = proxmox.storages("pve1")
    assert (ceph.name, ceph.node, ceph.shared, ceph.avail, ceph.total) == ("ceph", "pve1", True, 70, 100)
    assert (ceph.holds_disks, old.holds_disks, isos.holds_disks) == (True, False, False)


def test_storages_of_all_nodes_come_from_one_request(
    net: responses.RequestsMock, proxmox: Proxmox, sent: Calls
) -> None:
    row = {"storage": "local", "plugintype": "dir", "content": "images", "shared": 0, "maxdisk": 100, "disk": 30}
    rows = [row | {"node": "pve1", "status": "available"}, row | {"node": "pve2", "status": "unknown"}]
    net.get(f"{API}/cluster/resources", json={"data": rows})
    first, second = proxmox.storages()
    assert sent.lines == ["GET /cluster/resources?type=storage"]
    assert (first.node, first.avail, first.active, second.active) == ("pve1", 70, True, False)


def test_bridges_of_a_node(net: responses.RequestsMock, proxmox: Proxmox, sent: Calls) -> None:
    net.get(f"{API}/nodes/pve1/network", json={"data": [{"iface": "vmbr1"}, {"iface": "vmbr0"}]})
    assert proxmox.bridges("pve1") == ["vmbr0", "vmbr1"]
    assert sent.lines == ["GET /nodes/pve1/network?type=any_bridge"]


@pytest.mark.parametrize(
    ("granted", "missing"),
    [
        ({"/": ALL}, []),
        ({"/": dict.fromkeys(ALL, 0)}, ["VM.", "Datastore.", "Sys.Audit", "SDN.Use"]),
        ({"/vms": ALL, "/storage/fast": ALL, "/nodes": ALL, "/sdn/zones/localnetwork": ALL}, []),
        ({"/vms": ALL, "/storage": ALL}, ["Sys.Audit on /nodes", "SDN.Use on /sdn"]),
        ({"/": {name: 1 for name in ALL if name != "VM.Clone"}}, ["VM.Clone on /vms"]),
    ],
)
def test_missing_rights_are_named_with_their_place(granted: dict[str, dict[str, int]], missing: list[str]) -> None:
    found = missing_privileges(granted, NEEDED | NEEDED_SINCE_8)
    assert len(found) == len(missing)
    assert all(expected in line for expected, line in zip(missing, found, strict=True))


def answer(net: responses.RequestsMock, permissions: object, storages: object = ({"storage": "local"},)) -> None:
    net.get(f"{API}/version", json={"data": {"version": "8.4.1"}})
    net.get(f"{API}/access/permissions", json={"data": permissions})
    net.get(f"{API}/nodes", json={"data": [{"node": "pve1", "status": "online"}]})
    net.get(f"{API}/nodes/pve1/status", json={"data": {"uptime": 1}})
    net.get(f"{API}/nodes/pve1/storage", json={"data": list(storages)})  # type: ignore[call-overload]


@pytest.mark.req("SRV-07", "SRV-08", "SRV-09")
def test_the_connection_test_reads_version_rights_node_and_storage(
    net: responses.RequestsMock, proxmox: Proxmox, sent: Calls
) -> None:
    answer(net, {"/": ALL})
    proxmox.test_connection()
    assert [line.split("?")[0] for line in sent.lines] == [
        "GET /version",
        "GET /access/permissions",
        "GET /nodes",
        "GET /nodes/pve1/status",
        "GET /nodes/pve1/storage",
    ]


@pytest.mark.req("SRV-08")
def test_a_wrong_secret_fails_the_connection_test_with_the_apis_message(proxmox: Proxmox) -> None:
    with responses.RequestsMock() as net:
        net.get(f"{API}/version", status=401, json={"message": "invalid token value!"})
        with pytest.raises(AuthFailed, match="invalid token value!"):
            proxmox.test_connection()


@pytest.mark.req("SRV-09")
@pytest.mark.parametrize(
    ("permissions", "words"),
    [
        ({}, "untick Privilege Separation"),
        ({"/vms": ALL, "/storage": ALL}, r"lacks rights .*: Sys\.Audit on /nodes; SDN\.Use"),
    ],
)
def test_missing_rights_fail_the_connection_test(
    net: responses.RequestsMock, proxmox: Proxmox, permissions: object, words: str
) -> None:
    answer(net, permissions)
    with pytest.raises(AuthFailed, match=words) as caught:
        proxmox.test_connection()
    assert caught.value.who == "Proxmox admin"


@pytest.mark.req("SRV-09")
def test_no_visible_storage_fails_the_connection_test(net: responses.RequestsMock, proxmox: Proxmox) -> None:
    answer(net, {"/": ALL}, storages=())
    with pytest.raises(AuthFailed, match="sees no storage on node pve1"):
        proxmox.test_connection()


def test_a_cluster_without_online_nodes_fails_the_connection_test(proxmox: Proxmox) -> None:
    with responses.RequestsMock() as net:
        net.get(f"{API}/version", json={"data": {"version": "8.4.1"}})
        net.get(f"{API}/access/permissions", json={"data": {"/": ALL}})
        net.get(f"{API}/nodes", json={"data": [{"node": "pve1", "status": "offline"}]})
        with pytest.raises(Unavailable, match=r"No node .* is online"):
            proxmox.test_connection()
