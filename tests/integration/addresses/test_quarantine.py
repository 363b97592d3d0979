"""Addresses that were given back are left alone for a while."""

import json
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bridge.addresses import book as book_module
from bridge.addresses import quarantine as quarantine_module
from bridge.addresses.book import AddressBook
from bridge.addresses.errors import NoFreeAddress
from bridge.database import close_connection
from bridge.models.companion import QuarantinedAddress
from bridge.models.module import VmInfo
from bridge.models.whmcs import Service
from statemachines.package import NetworkSpec
from statemachines.ports import Vm
from tests.integration.addresses.shop import (
    HOST,
    OTHER_SERVER,
    SERVER,
    NoonClock,
    add_pool,
    add_service,
    open_shop,
    reservations,
    static,
    texts,
    usage,
)

HOUR = 3600.0

pytestmark = pytest.mark.usefixtures("shop_database")


@pytest.fixture
def clock() -> NoonClock:
    return NoonClock(quarantine_seconds=HOUR)


def ordered(book: AddressBook, service_id: int, network: NetworkSpec | None = None) -> str:
    return texts(book.allocate(add_service(service_id), network or static(), HOST))[0]


@pytest.mark.req("IPP-40")
@pytest.mark.parametrize(
    ("network", "given", "next_"),
    [
        (static(), "10.0.0.2", "10.0.0.3"),
        (static(0, 1), "2001:0db8:0000:0000:0000:0000:0000:0002", "2001:0db8:0000:0000:0000:0000:0000:0003"),
        (static(auto=False, bridge="vmbr5", vlan=10), "192.168.10.2", "192.168.10.3"),
    ],
    ids=["IPv4 pool", "IPv6 pool", "legacy list"],
)
def test_an_address_is_left_alone_until_its_time_is_over(
    clock: NoonClock, network: NetworkSpec, given: str, next_: str
) -> None:
    lines = [f"vmbr5|10|192.168.10.{number}|24|192.168.10.1|8.8.8.8" for number in (2, 3, 4)]
    book = open_shop("\n".join(lines), clock=clock)
    add_pool("10.0.0.2", "10.0.0.9", "10.0.0.1", 24)
    add_pool("2001:db8::2", "2001:db8::ff", "2001:db8::1", 64)
    assert ordered(book, 1, network) == given
    book.release(1)
    clock.passed += HOUR - 1
    assert ordered(book, 2, network) == next_
    clock.passed += 1
    assert ordered(book, 3, network) == given


@pytest.mark.req("IPP-40")
def test_addresses_that_a_package_change_gives_back_are_left_alone_too(clock: NoonClock) -> None:
    book = open_shop(clock=clock)
    add_pool("10.0.0.2", "10.0.0.9", "10.0.0.1", 24)
    held = book.allocate(add_service(1), static(3), HOST)
    book.release(1, keep=held[:1])
    assert ordered(book, 2) == "10.0.0.5"
    assert {row.address for row in QuarantinedAddress.select()} == {"10.0.0.3", "10.0.0.4"}


@pytest.mark.req("IPP-40")
def test_what_the_old_module_had_assigned_is_left_alone_too(clock: NoonClock) -> None:
    book = open_shop(clock=clock)
    add_pool("10.0.0.2", "10.0.0.9", "10.0.0.1", 24)
    add_service(1, dedicated="10.0.0.2", names={"10.0.0.3": "old.example.com"})
    book.release(1)
    assert ordered(book, 2) == "10.0.0.4"


ORDERING_PROCESS = textwrap.dedent(
    """
    import sys
    from bridge.addresses.book import AddressBook
    from bridge.addresses.quarantine import Quarantine
    from bridge.database import connect
    from statemachines.package import NetworkSpec
    from statemachines.ports import Vm

    class Clock:
        def now(self):
            return float(now)

    url, server, service, now, seconds = sys.stdin.read().split()
    connect(url)
    book = AddressBook(Clock(), lambda: Quarantine(float(now), float(seconds)))
    network = NetworkSpec(ipv4_count=1, dhcp_ipv4=False, dhcp_ipv6=False)
    print(book.allocate(Vm(int(service), 1, int(server), "creation"), network, "vm.example.com")[0].text)
    """
)


@pytest.mark.req("IPP-40")
def test_another_process_knows_of_it(clock: NoonClock, shop_url: str) -> None:
    book = open_shop(clock=clock)
    add_pool("10.0.0.2", "10.0.0.9", "10.0.0.1", 24)
    ordered(book, 1)
    book.release(1)
    add_service(2)
    process = subprocess.run(
        [sys.executable, "-c", ORDERING_PROCESS],
        cwd=Path(__file__).parents[3],
        input=f"{shop_url} {SERVER} 2 {clock.now() + 60} {HOUR}",
        text=True,
        capture_output=True,
        check=True,
        timeout=60,
    )
    assert process.stdout.split() == ["10.0.0.3"]


@pytest.mark.req("IPP-40")
def test_an_address_given_back_while_an_order_is_choosing_is_not_taken(
    clock: NoonClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = open_shop(clock=clock)
    add_pool("10.0.0.2", "10.0.0.9", "10.0.0.1", 24)
    add_pool("10.0.0.2", "10.0.0.9", "10.0.0.1", 24, server_id=OTHER_SERVER)
    choose, taken_and_given_back = book_module.choose, []

    def choose_slowly(*arguments: object) -> object:
        chosen = choose(*arguments)  # type: ignore[arg-type]
        if not taken_and_given_back and threading.current_thread() is threading.main_thread():
            with ThreadPoolExecutor(1) as another:
                taken_and_given_back.append(another.submit(take_and_give_back).result())
        return chosen

    def take_and_give_back() -> str:
        try:
            (address,) = book.allocate(add_service(1, server=OTHER_SERVER), static(), HOST)
            book.release(1)
            return address.text
        finally:
            close_connection()

    monkeypatch.setattr(book_module, "choose", choose_slowly)
    assert ordered(book, 2) == "10.0.0.3"
    assert taken_and_given_back == ["10.0.0.2"]


@pytest.mark.req("IPP-40")
def test_the_reservation_is_checked_once_more_when_nobody_else_can_have_it(
    clock: NoonClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = open_shop(clock=clock)
    add_pool("10.0.0.2", "10.0.0.9", "10.0.0.1", 24)
    ordered(book, 1)
    book.release(1)
    numbers, blind = quarantine_module.Quarantine.numbers, [True, True]

    def at_first_nothing(self: quarantine_module.Quarantine, *arguments: object, **more: object) -> set[int]:
        return set() if blind and blind.pop() else numbers(self, *arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(quarantine_module.Quarantine, "numbers", at_first_nothing)
    assert ordered(book, 2) == "10.0.0.3"
    assert reservations() == {"10.0.0.3": 2}


@pytest.mark.req("IPP-40")
def test_orders_and_terminations_side_by_side_never_pass_an_address_on(clock: NoonClock) -> None:
    book = open_shop(clock=clock)
    add_pool("10.0.0.2", "10.0.0.200", "10.0.0.1", 24)
    vms = [add_service(number) for number in range(1, 61)]

    def live(vm: Vm) -> str:
        try:
            (address,) = book.allocate(vm, static(), HOST)
            if vm.service_id % 2:
                book.release(vm.service_id)
            return address.text
        finally:
            close_connection()

    with ThreadPoolExecutor(12) as threads:
        given = list(threads.map(live, vms))
    assert len(set(given)) == 60


@pytest.mark.req("IPP-41")
def test_the_service_that_gave_an_address_back_may_have_it_again(clock: NoonClock) -> None:
    book = open_shop(clock=clock)
    pool = add_pool("10.0.0.2", "10.0.0.9", "10.0.0.1", 24)
    vm = add_service(1)
    book.allocate(vm, static(), HOST)
    book.release(1)
    assert texts(book.allocate(vm, static(), HOST)) == ["10.0.0.2"]
    assert (usage(pool, clock).used, usage(pool, clock).quarantined) == (1, 0)


@pytest.mark.req("IPP-41")
def test_addresses_in_quarantine_are_nobodys_and_are_shown_apart(clock: NoonClock) -> None:
    book = open_shop(clock=clock)
    pool = add_pool("10.0.0.2", "10.0.0.9", "10.0.0.1", 24)
    held = book.allocate(add_service(1), static(3), HOST)
    book.release(1, keep=held[:1])
    found = usage(pool, clock)
    assert (found.used, found.quarantined, found.text) == (1, 2, "12.5% (1/8)")
    clock.passed += HOUR
    assert usage(pool, clock).quarantined == 0


@pytest.mark.req("IPP-41")
def test_when_the_rest_is_in_quarantine_the_admin_reads_so_and_the_order_goes_on_by_itself(clock: NoonClock) -> None:
    book = open_shop(clock=clock)
    add_pool("10.0.0.2", "10.0.0.3", "10.0.0.1", 24)
    ordered(book, 1)
    ordered(book, 2)
    book.release(1)
    vm = add_service(3)
    with pytest.raises(NoFreeAddress) as error:
        book.allocate(vm, static(), HOST)
    assert str(error.value) == (
        "No free IPv4 address on server pve-waw1 (ID 19): 1 pool is all in use; 1 address is in quarantine"
    )
    clock.passed += HOUR
    assert texts(book.allocate(vm, static(), HOST)) == ["10.0.0.2"]


@pytest.mark.req("IPP-41")
def test_without_the_setting_an_address_is_free_at_once_also_one_that_was_in_quarantine(clock: NoonClock) -> None:
    book = open_shop(clock=clock)
    add_pool("10.0.0.2", "10.0.0.9", "10.0.0.1", 24)
    ordered(book, 1)
    book.release(1)
    clock.quarantine_seconds = 0
    assert ordered(book, 2) == "10.0.0.2"
    book.release(2)
    assert QuarantinedAddress.select().count() == 0
    assert ordered(book, 3) == "10.0.0.2"


@pytest.mark.req("IPP-41")
def test_rows_whose_time_is_over_go_with_the_next_release(clock: NoonClock) -> None:
    book = open_shop(clock=clock)
    add_pool("10.0.0.2", "10.0.0.9", "10.0.0.1", 24)
    ordered(book, 1)
    ordered(book, 2)
    book.release(1)
    clock.passed += HOUR + 1
    book.release(2)
    assert [(row.address, row.service_id) for row in QuarantinedAddress.select()] == [("10.0.0.3", 2)]


@pytest.mark.req("IPP-40")
def test_giving_back_twice_does_not_lengthen_the_time(clock: NoonClock) -> None:
    book = open_shop(clock=clock)
    add_pool("10.0.0.2", "10.0.0.9", "10.0.0.1", 24)
    ordered(book, 1)
    book.release(1)
    clock.passed += HOUR - 1
    book.release(1)
    clock.passed += 1
    assert ordered(book, 2) == "10.0.0.2"


@pytest.mark.req("IPP-40")
def test_what_somebody_else_ended_is_left_alone_from_when_it_is_noticed(clock: NoonClock) -> None:
    book = open_shop(clock=clock)
    add_pool("10.0.0.2", "10.0.0.3", "10.0.0.1", 24)
    ordered(book, 1)
    ordered(book, 2)
    Service.update(dedicatedip="").where(Service.id == 1).execute()
    VmInfo.update(vm_rev_dns=json.dumps({}), vm_status="remove").where(VmInfo.service_id == 1).execute()
    vm = add_service(3)
    with pytest.raises(NoFreeAddress, match=r"1 address is in quarantine$"):
        book.allocate(vm, static(), HOST)
    clock.passed += HOUR
    assert texts(book.allocate(vm, static(), HOST)) == ["10.0.0.2"]


def test_an_address_that_an_admin_gives_a_service_by_hand_is_the_service_s(clock: NoonClock) -> None:
    book = open_shop(clock=clock)
    add_pool("10.0.0.2", "10.0.0.9", "10.0.0.1", 24)
    ordered(book, 1)
    book.release(1)
    vm = add_service(2, dedicated="10.0.0.2")
    assert texts(book.allocate(vm, static(), HOST)) == ["10.0.0.2"]
    assert reservations() == {"10.0.0.2": 2}
