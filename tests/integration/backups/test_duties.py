"""What the tasks about backups find in the database, on SQLite and on MariaDB."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.lifecycle.backup_schedule import ScheduledBackups
from bridge.lifecycle.backup_takeover import LeftRestores
from bridge.lifecycle.errands import Errands
from bridge.lifecycle.requests import Requests
from bridge.models.companion import ProductSetting, VmWork
from bridge.models.module import VmInfo
from bridge.models.whmcs import Service
from bridge.tasks import Detail
from tests.backups.keeper import Held
from tests.chaos.clock import VirtualClock
from tests.factories import make_service

pytestmark = pytest.mark.usefixtures("database")

UPID = "UPID:pve1:00007FA0:000A4880:6B033CD2:qmrestore:100:bridge@pve!whmcs:"
FRIDAY = datetime(2026, 4, 10, 4, 0, tzinfo=UTC).timestamp()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(FRIDAY)


def make_vm(schedule: str | None = None, backups: str = "3", work: dict[str, Any] | None = None, **columns: Any) -> int:
    service = make_service()
    Service.update(domainstatus="Active").where(Service.id == service.id).execute()
    ProductSetting.create(product_id=service.packageid, name="backups", value=backups)
    VmInfo.create(service_id=service.id, vm_id=100, **{"vm_status": "ready", "vm_backup_schedule": schedule, **columns})
    if work is not None:
        VmWork.create(service_id=service.id, **work)
    return int(service.id)


@pytest.mark.req("BAK-23", "BAK-25")
def test_only_those_are_found_whose_day_and_time_it_is(clock: VirtualClock) -> None:
    made = make_vm('{"5": "03:00"}')
    later = make_vm('{"5": "05:00"}')
    done = make_vm('["03:00","03:00","03:00","03:00","03:00","03:00"]', work={"backup_day": "2026-04-10"})
    for schedule in (None, "", "{}", "[]", "rubbish", '{"4": "03:00"}'):
        make_vm(schedule)
    make_vm('{"5": "03:00"}', vm_status="remove")
    result = ScheduledBackups(Errands(clock), clock).work(Held())  # type: ignore[arg-type]
    assert result.details == [
        Detail(later, "[skipped] not_yet, at:05:00"),
        Detail(done, "[skipped] already_done_today, last:2026-04-10"),
    ]
    due = VmWork.select().where(VmWork.due_at.is_null(False))
    assert [(row.service_id, row.queue) for row in due] == [(made, "scheduleBackup")]
    intent = json.loads(VmWork.get_by_id(made).intent or "")
    assert (intent["command"], intent["purpose"], intent["text"]) == ("ScheduleBackup", "2026-04-10", "")


@pytest.mark.req("BAK-40")
def test_a_restore_without_any_work_of_ours_is_taken_up_once(clock: VirtualClock) -> None:
    left = make_vm(vm_backup_restore_utid=UPID)
    make_vm(vm_backup_restore_utid="")
    make_vm(vm_backup_restore_utid=UPID, vm_status="remove")
    ours = make_vm(vm_backup_restore_utid=UPID, work={"job_state": "rb_snapshots_removed"})
    duty = LeftRestores(Requests(clock))
    for _ in range(2):
        assert duty.work(Held()).details == []
    work = VmWork.get_by_id(left)
    assert (work.job_state, work.queue) == ("restore_backup", "restoreBackupStatus")
    assert json.loads(work.intent or "") == {"restore_backup": {"task": UPID}}
    assert VmWork.get_by_id(ours).job_state == "rb_snapshots_removed"
    assert VmInfo.get_by_id(left).vm_status == "ready"
