"""Which day's backup was made last, since when a VM of the old module is ours, and indexes to find the VMs that backups are
planned for or at work on without reading all rows.
"""

from bridge.database import Database
from bridge.migrations.schema import ensure_indexes, ensure_shared_index, ensure_table
from bridge.models.companion import VmidReservation, VmWork
from bridge.models.module import VmInfo


def apply(database: Database) -> None:
    """May run any number of times. Of VMs adopted before it is not known since when; their unmarked backups are left alone."""
    for model in (VmWork, VmidReservation):
        ensure_table(database, model)
        ensure_indexes(database, model)
    for column in ("vm_backup_now_utid", "vm_backup_restore_utid", "vm_backup_schedule"):
        ensure_shared_index(database, VmInfo, column, prefix=16)
