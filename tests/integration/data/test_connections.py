"""What happens to work when the database server restarts, is killed, or stops in the middle; on a real MariaDB."""

import contextlib
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pymysql
import pytest
from peewee import DataError, IntegrityError

from bridge.database import (
    Database,
    DatabaseRefused,
    DatabaseUnavailable,
    Patience,
    close_connection,
    connect,
    for_update_skip_locked,
    retry_lost_connection,
    transaction,
)
from bridge.models.companion import Setting, Slot
from bridge.models.module import VmInfo
from tests.conftest import installed
from tests.services import MariaDb, free_port


@pytest.fixture
def maria(mariadb_url: str) -> Database:
    return installed(mariadb_url)


def kill_connection(mariadb: MariaDb, database: Database) -> None:
    """End this thread's connection from the server's side, as a restart or a failover would."""
    thread_id = database.connection().thread_id()  # type: ignore[no-untyped-call]
    with mariadb.admin() as admin, admin.cursor() as cursor:
        cursor.execute(f"KILL CONNECTION {thread_id}")


@pytest.mark.slow
@pytest.mark.req("ENG-35", "DAT-04")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_units_of_work_survive_a_restart_of_the_server(maria: Database, mariadb: MariaDb, how: signal.Signals) -> None:
    stop = threading.Event()
    confirmed: list[str] = []

    @retry_lost_connection
    def unit(name: str) -> None:
        with transaction():
            if Setting.get_or_none(Setting.name == name) is None:
                Setting.create(name=name, value="1")

    def work() -> None:
        number = 0
        while not stop.is_set():
            unit(f"n{number}")
            confirmed.append(f"n{number}")
            number += 1
        close_connection()

    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(work)
        wait_until(lambda: len(confirmed) > 20)
        mariadb.restart(how)
        before = len(confirmed)
        wait_until(lambda: len(confirmed) > before + 20 or working.done())
        stop.set()
        working.result()
    kept = {row.name for row in Setting.select(Setting.name)} - {"install_id"}
    assert kept == set(confirmed)


def wait_until(true: Any, seconds: float = 30) -> None:
    gate = threading.Event()
    for _ in range(int(seconds * 100)):
        if true():
            return
        gate.wait(0.01)
    raise AssertionError("it did not happen in time")


def test_a_connection_that_died_while_idle_is_replaced_unnoticed(maria: Database, mariadb: MariaDb) -> None:
    kill_connection(mariadb, maria)
    assert Setting.select().count() == 1
    kill_connection(mariadb, maria)
    with transaction():
        Setting.create(name="a", value="1")
    assert Setting.get_by_id("a").value == "1"


def test_nothing_of_a_transaction_that_lost_its_connection_is_written(maria: Database, mariadb: MariaDb) -> None:
    def unit() -> None:
        with transaction():
            Setting.create(name="first", value="1")
            kill_connection(mariadb, maria)
            with pytest.raises(DatabaseUnavailable):
                Setting.create(name="second", value="1")
            Setting.create(name="third", value="1")

    with pytest.raises(DatabaseUnavailable):
        unit()
    assert [row.name for row in Setting.select(Setting.name)] == ["install_id"]


def test_a_unit_that_hides_the_lost_connection_is_not_reported_as_committed(maria: Database, mariadb: MariaDb) -> None:
    def unit() -> None:
        with transaction():
            Setting.create(name="first", value="1")
            kill_connection(mariadb, maria)
            with pytest.raises(DatabaseUnavailable):
                Setting.create(name="second", value="1")

    with pytest.raises(DatabaseUnavailable, match="before COMMIT"):
        unit()
    assert Setting.get_or_none(Setting.name == "first") is None


def test_a_lost_savepoint_does_not_hide_the_lost_connection(maria: Database, mariadb: MariaDb) -> None:
    def unit() -> None:
        with transaction(), transaction():
            kill_connection(mariadb, maria)
            Setting.create(name="first", value="1")

    with pytest.raises(DatabaseUnavailable) as caught:
        unit()
    assert not caught.value.outcome_unknown
    assert not maria.in_transaction()
    assert Setting.get_or_none(Setting.name == "first") is None


def test_a_commit_whose_answer_is_lost_says_so_and_repeating_the_unit_is_harmless(
    maria: Database, mariadb: MariaDb, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors: list[DatabaseUnavailable] = []

    def unit() -> None:
        try:
            with transaction():
                if Setting.get_or_none(Setting.name == "once") is None:
                    Setting.create(name="once", value=str(len(errors)))
                    lose_the_next_answer_to_commit(maria, monkeypatch)
        except DatabaseUnavailable as error:
            errors.append(error)
            raise

    retry_lost_connection(unit)()
    assert [error.outcome_unknown for error in errors] == [True]
    assert Setting.get_by_id("once").value == "0"


def lose_the_next_answer_to_commit(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server receives and does the COMMIT; the connection breaks before the answer is read."""
    connection = database.connection()  # type: ignore[no-untyped-call]
    send = connection._execute_command

    def send_and_break(command: int, sql: Any) -> None:
        send(command, sql)
        if sql in ("COMMIT", b"COMMIT"):
            connection._read_packet()
            connection._sock.close()
            connection._rfile.close()
            monkeypatch.undo()
            raise pymysql.err.OperationalError(2013, "Lost connection to MySQL server during query")

    monkeypatch.setattr(connection, "_execute_command", send_and_break)


@pytest.mark.req("DAT-04")
def test_a_deadlock_is_repeated_until_both_units_are_done(maria: Database) -> None:
    Setting.create(name="a", value="")
    Setting.create(name="b", value="")
    both_hold_one = threading.Barrier(2)
    tries: list[str] = []

    @retry_lost_connection
    def mark(first: str, second: str) -> None:
        with transaction():
            tries.append(first)
            Setting.update(value=Setting.value + "x").where(Setting.name == first).execute()
            if len(tries) <= 2:
                both_hold_one.wait(10)
            Setting.update(value=Setting.value + "x").where(Setting.name == second).execute()

    in_threads([lambda: mark("a", "b"), lambda: mark("b", "a")])
    assert len(tries) > 2
    assert [Setting.get_by_id(name).value for name in ("a", "b")] == ["xx", "xx"]


def in_threads(units: list[Any]) -> list[Any]:
    """Run each unit in a thread of its own; their results, or the first error."""

    def run(unit: Any) -> Any:
        try:
            return unit()
        finally:
            close_connection()

    with ThreadPoolExecutor(len(units)) as pool:
        return [future.result(60) for future in [pool.submit(run, unit) for unit in units]]


def test_a_deadlock_inside_a_savepoint_is_still_a_lost_transaction(maria: Database) -> None:
    Setting.create(name="a", value="0")
    Setting.create(name="b", value="0")
    both_hold_one = threading.Barrier(2)
    lost: list[str] = []

    def unit(first: str, second: str) -> None:
        try:
            with transaction():
                Setting.update(value="1").where(Setting.name == first).execute()
                both_hold_one.wait(10)
                with transaction():
                    Setting.update(value="1").where(Setting.name == second).execute()
        except DatabaseUnavailable:
            lost.append(first)

    in_threads([lambda: unit("a", "b"), lambda: unit("b", "a")])
    assert len(lost) == 1


@pytest.mark.req("DAT-04", "DAT-05")
def test_claims_in_parallel_never_get_the_same_row(database: Database) -> None:
    for number in range(20):
        VmInfo.create(service_id=number, vm_status="creation")
    start = threading.Barrier(4)

    @retry_lost_connection
    def claim(worker: str) -> list[int]:
        with transaction():
            query = VmInfo.select(VmInfo.service_id).where(VmInfo.vm_status == "creation").limit(3)
            ids = [row.service_id for row in for_update_skip_locked(query)]
            VmInfo.update(vm_status=worker).where(VmInfo.service_id << ids).execute()
        return ids

    def work(worker: str) -> list[int]:
        start.wait(10)
        claimed: list[int] = []
        while ids := claim(worker):
            claimed += ids
        return claimed

    claims = in_threads([lambda name=f"w{n}": work(name) for n in range(4)])
    assert sorted(service for claimed in claims for service in claimed) == list(range(20))


def test_a_row_that_another_transaction_holds_is_skipped_without_waiting(maria: Database) -> None:
    for number in range(2):
        VmInfo.create(service_id=number, vm_status="creation")
    query = VmInfo.select(VmInfo.service_id).order_by(VmInfo.service_id)
    with transaction():
        held = [row.service_id for row in for_update_skip_locked(query.limit(1))]

        def other() -> list[int]:
            with transaction():
                return [row.service_id for row in for_update_skip_locked(query)]

        assert (held, in_threads([other])[0]) == ([0], [1])


def test_locking_outside_of_a_transaction_is_a_mistake_of_ours(database: Database) -> None:
    with pytest.raises(RuntimeError, match="needs a transaction"):
        for_update_skip_locked(VmInfo.select())


@pytest.mark.req("DAT-04", "DAT-05")
def test_an_update_counts_the_rows_it_matched_even_when_nothing_changed(database: Database) -> None:
    VmInfo.create(service_id=1, vm_status="clone")
    update = VmInfo.update(vm_status="clone").where(VmInfo.service_id == 1)
    assert (update.execute(), update.execute()) == (1, 1)


@pytest.mark.req("DAT-04", "DAT-05")
def test_an_exception_rolls_the_transaction_back_and_leaves_the_connection_usable(database: Database) -> None:
    def unit() -> None:
        with transaction():
            Setting.create(name="a", value="1")
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        unit()
    assert Setting.get_or_none(Setting.name == "a") is None


def test_a_refused_row_inside_a_savepoint_leaves_the_rest_of_the_transaction(database: Database) -> None:
    Slot.create(scope="node:pve1", number=0, service_id=1)
    with transaction():
        Setting.create(name="a", value="1")
        with contextlib.suppress(IntegrityError), transaction():
            Setting.create(name="b", value="1")
            Slot.create(scope="node:pve1", number=0, service_id=2)
    assert {row.name for row in Setting.select(Setting.name)} == {"a", "install_id"}


def test_a_text_that_is_too_long_is_refused_and_not_cut(maria: Database) -> None:
    with pytest.raises(DataError):
        Slot.create(scope="x" * 192, number=0, service_id=1)


def test_parallel_orders_see_what_others_have_committed_meanwhile(maria: Database) -> None:
    with transaction():
        assert Setting.get_or_none(Setting.name == "a") is None
        in_threads([lambda: Setting.create(name="a", value="1")])
        assert Setting.get_by_id("a").value == "1"


@pytest.mark.req("DAT-09")
def test_text_in_any_language_comes_back_unchanged(database: Database) -> None:
    text = "Zażółć gęślą jaźń, 漢字, עברית, 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 🚀 'quoted' \"twice\" \\ %s ?"
    VmInfo.create(service_id=1, vm_name=text, vm_last_action_log=text * 2000)
    row = VmInfo.get_by_id(1)
    assert (row.vm_name, row.vm_last_action_log) == (text, text * 2000)


def test_a_refused_login_names_database_and_user_and_is_for_the_admin(mariadb_url: str) -> None:
    connect(mariadb_url.replace("p%40ss", "wrong"))
    with pytest.raises(DatabaseRefused) as caught:
        Setting.select().count()
    line = str(caught.value)
    assert "Access denied for user 'bridge'" in line
    assert "\n" not in line
    assert "wrong" not in line
    assert (caught.value.kind, caught.value.who) == ("permanent", "admin")


def test_a_server_that_is_down_is_named_and_may_come_back() -> None:
    port = free_port()
    connect(f"mysql://bridge:hunter2@127.0.0.1:{port}/whmcs")
    with pytest.raises(DatabaseUnavailable) as caught:
        retry_lost_connection(lambda: Setting.select().count(), Patience(seconds=0.2))()
    line = str(caught.value)
    assert line.startswith("Database whmcs on 127.0.0.1: ")
    assert "hunter2" not in line
    assert caught.value.kind == "retryable"
    assert not caught.value.outcome_unknown


def test_a_server_that_hangs_is_given_up_after_the_answer_timeout(mariadb_url: str) -> None:
    database = connect(mariadb_url, answer_timeout=0.5)
    with pytest.raises(DatabaseUnavailable) as caught:
        database.execute_sql("DO SLEEP(20)")
    assert caught.value.outcome_unknown


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Any) -> None:
    connect(f"sqlite:///{tmp_path}/missing/bridge.sqlite")
    with pytest.raises(DatabaseRefused, match=r"bridge\.sqlite: unable to open database file"):
        Setting.select().count()


@pytest.mark.req("DAT-05")
def test_writers_of_one_file_take_turns(sqlite_db: Database) -> None:
    Setting.create(name="n", value="0")

    @retry_lost_connection
    def add_one() -> None:
        with transaction():
            row = Setting.get_by_id("n")
            Setting.update(value=str(int(row.value) + 1)).where(Setting.name == "n").execute()

    def work() -> None:
        for _ in range(25):
            add_one()

    in_threads([work] * 4)
    assert Setting.get_by_id("n").value == "100"


@pytest.fixture
def child(database: Database) -> int:
    """A forked process that writes a row, as a web server's worker does; its exit status."""
    Setting.create(name="parent", value="1")
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            with transaction():
                Setting.create(name="child", value="1")
            status = 0
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_forked_process_opens_a_connection_of_its_own(child: int) -> None:
    assert child == 0
    with transaction():
        Setting.create(name="parent again", value="1")
    assert {row.name for row in Setting.select(Setting.name)} == {"install_id", "parent", "child", "parent again"}


def test_threads_that_end_leave_no_connections_behind(maria: Database, mariadb: MariaDb) -> None:
    def connections() -> int:
        with mariadb.admin() as admin, admin.cursor() as cursor:
            cursor.execute("SELECT COUNT(*) FROM information_schema.processlist WHERE db = %s", (maria.database,))
            row = cursor.fetchone()
            assert row is not None
            return int(row[0])

    Setting.select().count()
    before = connections()
    in_threads([lambda: Setting.select().count()] * 8)
    wait_until(lambda: connections() == before)


def test_a_process_that_hangs_in_a_transaction_keeps_nobody_waiting(
    maria: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it does when it goes on is repeated as a whole, and sees what the others have done meanwhile."""
    monkeypatch.setattr(type(maria), "hung_after", 1)
    Setting.create(name="counter", value="1")
    locked, go_on, seen = threading.Event(), threading.Event(), list[str]()

    @retry_lost_connection
    def add_one() -> None:
        with transaction():
            row = Setting.select().where(Setting.name == "counter").for_update().get()
            seen.append(row.value)
            if not locked.is_set():
                locked.set()
                assert go_on.wait(30)
            Setting.update(value=str(int(row.value) + 1)).where(Setting.name == "counter").execute()

    def hang() -> None:
        try:
            add_one()
        finally:
            close_connection()

    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(hang)
        assert locked.wait(10)
        with transaction():
            Setting.update(value="10").where(Setting.name == "counter").execute()
        go_on.set()
        hanging.result(30)
    assert (seen, Setting.get_by_id("counter").value) == (["1", "10"], "11")
