"""Making a table be as its model says, by adding what is missing and nothing else."""

import logging
from collections.abc import Sequence

from peewee import SCOPE_VALUES, DatabaseError, Field, IntegrityError, ModelIndex, Node, TextField

from bridge.database import Database
from bridge.models.base import BaseModel, LongTextField

logger = logging.getLogger(__name__)


class MigrationError(Exception):
    """A table stands in the way under a name of ours. The admin has to look at it."""

    kind = "permanent"
    who = "admin"


def ensure_table(database: Database, model: type[BaseModel]) -> None:
    """Create the table of `model`, or add the columns that an existing one lacks; further columns stay as they are.

    Raises MigrationError when an existing table lacks the key column.
    """
    table = model._meta.table_name
    if not database.table_exists(table):
        model.create_table()
        return
    present = {column.name.lower() for column in database.get_columns(table)}
    for field in model._meta.sorted_fields:
        if field.column_name.lower() not in present:
            if field.primary_key:
                raise MigrationError(f"Table {table} has no column {field.column_name}: it is not the module's table")
            _alter(database, model, "ADD COLUMN", field)


def ensure_indexes(database: Database, model: type[BaseModel]) -> None:
    """Create the indexes and unique keys of `model` that the table lacks, whatever the existing ones are called.

    Raises MigrationError when rows contradict a unique key.
    """
    table = model._meta.table_name
    present = database.get_indexes(table)
    for index in model._meta.fields_to_index():
        columns = _columns(index)
        if any(found.columns == columns and found.unique >= index._unique for found in present):
            continue
        _create_index(database, model, index)


def ensure_shared_index(database: Database, model: type[BaseModel], column: str, prefix: int | None = None) -> None:
    """Speed up a look-up in a table that others own too: index `column`, or the first `prefix` characters of it.

    Nothing happens when an index begins with that column. A table that allows none is slower, not wrong: that is logged.
    """
    table = model._meta.table_name
    if any(index.columns[:1] == [column] for index in database.get_indexes(table)):
        return
    length = f"({prefix})" if prefix and database.dialect == "mysql" else ""
    _create_shared_index(database, model, f"kvm_bridge_{column}", f"{_quoted(database, column)}{length}")


def ensure_covering_index(database: Database, model: type[BaseModel], name: str, columns: Sequence[str]) -> None:
    """Let sums in a table that others own too be read from an index alone: index all `columns`, in this order.

    Nothing happens when an index has just these. A table that allows none is slower, not wrong: that is logged.
    """
    if any(index.columns == list(columns) for index in database.get_indexes(model._meta.table_name)):
        return
    _create_shared_index(database, model, name, ", ".join(_quoted(database, column) for column in columns))


def _create_shared_index(database: Database, model: type[BaseModel], name: str, columns: str) -> None:
    table = model._meta.table_name
    try:
        database.execute_sql(f"CREATE INDEX {_quoted(database, name)} ON {_quoted(database, table)} ({columns})")
    except DatabaseError as error:
        logger.warning("Table %s: no index on %s: %s", table, columns, error)


def widen_texts(database: Database, model: type[BaseModel]) -> None:
    """Let text columns take what we write where an older module made them narrower: logs, encrypted secrets. MySQL only."""
    if database.dialect != "mysql":
        return
    types = {column.name: column.data_type.lower() for column in database.get_columns(model._meta.table_name)}
    for field in model._meta.sorted_fields:
        if isinstance(field, TextField) and _is_narrower(types.get(field.column_name, ""), field):
            _alter(database, model, "MODIFY COLUMN", field)


def _is_narrower(type: str, field: TextField) -> bool:
    short = type.startswith(("varchar", "char", "tinytext"))
    return short or (isinstance(field, LongTextField) and type in {"text", "mediumtext"})


def _alter(database: Database, model: type[BaseModel], action: str, field: "Field[object]") -> None:
    ddl = field.ddl(database.get_sql_context(scope=SCOPE_VALUES))
    database.execute_sql(f"ALTER TABLE {_quoted(database, model._meta.table_name)} {action} {_sql(database, ddl)}")


def _create_index(database: Database, model: type[BaseModel], index: ModelIndex) -> None:
    try:
        database.execute_sql(_sql(database, index.safe(False)))
    except IntegrityError as error:
        columns = ", ".join(_columns(index))
        raise MigrationError(
            f"Table {model._meta.table_name} holds rows that agree in {columns}; they must differ"
        ) from error


def _columns(index: ModelIndex) -> list[str]:
    fields: list[Field[object]] = index._expressions  # type: ignore[attr-defined]
    return [field.column_name for field in fields]


def _sql(database: Database, node: Node) -> str:
    text: str = database.get_sql_context(scope=SCOPE_VALUES).sql(node).query()[0]  # type: ignore[no-untyped-call]
    return text


def _quoted(database: Database, name: str) -> str:
    return name.join(database.quote)
