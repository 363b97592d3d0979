"""peewee's databases, made to survive a server that goes away: errors translated once, dead connections replaced.

A connection that failed inside a transaction stays dead until the transaction has been left; otherwise the rest of the unit
of work would be committed statement by statement on a fresh one.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import peewee
from pymysql.constants import CLIENT, CR, ER

T = TypeVar("T")

_CLIENT_DISCONNECTED_IDLE = 4031  # MySQL 8: ER_CLIENT_INTERACTION_TIMEOUT
_CONNECTION_KILLED = 1927  # MariaDB: ER_CONNECTION_KILLED
_NEVER_SENT = {0, CR.CR_CONNECTION_ERROR, CR.CR_CONN_HOST_ERROR, CR.CR_SERVER_GONE_ERROR}
_LOST = {
    CR.CR_SERVER_LOST,
    CR.CR_SERVER_LOST_EXTENDED,
    ER.SERVER_SHUTDOWN,
    _CONNECTION_KILLED,
    _CLIENT_DISCONNECTED_IDLE,
}
_BUSY = {
    ER.CHECKREAD,  # MariaDB with innodb_snapshot_isolation
    ER.CON_COUNT_ERROR,
    ER.TOO_MANY_USER_CONNECTIONS,
    ER.UNKNOWN_COM_ERROR,  # Galera: the node has not joined yet
    ER.LOCK_WAIT_TIMEOUT,
    ER.LOCK_DEADLOCK,
    ER.OPTION_PREVENTS_STATEMENT,  # read-only for the time of a failover
    ER.SP_DOES_NOT_EXIST,  # "SAVEPOINT … does not exist": the deadlock took the whole transaction
    ER.QUERY_INTERRUPTED,
}
_REFUSED = {ER.ACCESS_DENIED_ERROR, ER.DBACCESS_DENIED_ERROR, ER.BAD_DB_ERROR}
_SQLITE_BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED")
_SQLITE_REFUSED = (
    "SQLITE_CANTOPEN",
    "SQLITE_READONLY",
    "SQLITE_FULL",
    "SQLITE_IOERR",
    "SQLITE_NOTADB",
    "SQLITE_CORRUPT",
)


class DatabaseUnavailable(Exception):
    """The database did not do the work: gone, restarting, or busy with a conflicting transaction. It may work next time.

    `outcome_unknown` is True when the answer to a write or COMMIT was lost, so that it may have happened nevertheless.
    """

    kind = "retryable"
    who = ""

    def __init__(self, message: str, outcome_unknown: bool = False) -> None:
        super().__init__(message)
        self.outcome_unknown = outcome_unknown


class DatabaseRefused(DatabaseUnavailable):
    """The database will not serve us: wrong credentials, no such database, file not writable. The admin must act."""

    kind = "permanent"
    who = "admin"


class Database(peewee.Database):
    """What both kinds share. Subclasses say what an error means and when a connection is dead."""

    dialect: str
    place: str
    _state: Any

    def problem(self, error: peewee.PeeweeException) -> DatabaseUnavailable | None:
        """The error as one of ours, or None when it is about the statement and not about the server."""
        raise NotImplementedError

    def dead(self) -> bool:
        """True when this thread's connection is known to be unusable."""
        return False

    def hang_up(self) -> None:
        """Make this thread's connection unusable."""

    def _guarded(self, call: Callable[[], T]) -> T:
        try:
            return call()
        except peewee.PeeweeException as error:
            problem = self.problem(error)
            if problem is None:
                raise
            problem.outcome_unknown &= not self.in_transaction()
            self.hang_up()
            raise problem from error

    def _unavailable(self, error: peewee.PeeweeException, outcome_unknown: bool = False) -> DatabaseUnavailable:
        return DatabaseUnavailable(self._line(error), outcome_unknown)

    def _line(self, error: peewee.PeeweeException) -> str:
        text = error.args[-1] if error.args else ""
        return f"Database {self.place}: {' '.join(str(text).split()) or 'connection lost'}"

    def connect(self, reuse_if_open: bool = False) -> bool:
        return self._guarded(lambda: super(Database, self).connect(reuse_if_open))

    def cursor(self, named_cursor: Any = None) -> Any:
        if not self.in_transaction() and not self.is_closed() and self.dead():
            self.dispose()
        return super().cursor(named_cursor)  # type: ignore[no-untyped-call]

    def execute_sql(self, sql: str, params: Any = None) -> Any:
        return super().execute_sql(sql, params)  # type: ignore[no-untyped-call]

    def begin(self, *args: Any) -> None:
        self._twice_when_lost(lambda: super(Database, self).begin(*args))

    def commit(self) -> None:
        if self.is_closed() or self.dead():
            raise DatabaseUnavailable(f"Database {self.place}: connection lost before COMMIT")
        self._guarded(lambda: super(Database, self).commit())

    def rollback(self) -> None:
        if self.is_closed() or self.dead():
            return
        try:
            super().rollback()
        except peewee.PeeweeException:
            self.hang_up()  # the server rolls back what is not committed when a connection ends

    def _execute_cursor(self, sql: str, params: Any, **options: Any) -> Any:
        def execute() -> Any:
            return super(Database, self)._execute_cursor(sql, params, **options)  # type: ignore[misc]

        if not self.in_transaction() and sql.lstrip("( ").upper().startswith("SELECT"):
            return self._twice_when_lost(execute)
        return self._guarded(execute)

    def _twice_when_lost(self, call: Callable[[], T]) -> T:
        """For what has no effect by itself: an idle connection that has died is replaced without anybody noticing."""
        was_open = not self.is_closed()
        try:
            return self._guarded(call)
        except DatabaseUnavailable:
            if not (was_open and self.dead()):
                raise
        return self._guarded(call)


class SqliteFile(Database, peewee.SqliteDatabase):
    """One file, several processes: write-ahead log, and every transaction takes the write lock at its beginning."""

    dialect = "sqlite"

    def __init__(self, path: str, synchronous: str = "full") -> None:
        self.place = Path(path).name
        pragmas = [("journal_mode", "wal"), ("synchronous", synchronous)]
        super().__init__(path, pragmas=pragmas, lock_type="IMMEDIATE", timeout=15)

    def problem(self, error: peewee.PeeweeException) -> DatabaseUnavailable | None:
        name = getattr(getattr(error, "orig", None), "sqlite_errorname", "")
        if name.startswith(_SQLITE_BUSY):
            return self._unavailable(error)
        if name.startswith(_SQLITE_REFUSED):
            return DatabaseRefused(self._line(error))
        return None


class MySqlServer(Database, peewee.MySQLDatabase):
    """MariaDB ≥ 10.6 or MySQL 8.

    Sessions are strict (a text that is too long is an error, not a shorter text), read what is committed (no gap locks
    between parallel orders), wait 10 s for a lock, and count matched rows, not changed ones, as SQLite does. MariaDB ends
    those that stand still for `hung_after` seconds in the middle of a transaction: a process that hangs keeps no rows locked.
    """

    dialect = "mysql"
    hung_after = 20
    sql_mode = "STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION"

    def __init__(self, name: str, answer_timeout: float, **parts: Any) -> None:
        self.place = f"{name} on {parts.get('unix_socket') or parts.get('host') or 'localhost'}"
        super().__init__(
            name,
            client_flag=CLIENT.FOUND_ROWS,
            connect_timeout=5,
            read_timeout=answer_timeout,
            write_timeout=answer_timeout,
            init_command="SET SESSION innodb_lock_wait_timeout = 10",
            **parts,
        )

    def _initialize_connection(self, conn: Any) -> None:
        with conn.cursor() as cursor:
            cursor.execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
            if "MariaDB" in conn.get_server_info():
                cursor.execute(f"SET SESSION idle_transaction_timeout = {int(self.hung_after)}")

    def problem(self, error: peewee.PeeweeException) -> DatabaseUnavailable | None:
        code = error.args[0] if error.args else 0
        if code in _REFUSED:
            return DatabaseRefused(self._line(error))
        if code in _NEVER_SENT or code in _BUSY:
            return self._unavailable(error)
        if code in _LOST or (isinstance(error, peewee.InternalError) and not isinstance(code, int)):
            return self._unavailable(error, outcome_unknown=True)
        return None

    def dead(self) -> bool:
        return not self.is_closed() and not self._state.conn.open

    def hang_up(self) -> None:
        if not self.is_closed() and self._state.conn.open:
            self._state.conn._force_close()
