"""Every request that the client can send is one that Proxmox VE 7.4, 8.4 and 9.2 accept."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import requests
from requests.adapters import BaseAdapter

from bridge.sandbox.proxmox.schema import VERSIONS
from providers.errors import Unavailable
from providers.proxmox import Endpoint, Mark, Proxmox
from providers.proxmox.access import NEEDED, NEEDED_SINCE_8
from providers.proxmox.backup_note import MANUAL
from providers.proxmox.samples import TIMEFRAMES

from .proxmox_wire import Canned, Watched

NOTE = {"text": "before the update", "mark": Mark("a1b2c3", 1001), "purpose": MANUAL, "id": "9f2c4e1a"}
UPID = "UPID:pve1:00007FA0:000A4880:6B033CD2:qmclone:9000:bridge@pve!whmcs:"
ENDPOINT = Endpoint("pve1.example.com", token_id="bridge@pve!whmcs", token_secret="secret")
CHANGES: dict[str, str | int] = {
    "cores": 2,
    "sockets": 1,
    "memory": 2048,
    "name": "web1.example.com",
    "tags": "kvmbridge-a1b2c3-1001",
    "net0": "virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=1,rate=12.5,tag=5",
    "scsi0": "local:100/vm-100-disk-0.qcow2,iops_rd=500,iops_wr=300,mbps_rd=50,mbps_wr=20.5,size=20G",
    "scsi1": "local:20",
    "ipconfig0": "ip=192.0.2.5/24,gw=192.0.2.1,ip6=2001:db8::5/64,gw6=2001:db8::1",
    "nameserver": "192.0.2.53 2001:db8::53",
    "searchdomain": "example.com",
    "ciuser": "root",
    "cipassword": "secret123",
    "sshkeys": "ssh-ed25519 AAAA me@x",
    "onboot": True,
    "description": "kvm-bridge install=a1b2c3 service=1001",
}
FIREWALL: dict[str, str | int] = {
    "enable": 1,
    "dhcp": True,
    "ndp": 1,
    "radv": 0,
    "macfilter": 1,
    "ipfilter": 0,
    "policy_in": "ACCEPT",
    "policy_out": "DROP",
    "log_level_in": "nolog",
    "log_level_out": "info",
}

RULE: dict[str, str | int] = {
    "type": "in",
    "action": "ACCEPT",
    "proto": "tcp",
    "source": "192.0.2.0/24",
    "dest": "198.51.100.7",
    "sport": "1024:65535",
    "dport": "22,80:81",
    "comment": "SSH and web",
}

PRIVILEGES = [name for group in (NEEDED, NEEDED_SINCE_8) for names in group.values() for name in names]

CALLS: dict[str, Callable[[Proxmox], Any]] = {
    "version": lambda p: p.version(),
    "permissions": lambda p: p.permissions(),
    "test_connection": lambda p: p.test_connection(),
    "nodes": lambda p: p.nodes(),
    "guests": lambda p: p.guests(),
    "locate": lambda p: p.locate(100),
    "storages": lambda p: (p.storages(), p.storages("pve1")),
    "bridges": lambda p: p.bridges("pve1"),
    "used_vmids": lambda p: p.used_vmids(),
    "traffic": lambda p: [p.traffic("pve1", 100, frame) for frame in TIMEFRAMES],
    "vmid_is_free": lambda p: p.vmid_is_free(100),
    "config": lambda p: (p.config("pve1", 100), p.config("pve1", 100, current=True)),
    "pending": lambda p: p.pending("pve1", 100),
    "has_feature": lambda p: [p.has_feature("pve1", 9000, name) for name in ("clone", "copy", "snapshot")],
    "clone": lambda p: [
        p.clone("pve1", 9000, 100, name="web1", description="mark", full=full, storage="fast", target="pve2")
        for full in (True, False)
    ],
    "configure": lambda p: p.configure("pve1", 100, CHANGES, delete=["net1", "unused0"], digest="ab" * 20),
    "resize": lambda p: p.resize("pve1", 100, "virtio15", 20 * 2**30),
    "regenerate_cloudinit": lambda p: p.regenerate_cloudinit("pve1", 100),
    "migrate_preconditions": lambda p: p.migrate_preconditions("pve1", 100, "pve2"),
    "migrate": lambda p: (
        p.migrate("pve1", 100, "pve2"),
        p.migrate("pve1", 100, "pve2", targetstorage="fast"),
        p.migrate("pve1", 100, "pve2", targetstorage="a:b,c:d"),
    ),
    "destroy": lambda p: p.destroy("pve1", 100),
    "snapshots": lambda p: p.snapshots("pve1", 100),
    "take_snapshot": lambda p: (
        p.take_snapshot("pve1", 100, "s20260410-035839"),
        p.take_snapshot("pve1", 100, "s20260410-035839", description="before the update", with_ram=True),
    ),
    "roll_back": lambda p: p.roll_back("pve1", 100, "s20260410-035839"),
    "delete_snapshot": lambda p: p.delete_snapshot("pve1", 100, "before_update"),
    "backups": lambda p: p.backups("pve1", "backup", 100, since=5.0),
    "backup": lambda p: p.backup("pve1", 100, "backup", **NOTE),  # type: ignore[arg-type]
    "delete_backup": lambda p: p.delete_backup("pve1", "backup:backup/vm/100/2026-01-01T00:00:00Z"),
    "archived_config": lambda p: p.archived_config("pve1", "backup:backup/vm/100/2026-01-01T00:00:00Z"),
    "restore": lambda p: [
        p.restore("pve1", 100, "backup:backup/vm/100/2026-01-01T00:00:00Z", storage) for storage in (None, "fast")
    ],
    "delete_backups": lambda p: p.delete_backups(100, since=5.0),
    "status": lambda p: p.status("pve1", 100),
    "start": lambda p: p.start("pve1", 100),
    "stop": lambda p: p.stop("pve1", 100),
    "shutdown": lambda p: (p.shutdown("pve1", 100), p.shutdown("pve1", 100, timeout=60)),
    "reboot": lambda p: (p.reboot("pve1", 100), p.reboot("pve1", 100, timeout=60)),
    "reset": lambda p: p.reset("pve1", 100),
    "resume": lambda p: p.resume("pve1", 100),
    "task": lambda p: p.task(UPID),
    "task_log": lambda p: p.task_log(UPID),
    "find_tasks": lambda p: (p.find_tasks("pve1"), p.find_tasks("pve1", type="qmclone", vmid=100, since=1.5)),
    "abort_task": lambda p: p.abort_task(UPID),
    "cluster_firewall_enabled": lambda p: p.cluster_firewall_enabled(),
    "firewall_options": lambda p: p.firewall_options("pve1", 100),
    "set_firewall_options": lambda p: (
        p.set_firewall_options("pve1", 100, FIREWALL, delete=["radv", "ipfilter"]),
        p.set_firewall_options("pve1", 100, {"policy_in": "DROP"}, digest="ab" * 20),
    ),
    "firewall_policies": lambda p: p.firewall_policies("pve1", 100),
    "firewall_rules": lambda p: p.firewall_rules("pve1", 100),
    "add_firewall_rule": lambda p: p.add_firewall_rule("pve1", 100, RULE),
    "move_firewall_rule": lambda p: [p.move_firewall_rule("pve1", 100, 3, to, "ab" * 20) for to in (0, 5)],
    "delete_firewall_rule": lambda p: p.delete_firewall_rule("pve1", 100, 3, "ab" * 20),
    "isos": lambda p: p.isos("pve1", "local"),
    "samples": lambda p: [p.samples("pve1", 100, timeframe) for timeframe in TIMEFRAMES],
    "ipset": lambda p: p.ipset("pve1", 100, "ipfilter-net0"),
    "ensure_ipset": lambda p: p.ensure_ipset("pve1", 100, "ipfilter-net0", ["192.0.2.5/32", "2001:db8::5"]),
    "drop_ipset": lambda p: p.drop_ipset("pve1", 100, "ipfilter-net0"),
    "clear_firewall": lambda p: p.clear_firewall("pve1", 100),
    "agent_ping": lambda p: p.agent_ping("pve1", 100),
    "agent_set_password": lambda p: p.agent_set_password("pve1", 100, "root", "secret123"),
}


def answers(version: str) -> Callable[[str, str, Mapping[str, str]], Any]:
    """Just enough of a cluster for each call to run to its end."""
    good = {
        "/version": {"version": f"{version}.1", "release": version},
        "/nodes": [{"node": "pve1", "status": "online"}],
        "/nodes/pve1/status": {},
        "/nodes/pve1/storage": [{"storage": "local", "type": "dir", "content": "images"}],
        "/access/permissions": {"/": dict.fromkeys(PRIVILEGES, 1)},
        "/nodes/pve1/qemu/100/firewall/rules": [
            {"pos": 0, "type": "in", "action": "ACCEPT", "enable": 1, "digest": "ab" * 20},
            {"pos": 1, "type": "group", "action": "web", "enable": 0, "digest": "ab" * 20},
        ],
        "/nodes/pve1/storage/local/content": [{"volid": "local:iso/debian-12.iso"}],
        "/nodes/pve1/qemu/100/firewall/ipset": [{"name": "old"}],
        "/nodes/pve1/qemu/100/firewall/aliases": [{"name": "office"}],
        "/nodes/pve1/qemu/100/firewall/options": {"enable": 1, "policy_in": "DROP"},
        "/nodes/pve1/qemu/100/firewall/ipset/ipfilter-net0": [
            {"cidr": "10.0.0.0/24"},
            {"cidr": "2001:DB8::7"},
            {"cidr": "office"},
        ],
    }

    def answer(method: str, path: str, params: Mapping[str, str]) -> Any:
        if method != "GET":
            return None if path.endswith(("/config", "/cloudinit")) or "/firewall/" in path else UPID
        if path == "/cluster/resources" and params.get("type") == "storage":
            return [{"storage": "backup", "node": "pve1", "content": "backup", "status": "available", "shared": 1}]
        if path.endswith("/rrddata"):
            return [{"time": 60, "cpu": 0.5}, {"time": 120}]
        if path.endswith("/backup/content"):
            return [{"volid": "backup:backup/vzdump-qemu-100-2026_01_01-00_00_00.vma.zst", "ctime": 7}]
        listed = path.endswith(("/resources", "/network", "/pending", "/tasks", "/log", "/snapshot"))
        return good.get(path, [] if listed else {})

    return answer


@pytest.mark.req("PRV-05")
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", CALLS)
def test_the_api_accepts_what_each_call_sends(name: str, version: str) -> None:
    wire = Watched(Canned(answers(version)), version, check_answers=False)
    CALLS[name](Proxmox(ENDPOINT, adapter=wire))
    assert wire.calls
    assert wire.complaints == []


def test_every_call_of_the_client_is_covered() -> None:
    public = {name for name in dir(Proxmox) if not name.startswith("_") and callable(getattr(Proxmox, name))}
    assert public - {"close"} == set(CALLS)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_watcher_notices_a_wrong_request(version: str) -> None:
    wire = Watched(Canned(lambda *_: None), version, check_answers=False)
    proxmox = Proxmox(ENDPOINT, adapter=wire)
    proxmox.configure("pve1", 100, {"nosuch": 1, "net0": "virtio,bridge=vmbr0,tag=9999"})
    assert any("nosuch" in complaint for complaint in wire.complaints)
    assert any("net0" in complaint for complaint in wire.complaints)


class OutOfReach(BaseAdapter):
    """No node can be reached through the one that is asked."""

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        response = requests.Response()
        response.status_code, response.reason, response._content = 595, "No route to host", b""
        return response

    def close(self) -> None:
        """Nothing is open."""


# What a call about the cluster, a node or a task names in place of a VM and its node.
OTHER_OBJECTS = {
    **dict.fromkeys(("version", "test_connection", "stop"), "the version"),
    **dict.fromkeys(("guests", "locate", "used_vmids"), "the guests"),
    **dict.fromkeys(("storages", "delete_backups"), "the storages"),
    "isos": "the ISO images on storage local on node pve1",
    **dict.fromkeys(("task", "task_log", "abort_task"), f"task {UPID} on node pve1"),
    **dict.fromkeys(("bridges", "find_tasks"), "of node pve1"),
    **dict.fromkeys(
        ("delete_backup", "archived_config"), "backup backup:backup/vm/100/2026-01-01T00:00:00Z on node pve1"
    ),
    "backups": "the backups of VM 100 on storage backup on node pve1",
    "permissions": "our permissions",
    "nodes": "the nodes",
    "vmid_is_free": "VMID 100",
    "has_feature": "of VM 9000 on node pve1",
    "cluster_firewall_enabled": "the datacenter's firewall options",
    **dict.fromkeys(("migrate", "migrate_preconditions"), "VM 100 from node pve1 to node pve2"),
}


@pytest.mark.req("PRV-03")
@pytest.mark.parametrize("name", CALLS)
def test_an_error_names_what_was_tried_on_what_and_where(name: str) -> None:
    with pytest.raises(Unavailable) as caught:
        CALLS[name](Proxmox(ENDPOINT, adapter=OutOfReach()))
    tried, _, cause = str(caught.value).partition(": 595 ")
    assert re.match(r"Could not [a-z]+ \w", tried)
    assert OTHER_OBJECTS.get(name, "VM 100 on node pve1") in tried
    assert cause == "the node could not be reached (No route to host)"
