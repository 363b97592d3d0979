"""What is remembered of addresses: the network that each was given with, and those that were given back a short while ago."""

from bridge.database import Database
from bridge.migrations.schema import ensure_indexes, ensure_table
from bridge.models.companion import AddressReservation, QuarantinedAddress


def apply(database: Database) -> None:
    """May run any number of times. Reservations made before have no network written down; their pools tell it."""
    for model in (AddressReservation, QuarantinedAddress):
        ensure_table(database, model)
        ensure_indexes(database, model)
