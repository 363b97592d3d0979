"""The record of a VM as staff sees and repairs it: read, edited, put to another status, deleted. Proxmox is never asked."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.database import retry_lost_connection, transaction
from bridge.lifecycle.rules import Situation, situation
from bridge.models.companion import Slot, SnapshotSchedule, VmidReservation, VmWork
from bridge.models.module import VmInfo
from bridge.models.whmcs import Service
from bridge.runs import WORKING_STATES
from bridge.store import HIGHEST_VMID
from statemachines import states as s
from statemachines.ports import Clock

LOWEST_VMID = 100  # Proxmox VE API: vmid 100-999999999
RESET_TARGETS = (s.READY, s.CREATION, s.SET_IP, s.CHANGE_PACKAGE, s.SET_DNS_RECORDS, s.TERMINATE, s.REMOVE)
NEEDS_A_VM = frozenset({s.READY, s.SET_IP, s.CHANGE_PACKAGE, s.SET_DNS_RECORDS})
DELETABLE = frozenset({s.ERROR_TERMINATE, s.REMOVE})
STATUSES = WORKING_STATES | s.AT_REST

_MAC = re.compile(r"(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")
_UPID = re.compile(r"UPID:[\x21-\x7e]{1,240}")


class RecordRefused(ValueError):
    """The record is not changed; one line says why."""

    kind = "permanent"
    who = "admin"


def _text(pattern: re.Pattern[str], what: str) -> Callable[[str], str | None]:
    def read(value: str) -> str | None:
        if value and not pattern.fullmatch(value):
            raise ValueError(f"must be {what} or empty")
        return value or None

    return read


def _whole(lowest: int, highest: int, empty: int | None) -> Callable[[str], int | None]:
    def read(value: str) -> int | None:
        if not value and empty is None:
            return None
        if not (value.isascii() and value.isdigit() and lowest <= int(value) <= highest):
            raise ValueError(f"must be a whole number from {lowest} to {highest}")
        return int(value)

    return read


def _json(*kinds: type) -> Callable[[str], str | None]:
    def read(value: str) -> str | None:
        if not value.strip():
            return None
        try:
            content = json.loads(value)
        except ValueError as error:
            raise ValueError(f"is not valid JSON: {error}") from None
        if not isinstance(content, kinds):
            raise ValueError(f"must hold a JSON {' or '.join(_JSON_NAMES[kind] for kind in kinds)}")
        return value

    return read


def _status(value: str) -> str:
    if value not in STATUSES:
        raise ValueError("is not a documented status")
    return value


_JSON_NAMES: Mapping[type, str] = {dict: "object", list: "array"}

# In the order of the DB Record dialog; `service_id` comes before them and cannot be edited.
COLUMNS: Mapping[str, Callable[[str], Any]] = {
    "vm_id": _whole(LOWEST_VMID, HIGHEST_VMID, empty=None),
    "vm_name": _text(_NAME, "a host name"),
    "vm_status": _status,
    "vm_net0_mac": _text(_MAC, "a MAC address"),
    "vm_rev_dns": _json(dict),
    "vm_snapshots": _whole(0, 10_000, empty=0),
    "vm_backups": _whole(0, 10_000, empty=0),
    "vm_backup_now_utid": _text(_UPID, "a UPID"),
    "vm_backup_restore_utid": _text(_UPID, "a UPID"),
    "vm_backup_schedule": _json(dict, list),
    "vm_last_action_log": _json(dict),
    "vm_deploy_log": _json(dict, list),
}
JSON_COLUMNS = frozenset({"vm_rev_dns", "vm_backup_schedule", "vm_last_action_log", "vm_deploy_log"})


@dataclass(frozen=True)
class Records:
    """Staff's hand on the records. Every change stops a run at work at its next write."""

    clock: Clock

    @retry_lost_connection
    def show(self, service_id: int) -> dict[str, Any]:
        """The documented columns, JSON texts pretty printed. Raises RecordRefused when there is no record."""
        row = _row(service_id)
        shown = {"service_id": service_id} | {name: getattr(row, name) for name in COLUMNS}
        return shown | {name: _pretty(shown[name]) for name in JSON_COLUMNS}

    @retry_lost_connection
    def edit(self, service_id: int, changes: Mapping[str, str]) -> list[str]:
        """Write columns given as text, all or none; returns those that differ now.

        Raises RecordRefused with one line for everything that is wrong.
        """
        values = _read(changes)
        with transaction():
            row = _row(service_id)
            changed = {name: value for name, value in values.items() if getattr(row, name) != value}
            if changed.get("vm_id") is not None:
                _claimable(service_id, changed["vm_id"])
            if changed:
                VmInfo.update(changed).where(VmInfo.service_id == service_id).execute()
            if "vm_id" in changed:
                _release_vmid(service_id)
            if "vm_status" in changed:
                self._begin_at(service_id, changed["vm_status"])
            elif changed:
                self._fence(service_id)
        return list(changed)

    @retry_lost_connection
    def reset(self, service_id: int, status: str) -> str:
        """Put the VM to one of RESET_TARGETS; returns the status before. Raises RecordRefused."""
        if status not in RESET_TARGETS:
            raise RecordRefused(f"status {status} cannot be chosen; possible are {', '.join(RESET_TARGETS)}")
        with transaction():
            row = _row(service_id)
            if refusal := _corrupting(row, status):
                raise RecordRefused(f"status {status} is not possible: {refusal}")
            before = str(row.vm_status or "")
            VmInfo.update(vm_status=status).where(VmInfo.service_id == service_id).execute()
            self._begin_at(service_id, status)
        return before

    @retry_lost_connection
    def delete(self, service_id: int) -> None:
        """Remove the record of a VM that is gone or given up; neither Proxmox nor WHMCS's service is touched.

        Its VMID stays blocked: a VM or backups may still be under it. Raises RecordRefused at any other status.
        """
        with transaction():
            row = _row(service_id)
            if row.vm_status not in DELETABLE:
                allowed = " and ".join(sorted(DELETABLE))
                raise RecordRefused(
                    f"the record of service {service_id} is deleted at {allowed} only, its status is {row.vm_status}"
                )
            VmInfo.delete().where(VmInfo.service_id == service_id).execute()
            VmWork.delete().where(VmWork.service_id == service_id).execute()
            Slot.delete().where(Slot.service_id == service_id).execute()
            SnapshotSchedule.delete().where(SnapshotSchedule.service_id == service_id).execute()
            _release_vmid(service_id, blocked=True)

    def _begin_at(self, service_id: int, status: str) -> None:
        """What was at work has ended; what the status asks for is due. A task that Proxmox still runs is waited for."""
        working = status in WORKING_STATES
        changes: dict[str, Any] = {"intent": None, "ticks": 0, "attempts": 0, "pending_action": None}
        changes |= {"job_state": None, "queue": None}
        changes |= {"attention_cause": None, "attention_since": None, "attention_who": None, "next_try_at": None}
        changes["due_at"] = self.clock.now() if working else None
        if not working:
            changes["task_upid"] = None
            Slot.delete().where(Slot.service_id == service_id).execute()
        self._fence(service_id, **changes)

    def _fence(self, service_id: int, **changes: Any) -> None:
        now = self.clock.now()
        VmWork.insert(service_id=service_id, created_at=now).on_conflict_ignore().execute()
        VmWork.update(**changes, generation=VmWork.generation + 1, updated_at=now).where(
            VmWork.service_id == service_id
        ).execute()


def _row(service_id: int) -> VmInfo:
    row: VmInfo | None = VmInfo.get_or_none(VmInfo.service_id == service_id)
    if row is None:
        raise RecordRefused(f"service {service_id} has no VM record")
    return row


def _read(changes: Mapping[str, str]) -> dict[str, Any]:
    values, errors = {}, []
    for name, text in changes.items():
        if name not in COLUMNS:
            errors.append(f"{name} cannot be edited" if name == "service_id" else f"the record has no column {name}")
            continue
        try:
            values[name] = COLUMNS[name](text)
        except ValueError as error:
            errors.append(f"{name} {error}")
    if errors:
        raise RecordRefused("; ".join(errors))
    return values


def _corrupting(row: VmInfo, status: str) -> str:
    """Why the VM cannot go on from `status`, empty when it can."""
    work = VmWork.get_or_none(VmWork.service_id == row.service_id) or VmWork()
    if status in NEEDS_A_VM and row.vm_id is None:
        return f"service {row.service_id} has no VMID; creation reserves one"
    if (
        status in NEEDS_A_VM
        and situation(row.vm_status) is Situation.TERMINATING
        and "destroying" in (work.intent or "")
    ):
        return f"VM {row.vm_id} is being deleted"
    return ""


def _claimable(service_id: int, vmid: int) -> None:
    """Raises RecordRefused when another service of the same server has the VMID."""
    server = Service.select(Service.server).where(Service.id == service_id).scalar()
    if holder := holder_of(vmid, int(server or 0), besides=service_id):
        raise RecordRefused(f"VM {vmid} belongs to service {holder}")


def holder_of(vmid: int, server_id: int, besides: int) -> int | None:
    """Another service of the server that has the VMID in its record or has it reserved; None when there is none."""
    reserved = VmidReservation.get_or_none(
        (VmidReservation.cluster == f"server:{server_id}") & (VmidReservation.vmid == vmid)
    )
    if reserved is not None and reserved.service_id not in (None, besides):
        return int(reserved.service_id)
    shown = (
        VmInfo.select(VmInfo.service_id)
        .join(Service, on=(Service.id == VmInfo.service_id))
        .where((VmInfo.vm_id == vmid) & (VmInfo.service_id != besides) & (Service.server == server_id))
        .first()
    )
    return int(shown.service_id) if shown else None


def _release_vmid(service_id: int, blocked: bool = False) -> None:
    mine = VmidReservation.service_id == service_id
    if blocked:
        VmidReservation.update(service_id=None).where(mine).execute()
    else:
        VmidReservation.delete().where(mine).execute()


def _pretty(text: str | None) -> str | None:
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=2) if text else text
    except ValueError:
        return text
