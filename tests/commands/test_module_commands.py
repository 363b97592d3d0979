"""The buttons of the service page, as WHMCS presses them."""

import re
from typing import Any

import pytest

from bridge.runs import load
from bridge.web.envelope import Call, Envelope
from bridge.web.module import FUNCTIONS
from bridge.web_role import WebServices
from statemachines.commands import COMMANDS, Power
from tests.commands.conftest import Desk, Open
from tests.unit.house.import_graph import ROOT

BUTTONS_PHP = ROOT / "whmcs_shim/modules/servers/puqProxmoxKVM/lib/Buttons.php"
STOPPED_ONLY = {"VMReinstall", "VMSetCpuRam", "VMSetCloudinit", "VMRemove"}


def buttons() -> dict[str, str]:
    """Label -> function, as the shim shows them."""
    return dict(re.findall(r"'([^']+)' => '(VM\w+)'", BUTTONS_PHP.read_text(encoding="utf-8")))


def call(rig: Desk, name: str, service: int, **params: Any) -> str:
    """What WHMCS gets."""
    function = FUNCTIONS[name]
    assert function is not None
    envelope = Envelope(params={"serviceid": service, "userid": 1, **params}, actor={"type": "admin", "id": 1})
    answer = function(WebServices(rig.house), Call(envelope))
    assert isinstance(answer, str)
    return answer


@pytest.mark.req("ADM-02")
def test_two_stars_mark_exactly_the_commands_for_stopped_vms() -> None:
    marked = {function for label, function in buttons().items() if label.startswith("**")}
    stopped = {name for name, command in COMMANDS.items() if command.power is Power.STOPPED}
    assert marked == STOPPED_ONLY == stopped | {"VMReinstall"}


@pytest.mark.req("ADM-01")
def test_every_button_is_served() -> None:
    assert len(buttons()) == 16
    assert [function for function in buttons().values() if FUNCTIONS[function] is None] == []


@pytest.mark.req("ADM-02", "ADM-06", "ADM-10", "CLD-07")
@pytest.mark.parametrize("function", sorted(STOPPED_ONLY))
def test_a_command_for_stopped_vms_is_refused_on_a_running_one(desk: Open, function: str) -> None:
    rig = desk()
    service = rig.deploy()
    rig.sent.clear()
    assert call(rig, function, service).endswith("is possible on a stopped VM only: VM 100 is running")
    assert rig.writes() == []
    assert rig.states()[service] == "ready"


@pytest.mark.req("ADM-02")
@pytest.mark.parametrize("function", sorted(set(buttons().values()) - STOPPED_ONLY - {"VMClone", "VMStop"}))
def test_the_other_commands_work_on_a_running_vm(desk: Open, function: str) -> None:
    rig = desk()
    service = rig.deploy()
    assert call(rig, function, service) == "success"
    rig.run()
    assert rig.power(service) == "running"
    assert rig.states()[service] == "ready"
    assert rig.is_at_rest(service)


@pytest.mark.req("ADM-06")
def test_cpu_and_ram_of_a_stopped_vm_become_those_of_the_package(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    rig.press(service, "VMStop")
    rig.set_product(cpu="3", ram="4")
    assert call(rig, "VMSetCpuRam", service) == "success"
    assert (str(rig.config(service)["cores"]), str(rig.config(service)["memory"])) == ("3", "4096")


@pytest.mark.req("ADM-07")
@pytest.mark.parametrize(
    ("function", "setting", "key"),
    [("VMSetSystemDiskSize", "sys_size", "scsi0"), ("VMSetAdditionalDiskSize", "add_size", "scsi1")],
)
def test_disks_only_grow(desk: Open, function: str, setting: str, key: str) -> None:
    rig = desk()
    service = rig.deploy()
    before = rig.disk(service, key)["size"]
    rig.set_product(**{setting: "5"})
    assert call(rig, function, service) == "success"
    assert rig.disk(service, key)["size"] == before
    rig.set_product(**{setting: "50"})
    assert call(rig, function, service) == "success"
    rig.run()
    assert rig.disk(service, key)["size"] == "50G"


@pytest.mark.req("ADM-08")
@pytest.mark.parametrize(
    ("function", "setting", "key"),
    [("VMSetSystemDiskBandwidth", "sys_mbps_rd", "scsi0"), ("VMSetAdditionalDiskBandwidth", "add_mbps_rd", "scsi1")],
)
def test_limits_are_applied_to_a_running_vm(desk: Open, function: str, setting: str, key: str) -> None:
    rig = desk()
    service = rig.deploy()
    rig.set_product(**{setting: "77"})
    assert call(rig, function, service) == "success"
    assert rig.disk(service, key)["mbps_rd"] == "77"


@pytest.mark.req("NET-06")
def test_the_card_of_a_running_vm_becomes_that_of_the_package(desk: Open) -> None:
    rig = desk(net_auto="off", net_bandwidth="12")
    service = rig.deploy()
    mac = rig.record(service).vm_net0_mac
    rig.set_product(net_bridge="vmbr1", net_vlan="30", net_bandwidth="5", net_model="e1000")
    assert call(rig, "VMSetNetwork", service) == "success"
    assert rig.card(service) == {"e1000": mac, "bridge": "vmbr1", "tag": "30", "rate": "5", "firewall": "1"}
    assert rig.power(service) == "running"


@pytest.mark.req("FW-22")
def test_the_firewall_of_a_running_vm_becomes_that_of_the_package(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    rig.set_product(fw_policy_in="DROP", fw_log_out="info", fw_macfilter="off", fw_antispoofing="off")
    assert call(rig, "VMSetFirewall", service) == "success"
    options = rig.firewall(service, "options")
    assert (options["policy_in"], options["log_level_out"], str(options["macfilter"])) == ("DROP", "info", "0")
    assert rig.firewall(service, "ipset") == []
    rig.set_product(fw_antispoofing="on")
    assert call(rig, "VMSetFirewall", service) == "success"
    assert len(rig.firewall(service, "ipset/ipfilter-net0")) == 3
    assert rig.power(service) == "running"


@pytest.mark.req("ADM-09")
def test_the_additional_disk_is_created_once(desk: Open) -> None:
    rig = desk(add_size="0")
    service = rig.deploy()
    assert "scsi1" not in rig.config(service)
    rig.set_product(add_size="10")
    assert [call(rig, "VMSetCreatedAdditionalDisk", service) for _ in range(2)] == ["success", "success"]
    assert rig.disk(service, "scsi1")["size"] == "10G"
    assert "scsi2" not in rig.config(service)
    assert rig.log(service)["steps"][0]["step"] == "Set Created Additional Disk (skip — exists)"


@pytest.mark.req("ADM-10", "CLD-07")
def test_cloud_init_of_a_stopped_vm_is_written_anew(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    rig.press(service, "VMStop")
    vm = rig.cluster.guests[100]
    wanted = {key: vm.config[key] for key in ("name", "ciuser", "ipconfig0", "nameserver")}
    vm.config |= {"name": "strange", "ciuser": "nobody", "ipconfig0": "ip=dhcp", "nameserver": "192.0.2.1"}
    assert call(rig, "VMSetCloudinit", service) == "success"
    assert {key: vm.config[key] for key in wanted} == wanted


@pytest.mark.req("ADM-04")
def test_addresses_that_the_package_has_more_are_assigned(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    rig.set_product(ipv4_count="3")
    assert call(rig, "VMSetDedicatedIp", service) == "success"
    held = {str(address.ip) for address in rig.house.runs.shop.addresses.held(_vm(service)) if address.family == 4}
    assert len(held) == 3
    assert held <= {entry["cidr"] for entry in rig.firewall(service, "ipset/ipfilter-net0")}


def _vm(service: int) -> Any:
    found = load(service)
    assert found is not None
    return found[0]


@pytest.mark.req("ADM-05")
def test_clone_goes_on_with_the_pipeline_that_stands_before_it(desk: Open) -> None:
    rig = desk()
    rig.fault("POST .*/clone", status=596)
    service = rig.order()
    rig.tick()
    assert rig.states()[service] == "set_ip"
    assert call(rig, "VMClone", service) == "success"
    assert rig.states()[service] != "set_ip"
    assert [task.type for task in rig.cluster.tasks.all()].count("qmclone") == 1
    rig.run()
    assert rig.states()[service] == "ready"


@pytest.mark.req("ADM-05")
def test_a_vm_that_exists_is_not_cloned_again(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    assert call(rig, "VMClone", service) == ("VMClone is not possible: the VM of service 1 is ready (status ready)")


@pytest.mark.req("ADM-11")
def test_the_vm_is_removed_and_its_backups_and_addresses_stay(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    rig.press(service, "VMStop")
    rig.sent.clear()
    assert call(rig, "VMRemove", service) == "success"
    assert 100 not in rig.cluster.guests
    assert rig.states()[service] == "remove"
    assert rig.record(service).vm_id == 100
    assert [write for write in rig.writes() if "/storage/" in write] == []


def test_a_stranger_under_our_vmid_is_not_touched(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    rig.cluster.guests[100].config |= {"description": "somebody else's", "tags": ""}
    rig.sent.clear()
    assert "does not carry the mark" in call(rig, "VMStop", service)
    assert rig.writes() == []


def test_whmcs_suspends_unsuspends_and_changes_the_password(desk: Open) -> None:
    rig = desk()
    service = rig.deploy()
    assert call(rig, "SuspendAccount", service) == "success"
    rig.run()
    assert rig.power(service) == "stopped"
    assert call(rig, "UnsuspendAccount", service) == "success"
    rig.run()
    assert rig.power(service) == "running"
    rig.clock.advance(600)
    assert call(rig, "ChangePassword", service, password="typed-in-whmcs") == "success"
