"""Collectors that meet each other, and tables of an older module; on SQLite and on MariaDB."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bridge.connections import Database
from bridge.database import close_connection
from bridge.models.base import proxy
from bridge.models.companion import TrafficState, VmidReservation
from bridge.models.module import TrafficSample, VmInfo
from bridge.models.whmcs import Service
from bridge.sandbox.proxmox.guest import Guest, Run
from bridge.statistics import collector as module
from bridge.statistics.gaps import Looks
from bridge.statistics.listing import Listings
from providers.proxmox import Mark
from statemachines.errors import LeaseLost
from tests.chaos.observed import INSTALL
from tests.statistics.conftest import HOUR, MB, Meter, Ours

TABLE = "puqProxmoxKVM_statistics"


@pytest.fixture
def shop(database_url: str, tmp_path: Path) -> Iterator[Meter]:
    yield Meter(tmp_path, {}, url=database_url)
    close_connection()


def populate(shop: Meter, count: int, first: int = 1000) -> list[int]:
    """So many ready VMs that have run for half an hour, without deploying them."""
    now, services = shop.clock.now(), list(range(first, first + count))
    for part in (services[n : n + 500] for n in range(0, count, 500)):
        Service.insert_many(
            {"id": n, "userid": 1, "packageid": 1, "server": shop.shop.server_id, "domain": f"vm{n}"} for n in part
        ).execute()
        VmInfo.insert_many(
            {"service_id": n, "vm_id": n, "vm_name": f"vm{n}", "vm_status": "ready"} for n in part
        ).execute()
        cluster = f"server:{shop.shop.server_id}"
        VmidReservation.insert_many(
            {"cluster": cluster, "vmid": n, "service_id": n, "reserved_at": now - 1900} for n in part
        ).execute()
    for n in services:
        tags, began = Mark(INSTALL, n).tag, now - 1800
        config: dict[str, Any] = {"name": f"vm{n}", "memory": 512, "tags": tags}
        guest = shop.cluster.guests[n] = Guest(n, "pve1", config, created=began)
        guest.run = Run(n, began, {}, None, shop.cluster.traffic.begin(n, began))
    return services


@pytest.mark.req("MET-10")
def test_two_collectors_at_the_same_time_count_once(shop: Meter) -> None:
    services = populate(shop, 40)
    shop.collect()
    shop.clock.advance(HOUR)
    gate = threading.Barrier(3)
    errors: list[Exception] = []

    def work() -> None:
        try:
            gate.wait()
            shop.collect()
        except Exception as error:
            errors.append(error)
        finally:
            close_connection()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    for service in services:
        assert shop.billed(service) == pytest.approx(shop.truth(service), abs=200)
        assert len(shop.rows(service)) == len({hour for hour, _, _ in shop.rows(service)})


@dataclass
class Delayed:
    """Between a look at the cluster and the writing, something happens."""

    between: Callable[[], None]

    def __call__(self, *arguments: Any) -> Listings:
        found = Listings(*arguments)
        self.between()
        return found


@pytest.mark.req("MET-10")
def test_a_collector_that_was_overtaken_by_another_adds_nothing(shop: Meter, monkeypatch: pytest.MonkeyPatch) -> None:
    [service] = populate(shop, 1)
    shop.collect()
    shop.clock.advance(HOUR)

    def overtake() -> None:
        monkeypatch.setattr(module, "Listings", Listings)
        shop.clock.advance(60)
        shop.collect()

    monkeypatch.setattr(module, "Listings", Delayed(overtake))
    (text,) = shop.texts(shop.collect())
    assert text.startswith("[skipped] already_done_this_hour, last:")
    assert shop.billed(service) == pytest.approx(shop.truth(service), abs=200)


@pytest.mark.req("MET-10")
def test_a_collector_that_was_overtaken_while_it_wrote_adds_nothing(shop: Meter) -> None:
    [service] = populate(shop, 1)
    shop.collect()
    shop.clock.advance(HOUR)

    class Overtaken(Ours):
        asked = 0

        def alive(self) -> None:
            self.asked += 1
            if self.asked == 2:  # before the service, after what is known of it was read
                shop.clock.advance(5)
                shop.collect()

    (text,) = shop.texts(shop.collect(watch=Overtaken()))
    assert text.startswith("[skipped] collected_elsewhere, last:")
    assert shop.billed(service) == pytest.approx(shop.truth(service), abs=200)


@pytest.mark.req("MET-10")
def test_a_list_that_has_become_old_is_asked_for_again(shop: Meter, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process was stopped for an hour after its look; somebody else has collected meanwhile."""
    [service] = populate(shop, 1)
    shop.collect()
    shop.clock.advance(HOUR)

    def stopped_for_an_hour() -> None:
        monkeypatch.setattr(module, "Listings", Listings)
        shop.clock.advance(HOUR)
        shop.collect()
        shop.clock.advance(HOUR)

    monkeypatch.setattr(module, "Listings", Delayed(stopped_for_an_hour))
    assert shop.texts(shop.collect())[0].startswith("[success]")
    assert shop.billed(service) == pytest.approx(shop.truth(service), abs=200)


@pytest.mark.req("MET-10")
def test_what_was_read_long_ago_is_not_written(shop: Meter) -> None:
    [service] = populate(shop, 1)
    shop.collect()
    before = shop.billed(service)
    shop.clock.advance(HOUR)

    class Slow(Ours):
        def alive(self) -> None:
            shop.clock.advance(301)

    listed = Listings(shop.house.hypervisors, shop.clock, [shop.shop.server_id])
    run = module.Collection(shop.clock, INSTALL, listed, Slow(), Looks(9))  # type: ignore[arg-type]
    run.collect(shop.shop.server_id, module.owners())
    assert run.notes[service][1].startswith("too_late, last:")
    assert shop.billed(service) == before


def test_a_run_whose_lock_was_taken_away_writes_nothing(shop: Meter) -> None:
    class Lost(Ours):
        def prove(self) -> None:
            raise LeaseLost("taken over")

    populate(shop, 3)
    with pytest.raises(LeaseLost):
        shop.collect(watch=Lost())
    assert TrafficSample.select().count() == TrafficState.select().count() == 0


@pytest.mark.req("MET-14")
def test_a_table_of_the_old_module_takes_our_rows(shop: Meter) -> None:
    """Without the unique key, and with columns that we do not know and that have no default."""
    [service] = populate(shop, 1)
    database: Database = proxy.obj
    auto = "INTEGER PRIMARY KEY" if database.dialect == "sqlite" else "INT AUTO_INCREMENT PRIMARY KEY"
    database.execute_sql(f"DROP TABLE {TABLE}")
    database.execute_sql(
        f"CREATE TABLE {TABLE} (id {auto}, service_id INT, vm_id VARCHAR(16), date DATETIME, netin BIGINT, netout BIGINT, "
        "node VARCHAR(64) NOT NULL, samples INT NOT NULL)"
    )
    database.execute_sql(
        f"INSERT INTO {TABLE} (service_id, vm_id, date, netin, netout, node, samples) "
        f"VALUES ({service}, '7', '2026-04-09 03:00:00', 5, 6, 'pve1', 60)"
    )
    database.__dict__.pop("demanding_columns", None)
    shop.collect()
    shop.clock.advance(HOUR)
    shop.collect()
    assert shop.rows(service)[0] == ("2026-04-09 03:00", 5, 6)
    assert shop.billed(service)[0] == pytest.approx(5 + shop.truth(service)[0], abs=200)
    rows = database.execute_sql(
        f"SELECT date, node, samples FROM {TABLE} WHERE date > '2026-04-09 12:00:00'"
    ).fetchall()
    assert {row[1:] for row in rows} == {("", 0)}


@pytest.mark.req("MET-15")
def test_calls_are_one_per_cluster_and_statements_grow_by_batches(shop: Meter, monkeypatch: pytest.MonkeyPatch) -> None:
    few, few_calls = statements(shop, monkeypatch, 30, 1000)
    many, many_calls = statements(shop, monkeypatch, 1170, 2000)
    assert (few_calls, many_calls) == (1, 1)
    assert many <= 3 * few
    for service in (1000, 2500, 3169):
        assert len(shop.rows(service)) >= 2


def statements(shop: Meter, monkeypatch: pytest.MonkeyPatch, count: int, first: int) -> tuple[int, int]:
    """SQL statements and calls to Proxmox of the second collection of all services so far and `count` more."""
    populate(shop, count, first)
    shop.collect()
    shop.clock.advance(HOUR)
    shop.sent.clear()
    seen: list[str] = []
    send = Database.execute_sql

    def witness(self: Database, sql: str, params: Any = None) -> Any:
        seen.append(sql)
        return send(self, sql, params)

    with monkeypatch.context() as patched:
        patched.setattr(Database, "execute_sql", witness)
        shop.collect()
    return len(seen), len(shop.sent)


@pytest.mark.req("MET-15")
def test_usage_of_many_services_is_four_queries_and_no_call(shop: Meter, monkeypatch: pytest.MonkeyPatch) -> None:
    services = populate(shop, 600)
    shop.collect()
    shop.sent.clear()
    seen: list[str] = []
    send = Database.execute_sql
    monkeypatch.setattr(
        Database, "execute_sql", lambda self, sql, params=None: (seen.append(sql), send(self, sql, params))[1]
    )
    told = shop.usage()["tenants"]
    assert len(told) == len(services)
    assert all(of["bandwidth_usage_in"] > 0 for of in told.values())
    assert (len(seen), shop.sent) == (4, [])


def test_no_more_gaps_are_looked_up_than_a_run_may(shop: Meter) -> None:
    services = populate(shop, 5)
    shop.collect()
    shop.clock.advance(HOUR / 2)
    for service in services:
        shop.power(service, "stop")
        shop.power(service, "start")
    shop.clock.advance(HOUR / 2)
    shop.sent.clear()
    statistics = replace(shop.house.statistics, clock=shop.clock, looks=2)
    result = statistics.work(Ours())
    measured = [detail.text.endswith(", collected") for detail in result.details]
    assert (measured.count(True), measured.count(False)) == (2, 3)
    assert len(shop.calls("GET", "/rrddata")) == 2


def test_a_full_run_of_mb_is_summed_exactly(shop: Meter) -> None:
    [service] = populate(shop, 1)
    shop.collect()
    for _ in range(5):
        shop.send(service, 123 * MB + 7, 45 * MB + 11)
        shop.clock.advance(HOUR + 1)
        shop.collect()
    assert shop.billed(service) == pytest.approx(shop.truth(service), abs=200)


def test_the_gap_of_a_stopped_vm_waits_for_a_run_that_can_look_it_up(shop: Meter) -> None:
    [service] = populate(shop, 1)
    shop.collect()
    shop.rates(service, 2 * MB, MB)
    shop.clock.advance(HOUR / 2)
    shop.power(service, "stop")
    shop.clock.advance(HOUR / 2)
    busy = replace(shop.house.statistics, clock=shop.clock, looks=0)
    assert shop.texts(busy.work(Ours()))[0].endswith(", collected, 61 min not measured yet")
    counted = shop.billed(service)[0]
    shop.clock.advance(HOUR)
    shop.power(service, "start")
    shop.clock.advance(HOUR)
    shop.collect()
    lost = shop.truth(service)[0] - shop.billed(service)[0]
    assert shop.billed(service)[0] > counted + 1500 * 2 * MB
    assert 0 <= lost < 3600 * 2 * MB


def test_a_node_whose_rrd_cannot_be_read_is_not_asked_for_every_vm(shop: Meter) -> None:
    services = populate(shop, 8)
    shop.collect()
    shop.clock.advance(HOUR / 2)
    for service in services:
        shop.power(service, "stop")
        shop.power(service, "start")
    shop.clock.advance(HOUR / 2)
    shop.sent.clear()
    shop.fault("/rrddata", status=500, text="RRD error", times=0)
    result = shop.collect()
    assert (result.processed, result.errors) == (8, 0)
    assert all(text.endswith(" min not measured") for text in shop.texts(result))
    assert len(shop.calls("GET", "/rrddata")) == 3


@pytest.mark.req("MET-18")
def test_a_cluster_that_tells_no_descriptions_is_left_for_the_next_run(shop: Meter) -> None:
    services = populate(shop, 8)
    for service in services[:7]:
        shop.cluster.guests[service].config |= {"tags": "", "name": "by-hand"}
    shop.sent.clear()
    shop.fault("/qemu/.*/config", status=596, text="Connection timed out", times=0)
    result = shop.collect()
    assert (result.processed, result.errors) == (8, 8)
    assert len(shop.calls("GET", "/config")) <= 6
    assert "left too many questions unanswered" in shop.texts(result)[-1]
    shop.cluster.faults.clear()
    for service in services[:7]:
        shop.cluster.guests[service].config |= {"name": f"vm{service}"}
    assert shop.collect().errors == 0
    assert shop.billed(services[0]) == pytest.approx(shop.truth(services[0]), abs=200)
