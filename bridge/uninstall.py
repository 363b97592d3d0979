"""Taking the tables away again, when the admin has asked for that with the setting "Delete all database tables"."""

import peewee

from bridge.database import Database, DatabaseUnavailable, alone
from bridge.models import companion, module
from bridge.models.base import BaseModel
from bridge.models.companion import AppliedMigration


class NotDropped(Exception):
    """Some tables are still there; the message is one line that says why."""


def drop_tables(database: Database) -> list[str]:
    """Drop the documented tables and all of ours; the names of those that were there. May run twice.

    Kept is the table of nonces: it holds no data of anybody, and without it no request could ask for a new activation. What has
    been migrated is forgotten last, so that a run which is cut off can be repeated. Raises NotDropped and DatabaseUnavailable.
    """
    ours = [each for each in companion.TABLES if each is not AppliedMigration]
    doomed: list[type[BaseModel]] = [*module.TABLES, *ours, AppliedMigration]
    dropped = []
    with alone(database):
        for model in doomed:
            name = model._meta.table_name
            if database.table_exists(model):
                _drop(model, name)
                dropped.append(name)
    return dropped


def _drop(model: type[BaseModel], name: str) -> None:
    try:
        model.drop_table()
    except DatabaseUnavailable:
        raise
    except peewee.PeeweeException as error:
        said = " ".join(str(error.args[-1] if error.args else error).split())
        raise NotDropped(
            f"Table {name} could not be dropped: {said}. The database user needs the right DROP."
        ) from error
