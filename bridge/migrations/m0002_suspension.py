"""What a suspension has to remember, and an index to find suspended VMs without reading all rows."""

from bridge.database import Database
from bridge.migrations.schema import ensure_indexes, ensure_table
from bridge.models.companion import VmWork


def apply(database: Database) -> None:
    """May run any number of times."""
    ensure_table(database, VmWork)
    ensure_indexes(database, VmWork)
