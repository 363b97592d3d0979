"""The record store: keeps a VM's record while its lease is held. Implements `statemachines.ports.Store`.

Each method is one transaction that begins by proving the lease, and may run twice: when the answer to a COMMIT was lost it
finds its own work done.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import peewee

from bridge.action_log import append_run
from bridge.database import retry_lost_connection, transaction
from bridge.models.companion import Slot, SnapshotSchedule, VmidReservation, VmWork
from bridge.models.module import VmInfo
from bridge.models.whmcs import Service
from bridge.outbox import Outbox
from bridge.trouble import tell_staff
from statemachines.errors import LeaseLost, NeedsAttention
from statemachines.ports import NO_INTENT, Activity, Clock, Notice, Vm
from statemachines.run import FAILED
from statemachines.states import AT_REST, HIDDEN, READY, shown

HIGHEST_VMID = 999_999_999  # Proxmox VE API: vmid 100-999999999
BATCH = 1000
REST = 10.0  # seconds until a VM is looked at again that was left to what works on it in the background

# Fields of `Vm` that live in the documented table, and those that live in our companion table.
DOCUMENTED = {
    "vm_id": "vm_id",
    "name": "vm_name",
    "mac": "vm_net0_mac",
    "backups": "vm_backups",
    "snapshots": "vm_snapshots",
    "backup_task": "vm_backup_now_utid",
    "restore_task": "vm_backup_restore_utid",
}
OURS = {"task": "task_upid"} | {
    field: field for field in ("node", "ticks", "intent", "template", "suspended", "onboot", "backup_day")
}


class RecordStore:
    """Writes for the lease holder `owner` only. `retry_after` seconds pass before a paused VM is tried again."""

    def __init__(self, owner: str, outbox: Outbox, clock: Clock, retry_after: float = 60.0) -> None:
        self._owner = owner
        self._outbox = outbox
        self._clock = clock
        self._retry_after = retry_after

    @retry_lost_connection
    def note(self, vm: Vm, **changes: Any) -> None:
        """Write fields down and set them on `vm`."""
        with transaction():
            self._prove_lease(vm, {OURS[key]: _stored(key, value) for key, value in changes.items() if key in OURS})
            documented = {DOCUMENTED[key]: value for key, value in changes.items() if key in DOCUMENTED}
            if documented:
                VmInfo.update(documented).where(VmInfo.service_id == vm.service_id).execute()
        for key, value in changes.items():
            setattr(vm, key, value)

    @retry_lost_connection
    def advance(
        self,
        vm: Vm,
        state: str,
        run: Mapping[str, Any],
        mails: Sequence[Notice] = (),
        intent: Mapping[str, Any] = NO_INTENT,
    ) -> None:
        """State, log, and the mails caused, in one transaction; nothing pending is left at a state of rest."""
        now = self._clock.now()
        with transaction():
            work: dict[str, Any] = {"task_upid": None, "ticks": 0, "attempts": 0, "intent": _stored("intent", intent)}
            work |= {"attention_cause": None, "attention_since": None, "attention_who": None, "next_try_at": None}
            work |= {"job_state": state} if state in HIDDEN else {"job_state": None, "queue": None}
            self._prove_lease(vm, work | {"due_at": None if state in AT_REST else now})
            self._move(vm, state, run)
            if state == READY and not (vm.status != READY and run.get("result") == FAILED):
                self._take_up_pending(vm)  # not after a restore that failed: there may be nothing left to be changed
            for notice in mails:
                self._record(vm, notice)
        vm.status, vm.task, vm.ticks, vm.intent = state, None, 0, dict(intent)

    @retry_lost_connection
    def keep(self, vm: Vm, run: Mapping[str, Any], *, cause: str, who: str) -> None:
        """Log a paused run and plan the next try."""
        now = self._clock.now()
        with transaction():
            self._prove_lease(vm, {"ticks": vm.ticks + 1, "due_at": now + self._retry_after})
            work = VmWork.get_by_id(vm.service_id)
            work.attempts += 1
            work.next_try_at = now + self._retry_after
            work.attention_since = work.attention_since if work.attention_cause else now
            work.attention_cause, work.attention_who = cause, who or None
            work.save(only=["attempts", "next_try_at", "attention_since", "attention_cause", "attention_who"])
            self._move(vm, vm.status, run)
            if who:
                tell_staff(self._outbox, work, run)
        vm.ticks += 1

    @retry_lost_connection
    def rest(self, vm: Vm) -> None:
        """Look at the VM again after REST seconds, or when a tick comes by."""
        with transaction():
            self._prove_lease(vm, {"due_at": self._clock.now() + REST})

    def reserve_vmid(self, vm: Vm, first: int, used: Collection[int]) -> int:
        """Reserve the lowest free VMID from `first` on; the unique key decides between two who want the same."""
        while vm.vm_id is None:
            vmid = self._lowest_free(first, used)
            if self._try_reserve(vm, vmid):
                vm.vm_id = vmid
        return vm.vm_id

    @retry_lost_connection
    def _lowest_free(self, first: int, used: Collection[int]) -> int:
        """The lowest VMID that neither the cluster nor any row of this WHMCS holds (CFG-26, CFG-27)."""
        candidate = max(first, 100)
        while candidate <= HIGHEST_VMID:
            last = candidate + BATCH - 1
            reserved = VmidReservation.select(VmidReservation.vmid).where(VmidReservation.vmid.between(candidate, last))
            rows = VmInfo.select(VmInfo.vm_id).where(VmInfo.vm_id.between(candidate, last))
            taken = {row.vmid for row in reserved} | {row.vm_id for row in rows} | set(used)
            free = next((vmid for vmid in range(candidate, min(last, HIGHEST_VMID) + 1) if vmid not in taken), None)
            if free is not None:
                return free
            candidate = last + 1
        raise NeedsAttention(f"no VMID from {first} to {HIGHEST_VMID} is free; lower the product's First VM ID")

    @retry_lost_connection
    def _try_reserve(self, vm: Vm, vmid: int) -> bool:
        try:
            with transaction():
                self._prove_lease(vm, {})
                mine = VmidReservation.get_or_none(
                    (VmidReservation.cluster == self._cluster(vm)) & (VmidReservation.vmid == vmid)
                )
                if mine is None:
                    VmidReservation.create(
                        cluster=self._cluster(vm), vmid=vmid, service_id=vm.service_id, reserved_at=self._clock.now()
                    )
                elif mine.service_id != vm.service_id:
                    return False
                VmInfo.update(vm_id=vmid).where(VmInfo.service_id == vm.service_id).execute()
        except peewee.IntegrityError:
            return False
        return True

    @retry_lost_connection
    def adopt_vmid(self, vm: Vm) -> None:
        """Reserve the VMID of a VM that the old module made."""
        with transaction():
            self._prove_lease(vm, {})
            here = (VmidReservation.cluster == self._cluster(vm)) & (VmidReservation.vmid == vm.vm_id)
            holder = VmidReservation.get_or_none(here)
            if holder is None:
                # How long the old module has had it is not known: all its backups are this service's.
                now = self._clock.now()
                VmidReservation.create(
                    cluster=self._cluster(vm), vmid=vm.vm_id, service_id=vm.service_id, reserved_at=0.0, adopted_at=now
                )
                vm.adopted_at = now
            elif holder.service_id != vm.service_id:
                raise NeedsAttention(f"VM {vm.vm_id} belongs to service {holder.service_id}, not to {vm.service_id}")
        vm.unmarked = False

    @retry_lost_connection
    def clear(self, vm: Vm) -> None:
        """Forget the identity of a VM that is gone."""
        nothing = {"vm_id": None, "vm_name": None, "vm_net0_mac": None, "vm_rev_dns": None, "vm_backup_schedule": None}
        nothing |= {"vm_backup_now_utid": None, "vm_backup_restore_utid": None}
        with transaction():
            ours = {"node": None, "template": None, "task_upid": None, "suspended": 0, "backup_day": None}
            self._prove_lease(vm, ours)
            VmInfo.update(nothing, vm_snapshots=0, vm_backups=0).where(VmInfo.service_id == vm.service_id).execute()
            VmidReservation.delete().where(VmidReservation.service_id == vm.service_id).execute()
            Slot.delete().where(Slot.service_id == vm.service_id).execute()
            SnapshotSchedule.delete().where(SnapshotSchedule.service_id == vm.service_id).execute()
            Service.update(domain="").where(Service.id == vm.service_id).execute()
        vm.vm_id, vm.name, vm.mac, vm.node, vm.template, vm.task, vm.rev_dns = None, "", "", None, None, None, {}
        vm.snapshots = 0

    @retry_lost_connection
    def give_up_vmid(self, vm: Vm) -> None:
        """Forget the VMID but keep it blocked: it belongs to somebody else."""
        with transaction():
            self._prove_lease(vm, {"task_upid": None, "node": None})
            VmidReservation.update(service_id=None).where(VmidReservation.service_id == vm.service_id).execute()
            VmInfo.update(vm_id=None).where(VmInfo.service_id == vm.service_id).execute()
        vm.vm_id, vm.task, vm.node = None, None, None

    def acquire(self, vm: Vm, limits: Mapping[str, int]) -> str | None:
        """Take one numbered place in each scope; its unique key keeps two from the same place."""
        for scope, limit in sorted(limits.items()):
            if not self._acquire_one(vm, scope, limit):
                self.release(vm)
                return scope
        return None

    @retry_lost_connection
    def full(self, vm: Vm, limits: Mapping[str, int]) -> str | None:
        """The first scope without a free place; one query, whatever the number of scopes."""
        taken: dict[str, set[int]] = {}
        for slot in Slot.select(Slot.scope, Slot.service_id).where(Slot.scope.in_(list(limits))):
            taken.setdefault(slot.scope, set()).add(slot.service_id)
        crowded = (
            scope for scope, limit in sorted(limits.items()) if len(taken.get(scope, set()) - {vm.service_id}) >= limit
        )
        return next(crowded, None)

    @retry_lost_connection
    def _acquire_one(self, vm: Vm, scope: str, limit: int) -> bool:
        try:
            with transaction():
                taken = {slot.number: slot.service_id for slot in Slot.select().where(Slot.scope == scope)}
                if vm.service_id in taken.values():
                    return True
                free = next((number for number in range(limit) if number not in taken), None)
                if free is None:
                    return False
                self._prove_lease(vm, {})
                Slot.create(scope=scope, number=free, service_id=vm.service_id)
        except peewee.IntegrityError:
            return False  # somebody was quicker; the VM queues and asks again
        return True

    @retry_lost_connection
    def release(self, vm: Vm) -> None:
        """Give all places back."""
        if Slot.select().where(Slot.service_id == vm.service_id).exists():
            with transaction():
                Slot.delete().where(Slot.service_id == vm.service_id).execute()

    def _prove_lease(self, vm: Vm, changes: Mapping[str, Any]) -> None:
        """Write to the companion row as its lease holder: the row is locked, and nobody else's work is touched."""
        written = (
            VmWork.update({**changes, "updated_at": self._clock.now()})
            .where(
                (VmWork.service_id == vm.service_id)
                & (VmWork.lease_owner == self._owner)
                & (VmWork.generation == vm.generation)
            )
            .execute()
        )
        if not written:
            raise LeaseLost(f"service {vm.service_id} is no longer ours: taken over, or asked for something else")

    def _take_up_pending(self, vm: Vm) -> None:
        """A request that came while the VM was busy begins now (C-20)."""
        pending = VmWork.get_by_id(vm.service_id).pending_action
        if pending:
            VmInfo.update(vm_status=pending).where(VmInfo.service_id == vm.service_id).execute()
            VmWork.update(pending_action=None, queue=None, due_at=self._clock.now()).where(
                VmWork.service_id == vm.service_id
            ).execute()

    def _record(self, vm: Vm, notice: Notice) -> None:
        if isinstance(notice, Activity):
            self._outbox.activity(notice.key, vm.service_id, notice.text)
        else:
            self._outbox.mail(notice.key, vm.service_id, notice.template, notice.variables)

    @staticmethod
    def _move(vm: Vm, state: str, run: Mapping[str, Any]) -> None:
        """Write state and log, only if the VM is where `vm` says (or there already: this unit may be running again)."""
        here = VmInfo.service_id == vm.service_id
        row = VmInfo.select(VmInfo.vm_last_action_log).where(here).get_or_none()
        written = row and (
            VmInfo.update(vm_status=shown(state), vm_last_action_log=append_run(row.vm_last_action_log, run))
            .where(here & VmInfo.vm_status.in_([shown(vm.status), shown(state)]))
            .execute()
        )
        if not written:
            raise LeaseLost(f"the record of service {vm.service_id} was changed while it was at {vm.status}")

    @staticmethod
    def _cluster(vm: Vm) -> str:
        return f"server:{vm.server_id}"


def _stored(key: str, value: Any) -> Any:
    return json.dumps(value) if key == "intent" and value else (value or None if key == "intent" else value)
