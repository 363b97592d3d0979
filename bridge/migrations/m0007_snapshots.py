"""Weekly schedules of snapshots, and an index to find VMs that have snapshots without reading all rows."""

from bridge.database import Database
from bridge.migrations.schema import ensure_indexes, ensure_shared_index, ensure_table
from bridge.models.companion import SnapshotSchedule
from bridge.models.module import VmInfo


def apply(database: Database) -> None:
    """May run any number of times."""
    ensure_table(database, SnapshotSchedule)
    ensure_indexes(database, SnapshotSchedule)
    ensure_shared_index(database, VmInfo, "vm_snapshots")
