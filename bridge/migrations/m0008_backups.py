"""Which day's backup was made last, and since when a VM of the old module is ours."""

from bridge.database import Database
from bridge.migrations.schema import ensure_indexes, ensure_table
from bridge.models.companion import VmidReservation, VmWork


def apply(database: Database) -> None:
    """May run any number of times. Of VMs adopted before it is not known since when; their unmarked backups are left alone."""
    for model in (VmWork, VmidReservation):
        ensure_table(database, model)
        ensure_indexes(database, model)
