"""The weekly schedules of snapshots: which days and times a client has chosen, and the last date that was served."""

from datetime import date, datetime

from bridge.database import retry_lost_connection, transaction
from bridge.lifecycle.week import Week, due
from bridge.models.companion import SnapshotSchedule


@retry_lost_connection
def week_of(service_id: int) -> Week:
    """The service's week; an empty one when nothing is scheduled."""
    row = SnapshotSchedule.get_or_none(SnapshotSchedule.service_id == service_id)
    return Week.read(row.days) if row else Week()


@retry_lost_connection
def save(service_id: int, week: Week, now: datetime) -> None:
    """Make `week` the service's; an empty one ends its schedule. A time of today that is over already counts as served."""
    mine = SnapshotSchedule.service_id == service_id
    with transaction():
        row = SnapshotSchedule.get_or_none(mine)
        served = _day(row.served_on) if row else None
        SnapshotSchedule.delete().where(mine).execute()
        if week.times:
            served = due(week, now, served) or served
            SnapshotSchedule.create(service_id=service_id, days=week.as_json(), served_on=served and str(served))


@retry_lost_connection
def due_now(now: datetime) -> dict[int, date]:
    """The services whose snapshot is due at `now`, local time with its zone, each with the date that it is for."""
    found = {}
    for row in SnapshotSchedule.select().order_by(SnapshotSchedule.service_id):
        day = due(Week.read(row.days), now, _day(row.served_on))
        if day is not None:
            found[int(row.service_id)] = day
    return found


@retry_lost_connection
def served(service_id: int, day: date) -> None:
    """What is due on `day` is seen to. May run twice, and inside a transaction."""
    SnapshotSchedule.update(served_on=str(day)).where(SnapshotSchedule.service_id == service_id).execute()


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None
