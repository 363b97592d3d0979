"""The documented tables where they are missing or older than we are, and all of ours."""

from bridge.database import Database
from bridge.migrations.schema import ensure_indexes, ensure_shared_index, ensure_table, widen_texts
from bridge.models import companion, module
from bridge.models.base import BaseModel
from bridge.models.protocol import Nonce


def apply(database: Database) -> None:
    """May run any number of times. Rows, and columns that we do not know, stay as they are."""
    for documented in module.TABLES:
        ensure_table(database, documented)
    widen_texts(database, module.VmInfo)
    ensure_shared_index(database, module.VmInfo, "vm_status", prefix=32)
    ensure_shared_index(database, module.TrafficSample, "service_id")
    tables: list[type[BaseModel]] = [*companion.TABLES, Nonce]
    for ours in tables:
        ensure_table(database, ours)
        ensure_indexes(database, ours)
