"""The connection to WHMCS's database: MariaDB / MySQL through pymysql, or one SQLite file for the demo and tests.

Two rules hold for every unit of work. It is one `transaction()`, and it may run again: `retry_lost_connection` repeats it
when the server went away, also when the answer to its COMMIT was lost and it may have happened. Units therefore look before
they write and rely on unique keys and conditional updates (`UPDATE … WHERE lease_owner = …`).

Connections belong to threads: one is opened when a thread first asks, and kept until `close_connection()`.
"""

import contextlib
import functools
import os
import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlsplit

import peewee
from playhouse import db_url

from bridge.connections import Database, DatabaseRefused, DatabaseUnavailable, MySqlServer, SqliteFile
from bridge.models.base import proxy

__all__ = [
    "Database",
    "DatabaseRefused",
    "DatabaseUnavailable",
    "Patience",
    "alone",
    "any_of",
    "close_connection",
    "connect",
    "for_update_skip_locked",
    "lock_name",
    "lock_row",
    "lock_rows",
    "parse_url",
    "retry_lost_connection",
    "transaction",
]

P = ParamSpec("P")
T = TypeVar("T")
Row = TypeVar("Row", bound=peewee.Model)
Select = TypeVar("Select", bound="peewee.ModelSelect[Any]")

_MYSQL_OPTIONS = frozenset({"unix_socket", "ssl_ca", "ssl_cert", "ssl_key", "ssl_verify_cert", "ssl_verify_identity"})
_SQLITE_OPTIONS = frozenset({"synchronous"})
_LOCK_WAIT_SECONDS = 20
_OPTIONS = {"mysql": _MYSQL_OPTIONS, "mariadb": _MYSQL_OPTIONS, "sqlite": _SQLITE_OPTIONS}


def parse_url(url: str) -> dict[str, Any]:
    """Read `mysql://user:password@host:3306/name?ssl_ca=…` (also mariadb://) or `sqlite:////absolute/path`.

    Percent-encoding is undone in user, password and options. Returns the scheme, and the arguments of the connection.
    Raises ValueError with a line that never holds the password.
    """
    try:
        scheme = urlsplit(url).scheme
        parts = db_url.parse(url, unquote_password=True, unquote_user=True)  # type: ignore[no-untyped-call]
    except ValueError as error:
        raise ValueError("not a database URL like mysql://user:password@host:3306/name") from error
    if scheme not in _OPTIONS:
        raise ValueError("not a database URL that we know, use mysql://, mariadb:// or sqlite:///")
    if not parts.get("database") or parts["database"] == ":memory:":
        raise ValueError(f"the {scheme}:// URL names no database")
    unknown = sorted(set(parts) - {"database", "user", "host", "port", "passwd", "password"} - _OPTIONS[scheme])
    if unknown:
        raise ValueError(
            f"unknown option {unknown[0]!r}, known for {scheme}:// are {', '.join(sorted(_OPTIONS[scheme]))}"
        )
    return {"scheme": scheme, **parts}


def connect(url: str, answer_timeout: float = 30.0) -> Database:
    """Bind the models to the database at `url` and return it; nothing is opened before the first query.

    `answer_timeout` seconds are waited for an answer of a MySQL server before it counts as gone. Raises ValueError when the
    URL is wrong. The binding is one per process; connecting again replaces it.
    """
    parts = parse_url(url)
    scheme, name = parts.pop("scheme"), parts.pop("database")
    database: Database
    if scheme == "sqlite":
        database = SqliteFile(name, **parts)
    else:
        if "passwd" in parts:
            parts["password"] = parts.pop("passwd")
        database = MySqlServer(name, answer_timeout, **parts)
    proxy.initialize(database)
    return database


@contextlib.contextmanager
def transaction() -> Iterator[None]:
    """One transaction of this thread's connection: committed at the end, rolled back when an exception leaves it.

    Inside another one it is a savepoint. On SQLite it takes the write lock at once (BEGIN IMMEDIATE). Raises
    DatabaseUnavailable when the server is gone or gave up; then nothing of it can be written any more.
    """
    with proxy.atomic():
        yield


@contextlib.contextmanager
def alone(database: Database) -> Iterator[None]:
    """Bring tables up to date, or create what must be there once, while no other process does: they take turns.

    Raises DatabaseUnavailable when another one does not finish.
    """
    if database.dialect == "sqlite":
        with transaction():
            yield
        return
    name = f"kvm_bridge {database.database}"[:64]
    # A named lock dies with its connection: inside manual_commit() no new connection is opened behind our back.
    database.connect(reuse_if_open=True)
    with database.manual_commit():
        if database.execute_sql("SELECT GET_LOCK(%s, %s)", (name, _LOCK_WAIT_SECONDS)).fetchone() != (1,):
            raise DatabaseUnavailable(f"Database {database.place}: another migration has not finished yet")
        try:
            yield
        finally:
            database.execute_sql("SELECT RELEASE_LOCK(%s)", (name,))


def close_connection() -> None:
    """Close this thread's connection, if any: for the end of a thread's work. The next query opens a new one."""
    if proxy.obj is not None and not proxy.obj.in_transaction():
        proxy.obj.close()


def for_update_skip_locked(query: Select) -> Select:
    """Lock the rows that `query` finds and leave out those that another transaction holds; for claims.

    On SQLite the transaction itself holds the only write lock. Raises RuntimeError outside of a transaction, where the
    locks would be gone before anybody could use them.
    """
    if not proxy.obj.in_transaction():
        raise RuntimeError("for_update_skip_locked() needs a transaction around it")
    if proxy.obj.dialect == "mysql":
        return query.for_update(skip_locked=True)
    return query


def any_of(conditions: Iterable[peewee.Node]) -> peewee.Node:
    """Whether one of the conditions holds, at least one. Side by side: SQLite gives up on a hundred that are nested."""
    return peewee.NodeList(list(conditions), " OR ", parens=True)


def lock_row(model: type[peewee.Model], row_id: int) -> None:
    """Hold the row with this `id` until the end of the transaction, if it exists. On SQLite the transaction is the lock."""
    lock_rows(model.select(model.id).where(model.id == row_id)).first()  # type: ignore[attr-defined]


def lock_rows(query: Select) -> Select:
    """Have the rows that `query` finds held until the end of the transaction. On SQLite the transaction is the lock."""
    return query.for_update() if proxy.obj.dialect == "mysql" else query


def lock_name(model: type[Row], name: str) -> Row:
    """The row with this `name`, which has to exist, held until the end of the transaction."""
    row = model.select().where(model.name == name)  # type: ignore[attr-defined]
    return (row.for_update() if proxy.obj.dialect == "mysql" else row).get()


@dataclass(frozen=True)
class Patience:
    """How long a unit of work is repeated: total seconds, first and longest pause; time is replaceable for tests."""

    seconds: float = 15.0
    first_pause: float = 0.05
    longest_pause: float = 1.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def retry_lost_connection(unit: Callable[P, T], patience: Patience = Patience()) -> Callable[P, T]:
    """Decorate a unit of work (it holds its own `transaction()`) that is repeated while the database cannot do it.

    Repeated on a lost connection, a restart, a deadlock and a lock wait timeout, with growing pauses, for 15 seconds; then
    the last DatabaseUnavailable is raised. Inside an open transaction it does not repeat, as the whole transaction is lost.
    """

    @functools.wraps(unit)
    def repeated(*args: P.args, **kwargs: P.kwargs) -> T:
        if proxy.obj.in_transaction():
            return unit(*args, **kwargs)
        give_up_at = patience.clock() + patience.seconds
        pause = patience.first_pause
        while True:
            try:
                return unit(*args, **kwargs)
            except DatabaseRefused:
                raise
            except DatabaseUnavailable:
                if patience.clock() + pause > give_up_at:
                    raise
            patience.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(pause * 2, patience.longest_pause)

    return repeated


_inherited: list[object] = []


def _forget_inherited_connection() -> None:
    """A forked child must neither use nor close its parent's connection: it is put aside, the next query opens another."""
    database = proxy.obj
    if database is not None and not database.is_closed():
        _inherited.append(database.connection())
        database.dispose()


os.register_at_fork(after_in_child=_forget_inherited_connection)
