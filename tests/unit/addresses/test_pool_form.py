"""What may be written into a pool, what is refused, and what is worth a warning."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.addresses.errors import PoolRefused
from bridge.addresses.pool_form import LABELS, read_pool, remarks
from bridge.addresses.sources import pool_of
from bridge.models.module import IpPool

IPV4: dict[str, object] = {
    "server_id": "19",
    "type": "IPv4",
    "bridge": "vmbr0",
    "vlan": "0",
    "gateway": "192.168.130.1",
    "mask": "24",
    "dns1": "8.8.8.8",
    "dns2": "1.1.1.1",
    "address_start": "192.168.130.2",
    "address_stop": "192.168.130.254",
}
IPV6 = IPV4 | {
    "type": "ipv6",
    "gateway": "2001:db8::1",
    "mask": "120",
    "address_start": "2001:db8::2",
    "address_stop": "2001:db8::50",
}


def without(*names: str) -> dict[str, object]:
    return {name: value for name, value in IPV4.items() if name not in names}


def errors(fields: dict[str, object], stored: IpPool | None = None) -> dict[str, str]:
    with pytest.raises(PoolRefused) as refused:
        read_pool(fields, stored)
    assert str(refused.value) == "; ".join(refused.value.errors.values())
    assert "\n" not in str(refused.value)
    return refused.value.errors


def warned(**changes: object) -> list[str]:
    base = IPV6 if ":" in str(changes.get("address_start", "")) else IPV4
    return remarks(pool_of(IpPool(id=1, **read_pool({**base, **changes}))))


def stored(**columns: Any) -> IpPool:
    return IpPool(id=7, **{**read_pool(IPV4), **columns})


def test_the_example_of_the_manual_is_stored_as_it_is() -> None:
    assert read_pool(IPV4) == {**IPV4, "server_id": 19, "type": "ipv4", "vlan": 0, "mask": 24}
    assert warned() == []


@pytest.mark.req("IPP-06")
def test_dns_servers_are_optional_and_the_vlan_is_0() -> None:
    columns = read_pool(without("dns1", "dns2", "vlan"))
    assert (columns["dns1"], columns["dns2"], columns["vlan"]) == ("", "", 0)


@pytest.mark.req("IPP-06")
@pytest.mark.parametrize("name", sorted(set(LABELS) - {"dns1", "dns2", "vlan"}))
@pytest.mark.parametrize("blank", [None, "", "  "])
def test_every_other_field_is_required(name: str, blank: str | None) -> None:
    fields = without(name) if blank is None else IPV4 | {name: blank}
    assert errors(fields)[name].startswith(f"{LABELS[name]} ({name}): ")


@pytest.mark.req("IPP-07")
@pytest.mark.parametrize(("fields", "highest"), [(IPV4, 32), (IPV6, 128)])
def test_the_mask_is_a_length_of_the_family(fields: dict[str, object], highest: int) -> None:
    for good in ("1", str(highest)):
        assert read_pool(fields | {"mask": good})["mask"] == int(good)
    for bad in ("0", str(highest + 1), "-1", "255.255.255.0", "/24", "x"):
        assert errors(fields | {"mask": bad}) == {
            "mask": f'Mask (mask): "{bad}" must be a whole number from 1 to {highest}'
        }


@pytest.mark.req("IPP-09")
@pytest.mark.parametrize("bridge", ["vmbr0", "vmbr1", "vmbr4094"])
def test_a_bridge_is_vmbr_and_a_number(bridge: str) -> None:
    assert read_pool(IPV4 | {"bridge": f" {bridge} "})["bridge"] == bridge


@pytest.mark.req("IPP-09")
@pytest.mark.parametrize(
    "bridge", ["eth0", "vmbr", "vmbr4095", "vmbr01", "VMBR0", "vmbr0.5", "myvnet", "vmbr0\nx", "٣"]
)
def test_anything_else_is_no_bridge(bridge: str) -> None:
    assert list(errors(IPV4 | {"bridge": bridge})) == ["bridge"]


def test_a_bridge_of_another_kind_that_is_stored_already_may_stay() -> None:
    assert read_pool({"dns1": "9.9.9.9"}, stored(bridge="myvnet"))["bridge"] == "myvnet"
    assert list(errors({"bridge": "othernet"}, stored(bridge="myvnet"))) == ["bridge"]
    assert list(errors({"dns1": "9.9.9.9"}, stored(bridge="no bridge at all"))) == ["bridge"]


@pytest.mark.req("IPP-10")
@pytest.mark.parametrize(("fields", "gateway"), [(IPV4, "2001:db8::1"), (IPV6, "192.168.130.1"), (IPV4, "router")])
def test_the_gateway_is_of_the_family_of_the_pool(fields: dict[str, object], gateway: str) -> None:
    family = str(fields["type"])[-1]
    assert errors(fields | {"gateway": gateway}) == {
        "gateway": f'Gateway (gateway): "{gateway}" must be an IPv{family} address'
    }


@pytest.mark.req("IPP-12")
@pytest.mark.parametrize("name", ["address_start", "address_stop"])
@pytest.mark.parametrize("text", ["2001:db8::7", "10.0.0", "10.0.0.256", "10.0.0.2/24", "10.0.0.002"])
def test_both_ends_of_the_range_are_of_the_family(name: str, text: str) -> None:
    assert list(errors(IPV4 | {name: text})) == [name]


@pytest.mark.req("IPP-12")
def test_a_range_does_not_end_before_it_starts() -> None:
    wrong = IPV4 | {"address_start": "192.168.130.9", "address_stop": "192.168.130.8"}
    assert errors(wrong) == {
        "address_stop": "Address Stop (address_stop): 192.168.130.8 is below Address Start 192.168.130.9"
    }
    assert read_pool(IPV4 | {"address_stop": "192.168.130.2"})["address_stop"] == "192.168.130.2"


@pytest.mark.parametrize("name", ["gateway", "address_start", "dns1"])
@pytest.mark.parametrize("text", ["0.0.0.0", "127.0.0.1", "224.0.0.5"])
def test_an_address_that_no_machine_has_is_refused(name: str, text: str) -> None:
    assert "must be an IP" in errors(IPV4 | {name: text})[name]


@pytest.mark.parametrize("text", ["fe80::1%eth0", "::ffff:10.0.0.1", "::", "::1", "ff02::1"])
def test_an_ipv6_address_that_no_other_machine_can_reach_is_refused(text: str) -> None:
    assert list(errors(IPV6 | {"gateway": text})) == ["gateway"]


def test_a_dns_server_may_be_of_the_other_family() -> None:
    columns = read_pool(IPV4 | {"dns1": "2620:FE::FE", "dns2": ""})
    assert (columns["dns1"], columns["dns2"]) == ("2620:fe::fe", "")
    assert list(errors(IPV4 | {"dns2": "resolver"})) == ["dns2"]


@pytest.mark.req("IPP-36")
@pytest.mark.parametrize(
    "notation",
    [
        "2001:db8::2",
        "2001:0db8:0000:0000:0000:0000:0000:0002",
        "2001:DB8::2",
        "2001:db8:0:0::2",
        " 2001:db8::0.0.0.2 ",
    ],
)
def test_ipv6_is_stored_short_however_it_is_typed(notation: str) -> None:
    columns = read_pool(IPV6 | {"address_start": notation, "dns1": notation})
    assert (columns["address_start"], columns["dns1"]) == ("2001:db8::2", "2001:db8::2")


@pytest.mark.req("IPP-36")
@given(st.ip_addresses(v=6).filter(lambda ip: ip.is_global and not ip.is_multicast and not ip.ipv4_mapped))
def test_every_notation_of_an_address_is_the_same_pool(ip: Any) -> None:
    fields = IPV6 | {"mask": "128", "gateway": "fe80::1"}
    notations = {str(ip), ip.exploded, ip.exploded.upper(), str(ip).upper()}
    read = [read_pool(fields | {"address_start": text, "address_stop": text}) for text in sorted(notations)]
    assert all(columns == read[0] for columns in read)
    assert read_pool(read[0]) == read[0]


@pytest.mark.req("IPP-43")
def test_the_type_of_a_stored_pool_cannot_be_changed() -> None:
    assert errors({"type": "ipv6"}, stored())["type"] == (
        "Type (type): the type of a pool cannot be changed, it is IPv4"
    )
    assert read_pool({"type": "IPv4"}, stored(type=""))["type"] == "ipv4"


def test_fields_that_are_not_given_stay_as_they_are() -> None:
    assert read_pool({"vlan": "30"}, stored()) == {**read_pool(IPV4), "vlan": 30}


def test_a_malformed_pool_is_mended_by_the_fields_that_were_wrong() -> None:
    broken = stored(gateway=None, mask=None, type="")
    assert sorted(errors({"dns1": "9.9.9.9"}, broken)) == ["gateway", "mask"]
    assert read_pool({"gateway": "192.168.130.1", "mask": 24}, broken) == read_pool(IPV4)


def test_everything_that_is_wrong_is_told_at_once() -> None:
    found = errors({"server_id": "x", "type": "ipv4", "bridge": "eth0", "mask": "99", "colour": "red"})
    assert list(found) == ["colour", "server_id", "bridge", "gateway", "mask", "address_start", "address_stop"]


@given(st.dictionaries(st.sampled_from(sorted(LABELS)), st.one_of(st.none(), st.integers(), st.text(), st.floats())))
def test_no_value_is_more_than_refused(fields: dict[str, object]) -> None:
    with contextlib.suppress(PoolRefused):
        assert read_pool(read_pool(fields)) == read_pool(fields)


@pytest.mark.req("IPP-37")
@pytest.mark.parametrize(("vlan", "warnings"), [("4094", 0), ("4095", 1), ("4096", 1)])
def test_a_vlan_that_proxmox_refuses_is_stored_with_a_warning(vlan: str, warnings: int) -> None:
    found = warned(vlan=vlan)
    assert len(found) == warnings
    assert all(line.startswith(f"Vlan (vlan): Proxmox VE refuses VLAN {vlan}") for line in found)


@pytest.mark.parametrize("vlan", ["-1", "4097", "untagged"])
def test_a_vlan_beyond_the_documented_range_is_refused(vlan: str) -> None:
    assert list(errors(IPV4 | {"vlan": vlan})) == ["vlan"]


@pytest.mark.req("IPP-37")
def test_a_gateway_outside_of_the_subnet_is_a_warning() -> None:
    assert warned(gateway="10.9.9.9") == ["Gateway (gateway): 10.9.9.9 is outside of 192.168.130.2/24"]


@pytest.mark.req("IPP-37")
def test_a_range_over_several_subnets_is_a_warning() -> None:
    assert warned(address_stop="192.168.131.9") == ["192.168.130.2 and 192.168.131.9 are in different subnets of /24"]


@pytest.mark.parametrize(
    "changes",
    [
        {"mask": "32", "gateway": "10.9.9.9"},
        {"address_start": "2001:db8::2", "mask": "128"},
        {"address_start": "2001:db8::2", "gateway": "fe80::1", "mask": "64"},
    ],
)
def test_a_gateway_that_is_a_neighbour_is_none(changes: dict[str, object]) -> None:
    assert warned(**changes) == []


@pytest.mark.req("IPP-37")
def test_a_range_that_has_nothing_to_give_is_a_warning() -> None:
    found = warned(address_start="192.168.130.1", address_stop="192.168.130.1")
    assert found == ["192.168.130.1 - 192.168.130.1 has no address to hand out"]
