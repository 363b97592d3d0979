"""Reverse names that clients and admins choose."""

import json
from ipaddress import ip_address

import pytest

from bridge.dns.reverse import NameRefused
from bridge.models.companion import OutboxMessage, ProductSetting
from bridge.models.module import VmInfo
from bridge.models.whmcs import Service
from providers.errors import AuthFailed
from tests.factories import make_product
from tests.integration.dns.desk import HOST, Desk, host_names, living_service, ptr

pytestmark = pytest.mark.usefixtures("sqlite_db")

FIRST, SECOND, SIX = "192.168.130.6", "192.168.130.7", "2001:0db8:0000:0000:0000:0000:0000:0007"
REVERSE = "130.168.192.in-addr.arpa"


@pytest.fixture
def desk() -> Desk:
    return Desk()


def stored(service: int) -> dict[str, str]:
    names: dict[str, str] = json.loads(VmInfo.get_by_id(service).vm_rev_dns)
    return names


def with_tickets(department: str = "3", flag: str = "on") -> int:
    product = make_product()
    for name, value in (("revdns_ticket", flag), ("revdns_department", department)):
        ProductSetting.create(product_id=product.id, name=name, value=value)
    return int(product.id)


@pytest.mark.req("RDN-15", "RDN-10")
def test_every_address_is_listed_with_its_name_the_primary_one_first(desk: Desk) -> None:
    desk.zone(REVERSE)
    service = living_service(FIRST, SECOND, SIX, names={SECOND: "mail.example.org"})
    listed = desk.reverse.of_service(service)
    assert [(each.ip, each.name, each.served) for each in listed] == [
        (FIRST, HOST, True),
        (SECOND, "mail.example.org", True),
        (SIX, HOST, False),
    ]


@pytest.mark.req("RDN-02", "RDN-05", "RDN-09")
def test_a_new_name_is_stored_and_written_to_every_matching_zone_and_nothing_else_is(desk: Desk) -> None:
    kinds = ("powerdns", "hestiacp", "cloudflare")
    zones, forward = [desk.zone(REVERSE, kind) for kind in kinds], desk.zone("example.com")
    service = living_service(FIRST, SECOND)
    desk.refresh(service, host_names(FIRST, SECOND))
    sent: list[object] = []
    for zone in zones:
        zone._keep = lambda wanted, keep=zone._keep: (sent.append(wanted), keep(wanted))  # type: ignore[method-assign, misc]
    saved = desk.reverse.set(service, {FIRST: HOST, SECOND: "Mail.Example.ORG."}, by_client=True)
    assert [(each.ip, each.name) for each in saved.changed] == [(SECOND, "mail.example.org")]
    assert stored(service) == {FIRST: HOST, SECOND: "mail.example.org"}
    assert len(sent) == 3
    for zone in zones:
        assert zone.records == {ptr(FIRST): {HOST}, ptr(SECOND): {"mail.example.org"}}
    assert forward.stored == 1
    assert desk.outstanding() == []


@pytest.mark.req("RDN-03")
@pytest.mark.parametrize(
    "name",
    [
        "-bad_host",
        "under_score.example.com",
        "localhost",
        "a b.example.com",
        "x" * 64 + ".com",
        "<b>.com",
        "..",
        "192.168.130.6",
    ],
)
def test_what_is_no_host_name_is_refused_and_nothing_is_stored(desk: Desk, name: str) -> None:
    service = living_service(FIRST, SECOND)
    with pytest.raises(NameRefused, match=r"is not a host name like mail\.example\.com"):
        desk.reverse.set(service, {FIRST: "good.example.com", SECOND: name}, by_client=True)
    assert stored(service) == {FIRST: HOST, SECOND: HOST}


@pytest.mark.req("RDN-12")
@pytest.mark.parametrize("ip", ["192.168.130.99", "10.0.0.1", "2001:db8::99"])
def test_an_address_of_somebody_else_is_refused(desk: Desk, ip: str) -> None:
    living_service(ip, domain="other.example.com")
    service = living_service(FIRST)
    with pytest.raises(NameRefused, match=f"{ip} is no address of service {service}"):
        desk.reverse.set(service, {FIRST: "good.example.com", ip: "bad.example.com"}, by_client=True)
    assert stored(service) == {FIRST: HOST}


def test_what_is_no_address_at_all_is_refused(desk: Desk) -> None:
    with pytest.raises(NameRefused, match=r'"1\.2\.3" is no address'):
        desk.reverse.set(living_service(FIRST), {"1.2.3": "a.example.com"}, by_client=True)


@pytest.mark.req("RDN-11")
def test_an_emptied_field_gives_the_vms_own_name_back(desk: Desk) -> None:
    zone = desk.zone(REVERSE)
    service = living_service(FIRST, names={FIRST: "mail.example.org"})
    desk.reverse.set(service, {FIRST: "  "}, by_client=True)
    assert stored(service) == {FIRST: HOST}
    assert zone.records == {ptr(FIRST): {HOST}}


def test_ipv6_is_understood_in_every_notation(desk: Desk) -> None:
    service = living_service(FIRST, SIX)
    desk.reverse.set(service, {"2001:DB8::7": "six.example.org"}, by_client=True)
    assert stored(service) == {FIRST: HOST, SIX: "six.example.org"}


@pytest.mark.parametrize("status", ["terminate", "error_terminate", "remove"])
def test_a_vm_that_is_given_up_takes_no_names(desk: Desk, status: str) -> None:
    service = living_service(FIRST, status=status)
    with pytest.raises(NameRefused, match="has no address"):
        desk.reverse.set(service, {FIRST: "a.example.com"}, by_client=True)


@pytest.mark.req("RDN-06", "RDN-07")
def test_addresses_without_a_zone_go_into_one_ticket_and_the_others_to_the_dns(desk: Desk) -> None:
    zone = desk.zone(REVERSE)
    service = living_service(FIRST, "10.1.2.3", SIX, packageid=with_tickets())
    names = {FIRST: "a.example.org", "10.1.2.3": "b.example.org", SIX: "c.example.org"}
    saved = desk.reverse.set(service, names, by_client=True)
    assert saved.ticket
    assert zone.records == {ptr(FIRST): {"a.example.org"}}
    (message,) = list(OutboxMessage.select())
    ticket = json.loads(message.payload)
    assert (message.kind, message.client_id, ticket["department_id"]) == (
        "ticket",
        Service.get_by_id(service).userid,
        3,
    )
    assert f"service {service}" in ticket["subject"]
    assert ticket["message"].splitlines()[2:] == ["10.1.2.3 -> b.example.org", f"{SIX} -> c.example.org"]
    assert stored(service) == names


@pytest.mark.req("RDN-07")
@pytest.mark.parametrize(("department", "flag"), [("3", "off"), ("", "on")])
def test_without_flag_or_department_there_is_no_ticket(desk: Desk, department: str, flag: str) -> None:
    service = living_service(FIRST, packageid=with_tickets(department, flag))
    assert not desk.reverse.set(service, {FIRST: "a.example.org"}, by_client=True).ticket
    assert OutboxMessage.select().count() == 0


@pytest.mark.req("RDN-06")
def test_where_zones_match_there_is_no_ticket(desk: Desk) -> None:
    desk.zone(REVERSE)
    service = living_service(FIRST, packageid=with_tickets())
    assert not desk.reverse.set(service, {FIRST: "a.example.org"}, by_client=True).ticket
    assert OutboxMessage.select().count() == 0


def test_staff_writes_no_tickets_to_itself(desk: Desk) -> None:
    service = living_service(FIRST, packageid=with_tickets())
    desk.reverse.set(service, {FIRST: "a.example.org"}, by_client=False)
    assert OutboxMessage.select().count() == 0
    assert stored(service) == {FIRST: "a.example.org"}


def test_the_same_wish_a_second_time_is_no_second_ticket(desk: Desk) -> None:
    service = living_service(FIRST, packageid=with_tickets())
    for _ in range(2):
        desk.reverse.set(service, {FIRST: "a.example.org"}, by_client=True)
    assert OutboxMessage.select().count() == 1


@pytest.mark.req("RDN-13")
def test_a_name_that_does_not_lead_back_to_the_address_gives_a_warning(desk: Desk) -> None:
    desk.known["mail.example.org"] = frozenset({ip_address("203.0.113.1")})
    desk.known["right.example.org"] = frozenset({ip_address(SECOND)})
    service = living_service(FIRST, SECOND)
    saved = desk.reverse.set(service, {FIRST: "mail.example.org", SECOND: "right.example.org"}, by_client=True)
    assert [each.warning for each in saved.changed] == [
        f"mail.example.org does not resolve to {FIRST}: set its A record, too",
        "",
    ]


@pytest.mark.req("RDN-13")
def test_where_nobody_knows_there_is_no_warning_nor_for_the_vms_own_name(desk: Desk) -> None:
    desk.known[HOST] = frozenset()
    service = living_service(FIRST, names={FIRST: "mail.example.org"})
    assert desk.reverse.set(service, {FIRST: ""}, by_client=True).changed[0].warning == ""
    assert desk.reverse.set(service, {FIRST: "unknown.example.org"}, by_client=True).changed[0].warning == ""


@pytest.mark.req("RDN-05", "DNS-49")
def test_a_name_that_a_provider_does_not_take_is_stored_shown_as_pending_and_written_later(desk: Desk) -> None:
    zone = desk.zone(REVERSE)
    zone.failing = AuthFailed("dns.example.net: Unauthorized")
    service = living_service(FIRST)
    saved = desk.reverse.set(service, {FIRST: "a.example.org"}, by_client=True)
    assert saved.changed[0].pending == "dns.example.net: Unauthorized"
    assert desk.reverse.of_service(service)[0].pending == "dns.example.net: Unauthorized"
    zone.failing = None
    desk.later()
    assert zone.records == {ptr(FIRST): {"a.example.org"}}
    assert desk.reverse.of_service(service)[0].pending == ""


@pytest.mark.req("RDN-14")
def test_a_process_that_dies_before_it_has_written_a_name_leaves_it_to_the_next_one(desk: Desk) -> None:
    zone = desk.zone(REVERSE)
    service = living_service(FIRST)

    class Dies(BaseException):
        pass

    def die(*arguments: object) -> None:
        raise Dies

    zone.store = die  # type: ignore[method-assign, assignment]
    with pytest.raises(Dies):
        desk.reverse.set(service, {FIRST: "a.example.org"}, by_client=True)
    del zone.store  # type: ignore[method-assign]
    desk.start()
    desk.later(60)
    assert zone.records == {ptr(FIRST): {"a.example.org"}}


@pytest.mark.req("DNS-58")
def test_of_two_names_that_are_saved_at_once_the_one_that_is_stored_is_written(desk: Desk) -> None:
    zone = desk.zone(REVERSE)
    service = living_service(FIRST)
    zone.meanwhile = lambda: desk.another().reverse.set(service, {FIRST: "second.example.org"}, by_client=True)
    desk.reverse.set(service, {FIRST: "first.example.org"}, by_client=True)
    assert stored(service) == {FIRST: "second.example.org"}
    assert zone.records == {ptr(FIRST): {"first.example.org"}}
    desk.later(0.0)
    assert (zone.records, desk.outstanding()) == ({ptr(FIRST): {"second.example.org"}}, [])


@pytest.mark.req("DNS-58")
def test_a_name_that_is_written_while_the_vm_is_terminated_is_deleted_again(desk: Desk) -> None:
    zone = desk.zone(REVERSE)
    service = living_service(FIRST)

    def terminate() -> None:
        VmInfo.update(vm_status="terminate").where(VmInfo.service_id == service).execute()
        desk.another().remove(service, host_names(FIRST))

    zone.meanwhile = terminate
    desk.reverse.set(service, {FIRST: "mail.example.org"}, by_client=True)
    desk.later(0.0)
    assert (zone.records, desk.outstanding()) == ({}, [])


@pytest.mark.req("DNS-50")
def test_two_hundred_names_are_one_request(desk: Desk) -> None:
    zone = desk.zone("8.b.d.0.1.0.0.2.ip6.arpa")
    ips = [f"2001:db8::{number:x}" for number in range(1, 201)]
    service = living_service(*ips)
    saved = desk.reverse.set(service, dict.fromkeys(ips, "mail.example.org"), by_client=True)
    assert (len(saved.changed), len(zone.records), zone.stored) == (200, 200, 1)
    assert desk.outstanding() == []
