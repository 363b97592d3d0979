"""The reverse zone of a prefix, as the list of pools and the form show it."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.addresses.reverse_zone import CLASSLESS, ReverseZone, reverse_zone, typed_zone

SCREENSHOT = "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"


def text(prefix: str) -> str:
    return reverse_zone(ip_network(prefix)).text


@pytest.mark.req("IPP-20")
@pytest.mark.parametrize(
    ("prefix", "zone"),
    [
        ("192.168.130.0/24", "130.168.192.in-addr.arpa"),
        ("172.16.0.0/16", "16.172.in-addr.arpa"),
        ("10.0.0.0/8", "10.in-addr.arpa"),
    ],
)
def test_whole_octets_of_ipv4_have_a_zone(prefix: str, zone: str) -> None:
    assert text(prefix) == zone


@pytest.mark.req("IPP-21")
def test_the_zone_of_the_manual_s_ipv6_pool_has_thirty_nibbles() -> None:
    assert text("2001:db8::/120") == SCREENSHOT


@pytest.mark.req("IPP-21")
@pytest.mark.parametrize("length", range(4, 129, 4))
def test_every_multiple_of_four_bits_of_ipv6_has_a_zone(length: int) -> None:
    address = ip_address("2001:db8:1234:5678:9abc:def0:1234:5678")
    zone = text(f"{ip_network(f'{address}/{length}', strict=False)}")
    assert zone == ".".join(address.reverse_pointer.split(".")[32 - length // 4 :])


@pytest.mark.req("IPP-22")
@pytest.mark.parametrize("prefix", ["10.0.0.0/22", "10.0.0.0/28", "10.0.0.0/9", "10.0.0.1/32", "2001:db8::/121"])
def test_other_prefixes_need_a_classless_delegation(prefix: str) -> None:
    assert text(prefix) == CLASSLESS == "classless delegation required"
    assert reverse_zone(ip_network(prefix)).name == ""


@pytest.mark.req("IPP-22")
@given(st.integers(1, 127).filter(lambda length: length % 4))
def test_no_prefix_between_nibbles_has_a_zone(length: int) -> None:
    assert text(f"::/{length}") == CLASSLESS


@pytest.mark.req("IPP-33")
@pytest.mark.parametrize(
    ("prefix", "zone"),
    [
        ("192.0.2.0/25", "0/25.2.0.192.in-addr.arpa"),
        ("192.0.2.64/26", "64/26.2.0.192.in-addr.arpa"),
        ("192.0.2.254/31", "254/31.2.0.192.in-addr.arpa"),
        ("192.0.2.7/32", ""),
        ("192.0.2.0/24", ""),
        ("192.0.0.0/22", ""),
        ("2001:db8::/121", ""),
    ],
)
def test_prefixes_longer_than_24_name_the_zone_that_rfc_2317_proposes(prefix: str, zone: str) -> None:
    assert reverse_zone(ip_network(prefix)).delegated == zone


@pytest.mark.req("IPP-33")
@pytest.mark.parametrize(
    ("address", "mask", "zone"),
    [
        ("192.168.130.1", "24", "130.168.192.in-addr.arpa"),
        (" 192.168.130.77 ", 24, "130.168.192.in-addr.arpa"),
        ("2001:DB8:0::1", "120", SCREENSHOT),
        ("10.0.0.1", "22", CLASSLESS),
    ],
)
def test_what_is_typed_has_a_zone_as_soon_as_it_is_a_prefix(address: str, mask: object, zone: str) -> None:
    found = typed_zone(address, mask)
    assert found is not None
    assert found.text == zone


@pytest.mark.parametrize(
    ("address", "mask"),
    [("", "24"), ("192.168", "24"), ("192.168.1.1", ""), ("192.168.1.1", "33"), ("192.168.1.1", "0"), ("::1", "129")],
)
def test_what_is_not_typed_to_its_end_has_none(address: str, mask: str) -> None:
    assert typed_zone(address, mask) is None


def test_a_zone_without_a_name_says_so_in_words() -> None:
    assert ReverseZone().text == CLASSLESS
