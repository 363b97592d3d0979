"""Migrations on an empty database and on one that the old module has lived in; on SQLite and on MariaDB."""

import multiprocessing
import re

import pytest
from peewee import IntegrityError

from bridge.database import Database, close_connection, connect, transaction
from bridge.migrations import MIGRATIONS, migrate, pending
from bridge.migrations.schema import MigrationError
from bridge.models import companion, module, whmcs
from bridge.models.companion import AddressReservation, AppliedMigration, OutboxMessage, Slot, VmidReservation, VmWork
from bridge.models.module import VmInfo
from bridge.models.protocol import Nonce
from bridge.settings import install_id

ALL = [name for name, _ in MIGRATIONS.values()]

OLD_VM_INFO = """
CREATE TABLE puqProxmoxKVM_vm_info (
    id {auto}, service_id INT NOT NULL, vm_id VARCHAR(32), vm_name VARCHAR(255) NOT NULL DEFAULT '', vm_status VARCHAR(64),
    vm_snapshots INT NOT NULL DEFAULT 0, vm_last_action_log TEXT, vm_color VARCHAR(16) NOT NULL, vm_rank INT NOT NULL,
    vm_seen DATETIME NOT NULL, UNIQUE (service_id))
"""
OLD_ROW = {
    "id": 7,
    "service_id": 5546,
    "vm_id": "2001",
    "vm_name": "5546-1775784027",
    "vm_status": "ready",
    "vm_snapshots": 3,
    "vm_last_action_log": '{"action": "deploy"}',
    "vm_color": "red",
    "vm_rank": 9,
    "vm_seen": "2026-04-10 03:53:23",
}


@pytest.fixture
def empty(database_url: str) -> Database:
    return connect(database_url)


@pytest.fixture
def old(empty: Database) -> Database:
    """The record table as some older version may have made it: fewer columns, other types, some that we do not know."""
    auto = "INTEGER PRIMARY KEY" if empty.dialect == "sqlite" else "INT AUTO_INCREMENT PRIMARY KEY"
    empty.execute_sql(OLD_VM_INFO.format(auto=auto))
    columns, marks = ", ".join(OLD_ROW), ", ".join([empty.param] * len(OLD_ROW))
    empty.execute_sql(f"INSERT INTO puqProxmoxKVM_vm_info ({columns}) VALUES ({marks})", tuple(OLD_ROW.values()))
    return empty


def old_row(database: Database, service_id: int = 5546) -> dict[str, str]:
    """The columns of the old table as text, read without our models."""
    sql = f"SELECT {', '.join(OLD_ROW)} FROM puqProxmoxKVM_vm_info WHERE service_id = {service_id}"
    return dict(zip(OLD_ROW, map(str, database.execute_sql(sql).fetchone()), strict=True))


@pytest.mark.req("INS-19", "MIG-02", "INS-22")
def test_an_empty_database_gets_the_documented_tables_and_ours(empty: Database) -> None:
    assert migrate(empty) == ALL
    documented = {
        "puqProxmoxKVM_vm_info",
        "puqProxmoxKVM_statistics",
        "puq_proxmox_kvm_ip_pools",
        "puq_proxmox_kvm_dns_zones",
    }
    tables = set(empty.get_tables())
    assert documented <= tables
    assert all(name.startswith("kvm_bridge_") for name in tables - documented)


@pytest.mark.req("DAT-03")
def test_the_documented_columns_are_there_in_the_order_of_the_dialog(empty: Database) -> None:
    migrate(empty)
    assert [column.name for column in empty.get_columns("puqProxmoxKVM_vm_info")] == [
        "service_id",
        "vm_id",
        "vm_name",
        "vm_status",
        "vm_net0_mac",
        "vm_rev_dns",
        "vm_snapshots",
        "vm_backups",
        "vm_backup_now_utid",
        "vm_backup_restore_utid",
        "vm_backup_schedule",
        "vm_last_action_log",
        "vm_deploy_log",
    ]


@pytest.mark.req("DAT-03")
def test_every_column_of_every_model_is_a_column_of_the_table(database: Database) -> None:
    for model in [*module.TABLES, *companion.TABLES, Nonce]:
        columns = {column.name for column in database.get_columns(model._meta.table_name)}  # type: ignore[attr-defined]
        assert columns == set(model._meta.columns)  # type: ignore[attr-defined]


@pytest.mark.req("DAT-02", "INS-26")
def test_a_second_run_applies_nothing_and_changes_nothing(database: Database) -> None:
    VmInfo.create(service_id=1, vm_status="ready")
    marked = install_id()
    assert migrate(database) == []
    assert pending(database) == []
    assert [row.service_id for row in VmInfo.select()] == [1]
    assert install_id() == marked


@pytest.mark.req("DAT-02", "INS-26")
def test_a_migration_that_was_cut_off_is_simply_run_again(empty: Database) -> None:
    migrate(empty)
    empty.execute_sql("DROP TABLE kvm_bridge_migration")
    empty.execute_sql("DROP TABLE kvm_bridge_slot")
    empty.drop_tables([OutboxMessage])
    empty.execute_sql("CREATE TABLE kvm_bridge_outbox (id INTEGER PRIMARY KEY, dedupe_key VARCHAR(191) NOT NULL)")
    assert migrate(empty) == ALL
    Slot.create(scope="a", number=0, service_id=1)
    with pytest.raises(IntegrityError):
        Slot.create(scope="a", number=0, service_id=2)
    columns = {"kind": "mail", "dedupe_key": "k", "service_id": 1, "payload": "{}", "created_at": 0.0}
    OutboxMessage.create(id=1, **columns)
    with pytest.raises(IntegrityError):
        OutboxMessage.create(id=2, **columns)


@pytest.mark.req("DAT-02", "INS-24")
def test_an_installation_from_before_suspension_gets_what_it_needs_and_keeps_its_rows(empty: Database) -> None:
    migrate(empty)
    VmWork.create(service_id=5546, due_at=7.5, intent="{}")
    if empty.dialect == "sqlite":
        indexes = [index.name for index in empty.get_indexes("kvm_bridge_vm") if index.columns == ["suspended"]]
        empty.execute_sql(f"DROP INDEX {indexes[0]}")
    for column in ("generation", "suspended", "onboot"):
        empty.execute_sql(f"ALTER TABLE kvm_bridge_vm DROP COLUMN {column}")
    AppliedMigration.delete().where(AppliedMigration.version == 2).execute()
    assert migrate(empty) == ["0002 suspension"]
    row = VmWork.get_by_id(5546)
    assert (row.generation, row.suspended, row.onboot) == (0, 0, None)
    assert (row.due_at, row.intent) == (7.5, "{}")
    assert ["suspended"] in [index.columns for index in empty.get_indexes("kvm_bridge_vm")]
    assert migrate(empty) == []


@pytest.mark.req("DAT-02", "INS-24")
def test_an_installation_from_before_backups_gets_what_it_needs_and_keeps_its_rows(empty: Database) -> None:
    migrate(empty)
    VmWork.create(service_id=5546, node="pve1")
    VmidReservation.create(cluster="server:1", vmid=100, service_id=5546, reserved_at=0.0)
    empty.execute_sql("ALTER TABLE kvm_bridge_vm DROP COLUMN backup_day")
    empty.execute_sql("ALTER TABLE kvm_bridge_vmid DROP COLUMN adopted_at")
    AppliedMigration.delete().where(AppliedMigration.version == 8).execute()
    assert migrate(empty) == ["0008 backups"]
    assert (VmWork.get_by_id(5546).backup_day, VmWork.get_by_id(5546).node) == (None, "pve1")
    assert (VmidReservation.get().adopted_at, VmidReservation.get().vmid) == (None, 100)
    assert migrate(empty) == []


def migrate_elsewhere(url: str) -> list[str]:
    try:
        return migrate(connect(url))
    finally:
        close_connection()


@pytest.mark.slow
@pytest.mark.req("DAT-02")
def test_processes_that_migrate_at_once_take_turns(database_url: str) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        applied = pool.map(migrate_elsewhere, [database_url] * 3, chunksize=1)
    assert sorted(applied, key=len) == [[], [], ALL]


@pytest.mark.req("DAT-01", "DAT-03", "INS-24")
def test_a_table_of_the_old_module_keeps_its_rows_and_columns_and_gets_the_missing_ones(old: Database) -> None:
    before = {column.name: column.data_type for column in old.get_columns("puqProxmoxKVM_vm_info")}
    assert migrate(old) == ALL
    after = {column.name: column.data_type for column in old.get_columns("puqProxmoxKVM_vm_info")}
    assert set(before) | set(VmInfo._meta.columns) == set(after)
    widened = {name for name in before if before[name] != after[name]}
    assert widened == ({"vm_last_action_log"} if old.dialect == "mysql" else set())
    assert old_row(old) == {name: str(value) for name, value in OLD_ROW.items()}


@pytest.mark.req("DAT-01")
def test_our_update_of_an_old_row_writes_only_the_columns_it_names(old: Database) -> None:
    migrate(old)
    row = VmInfo.get_by_id(5546)
    assert (row.vm_id, row.vm_deploy_log, row.vm_net0_mac) == (2001, None, None)
    row.vm_status = "change_package"
    row.save()
    VmInfo.update(vm_last_action_log="x" * 100_000).where(VmInfo.service_id == 5546).execute()
    changed = {"vm_status": "change_package", "vm_last_action_log": "x" * 100_000}
    assert old_row(old) == {name: str(value) for name, value in (OLD_ROW | changed).items()}


@pytest.mark.req("DAT-01")
def test_a_new_row_fits_into_a_table_whose_further_columns_demand_values(old: Database) -> None:
    migrate(old)
    VmInfo.create(service_id=1, vm_status="creation")
    row = old_row(old, service_id=1)
    assert (row["vm_status"], row["vm_color"], row["vm_rank"]) == ("creation", "", "0")
    with pytest.raises(IntegrityError):
        VmInfo.create(service_id=1, vm_status="creation")


@pytest.mark.req("DAT-03")
def test_the_old_module_can_still_add_its_rows(old: Database) -> None:
    migrate(old)
    old.execute_sql(
        "INSERT INTO puqProxmoxKVM_vm_info (service_id, vm_status, vm_color, vm_rank, vm_seen)"
        " VALUES (2, 'creation', '', 0, '2026-01-01')"
    )
    row = VmInfo.get_by_id(2)
    assert (row.vm_status, row.vm_snapshots, row.vm_backups) == ("creation", 0, 0)


@pytest.mark.parametrize("value", ["", "none", None])
def test_a_vmid_column_without_a_number_reads_as_none(old: Database, value: str | None) -> None:
    migrate(old)
    old.execute_sql(f"UPDATE puqProxmoxKVM_vm_info SET vm_id = {old.param}", (value,))
    assert VmInfo.get_by_id(5546).vm_id is None


def test_the_scheduler_finds_states_by_an_index_in_old_and_new_tables(old: Database) -> None:
    migrate(old)
    assert any(index.columns[0] == "vm_status" for index in old.get_indexes("puqProxmoxKVM_vm_info"))


@pytest.mark.req("MET-14")
def test_statistics_of_the_old_module_keep_their_rows_and_get_what_sums_and_cleaning_need(empty: Database) -> None:
    table = "puqProxmoxKVM_statistics"
    empty.execute_sql(
        f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, service_id INT, date DATETIME, netin BIGINT, netout BIGINT)"
    )
    for number in (1, 2):  # the same hour twice: no key of ours may stand in the way
        empty.execute_sql(f"INSERT INTO {table} VALUES ({number}, 5, '2026-04-10 03:00:00', 70, 80)")
    migrate(empty)
    migrate(empty)
    assert empty.execute_sql(f"SELECT SUM(netin), COUNT(*) FROM {table}").fetchone() == (140, 2)
    indexes = [index.columns for index in empty.get_indexes(table)]
    assert indexes.count(["date"]) == 1
    assert indexes.count(["service_id", "date", "netin", "netout"]) == 1


def test_an_index_that_somebody_else_made_is_not_doubled(old: Database) -> None:
    old.execute_sql("CREATE INDEX theirs ON puqProxmoxKVM_vm_info (vm_status, vm_color)")
    migrate(old)
    starting = [i for i in old.get_indexes("puqProxmoxKVM_vm_info") if i.columns[0] == "vm_status"]
    assert [index.name for index in starting] == ["theirs"]


def test_a_foreign_table_under_our_name_is_named_and_left_alone(empty: Database) -> None:
    empty.execute_sql("CREATE TABLE puqProxmoxKVM_vm_info (colour INT)")
    with pytest.raises(MigrationError, match="puqProxmoxKVM_vm_info has no column service_id"):
        migrate(empty)
    assert [column.name for column in empty.get_columns("puqProxmoxKVM_vm_info")] == ["colour"]
    assert pending(empty) == ALL


def test_rows_that_contradict_a_unique_key_are_named(empty: Database) -> None:
    columns = "id INTEGER PRIMARY KEY, cluster VARCHAR(255), vmid INT, service_id INT, reserved_at FLOAT"
    empty.execute_sql(f"CREATE TABLE kvm_bridge_vmid ({columns})")
    empty.execute_sql("INSERT INTO kvm_bridge_vmid VALUES (1, 'c', 100, NULL, 0), (2, 'c', 100, NULL, 0)")
    with pytest.raises(MigrationError, match=r"kvm_bridge_vmid .*cluster, vmid"):
        migrate(empty)


def test_the_tables_of_whmcs_are_neither_created_nor_altered(empty: Database) -> None:
    migrate(empty)
    assert not set(empty.get_tables()) & {model._meta.table_name for model in whmcs.TABLES}


def test_an_installation_has_a_mark_of_eight_hex_digits(database: Database) -> None:
    assert re.fullmatch("[0-9a-f]{8}", install_id())


@pytest.mark.req("ENG-09")
def test_the_database_refuses_a_vmid_that_is_reserved_in_the_cluster(database: Database) -> None:
    VmidReservation.create(cluster="a", vmid=100, service_id=1, reserved_at=0)
    VmidReservation.create(cluster="b", vmid=100, service_id=2, reserved_at=0)
    with pytest.raises(IntegrityError):
        VmidReservation.create(cluster="a", vmid=100, service_id=None, reserved_at=0)


@pytest.mark.req("ENG-08")
def test_the_database_refuses_an_address_that_is_held(database: Database) -> None:
    held = {"server_id": 1, "family": 6, "reserved_at": 0}
    address = "2001:0db8:0000:0000:0000:0000:0000:0003"
    AddressReservation.create(address=address, service_id=1, **held)
    with pytest.raises(IntegrityError):
        AddressReservation.create(address=address, service_id=2, **held)


def test_keys_of_ours_differ_when_their_letters_do(database: Database) -> None:
    with transaction():
        Nonce.create(nonce="aBc", expires_at=1)
        Nonce.create(nonce="abc", expires_at=1)
    assert Nonce.select().count() == 2
