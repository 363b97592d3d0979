"""Which backups are the service's own, and which go when there is no room."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.proxmox import Mark
from providers.proxmox.backup_note import MANUAL, BackupNote
from providers.proxmox.backups import Backup
from statemachines import backups
from statemachines.ports import Vm

MARK = Mark("a1b2c3", 1001)
NEW = Vm(1001, 1, 1, "ready", vm_id=100, name="web1", since=50.0)


def made_by_us(made: int, purpose: str = MANUAL, mark: Mark = MARK, protected: bool = False) -> Backup:
    return Backup(f"b:backup/vm/100/{made}", made, 1, BackupNote("x", mark, purpose, f"{made}"), protected)


def unmarked(made: int, text: str = "") -> Backup:
    return Backup(f"b:backup/vm/100/{made}", made, 1, BackupNote(text))


def adopted(**changes: Any) -> Vm:
    return Vm(1001, 1, 1, "ready", vm_id=100, name="web1", adopted_at=1000.0, **changes)


@pytest.mark.req("BAK-36")
def test_of_a_vm_of_ours_only_what_carries_our_mark_counts() -> None:
    ours, job, bare = made_by_us(100), unmarked(200, "web1"), unmarked(300)
    assert backups.own([ours, job, bare], NEW, MARK) == [ours]
    assert backups.listed([ours, job, bare], MARK) == [ours, job, bare]


@pytest.mark.req("BAK-32")
@pytest.mark.parametrize("other", [Mark("a1b2c3", 1002), Mark("ffffff", 1001)])
def test_the_backup_of_another_service_is_not_even_listed(other: Mark) -> None:
    assert backups.listed([made_by_us(100, mark=other)], MARK) == []
    assert backups.own([made_by_us(100, mark=other)], adopted(), MARK) == []


@pytest.mark.req("BAK-37")
def test_what_the_old_module_made_counts_until_the_vm_became_ours() -> None:
    before, after, ours = unmarked(999, "test"), unmarked(1000, "test"), made_by_us(2000)
    assert backups.own([before, after, ours], adopted(), MARK) == [before, ours]
    not_yet = Vm(1001, 1, 1, "ready", vm_id=100, name="web1", unmarked=True)
    assert backups.own([before, after], not_yet, MARK) == [before, after]


@pytest.mark.req("BAK-36")
def test_what_a_job_of_the_cluster_made_is_never_the_old_modules() -> None:
    assert backups.own([unmarked(10, "web1")], adopted(), MARK) == []


@pytest.mark.req("BAK-26")
@given(st.integers(0, 6), st.lists(st.booleans(), max_size=8))
def test_the_oldest_go_and_no_more_than_needed(quota: int, protected: list[bool]) -> None:
    shelf = [made_by_us(100 + i, protected=each) for i, each in enumerate(protected)]
    doomed = backups.surplus(shelf, NEW, MARK, quota)
    removable = [each for each in shelf if not each.protected]
    if doomed is None:
        assert quota == 0 or len(shelf) - len(removable) >= quota
        return
    assert doomed == removable[: len(doomed)]
    left = len(shelf) - len(doomed) + 1
    assert left <= quota
    assert left == quota or not doomed


@pytest.mark.req("BAK-25")
def test_the_backup_of_a_day_is_the_one_that_was_planned_for_it() -> None:
    manual, planned = made_by_us(100), made_by_us(200, "2026-04-10")
    dates = {100: "2026-04-10", 150: "2026-04-10", 200: "2026-04-11"}
    found = backups.of_day([manual, planned], NEW, MARK, "2026-04-10", lambda made: dates[int(made)])
    assert found == planned
    assert backups.of_day([manual], NEW, MARK, "2026-04-10", lambda made: dates[int(made)]) is None
    old = unmarked(150)
    assert backups.of_day([old], adopted(), MARK, "2026-04-10", lambda made: dates[int(made)]) == old
