"""Starting and stopping, and what the guest inside does."""

import pytest

from bridge.sandbox.proxmox.storage import BLANK
from tests.unit.sandbox_proxmox.api import Api


@pytest.fixture
def vm(api: Api) -> str:
    """A stopped VM with an address."""
    path = api.vm(100, full=1)
    assert api.call("PUT", path + "/config", ipconfig0="ip=10.0.0.5/24,ip6=2001:db8::5/64").status == 200
    return path


def state(api: Api, vm: str) -> str:
    return str(api.get(vm + "/status/current")["qmpstatus"])


def test_a_start_takes_its_time(api: Api, vm: str) -> None:
    upid = api.call("POST", vm + "/status/start").data
    api.clock.advance(1.0)
    assert state(api, vm) == "stopped"
    assert api.end_of(upid) == "OK"
    assert state(api, vm) == "running"


def test_a_second_start_is_accepted_and_fails_in_its_task(api: Api, vm: str) -> None:
    assert api.task("POST", vm + "/status/start") == "OK"
    assert api.task("POST", vm + "/status/start") == "VM 100 already running"


def test_the_agent_answers_some_seconds_after_the_start(api: Api, vm: str) -> None:
    api.task("POST", vm + "/status/start")
    reply = api.call("POST", vm + "/agent/ping")
    assert (reply.status, reply.reason) == (500, "QEMU guest agent is not running")
    assert reply.seconds == pytest.approx(3.0)
    api.clock.advance(6.0)
    assert api.call("POST", vm + "/agent/ping").data == {"result": {}}


def test_the_guest_has_the_addresses_that_cloud_init_gave_it(api: Api, vm: str) -> None:
    api.task("POST", vm + "/status/start")
    api.clock.advance(10.0)
    cards = api.get(vm + "/agent/network-get-interfaces")["result"]
    mac = api.get(vm + "/config")["net0"].split(",")[0].removeprefix("virtio=").lower()
    eth0 = next(card for card in cards if card["hardware-address"] == mac)
    assert {"10.0.0.5", "2001:db8::5"} <= {address["ip-address"] for address in eth0["ip-addresses"]}


def test_an_unknown_bridge_is_accepted_and_fails_only_at_the_start(api: Api, vm: str) -> None:
    assert api.call("PUT", vm + "/config", net0="virtio,bridge=vmbr9").status == 200
    upid = api.call("POST", vm + "/status/start").data
    assert api.end_of(upid) == "start failed: QEMU exited with code 1"
    assert "bridge 'vmbr9' does not exist" in api.log(upid)
    assert state(api, vm) == "stopped"


@pytest.mark.req("CLD-08")
def test_a_missing_snippet_fails_only_at_the_start(api: Api, vm: str) -> None:
    assert api.call("PUT", vm + "/config", cicustom="user=local:snippets/user-dnsfix.yaml").status == 200
    assert api.task("POST", vm + "/status/start") == "volume 'local:snippets/user-dnsfix.yaml' does not exist"


def test_more_processors_than_the_node_has_fail_at_the_start(api: Api, vm: str) -> None:
    api.call("PUT", vm + "/config", cores=9)
    assert api.task("POST", vm + "/status/start") == "MAX 8 vcpus allowed per VM on this node"


def test_a_guest_that_does_not_obey_outlives_a_shutdown(api: Api, vm: str) -> None:
    for volume in api.cluster.storages["ceph-vm"].on("pve1").values():
        volume.system = BLANK
    api.task("POST", vm + "/status/start")
    assert api.task("POST", vm + "/status/shutdown", timeout=5) == "VM quit/powerdown failed - got timeout"
    assert state(api, vm) == "running"
    assert api.task("POST", vm + "/status/shutdown", timeout=5, forceStop=1) == "OK"
    assert state(api, vm) == "stopped"


@pytest.mark.parametrize("action", ["shutdown", "reboot"])
def test_a_paused_guest_cannot_obey(api: Api, vm: str, action: str) -> None:
    api.task("POST", vm + "/status/start")
    assert api.task("POST", vm + "/status/suspend") == "OK"
    assert api.call("POST", f"{vm}/status/{action}").reason == "VM is paused - cannot shutdown"


def test_a_waiting_shutdown_holds_the_lock_until_a_stop_overrules_it(api: Api, vm: str) -> None:
    for volume in api.cluster.storages["ceph-vm"].on("pve1").values():
        volume.system = BLANK
    api.task("POST", vm + "/status/start")
    waiting = api.call("POST", vm + "/status/shutdown", timeout=60).data
    api.clock.advance(1.0)
    assert api.call("PUT", vm + "/config", description="x").reason.endswith("got timeout")
    assert api.task("POST", vm + "/status/stop", overrule__shutdown=1) == "OK"
    assert api.end_of(waiting) == "received interrupt"


def test_a_reboot_applies_what_is_pending(api: Api, vm: str) -> None:
    api.task("POST", vm + "/status/start")
    api.call("PUT", vm + "/config", memory=2048)
    assert api.task("POST", vm + "/status/reboot") == "OK"
    api.clock.advance(10.0)
    assert state(api, vm) == "running"
    assert api.get(vm + "/config", current=1)["memory"] == "2048"


def test_a_vm_suspended_to_disk_stays_locked_until_it_is_started(api: Api, vm: str) -> None:
    api.task("POST", vm + "/status/start")
    assert api.task("POST", vm + "/status/suspend", todisk=1) == "OK"
    assert api.get(vm + "/config")["lock"] == "suspended"
    assert api.call("PUT", vm + "/config", cores=2).reason == "VM is locked (suspended)"
    assert api.task("POST", vm + "/status/start") == "OK"
    assert "lock" not in api.get(vm + "/config")


@pytest.mark.parametrize("purge", [0, 1])
def test_a_running_vm_is_not_destroyed(api: Api, vm: str, purge: int) -> None:
    api.task("POST", vm + "/status/start")
    reply = api.call("DELETE", vm, purge=purge)
    assert (reply.status, reply.reason) == (500, "VM 100 is running - destroy failed")


def test_a_destroyed_vm_leaves_no_volumes(api: Api, vm: str) -> None:
    assert api.task("DELETE", vm, purge=1) == "OK"
    assert not [name for name in api.cluster.storages["ceph-vm"].on("pve1") if "-100-" in name]
    assert api.get("/cluster/nextid", vmid=100) == "100"
