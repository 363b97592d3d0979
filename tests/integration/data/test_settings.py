"""The global settings: defaults, ranges, and how a change gets around."""

from dataclasses import replace

import pytest

from bridge.database import Database
from bridge.models.companion import Setting
from bridge.package.fields import BadSetting
from bridge.settings import ENTRIES, Settings
from bridge.task_book import TaskBook
from tests.chaos.clock import VirtualClock
from tests.factories import set_setting

DOCUMENTED = [
    pytest.param("api_timeout_default", 10, 1, 300, marks=pytest.mark.req("SET-02")),
    pytest.param("api_timeout_heavy", 60, 1, 600, marks=pytest.mark.req("SET-03")),
    pytest.param("migration_timeout", 300, 1, 86_400, marks=pytest.mark.req("SET-05")),
    pytest.param("cron_lock_timeout", 600, 1, 86_400, marks=pytest.mark.req("SET-09")),
    pytest.param("heavy_per_node", 4, 1, 1000),
    pytest.param("heavy_per_storage", 2, 1, 1000),
    pytest.param("start_wait_ticks", 5, 1, 1000),
    pytest.param("address_quarantine", 0, 0, 527_040),
    pytest.param("cron_interval_processVirtualMachines", 1, 0, 44_640, marks=pytest.mark.req("CRN-08")),
    pytest.param("cron_interval_removeOldSnapshots", 5, 0, 44_640, marks=pytest.mark.req("CRN-09")),
    pytest.param("cron_interval_restoreBackupStatus", 1, 0, 44_640, marks=pytest.mark.req("CRN-10")),
    pytest.param("cron_interval_nowBackupStatus", 1, 0, 44_640, marks=pytest.mark.req("CRN-11")),
    pytest.param("cron_interval_scheduleBackup", 5, 0, 44_640, marks=pytest.mark.req("CRN-12")),
    pytest.param("cron_interval_collectingStatistics", 60, 0, 44_640, marks=pytest.mark.req("CRN-13")),
]


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def settings(database: Database, clock: Clock) -> Settings:
    return Settings(clock)


@pytest.mark.parametrize(("name", "default", "lowest", "highest"), DOCUMENTED)
def test_a_number_has_its_documented_default_and_range(
    sqlite_db: Database, name: str, default: int, lowest: int, highest: int
) -> None:
    settings = Settings()
    assert settings.all()[name] == default
    for good in (lowest, highest):
        settings.change({name: str(good)})
        assert settings.all()[name] == good
    for bad in (lowest - 1, highest + 1, "abc", "", "1.5"):
        with pytest.raises(BadSetting, match=f"{name}.* must be a whole number from {lowest} to {highest}"):
            settings.change({name: bad})
    assert settings.all()[name] == highest


@pytest.mark.req("SET-04", "SET-06", "INS-21")
def test_flags_and_the_cron_mode_have_their_documented_defaults(settings: Settings) -> None:
    assert settings.migration_enabled is True
    assert settings.delete_tables is False
    assert settings.cron_mode == "whmcs"


@pytest.mark.req("INS-20")
def test_a_fresh_installation_has_every_setting_at_its_default(settings: Settings) -> None:
    assert settings.all() == {name: entry.default for name, entry in ENTRIES.items()}


@pytest.mark.parametrize(("raw", "stored"), [("on", True), ("yes", True), ("1", True), ("", False), ("no", False)])
def test_a_flag_is_read_as_forms_and_scripts_write_it(settings: Settings, raw: str, stored: bool) -> None:
    settings.change({"delete_tables": raw})
    assert settings.delete_tables is stored


@pytest.mark.req("SET-11")
def test_of_several_changes_all_are_stored_or_none_and_each_mistake_is_told(settings: Settings) -> None:
    with pytest.raises(BadSetting) as caught:
        settings.change({"heavy_per_node": 9, "api_timeout_default": "abc", "cron_mode": "sometimes", "colour": "red"})
    assert set(caught.value.errors) == {"api_timeout_default", "cron_mode", "colour"}
    assert all("\n" not in line for line in caught.value.errors.values())
    assert settings.heavy_per_node == 4
    assert Setting.select().where(Setting.name == "heavy_per_node").count() == 0


@pytest.mark.req("SET-10")
def test_a_change_by_another_process_is_seen_within_a_second_without_a_restart(
    settings: Settings, clock: Clock
) -> None:
    assert settings.heavy_per_node == 4
    set_setting("heavy_per_node", 7)
    assert settings.heavy_per_node == 4
    clock.now += 1
    assert settings.heavy_per_node == 7


def test_reading_many_settings_asks_the_database_once(settings: Settings, database: Database) -> None:
    queries: list[str] = []
    database.query_hooks.append(lambda event: queries.append(event.sql))
    settings.all()
    settings.all()
    assert len(queries) == 1


def test_nonsense_in_a_stored_setting_reads_as_the_default(settings: Settings) -> None:
    set_setting("api_timeout_default", "ten")
    set_setting("cron_interval_scheduleBackup", "-5")
    assert settings.api_timeout_default == 10
    assert settings.cron_interval("scheduleBackup") == 5


def test_the_last_run_of_a_task_is_known_to_all_processes_at_once(settings: Settings) -> None:
    assert settings.cron_last_run("scheduleBackup") is None
    book = TaskBook(VirtualClock(1775784027.25), lambda: 600.0)
    book.touch("scheduleBackup")
    assert settings.cron_last_run("scheduleBackup") == 1775784027.25
    replace(book, clock=VirtualClock(1775784087.0)).touch("scheduleBackup")
    assert settings.cron_last_run("scheduleBackup") == 1775784087.0
