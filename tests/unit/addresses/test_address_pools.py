"""Arithmetic on pools, the legacy list, and which addresses of a server a VM gets."""

import time
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.addresses.pools import Ip, Pool, gaps


def pool(first: str, last: str, prefix: int, gateway: str, **more: object) -> Pool:
    start, stop = ip_address(first), ip_address(last)
    facts: dict[str, object] = {"id": 1, "bridge": "vmbr0", **more}
    return Pool(
        family=start.version,
        start=int(start),
        stop=int(stop),
        prefix=prefix,
        gateway=gateway,
        **facts,  # type: ignore[arg-type]
    )


def texts(found: object) -> list[str]:
    return [str(ip) for ip in found]  # type: ignore[attr-defined]


def numbers(*addresses: str) -> set[int]:
    return {int(ip_address(address)) for address in addresses}


@given(st.integers(0, 60), st.integers(0, 60), st.sets(st.integers(-5, 70)))
def test_gaps_are_the_numbers_that_nobody_has(start: int, stop: int, taken: set[int]) -> None:
    assert list(gaps(start, stop, taken)) == [number for number in range(start, stop + 1) if number not in taken]


def test_the_lowest_free_address_comes_first_and_holes_are_filled() -> None:
    free = pool("10.0.0.10", "10.0.0.13", 24, "10.0.0.1").free(numbers("10.0.0.10", "10.0.0.12"))
    assert texts(free) == ["10.0.0.11", "10.0.0.13"]


@pytest.mark.req("IPP-27")
def test_the_gateway_is_never_free() -> None:
    assert texts(pool("10.0.0.1", "10.0.0.3", 24, "10.0.0.2").free(())) == ["10.0.0.1", "10.0.0.3"]
    assert "2001:db8::1" not in texts(pool("2001:db8::", "2001:db8::3", 64, "2001:db8:0::1").free(()))


EDGES = [
    ("10.0.0.0", "10.0.0.7", 29, "10.0.0.1", ["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"]),
    ("10.0.0.254", "10.0.1.1", 24, "10.0.0.1", ["10.0.0.254", "10.0.1.1"]),
    ("10.0.0.254", "10.0.1.1", 16, "10.0.0.1", ["10.0.0.254", "10.0.0.255", "10.0.1.0", "10.0.1.1"]),
    ("10.0.0.0", "10.0.0.1", 31, "10.0.0.1", ["10.0.0.0"]),
    ("10.0.0.5", "10.0.0.5", 32, "10.0.0.1", ["10.0.0.5"]),
    ("2001:db8::", "2001:db8::3", 64, "fe80::1", ["2001:db8::1", "2001:db8::2", "2001:db8::3"]),
    ("2001:db8::fffe", "2001:db8::ffff", 112, "fe80::1", ["2001:db8::fffe", "2001:db8::ffff"]),
    ("2001:db8::", "2001:db8::1", 127, "fe80::1", ["2001:db8::", "2001:db8::1"]),
]


@pytest.mark.parametrize(("first", "last", "prefix", "gateway", "expected"), EDGES)
def test_network_and_broadcast_addresses_are_never_free(
    first: str, last: str, prefix: int, gateway: str, expected: list[str]
) -> None:
    assert texts(pool(first, last, prefix, gateway).free(())) == expected


def test_the_last_address_of_a_family_does_not_run_over() -> None:
    assert texts(pool("255.255.255.255", "255.255.255.255", 32, "10.0.0.1").free(())) == ["255.255.255.255"]


@pytest.mark.req("ENG-38")
def test_a_64_costs_what_a_29_costs() -> None:
    taken = {int(ip_address("2001:db8::")) + number for number in range(2, 1002)}
    large = pool("2001:db8::2", "2001:db8::ffff:ffff:ffff:fffe", 64, "2001:db8::1")
    begun = time.process_time()
    assert str(next(large.free(taken))) == "2001:db8::3ea"
    assert large.size == 2**64 - 3
    assert time.process_time() - begun < 1  # counting through it would take centuries


@example("10.0.0.0/30", set())
@given(
    st.sampled_from(["10.0.0.0/28", "10.1.0.0/24", "2001:db8::/124", "10.0.0.0/31", "10.0.0.4/32"]),
    st.sets(st.integers(0, 255), max_size=40),
)
def test_free_addresses_are_those_that_hosts_may_use_and_nobody_has(subnet: str, offsets: set[int]) -> None:
    network = ip_network(subnet)
    first, last = network[0], network[-1]
    gateway = network[min(1, network.num_addresses - 1)]
    taken = {int(first) + offset for offset in offsets}
    usable: set[Ip] = set(network.hosts()) if network.num_addresses > 2 else set(network)
    if network.version == 6:
        usable.add(last)
    found = list(pool(str(first), str(last), network.prefixlen, str(gateway)).free(taken))
    assert found == sorted(ip for ip in usable if int(ip) not in taken and ip != gateway)
