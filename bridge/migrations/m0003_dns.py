"""Room for DNS records that are still to be written, and for encrypted secrets of zones where an older module made room for plain ones."""

from bridge.database import Database
from bridge.migrations.schema import ensure_indexes, ensure_table, widen_texts
from bridge.models.companion import PendingRecord
from bridge.models.module import DnsZone


def apply(database: Database) -> None:
    """May run any number of times."""
    ensure_table(database, PendingRecord)
    ensure_indexes(database, PendingRecord)
    widen_texts(database, DnsZone)
