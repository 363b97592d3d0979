"""Comparing services with what the providers hold, and the list behind dns.php."""

import pytest

from bridge.dns import check
from bridge.dns.listing import DnsList, ListRefused
from bridge.models.module import VmInfo
from bridge.settings import Settings
from providers.errors import AuthFailed, Unreached
from tests.factories import make_product, set_setting
from tests.integration.dns.desk import HOST, Desk, host_names, living_service, ptr

pytestmark = pytest.mark.usefixtures("sqlite_db")

IP = "192.168.130.6"
REVERSE = "130.168.192.in-addr.arpa"


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.mark.req("DNS-51")
def test_where_all_is_right_nothing_differs_and_nothing_is_written(desk: Desk) -> None:
    forward, reverse = desk.zone("example.com"), desk.zone(REVERSE)
    desk.refresh(living_service(IP), host_names(IP))
    assert list(desk.check.differences()) == []
    assert (forward.stored, reverse.stored) == (1, 1)


@pytest.mark.req("DNS-51")
def test_missing_false_and_left_over_records_are_found_and_repaired(desk: Desk) -> None:
    forward, reverse = desk.zone("example.com"), desk.zone(REVERSE)
    service = living_service(IP)
    forward.records[HOST, "A"] = frozenset({"203.0.113.9"})
    forward.records[HOST, "AAAA"] = frozenset({"2001:db8::dead"})
    found = list(desk.check.differences())
    assert sorted(each.line for each in found) == [
        f"service {service}, zone {REVERSE} [powerdns] (ID 2): 6.{REVERSE} PTR is absent, should be {HOST}",
        f"service {service}, zone example.com [powerdns] (ID 1): {HOST} A is 203.0.113.9, should be {IP}",
        f"service {service}, zone example.com [powerdns] (ID 1): {HOST} AAAA is 2001:db8::dead, should be absent",
    ]
    assert desk.check.repair(found) == 3
    assert forward.records == {(HOST, "A"): {IP}}
    assert reverse.records == {ptr(IP): {HOST}}
    assert list(desk.check.differences()) == []
    assert desk.outstanding() == []


@pytest.mark.req("DNS-51")
def test_what_cannot_be_repaired_now_stays_pending(desk: Desk) -> None:
    zone = desk.zone("example.com")
    living_service(IP)
    found = list(desk.check.differences())
    zone.failing = Unreached("dns.example.net refuses connections")
    assert desk.check.repair(found) == 0
    assert desk.outstanding() == [(HOST, "A")]


@pytest.mark.req("DNS-51")
def test_a_broken_zone_keeps_no_other_from_being_repaired_whatever_the_number_of_records(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "BATCH", 2)
    broken, healthy = desk.zone("example.com"), desk.zone(REVERSE)
    for number in range(2, 7):
        living_service(f"192.168.130.{number}", domain=f"vm{number}.example.com")
    found = list(desk.check.differences())
    broken.failing = AuthFailed("dns.example.net: Unauthorized")
    assert desk.check.repair(found) == len(healthy.records) == 5
    assert len(desk.outstanding()) == 5


@pytest.mark.req("DNS-51")
def test_what_else_is_pending_is_not_counted_as_repaired(desk: Desk) -> None:
    forward = desk.zone("example.com")
    pending = living_service("192.168.130.2", domain="other.example.com")
    forward.failing = AuthFailed("dns.example.net: Unauthorized")
    desk.refresh(pending, host_names("192.168.130.2", fqdn="other.example.com"))
    forward.failing = None
    desk.clock.advance(3600)
    living_service(IP)
    (found,) = [each for each in desk.check.differences() if each.wanted.record.name == HOST]
    forward.aliases.add(HOST)
    assert desk.check.repair([found]) == 0


@pytest.mark.req("DNS-51")
def test_a_zone_that_cannot_be_read_is_told_and_not_repaired(desk: Desk) -> None:
    zone = desk.zone("example.com")
    zone.failing = Unreached("dns.example.net refuses connections")
    living_service(IP)
    found = list(desk.check.differences())
    assert {each.line.partition(" is not known: ")[2] for each in found} == {"dns.example.net refuses connections"}
    assert desk.check.repair(found) == 0
    assert desk.outstanding() == []


@pytest.mark.req("DNS-51")
@pytest.mark.parametrize("status", ["creation", "set_ip", "clone", "terminate", "error_terminate", "remove"])
def test_vms_without_records_of_their_own_are_left_out(desk: Desk, status: str) -> None:
    desk.zone("example.com")
    living_service(IP, status=status)
    assert list(desk.check.differences()) == []


@pytest.mark.req("DNS-51")
def test_single_services_can_be_checked(desk: Desk) -> None:
    desk.zone("example.com")
    living_service(IP)
    second = living_service("192.168.130.7", domain="second.example.com")
    assert {each.service_id for each in desk.check.differences([second])} == {second}


@pytest.mark.req("DNS-51")
def test_all_services_are_seen_page_by_page(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "SERVICES_AT_ONCE", 2)
    desk.zone("example.com")
    services = [living_service(f"192.168.130.{n}", domain=f"vm{n}.example.com") for n in range(2, 7)]
    assert [each.service_id for each in desk.check.differences()] == services


@pytest.mark.req("DNS-51", "DNS-47")
def test_an_alias_above_a_classless_zone_is_no_difference(desk: Desk) -> None:
    above = desk.zone("2.0.192.in-addr.arpa")
    above.aliases.add("5.2.0.192.in-addr.arpa")
    desk.zone("0/26.2.0.192.in-addr.arpa")
    service = living_service("192.0.2.5", domain="vm.example.net")
    desk.refresh(service, host_names("192.0.2.5", fqdn="vm.example.net"))
    assert list(desk.check.differences()) == []


@pytest.mark.req("DNS-41")
def test_the_list_has_one_entry_per_address_with_both_names() -> None:
    set_setting("dns_list_allow", "192.0.2.0/24 2001:db8::5")
    living_service(IP, "2001:db8::7", names={IP: "mail.example.org"})
    assert DnsList(Settings()).read("192.0.2.77") == [
        {"forward": HOST, "ip": IP, "reverse": "mail.example.org"},
        {"forward": HOST, "ip": "2001:0db8:0000:0000:0000:0000:0000:0007", "reverse": HOST},
    ]


@pytest.mark.req("DNS-41")
def test_entries_without_a_name_removed_vms_and_other_modules_are_left_out() -> None:
    set_setting("dns_list_allow", "0.0.0.0/0")
    living_service("192.168.130.1", domain="")
    living_service("192.168.130.2", status="remove")
    living_service("192.168.130.3", packageid=make_product(servertype="cpanel").id)
    nameless = living_service("192.168.130.4")
    VmInfo.update(vm_rev_dns="{}").where(VmInfo.service_id == nameless).execute()
    assert DnsList(Settings()).read("192.0.2.1") == []


@pytest.mark.req("DNS-54")
@pytest.mark.parametrize(
    ("allowed", "caller", "reads"),
    [
        ("", "127.0.0.1", False),
        ("192.0.2.10/32", "192.0.2.10", True),
        ("192.0.2.10/32", "192.0.2.11", False),
        ("192.0.2.0/24 2001:db8::/64", "2001:db8::7", True),
        ("192.0.2.0/24", "::ffff:192.0.2.7", True),
        ("0.0.0.0/0", "not an address", False),
        ("0.0.0.0/0", "", False),
    ],
)
def test_only_those_whom_the_setting_names_read_the_list(allowed: str, caller: str, reads: bool) -> None:
    set_setting("dns_list_allow", allowed)
    if reads:
        assert DnsList(Settings()).read(caller) == []
    else:
        with pytest.raises(ListRefused, match="may not read the DNS list"):
            DnsList(Settings()).read(caller)
