"""Who runs which cron task: a lock per task in the database, taken together with the check of its interval.

The lock is a lease: it is renewed while the run goes on, ends with it, and is taken over when nobody has renewed it for the
Lock Timeout of the settings, or at once when its holder is a dead process of this machine [C-49].
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bridge.claims import is_dead, new_owner, pid_of
from bridge.database import lock_name, retry_lost_connection, transaction
from bridge.models.companion import TaskState
from bridge.tasks import Detail, Result
from statemachines.errors import LeaseLost
from statemachines.ports import Clock

GRACE = 5.0  # seconds a crontab may be early and still not miss a minute
SOON = 30.0  # seconds until a task that had more to do than it could hand out is begun anew
RENEW = 10.0  # seconds between two renewals at the most
KEPT_DETAILS = 500


@dataclass(frozen=True)
class NotYet:
    """The task was begun at `last` (epoch seconds), and its interval is not over."""

    last: float


@dataclass(frozen=True)
class Held:
    """Another run has the task, process `pid`, for `seconds` by now."""

    pid: str
    seconds: float


@dataclass
class Begun:
    """The task is ours. Implements `bridge.tasks.Watch`. `last` is when it was begun before, None = never."""

    name: str
    owner: str
    last: float | None
    clock: Clock
    timeout: float
    _renewed: float = field(default=0.0, repr=False)

    def alive(self) -> None:
        """Renew the lock when it is time. Raises LeaseLost when it is another's."""
        if self.clock.now() - self._renewed >= min(RENEW, self.timeout / 3):
            self.prove()

    @retry_lost_connection
    def prove(self) -> None:
        """Renew the lock now; inside a transaction the row stays locked until its end. Raises LeaseLost."""
        now = self.clock.now()
        mine = (TaskState.name == self.name) & (TaskState.lease_owner == self.owner)
        if not TaskState.update(lease_until=now + self.timeout).where(mine).execute():
            raise LeaseLost(f"{self.name} was taken over by another process")
        self._renewed = now


@dataclass(frozen=True)
class TaskBook:
    """Begins and ends runs of tasks. `timeout` gives the seconds after which an abandoned lock is stale."""

    clock: Clock
    timeout: Callable[[], float]

    @retry_lost_connection
    def begin(self, name: str, interval: int | None, alone: bool = True) -> Begun | NotYet | Held:
        """Take the task, unless it was begun less than `interval` minutes ago (None = whenever that was) or is held.

        A run that was abandoned in the middle is begun anew whatever the interval says, and so is one that had more to do.
        `alone` False takes the lock away from whoever holds it, who will notice at the next write. One transaction, so that of
        several who ask at the same time one gets it.
        """
        owner, now, timeout = new_owner(), self.clock.now(), self.timeout()
        TaskState.insert(name=name).on_conflict_ignore().execute()
        with transaction():
            row = lock_name(TaskState, name)
            held = _is_held(row, now)
            if interval is not None and not _is_over(row, interval, now, GRACE) and (held or not row.lease_owner):
                return NotYet(row.last_run or now)
            if alone and held:
                return Held(pid_of(row.lease_owner or ""), now - (row.taken_at or now))
            begun = {"lease_owner": owner, "lease_until": now + timeout, "taken_at": now, "last_run": now}
            begun |= {"again_at": None}
            TaskState.update(begun).where(TaskState.name == name).execute()
        return Begun(name, owner, row.last_run, self.clock, timeout, now)

    @retry_lost_connection
    def release(self, begun: Begun) -> None:
        """Give the lock back. Harmless when it is another's by now, and when done twice."""
        mine = (TaskState.name == begun.name) & (TaskState.lease_owner == begun.owner)
        TaskState.update(lease_owner=None, lease_until=None, taken_at=None).where(mine).execute()

    @retry_lost_connection
    def note(self, name: str, result: Result, *, ok: bool = True) -> None:
        """Keep how a run has ended."""
        values = {
            "last_ended": self.clock.now(),
            "last_result": "ok" if ok else "error",
            "processed": result.processed,
            "errors": result.errors,
            "details": json.dumps([[each.service_id, each.text] for each in result.details[-KEPT_DETAILS:]]),
        }
        if result.more:
            values["again_at"] = self.clock.now() + SOON
        TaskState.insert(name=name).on_conflict_ignore().execute()
        TaskState.update(values).where(TaskState.name == name).execute()

    @retry_lost_connection
    def touch(self, name: str) -> float | None:
        """The task is being done now, without its lock; returns when it was begun before."""
        TaskState.insert(name=name).on_conflict_ignore().execute()
        with transaction():
            last: float | None = lock_name(TaskState, name).last_run
            TaskState.update(last_run=self.clock.now()).where(TaskState.name == name).execute()
        return last

    @retry_lost_connection
    def is_due(self, name: str, interval: int) -> bool:
        """Whether `begin` may succeed; a look without a lock, for those who look often."""
        row = TaskState.get_or_none(TaskState.name == name)
        if row is None or row.last_run is None:
            return True
        now = self.clock.now()
        abandoned = bool(row.lease_owner) and not _is_held(row, now)
        return abandoned or _is_over(row, interval, now)

    @retry_lost_connection
    def is_held(self, name: str) -> bool:
        """Whether somebody runs the task at this moment."""
        row = TaskState.get_or_none(TaskState.name == name)
        return row is not None and _is_held(row, self.clock.now())

    @retry_lost_connection
    def bury(self) -> int:
        """Free the locks of dead processes of this machine and those that ran out; returns how many."""
        now, count = self.clock.now(), 0
        for row in TaskState.select().where(TaskState.lease_owner.is_null(False)):
            if is_dead(row.lease_owner or "") or (row.lease_until or 0.0) < now:
                stale = (TaskState.name == row.name) & (TaskState.lease_owner == row.lease_owner)
                stale &= TaskState.lease_until == row.lease_until
                count += TaskState.update(lease_owner=None, lease_until=None, taken_at=None).where(stale).execute()
        return count

    @retry_lost_connection
    def details(self, name: str) -> Sequence[Detail]:
        """The lines below the summary of the last run."""
        row = TaskState.select(TaskState.details).where(TaskState.name == name).get_or_none()
        return [Detail(int(service), str(text)) for service, text in json.loads((row and row.details) or "[]")]


def _is_held(row: TaskState, now: float) -> bool:
    """Whether the lock is somebody's who lives, as far as anybody can tell."""
    return bool(row.lease_owner) and (row.lease_until or 0.0) >= now and not is_dead(row.lease_owner or "")


def _is_over(row: TaskState, interval: int, now: float, grace: float = 0.0) -> bool:
    """Whether the task's time has come: its interval in minutes is over, or there is more to do. A clock may have gone wrong."""
    if row.last_run is None or (row.again_at is not None and row.again_at <= now):
        return True
    return not 0 <= now - row.last_run < interval * 60 - grace
