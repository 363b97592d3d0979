"""IP sets and aliases of a VM's firewall."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.sandbox.proxmox.firewall_addresses import InvalidAddress, check_network, cut_host_bits, stored_network
from tests.unit.sandbox_proxmox.api import Api, Reply

FW = "/nodes/pve1/qemu/100/firewall"
SET = FW + "/ipset/ipfilter-net0"


@pytest.fixture(autouse=True)
def ipset(api: Api) -> None:
    """An empty set."""
    assert api.call("POST", FW + "/ipset", name="ipfilter-net0", comment="own addresses").status == 200


def add(api: Api, cidr: str, **more: object) -> Reply:
    return api.call("POST", SET, cidr=cidr, **more)


def cidrs(api: Api) -> list[str]:
    return [entry["cidr"] for entry in api.get(SET)]


@pytest.mark.parametrize(
    ("given_text", "stored"),
    [
        ("192.0.2.5", "192.0.2.5"),
        ("192.0.2.5/32", "192.0.2.5"),
        ("192.0.2.5/24", "192.0.2.0/24"),
        ("2001:DB8::1", "2001:DB8::1"),
        ("2001:DB8:0::1/128", "2001:db8::1"),
        ("2001:db8::5/64", "2001:db8::/64"),
    ],
)
def test_networks_lose_their_host_bits_and_addresses_keep_their_spelling(
    api: Api, given_text: str, stored: str
) -> None:
    assert add(api, given_text).status == 200
    assert cidrs(api) == [stored]
    again = add(api, given_text)
    assert (again.status, again.errors) == (400, {"cidr": f"address '{stored}' already exists"})


@given(st.ip_addresses(), st.integers(1, 128))
def test_what_is_stored_is_the_network_of_what_was_given(address: ipaddress.IPv4Address, length: int) -> None:
    text = f"{address}/{min(length, address.max_prefixlen)}"
    check_network(text)
    stored, version = stored_network(cut_host_bits(text))
    assert ipaddress.ip_network(stored) == ipaddress.ip_network(text, strict=False)
    assert version == address.version
    assert ("/" in stored) == (min(length, address.max_prefixlen) < address.max_prefixlen)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("10.0.0.1/33", "Prefix length 33 is longer than IP address (32)"),
        ("2001:db8::/129", "Prefix length 129 is longer than IP address (128)"),
        ("300.1.1.1", "value does not look like a valid IP address or CIDR network"),
        ("10.0.0.1-10.0.0.9", "value does not look like a valid IP address or CIDR network"),
        ("fe80::1%eth0", "value does not look like a valid IP address or CIDR network"),
        ("10.0.0.1/x", "value does not look like a valid IP address or CIDR network"),
    ],
)
def test_what_is_no_network_is_refused(api: Api, text: str, reason: str) -> None:
    with pytest.raises(InvalidAddress, match="^" + reason.replace("(", r"\(").replace(")", r"\)")):
        check_network(text)
    assert add(api, text).errors == {"cidr": f"invalid format - {reason}\n"}


def test_a_set_of_everything_is_refused(api: Api) -> None:
    reply = add(api, "0.0.0.0/0")
    assert (reply.status, reply.errors) == (400, {"cidr": "a zero prefix is not allowed in ipset entries"})


def test_a_word_is_taken_for_an_alias_that_has_to_exist(api: Api) -> None:
    assert add(api, "office").reason == "no such alias 'office'"
    api.call("POST", FW + "/aliases", name="office", cidr="10.0.0.1")
    assert add(api, "Office").status == 200
    api.call("DELETE", FW + "/aliases/office")
    assert api.get(SET)[0]["errors"] == {"cidr": "no such alias 'Office'"}


def test_removing_an_address_that_is_not_there_succeeds(api: Api) -> None:
    add(api, "192.0.2.5")
    assert api.call("DELETE", SET + "/192.0.2.6").status == 200
    assert api.call("DELETE", SET + "/192.0.2.5%2F32").status == 200
    assert cidrs(api) == ["192.0.2.5"], "only the stored spelling removes it"
    assert api.call("DELETE", SET + "/192.0.2.5").status == 200
    assert cidrs(api) == []


def test_what_is_said_about_an_address_is_replaced_as_a_whole(api: Api) -> None:
    add(api, "192.0.2.0/24", nomatch=1, comment="first")
    api.call("PUT", SET + "/192.0.2.0/24", comment="second")
    entry = api.get(SET + "/192.0.2.0/24")
    assert entry == {"cidr": "192.0.2.0/24", "comment": "second", "digest": entry["digest"]}
    assert api.call("PUT", SET + "/198.51.100.1", comment="x").errors == {"cidr": "no such IP/Network"}


def test_a_set_that_is_not_empty_is_removed_only_by_force(api: Api) -> None:
    add(api, "192.0.2.5")
    assert api.call("DELETE", SET).reason == "IPSet 'ipfilter-net0' is not empty"
    assert api.call("DELETE", SET, force=1).status == 200
    for method in ("GET", "DELETE"):
        assert api.call(method, SET).reason == "no such IPSet 'ipfilter-net0'"
    assert add(api, "192.0.2.5").reason == "no such IPSet 'ipfilter-net0'"


def test_the_name_of_a_set_is_kept_in_lower_case(api: Api) -> None:
    assert api.call("POST", FW + "/ipset", name="Office").status == 200
    assert [item["name"] for item in api.get(FW + "/ipset")] == ["ipfilter-net0", "office"]
    assert api.call("GET", FW + "/ipset/Office").reason == "no such IPSet 'Office'"
    assert api.call("POST", FW + "/ipset", name="office").errors == {"name": "IPSet 'office' already exists"}


def test_a_renamed_set_keeps_its_addresses_and_comment(api: Api) -> None:
    add(api, "192.0.2.5")
    assert api.call("POST", FW + "/ipset", name="other", rename="ipfilter-net0").status == 200
    listed = api.get(FW + "/ipset")
    assert [(item["name"], item["comment"]) for item in listed] == [("other", "own addresses")]
    assert [entry["cidr"] for entry in api.get(FW + "/ipset/other")] == ["192.0.2.5"]
    assert api.call("POST", FW + "/ipset", name="x1", rename="gone").errors == {"name": "IPSet 'gone' does not exist"}


def test_an_alias_keeps_host_bits_and_its_spelling(api: Api) -> None:
    api.call("POST", FW + "/aliases", name="Office", cidr="10.2.0.7/16")
    api.call("POST", FW + "/aliases", name="home", cidr="10.1.1.1/32", comment=" c ")
    listed = [{k: v for k, v in item.items() if k != "digest"} for item in api.get(FW + "/aliases")]
    assert listed == [
        {"name": "home", "cidr": "10.1.1.1", "ipversion": 4, "comment": "c"},
        {"name": "Office", "cidr": "10.2.0.7/16", "ipversion": 4},
    ]
    assert api.call("POST", FW + "/aliases", name="OFFICE", cidr="10.1.1.1").errors == {
        "name": "alias 'OFFICE' already exists"
    }


def test_an_alias_is_renamed_but_never_onto_another(api: Api) -> None:
    for name in ("office", "home"):
        api.call("POST", FW + "/aliases", name=name, cidr="10.1.1.1", comment="c")
    path = FW + "/aliases/office"
    assert api.call("PUT", path, cidr="10.1.1.2", rename="home").errors == {"name": "alias 'home' already exists"}
    assert api.call("PUT", path, cidr="10.1.1.2", rename="work").status == 200
    assert api.get(FW + "/aliases/work") == {"name": "work", "cidr": "10.1.1.2", "ipversion": 4}
    assert api.call("GET", path).errors == {"name": "no such alias"}


def test_references_name_what_rules_can_use(api: Api) -> None:
    api.call("POST", FW + "/aliases", name="office", cidr="10.1.1.1")
    refs = api.get(FW + "/refs")
    assert [(ref["type"], ref["ref"], ref["scope"]) for ref in refs] == [
        ("ipset", "+ipfilter-net0", "guest"),
        ("alias", "office", "guest"),
    ]
    assert [ref["name"] for ref in api.get(FW + "/refs", type="alias")] == ["office"]
