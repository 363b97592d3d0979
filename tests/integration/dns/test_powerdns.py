"""The adapter against a real PowerDNS: what is sent, and what the world resolves afterwards."""

from ipaddress import ip_address

import pytest

from providers.dns import RecordSet
from providers.dns.powerdns import FEW, PowerDnsZone
from providers.errors import NotFound, Rejected
from tests.powerdns_server import PowerDns

from .conftest import Open, Wire


def name_in(zone: PowerDnsZone, label: str = "vm") -> str:
    return f"{label}.{zone.name}"


# ---- what the world resolves


def test_addresses_resolve_by_name(powerdns: PowerDns, zone: PowerDnsZone) -> None:
    vm = name_in(zone)
    zone.store([RecordSet(vm, "A", ("192.0.2.1",)), RecordSet(vm, "AAAA", ("2001:db8::1", "2001:db8::2"))])
    assert (powerdns.ask(vm, "A"), powerdns.ask(vm, "AAAA")) == (["192.0.2.1"], ["2001:db8::1", "2001:db8::2"])


@pytest.mark.parametrize(
    ("reverse", "address"),
    [
        ("2.0.192.in-addr.arpa", "192.0.2.17"),
        ("51.198.in-addr.arpa", "198.51.100.5"),
        ("8.b.d.0.1.0.0.2.ip6.arpa", "2001:db8:1:2:3:4:5:6"),
        ("0." * 22 + "8.b.d.0.1.0.0.2.ip6.arpa", "2001:db8::50"),
    ],
    ids=["IPv4 /24", "IPv4 /16", "IPv6 /32", "IPv6 /120"],
)
def test_pointers_resolve_by_address(powerdns: PowerDns, open_zone: Open, reverse: str, address: str) -> None:
    zone = open_zone(powerdns.create_zone(reverse))
    pointer = ip_address(address).reverse_pointer
    assert zone.store([RecordSet(pointer, "PTR", ("vm-123.puqcloud.com",))]) == {}
    assert powerdns.ask(pointer, "PTR") == ["vm-123.puqcloud.com."]
    assert zone.fetch([(pointer, "PTR")]) == {(pointer, "PTR"): {"vm-123.puqcloud.com"}}


@pytest.mark.req("DNS-47")
def test_a_classless_reverse_zone_works_in_spite_of_the_slash_in_its_name(
    powerdns: PowerDns, open_zone: Open, wire: Wire
) -> None:
    zone = open_zone(powerdns.create_zone("0/26.113.0.203.in-addr.arpa"))
    zone.test()
    pointer = RecordSet(f"5.{zone.name}", "PTR", ("vm.example.com",))
    assert zone.store([pointer]) == {}
    assert powerdns.ask(pointer.name, "PTR") == ["vm.example.com."]
    assert zone.fetch([pointer.key]) == {pointer.key: {"vm.example.com"}}
    assert {request.path_url.partition("?")[0].rpartition("/")[2] for request in wire.sent} == {
        "0=2F26.113.0.203.in-addr.arpa."
    }


def test_deleted_names_do_not_resolve_any_more(powerdns: PowerDns, zone: PowerDnsZone) -> None:
    vm = name_in(zone)
    zone.store([RecordSet(vm, "A", ("192.0.2.1",))])
    assert powerdns.ask(vm, "A") == ["192.0.2.1"]
    zone.store([RecordSet(vm, "A")])
    assert powerdns.ask(vm, "A") == []


def test_changed_values_resolve_at_once(powerdns: PowerDns, zone: PowerDnsZone) -> None:
    vm = name_in(zone)
    zone.store([RecordSet(vm, "A", ("192.0.2.1",))])
    assert powerdns.ask(vm, "A") == ["192.0.2.1"]
    zone.store([RecordSet(vm, "A", ("192.0.2.2",))])
    assert powerdns.ask(vm, "A") == ["192.0.2.2"]


# ---- what is sent


@pytest.mark.req("DNS-50")
def test_many_record_sets_are_one_request(powerdns: PowerDns, zone: PowerDnsZone, wire: Wire) -> None:
    sets = [RecordSet(name_in(zone, f"vm{number}"), "A", (f"192.0.2.{number}",)) for number in range(100)]
    assert zone.store(sets) == {}
    assert wire.methods == ["PATCH"]
    assert len(powerdns.held(zone.name)) == 100


def test_nothing_to_store_is_no_request(zone: PowerDnsZone, wire: Wire) -> None:
    assert zone.store([]) == {}
    assert wire.sent == []


@pytest.mark.req("DNS-09")
def test_the_key_is_sent_in_its_header_to_the_zone_in_the_rest_api(
    powerdns: PowerDns, zone: PowerDnsZone, wire: Wire
) -> None:
    assert zone.store([RecordSet(name_in(zone), "A", ("192.0.2.1",))]) == {}
    zone.test()
    path = f"/api/v1/servers/localhost/zones/{zone.name}."
    assert [request.path_url for request in wire.sent] == [path, f"{path}?rrsets=false"]
    assert {request.headers["X-API-Key"] for request in wire.sent} == {powerdns.api_key}


@pytest.mark.req("DNS-11")
def test_record_sets_are_replaced_and_deleted_by_name_and_type(
    powerdns: PowerDns, zone: PowerDnsZone, wire: Wire
) -> None:
    vm = name_in(zone)
    powerdns.put(zone.name, vm, "AAAA", "2001:db8::1")
    powerdns.put(zone.name, vm, "A", "192.0.2.8")
    zone.store([RecordSet(vm, "A", ("192.0.2.1",)), RecordSet(vm, "AAAA")])
    replace, delete = wire.changes()
    assert replace == {
        "name": f"{vm}.",
        "type": "A",
        "changetype": "REPLACE",
        "ttl": 3600,
        "records": [{"content": "192.0.2.1", "disabled": False}],
    }
    assert delete == {"name": f"{vm}.", "type": "AAAA", "changetype": "DELETE"}
    assert powerdns.held(zone.name) == {(f"{vm}.", "A"): ["192.0.2.1"]}


@pytest.mark.req("DNS-12")
@pytest.mark.parametrize("value", ["www.example.net", "www.example.net."])
@pytest.mark.parametrize("record_type", ["PTR", "CNAME", "NS"])
def test_host_names_are_sent_with_one_trailing_dot(
    powerdns: PowerDns, zone: PowerDnsZone, wire: Wire, record_type: str, value: str
) -> None:
    vm = name_in(zone)
    assert zone.store([RecordSet(vm, record_type, (value,))]) == {}
    assert wire.changes()[0]["records"][0]["content"] == "www.example.net."
    assert zone.fetch([(vm, record_type)]) == {(vm, record_type): {"www.example.net"}}


@pytest.mark.req("DNS-10")
@pytest.mark.parametrize("spelled", ["{}", "{}.", " {}. "])
def test_a_zone_is_the_same_with_and_without_a_trailing_dot(
    powerdns: PowerDns, zone: PowerDnsZone, open_zone: Open, wire: Wire, spelled: str
) -> None:
    again = open_zone(spelled.format(zone.name.upper()))
    vm = name_in(zone)
    again.test()
    assert again.name == zone.name
    assert again.store([RecordSet(vm, "A", ("192.0.2.1",))]) == {}
    assert zone.fetch([(vm, "A")]) == again.fetch([(vm, "A")]) == {(vm, "A"): {"192.0.2.1"}}
    assert powerdns.ask(vm, "A") == ["192.0.2.1"]


@pytest.mark.parametrize(
    "ending", ["", "/", "/api", "/api/v1", "/api/v1/", "/api/v1/servers/localhost", "/api/v1/servers/localhost/zones/"]
)
def test_the_server_may_be_given_with_any_part_of_the_apis_path(
    powerdns: PowerDns, zone: PowerDnsZone, ending: str
) -> None:
    PowerDnsZone(zone.name, f" {powerdns.url}{ending} ", powerdns.api_key).test()


def test_a_key_that_was_pasted_with_a_line_break_works(powerdns: PowerDns, zone: PowerDnsZone) -> None:
    PowerDnsZone(zone.name, powerdns.url, f" {powerdns.api_key}\r\n").test()


# ---- what is refused


def test_when_one_record_set_is_refused_the_others_are_sent_singly_and_resolve(
    powerdns: PowerDns, zone: PowerDnsZone, wire: Wire
) -> None:
    bad = RecordSet(name_in(zone, "bad"), "A", ("192.0.2.256",))
    first, last = name_in(zone, "first"), name_in(zone, "last")
    failed = zone.store([RecordSet(first, "A", ("192.0.2.1",)), bad, RecordSet(last, "AAAA", ("2001:db8::1",))])
    assert list(failed) == [bad.key]
    assert isinstance(failed[bad.key], Rejected)
    assert f"Record {bad.name}./A '192.0.2.256'" in str(failed[bad.key])
    assert (powerdns.ask(first, "A"), powerdns.ask(last, "AAAA")) == (["192.0.2.1"], ["2001:db8::1"])
    assert wire.methods == ["PATCH"] * 4


def test_a_single_record_set_that_is_refused_is_sent_once(zone: PowerDnsZone, wire: Wire) -> None:
    assert len(zone.store([RecordSet(name_in(zone), "A", ("192.0.2.256",))])) == 1
    assert wire.methods == ["PATCH"]


def test_a_name_outside_of_the_zone_is_refused_in_powerdnss_words(zone: PowerDnsZone) -> None:
    outside = RecordSet("vm.example.net", "A", ("192.0.2.1",))
    assert "RRset vm.example.net. IN A: Name is out of zone" in str(zone.store([outside])[outside.key])


def test_an_alias_in_the_way_is_told_in_powerdnss_words(powerdns: PowerDns, zone: PowerDnsZone) -> None:
    vm = name_in(zone)
    powerdns.put(zone.name, vm, "CNAME", "www.example.net.")
    error = zone.store([RecordSet(vm, "A", ("192.0.2.1",))])[vm, "A"]
    assert f"RRset {vm}. IN A: Conflicts with pre-existing RRset" in str(error)
    assert error.who == "admin"


def test_a_zone_that_is_not_there_is_told_for_each_record_set(open_zone: Open) -> None:
    zone = open_zone("missing.example")
    sets = [RecordSet("vm.missing.example", "A", ("192.0.2.1",)), RecordSet("vm.missing.example", "AAAA")]
    failed = zone.store(sets)
    assert {key: type(error) for key, error in failed.items()} == {wanted.key: NotFound for wanted in sets}
    with pytest.raises(NotFound):
        zone.fetch([sets[0].key])


# ---- reading


def test_few_names_are_asked_for_one_by_one(zone: PowerDnsZone, wire: Wire) -> None:
    vm, other = name_in(zone), name_in(zone, "other")
    zone.fetch([(vm, "A"), (vm, "AAAA"), (other, "A")])
    asked = sorted(request.path_url.partition("?")[2] for request in wire.sent)
    assert asked == [f"rrset_name={other}.", f"rrset_name={vm}."]


def test_for_many_names_the_zone_is_read_once(zone: PowerDnsZone, wire: Wire) -> None:
    zone.fetch([(name_in(zone, f"vm{number}"), "A") for number in range(FEW + 1)])
    assert [request.path_url.partition("?")[2] for request in wire.sent] == [""]


@pytest.mark.parametrize("others", [0, FEW], ids=["few names", "many names"])
def test_a_disabled_record_is_not_there(powerdns: PowerDns, zone: PowerDnsZone, others: int) -> None:
    vm, off = name_in(zone), name_in(zone, "off")
    powerdns.put(zone.name, vm, "A", "192.0.2.1", disabled=["192.0.2.2"])
    powerdns.put(zone.name, off, "A", disabled=["192.0.2.3"])
    more = [(name_in(zone, f"other{number}"), "A") for number in range(others)]
    found = zone.fetch([(vm, "A"), (off, "A"), *more])
    assert [sorted(found[vm, "A"]), sorted(found[off, "A"])] == [["192.0.2.1"], []]


def test_a_disabled_record_makes_room_for_ours(powerdns: PowerDns, zone: PowerDnsZone) -> None:
    vm = name_in(zone)
    powerdns.put(zone.name, vm, "A", disabled=["192.0.2.1"])
    assert zone.store([RecordSet(vm, "A", ("192.0.2.1",))]) == {}
    assert powerdns.ask(vm, "A") == ["192.0.2.1"]
