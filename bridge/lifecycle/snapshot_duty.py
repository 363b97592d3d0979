"""The task removeOldSnapshots: has snapshots removed that are older than their product lets them become, and then has those
taken that are due by a weekly schedule. Both are done by the VMs that the task drives.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from bridge.clock import SystemClock
from bridge.database import retry_lost_connection, transaction
from bridge.lifecycle import snapshot_plans
from bridge.lifecycle.errands import Errands
from bridge.lifecycle.snapshot_sight import look_at, set_count
from bridge.lifecycle.suspension import SUSPENDED
from bridge.models.companion import VmWork
from bridge.models.module import VmInfo
from bridge.models.whmcs import Service
from bridge.product_settings import effective_package
from bridge.runs import load
from bridge.tasks import Result, Watch
from bridge.vm_context import Shop, VmContext
from providers.errors import Unavailable
from statemachines import errors, states
from statemachines.commands import COMMAND, REMOVE_OLD_SNAPSHOTS, SCHEDULED_SNAPSHOT
from statemachines.steps.snapshot_rules import expired
from statemachines.steps.snapshots import listed


@dataclass
class _Pass:
    """One run of the task: what it has come to, and the nodes, each with its server, that did not answer in it."""

    watch: Watch
    result: Result = field(default_factory=Result)
    silent: set[tuple[int, str | None]] = field(default_factory=set)


@dataclass(frozen=True)
class Snapshots:
    """Implements `bridge.tasks.Duty`."""

    errands: Errands
    shop: Callable[[], Shop]
    clock: SystemClock

    def work(self, watch: Watch) -> Result:
        """Look at the VMs that have snapshots, and at the schedules that are due.

        A VM whose snapshots are all young counts as processed and has no line; one that is removed from counts once it is done.
        """
        run = _Pass(watch)
        for service_id in _with_snapshots():
            watch.alive()
            self._look_after(service_id, run)
        for service_id, day in snapshot_plans.due_now(self.clock.local(self.clock.now())).items():
            watch.alive()
            self._take(service_id, day, run)
        return run.result

    def _look_after(self, service_id: int, run: _Pass) -> None:
        """Have the old ones of one VM removed. A node that did not answer is not asked again in this run: it would take its
        time for each VM.
        """
        found = load(service_id)
        if found is None or found[0].status != states.READY or _is_ours(found[0].intent):
            return
        ctx = VmContext(*found, self.shop())
        place = (ctx.vm.server_id, ctx.vm.node)
        try:
            if not ctx.package.snapshot_lifetime:
                return
            if place in run.silent:
                run.result.skipped(service_id, f"node {ctx.vm.node} did not answer")
                return
            old = self._old(ctx)
        except Exception as error:
            if errors.kind_of(error) is errors.Kind.BUG:
                raise
            if isinstance(error, Unavailable):
                run.silent.add(place)
            run.result.error(service_id, str(error))
            return
        if not old:
            run.result.processed += 1
        elif reason := self.errands.give(service_id, REMOVE_OLD_SNAPSHOTS, watch=run.watch):
            run.result.skipped(service_id, reason)
            run.result.more = True

    def _old(self, ctx: VmContext) -> bool:
        """Whether the VM has one that is to go. The list of another node is empty: then the VM is looked for."""
        present = listed(ctx) if ctx.vm.node and ctx.vm.vm_id else []
        if present:
            set_count(ctx.vm.service_id, ctx.vm.snapshots, len(present))
        else:
            present = look_at(ctx).present
        return bool(expired(present, ctx.package.snapshot_lifetime, self.clock.now()))

    @retry_lost_connection
    def _take(self, service_id: int, day: date, run: _Pass) -> None:
        """Have the snapshot of that day taken, once: what is recorded is carried out, and the day is served with it."""
        found = load(service_id)
        if found is not None and _is_ours(found[0].intent):
            run.result.more = True
            return
        with transaction():
            reason = _out_of_the_question(service_id)
            if not reason and (busy := self.errands.give(service_id, SCHEDULED_SNAPSHOT, watch=run.watch)):
                run.result.skipped(service_id, busy)
                run.result.more = True
                return
            snapshot_plans.served(service_id, day)
        if reason:
            run.result.skipped(service_id, reason)


@retry_lost_connection
def _with_snapshots() -> list[int]:
    """The services whose VM has snapshots, as far as its record knows."""
    return [int(row.service_id) for row in VmInfo.select(VmInfo.service_id).where(VmInfo.vm_snapshots > 0)]


def _is_ours(intent: Mapping[str, Any]) -> bool:
    """Whether a command of this very task is recorded already; whoever carries it out tells of it."""
    return intent.get(COMMAND) in (REMOVE_OLD_SNAPSHOTS, SCHEDULED_SNAPSHOT)


def _out_of_the_question(service_id: int) -> str:
    """Why a service gets no scheduled snapshot on the day that is due; empty when it does."""
    service = Service.select(Service.domainstatus).where(Service.id == service_id).get_or_none()
    if service is None or service.domainstatus != "Active":
        return f"the service is {(service.domainstatus if service else '') or 'unknown'}"
    work = VmWork.select(VmWork.suspended).where(VmWork.service_id == service_id).get_or_none()
    if work is not None and work.suspended == SUSPENDED:
        return "the service is suspended"
    return "" if effective_package(service_id)[0].snapshots else "the package has no snapshots"
