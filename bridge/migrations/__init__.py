"""Versioned changes of our tables. WHMCS's own tables are never created or altered here.

A migration only adds: tables, columns, indexes. It looks before it acts, so that one that was cut off is simply run again
(MySQL commits every CREATE and ALTER by itself), and so that it fits installations which an older module has made.
"""

import contextlib
import time
from collections.abc import Callable
from secrets import token_hex

from peewee import IntegrityError

from bridge.database import Database, alone, retry_lost_connection
from bridge.migrations import (
    m0001_first_tables,
    m0002_suspension,
    m0003_dns,
    m0004_address_history,
    m0005_tasks,
    m0006_traffic,
    m0007_snapshots,
    m0008_backups,
)
from bridge.models.companion import AppliedMigration, Setting

MIGRATIONS: dict[int, tuple[str, Callable[[Database], None]]] = {
    1: ("0001 first tables", m0001_first_tables.apply),
    2: ("0002 suspension", m0002_suspension.apply),
    3: ("0003 DNS", m0003_dns.apply),
    4: ("0004 address history", m0004_address_history.apply),
    5: ("0005 cron tasks", m0005_tasks.apply),
    6: ("0006 traffic", m0006_traffic.apply),
    7: ("0007 snapshots", m0007_snapshots.apply),
    8: ("0008 backups", m0008_backups.apply),
}


@retry_lost_connection
def migrate(database: Database) -> list[str]:
    """Bring the tables up to date and return the names of the migrations that were applied, oldest first.

    Harmless to run twice and by several processes at once: they take turns. Raises DatabaseUnavailable when another
    migration does not finish, MigrationError when a table is not what its name says.
    """
    with alone(database):
        applied = []
        done = _applied_versions(database)
        for version, (name, apply) in sorted(MIGRATIONS.items()):
            if version not in done:
                apply(database)
                AppliedMigration.create(version=version, applied_at=time.time())
                applied.append(name)
        _ensure_install_id()
    return applied


def pending(database: Database) -> list[str]:
    """Names of the migrations that this database has not seen, oldest first."""
    done = _applied_versions(database)
    return [name for version, (name, _) in sorted(MIGRATIONS.items()) if version not in done]


def _applied_versions(database: Database) -> set[int]:
    if not database.table_exists(AppliedMigration):
        return set()
    return {row.version for row in AppliedMigration.select(AppliedMigration.version)}


def _ensure_install_id() -> None:
    """Eight hex digits that tell this installation's marks on a cluster from those of another one; never changed."""
    with contextlib.suppress(IntegrityError):
        Setting.create(name="install_id", value=token_hex(4))
