"""The anti-spoofing set follows the VM's addresses, also when there are none left."""

import pytest

from bridge.lifecycle.rules import Operation
from tests.lifecycle.conftest import Install
from tests.lifecycle.living import Living


def allowed(rig: Living, service: int) -> list[str] | None:
    """The addresses that the VM may use; None when it may use any."""
    if not rig.firewall(service, "ipset"):
        return None
    return [entry["cidr"] for entry in rig.firewall(service, "ipset/ipfilter-net0")]


def rules(rig: Living, service: int) -> list[tuple[str, str, str]]:
    """The rules in their order."""
    return [(row["type"], row["action"], row.get("dport", "")) for row in rig.firewall(service, "rules")]


def change(rig: Living, service: int, **settings: str) -> None:
    """The package is changed, and the VM follows."""
    rig.set_product(**settings)
    rig.ask_and_run(service, Operation.CHANGE_PACKAGE)


@pytest.mark.req("FW-24", "CP-09", "CP-33")
def test_a_vm_that_loses_its_last_address_may_use_none(install: Install) -> None:
    rig = install(ipv6_count="0")
    service = rig.living()
    change(rig, service, ipv4_count="0")
    assert rig.addresses(service) == []
    assert allowed(rig, service) == []


@pytest.mark.req("FW-24", "CP-09")
def test_a_vm_that_gets_its_first_address_may_use_that_one(install: Install) -> None:
    rig = install(ipv4_count="0", ipv6_count="0")
    service = rig.living()
    assert allowed(rig, service) == []
    change(rig, service, ipv4_count="1")
    assert allowed(rig, service) == rig.addresses(service)


def test_without_anti_spoofing_a_vm_may_use_any_address(install: Install) -> None:
    rig = install()
    service = rig.living()
    change(rig, service, fw_antispoofing="off")
    assert allowed(rig, service) is None


@pytest.mark.req("FW-20")
def test_the_set_of_a_reinstalled_vm_holds_the_addresses_of_the_package_of_today(install: Install) -> None:
    rig = install(ipv4_count="1", ipv6_count="0")
    service = rig.living()
    rig.set_product(ipv4_count="3")
    rig.ask_and_run(service, Operation.CHANGE_PACKAGE)
    rig.ask_and_run(service, Operation.REINSTALL)
    assert allowed(rig, service) == rig.addresses(service)
    assert len(rig.addresses(service)) == 3


@pytest.mark.req("FW-23")
def test_the_client_s_own_rules_survive_a_package_change_in_their_order(install: Install) -> None:
    rig = install()
    service = rig.living()
    proxmox = rig.house.hypervisors.for_server(rig.shop.server_id)
    path = f"nodes/{rig.node(service)}/qemu/100/firewall/rules"
    for port, action in (("22", "ACCEPT"), ("25", "DROP")):
        proxmox._api.post("add", path, {"type": "in", "action": action, "proto": "tcp", "dport": port, "enable": 1})
    before = rules(rig, service)
    assert len(before) == 2
    change(rig, service, fw_policy_in="DROP", ipv4_count="3", cpu="4")
    assert rules(rig, service) == before
    assert rig.firewall(service, "options")["policy_in"] == "DROP"
