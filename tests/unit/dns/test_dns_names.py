"""Which record belongs into which zone."""

from ipaddress import IPv4Address, ip_address

import pytest

from bridge.dns.names import classless_octets, is_reverse, pointer, pointer_in, within, zone_name

NIBBLES = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"


@pytest.mark.req("DNS-17")
@pytest.mark.parametrize(
    ("name", "zone", "matches"),
    [
        ("vm-123.puqcloud.com", "puqcloud.com", True),
        ("vm-123.vps.puqcloud.com", "puqcloud.com", True),
        ("puqcloud.com", "puqcloud.com", True),
        ("vm-123.puqcloud.com", "puq.com", False),
        ("vm-123.puqcloud.com", "cloud.com", False),
        ("vm-123.puqcloud.com", "example.com", False),
    ],
)
def test_a_zone_matches_names_below_it_on_a_border_of_labels(name: str, zone: str, matches: bool) -> None:
    assert within(name, zone) is matches


@pytest.mark.req("DNS-18")
@pytest.mark.parametrize("zone", ["1.168.192.in-addr.arpa", "168.192.in-addr.arpa", "192.in-addr.arpa"])
def test_any_level_of_ipv4_delegation_holds_the_pointer(zone: str) -> None:
    assert pointer_in(ip_address("192.168.1.10"), zone) == "10.1.168.192.in-addr.arpa"


@pytest.mark.req("DNS-18")
@pytest.mark.parametrize("zone", ["2.168.192.in-addr.arpa", "68.192.in-addr.arpa", "in-addr.example.com"])
def test_other_ipv4_zones_do_not(zone: str) -> None:
    assert pointer_in(ip_address("192.168.1.10"), zone) is None


@pytest.mark.req("DNS-21")
@pytest.mark.parametrize("text", ["2001:db8::1", "2001:0DB8:0:0:0:0:0:1", "2001:0db8:0000:0000:0000:0000:0000:0001"])
def test_every_notation_of_ipv6_has_the_same_32_nibbles(text: str) -> None:
    assert pointer(ip_address(text)) == NIBBLES


@pytest.mark.req("DNS-19")
@pytest.mark.parametrize("nibbles", [8, 16, 30, 32])
def test_ipv6_zones_up_to_the_whole_name_match(nibbles: int) -> None:
    zone = NIBBLES.split(".", 32 - nibbles)[-1]
    assert zone.endswith("ip6.arpa")
    assert pointer_in(ip_address("2001:db8::1"), zone) == NIBBLES


@pytest.mark.req("DNS-19")
def test_an_ipv6_zone_matches_whole_nibbles_only() -> None:
    assert pointer_in(ip_address("2001:db8::1"), "b.d.0.1.0.0.2.ip6.arpa") == NIBBLES
    assert pointer_in(ip_address("2001:db8::1"), "d.0.1.0.0.3.ip6.arpa") is None


@pytest.mark.req("DNS-22")
@pytest.mark.parametrize("typed", ["example.com", "example.com.", " Example.COM. ", ".example.com"])
def test_zones_are_compared_without_dots_at_the_ends_and_in_any_case(typed: str) -> None:
    assert zone_name(typed) == "example.com"


@pytest.mark.parametrize("typed", ["", ".", "exa mple.com", "-bad.com", "a..b", "0/26.example.com", "x" * 64 + ".com"])
def test_what_is_no_zone_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="not a domain name"):
        zone_name(typed)


@pytest.mark.req("DNS-14")
@pytest.mark.parametrize(
    ("zone", "reverse"),
    [
        ("130.168.192.in-addr.arpa", True),
        ("8.b.d.0.1.0.0.2.ip6.arpa", True),
        ("in-addr.arpa", True),
        ("example.com", False),
        ("arpa.example.com", False),
        ("myip6.arpa.net", False),
    ],
)
def test_the_name_alone_makes_a_zone_reverse(zone: str, reverse: bool) -> None:
    assert is_reverse(zone) is reverse


@pytest.mark.req("DNS-47")
@pytest.mark.parametrize(
    "zone", ["0/26.2.0.192.in-addr.arpa", "0-26.2.0.192.in-addr.arpa", "0-63.2.0.192.in-addr.arpa"]
)
def test_a_classless_zone_holds_the_last_octet_below_its_own_name(zone: str) -> None:
    assert zone_name(zone + ".") == zone
    assert pointer_in(ip_address("192.0.2.5"), zone) == f"5.{zone}"
    assert pointer_in(ip_address("192.0.2.64"), zone) is None
    assert pointer_in(ip_address("192.0.3.5"), zone) is None


@pytest.mark.req("DNS-47")
@pytest.mark.parametrize(
    ("label", "octets"),
    [
        ("64/26", range(64, 128)),
        ("128/25", range(128, 256)),
        ("248/29", range(248, 256)),
        ("7/32", range(7, 8)),
        ("64-127", range(64, 128)),
        ("0-31", range(0, 32)),
        ("0/31", range(0, 2)),
        ("24-31", range(24, 32)),
        ("32-28", range(32, 48)),
        ("65/26", range(0)),
        ("0/24", range(0)),
        ("0/33", range(0)),
        ("200-300", range(0)),
        ("10-20", range(0)),
        ("5", range(0)),
    ],
)
def test_the_label_of_a_classless_zone_says_which_octets_it_covers(label: str, octets: range) -> None:
    found = classless_octets(f"{label}.2.0.192.in-addr.arpa", IPv4Address("192.0.2.1"))
    assert list(found) == list(octets)
