"""Old rows go, and no usage goes with them; on SQLite and on MariaDB."""

import threading
from datetime import datetime, timedelta

import pytest

from bridge.database import Database, close_connection
from bridge.models.companion import TrafficKept
from bridge.models.module import TrafficSample
from bridge.statistics import cleaning as module
from bridge.statistics.cleaning import Cleaning
from bridge.statistics.usage import Usage
from statemachines.errors import LeaseLost
from tests.chaos.clock import VirtualClock
from tests.factories import make_service, make_vm
from tests.statistics.conftest import Ours

pytestmark = pytest.mark.usefixtures("database")

GIB = 1 << 30


def clean(clock: VirtualClock, watch: Ours | None = None) -> int:
    return Cleaning(clock).work(watch or Ours())  # type: ignore[arg-type]


def at(text: str) -> VirtualClock:
    clock = VirtualClock()
    clock.time = clock.epoch(datetime.fromisoformat(text))
    return clock


def rows(service: int, first: str, count: int, step: timedelta = timedelta(hours=1)) -> None:
    begin = datetime.fromisoformat(first)
    TrafficSample.insert_many(
        {"service_id": service, "date": begin + number * step, "netin": GIB, "netout": 2 * GIB}
        for number in range(count)
    ).execute()


def left() -> list[str]:
    return [f"{row.date:%Y-%m-%d %H}" for row in TrafficSample.select().order_by(TrafficSample.date)]


@pytest.mark.req("MET-05")
def test_rows_older_than_35_days_are_removed_and_no_others() -> None:
    rows(1, "2026-03-06 11:00", 4)
    assert clean(at("2026-04-10 13:00")) == 2
    assert left() == ["2026-03-06 13", "2026-03-06 14"]
    kept = TrafficKept.get()
    assert (kept.service_id, kept.month, kept.netin, kept.netout) == (1, "2026-03", 2 * GIB, 4 * GIB)


def test_what_is_kept_adds_up_by_month_and_a_second_run_finds_nothing() -> None:
    rows(1, "2026-01-30 00:00", 4, timedelta(days=1))
    clock = at("2026-03-08 00:00")
    assert clean(clock) == 2
    clock.advance(86_400)
    assert (clean(clock), clean(clock)) == (1, 0)
    assert {(row.month, row.netin) for row in TrafficKept.select()} == {("2026-01", 2 * GIB), ("2026-02", GIB)}


@pytest.mark.req("MET-13")
def test_rows_removed_while_the_clock_was_wrong_still_count_for_the_month() -> None:
    service = make_service(domain="a.example.com")
    make_vm(service, "ready")
    rows(service.id, "2026-04-01 00:00", 100)
    clock = at("2026-04-10 00:00")
    before = Usage(clock).of_month(service.server)["tenants"]  # type: ignore[arg-type]
    assert before["a.example.com"]["bandwidth_usage_out"] == 200.0
    assert clean(at("2026-08-01 00:00")) == 100
    assert Usage(clock).of_month(service.server)["tenants"] == before  # type: ignore[arg-type]


@pytest.mark.req("MET-13")
@pytest.mark.parametrize("month", range(1, 13))
def test_at_the_end_of_any_month_all_of_its_rows_are_still_there(month: int) -> None:
    first = datetime(2026, month, 1)
    following = (first + timedelta(days=32)).replace(day=1)
    rows(1, f"{first}", 1)
    assert clean(at(f"{following - timedelta(seconds=1)}")) == 0


@pytest.mark.req("MET-13")
def test_many_rows_go_in_small_transactions_each_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 10)
    rows(1, "2026-01-01 00:00", 35)
    watch = Ours()
    assert clean(at("2026-04-10 00:00"), watch) == 35
    assert watch.proved == 5
    assert TrafficKept.get().netin == 35 * GIB


def test_a_run_whose_lock_was_taken_away_removes_nothing() -> None:
    class Lost(Ours):
        def prove(self) -> None:
            raise LeaseLost("taken over")

    rows(1, "2026-01-01 00:00", 5)
    with pytest.raises(LeaseLost):
        clean(at("2026-04-10 00:00"), Lost())
    assert len(left()) == 5


@pytest.mark.req("MET-13")
def test_two_at_once_keep_every_byte(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BATCH", 20)
    for service in (1, 2, 3):
        rows(service, "2026-01-01 00:00", 100)
    removed: list[int] = []
    gate = threading.Barrier(3)

    def work() -> None:
        gate.wait()
        removed.append(clean(at("2026-04-10 00:00")))
        close_connection()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(removed) == 300
    assert {(row.service_id, row.netin) for row in TrafficKept.select()} == {(n, 100 * GIB) for n in (1, 2, 3)}


def test_a_zero_date_goes_without_a_month(database: Database) -> None:
    if database.dialect == "sqlite":
        database.execute_sql(
            "INSERT INTO puqProxmoxKVM_statistics (service_id, date) VALUES (1, '0000-00-00 00:00:00')"
        )
    else:
        database.execute_sql("SET SESSION sql_mode = ''")
        database.execute_sql("INSERT INTO puqProxmoxKVM_statistics (service_id, date) VALUES (1, '0000-00-00')")
    assert clean(at("2026-04-10 00:00")) == 1
    assert TrafficKept.select().count() == 0
