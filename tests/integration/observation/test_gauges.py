"""What Prometheus is told of an installation, and what it costs; on SQLite and on MariaDB."""

from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bridge.addresses.quarantine import Quarantine
from bridge.database import Database
from bridge.models.base import proxy
from bridge.models.companion import AddressReservation, OutboxMessage, PendingRecord, Slot, VmWork
from bridge.models.module import VmInfo
from bridge.observation import gauges as subject
from bridge.observation.gauges import Gauges
from bridge.observation.meters import Meters
from bridge.observation.standing import standing
from bridge.outbox import Outbox
from bridge.settings import Settings
from bridge.task_book import TaskBook
from bridge.tasks import PROCESS, SNAPSHOTS, Result
from tests.chaos.clock import VirtualClock
from tests.factories import make_pool, make_service

Sample = tuple[str, tuple[tuple[str, str], ...]]


class Installation:
    """An installation at noon, and a scrape of it."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.settings = Settings(clock=self.clock.now)
        self.gauges = Gauges(self.clock, self.settings, lambda: Quarantine(self.clock.now(), 0.0))

    def scrape(self) -> dict[Sample, float]:
        """Every sample by name and labels."""
        text = Meters().text(self.gauges).decode()
        families = text_string_to_metric_families(text)
        return {(each.name, tuple(sorted(each.labels.items()))): each.value for f in families for each in f.samples}

    def value(self, name: str, **labels: str) -> float:
        return self.scrape()[f"kvm_bridge_{name}", tuple(sorted(labels.items()))]


@pytest.fixture
def installation(database: Database) -> Installation:
    return Installation()


def vm(status: str, **work: Any) -> int:
    service = make_service()
    VmInfo.create(service_id=service.id, vm_status=status)
    VmWork.create(service_id=service.id, **work)
    return int(service.id)


@pytest.mark.req("OBS-04")
def test_the_queue_is_as_old_as_what_has_been_due_the_longest_and_is_not_worked_on(installation: Installation) -> None:
    now = installation.clock.now()
    assert (installation.value("queue_vms"), installation.value("queue_age_seconds")) == (0, 0)
    vm("creation", due_at=now - 90, lease_owner="a", lease_until=now + 20)
    vm("clone", due_at=now - 40)
    vm("clone", due_at=now - 30, lease_owner="gone", lease_until=now - 1)
    vm("set_ip", due_at=now + 60)
    vm("ready")
    assert (installation.value("queue_vms"), installation.value("queue_age_seconds")) == (2, 40)
    assert installation.value("leases") == 1


@pytest.mark.req("OBS-04")
def test_vms_are_counted_by_the_state_at_which_something_is_to_be_done(installation: Installation) -> None:
    for status in ("creation", "clone", "clone", "error_terminate", "ready", "remove"):
        vm(status)
    assert installation.value("vms_pending", state="clone") == 2
    assert installation.value("vms_pending", state="creation") == 1
    assert installation.value("vms_pending", state="cp_stop") == 0
    states = {dict(labels)["state"] for name, labels in installation.scrape() if name.endswith("vms_pending")}
    assert not states & {"ready", "remove", None}


@pytest.mark.req("OBS-04")
def test_vms_that_wait_for_somebody_are_counted_by_whom(installation: Installation) -> None:
    vm("clone", due_at=1.0, attention_cause="x", attention_who="Proxmox admin")
    vm("set_ip", due_at=1.0, attention_cause="x", attention_who="admin")
    vm("set_ip", due_at=1.0, attention_cause="time may heal it")
    vm("error_terminate")
    assert installation.value("vms_need_attention", who="admin") == 2
    assert installation.value("vms_need_attention", who="Proxmox admin") == 1


@pytest.mark.req("OBS-04")
def test_messages_that_have_not_left_are_counted_with_the_age_of_the_oldest(installation: Installation) -> None:
    outbox, service = Outbox(installation.clock), make_service()
    for number, state in enumerate(("sent", "failed", "refused", "pending", "pending", "sending")):
        outbox.activity(f"{number}", service.id, "x")
        OutboxMessage.update(state=state).where(OutboxMessage.dedupe_key == f"{number}").execute()
        installation.clock.advance(10)
    counted = {state: installation.value("outbox_messages", state=state) for state in ("failed", "refused", "pending")}
    assert counted == {"failed": 1, "refused": 1, "pending": 2}
    assert installation.value("outbox_age_seconds") == 40
    assert ("kvm_bridge_outbox_messages", (("state", "sent"),)) not in installation.scrape()


@pytest.mark.req("OBS-04")
def test_dns_records_places_and_the_rhythm_are_told(installation: Installation) -> None:
    now = installation.clock.now()
    PendingRecord.create(service_id=1, zone_id=1, name="a", type="A", since=now - 5, due_at=now)
    PendingRecord.create(service_id=1, zone_id=1, name="b", type="A", since=now - 50, due_at=now)
    for number, scope in enumerate(("node:server:1:pve1", "node:server:1:pve2", "storage:server:1:ceph")):
        Slot.create(scope=scope, number=number, service_id=number)
    installation.settings.set_scheduler_seen(now - 3)
    book = TaskBook(installation.clock, lambda: 600.0)
    book.begin(PROCESS.name, None)
    book.note(SNAPSHOTS.name, Result(), ok=False)
    installation.clock.advance(7)
    assert installation.value("dns_pending_records") == 2
    assert installation.value("dns_pending_age_seconds") == 57
    assert installation.value("heavy_operations", scope="node") == 2
    assert installation.value("heavy_operations", scope="storage") == 1
    assert installation.value("scheduler_seen_timestamp_seconds") == pytest.approx(now - 3)
    assert installation.value("task_last_run_timestamp_seconds", task=PROCESS.name) == pytest.approx(now)
    states = [
        [installation.value(f"task_{what}", task=task.name) for what in ("failed", "lock")]
        for task in (PROCESS, SNAPSHOTS)
    ]
    assert states == [[0, 1], [1, 0]]
    assert installation.value("task_last_run_timestamp_seconds", task=SNAPSHOTS.name) == 0


def reserve(address: str) -> None:
    AddressReservation.create(
        address=address, service_id=1, server_id=1, family=6 if ":" in address else 4, reserved_at=1.0
    )


@pytest.mark.req("OBS-05")
def test_free_addresses_of_a_huge_pool_cost_nothing(installation: Installation) -> None:
    small = make_pool(address_start="192.0.2.10", address_stop="192.0.2.19", gateway="192.0.2.1", mask=24)
    huge = make_pool(
        type="ipv6",
        address_start="2001:db8::2",
        address_stop="2001:db8::ffff:ffff:ffff:ffff",
        gateway="2001:db8::1",
        mask=64,
    )
    reserve("192.0.2.12")
    reserve("2001:0db8:0000:0000:0000:0000:0000:0005")
    assert installation.value("pool_addresses_free", pool=str(small.id), family="ipv4") == 9
    assert installation.value("pool_addresses_free", pool=str(huge.id), family="ipv6") == float(2**64 - 3)


@pytest.mark.req("OBS-05")
def test_addresses_are_counted_every_five_minutes_however_often_prometheus_asks(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = make_pool(address_start="192.0.2.10", address_stop="192.0.2.19", gateway="192.0.2.1", mask=24)
    counts: list[int] = []
    count = subject.usage_of

    def counted(pools: Any, quarantine: Any) -> Any:
        counts.append(len(pools))
        return count(pools, quarantine)

    monkeypatch.setattr(subject, "usage_of", counted)
    labels = {"pool": str(pool.id), "family": "ipv4"}
    assert installation.value("pool_addresses_free", **labels) == 10
    reserve("192.0.2.12")
    for _ in range(5):
        installation.clock.advance(55)
        assert installation.value("pool_addresses_free", **labels) == 10
    installation.clock.advance(55)
    assert installation.value("pool_addresses_free", **labels) == 9
    assert counts == [1, 1]


def plans(database: Database, statements: list[tuple[str, Any]]) -> list[str]:
    """How the database goes about the statements: one line for each table that it reads."""
    if database.dialect == "sqlite":
        return [
            str(row[3])
            for sql, params in statements
            for row in database.execute_sql(f"EXPLAIN QUERY PLAN {sql}", params).fetchall()
        ]
    found = [row for sql, params in statements for row in database.execute_sql(f"EXPLAIN {sql}", params).fetchall()]
    return [f"{'SCAN' if row[3] == 'ALL' else row[3]} {row[2]} {row[5]}" for row in found]


@pytest.mark.req("OBS-05")
def test_no_question_walks_through_the_services_or_what_was_ever_sent(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxy.obj.atomic():
        for start in range(1000, 11_000, 500):
            part = range(start, start + 500)
            VmInfo.insert_many([{"service_id": n, "vm_id": n, "vm_status": "ready"} for n in part]).execute()
            VmWork.insert_many([{"service_id": n, "server_id": 1} for n in part]).execute()
            sent = {"kind": "mail", "payload": "{}", "state": "sent", "created_at": 1.0, "client_id": 1}
            OutboxMessage.insert_many([{**sent, "dedupe_key": f"{n}", "service_id": n} for n in part]).execute()
    if database.dialect == "mysql":
        database.execute_sql("ANALYZE TABLE puqProxmoxKVM_vm_info, kvm_bridge_vm, kvm_bridge_outbox")
    seen: list[tuple[str, Any]] = []
    send = database.execute_sql

    def witness(sql: str, params: Any = None, *others: Any) -> Any:
        seen.append((sql, params))
        return send(sql, params, *others)

    with monkeypatch.context() as patch:
        patch.setattr(database, "execute_sql", witness)
        standing(VirtualClock().now())
    asked = [each for each in seen if any(t in each[0] for t in ("vm_info", "kvm_bridge_vm", "kvm_bridge_outbox"))]
    assert len(asked) >= 5
    scans = [line for line in plans(database, asked) if "SCAN" in line]
    assert scans == []
