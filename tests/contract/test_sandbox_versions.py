"""The sandbox speaks the API of 7.4, 8.4 and 9.2: every answer has the shape that the version's schema promises."""

import re

import pytest

from bridge.sandbox.proxmox import VirtualClock, demo_cluster
from bridge.sandbox.proxmox.routing import routes
from bridge.sandbox.proxmox.schema import VERSIONS, check_answer, load
from tests.unit.sandbox_proxmox.api import Api, Reply


@pytest.fixture(params=VERSIONS)
def api(request: pytest.FixtureRequest) -> Api:
    """A cluster with a running VM 100 that has all that can be asked about; root asks."""
    found = Api(demo_cluster(VirtualClock(), version=request.param))
    found.token = found.cluster.access.add_token("root@pam", "all")
    vm = found.vm(100, full=1)
    firewall = vm + "/firewall"
    for path, params in (
        ("/ipset", {"name": "ipfilter-net0"}),
        ("/ipset/ipfilter-net0", {"cidr": "10.0.0.5"}),
        ("/aliases", {"name": "office", "cidr": "10.0.0.0/24"}),
        ("/rules", {"action": "ACCEPT", "type": "in"}),
    ):
        assert found.call("POST", firewall + path, **params).status == 200
    assert found.call("PUT", vm + "/config", ipconfig0="ip=10.0.0.5/24", tags="a", ciuser="root").status == 200
    assert found.task("POST", vm + "/snapshot", snapname="before") == "OK"
    assert found.task("POST", vm + "/status/start") == "OK"
    found.call("PUT", vm + "/config", memory=2048)
    found.clock.advance(20.0)
    return found


def concrete(template: str, api: Api) -> str:
    """A path of the VM 100 for a path of the schema."""
    names = {"node": "pve1", "vmid": "100", "storage": "ceph-vm", "volume": "ceph-vm:vm-100-disk-0", "pos": "0"}
    names |= {"cidr": "10.0.0.5", "snapname": "before", "upid": api.cluster.tasks.all()[-1].upid}
    names |= {"userid": "root@pam", "tokenid": "all"}
    names["name"] = "office" if "aliases" in template else "ipfilter-net0"
    return re.sub(r"\{(\w+)\}", lambda match: names[match[1]], template)


# What a read needs besides its path.
PARAMS: dict[str, dict[str, object]] = {
    "/nodes/{node}/qemu/{vmid}/feature": {"feature": "clone"},
    "/nodes/{node}/qemu/{vmid}/cloudinit/dump": {"type": "user"},
    "/nodes/{node}/qemu/{vmid}/rrddata": {"timeframe": "hour"},
    "/nodes/{node}/qemu/{vmid}/agent/file-read": {"file": "/etc/hostname"},
    "/nodes/{node}/qemu/{vmid}/agent/exec-status": {"pid": 1},
}
# Answered with an error, or (the log of a VM without one) with an object, as a real node does.
NOT_HERE = (
    "/vzdump/extractconfig",
    "/firewall/log",
    "/vncwebsocket",
    "/mtunnelwebsocket",
    "/agent/exec-status",
    "/agent/file-read",
)


def test_every_read_has_the_shape_of_its_version(api: Api) -> None:
    version, wrong, seen = api.cluster.version, {}, 0
    for method, template in sorted(routes()):
        known = load(version).entry(method, template)
        if method != "GET" or known is None or template.endswith(NOT_HERE):
            continue
        path = concrete(template, api)
        reply: Reply = api.call("GET", path, **PARAMS.get(template, {}))
        complaints = check_answer(version, "GET", path, reply.data)
        seen += 1
        if reply.status != 200 or complaints:
            wrong[template] = (reply.status, reply.reason, complaints)
    assert wrong == {}
    assert seen > 25


@pytest.mark.parametrize(("version", "is_task"), [("7.4", False), ("8.4", True), ("9.2", True)])
def test_resizing_is_a_task_since_8(version: str, is_task: bool) -> None:
    api = Api(demo_cluster(VirtualClock(), version=version))
    vm = api.vm(100, full=1)
    reply = api.call("PUT", vm + "/resize", disk="scsi0", size="10G")
    assert str(reply.data).startswith("UPID:") is is_task
    api.clock.advance(5.0)
    assert api.get(vm + "/config")["scsi0"].endswith("size=10G")


@pytest.mark.parametrize(
    ("version", "privilege"), [("7.4", "VM.Monitor"), ("8.4", "VM.Monitor"), ("9.2", "VM.GuestAgent")]
)
def test_the_agent_needs_the_right_of_its_version(version: str, privilege: str) -> None:
    api = Api(demo_cluster(VirtualClock(), version=version))
    vm = api.vm(100, full=1)
    api.cluster.access.roles["KvmBridge"] = frozenset({"VM.Audit"})
    reply = api.call("POST", vm + "/agent/ping")
    assert (reply.status, privilege in reply.reason) == (403, True)


@pytest.mark.parametrize(("version", "kind"), [("7.4", int), ("8.4", str), ("9.2", str)])
def test_memory_is_a_number_until_7_and_text_since_8(version: str, kind: type) -> None:
    api = Api(demo_cluster(VirtualClock(), version=version))
    assert isinstance(api.get("/nodes/pve1/qemu/9000/config")["memory"], kind)
