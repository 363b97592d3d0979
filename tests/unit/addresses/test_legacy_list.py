"""The legacy address list of a server entry."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.addresses.legacy_list import parse_legacy_list
from statemachines.ports import Address

MANUAL = """\
vmbr0|10|192.168.10.2|24|192.168.10.1|8.8.8.8,1.1.1.1
vmbr0|10|192.168.10.3|24|192.168.10.1|8.8.8.8,1.1.1.1
vmbr0|10|192.168.10.4|24|192.168.10.1|8.8.8.8,1.1.1.1
vmbr0|30|192.168.20.2|24|192.168.20.1|8.8.8.8,1.1.1.1
vmbr0|30|192.168.20.3|24|192.168.20.1|8.8.8.8,1.1.1.1
vmbr0|30|192.168.20.4|24|192.168.20.1|8.8.8.8,1.1.1.1
vmbr1|333|172.16.5.2|24|172.16.5.1|8.8.8.8,1.1.1.1
vmbr1|333|172.16.5.3|24|172.16.5.1|8.8.8.8,1.1.1.1
vmbr1|333|172.16.5.4|24|172.16.5.1|8.8.8.8,1.1.1.1
vmbr3|0|10.0.25.2|24|10.0.25.1|10.0.10.10,10.0.10.20
vmbr3|0|10.0.25.3|24|10.0.25.1|10.0.10.10,10.0.10.20
vmbr3|0|10.0.25.4|24|10.0.25.1|10.0.10.10,10.0.10.20
vmbr3|0|10.0.25.5|24|10.0.25.1|10.0.10.10,10.0.10.20
vmbr3|0|10.0.25.6|24|10.0.25.1|10.0.10.10,10.0.10.20
"""


def only(line: str) -> Address:
    parsed = parse_legacy_list(line)
    assert parsed.skipped == 0
    assert len(parsed.addresses) == 1
    return parsed.addresses[0]


@pytest.mark.req("SRV-11", "SRV-17")
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_the_example_of_the_manual_gives_its_fourteen_addresses(line_end: str) -> None:
    parsed = parse_legacy_list(MANUAL.replace("\n", line_end))
    assert parsed.skipped == 0
    assert [address.text for address in parsed.addresses][::4] == [
        "192.168.10.2",
        "192.168.20.3",
        "172.16.5.4",
        "10.0.25.5",
    ]
    places = [(address.bridge, address.vlan) for address in parsed.addresses]
    assert places == [("vmbr0", 10)] * 3 + [("vmbr0", 30)] * 3 + [("vmbr1", 333)] * 3 + [("vmbr3", 0)] * 5


@pytest.mark.req("SRV-12")
def test_vlan_0_is_no_vlan() -> None:
    assert only("vmbr3|0|10.0.25.2|24|10.0.25.1|10.0.10.10").vlan == 0


@pytest.mark.req("SRV-13")
def test_the_mask_is_a_cidr_length() -> None:
    assert only("vmbr3|0|10.0.25.2|27|10.0.25.1|10.0.10.10").prefix == 27


@pytest.mark.req("SRV-14")
@pytest.mark.parametrize(
    ("dns", "servers"),
    [
        ("10.0.10.10,10.0.10.20", ("10.0.10.10", "10.0.10.20")),
        (" 8.8.8.8 , 2001:4860:4860::8888 ", ("8.8.8.8", "2001:4860:4860::8888")),
        ("8.8.8.8,nonsense,8.8.8.8", ("8.8.8.8",)),
        ("", ()),
    ],
)
def test_dns_servers_are_separated_by_commas(dns: str, servers: tuple[str, ...]) -> None:
    assert only(f"vmbr3|0|10.0.25.2|24|10.0.25.1|{dns}").dns == servers


def test_blanks_around_fields_and_further_fields_do_not_matter() -> None:
    expected = only("vmbr0|10|192.168.10.2|24|192.168.10.1|8.8.8.8")
    assert only("  vmbr0 | 10| 192.168.10.2 |24 |192.168.10.1| 8.8.8.8 | rack 4") == expected


MALFORMED = [
    "vmbr0|10|192.168.10.2|24|192.168.10.1",
    "vmbr0|10|192.168.10.2",
    "192.168.10.2",
    "vmbr0|10|192.168.10|24|192.168.10.1|8.8.8.8",
    "vmbr0|10|192.168.10.2|33|192.168.10.1|8.8.8.8",
    "vmbr0|10|192.168.10.2|0|192.168.10.1|8.8.8.8",
    "vmbr0|10|192.168.10.2|255.255.255.0|192.168.10.1|8.8.8.8",
    "vmbr0|10|192.168.10.2|24||8.8.8.8",
    "vmbr0|ten|192.168.10.2|24|192.168.10.1|8.8.8.8",
    "vmbr0|4097|192.168.10.2|24|192.168.10.1|8.8.8.8",
    "|10|192.168.10.2|24|192.168.10.1|8.8.8.8",
    "vm br|10|192.168.10.2|24|192.168.10.1|8.8.8.8",
    "vmbr0|10|2001:db8::2|64|2001:db8::1|8.8.8.8",
    "Größe|10|192.168.10.2|24|192.168.10.1|8.8.8.8",
]


@pytest.mark.req("SRV-15")
@pytest.mark.parametrize("line", MALFORMED)
def test_a_malformed_line_is_skipped_and_the_others_are_read(line: str) -> None:
    good = "vmbr0|10|192.168.10.9|24|192.168.10.1|8.8.8.8"
    parsed = parse_legacy_list(f"\n{line}\n\n{good}\n")
    assert [address.text for address in parsed.addresses] == ["192.168.10.9"]
    assert parsed.skipped == 1


def test_an_address_that_is_listed_twice_exists_once() -> None:
    line = "vmbr0|10|192.168.10.9|24|192.168.10.1|8.8.8.8"
    assert len(parse_legacy_list(f"{line}\n{line.replace('vmbr0', 'vmbr1')}").addresses) == 1


@pytest.mark.req("SRV-15")
@given(st.one_of(st.text(), st.text("vmbr0|.,1\n ")))
def test_no_text_stops_the_run(text: str) -> None:
    parsed = parse_legacy_list(text)
    assert parsed.skipped + len(parsed.addresses) <= len(text.splitlines())
