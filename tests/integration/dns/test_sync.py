"""Records are written into every matching zone, each operation is told, and what fails stops nothing."""

import json
import threading

import pytest

from bridge.models.module import DnsZone, VmInfo
from providers.errors import AuthFailed, Unavailable, Unreached
from tests.integration.dns.desk import HOST, Desk, host_names, living_service, ptr
from tests.memory_zone import MemoryZone

pytestmark = pytest.mark.usefixtures("sqlite_db")

VM = host_names("192.168.130.6", "192.168.130.7", "2001:db8::7")
REVERSE = "130.168.192.in-addr.arpa"


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.mark.req("DNS-02", "DNS-16", "DNS-44")
def test_every_matching_zone_of_every_provider_gets_and_loses_all_records(desk: Desk) -> None:
    forward = [desk.zone("example.com", kind) for kind in ("powerdns", "hestiacp", "cloudflare")]
    reverse = [desk.zone(REVERSE, kind) for kind in ("hestiacp", "powerdns")]
    other = desk.zone("example.org")
    desk.refresh(1, VM)
    for zone in forward:
        assert zone.records == {(HOST, "A"): {"192.168.130.6"}, (HOST, "AAAA"): {"2001:db8::7"}}
    for zone in reverse:
        assert zone.records == {ptr("192.168.130.6"): {HOST}, ptr("192.168.130.7"): {HOST}}
    desk.remove(1, VM)
    assert [zone.records for zone in (*forward, *reverse, other)] == [{}] * 6
    assert other.stored == 0


@pytest.mark.req("DNS-20", "DNS-23", "DNS-24")
def test_the_lines_are_those_of_the_documentation(desk: Desk) -> None:
    desk.zone("example.com", "hestiacp")
    desk.zone("example.com", "powerdns")
    desk.zone(REVERSE, "powerdns")
    desk.zone("8.b.d.0.1.0.0.2.ip6.arpa", "hestiacp")
    desk.zone("unrelated.example.org")
    desk.refresh(1, host_names("192.168.130.6", "2001:db8::7"))
    six = "2001:0db8:0000:0000:0000:0000:0000:0007"
    assert desk.lines == [
        f"fwd-del OK [hestiacp] example.com ← {HOST}",
        f"fwd-del OK [powerdns] example.com ← {HOST}",
        f"rev-del OK [powerdns] {REVERSE} ← 192.168.130.6",
        f"rev-del OK [hestiacp] 8.b.d.0.1.0.0.2.ip6.arpa ← {six}",
        f"fwd OK [hestiacp] example.com ← {HOST} (2 IPs)",
        f"fwd OK [powerdns] example.com ← {HOST} (2 IPs)",
        f"rev OK [powerdns] {REVERSE} ← 192.168.130.6 → {HOST}",
        f"rev OK [hestiacp] 8.b.d.0.1.0.0.2.ip6.arpa ← {six} → {HOST}",
    ]


@pytest.mark.req("DNS-50")
def test_each_zone_is_stored_to_once_whatever_the_number_of_records(desk: Desk) -> None:
    zones = [desk.zone("example.com"), desk.zone(REVERSE), desk.zone("8.b.d.0.1.0.0.2.ip6.arpa")]
    desk.refresh(1, VM)
    assert [zone.stored for zone in zones] == [1, 1, 1]


@pytest.mark.req("DNS-50")
def test_zones_are_worked_on_side_by_side(desk: Desk) -> None:
    """Each waits until all are in: one after the other they would wait for ever."""
    everybody = threading.Barrier(3, timeout=20)

    class Waiting(MemoryZone):
        def store(self, sets):  # type: ignore[no-untyped-def]
            everybody.wait()
            return super().store(sets)

    for name in ("example.com", REVERSE, "8.b.d.0.1.0.0.2.ip6.arpa"):
        desk.zone(name)
    for id_, zone in list(desk.memory.items()):
        desk.memory[id_] = Waiting(zone.name)
    assert desk.refresh(1, VM).forward_ok == 1
    assert all(zone.records for zone in desk.memory.values())


@pytest.mark.req("DNS-28", "DNS-29", "DNS-30")
def test_a_broken_zone_is_told_logged_and_summed_up_and_the_others_get_their_records(desk: Desk) -> None:
    broken = desk.zone("example.com", "cloudflare")
    broken.failing = AuthFailed("api.cloudflare.com: Authentication error (10000)")
    healthy, reverse = desk.zone("example.com", "powerdns"), desk.zone(REVERSE)
    result = desk.refresh(1, VM)
    assert healthy.records
    assert len(reverse.records) == 2
    assert [line for line in desk.lines if " ERR " in line] == [
        f"fwd-del ERR [cloudflare] example.com ← {HOST}: api.cloudflare.com: Authentication error (10000)",
        f"fwd ERR [cloudflare] example.com ← {HOST} (2 IPs): api.cloudflare.com: Authentication error (10000)",
    ]
    assert (result.forward_ok, result.forward_err, result.rev_ok, result.rev_err) == (1, 1, 2, 0)
    request, response = desk.journal.of("dns fwd")[0]
    assert "service 1, zone example.com [cloudflare] (ID 1)" in request
    assert f"{HOST} A 192.168.130.6" in request
    assert response == "api.cloudflare.com: Authentication error (10000)"
    (summary,) = [json.loads(text) for _, text in desk.journal.of("dns_summary")]
    assert summary["forward_err"] == 1
    assert summary["messages"] == [
        f"fwd [cloudflare] example.com ← {HOST} (2 IPs): api.cloudflare.com: Authentication error (10000)"
    ]


@pytest.mark.req("DNS-30")
def test_without_errors_nothing_is_written_to_the_module_log(desk: Desk) -> None:
    desk.zone("example.com")
    desk.refresh(1, VM)
    assert desk.journal.rows == []


@pytest.mark.req("DNS-28")
def test_a_zone_whose_row_makes_no_sense_fails_alone(desk: Desk) -> None:
    DnsZone.create(zone="example.com", type="bind9", server="https://dns.example.net/")
    healthy = desk.zone("example.com")
    desk.refresh(1, VM)
    assert healthy.records
    told = [line for line in desk.lines if line.startswith("fwd ERR")]
    assert told == [
        f'fwd ERR [bind9] example.com ← {HOST} (2 IPs): the type "bind9" is none of cloudflare, hestiacp, powerdns'
    ]


@pytest.mark.req("DNS-28")
@pytest.mark.parametrize("server", ["https://dns.example.net:99999/", "https://[2001:db8::1", "https://me:pa/ss@dns"])
def test_a_zone_whose_address_makes_no_sense_fails_alone_and_quotes_no_password(desk: Desk, server: str) -> None:
    DnsZone.create(zone="example.com", type="powerdns", server=server, api_key="k")
    healthy = desk.zone("example.com")
    desk.refresh(1, VM)
    assert healthy.records
    told = [line for line in desk.lines if line.startswith("fwd ERR")]
    assert told == [
        f"fwd ERR [powerdns] example.com ← {HOST} (2 IPs): its Server URL makes no sense; "
        "it has to be like https://dns.example.com:8081"
    ]


@pytest.mark.req("DNS-37")
def test_nothing_that_is_printed_shows_a_secret_that_the_old_module_left_in_clear(desk: Desk) -> None:
    DnsZone.create(zone="example.com", type="powerdns", server="https://dns.example.net/", api_key="left-in-clear")
    desk.refresh(1, host_names())
    for part in (desk.configured, desk.sync, desk.retries, desk.check, desk.admin, desk.reverse):
        assert "left-in-clear" not in repr(part)


@pytest.mark.req("DNS-57")
def test_an_address_that_another_service_has_reserved_is_left_alone(desk: Desk) -> None:
    """The text of a service of the old module may show an address that is another one's by now."""
    zone = desk.zone(REVERSE)
    holder = living_service("192.168.130.6", domain="holder.example.com")
    desk.refresh(holder, host_names("192.168.130.6", fqdn="holder.example.com"))
    for change in (desk.refresh, desk.remove):
        change(holder + 1, host_names("192.168.130.6", "192.168.130.7"))
        assert zone.records[ptr("192.168.130.6")] == {"holder.example.com"}
    assert ptr("192.168.130.7") not in zone.records
    (about, told), *_ = desk.journal.of("dns_left_alone")
    assert (about, told) == (f"service {holder + 1}", f"6.{REVERSE} PTR: service {holder}")


@pytest.mark.req("DNS-57")
@pytest.mark.parametrize("status", ["remove", None])
def test_a_reservation_that_is_left_over_from_a_service_that_is_gone_is_nobodys(desk: Desk, status: str | None) -> None:
    zone = desk.zone(REVERSE)
    gone = living_service("192.168.130.6")
    if status:
        VmInfo.update(vm_status=status).where(VmInfo.service_id == gone).execute()
    else:
        VmInfo.delete().execute()
    desk.refresh(gone + 1, host_names("192.168.130.6", fqdn="next.example.com"))
    assert zone.records == {ptr("192.168.130.6"): {"next.example.com"}}


@pytest.mark.req("DNS-57")
def test_of_two_services_with_one_host_name_the_other_one_keeps_it(desk: Desk) -> None:
    zone = desk.zone("example.com")
    first, second = living_service("192.168.130.6"), living_service("192.168.130.7")
    desk.refresh(second, host_names("192.168.130.7"))
    desk.refresh(first, host_names("192.168.130.6"))
    VmInfo.update(vm_status="terminate").where(VmInfo.service_id == first).execute()
    desk.remove(first, host_names("192.168.130.6"))
    desk.later(0.0)
    assert (zone.records, desk.outstanding()) == ({(HOST, "A"): {"192.168.130.7"}}, [])


@pytest.mark.req("DNS-59")
def test_a_new_order_that_shows_the_same_name_does_not_hold_it(desk: Desk) -> None:
    """Until its addresses are allocated, a service shows what the client has typed."""
    zone = desk.zone("example.com")
    service = living_service("192.168.130.6")
    desk.refresh(service, host_names("192.168.130.6"))
    living_service(status="creation")
    desk.remove(service, host_names("192.168.130.6"))
    assert zone.records == {}


@pytest.mark.req("DNS-47")
def test_an_alias_in_the_zone_above_a_classless_one_is_left_alone_and_not_told(desk: Desk) -> None:
    above = desk.zone("2.0.192.in-addr.arpa")
    above.aliases.add("5.2.0.192.in-addr.arpa")
    classless = desk.zone("0/26.2.0.192.in-addr.arpa")
    result = desk.refresh(1, host_names("192.0.2.5"))
    assert classless.records == {("5.0/26.2.0.192.in-addr.arpa", "PTR"): {HOST}}
    assert above.records == {}
    assert [line for line in desk.lines if " ERR " in line] == []
    assert (result.rev_ok, result.rev_err, desk.outstanding()) == (1, 0, [])


@pytest.mark.req("DNS-47")
def test_a_zone_above_without_aliases_gets_the_pointer_as_well(desk: Desk) -> None:
    above, classless = desk.zone("2.0.192.in-addr.arpa"), desk.zone("0/26.2.0.192.in-addr.arpa")
    desk.refresh(1, host_names("192.0.2.5"))
    assert above.records == {ptr("192.0.2.5"): {HOST}}
    assert classless.records


def test_an_alias_where_no_classless_zone_explains_it_is_an_error(desk: Desk) -> None:
    zone = desk.zone("example.com")
    zone.aliases.add(HOST)
    assert desk.refresh(1, VM).forward_err == 1


def test_names_that_are_no_host_names_are_left_out(desk: Desk) -> None:
    forward, reverse = desk.zone("example.com"), desk.zone(REVERSE)
    desk.refresh(1, host_names("192.168.130.6", fqdn="not a name", reverse={"192.168.130.6": "-bad-"}))
    assert (forward.records, reverse.records) == ({}, {})


@pytest.mark.req("DNS-22")
def test_zones_and_names_are_compared_in_any_spelling(desk: Desk) -> None:
    zone = desk.zone("Example.COM.")
    zone.name = "example.com"
    desk.refresh(1, host_names("192.168.130.6", fqdn="VM.Example.com."))
    assert ("vm.example.com", "A") in zone.records


@pytest.mark.req("DNS-52")
def test_a_provider_that_cannot_be_reached_is_left_alone_for_half_a_minute(desk: Desk) -> None:
    zone = desk.zone("example.com")
    zone.failing = Unreached("dns.example.net refuses connections")
    desk.refresh(1, VM)
    zone.failing = None
    assert desk.refresh(2, VM).messages[0].endswith("dns.example.net refuses connections")
    assert zone.stored == 1
    desk.clock.advance(31)
    assert desk.refresh(3, VM).forward_ok == 1


@pytest.mark.req("DNS-52")
def test_a_provider_that_answers_with_an_error_is_asked_again_for_the_next_vm(desk: Desk) -> None:
    zone = desk.zone("example.com")
    zone.failing = Unavailable("dns.example.net: database is locked (HTTP 500)")
    desk.refresh(1, VM)
    zone.failing = None
    assert desk.refresh(2, VM).forward_ok == 1
