"""WHMCS's tables, created from the models that the product reads them with."""

from playhouse import db_url

from bridge.models.base import proxy
from bridge.models.whmcs import TABLES


def open_database(url: str) -> None:
    """Bind the models to the database at `url`, for a sandbox in a process of its own. Raises ValueError for a bad URL."""
    try:
        proxy.initialize(db_url.connect(url, unquote_user=True, unquote_password=True))  # type: ignore[no-untyped-call]
    except (RuntimeError, KeyError) as error:
        raise ValueError("not a database URL like sqlite:////path or mysql://user:password@host/name") from error


def create_tables() -> None:
    """Create whatever is missing in the connected database. Safe to repeat."""
    for table in TABLES:
        table.create_table(safe=True)
