"""Rows of WHMCS's module log, in whatever form its table has, and never a reason for anything else to fail."""

import json

import pytest

from bridge.clock import SystemClock
from bridge.database import Database, transaction
from bridge.models.companion import Setting
from bridge.models.whmcs import ModuleLogEntry
from bridge.module_log import ModuleLog
from statemachines.ports import Journal


class Noon(SystemClock):
    def now(self) -> float:
        return 1775822400.5


@pytest.fixture
def log(database: Database) -> ModuleLog:
    return ModuleLog(Noon("Europe/Warsaw"), secrets=["daemon-secret"])


def only_row() -> ModuleLogEntry:
    (row,) = ModuleLogEntry.select()
    assert isinstance(row, ModuleLogEntry)
    return row


@pytest.mark.req("LOG-03", "DAT-06")
def test_an_entry_holds_module_action_request_and_response_in_local_time(log: ModuleLog) -> None:
    journal: Journal = log
    journal.record("clone", {"newid": 100, "name": "vm-é"}, "UPID:pve1:…")
    row = only_row()
    assert (row.module, row.action, row.response) == ("puqProxmoxKVM", "clone", "UPID:pve1:…")
    assert json.loads(row.request) == {"newid": 100, "name": "vm-é"}
    assert str(row.date) == "2026-04-10 14:00:00"


@pytest.mark.req("LOG-04", "DAT-06")
def test_no_secret_is_in_any_column(log: ModuleLog) -> None:
    log.record(
        "configure hunter2",
        {"ciuser": "root", "cipassword": "anything", "note": "daemon%2Dsecret daemon-secret"},
        'PUT https://pve/?x=hunter2 "hunter2"',
        secrets=["hunter2"],
    )
    row = only_row()
    stored = " ".join(map(str, row.__data__.values()))
    for secret in ("hunter2", "anything", "daemon-secret"):
        assert secret not in stored
    assert '"ciuser": "root"' in row.request


def test_an_entry_larger_than_its_column_is_cut_with_a_note(log: ModuleLog) -> None:
    log.record("long", "é" * 100_000, "ok")
    text = only_row().request
    assert len(text.encode()) < 65_535
    assert text.endswith("140000 bytes more")


def test_a_switched_off_log_writes_nothing(database: Database) -> None:
    ModuleLog(Noon(), enabled=lambda: False).record("clone", 1, 2)
    assert ModuleLogEntry.select().count() == 0


@pytest.mark.req("DAT-01")
def test_columns_that_whmcs_has_besides_or_lacks_do_not_matter(database: Database, log: ModuleLog) -> None:
    database.drop_tables([ModuleLogEntry])
    key = "INTEGER PRIMARY KEY" if database.dialect == "sqlite" else "INT AUTO_INCREMENT PRIMARY KEY"
    database.execute_sql(
        f"CREATE TABLE tblmodulelog (id {key}, action TEXT NOT NULL, request TEXT NOT NULL, colour TEXT NOT NULL)"
    )
    log.record("clone", "asked", "answered")
    row = database.execute_sql("SELECT action, request, colour FROM tblmodulelog").fetchone()
    assert row == ("clone", "asked", "")


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError("no text")


def test_a_missing_table_or_an_unprintable_value_never_raises(database: Database, log: ModuleLog) -> None:
    log.record("odd", Unprintable(), object())
    assert ModuleLogEntry.select().count() == 0
    database.drop_tables([ModuleLogEntry])
    with transaction():
        Setting.create(name="work", value="done")
        log.record("clone", "asked", "answered")
    assert Setting.get_by_id("work").value == "done"


def test_a_lost_entry_is_told_in_the_daemons_own_log(
    database: Database, log: ModuleLog, caplog: pytest.LogCaptureFixture
) -> None:
    log.record("odd", Unprintable(), "hunter2")
    assert caplog.messages == ["Module log: the entry odd is lost (RuntimeError)"]
