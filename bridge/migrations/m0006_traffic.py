"""Room for how far traffic is counted, and an index by which old rows of the statistics are found."""

from bridge.database import Database
from bridge.migrations.schema import ensure_indexes, ensure_shared_index, ensure_table
from bridge.models.companion import TrafficKept, TrafficState
from bridge.models.module import TrafficSample


def apply(database: Database) -> None:
    """May run any number of times. The rows of the statistics stay as they are."""
    for model in (TrafficState, TrafficKept):
        ensure_table(database, model)
        ensure_indexes(database, model)
    ensure_shared_index(database, TrafficSample, "date")
