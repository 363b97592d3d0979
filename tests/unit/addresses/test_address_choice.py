"""Which addresses of a server a VM gets, and what the admin reads when there are none."""

from collections.abc import Sequence
from ipaddress import ip_address

import pytest

from bridge.addresses.choice import Wanted, choose
from bridge.addresses.errors import NoFreeAddress
from bridge.addresses.legacy_list import LegacyList
from bridge.addresses.pools import Ip, Pool
from bridge.addresses.sources import Sources
from statemachines.ports import Address


class Taken:
    """Usage that knows a fixed set of addresses, and remembers what it was asked for. Those in quarantine count as taken."""

    def __init__(self, *addresses: str, quarantine: Sequence[str] = ()) -> None:
        self.numbers = {int(ip_address(address)) for address in [*addresses, *quarantine]}
        self.resting = {int(ip_address(address)) for address in quarantine}
        self.asked: list[str] = []

    def taken(self, first: Ip, last: Ip) -> set[int]:
        self.asked.append(f"{first} - {last}")
        return {number for number in self.numbers if int(first) <= number <= int(last)}

    def quarantined(self, first: Ip, last: Ip) -> set[int]:
        return {number for number in self.resting if int(first) <= number <= int(last)}


def pool(id_: int, first: str, last: str, prefix: int = 24, bridge: str = "vmbr0", vlan: int = 0) -> Pool:
    start, stop = ip_address(first), ip_address(last)
    gateway = "10.255.0.1" if start.version == 4 else "fe80::1"
    return Pool(id_, start.version, int(start), int(stop), prefix, gateway, bridge, vlan)


def line(ip: str, bridge: str = "vmbr0", vlan: int = 0) -> Address:
    return Address(ip_address(ip), 24, "10.255.0.1", ("9.9.9.9",), bridge, vlan)


def server(*pools: Pool, listed: tuple[Address, ...] = (), skipped: int = 0, broken: int = 0) -> Sources:
    return Sources(19, "pve-waw1", pools, LegacyList(listed, skipped), broken)


def chosen(
    sources: Sources, ipv4: int, ipv6: int = 0, place: tuple[str, int] | None = None, taken: Taken | None = None
) -> list[str]:
    return [address.ip.compressed for address in choose(sources, Wanted(ipv4, ipv6, place), taken or Taken())]


A = pool(1, "10.0.0.2", "10.0.0.3")
B = pool(2, "10.0.1.2", "10.0.1.9", bridge="vmbr1", vlan=30)
SIX = pool(3, "2001:db8::2", "2001:db8::ff", prefix=64)
SIX_B = pool(4, "2001:db8:b::2", "2001:db8:b::ff", prefix=64, bridge="vmbr1", vlan=30)


@pytest.mark.req("IPP-18", "SRV-18")
def test_pools_come_before_the_legacy_list() -> None:
    sources = server(A, listed=(line("10.0.9.2"),))
    assert chosen(sources, 1) == ["10.0.0.2"]
    assert chosen(sources, 1, taken=Taken("10.0.0.2", "10.0.0.3")) == ["10.0.9.2"]


@pytest.mark.req("IPP-18")
def test_a_pool_on_another_bridge_comes_before_the_legacy_list_too() -> None:
    sources = server(A, B, listed=(line("10.0.9.2"),))
    assert chosen(sources, 1, taken=Taken("10.0.0.2", "10.0.0.3")) == ["10.0.1.2"]


@pytest.mark.req("IPP-16")
def test_each_family_comes_from_its_own_pools() -> None:
    assert chosen(server(A, SIX), 1, 1) == ["10.0.0.2", "2001:db8::2"]


def test_ipv6_never_comes_from_the_legacy_list() -> None:
    with pytest.raises(
        NoFreeAddress, match=r"^No free IPv6 address on server pve-waw1 \(ID 19\): it has no IPv6 pool$"
    ):
        chosen(server(A, listed=(line("10.0.9.2"),)), 0, 1)


@pytest.mark.req("IPP-19")
def test_automatic_bridge_and_vlan_take_any_pool_and_a_fixed_one_only_its_own() -> None:
    sources = server(A, B)
    assert chosen(sources, 1) == ["10.0.0.2"]
    assert chosen(sources, 1, place=("vmbr1", 30)) == ["10.0.1.2"]


@pytest.mark.req("SRV-17")
def test_the_legacy_list_gives_an_address_of_the_wanted_bridge_and_vlan() -> None:
    sources = server(
        listed=(line("10.0.1.2", "vmbr0", 10), line("10.0.2.2", "vmbr0", 30), line("10.0.3.2", "vmbr1", 333))
    )
    assert chosen(sources, 1, place=("vmbr0", 30)) == ["10.0.2.2"]
    assert chosen(sources, 1, place=("vmbr1", 333)) == ["10.0.3.2"]


def test_a_vm_has_all_its_addresses_on_one_bridge_and_vlan() -> None:
    assert chosen(server(A, B), 3) == ["10.0.1.2", "10.0.1.3", "10.0.1.4"]
    assert chosen(server(A, B, SIX_B), 1, 1) == ["10.0.1.2", "2001:db8:b::2"]


def test_several_pools_of_one_bridge_serve_together_and_overlap_harmlessly() -> None:
    assert chosen(server(A, pool(5, "10.0.0.3", "10.0.0.5")), 4) == ["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5"]


def test_pools_and_list_of_one_bridge_serve_together_when_no_pools_suffice() -> None:
    assert chosen(server(A, listed=(line("10.0.9.2"), line("10.0.0.3"))), 3) == ["10.0.0.2", "10.0.0.3", "10.0.9.2"]


@pytest.mark.req("IPP-27")
def test_the_gateway_of_one_source_is_not_given_out_by_another() -> None:
    gateway_inside = Pool(6, 4, int(ip_address("10.255.0.1")), int(ip_address("10.255.0.2")), 24, "10.255.0.9", "vmbr0")
    assert chosen(server(gateway_inside, A), 1) == ["10.255.0.2"]
    assert chosen(server(listed=(line("10.255.0.1"), line("10.255.0.7"))), 1) == ["10.255.0.7"]


def test_nothing_is_looked_up_that_is_not_needed() -> None:
    usage = Taken()
    chosen(server(A, B, SIX, listed=(line("10.0.9.2"),)), 1, taken=usage)
    assert usage.asked == ["10.0.0.2 - 10.0.0.3"]


NOTHING_FREE = [
    (server(A, B), 4, ["10.0.0.2", "10.0.0.3", *(f"10.0.1.{n}" for n in range(2, 10))], None, 1,
     "No free IPv4 address on server pve-waw1 (ID 19): 2 pools are all in use"),
    (server(A, listed=(line("10.0.9.2"), line("10.0.9.3"))), 4, ["10.0.0.2", "10.0.0.3", "10.0.9.2", "10.0.9.3"], None, 1,
     "No free IPv4 address on server pve-waw1 (ID 19): 1 pool and 2 listed addresses are all in use"),
    (server(A), 4, ["10.0.0.2", "10.0.0.3"], ("vmbr0", 0), 1,
     "No free IPv4 address on server pve-waw1 (ID 19): 1 pool on bridge vmbr0, VLAN 0 is all in use"),
    (server(A, B), 4, [], ("vmbr7", 5), 1,
     "No free IPv4 address on server pve-waw1 (ID 19): it has no IPv4 pool and no listed address on bridge vmbr7, VLAN 5"),
    (server(), 4, [], None, 1,
     "No free IPv4 address on server pve-waw1 (ID 19): it has no IPv4 pool and no listed address"),
    (server(A), 6, [], None, 1,
     "No free IPv6 address on server pve-waw1 (ID 19): it has no IPv6 pool"),
    (server(A), 4, ["10.0.0.2"], None, 3,
     "No free IPv4 address on server pve-waw1 (ID 19): no bridge and VLAN has more than 1 free, 3 are needed"),
    (server(skipped=2, broken=1), 4, [], None, 1,
     "No free IPv4 address on server pve-waw1 (ID 19): it has no IPv4 pool and no listed address; 1 pool is malformed and "
     "left out; 2 lines of the list are malformed and left out"),
]  # fmt: skip


@pytest.mark.req("IPP-28")
@pytest.mark.parametrize(("sources", "family", "taken", "place", "count", "line_"), NOTHING_FREE)
def test_the_admin_reads_which_family_is_missing_on_which_server(
    sources: Sources, family: int, taken: list[str], place: tuple[str, int] | None, count: int, line_: str
) -> None:
    wanted = Wanted(count if family == 4 else 0, count if family == 6 else 0, place)
    with pytest.raises(NoFreeAddress) as error:
        choose(sources, wanted, Taken(*taken))
    assert str(error.value) == line_
    assert (error.value.kind, error.value.who) == ("permanent", "admin")


def test_families_that_are_free_only_on_different_bridges_are_reported_as_such() -> None:
    with pytest.raises(NoFreeAddress, match=r"no bridge and VLAN has 1 IPv4 and 1 IPv6 addresses together$"):
        chosen(server(A, SIX_B), 1, 1)


@pytest.mark.req("IPP-41")
@pytest.mark.parametrize(
    ("sources", "ipv4", "ipv6", "taken", "line_"),
    [
        (
            server(A),
            1,
            0,
            Taken("10.0.0.2", quarantine=["10.0.0.3"]),
            "1 pool is all in use; 1 address is in quarantine",
        ),
        (
            server(A, listed=(line("10.0.9.2"), line("10.0.9.5"))),
            1,
            0,
            Taken("10.0.0.2", "10.0.0.3", quarantine=["10.0.9.2", "10.0.9.3", "10.0.9.5"]),
            "1 pool and 2 listed addresses are all in use; 2 addresses are in quarantine",
        ),
        (
            server(A),
            2,
            0,
            Taken(quarantine=["10.0.0.2"]),
            "no bridge and VLAN has more than 1 free, 2 are needed; 1 address is in quarantine",
        ),
        (server(SIX), 0, 300, Taken(quarantine=["2001:db8::9"]), "300 are needed; 1 address is in quarantine"),
        (server(A, SIX), 1, 300, Taken(quarantine=["10.0.0.3"]), "more than 254 free, 300 are needed"),
    ],
)
def test_the_line_tells_of_addresses_that_only_have_to_be_waited_for(
    sources: Sources, ipv4: int, ipv6: int, taken: Taken, line_: str
) -> None:
    with pytest.raises(NoFreeAddress) as error:
        choose(sources, Wanted(ipv4, ipv6), taken)
    assert str(error.value).endswith(line_)
