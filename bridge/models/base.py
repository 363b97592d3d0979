"""What all models share: the database they are bound to, and the column types that the tables of WHMCS ask for."""

from datetime import date, datetime
from typing import Any, ClassVar

import peewee

proxy = peewee.DatabaseProxy()


class BaseModel(peewee.Model):
    """A table reached through the connected database; `save()` writes the columns that were assigned, and no others."""

    mysql_table_options: ClassVar[str] = "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"

    class Meta:
        database = proxy
        only_save_dirty = True

    @classmethod
    def create_table(cls, safe: bool = True, **options: Any) -> None:
        """Create the table and its indexes. On MySQL the engine and character set are named: the server's defaults vary."""
        mysql = isinstance(proxy.obj, peewee.MySQLDatabase)
        cls._meta.table_settings = [cls.mysql_table_options] if mysql else None
        super().create_table(safe, **options)


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
