"""Addresses in the `source` and `dest` of rules, and the words in which Net::IP refuses them."""

import ipaddress
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.sandbox.proxmox.firewall_addresses import InvalidAddress, address_list_version


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("192.0.2.5", 4),
        ("10/8", 4),
        ("1.2.3", 4),
        ("192.0.2.1-192.0.2.9", 4),
        ("192.0.2.1 - 192.0.2.9", 4),
        ("192.0.2.0/24,198.51.100.7", 4),
        ("2001:DB8::/64", 6),
        ("::ffff:192.0.2.1", 6),
        ("2001:db8::1-2001:db8::ff", 6),
        ("0.0.0.0/0", 4),
        ("+ipfilter-net0", None),
        ("+dc/office", None),
        ("office", None),
        ("guest/office", None),
    ],
)
def test_the_version_of_what_a_rule_names(text: str, version: int | None) -> None:
    assert address_list_version(text) == version


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("300.1.1.1", "invalid IP address: Invalid quad in IP address 300.1.1.1 - 300"),
        ("1.2.3.4.5", "invalid IP address: Invalid IP address 1.2.3.4.5"),
        ("1.2..3", "invalid IP address: Empty quad in IP address 1.2..3"),
        (".1.2", "invalid IP address: Invalid IP .1.2 - starts with a dot"),
        ("1.2.3.", "invalid IP address: Invalid IP 1.2.3. - ends with a dot"),
        ("1.2.3.4/", "invalid IP address: Invalid chars in IP 1.2.3.4/"),
        ("10.0.0.5/24", "invalid IP address: Invalid prefix 00001010000000000000000000000101/24"),
        ("10.0.0.0/33", "invalid IP address: Prefix length 33 is longer than IP address (32)"),
        ("2001:db8::zz", "invalid IP address: Invalid IP address 2001:db8::zz"),
        ("::1::2", "invalid IP address: Invalid address ::1::2 (More than one :: pattern)"),
        ("1:2:3", "invalid IP address: Invalid number of octets 1:2:3"),
        (":1:2", "invalid IP address: Invalid address :1:2 (starts with :)"),
        ("abc:de:", "invalid IP address: Invalid address abc:de: (ends with :)"),
        ("10.0.0.9-10.0.0.1", "invalid IP address: Begin address is greater than End address 10.0.0.9 - 10.0.0.1"),
        ("1.2.3.4-2001:db8::1", "invalid IP address: Not a valid IPv4 address 2001:db8::1"),
        ("10.0.0.1,2001:db8::1", "detected mixed ipv4/ipv6 addresses in address list '10.0.0.1,2001:db8::1'"),
        ("10.0.0.1-10.0.0.2,10.0.0.9", "you can't use a range in a list"),
        ("10.0.0.1,", "extraneous commas in list"),
        ("+" + "x" * 65, "ipset name too long"),
        ("x" * 65, "alias name too long"),
    ],
)
def test_other_texts_are_refused_in_the_words_of_a_node(text: str, reason: str) -> None:
    with pytest.raises(InvalidAddress) as refused:
        address_list_version(text)
    assert str(refused.value) == reason


@given(st.lists(st.ip_addresses(v=6), min_size=1, max_size=4))
def test_lists_of_addresses_in_any_spelling_are_accepted(addresses: list[ipaddress.IPv6Address]) -> None:
    spellings = [str(ip) if n % 2 else ip.exploded.upper() for n, ip in enumerate(addresses)]
    assert address_list_version(",".join(spellings)) == 6


@given(st.text(max_size=40))
def test_any_text_is_either_accepted_or_refused(text: str) -> None:
    with suppress(InvalidAddress):
        assert address_list_version(text) in (4, 6, None)
