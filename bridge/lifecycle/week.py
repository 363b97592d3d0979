"""The week of a service's scheduled backups: which days, at which times, and which of them is due. Pure.

Times are times of the wall clock of the installation. A time that the clock leaves out in spring is due as soon as the clock
shows a later one, and a time that it shows twice in autumn is due once: what is done is one backup for one local date.
"""

import json
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from types import MappingProxyType

DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")

_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::[0-5][0-9])?", re.ASCII)
_GRACE = timedelta(hours=1)  # the last hour of a day is looked after for that long after midnight
_MINUTES_OF_A_DAY = 24 * 60


class BadWeek(ValueError):
    """What was typed is no week; the text is one line for whoever typed it."""


class WhyNot(StrEnum):
    """Why nothing is due."""

    NOT_TODAY = "not_scheduled_today"
    NOT_YET = "not_yet"
    DONE = "already_done_today"


@dataclass(frozen=True)
class Week:
    """The enabled days, 0 = Sunday … 6 = Saturday, each with its time of day. Empty = nothing is scheduled."""

    times: Mapping[int, time] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def read(cls, text: str | None) -> "Week":
        """The week of a stored `vm_backup_schedule`; a day that cannot be read is not enabled. Never raises.

        The documented form is an object, `{"0": "07:00", …}`. PHP writes days that begin with Sunday and leave none out as an
        array, which is read as well.
        """
        try:
            stored = json.loads(text or "")
        except (ValueError, RecursionError):
            return cls()
        if isinstance(stored, list):
            stored = {str(day): at for day, at in enumerate(stored)}
        if not isinstance(stored, dict):
            return cls()
        times = {day: _time(stored.get(str(day))) for day in range(len(DAYS))}
        return cls({day: at for day, at in times.items() if at is not None})

    @classmethod
    def typed(cls, days: Mapping[str, str], rng: random.Random) -> "Week":
        """The week of a form: each key is an enabled day, "0" … "6", its value the time "HH:MM".

        An enabled day without a time gets a random one, so that not all VMs are backed up at the same minute. Raises BadWeek.
        """
        times = {}
        for key in sorted(days):
            if key not in {str(day) for day in range(len(DAYS))}:
                raise BadWeek("days are numbers from 0 (Sunday) to 6 (Saturday)")
            at = _time(days[key]) if days[key].strip() else _any_time(rng)
            if at is None:
                raise BadWeek(f"the time of {DAYS[int(key)]} is not of the form HH:MM")
            times[int(key)] = at
        return cls(times)

    def as_json(self) -> str:
        """The documented form of `vm_backup_schedule`."""
        return json.dumps({str(day): f"{self.times[day]:%H:%M}" for day in sorted(self.times)})

    def at(self, day: date) -> time | None:
        """The time of a calendar day, None when its weekday is not enabled."""
        return self.times.get(day.isoweekday() % 7)


def due(week: Week, now: datetime, last_done: date | None) -> date | None:
    """The date whose backup is due at `now`, None when there is none; `why_not` says why.

    `now` is the local time, with a time zone; `last_done` the last date whose backup was made. What was planned for the last
    hour of yesterday is due for another hour after midnight, so that a tick which comes late does not leave a day out.
    """
    yesterday = now.date() - timedelta(days=1)
    if last_done not in (yesterday, now.date()) and _late(week.at(yesterday), yesterday, now):
        return yesterday
    return None if _today(week, now, last_done) else now.date()


def why_not(week: Week, now: datetime, last_done: date | None) -> WhyNot | None:
    """Why nothing is due at `now`; None when something is."""
    return None if due(week, now, last_done) else _today(week, now, last_done)


def _today(week: Week, now: datetime, last_done: date | None) -> WhyNot | None:
    """Why the backup of this very date is not due; None when it is."""
    at = week.at(now.date())
    if at is None:
        return WhyNot.NOT_TODAY
    if last_done == now.date():
        return WhyNot.DONE
    return WhyNot.NOT_YET if now.replace(tzinfo=None).time() < at else None


def _late(at: time | None, yesterday: date, now: datetime) -> bool:
    """Whether a backup of yesterday can still be made up: planned for the day's last hour, which is at most an hour ago."""
    if at is None:
        return False
    midnight = _instant(datetime.combine(now.date(), time.min, now.tzinfo))
    planned = _instant(datetime.combine(yesterday, at, now.tzinfo))
    return midnight - planned <= _GRACE and _instant(now) - midnight < _GRACE


def _instant(moment: datetime) -> datetime:
    """The moment in UTC: differences of local times would be differences of what the clock shows."""
    return moment.astimezone(UTC)


def _time(value: object) -> time | None:
    """The time in a text like "07:00", None for anything else."""
    match = _TIME.fullmatch(value.strip()) if isinstance(value, str) else None
    return time(int(match[1]), int(match[2])) if match else None


def _any_time(rng: random.Random) -> time:
    minute = rng.randrange(_MINUTES_OF_A_DAY)
    return time(minute // 60, minute % 60)
