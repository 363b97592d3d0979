"""A tick costs what the work pending costs, however many services are idle."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bridge.models.base import proxy
from bridge.models.companion import VmWork
from bridge.models.module import VmInfo
from bridge.models.whmcs import Service
from bridge.tasks import STATISTICS, TASKS
from tests.deploy.conftest import Install
from tests.deploy.installation import Installation


class _Counter(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.queries: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        sql = str(record.msg[0] if isinstance(record.msg, tuple) else record.msg)
        if "kvm_bridge_setting" not in sql:
            self.queries.append(sql)


@contextmanager
def counted() -> Iterator[list[str]]:
    """The SQL of everything that is executed meanwhile; settings are read once per second of real time and left out."""
    log, counter = logging.getLogger("peewee"), _Counter()
    before = log.level
    log.addHandler(counter)
    log.setLevel(logging.DEBUG)
    try:
        yield counter.queries
    finally:
        log.removeHandler(counter)
        log.setLevel(before)


# The statistics look at all VMs, which is what they are for: in one list per cluster, and in queries of many services.
OF_PENDING_WORK = tuple(task for task in TASKS if task is not STATISTICS)


def idle(first: int, count: int) -> None:
    """Services whose VM is ready."""
    numbers = range(first, first + count)
    with proxy.obj.atomic():
        for start in range(0, count, 500):
            part = numbers[start : start + 500]
            Service.insert_many([{"id": n, "userid": 1, "packageid": 1, "server": 1} for n in part]).execute()
            VmInfo.insert_many([{"service_id": n, "vm_id": n, "vm_status": "ready"} for n in part]).execute()
            VmWork.insert_many([{"service_id": n, "server_id": 1} for n in part]).execute()


def queries_of_a_tick(rig: Installation) -> list[str]:
    rig.clock.advance(60)
    with counted() as queries:
        rig.tick(tasks=OF_PENDING_WORK)
    return list(queries)


@pytest.mark.req("ENG-26")
def test_a_tick_asks_the_database_as_often_with_five_thousand_idle_services_as_with_a_hundred(
    install: Install,
) -> None:
    rig = install()
    idle(1000, 100)
    rig.tick(tasks=OF_PENDING_WORK)
    few = queries_of_a_tick(rig)
    idle(10_000, 5000)
    many = queries_of_a_tick(rig)
    assert few
    assert many == few


@pytest.mark.req("ENG-26")
def test_no_question_of_a_tick_walks_through_all_services(install: Install) -> None:
    rig = install()
    idle(1000, 2000)
    rig.tick(tasks=OF_PENDING_WORK)
    with counted() as queries:
        rig.clock.advance(60)
        rig.tick(tasks=OF_PENDING_WORK)
    looked_up = [sql for sql in queries if sql.startswith("SELECT") and ("vm_info" in sql or "kvm_bridge_vm" in sql)]
    assert looked_up
    for sql in looked_up:
        plan = proxy.obj.execute_sql("EXPLAIN QUERY PLAN " + sql, ["ready"] * sql.count("?")).fetchall()
        assert not [row for row in plan if str(row[3]).startswith("SCAN") and "INDEX" not in str(row[3])], (sql, plan)
