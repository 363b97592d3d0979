"""What the old addon PUQ Customization left is taken over: once, completely, and without touching it."""

import multiprocessing
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from click.testing import CliRunner

from bridge.addresses.book import AddressBook
from bridge.addresses.pool_list import PoolQuery, pool_page
from bridge.addresses.quarantine import no_quarantine
from bridge.commands.migrate import migrate_command
from bridge.database import Database, close_connection, connect
from bridge.migrations import MIGRATIONS
from bridge.models import whmcs
from bridge.models.companion import Setting
from bridge.models.module import DnsZone, IpPool, VmInfo
from bridge.takeover.tables import take_over
from bridge.upgrade import bring_up_to_date, outlook
from statemachines.package import NetworkSpec
from statemachines.ports import Vm
from tests.factories import make_dns_zone, make_pool, make_product, make_server, make_service
from tests.integration.addresses.shop import NoonClock

EXTENSION = "puq_customization_module_puq_proxmox_kvm"
OLD_POOLS, OLD_ZONES = f"{EXTENSION}_ip_pools", f"{EXTENSION}_dns_zones"
SERVER, OTHER = 19, 20
SECRET = "cf-t0ken-5f1c"

POOLS = [
    (2, SERVER, "ipv6", "vmbr0", 0, "2001:db8::1", 120, "", "", "2001:db8::2", "2001:db8::50"),
    (3, SERVER, "ipv4", "vmbr0", 0, "192.168.130.1", 24, "8.8.8.8", "1.1.1.1", "192.168.130.2", "192.168.130.30"),
    (7, OTHER, "ipv4", "vmbr1", 30, "10.0.5.1", 26, "", "", "10.0.5.2", "10.0.5.9"),
]
POOL_COLUMNS = ("id", "server_id", "type", "bridge", "vlan", "gateway", "mask", "dns1", "dns2", "address_start", "address_stop")  # fmt: skip
ZONES = [
    (1, "example.com", "cloudflare", f'{{"account_id": "a", "zone_id": "z", "api_token": "{SECRET}"}}'),
    (4, "130.168.192.in-addr.arpa", "powerdns", '{"server": "https://pdns.example.com:8081", "api_key": "k3y"}'),
]
ZONE_COLUMNS = ("id", "zone", "type", "config")


def table(database: Database, name: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """A table as somebody else made it."""
    numbers = {"id", "server_id", "vlan", "mask"}
    types = ", ".join(f"{column} {'INT' if column in numbers else 'VARCHAR(255)'}" for column in columns)
    database.execute_sql(f"CREATE TABLE {name} ({types})")
    for row in rows:
        marks = ", ".join([database.param] * len(row))
        database.execute_sql(f"INSERT INTO {name} ({', '.join(columns)}) VALUES ({marks})", row)


def contents(database: Database, name: str) -> list[tuple[Any, ...]]:
    return sorted(database.execute_sql(f"SELECT * FROM {name}").fetchall())


@pytest.fixture
def shop(database_url: str) -> Database:
    """A WHMCS on which KVM Bridge was never run."""
    database = connect(database_url)
    database.create_tables(whmcs.TABLES)
    make_server(id=SERVER, name="pve-waw1")
    make_server(id=OTHER, name="pve-ber1")
    return database


@pytest.fixture
def old(shop: Database) -> Database:
    """The same with the tables of the extension."""
    table(shop, OLD_POOLS, POOL_COLUMNS, POOLS)
    table(shop, OLD_ZONES, ZONE_COLUMNS, ZONES)
    return shop


def pools() -> list[tuple[Any, ...]]:
    """Our pools as the old table has them."""
    rows = IpPool.select().order_by(IpPool.id)
    return [tuple(getattr(row, column) for column in POOL_COLUMNS) for row in rows]


def zones() -> dict[str, Mapping[str, Any]]:
    return {row.zone: row.__data__ for row in DnsZone.select()}


def ordered(service_id: int, server: int = SERVER, **counts: int) -> list[str]:
    """A service of the server gets addresses; what it got."""
    make_service(id=service_id, userid=1, packageid=make_product().id, server=server, dedicatedip="", assignedips="")
    network = NetworkSpec(dhcp_ipv4=False, dhcp_ipv6=False, **counts)
    vm = Vm(service_id=service_id, client_id=1, server_id=server, status="creation")
    return [address.text for address in AddressBook(NoonClock()).allocate(vm, network, "vm.example.com")]


@pytest.mark.req("MIG-02", "MIG-03", "MIG-05", "MIG-08")
def test_all_pools_and_zones_are_copied(old: Database) -> None:
    done = bring_up_to_date(old)
    assert done.imports == (f"imported 3 IP pools from {OLD_POOLS}", f"imported 2 DNS zones from {OLD_ZONES}")
    assert pools() == POOLS
    assert {zone: row["type"] for zone, row in zones().items()} == {
        "example.com": "cloudflare",
        "130.168.192.in-addr.arpa": "powerdns",
    }
    assert zones()["example.com"]["api_token"] == SECRET
    assert zones()["130.168.192.in-addr.arpa"]["api_key"] == "k3y"
    assert [shown.row.id for shown in pool_page(PoolQuery(), no_quarantine()).rows] == [2, 3, 7]


@pytest.mark.req("MIG-03")
def test_what_was_imported_is_told_in_one_line_without_secrets(old: Database) -> None:
    line = bring_up_to_date(old).line
    assert line == (
        f"The database is up to date ({len(MIGRATIONS)} migrations applied now; imported 3 IP pools from {OLD_POOLS}; "
        f"imported 2 DNS zones from {OLD_ZONES})."
    )
    assert bring_up_to_date(old).line == "Up to date."


@pytest.mark.req("MIG-06")
def test_the_old_tables_stay_as_they_are(old: Database) -> None:
    before = contents(old, OLD_POOLS), contents(old, OLD_ZONES)
    bring_up_to_date(old)
    IpPool.delete().execute()
    bring_up_to_date(old)
    assert (contents(old, OLD_POOLS), contents(old, OLD_ZONES)) == before
    assert len(before[0]) == 3


@pytest.mark.req("MIG-05")
def test_a_second_activation_copies_nothing(old: Database) -> None:
    bring_up_to_date(old)
    assert bring_up_to_date(old).imports == ()
    assert (pools(), len(zones())) == (POOLS, 2)


@pytest.mark.req("MIG-05")
def test_a_table_that_has_rows_already_takes_no_others(old: Database) -> None:
    bring_up_to_date(old)
    IpPool.delete().execute()
    DnsZone.delete().execute()
    Setting.delete().where(Setting.name.startswith("taken_over")).execute()
    mine = make_pool(SERVER)
    assert outlook(old).imports == (f"import 2 DNS zones from {OLD_ZONES}",)
    assert take_over(old) == [f"imported 2 DNS zones from {OLD_ZONES}"]
    assert [row.id for row in IpPool.select()] == [mine.id]


@pytest.mark.req("MIG-19")
def test_what_an_admin_deleted_does_not_come_back(old: Database) -> None:
    bring_up_to_date(old)
    IpPool.delete().execute()
    DnsZone.delete().execute()
    assert outlook(old).imports == ()
    assert bring_up_to_date(old).imports == ()
    assert (pools(), zones()) == ([], {})


@pytest.mark.req("MIG-04")
def test_the_names_on_the_page_about_pools_are_known_as_well(shop: Database) -> None:
    table(shop, "puq_customization_ip_pools", POOL_COLUMNS, POOLS)
    table(shop, "puq_customization_dns_zones", ZONE_COLUMNS, ZONES)
    assert bring_up_to_date(shop).imports == (
        "imported 3 IP pools from puq_customization_ip_pools",
        "imported 2 DNS zones from puq_customization_dns_zones",
    )
    assert pools() == POOLS


@pytest.mark.req("MIG-04")
def test_the_first_table_that_has_rows_counts(shop: Database) -> None:
    table(shop, OLD_POOLS, POOL_COLUMNS, [])
    table(shop, "puq_customization_ip_pools", POOL_COLUMNS, POOLS[:1])
    assert bring_up_to_date(shop).imports == ("imported 1 IP pool from puq_customization_ip_pools",)


@pytest.mark.req("MIG-18")
def test_columns_under_other_names_are_recognised(shop: Database) -> None:
    columns = ("id", "server", "ip_type", "bridge", "vlan_id", "gw", "netmask", "dns_1", "dns_2", "start", "end")
    rows = [(*row[:6], "255.255.255.0", *row[7:]) for row in POOLS[1:2]] + [(9, "pve-ber1", *POOLS[2][2:])]
    table(shop, OLD_POOLS, columns, rows)
    bring_up_to_date(shop)
    assert pools() == [POOLS[1], (9, OTHER, *POOLS[2][2:])]


@pytest.mark.req("MIG-07")
def test_pools_keep_their_servers_and_what_is_in_use(old: Database) -> None:
    product = make_product()
    for number in range(8):
        text = f"192.168.130.{2 + number}"
        make_service(userid=1, packageid=product.id, server=SERVER, dedicatedip=text)
    bring_up_to_date(old)
    VmInfo.create(service_id=900, vm_status="ready", vm_rev_dns='{"2001:db8::7": "vm.example.com"}')
    shown = {row.row.id: row for row in pool_page(PoolQuery(), no_quarantine()).rows}
    assert {id_: (row.server, row.row.server_id) for id_, row in shown.items()} == {
        2: ("pve-waw1", SERVER),
        3: ("pve-waw1", SERVER),
        7: ("pve-ber1", OTHER),
    }
    usage = {id_: row.usage.text for id_, row in shown.items() if row.usage}
    assert usage == {2: "1.27% (1/79)", 3: "27.59% (8/29)", 7: "0% (0/8)"}
    assert ordered(950, ipv4_count=1) == ["192.168.130.10"]


@pytest.mark.req("MIG-10")
def test_with_only_the_old_tables_there_orders_get_their_addresses_from_them(old: Database) -> None:
    assert not old.table_exists(IpPool)
    bring_up_to_date(old)
    assert ordered(5, ipv4_count=1, ipv6_count=1) == ["192.168.130.2", "2001:0db8:0000:0000:0000:0000:0000:0002"]
    assert ordered(6, server=OTHER, ipv4_count=1) == ["10.0.5.2"]


@pytest.mark.parametrize("removed", [False, True], ids=["both addons", "the old one removed"])
def test_orders_go_on_beside_the_old_addon_and_without_it(old: Database, removed: bool) -> None:
    bring_up_to_date(old)
    if removed:
        old.execute_sql(f"DROP TABLE {OLD_POOLS}")
        old.execute_sql(f"DROP TABLE {OLD_ZONES}")
    assert ordered(5, ipv4_count=2) == ["192.168.130.2", "192.168.130.3"]
    assert bring_up_to_date(old).line == "Up to date."
    assert pools() == POOLS


def test_a_pool_that_cannot_serve_is_copied_and_told_of(shop: Database) -> None:
    lost = (8, 404, *POOLS[1][2:])
    broken = (9, SERVER, "ipv4", "vmbr0", 0, "", 24, "", "", "10.0.0.2", "10.0.0.9")
    table(shop, OLD_POOLS, POOL_COLUMNS, [POOLS[0], lost, broken])
    (line,) = bring_up_to_date(shop).imports
    assert line == (
        f"imported 3 IP pools from {OLD_POOLS} (1 of them is malformed, 1 of them is of servers that do not exist)"
    )
    assert [row[0] for row in pools()] == [2, 8, 9]


def test_rows_without_usable_numbers_get_new_ones(shop: Database) -> None:
    table(shop, OLD_POOLS, POOL_COLUMNS, [(None, *POOLS[0][1:]), (3, *POOLS[1][1:]), (3, *POOLS[2][1:])])
    bring_up_to_date(shop)
    assert sorted(row[9] for row in pools()) == sorted(row[9] for row in POOLS)
    assert len({row[0] for row in pools()}) == 3


def test_tables_of_other_extensions_are_left_out(shop: Database) -> None:
    table(shop, "puq_customization_module_puq_mikrotik_ip_pools", POOL_COLUMNS, POOLS)
    assert bring_up_to_date(shop).imports == ()
    assert pools() == []


def test_an_installation_that_has_none_of_it_is_told_nothing(shop: Database) -> None:
    assert bring_up_to_date(shop).imports == ()
    assert Setting.select().where(Setting.name.startswith("taken_over")).count() == 0
    table(shop, OLD_POOLS, POOL_COLUMNS, POOLS)  # the old addon's backup is put back later
    assert len(bring_up_to_date(shop).imports) == 1


def activate_elsewhere(url: str) -> tuple[str, ...]:
    try:
        return bring_up_to_date(connect(url)).imports
    finally:
        close_connection()


@pytest.mark.slow
@pytest.mark.req("MIG-05")
def test_processes_that_activate_at_once_copy_once(old: Database, database_url: str) -> None:
    close_connection()
    with multiprocessing.get_context("spawn").Pool(3) as workers:
        told = workers.map(activate_elsewhere, [database_url] * 3, chunksize=1)
    assert sorted(line for lines in told for line in lines) == [
        f"imported 2 DNS zones from {OLD_ZONES}",
        f"imported 3 IP pools from {OLD_POOLS}",
    ]
    connect(database_url)
    assert (pools(), len(zones())) == (POOLS, 2)


@pytest.mark.req("MIG-03", "MIG-05")
def test_the_migrate_command_tells_what_it_would_import_and_what_it_has_imported(
    old: Database, database_url: str
) -> None:
    environment = {"KVM_BRIDGE_DATABASE_URL": database_url}
    run = CliRunner().invoke
    applied = [name for name, _ in MIGRATIONS.values()]
    wanted = run(migrate_command, ["--dry-run"], env=environment).output.splitlines()
    assert wanted == [
        *(f"would apply {name}" for name in applied),
        f"would import 3 IP pools from {OLD_POOLS}",
        f"would import 2 DNS zones from {OLD_ZONES}",
    ]
    assert not connect(database_url).table_exists(IpPool)
    done = run(migrate_command, env=environment)
    assert done.output.splitlines()[-2:] == [
        f"imported 3 IP pools from {OLD_POOLS}",
        f"imported 2 DNS zones from {OLD_ZONES}",
    ]
    assert SECRET not in done.output
    assert run(migrate_command, env=environment).output == "up to date\n"


def test_a_zone_of_ours_keeps_the_imported_ones_out(old: Database) -> None:
    bring_up_to_date(old)
    DnsZone.delete().execute()
    Setting.delete().where(Setting.name.startswith("taken_over")).execute()
    make_dns_zone()
    assert take_over(old) == []
    assert list(zones()) == ["example.com"]
