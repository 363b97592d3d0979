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
