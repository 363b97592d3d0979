"""Users, tokens, roles, pools, and what they allow."""

from typing import Any

import pytest

from bridge.sandbox.proxmox.access import Grant
from tests.unit.sandbox_proxmox.api import Api

EVE = "eve@pve"


@pytest.fixture
def admin(api: Api) -> Api:
    """The API as root's token."""
    api.token = api.cluster.access.add_token("root@pam", "admin", secret="top-secret")
    return api


def token_of(api: Api, role: str, *paths: str, user: str = EVE, privsep: bool = False) -> str:
    access = api.cluster.access
    token = access.add_token(user, "t", secret="its-secret", privsep=privsep)
    access.grant(user, role, *paths)
    return token


@pytest.mark.req("SBX-05")
@pytest.mark.parametrize(
    ("method", "path", "params", "refusal"),
    [
        ("GET", "/nodes/pve1/qemu/9000/config", {}, "/vms/9000, VM.Audit"),
        ("GET", "/nodes/pve1/qemu/100/config", {}, "/vms/100, VM.Audit"),
        ("POST", "/nodes/pve1/qemu/9000/status/start", {}, "/vms/9000, VM.PowerMgmt"),
        ("PUT", "/nodes/pve1/qemu/9000/firewall/options", {"enable": 1}, "/vms/9000, VM.Config.Network"),
        ("GET", "/nodes/pve1/qemu/9000/firewall/rules", {}, "/vms/9000, VM.Audit"),
        ("GET", "/nodes/pve1/status", {}, "/nodes/pve1, Sys.Audit"),
        ("GET", "/nodes/pve1/network", {}, None),
        ("GET", "/nodes/pve1/storage/local/content", {}, "/storage/local, Datastore.Audit|Datastore.AllocateSpace"),
        ("DELETE", "/nodes/pve1/storage/local/content/local:iso/x.iso", {}, "/storage/local, Datastore.Allocate"),
        ("GET", "/storage/local", {}, "/storage/local, Datastore.Allocate"),
        ("POST", "/pools", {"poolid": "x"}, "/pool/x, Pool.Allocate"),
        ("POST", "/pools", {"poolid": "x y"}, ", Pool.Allocate"),
        ("POST", "/access/users", {"userid": "a@pve"}, "/access/realm/pve, Realm.AllocateUser"),
        ("PUT", "/access/acl", {"path": "/", "roles": "PVEAdmin", "users": EVE}, "/, Permissions.Modify"),
        ("PUT", "/access/acl", {"path": "/vms/9", "roles": "PVEAdmin"}, "/vms/9, Permissions.Modify|VM.Allocate"),
        ("GET", "/access/permissions", {"userid": "root@pam"}, "/access, Sys.Audit"),
    ],
)
def test_a_token_without_the_right_is_refused_by_path_and_right(
    api: Api, method: str, path: str, params: dict[str, str], refusal: str | None
) -> None:
    api.token = token_of(api, "NoAccess", "/")
    reply = api.call(method, path, **params)
    if refusal is None:
        assert reply.status == 200
    else:
        assert (reply.status, reply.reason) == (403, f"Permission check failed ({refusal})")


@pytest.mark.req("SBX-05")
def test_lists_leave_out_what_the_sender_may_not_see(api: Api) -> None:
    api.vm(100)
    api.token = token_of(api, "PVEAuditor", "/vms/100")
    assert [vm["vmid"] for vm in api.get("/nodes/pve1/qemu")] == [100]
    assert [item["vmid"] for item in api.get("/cluster/resources", type="vm")] == [100]
    assert api.get("/nodes/pve1/storage") == []
    assert api.get("/storage") == []
    assert api.get("/pools") == []
    assert all("mem" not in node for node in api.get("/nodes"))


@pytest.mark.req("SBX-05")
def test_an_image_is_listed_only_for_those_who_may_change_the_disks_of_its_vm(api: Api) -> None:
    api.vm(100)
    content = "/nodes/pve1/storage/ceph-vm/content"
    everything = api.get(content)
    api.token = token_of(api, "PVEAuditor", "/")
    assert api.get(content) == []
    api.cluster.access.grant(EVE, "HostingModule", "/vms/100")
    assert api.get(content) == [v for v in everything if v["vmid"] == 100] != []


@pytest.mark.req("SBX-05")
def test_a_separate_token_has_only_rights_that_it_and_its_user_have(api: Api) -> None:
    api.token = token_of(api, "HostingModule", "/", privsep=True)
    assert api.get("/access/permissions") == {}
    api.cluster.access.grant(f"{EVE}!t", "PVEAuditor", "/vms")
    shown = api.get("/access/permissions")
    assert set(shown) == {"/vms"}
    assert "VM.Audit" in shown["/vms"]
    assert "SDN.Audit" not in shown["/vms"], "the user's role does not have it"


@pytest.mark.parametrize(
    ("grants", "path", "expected"),
    [
        ([("/", "PVEAuditor", True)], "/vms/100", {"VM.Audit": 1}),
        ([("/", "PVEAuditor", False)], "/vms/100", {}),
        ([("/", "PVEAuditor", False)], "/", {"VM.Audit": 0}),
        ([("/", "PVEAuditor", True), ("/vms", "NoAccess", True)], "/vms/100", {}),
        ([("/", "PVEVMAdmin", True), ("/vms", "PVEAuditor", True)], "/vms/101", {"VM.Audit": 1}),
        ([("/", "PVEVMAdmin", True), ("/vms", "PVEAuditor", True)], "/vms/100", {"VM.Audit": 1, "VM.Clone": 0}),
        ([("/vms", "PVEAuditor", True), ("/pool/clients", "NoAccess", True)], "/vms/100", {}),
        ([("/pool/clients", "PVEAuditor", True)], "/vms/100", {"VM.Audit": 0}),
        ([("/pool/clients", "PVEAuditor", True)], "/vms/101", {}),
        ([("/pool/clients", "PVEAuditor", True), ("/vms/100", "NoAccess", True)], "/vms/100", {}),
    ],
)
def test_the_nearest_grant_counts_and_pools_lend_theirs(
    admin: Api, grants: list[tuple[str, str, bool]], path: str, expected: dict[str, int]
) -> None:
    access = admin.cluster.access
    admin.call("POST", "/pools", poolid="clients")
    access.pools["clients"].vms.add(100)
    access.add_token(EVE, "t")
    access.grants += [Grant(where, EVE, role, propagate) for where, role, propagate in grants]
    shown = admin.get("/access/permissions", userid=EVE, path=path).get(path, {})
    assert {k: v for k, v in shown.items() if k in ("VM.Audit", "VM.Clone")} == expected


def test_a_user_made_over_the_api_works_with_its_token_until_it_is_deleted(admin: Api) -> None:
    root = admin.token
    assert admin.call("POST", "/access/users", userid=EVE, comment="doctor").status == 200
    made = admin.call("POST", f"/access/users/{EVE}/token/audit", privsep=0).data
    assert made["full-tokenid"] == f"{EVE}!audit"
    assert admin.call("PUT", "/access/acl", path="/", users=EVE, roles="PVEAuditor").status == 200
    admin.token = f"{made['full-tokenid']}={made['value']}"
    assert admin.call("GET", "/nodes/pve1/qemu/9000/config").status == 200
    assert admin.call("PUT", "/nodes/pve1/qemu/9000/config", cores=2).status == 403
    admin.token = root
    admin.call("PUT", "/access/acl", path="/", users=EVE, roles="PVEAuditor", delete=1)
    assert admin.get("/access/permissions", userid=EVE) == {}
    assert admin.call("DELETE", f"/access/users/{EVE}").status == 200
    assert EVE not in [user["userid"] for user in admin.get("/access/users")]
    admin.token = f"{made['full-tokenid']}={made['value']}"
    assert admin.call("GET", "/version").status == 401


@pytest.mark.parametrize(
    ("method", "path", "params", "reason"),
    [
        ("POST", "/access/users", {"userid": "bridge@pve"}, "create user failed: user 'bridge@pve' already exists"),
        ("GET", "/access/users/nobody@pve/token", {}, "no such user ('nobody@pve')"),
        ("GET", "/access/users/bridge@pve/token/x1", {}, "no such token 'x1' for user 'bridge@pve'"),
        ("PUT", "/access/acl", {"roles": "Nope", "users": "bridge@pve"}, "ACL update failed: role 'Nope' does not exist"),
        ("PUT", "/access/acl", {"roles": "PVEAdmin", "users": "a@pve"}, "ACL update failed: user 'a@pve' does not exist"),
        ("GET", "/pools/nosuch", {}, "pool 'nosuch' does not exist"),
        ("POST", "/pools", {"poolid": "a/b"}, "create pool failed: parent 'a' of pool 'a/b' does not exist"),
        ("POST", "/pools", {"poolid": "9a"}, "create pool failed: pool name must start with a letter"),
        ("PUT", "/pools/nosuch", {"comment": "x"}, "update pools failed: pool 'nosuch' does not exist"),
        ("DELETE", "/pools/nosuch", {}, "delete pool failed: pool 'nosuch' does not exist"),
    ],
)  # fmt: skip
def test_errors_about_users_and_pools_are_worded_as_by_a_node(
    admin: Api, method: str, path: str, params: dict[str, Any], reason: str
) -> None:
    reply = admin.call(method, path, **({"path": "/", **params} if path == "/access/acl" else params))
    assert (reply.status, reply.reason) == (500, reason)


def test_a_vm_is_in_one_pool_and_moves_only_when_told(admin: Api) -> None:
    for name in ("clients", "vip"):
        assert admin.call("POST", "/pools", poolid=name).status == 200
    path = admin.vm(100, pool="clients")
    assert [member["vmid"] for member in admin.get("/pools/clients")["members"]] == [100]
    reply = admin.call("PUT", "/pools/vip", vms=100)
    assert reply.reason.endswith("VM 100 belongs already to pool 'clients' and 'allow-move' is not set")
    assert admin.call("PUT", "/pools/vip", vms=100, allow__move=1).status == 200
    assert admin.get("/pools/clients")["members"] == []
    admin.clock.advance(30)
    assert {item["pool"] for item in admin.get("/cluster/resources", type="vm") if item["vmid"] == 100} == {"vip"}
    assert admin.call("DELETE", "/pools/vip").reason == "delete pool failed: pool 'vip' is not empty (contains VM 100)"
    assert admin.task("DELETE", path) == "OK"
    assert admin.call("DELETE", "/pools/vip").status == 200
    assert admin.get("/pools") == [{"poolid": "clients"}]
