"""What all models share: the database they are bound to, and the column types that the tables of WHMCS ask for."""

import re
from datetime import date, datetime
from typing import Any, ClassVar

import peewee

proxy = peewee.DatabaseProxy()

_NUMERIC = re.compile("(tiny|small|medium|big)?int|bool|bit|dec|num|float|double|real|year")


class BaseModel(peewee.Model):
    """A table reached through the connected database; `save()` writes the columns that were assigned, and no others."""

    mysql_table_options: ClassVar[str] = "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"

    class Meta:
        database = proxy
        only_save_dirty = True
        legacy_table_names = False

    @classmethod
    def create_table(cls, safe: bool = True, **options: Any) -> None:
        """Create the table and its indexes. On MySQL the engine and character set are named: the server's defaults vary."""
        mysql = isinstance(proxy.obj, peewee.MySQLDatabase)
        cls._meta.table_settings = [cls.mysql_table_options] if mysql else None
        super().create_table(safe, **options)


class SharedModel(BaseModel):
    """A table that others own or share: it may have columns that we do not know, and they must not stop us from adding a row."""

    @classmethod
    def insert(cls, data: Any = None, /, **values: Any) -> peewee.ModelInsert:
        """Insert a row; unknown columns that are NOT NULL without a default get the neutral value of their type."""
        query = super().insert(data, **values)
        query._insert.update(demanding_columns(cls))  # type: ignore[attr-defined]
        return query

    @classmethod
    def insert_many(cls, rows: Any, fields: Any = None) -> peewee.ModelInsert:
        """Insert rows, given as dictionaries; unknown columns as with `insert`."""
        neutral = demanding_columns(cls)
        return super().insert_many([{**row, **neutral} for row in rows] if neutral else rows, fields)


def demanding_columns(model: type[BaseModel]) -> "dict[peewee.Field[Any], Any]":
    """Columns of the real table, unknown to `model`, that an INSERT has to name, with neutral values.

    Looked up once per connected database.
    """
    seen = proxy.obj.__dict__.setdefault("demanding_columns", {})
    table = model._meta.table_name
    if table not in seen:
        seen[table] = {
            _unknown(model, column.name): _neutral(column.data_type.lower())
            for column in proxy.obj.get_columns(table)
            if not (column.null or column.default is not None or column.identity or column.name in model._meta.columns)
        }
    found: dict[peewee.Field[Any], Any] = seen[table]
    return found


def _unknown(model: type[BaseModel], name: str) -> "peewee.Field[Any]":
    field: peewee.Field[Any] = peewee.BareField()
    field.bind(model, name, set_attribute=False)
    return field


def _neutral(data_type: str) -> Any:
    if data_type.startswith(("date", "timestamp")):
        return "1970-01-02"
    return 0 if _NUMERIC.match(data_type) else ""


class LongTextField(peewee.TextField):
    """Text beyond the 64 KiB that MySQL's TEXT holds (logs of fifty runs)."""

    field_type = "LONGTEXT"


class LooseIntegerField(peewee.IntegerField):
    """A number in a table that others write too: the empty string and text that is no number read as None."""

    def adapt(self, value: Any) -> int | None:
        """Return the number, or None when there is none."""
        try:
            return int(value)
        except (TypeError, ValueError):
            return None


class _ZeroDate:
    """MySQL's zero date, which WHMCS stores for "none", reads as None; drivers hand it out as a string."""

    def python_value(self, value: Any) -> Any:
        """Return None for the zero date and whatever else is no date."""
        read = super().python_value(value)  # type: ignore[misc]
        return read if isinstance(read, date | datetime) else None


class WhmcsDateField(_ZeroDate, peewee.DateField):
    """A date of WHMCS; None = none."""


class WhmcsDateTimeField(_ZeroDate, peewee.DateTimeField):
    """A moment in WHMCS's local time; None = none."""
