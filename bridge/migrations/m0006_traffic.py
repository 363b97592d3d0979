"""Room for how far traffic is counted; indexes by which old rows of the statistics are found and those of a month are summed."""

from bridge.database import Database
from bridge.migrations.schema import ensure_covering_index, ensure_indexes, ensure_shared_index, ensure_table
from bridge.models.companion import TrafficKept, TrafficState
from bridge.models.module import TrafficSample


def apply(database: Database) -> None:
    """May run any number of times. The rows of the statistics stay as they are."""
    for model in (TrafficState, TrafficKept):
        ensure_table(database, model)
        ensure_indexes(database, model)
    ensure_shared_index(database, TrafficSample, "date")
    ensure_covering_index(database, TrafficSample, "kvm_bridge_usage", ("service_id", "date", "netin", "netout"))
