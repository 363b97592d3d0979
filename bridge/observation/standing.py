"""How the installation stands at one moment, for people and for Prometheus: what waits, who works on it, who has to act.

Every question is answered by an index from the rows that are at work, so it costs what is pending and not what is installed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from peewee import SQL, fn

from bridge.models.companion import OutboxMessage, PendingRecord, Slot, TaskState, VmWork
from bridge.models.module import VmInfo
from bridge.outbox.delivery import FAILED, UNSENT
from bridge.runs import WORKING_STATES
from bridge.tasks import TASKS
from statemachines.states import ERROR_TERMINATE

PENDING_STATES = (*sorted(WORKING_STATES), ERROR_TERMINATE)
OUTBOX_STATES = (*UNSENT, FAILED)
COUNT = fn.COUNT(SQL("1"))


@dataclass(frozen=True)
class TaskStanding:
    """A cron task: when it was begun last (None = never), how that run ended (`ok`, `error`, empty = not known), how many services
    it worked on and how many of those in vain, and who runs it now (empty = nobody)."""

    last_run: float | None = None
    result: str = ""
    processed: int = 0
    errors: int = 0
    holder: str = ""


@dataclass(frozen=True)
class Standing:
    """Numbers of VMs, unless it says otherwise; moments are epoch seconds, None = there is none.

    `waiting` are due and nobody works on them, the first since `waiting_since`. `leases` by holder. `pending` by state, `act` by
    who has to do something, `places` of heavy operations taken by scope. `outbox` messages by state, those to be sent since
    `outbox_since`; `dns` records that are not right yet, since `dns_since`. `tasks` by name.
    """

    waiting: int
    waiting_since: float | None
    leases: Mapping[str, int]
    pending: Mapping[str, int]
    act: Mapping[str, int]
    places: Mapping[str, int]
    outbox: Mapping[str, int]
    outbox_since: float | None
    dns: int
    dns_since: float | None
    tasks: Mapping[str, TaskStanding]


def standing(now: float) -> Standing:
    """Read it. Raises what the database raises, at once."""
    free = VmWork.lease_owner.is_null() | (VmWork.lease_until < now)
    waiting, waiting_since = _row(VmWork.select(COUNT, fn.MIN(VmWork.due_at)).where((VmWork.due_at <= now) & free))
    pending = dict.fromkeys(PENDING_STATES, 0) | _by(VmInfo.vm_status, VmInfo.vm_status.in_(PENDING_STATES))
    outbox = dict.fromkeys(OUTBOX_STATES, 0) | _by(OutboxMessage.state, OutboxMessage.state.in_(OUTBOX_STATES))
    unsent = OutboxMessage.select(fn.MIN(OutboxMessage.created_at)).where(OutboxMessage.state.in_(UNSENT))
    dns, dns_since = _row(PendingRecord.select(COUNT, fn.MIN(PendingRecord.since)))
    return Standing(
        waiting=waiting,
        waiting_since=waiting_since,
        leases=_by(VmWork.lease_owner, (VmWork.lease_until > now) & VmWork.lease_owner.is_null(False)),
        pending=pending,
        act=_who_has_to_act(pending[ERROR_TERMINATE]),
        places=_by(Slot.scope),
        outbox=outbox,
        outbox_since=unsent.scalar(),
        dns=dns,
        dns_since=dns_since,
        tasks=_tasks(now),
    )


def _tasks(now: float) -> dict[str, TaskStanding]:
    """All tasks in their order, those that never ran included."""
    rows = {row.name: row for row in TaskState.select()}
    return {task.name: _task(rows[task.name], now) if task.name in rows else TaskStanding() for task in TASKS}


def _task(row: TaskState, now: float) -> TaskStanding:
    held = bool(row.lease_owner) and (row.lease_until or 0.0) >= now
    holder = (row.lease_owner or "") if held else ""
    return TaskStanding(row.last_run, row.last_result or "", row.processed or 0, row.errors or 0, holder)


def _who_has_to_act(refused_terminations: int) -> dict[str, int]:
    """What needs somebody is tried again all the same, so it is among the few rows that have a time; but for terminations that
    Proxmox refused, which wait for an admin at a state of rest."""
    found = _by(VmWork.attention_who, (VmWork.due_at > 0) & VmWork.attention_who.is_null(False))
    if refused_terminations:
        found["admin"] = found.get("admin", 0) + refused_terminations
    return found


def _by(column: Any, where: Any = None) -> dict[str, int]:
    """How many rows, of those `where` or of all, there are of each value of the column."""
    rows = column.model.select(column, COUNT).group_by(column)
    return dict((rows if where is None else rows.where(where)).tuples())


def _row(query: Any) -> tuple[int, float | None]:
    count, since = query.tuples().first()
    return int(count), since
