"""Schedules of snapshots and their number, on both databases."""

from datetime import UTC, date, datetime, timedelta

import pytest

from bridge.lifecycle import snapshot_plans as plans
from bridge.lifecycle.snapshot_sight import set_count
from bridge.lifecycle.week import Week
from bridge.models.companion import SnapshotSchedule
from bridge.models.module import VmInfo

pytestmark = pytest.mark.usefixtures("database")

SUNDAY_NOON = datetime(2026, 4, 12, 12, 0, tzinfo=UTC)
WEEK = Week.read('{"0": "07:00", "1": "23:00"}')


@pytest.mark.req("SNP-25")
def test_a_schedule_is_due_once_for_each_of_its_days() -> None:
    plans.save(5, WEEK, SUNDAY_NOON - timedelta(days=1))
    assert plans.week_of(5) == WEEK
    assert plans.due_now(SUNDAY_NOON - timedelta(hours=6)) == {}
    assert plans.due_now(SUNDAY_NOON) == {5: date(2026, 4, 12)}
    plans.served(5, date(2026, 4, 12))
    assert plans.due_now(SUNDAY_NOON) == {}
    assert plans.due_now(SUNDAY_NOON + timedelta(days=1)) == {}
    assert plans.due_now(SUNDAY_NOON + timedelta(days=1, hours=11)) == {5: date(2026, 4, 13)}


@pytest.mark.req("SNP-25")
def test_saving_a_schedule_makes_no_snapshot_due_whose_time_is_over() -> None:
    plans.save(5, WEEK, SUNDAY_NOON)
    assert plans.due_now(SUNDAY_NOON) == {}
    assert plans.due_now(SUNDAY_NOON + timedelta(days=7)) == {5: date(2026, 4, 19)}


@pytest.mark.req("SNP-25")
def test_saving_it_again_does_not_make_a_day_due_again() -> None:
    plans.save(5, WEEK, SUNDAY_NOON - timedelta(days=1))
    plans.served(5, date(2026, 4, 12))
    plans.save(5, Week.read('{"0": "18:00"}'), SUNDAY_NOON)
    assert plans.due_now(SUNDAY_NOON + timedelta(hours=7)) == {}


def test_an_empty_week_and_what_nobody_can_read_schedule_nothing() -> None:
    plans.save(5, WEEK, SUNDAY_NOON)
    plans.save(5, Week(), SUNDAY_NOON)
    SnapshotSchedule.create(service_id=6, days="nonsense", served_on="never")
    assert (plans.week_of(5), plans.due_now(SUNDAY_NOON + timedelta(days=7))) == (Week(), {})
    assert SnapshotSchedule.select().count() == 1


@pytest.mark.req("SNP-24")
@pytest.mark.parametrize(
    ("stored", "read", "seen", "afterwards"),
    [(2, 2, 3, 3), (None, 0, 1, 1), (2, 2, 2, 2), (3, 2, 1, 3), (None, 0, 0, None)],
    ids=["differs", "nothing was stored", "right already", "a command was quicker", "none"],
)
def test_a_look_sets_right_only_what_it_has_read(
    stored: int | None, read: int, seen: int, afterwards: int | None
) -> None:
    VmInfo.create(service_id=5, vm_status="ready", vm_snapshots=stored)
    set_count(5, read, seen)
    assert VmInfo.get_by_id(5).vm_snapshots == afterwards
