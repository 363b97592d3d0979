"""Information on real time, through the protocol: what the client's overview and the service page of staff show."""

from typing import Any

import pytest

from bridge.lifecycle import admission as sentences
from bridge.lifecycle.rules import Operation
from bridge.models.companion import AddressReservation
from bridge.models.module import IpPool, VmInfo
from bridge.models.whmcs import Server, Service
from bridge.sandbox.proxmox.schema import VERSIONS
from statemachines import states
from tests.commands.browser import Browser, ask
from tests.commands.conftest import Desk, Open

GIB = 1 << 30


def overview(rig: Desk, service: int) -> Any:
    return Browser(rig).read(service, "information")


def panel(rig: Desk, service: int) -> Any:
    return ask(rig, "/v1/addon/information", {"serviceid": service})


def gets(rig: Desk) -> list[str]:
    """What Proxmox was asked since the last clearing."""
    return [call.path.rpartition("/100")[2] for call in rig.sent]


@pytest.mark.req("CLI-31")
@pytest.mark.parametrize("version", VERSIONS)
def test_the_overview_has_everything_that_it_shows(desk: Open, version: str) -> None:
    rig = desk(version=version, snapshots="3", backups="10")
    service = rig.deploy()
    rig.clock.advance(125)
    VmInfo.update(vm_snapshots=1, vm_backups=4).where(VmInfo.service_id == service).execute()
    rig.sent.clear()
    seen = overview(rig, service)
    assert sorted(gets(rig)) == ["/config", "/status/current"]
    assert (seen["power"], seen["busy"]) == ("running", "")
    assert 125 <= seen["uptime"] < 300
    assert seen["cpu"] == {"percent": 0.0, "cores": 2}
    assert seen["ram"] == {"percent": 2.38, "used": 2 * GIB // 42, "total": 2 * GIB}
    assert seen["system_disk"] == {"size": 20 * GIB, "mbps_rd": 100, "mbps_wr": 0, "iops_rd": 0, "iops_wr": 500}
    assert seen["additional_disk"] == {"size": 10 * GIB, "mbps_rd": 50, "mbps_wr": 0, "iops_rd": 0, "iops_wr": 0}
    assert seen["network"] == {"model": "virtio", "mac": rig.record(service).vm_net0_mac, "mbps": 12}
    assert seen["iso"] == ""
    assert (seen["snapshots"], seen["backups"]) == ({"count": 1, "limit": 3}, {"count": 4, "limit": 10})
    assert seen["domain"] == Service.get_by_id(service).domain
    assert seen["may"]["start"]
    assert seen["form_token"]


@pytest.mark.req("CLI-31")
def test_the_overview_has_the_whole_network_configuration(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    seen, row = overview(rig, service), Service.get_by_id(service)
    others = row.assignedips.split("\n")
    given = AddressReservation.get(AddressReservation.address == row.dedicatedip)
    assert seen["ipv4"] == {
        "addresses": [{"ip": row.dedicatedip, "prefix": given.prefix}, {"ip": others[0], "prefix": given.prefix}],
        "gateway": given.gateway,
        "dhcp": False,
    }
    assert [each["ip"] for each in seen["ipv6"]["addresses"]] == [others[1]]
    assert seen["ipv6"]["gateway"]
    assert 1 <= seen["ipv6"]["addresses"][0]["prefix"] <= 128
    assert len(seen["dns"]) == len(set(seen["dns"])) >= 2


@pytest.mark.req("CLI-31")
def test_what_a_vm_does_not_have_is_none(desk: Open) -> None:
    rig = desk(add_size="0", ipv6_count="0", dhcp_ipv4="on", net_bandwidth="0", sys_mbps_rd="0", sys_iops_wr="0")
    seen = overview(rig, rig.deploy())
    assert seen["additional_disk"] is None
    assert (seen["ipv4"], seen["ipv6"]) == (
        {"addresses": [], "gateway": "", "dhcp": True},
        {"addresses": [], "gateway": "", "dhcp": False},
    )
    assert seen["network"]["mbps"] == 0
    assert {seen["system_disk"][name] for name in ("mbps_rd", "mbps_wr", "iops_rd", "iops_wr")} == {0}


@pytest.mark.req("CLI-31", "ISO-18")
def test_the_mounted_image_is_told_to_client_and_staff(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    rig.cluster.guests[100].config["ide0"] = "none,media=cdrom"
    Browser(rig).press(service, "iso_mount", file="memtest.iso")
    assert (overview(rig, service)["iso"], panel(rig, service)["iso"]) == ("memtest.iso", "memtest.iso")


@pytest.mark.req("CLI-31")
def test_a_stopped_vm_is_told_as_stopped(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    rig.unplug(service)
    seen = overview(rig, service)
    assert (seen["power"], seen["uptime"], seen["ram"]["used"]) == ("stopped", 0, 0)
    assert seen["cpu"] == {"percent": 0.0, "cores": 2}


def test_a_lock_of_proxmox_makes_the_vm_busy(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    rig.cluster.guests[100].config["lock"] = "backup"
    seen = overview(rig, service)
    assert (seen["power"], seen["busy"]) == ("running", sentences.BUSY)
    assert not any(seen["may"].values())
    assert panel(rig, service)["lock"] == "backup"


def test_the_overview_needs_no_permission(desk: Open) -> None:
    rig = desk(
        **{f"client_{name}": "off" for name in ("start", "stop", "charts", "iso", "firewall", "revdns", "novnc")}
    )
    assert overview(rig, rig.deploy())["power"] == "running"


@pytest.mark.parametrize(
    ("state", "busy"),
    [
        (states.SET_NETWORK, "The virtual machine is being set up."),
        (states.CP_CPU_RAM, "The virtual machine is being changed."),
        (states.REINSTALL, "The virtual machine is being reinstalled."),
    ],
)
def test_while_the_vm_is_being_made_or_changed_proxmox_is_not_asked(desk: Open, state: str, busy: str) -> None:
    rig = desk()
    service = rig.deploy()
    VmInfo.update(vm_status=state).where(VmInfo.service_id == service).execute()
    rig.sent.clear()
    seen = overview(rig, service)
    assert rig.sent == []
    assert (seen["power"], seen["cpu"], seen["system_disk"]) == ("", None, None)
    assert seen["busy"] == busy
    assert seen["domain"] == Service.get_by_id(service).domain
    assert len(seen["ipv4"]["addresses"]) == 2


def test_addresses_whose_network_is_not_known_any_more_are_told_bare(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    AddressReservation.update(prefix=None, pool_id=None).execute()
    IpPool.delete().execute()
    Server.update(assignedips="").execute()
    seen = overview(rig, service)
    assert [each["prefix"] for each in seen["ipv4"]["addresses"]] == [0, 0]
    assert seen["ipv4"]["addresses"][0]["ip"] == Service.get_by_id(service).dedicatedip
    assert panel(rig, service)["error"] == ""


@pytest.mark.req("CLI-32")
def test_staff_sees_what_proxmox_has_beside_what_the_package_says(desk: Open) -> None:
    rig = desk(net_auto="off", net_bridge="vmbr0", net_vlan="0")
    service = rig.deploy()
    rig.set_product(cpu="3", sys_size="40", sys_mbps_wr="70", net_bandwidth="25", net_vlan="7")
    rig.sent.clear()
    seen = panel(rig, service)
    assert sorted(gets(rig)) == ["/config", "/pending", "/status/current"]
    assert {name: seen[name] for name in ("vmid", "node", "state", "server", "lock", "pending", "error")} == {
        "vmid": 100,
        "node": "pve1",
        "state": "ready",
        "server": "Demo cluster",
        "lock": "",
        "pending": {},
        "error": "",
    }
    disk = seen["system_disk"]
    assert (disk["interface"], disk["volume"], disk["size"], disk["package"]["size"]) == (
        *("scsi0", "ceph-vm:vm-100-disk-0"),
        *(20 * GIB, 40 * GIB),
    )
    assert (disk["mbps_rd"], disk["mbps_wr"]) == (100, 0)
    assert (disk["package"]["mbps_rd"], disk["package"]["mbps_wr"]) == (100, 70)
    card = seen["network"]
    assert (card["mbps"], card["bridge"], card["vlan"]) == (12, "vmbr0", 0)
    assert card["package"] == {"model": "", "mbps": 25, "bridge": "vmbr0", "vlan": 7}


@pytest.mark.req("CLI-32")
def test_staff_sees_what_waits_for_a_restart(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    proxmox = rig.house.hypervisors.for_server(rig.shop.server_id)
    proxmox.configure("pve1", 100, {"cores": 4})
    assert panel(rig, service)["pending"] == {"cores": "4"}
    rig.unplug(service)
    rig.sent.clear()
    assert panel(rig, service)["pending"] == {}
    assert "/pending" not in gets(rig)


@pytest.mark.req("CLI-32")
def test_staff_reads_why_proxmox_does_not_answer_and_what_the_database_knows(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    rig.fault("/qemu/100|/cluster/resources", status=595, times=0)
    seen = panel(rig, service)
    assert "595 the node could not be reached" in seen["error"]
    assert (seen["vmid"], seen["node"], seen["state"], seen["power"]) == (100, "pve1", "ready", "")
    assert len(seen["ipv4"]["addresses"]) == 2


def test_staff_sees_where_a_vm_that_was_moved_by_hand_is(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    rig.cluster.guests[100].node = "pve2"
    assert panel(rig, service)["node"] == "pve2"


def test_a_product_with_a_setting_that_makes_no_sense_goes_wrong_for_clients_and_is_named_to_staff(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    rig.set_product(snapshots="many")
    assert overview(rig, service) == "Something went wrong"
    assert "snapshots" in panel(rig, service)


def test_a_terminated_service_tells_its_client_nothing(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    assert rig.house.requests.ask(service, Operation.TERMINATE) == "success"
    seen = overview(rig, service)
    assert (seen["power"], seen["busy"]) == ("", sentences.NOT_ACTIVE)
    Service.update(domainstatus="Terminated").where(Service.id == service).execute()
    assert overview(rig, service) == sentences.NOT_ACTIVE


def test_the_panel_of_staff_is_for_staff(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    client = {"type": "client", "id": 1, "session": "a" * 64}
    assert ask(rig, "/v1/addon/information", {"serviceid": service}, client) == "This page is for admins only."
    assert ask(rig, "/v1/addon/charts_data", {"serviceid": service}, client) == "This page is for admins only."
