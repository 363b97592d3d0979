"""Deactivating the addon with and without the setting that deletes all tables; on SQLite and on MariaDB."""

from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from bridge.database import Database, close_connection, connect
from bridge.migrations import migrate
from bridge.models import whmcs
from bridge.models.companion import Setting
from bridge.models.module import VmInfo
from bridge.settings import Settings
from bridge.web.callers import Refusal
from bridge.web_role import InstallationLife
from tests.conftest import installed
from tests.services import MariaDb

OF_OTHERS = {each._meta.table_name for each in whmcs.TABLES} | {"sqlite_sequence"}


def life(database: Database) -> InstallationLife:
    settings = Settings()
    journal = SimpleNamespace(record=lambda *row: None)
    return InstallationLife(SimpleNamespace(database=database, settings=settings, journal=journal))  # type: ignore[arg-type]


def ask_for_deletion() -> None:
    Settings().change({"delete_tables": "on"})


def of_the_module(database: Database) -> set[str]:
    return set(database.get_tables()) - OF_OTHERS


@pytest.mark.req("INS-24", "INS-25")
def test_by_default_deactivation_keeps_everything(database: Database) -> None:
    VmInfo.create(service_id=5, vm_status="ready")
    before = of_the_module(database)
    assert life(database).deactivate() == "All tables are kept, so that nothing is lost."
    assert of_the_module(database) == before
    assert VmInfo.get().service_id == 5


@pytest.mark.req("INS-25")
def test_with_the_setting_it_drops_all_tables_and_leaves_those_of_whmcs(database: Database) -> None:
    VmInfo.create(service_id=5, vm_status="ready")
    ask_for_deletion()
    told = life(database).deactivate()
    assert of_the_module(database) == {"kvm_bridge_nonce"}
    assert OF_OTHERS - {"sqlite_sequence"} <= set(database.get_tables())
    assert told.endswith("VMs stay on their clusters: stop KVM Bridge now.")


@pytest.mark.req("INS-25", "INS-26")
def test_a_new_activation_begins_anew(database: Database) -> None:
    VmInfo.create(service_id=5, vm_status="ready")
    before = of_the_module(database)
    ask_for_deletion()
    life(database).deactivate()
    life(database).activate()
    assert of_the_module(database) == before
    assert (VmInfo.select().count(), Settings().delete_tables) == (0, False)


@pytest.mark.req("INS-25")
def test_without_the_right_to_drop_it_says_so_and_can_be_asked_again(mariadb: MariaDb, mariadb_url: str) -> None:
    installed(mariadb_url)
    ask_for_deletion()
    close_connection()
    parts = urlsplit(mariadb_url)
    with mariadb.admin() as admin, admin.cursor() as cursor:
        cursor.execute("CREATE OR REPLACE USER careful@'127.0.0.1' IDENTIFIED BY 'pw'")
        rights = "SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, INDEX"
        cursor.execute(f"GRANT {rights} ON {parts.path[1:]}.* TO careful@'127.0.0.1'")
    careful = connect(f"mysql://careful:pw@127.0.0.1:{parts.port}{parts.path}")
    with pytest.raises(Refusal, match=r"Table \w+ could not be dropped: DROP command denied .*needs the right DROP"):
        life(careful).deactivate()
    assert Setting.select().where(Setting.name == "delete_tables").exists()
    close_connection()
    database = connect(mariadb_url)
    life(database).deactivate()
    assert of_the_module(database) == {"kvm_bridge_nonce"}
    migrate(database)
