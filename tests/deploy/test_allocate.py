"""Allocate IP: name, VMID, credentials and addresses are fixed before the VM exists."""

import json
import re
from ipaddress import ip_address

import pytest

from bridge.models.companion import AddressReservation, VmidReservation
from bridge.models.module import IpPool, VmInfo
from bridge.models.whmcs import Server, Service
from tests.deploy.conftest import Install
from tests.deploy.installation import Installation, failed_step


def stopped_after_allocation(rig: Installation, **options: int) -> int:
    """An order that got as far as its addresses; the template's node does not answer to the clone."""
    rig.fault("POST .*/clone", times=0)
    service = rig.order(**options)
    rig.tick()
    assert rig.states()[service] == "set_ip"
    return service


def password_of(rig: Installation, service: int) -> str:
    return rig.whmcs.passwords.decrypt(Service.get_by_id(service).password)


@pytest.mark.req("DEP-11", "CFG-35", "CFG-36")
def test_addresses_of_both_families_are_in_service_and_record(install: Install) -> None:
    rig = install(ipv4_count="2", ipv6_count="1")
    service = stopped_after_allocation(rig)
    row = Service.get_by_id(service)
    assert row.dedicatedip == "192.168.130.2"
    ipv4, ipv6 = row.assignedips.split()
    assert ipv4 == "192.168.130.3"
    assert ip_address(ipv6) == ip_address("2001:db8::2")
    names = json.loads(rig.record(service).vm_rev_dns)
    assert set(names) == {row.dedicatedip, ipv4, ipv6}


@pytest.mark.req("OPT-17", "OPT-18")
def test_the_options_decide_how_many_addresses_there_are(install: Install) -> None:
    rig = install(ipv4_count="2", ipv6_count="1")
    service = rig.order_with({"IPv4 Addresses": "1|one", "IPv6 Addresses": "4|four"})
    rig.run()
    families = [row.family for row in AddressReservation.select().where(AddressReservation.service_id == service)]
    assert sorted(families) == [4, 6, 6, 6, 6]


@pytest.mark.req("CFG-38", "CFG-39")
@pytest.mark.parametrize(("dhcp", "family"), [("dhcp_ipv4", 6), ("dhcp_ipv6", 4)])
def test_a_family_on_dhcp_gets_no_address(install: Install, dhcp: str, family: int) -> None:
    rig = install(**{dhcp: "on"})
    service = stopped_after_allocation(rig)
    held = AddressReservation.select().where(AddressReservation.service_id == service)
    assert {row.family for row in held} == {family}


@pytest.mark.req("DEP-12", "DEP-55", "CLD-09", "CFG-24", "ENG-36")
def test_a_reset_to_creation_keeps_name_vmid_user_password_and_addresses(install: Install) -> None:
    rig = install(vm_name_rule="vm-{random_letter_8}")
    service = stopped_after_allocation(rig)
    record, row, password = rig.record(service), Service.get_by_id(service), password_of(rig, service)

    VmInfo.update(vm_status="creation").where(VmInfo.service_id == service).execute()
    rig.tick()

    again, service_again = rig.record(service), Service.get_by_id(service)
    assert (again.vm_id, again.vm_name, again.vm_rev_dns) == (record.vm_id, record.vm_name, record.vm_rev_dns)
    shown = (row.dedicatedip, row.assignedips, row.username, row.domain)
    assert (
        service_again.dedicatedip,
        service_again.assignedips,
        service_again.username,
        service_again.domain,
    ) == shown
    assert password_of(rig, service) == password


@pytest.mark.req("DEP-55", "DEP-10")
def test_a_reset_to_set_ip_goes_on_with_the_clone(install: Install) -> None:
    rig = install()
    service = stopped_after_allocation(rig)
    rig.cluster.faults.clear()
    VmInfo.update(vm_status="set_ip").where(VmInfo.service_id == service).execute()
    printed = rig.tick()
    first = next(line for line in printed if line.startswith("  ["))
    assert "  1. Clone VM" in first


@pytest.mark.req("CFG-16", "CFG-56", "DEP-53")
@pytest.mark.parametrize("domain", [".example.com", "example.com"])
def test_the_default_name_and_the_full_host_name(install: Install, domain: str) -> None:
    rig = install(main_domain=domain)
    service = stopped_after_allocation(rig)
    name = f"{rig.shop.client_id}-{service}"
    assert rig.record(service).vm_name == name
    assert Service.get_by_id(service).domain == f"{name}.example.com"


@pytest.mark.req("CFG-25")
def test_a_name_rule_with_characters_that_no_host_name_has(install: Install) -> None:
    rig = install(vm_name_rule="Kraków_{client_id}_{service_id}!")
    service = rig.deploy()
    name = rig.record(service).vm_name
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", name)
    assert name.endswith(f"{rig.shop.client_id}-{service}")
    assert rig.config(service)["name"] == name


@pytest.mark.req("CFG-26")
def test_vmids_are_given_in_order_from_the_first_one_and_taken_ones_are_left_out(install: Install) -> None:
    rig = install(first_vm_id="9000", os_template="9000")
    orders = [rig.order() for _ in range(3)]
    rig.run()
    assert [rig.record(service).vm_id for service in orders] == [9002, 9003, 9004]


@pytest.mark.req("CFG-26")
def test_the_first_vmid_is_100_unless_the_product_says_otherwise(install: Install) -> None:
    rig = install()
    assert rig.record(rig.deploy()).vm_id == 100


@pytest.mark.req("CFG-27", "ENG-09")
def test_a_vmid_that_a_row_in_whmcs_holds_is_left_out(install: Install) -> None:
    rig = install()
    VmInfo.create(service_id=4711, vm_status="ready", vm_id=100)
    assert rig.record(rig.deploy()).vm_id == 101


@pytest.mark.req("CFG-27")
def test_a_vmid_of_a_guest_that_the_token_may_not_see_is_left_out(install: Install) -> None:
    rig = install()
    hidden = rig.cluster.guests[100] = rig.cluster.guests[9001]
    del rig.cluster.guests[9001]
    hidden.vmid, hidden.config = 100, {"name": "somebody"}
    access = rig.cluster.access
    access.roles["Nothing"] = frozenset()
    access.grant(rig.cluster.demo_token.partition("!")[0], "Nothing", "/vms/100")
    proxmox = rig.house.hypervisors.for_server(rig.shop.server_id)
    assert 100 not in proxmox.used_vmids()
    service = rig.deploy()
    assert rig.record(service).vm_id == 101
    blocked = VmidReservation.get(VmidReservation.vmid == 100)
    assert blocked.service_id is None


@pytest.mark.req("CFG-28", "DEP-52")
@pytest.mark.parametrize(("configured", "pattern"), [("", r"[a-z][a-z0-9]{7}"), ("debian", "debian")])
def test_the_user_name_of_the_guest_is_that_of_the_service(install: Install, configured: str, pattern: str) -> None:
    rig = install(os_username=configured)
    service = rig.deploy()
    username = Service.get_by_id(service).username
    assert re.fullmatch(pattern, username)
    assert rig.config(service)["ciuser"] == username


@pytest.mark.req("DEP-52", "CLD-04")
def test_the_password_that_whmcs_generated_is_kept_and_set_in_the_guest(install: Install) -> None:
    rig = install()
    service = rig.order()
    password = password_of(rig, service)
    rig.run()
    assert password_of(rig, service) == password
    assert rig.calls("PUT", "/config")[-1].params["cipassword"] == password


@pytest.mark.req("CLD-10", "DEP-52")
def test_a_service_without_a_password_gets_one_of_letters_and_digits(install: Install) -> None:
    rig = install()
    service = rig.order()
    Service.update(password="").where(Service.id == service).execute()
    rig.run()
    password = password_of(rig, service)
    assert re.fullmatch(r"[A-Za-z0-9]{10,}", password)
    assert rig.calls("PUT", "/config")[-1].params["cipassword"] == password


@pytest.mark.req("ENG-21", "DEP-40", "DEP-54", "ENG-36", "INP-08")
@pytest.mark.parametrize(
    ("family", "narrow", "wide"),
    [("IPv4", "192.168.130.2", "192.168.130.254"), ("IPv6", "2001:db8::2", "2001:db8::ff")],
)
def test_without_a_free_address_the_order_waits_for_the_admin_and_then_goes_on(
    install: Install, family: str, narrow: str, wide: str
) -> None:
    rig = install(ipv4_count="2", ipv6_count="2")
    pool = IpPool.type == family.lower()
    IpPool.update(address_stop=narrow).where(pool).execute()
    service = rig.order()
    for _ in range(12):
        printed = rig.tick()
        assert re.search(rf"Allocate IP +.*{family}.*Demo cluster.*\(creation -> creation\)", failed_step(printed))
    assert rig.work(service).attention_who == "admin"
    assert not rig.calls("POST", "/clone")
    assert AddressReservation.select().count() == 0

    IpPool.update(address_stop=wide).where(pool).execute()
    rig.run()
    assert rig.states()[service] == "ready"
    assert rig.work(service).attention_cause is None


LEGACY = """vmbr0|0|10.0.0.5|24|10.0.0.1|10.0.0.1,9.9.9.9
nonsense
vmbr1|30|10.0.1.5|22|10.0.1.1|10.0.1.1
vmbr1|30|10.0.1.6
"""


@pytest.mark.req("SRV-11", "SRV-12", "SRV-13", "SRV-14", "SRV-15", "SRV-18")
def test_a_line_of_the_legacy_list_makes_the_network_of_the_vm(install: Install) -> None:
    rig = install(ipv4_count="1", ipv6_count="0")
    IpPool.delete().execute()
    Server.update(assignedips=LEGACY).execute()
    service = rig.deploy()
    assert Service.get_by_id(service).dedicatedip == "10.0.0.5"
    assert rig.cloudinit(service) == {"ip": "10.0.0.5/24", "gw": "10.0.0.1"}
    assert rig.config(service)["nameserver"] == "10.0.0.1 9.9.9.9"
    assert rig.card(service)["bridge"] == "vmbr0"
    assert "tag" not in rig.card(service)


@pytest.mark.req("SRV-17", "SRV-15")
def test_each_product_gets_the_lines_of_its_own_bridge_and_vlan(install: Install) -> None:
    rig = install(ipv4_count="1", ipv6_count="0", net_auto="off", net_bridge="vmbr1", net_vlan="30")
    IpPool.delete().execute()
    Server.update(assignedips=LEGACY).execute()
    service = rig.deploy()
    assert rig.cloudinit(service) == {"ip": "10.0.1.5/22", "gw": "10.0.1.1"}
    assert (rig.card(service)["bridge"], rig.card(service)["tag"]) == ("vmbr1", "30")


@pytest.mark.req("SRV-18")
def test_when_the_pool_is_used_up_the_legacy_list_goes_on(install: Install) -> None:
    rig = install(ipv4_count="1", ipv6_count="0")
    IpPool.update(address_stop="192.168.130.2").where(IpPool.type == "ipv4").execute()
    Server.update(assignedips=LEGACY).execute()
    first, second = rig.deploy(), rig.deploy()
    assert Service.get_by_id(first).dedicatedip == "192.168.130.2"
    assert Service.get_by_id(second).dedicatedip == "10.0.0.5"


@pytest.mark.req("DEP-54", "DEP-42")
def test_a_service_whose_pool_is_gone_does_not_stop_the_others(install: Install) -> None:
    rig = install(ipv4_count="1", ipv6_count="0")
    lost, healthy = rig.order(), rig.order()
    Service.update(dedicatedip="172.16.0.9").where(Service.id == lost).execute()
    printed = rig.tick()
    assert rig.states() == {lost: "creation", healthy: "ready"}
    assert "172.16.0.9" in failed_step(printed)
