"""Pools added, changed and deleted by staff, and what becomes of the addresses that services hold."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bridge.addresses import pool_admin
from bridge.addresses.book import AddressBook
from bridge.addresses.errors import AddressWithoutNetwork, PoolInUse, PoolRefused
from bridge.addresses.pool_admin import Pools
from bridge.addresses.pools import Pool
from bridge.database import close_connection
from bridge.models.companion import AddressReservation
from bridge.models.module import IpPool, VmInfo
from bridge.models.whmcs import Server, Service
from statemachines.ports import Address, Vm
from tests.integration.addresses.shop import (
    HOST,
    OTHER_SERVER,
    SERVER,
    NoonClock,
    add_pool,
    add_service,
    open_shop,
    reservations,
    shown,
    static,
    usage,
)

pytestmark = pytest.mark.usefixtures("shop_database")

FIELDS: dict[str, object] = {
    "server_id": SERVER,
    "type": "ipv4",
    "bridge": "vmbr0",
    "vlan": 0,
    "gateway": "10.0.0.1",
    "mask": 24,
    "dns1": "9.9.9.9",
    "dns2": "",
    "address_start": "10.0.0.2",
    "address_stop": "10.0.0.9",
}
IPV6 = FIELDS | {
    "type": "ipv6",
    "gateway": "2001:DB8:0::1",
    "mask": 64,
    "address_start": "2001:0db8:0000:0000:0000:0000:0000:0002",
    "address_stop": "2001:db8::0.0.0.80",
}


@pytest.fixture
def book() -> AddressBook:
    return open_shop()


@pytest.fixture
def pools(book: AddressBook) -> Pools:
    return Pools(NoonClock())


def row(pool_id: int) -> dict[str, Any]:
    data: dict[str, Any] = IpPool.get_by_id(pool_id).__data__
    return data


def refused(work: Any) -> str:
    with pytest.raises(PoolRefused) as error:
        work()
    return str(error.value)


def ordered(book: AddressBook, service_id: int, server: int = SERVER) -> tuple[Vm, Address]:
    vm = add_service(service_id, server=server)
    (address,) = book.allocate(vm, static(), HOST)
    return vm, address


@pytest.mark.req("IPP-06")
def test_a_pool_that_is_added_serves_the_next_order(book: AddressBook, pools: Pools) -> None:
    saved = pools.add({name: value for name, value in FIELDS.items() if name not in {"dns1", "dns2", "vlan"}})
    assert saved.warnings == ()
    vm, address = ordered(book, 7)
    assert (address.text, address.gateway, address.dns, address.vlan) == ("10.0.0.2", "10.0.0.1", (), 0)
    assert book.held(vm) == [address]


@pytest.mark.req("IPP-36")
def test_the_row_is_what_the_old_module_wrote(pools: Pools) -> None:
    saved = pools.add(IPV6)
    assert row(saved.pool_id) == {
        "id": saved.pool_id,
        "server_id": SERVER,
        "type": "ipv6",
        "bridge": "vmbr0",
        "vlan": 0,
        "gateway": "2001:db8::1",
        "mask": 64,
        "dns1": "9.9.9.9",
        "dns2": "",
        "address_start": "2001:db8::2",
        "address_stop": "2001:db8::50",
    }
    assert usage(saved.pool_id).text == "0% (0/79)"


@pytest.mark.req("IPP-11")
@pytest.mark.parametrize("server_id", [99, 21])
def test_a_server_that_is_none_of_the_module_is_refused(pools: Pools, server_id: int) -> None:
    Server.create(id=21, name="mail", type="cpanel")
    line = refused(lambda: pools.add(FIELDS | {"server_id": server_id}))
    assert line == f"Server (server_id): {server_id} is no server of this module"
    assert IpPool.select().count() == 0


@pytest.mark.req("IPP-07", "IPP-09", "IPP-10", "IPP-12")
def test_a_pool_with_mistakes_is_not_stored_and_a_stored_one_stays_as_it_was(pools: Pools) -> None:
    wrong: list[dict[str, object]] = [
        {"mask": 33},
        {"bridge": "eth0"},
        {"gateway": "2001:db8::1"},
        {"address_start": "10.0.0.8", "address_stop": "10.0.0.7"},
    ]
    for changes in wrong:
        refused(lambda changes=changes: pools.add(FIELDS | changes))
    assert IpPool.select().count() == 0
    pool_id = pools.add(FIELDS).pool_id
    before = row(pool_id)
    for changes in wrong:
        refused(lambda changes=changes: pools.change(pool_id, {"dns1": "1.1.1.1"} | changes))
    assert row(pool_id) == before


@pytest.mark.req("IPP-34")
@pytest.mark.parametrize(
    ("start", "stop"),
    [("10.0.0.9", "10.0.0.20"), ("10.0.0.1", "10.0.0.2"), ("10.0.0.4", "10.0.0.5"), ("10.0.0.1", "10.0.0.90")],
)
def test_addresses_of_another_pool_of_the_server_are_refused(pools: Pools, start: str, stop: str) -> None:
    first = pools.add(FIELDS).pool_id
    line = refused(lambda: pools.add(FIELDS | {"address_start": start, "address_stop": stop, "bridge": "vmbr1"}))
    assert line == f"{start} - {stop} overlaps with pool {first} (10.0.0.2 - 10.0.0.9) of server pve-waw1 (ID 19)"
    assert IpPool.select().count() == 1


@pytest.mark.req("IPP-34")
def test_neighbours_and_the_other_family_do_not_overlap(pools: Pools) -> None:
    pools.add(FIELDS)
    pools.add(FIELDS | {"address_start": "10.0.0.10", "address_stop": "10.0.0.19"})
    pools.add(IPV6)
    add_pool("10.0.0.30", "10.0.0.20", "10.0.0.1", 24)  # malformed: it hands nothing out
    pools.add(FIELDS | {"address_start": "10.0.0.20", "address_stop": "10.0.0.30"})
    assert IpPool.select().count() == 5


@pytest.mark.req("IPP-34")
def test_a_pool_is_not_moved_onto_another_one_and_may_stay_where_it_is(pools: Pools) -> None:
    first = pools.add(FIELDS).pool_id
    second = pools.add(FIELDS | {"address_start": "10.0.0.20", "address_stop": "10.0.0.30"}).pool_id
    assert f"overlaps with pool {first} " in refused(lambda: pools.change(second, {"address_start": "10.0.0.5"}))
    IpPool.update(address_start="10.0.0.5").where(IpPool.id == second).execute()  # as an older installation may have it
    (warning,) = pools.change(second, {"dns1": "1.1.1.1"}).warnings
    assert f"overlaps with pool {first} " in warning
    assert row(second)["dns1"] == "1.1.1.1"


@pytest.mark.req("IPP-34")
def test_two_admins_cannot_add_the_same_range_at_once(pools: Pools, monkeypatch: pytest.MonkeyPatch) -> None:
    both_have_looked = threading.Barrier(2)
    look = pool_admin._overlapping

    def look_and_wait(pool: Pool) -> list[IpPool]:
        found = look(pool)
        with contextlib.suppress(threading.BrokenBarrierError):
            both_have_looked.wait(0.2)
        return found

    def add(_: int) -> bool:
        try:
            return bool(pools.add(FIELDS).pool_id)
        except PoolRefused:
            return False
        finally:
            close_connection()

    monkeypatch.setattr(pool_admin, "_overlapping", look_and_wait)
    with ThreadPoolExecutor(2) as threads:
        assert sorted(threads.map(add, range(2))) == [False, True]


@pytest.mark.req("IPP-35")
def test_the_same_addresses_on_two_servers_are_handed_out_once_in_all(book: AddressBook, pools: Pools) -> None:
    first = pools.add(FIELDS).pool_id
    saved = pools.add(FIELDS | {"server_id": OTHER_SERVER})
    assert saved.warnings == (
        f"10.0.0.2 - 10.0.0.9 overlaps with pool {first} (10.0.0.2 - 10.0.0.9) of server pve-waw1 (ID 19): "
        "each address is handed out once in all",
    )
    given = [ordered(book, number, (SERVER, OTHER_SERVER)[number % 2])[1].text for number in range(1, 9)]
    assert len(set(given)) == 8


@pytest.mark.req("IPP-43")
def test_the_type_of_a_pool_stays(pools: Pools) -> None:
    pool_id = pools.add(FIELDS).pool_id
    assert "cannot be changed" in refused(lambda: pools.change(pool_id, IPV6))
    assert row(pool_id)["type"] == "ipv4"


@pytest.mark.req("IPP-13")
def test_a_smaller_range_leaves_services_their_addresses(book: AddressBook, pools: Pools) -> None:
    pool_id = pools.add(FIELDS).pool_id
    vm, address = ordered(book, 5)
    pools.change(pool_id, {"address_start": "10.0.0.6"})
    assert book.held(vm) == [address]
    assert shown(5).dedicated == "10.0.0.2"
    assert ordered(book, 6)[1].text == "10.0.0.6"
    assert book.allocate(vm, static(), HOST) == [address]


CHANGES: dict[str, object] = {
    "gateway": "10.0.0.254",
    "mask": 25,
    "dns1": "1.1.1.1",
    "dns2": "8.8.8.8",
    "bridge": "vmbr1",
    "vlan": 30,
}


def as_changed(address: Address) -> bool:
    facts = (address.gateway, address.prefix, address.dns, address.bridge, address.vlan)
    return facts == ("10.0.0.254", 25, ("1.1.1.1", "8.8.8.8"), "vmbr1", 30)


@pytest.mark.req("IPP-13", "IPP-39")
def test_new_settings_are_for_new_addresses(book: AddressBook, pools: Pools) -> None:
    pool_id = pools.add(FIELDS).pool_id
    vm, before = ordered(book, 5)
    pools.change(pool_id, CHANGES)
    assert book.held(vm) == [before]
    assert as_changed(ordered(book, 6)[1])


@pytest.mark.req("IPP-13", "IPP-39")
@pytest.mark.parametrize("where", ["texts", "names"])
def test_that_holds_for_addresses_of_the_old_module_too(book: AddressBook, pools: Pools, where: str) -> None:
    pool_id = add_pool("10.0.0.2", "10.0.0.9", "10.0.0.1", 24)
    vm = add_service(5, **{"texts": {"dedicated": "10.0.0.7"}, "names": {"names": {"10.0.0.7": HOST}}}[where])  # type: ignore[arg-type]
    (before,) = book.held(vm)
    pools.change(pool_id, CHANGES)
    assert book.held(vm) == [before]
    assert reservations() == {"10.0.0.7": 5}


@pytest.mark.req("IPP-13", "IPP-39")
@pytest.mark.parametrize("smaller", [{}, {"address_start": "10.0.0.6"}])
def test_that_holds_for_addresses_that_were_given_before_networks_were_written_down(
    book: AddressBook, pools: Pools, smaller: dict[str, object]
) -> None:
    pool_id = pools.add(FIELDS).pool_id
    vm, before = ordered(book, 5)
    AddressReservation.update(prefix=None).execute()
    IpPool.update(smaller or {"vlan": 0}).execute()
    pools.change(pool_id, CHANGES)
    assert book.held(vm) == [before]


@pytest.mark.req("IPP-39")
def test_new_settings_reach_assigned_addresses_when_that_is_asked_for(book: AddressBook, pools: Pools) -> None:
    pool_id = pools.add(FIELDS).pool_id
    vm, _ = ordered(book, 5)
    add_pool("10.0.0.2", "10.0.0.9", "10.0.0.1", 24, server_id=OTHER_SERVER)
    stranger = add_service(6, server=OTHER_SERVER)
    before = book.allocate(stranger, static(), HOST)
    pools.change(pool_id, CHANGES, carry_over=True)
    assert as_changed(book.held(vm)[0])
    assert book.held(stranger) == before


def test_an_address_of_the_legacy_list_follows_its_line(pools: Pools) -> None:
    line = "vmbr0|10|192.168.10.2|24|192.168.10.1|8.8.8.8"
    Server.update(assignedips=line).where(Server.id == SERVER).execute()
    book = AddressBook(NoonClock())
    vm, _ = ordered(book, 5)
    Server.update(assignedips=line.replace("10.1|", "10.254|")).where(Server.id == SERVER).execute()
    assert book.held(vm)[0].gateway == "192.168.10.254"
    Server.update(assignedips="").where(Server.id == SERVER).execute()
    (address,) = book.held(vm)
    assert (address.text, address.gateway, address.vlan) == ("192.168.10.2", "192.168.10.1", 10)


def test_a_service_that_moves_to_another_server_does_not_take_its_network_along(
    book: AddressBook, pools: Pools
) -> None:
    pools.add(FIELDS)
    vm, _ = ordered(book, 5)
    vm.server_id = OTHER_SERVER
    with pytest.raises(AddressWithoutNetwork, match="in no pool and no listed address of server pve-ber1"):
        book.held(vm)


@pytest.mark.req("IPP-38")
def test_a_pool_in_use_is_not_deleted_and_its_services_are_named(book: AddressBook, pools: Pools) -> None:
    pool_id = pools.add(FIELDS | {"address_stop": "10.0.0.99"}).pool_id
    for number in range(1, 13):
        ordered(book, number)
    add_service(77, dedicated="10.0.0.50", vm_status=None)
    with pytest.raises(PoolInUse) as error:
        pools.delete(pool_id)
    assert str(error.value) == (
        f"pool {pool_id} (10.0.0.2 - 10.0.0.99) of server pve-waw1 (ID 19) is in use by "
        "services 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and 3 more"
    )
    assert error.value.users == (*range(1, 13), 77)
    assert IpPool.select().count() == 1


@pytest.mark.req("IPP-38")
def test_a_pool_whose_range_moved_away_from_its_addresses_is_in_use_as_well(book: AddressBook, pools: Pools) -> None:
    pool_id = pools.add(FIELDS).pool_id
    ordered(book, 5)
    pools.change(pool_id, {"address_start": "10.0.0.6"})
    assert "is in use by service 5" in refused(lambda: pools.delete(pool_id))


@pytest.mark.req("IPP-15", "IPP-38")
def test_services_keep_what_a_deleted_pool_gave_them(book: AddressBook, pools: Pools) -> None:
    pool_id = pools.add(FIELDS).pool_id
    vm, address = ordered(book, 5)
    old = add_service(6, dedicated="10.0.0.7")
    (theirs,) = book.held(old)
    pools.delete(pool_id, confirmed=True)
    assert IpPool.select().count() == 0
    assert (shown(5).dedicated, shown(6).dedicated) == ("10.0.0.2", "10.0.0.7")
    assert (book.held(vm), book.held(old)) == ([address], [theirs])
    assert book.allocate(vm, static(), HOST) == [address]
    assert reservations() == {"10.0.0.2": 5, "10.0.0.7": 6}


@pytest.mark.req("IPP-38")
def test_what_a_deleted_pool_gave_is_not_handed_out_by_the_next_one(book: AddressBook, pools: Pools) -> None:
    first = pools.add(FIELDS).pool_id
    vm, address = ordered(book, 5)
    pools.delete(first, confirmed=True)
    second = pools.add(FIELDS | {"gateway": "10.0.0.254"}).pool_id
    assert ordered(book, 6)[1].text == "10.0.0.3"
    assert book.held(vm) == [address]
    assert usage(second).used == 2
    pools.change(second, {"dns1": "1.1.1.1"}, carry_over=True)
    assert book.held(vm)[0].gateway == "10.0.0.254"


def test_a_pool_that_nobody_uses_is_deleted_without_a_question(book: AddressBook, pools: Pools) -> None:
    pool_id = pools.add(FIELDS).pool_id
    ordered(book, 5)
    book.release(5)
    pools.delete(pool_id)
    assert IpPool.select().count() == 0
    assert refused(lambda: pools.delete(pool_id)) == f"pool {pool_id} does not exist"


def test_a_malformed_pool_can_be_mended_and_deleted(pools: Pools) -> None:
    pool_id = add_pool("10.0.0.2", "10.0.0.9", "", 24)
    assert "Gateway (gateway)" in refused(lambda: pools.change(pool_id, {"dns1": "1.1.1.1"}))
    pools.change(pool_id, {"gateway": "10.0.0.1"})
    IpPool.update(gateway=None).execute()
    pools.delete(pool_id)
    assert IpPool.select().count() == 0


def test_a_pool_of_a_server_that_is_gone_can_be_moved_and_deleted(book: AddressBook, pools: Pools) -> None:
    pool_id = add_pool("10.0.0.2", "10.0.0.9", "10.0.0.1", 24, server_id=404)
    pools.change(pool_id, {"server_id": SERVER})
    assert ordered(book, 5)[1].text == "10.0.0.2"
    lost = add_pool("10.0.1.2", "10.0.1.9", "10.0.1.1", 24, server_id=404)
    pools.delete(lost)
    assert [found.id for found in IpPool.select()] == [pool_id]


def test_the_servers_to_choose_from_are_those_of_the_module(pools: Pools) -> None:
    Server.create(id=21, name="mail", type="cpanel")
    Server.update(name="Waw &amp; Co").where(Server.id == SERVER).execute()
    assert pools.servers() == [(SERVER, "Waw & Co"), (OTHER_SERVER, "pve-ber1")]


def test_a_change_without_a_difference_writes_nothing(book: AddressBook, pools: Pools) -> None:
    pool_id = pools.add(FIELDS).pool_id
    add_service(6, dedicated="10.0.0.7")
    pools.change(pool_id, FIELDS)
    assert AddressReservation.select().count() == 0
    assert VmInfo.select().count() == 1
    assert Service.get_by_id(6).dedicatedip == "10.0.0.7"
