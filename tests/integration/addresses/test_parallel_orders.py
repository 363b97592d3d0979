"""A hundred orders at once, in threads and in processes: no two ever share an address, and none is lost."""

import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bridge.addresses.errors import NoFreeAddress
from bridge.database import close_connection
from bridge.models.companion import AddressReservation
from statemachines.ports import Vm
from tests.integration.addresses.shop import (
    HOST,
    OTHER_SERVER,
    SERVER,
    add_pool,
    add_service,
    open_shop,
    reservations,
    shown,
    static,
    texts,
)

ORDERS = 100
WORKERS = 16
PROCESSES = 4

pytestmark = pytest.mark.usefixtures("shop_database")


def addresses_of(services: range) -> dict[int, list[str]]:
    """Service -> what WHMCS shows of it, after checking that reservations say the same and nothing is given twice."""
    found = {service: [shown(service).dedicated, *shown(service).assigned] for service in services}
    handed_out = [address for addresses in found.values() for address in addresses if address]
    assert len(handed_out) == len(set(handed_out))
    assert reservations() == {
        address: service for service, addresses in found.items() for address in addresses if address
    }
    return found


@pytest.mark.req("IPP-26")
def test_orders_in_threads_never_share_an_address() -> None:
    book = open_shop()
    add_pool("10.0.0.2", "10.0.0.120", "10.0.0.1", 24)
    add_pool("2001:db8::2", "2001:db8::ffff:ffff:ffff:ffff", "2001:db8::1", 64)
    vms = [add_service(number) for number in range(1, ORDERS + 1)]

    def order(vm: Vm) -> list[str]:
        try:
            return texts(book.allocate(vm, static(1, 1), HOST))
        finally:
            close_connection()

    with ThreadPoolExecutor(WORKERS) as pool:
        answered = list(pool.map(order, vms))
    found = addresses_of(range(1, ORDERS + 1))
    assert [found[vm.service_id] for vm in vms] == answered
    # The lowest addresses were taken without a gap: nothing was reserved and forgotten on the way.
    assert {address[0] for address in answered} == {f"10.0.0.{number}" for number in range(2, ORDERS + 2)}


@pytest.mark.req("IPP-26", "IPP-28")
def test_when_more_order_than_there_are_addresses_exactly_the_rest_is_refused() -> None:
    book = open_shop("\n".join(f"vmbr0|0|192.168.7.{number}|24|192.168.7.1|9.9.9.9" for number in range(2, 12)))
    add_pool("10.0.0.2", "10.0.0.11", "10.0.0.1", 24)
    vms = [add_service(number) for number in range(1, 31)]

    def order(vm: Vm) -> bool:
        try:
            return bool(book.allocate(vm, static(), HOST))
        except NoFreeAddress:
            return False
        finally:
            close_connection()

    with ThreadPoolExecutor(WORKERS) as pool:
        served = list(pool.map(order, vms))
    assert sum(served) == 20
    found = addresses_of(range(1, 31))
    assert [bool(found[vm.service_id][0]) for vm in vms] == served


@pytest.mark.req("IPP-26")
def test_two_servers_with_the_same_range_never_give_the_same_address() -> None:
    book = open_shop()
    for server in (SERVER, OTHER_SERVER):
        add_pool("10.0.0.2", "10.0.0.60", "10.0.0.1", 24, server_id=server)
    vms = [add_service(number, server=(SERVER, OTHER_SERVER)[number % 2]) for number in range(1, 41)]

    def order(vm: Vm) -> list[str]:
        try:
            return texts(book.allocate(vm, static(), HOST))
        finally:
            close_connection()

    with ThreadPoolExecutor(WORKERS) as pool:
        answered = list(pool.map(order, vms))
    assert len({address for addresses in answered for address in addresses}) == 40
    addresses_of(range(1, 41))


def test_two_workers_on_one_order_do_not_give_it_twice_as_many() -> None:
    book = open_shop()
    add_pool("10.0.0.2", "10.0.0.60", "10.0.0.1", 24)
    vm = add_service(1)

    def order(_: int) -> list[str]:
        try:
            return texts(book.allocate(vm, static(2), HOST))
        finally:
            close_connection()

    with ThreadPoolExecutor(WORKERS) as pool:
        answered = list(pool.map(order, range(WORKERS)))
    assert answered == [["10.0.0.2", "10.0.0.3"]] * WORKERS
    assert len(reservations()) == 2


ORDERING_PROCESS = textwrap.dedent(
    """
    import sys
    from bridge.addresses.book import AddressBook
    from bridge.clock import SystemClock
    from bridge.database import connect
    from statemachines.package import NetworkSpec
    from statemachines.ports import Vm

    url, server, *services = sys.stdin.read().split()
    connect(url)
    book = AddressBook(SystemClock())
    network = NetworkSpec(ipv4_count=1, ipv6_count=1, dhcp_ipv4=False, dhcp_ipv6=False)
    print("ready", flush=True)
    for service in services:
        book.allocate(Vm(int(service), 1, int(server), "creation"), network, "vm.example.com")
    """
)


@pytest.mark.req("IPP-26")
def test_orders_in_several_processes_never_share_an_address(shop_url: str) -> None:
    open_shop()
    add_pool("10.0.0.2", "10.0.0.120", "10.0.0.1", 24)
    add_pool("2001:db8::2", "2001:db8::ffff:ffff:ffff:ffff", "2001:db8::1", 64)
    for number in range(1, ORDERS + 1):
        add_service(number)
    root = Path(__file__).parents[3]
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", ORDERING_PROCESS],
            cwd=root,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(PROCESSES)
    ]
    for number, process in enumerate(processes):
        services = " ".join(map(str, range(number + 1, ORDERS + 1, PROCESSES)))
        assert process.stdin is not None
        process.stdin.write(f"{shop_url} {SERVER} {services}")
        process.stdin.close()
    for process in processes:
        process.stdin = None
        _, complaints = process.communicate(timeout=120)
        assert (process.returncode, complaints) == (0, "")
    found = addresses_of(range(1, ORDERS + 1))
    assert all(len(addresses) == 2 for addresses in found.values())
    assert AddressReservation.select().count() == 2 * ORDERS
