"""The list of pools: what it shows, finds, sorts, and what it costs."""

import contextlib
from collections.abc import Iterator

import pytest

from bridge.addresses.errors import PoolRefused
from bridge.addresses.pool_list import ORDERS, PoolPage, PoolQuery, pool_page
from bridge.addresses.reverse_zone import CLASSLESS
from bridge.addresses.sources import pool_of
from bridge.addresses.usage import usage_of
from bridge.database import Database
from bridge.models.module import IpPool
from bridge.models.whmcs import Server
from tests.integration.addresses.shop import (
    HOST,
    OTHER_SERVER,
    SERVER,
    NoonClock,
    add_pool,
    add_service,
    open_shop,
    static,
)

ZONE_OF_120 = "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"

pytestmark = pytest.mark.usefixtures("shop_database")


def page(clock: NoonClock | None = None, **query: object) -> PoolPage:
    return pool_page(PoolQuery(**query), (clock or NoonClock()).quarantine())  # type: ignore[arg-type]


def ids(**query: object) -> list[int]:
    return [shown.row.id for shown in page(**query).rows]


@contextlib.contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """The statements of the block."""
    seen: list[str] = []

    def hook(event: object) -> None:
        seen.append(event.sql)  # type: ignore[attr-defined]

    database.query_hooks.append(hook)
    try:
        yield seen
    finally:
        database.query_hooks.remove(hook)


@pytest.mark.req("IPP-32", "IPP-04")
def test_the_pools_of_the_manual_look_as_on_its_picture() -> None:
    book = open_shop()
    six = add_pool("2001:db8::2", "2001:db8::50", "2001:db8::1", 120)
    four = add_pool("192.168.130.2", "192.168.130.30", "192.168.130.1", 24, dns1="8.8.8.8", dns2="1.1.1.1")
    book.allocate(add_service(1), static(8, 17), HOST)
    first, second = (shown.as_json() for shown in page().rows)
    assert first == {
        "id": six,
        "server_id": SERVER,
        "server": "pve-waw1",
        "type": "ipv6",
        "bridge": "vmbr0",
        "vlan": 0,
        "gateway": "2001:db8::1",
        "mask": 120,
        "dns1": None,
        "dns2": None,
        "address_start": "2001:db8::2",
        "address_stop": "2001:db8::50",
        "addresses": "2001:db8::2 - 2001:db8::50",
        "reverse_zone": ZONE_OF_120,
        "reverse_zone_delegated": "",
        "usage": "21.52% (17/79)",
        "used": 17,
        "total": 79,
        "quarantined": 0,
        "problem": "",
    }
    assert (second["id"], second["usage"], second["dns1"]) == (four, "27.59% (8/29)", "8.8.8.8")
    assert second["reverse_zone"] == "130.168.192.in-addr.arpa"


@pytest.mark.req("IPP-04")
def test_usage_counts_each_address_once_whoever_tells_of_it() -> None:
    book = open_shop()
    pool = add_pool("10.0.0.2", "10.0.0.30", "10.0.0.1", 24)
    other = add_pool("10.0.0.31", "10.0.0.40", "10.0.0.1", 24)
    book.allocate(add_service(1), static(2), HOST)
    add_service(2, dedicated="10.0.0.9", names={"10.0.0.9": "x.example.com", "10.0.0.10": "y.example.com"})
    add_service(3, assigned="10.0.0.31\n10.0.0.9\n10.0.9.9")
    add_service(4, dedicated="10.0.0.11", product=2, vm_status=None)  # of another module
    found = {shown.row.id: shown.usage for shown in page().rows}
    assert (found[pool].used, found[other].used) == (4, 1)  # type: ignore[union-attr]


def test_the_zone_is_that_of_the_addresses_and_not_of_a_gateway_elsewhere() -> None:
    open_shop()
    add_pool("2001:db8::2", "2001:db8::ff", "fe80::1", 64)
    add_pool("10.1.2.64", "10.1.2.90", "10.9.9.1", 26)
    first, second = page().rows
    assert first.zone is not None
    assert first.zone.text == "0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
    assert second.zone is not None
    assert (second.zone.text, second.zone.delegated) == (CLASSLESS, "64/26.2.1.10.in-addr.arpa")


def test_a_malformed_pool_is_shown_with_what_is_wrong() -> None:
    open_shop()
    add_pool("10.0.0.9", "10.0.0.2", "10.0.0.1", 24, server_id=404)
    (shown,) = page().rows
    assert shown.problem == "nothing is handed out of it: the range ends before it starts"
    assert (shown.usage, shown.zone, shown.server) == (None, None, "unnamed")


def several() -> dict[str, int]:
    """Pools of two servers, some addresses in use; their IDs by a name."""
    book = open_shop()
    made = {
        "ten": add_pool("10.0.0.10", "10.0.0.19", "10.0.0.1", 24, bridge="vmbr2", vlan=30),
        "nine": add_pool("9.0.0.2", "9.0.0.5", "9.0.0.1", 28, server_id=OTHER_SERVER),
        "hundred": add_pool("100.0.0.2", "100.0.0.9", "100.0.0.1", 16, bridge="vmbr1", vlan=4),
        "six": add_pool("2001:db8::2", "2001:db8::ff", "2001:db8::1", 64),
    }
    book.allocate(add_service(1), static(4, auto=False, bridge="vmbr1", vlan=4), HOST)
    book.allocate(add_service(2, server=OTHER_SERVER), static(1), HOST)
    return made


@pytest.mark.req("IPP-32")
@pytest.mark.parametrize(
    ("sort", "names"),
    [
        ("id", ["ten", "nine", "hundred", "six"]),
        ("server", ["nine", "ten", "hundred", "six"]),
        ("type", ["ten", "nine", "hundred", "six"]),
        ("bridge", ["nine", "six", "hundred", "ten"]),
        ("vlan", ["nine", "six", "hundred", "ten"]),
        ("gateway", ["nine", "ten", "hundred", "six"]),
        ("mask", ["hundred", "ten", "nine", "six"]),
        ("addresses", ["nine", "ten", "hundred", "six"]),
        ("usage", ["ten", "six", "nine", "hundred"]),
    ],
)
def test_every_column_sorts_and_addresses_sort_as_numbers(sort: str, names: list[str]) -> None:
    made = several()
    assert ids(sort=sort) == [made[name] for name in names]
    backwards = ids(sort=sort, descending=True)
    assert backwards[0] in {made[name] for name in names[1:]}
    assert sorted(backwards) == sorted(made.values())


def test_there_is_no_other_order() -> None:
    open_shop()
    with pytest.raises(PoolRefused, match=r"^pools are not sorted by password; possible are id, server"):
        page(sort="password")
    assert set(ORDERS) == {"id", "server", "type", "bridge", "vlan", "gateway", "mask", "addresses", "usage"}


@pytest.mark.req("IPP-32")
@pytest.mark.parametrize(
    ("search", "names"),
    [
        ("", ["ten", "nine", "hundred", "six"]),
        ("waw1", ["ten", "hundred", "six"]),
        ("PVE-BER", ["nine"]),
        ("ipv6", ["six"]),
        ("vmbr2", ["ten"]),
        ("waw1 vmbr1", ["hundred"]),
        ("vmbr2 vmbr1", []),
        ("10.0.0.1", ["ten"]),
        ("10.0.0.15", ["ten"]),
        ("2001:0DB8::0077", ["six"]),
        ("db8::", ["six"]),
        ("%", []),
        ("vmbr_", []),
        ("' OR 1=1 --", []),
    ],
)
def test_every_word_has_to_be_in_some_column_and_an_address_finds_its_pool(search: str, names: list[str]) -> None:
    made = several()
    found = page(search=search)
    wanted = {made[name] for name in names}
    assert {shown.row.id for shown in found.rows} == wanted
    assert (found.found, found.total) == (len(wanted), 4)


@pytest.mark.req("IPP-32")
def test_pages_follow_each_other() -> None:
    made = list(several().values())
    assert ids(size=3) == made[:3]
    assert ids(size=3, page=2) == made[3:]
    assert ids(size=3, page=3) == []
    assert ids(size=1, page=2, sort="usage") == [made[3]]
    assert (page(size=3).found, page(size=3, page=3).total) == (4, 4)


@pytest.mark.req("IPP-32")
def test_a_page_asks_the_same_questions_for_many_large_pools_as_for_one_small_pool(shop_database: Database) -> None:
    open_shop()
    add_pool("10.0.0.1", "10.0.0.6", "10.0.0.1", 29)
    with counted(shop_database) as for_one:
        assert len(page(size=100).rows) == 1
    for number in range(1, 60):
        add_pool(f"2001:db8:{number:x}::2", f"2001:db8:{number:x}:0:ffff:ffff:ffff:ffff", f"2001:db8:{number:x}::1", 64)
    with counted(shop_database) as for_many:
        assert len(page(size=100).rows) == 60
    assert len(for_many) == len(for_one)


def test_more_pools_than_fit_into_one_question_are_all_counted() -> None:
    book = open_shop()
    for number in range(150):
        add_pool(f"10.0.{number}.2", f"10.0.{number}.9", f"10.0.{number}.1", 24, vlan=number)
    for number in (0, 99, 100, 149):
        book.allocate(add_service(number + 1), static(2, auto=False, bridge="vmbr0", vlan=number), HOST)
    add_service(900, dedicated="10.0.120.5")
    usages = usage_of([pool_of(row) for row in IpPool.select().order_by(IpPool.id)], NoonClock().quarantine())
    used = {number: usage.used for number, usage in enumerate(usages) if usage.used}
    assert used == {0: 2, 99: 2, 100: 2, 120: 1, 149: 2}


def test_the_name_of_a_server_is_shown_without_entities() -> None:
    open_shop()
    add_pool("10.0.0.2", "10.0.0.9", "10.0.0.1", 24)
    Server.update(name="Waw &amp; Co").where(Server.id == SERVER).execute()
    assert page().rows[0].server == "Waw & Co"
