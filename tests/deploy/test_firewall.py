"""Configure firewall: options, policies, and the set that keeps the VM to its own addresses."""

from ipaddress import ip_address

import pytest

from bridge.models.companion import ProductSetting
from bridge.models.whmcs import Service
from tests.deploy.conftest import Install
from tests.deploy.installation import Installation, failed_step, steps

SWITCHES = ("enable", "dhcp", "ndp", "radv", "macfilter", "ipfilter")


def options_of(rig: Installation, service: int) -> dict[str, str]:
    return {key: str(value) for key, value in rig.firewall(service, "options").items() if key != "digest"}


@pytest.mark.req("DEP-33", "CFG-42", "CFG-43", "CFG-44", "CFG-45", "FW-16")
def test_the_options_of_a_product_with_defaults(install: Install) -> None:
    rig = install()
    ProductSetting.delete().where(ProductSetting.name.startswith("fw_")).execute()
    assert options_of(rig, rig.deploy()) == {
        "enable": "1",
        "dhcp": "1",
        "ndp": "1",
        "radv": "0",
        "macfilter": "1",
        "ipfilter": "0",
        "policy_in": "ACCEPT",
        "policy_out": "ACCEPT",
        "log_level_in": "nolog",
        "log_level_out": "nolog",
    }


@pytest.mark.req("CFG-45", "DEP-33", "FW-16")
@pytest.mark.parametrize("switch", SWITCHES)
@pytest.mark.parametrize("value", ["on", "off"])
def test_each_switch(install: Install, switch: str, value: str) -> None:
    rig = install(**{f"fw_{switch}": value})
    assert options_of(rig, rig.deploy())[switch] == str(int(value == "on"))


@pytest.mark.req("CFG-42", "CFG-43", "FW-16")
@pytest.mark.parametrize("direction", ["in", "out"])
@pytest.mark.parametrize("policy", ["ACCEPT", "DROP", "REJECT"])
def test_each_policy(install: Install, direction: str, policy: str) -> None:
    rig = install(**{f"fw_policy_{direction}": policy})
    assert options_of(rig, rig.deploy())[f"policy_{direction}"] == policy


@pytest.mark.req("CFG-44", "FW-16")
@pytest.mark.parametrize("direction", ["in", "out"])
@pytest.mark.parametrize("level", ["nolog", "info", "notice", "warning"])
def test_each_log_level(install: Install, direction: str, level: str) -> None:
    rig = install(**{f"fw_log_{direction}": level})
    assert options_of(rig, rig.deploy())[f"log_level_{direction}"] == level


@pytest.mark.req("DEP-33", "CFG-45", "FW-18", "MIG-17")
def test_the_anti_spoofing_set_holds_exactly_the_addresses_of_the_service(install: Install) -> None:
    rig = install(ipv4_count="2", ipv6_count="2")
    service = rig.deploy()
    row = Service.get_by_id(service)
    held = {ip_address(text) for text in [row.dedicatedip, *row.assignedips.split()]}
    assert len(held) == 4
    assert {ip_address(entry["cidr"]) for entry in rig.firewall(service, "ipset/ipfilter-net0")} == held


@pytest.mark.req("DEP-33")
def test_the_set_is_filled_before_the_firewall_is_switched_on(install: Install) -> None:
    rig = install()
    rig.deploy()
    writes = rig.writes()
    switched_on = next(number for number, call in enumerate(writes) if call.endswith("/firewall/options"))
    filled = [number for number, call in enumerate(writes) if call.startswith("POST") and "/ipset" in call]
    started = next(number for number, call in enumerate(writes) if call.endswith("/status/start"))
    assert filled
    assert max(filled) < switched_on < started


@pytest.mark.req("FW-24", "CFG-45")
def test_a_vm_without_any_address_may_use_none(install: Install) -> None:
    rig = install(ipv4_count="0", ipv6_count="0")
    service = rig.deploy()
    assert [entry["name"] for entry in rig.firewall(service, "ipset")] == ["ipfilter-net0"]
    assert rig.firewall(service, "ipset/ipfilter-net0") == []


@pytest.mark.req("CFG-45")
def test_without_anti_spoofing_there_is_no_set(install: Install) -> None:
    rig = install(fw_antispoofing="off")
    assert rig.firewall(rig.deploy(), "ipset") == []


@pytest.mark.req("FW-17")
@pytest.mark.parametrize(("enable", "flag"), [("on", "1"), ("off", None)])
def test_the_card_goes_through_the_firewall_when_it_is_enabled(install: Install, enable: str, flag: str | None) -> None:
    rig = install(fw_enable=enable)
    template = rig.cluster.guests[9000].config
    template["net0"] = str(template["net0"]).replace(",firewall=1", "" if flag else ",firewall=1")
    service = rig.deploy()
    assert rig.card(service).get("firewall") == flag
    assert options_of(rig, service)["enable"] == (flag or "0")


@pytest.mark.req("FW-21")
def test_a_set_that_is_not_there_needs_no_clearing_and_no_word(install: Install) -> None:
    rig = install(fw_antispoofing="off")
    absent = "no such IPSet 'ipfilter-net0'"
    rig.fault("(GET|DELETE) .*/100/firewall/ipset/ipfilter-net0", status=500, text=absent, times=0)
    rig.deploy()
    assert not any(absent in text for text in [*rig.lines, *rig.module_log()])


@pytest.mark.req("FW-21")
@pytest.mark.parametrize("status", [403, 500])
def test_any_other_trouble_with_clearing_the_set_is_told(install: Install, status: int) -> None:
    rig = install(fw_antispoofing="off")
    rig.fault("(GET|DELETE) .*/100/firewall/ipset/ipfilter-net0", status=status, text="disk on fire")
    service = rig.order()
    line = failed_step(rig.tick())
    assert "Configure firewall" in line
    assert "disk on fire" in line
    assert "disk on fire" in rig.log(service)["error"]


@pytest.mark.req("FW-21")
def test_what_cannot_be_cleared_of_an_earlier_vm_is_in_the_module_log(install: Install) -> None:
    rig = install()
    rig.fault("GET .*/100/firewall/rules", status=403, text="Permission check failed (/vms/100, VM.Config.Network)")
    rig.deploy()
    (row,) = [row for row in rig.module_log() if row.startswith("clear_firewall")]
    assert "Permission check failed" in row


@pytest.mark.req("CFG-40", "CFG-41")
@pytest.mark.parametrize("family", ["dhcp_ipv4", "dhcp_ipv6"])
def test_with_dhcp_of_either_family_nothing_is_applied(install: Install, family: str) -> None:
    rig = install(**{family: "on"})
    service = rig.deploy()
    assert options_of(rig, service) == {}
    assert rig.firewall(service, "ipset") == []
    (line,) = [line for line in steps(rig.lines) if "Configure firewall" in line]
    assert "Configure firewall (skip — DHCP)    success (set_network -> set_firewall)" in line


@pytest.mark.req("ENG-06")
@pytest.mark.parametrize("call", ["POST .*/ipset", "POST .*/ipset/", "PUT .*/firewall/options"])
def test_a_lost_answer_leaves_the_same_firewall(install: Install, call: str) -> None:
    rig = install(ipv4_count="2", ipv6_count="1")
    rig.fault(call, "cut-after")
    service = rig.order()
    rig.run()
    assert len(rig.firewall(service, "ipset/ipfilter-net0")) == 3
    assert options_of(rig, service)["enable"] == "1"
