"""The same order asked for several times, one after another and at the same moment, on real databases."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, get_ident

import pytest
from peewee import QueryEvent

from bridge.database import Database, close_connection
from bridge.models.companion import OutboxMessage, VmWork
from bridge.models.module import VmInfo
from bridge.orders import Orders
from bridge.outbox import Outbox
from bridge.web.callers import Actor
from tests.chaos.clock import VirtualClock
from tests.factories import make_service

pytestmark = pytest.mark.usefixtures("database")

AT_ONCE = 8


class Ticking(VirtualClock):
    """Goes on with every look, as a real clock does."""

    def now(self) -> float:
        self.advance(0.001)
        return super().now()


@pytest.fixture
def orders() -> Orders:
    clock = Ticking()
    return Orders(Outbox(clock), clock)


def is_ordered_once(service: int) -> None:
    """One record, one row of work, one welcome mail."""
    assert [row.service_id for row in VmInfo.select()] == [service]
    assert [row.service_id for row in VmWork.select()] == [service]
    assert [message.service_id for message in OutboxMessage.select()] == [service]


@pytest.mark.req("PRT-20")
@pytest.mark.parametrize("before", [None, "remove"])
def test_a_repeated_order_is_recorded_once(orders: Orders, before: str | None) -> None:
    service = make_service().id
    if before:
        VmInfo.create(service_id=service, vm_status=before)
    assert [orders.create(service, Actor()) for _ in range(3)] == ["success"] * 3
    is_ordered_once(service)
    assert VmInfo.get_by_id(service).vm_status == "creation"


@pytest.mark.req("PRT-20")
@pytest.mark.parametrize("before", [None, "remove"])
def test_an_order_that_arrives_several_times_at_once_is_recorded_once(
    database: Database, orders: Orders, before: str | None
) -> None:
    service = make_service().id
    if before:
        VmInfo.create(service_id=service, vm_status=before)
    together, waited = Barrier(AT_ONCE), set[int]()

    def nobody_writes_before_all_have_looked(event: QueryEvent) -> None:
        """On SQLite only one can look at a time. Who was in a deadlock looks again, and does not wait again."""
        looks = event.sql.startswith("SELECT") and "vm_status" in event.sql and database.dialect == "mysql"
        if looks and get_ident() not in waited:
            waited.add(get_ident())
            together.wait(30)

    def order(_: int) -> str:
        try:
            return orders.create(service, Actor())
        finally:
            close_connection()

    database.query_hooks.append(nobody_writes_before_all_have_looked)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(order, range(AT_ONCE)))
    database.query_hooks.clear()
    assert answers == ["success"] * AT_ONCE
    is_ordered_once(service)
