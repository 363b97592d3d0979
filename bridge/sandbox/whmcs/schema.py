"""WHMCS's tables, created from the models that the product reads them with."""

from bridge.models.whmcs import TABLES


def create_tables() -> None:
    """Create whatever is missing in the connected database. Safe to repeat."""
    for table in TABLES:
        table.create_table(safe=True)
