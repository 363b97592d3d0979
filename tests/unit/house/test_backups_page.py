"""The page about backups says what the code does."""

import pytest

from bridge.lifecycle.backup_schedule import AGAIN, IN_HAND
from bridge.lifecycle.week import WhyNot
from providers.proxmox import Mark
from providers.proxmox.backup_note import BackupNote
from statemachines.steps import backup
from statemachines.steps.repackage import SHUTDOWN_SECONDS
from tests.unit.house.import_graph import ROOT

PAGE = (ROOT / "docs/backups.md").read_text(encoding="utf-8")


@pytest.mark.req("BAK-30")
def test_the_page_warns_of_a_datastore_that_rotates_by_itself() -> None:
    warning = PAGE.partition("## What the datastore must not do")[2].partition("##")[0]
    assert "must not rotate backups by itself" in warning
    assert "the number that the client has bought" in warning


def test_the_page_shows_the_mark_as_it_is_written() -> None:
    note = BackupNote("before the update", Mark("a1b2c3", 1001), "manual", "9f2c4e1a")
    assert f"`{note.as_template()}`" in PAGE


def test_the_page_tells_the_times_that_hold() -> None:
    assert (backup.GIVE_UP, AGAIN) == (3600.0, 3600.0)
    assert "has not begun after an hour is given up" in PAGE
    assert "tried\nagain after an hour" in PAGE
    assert IN_HAND == 4
    assert "four VMs of a node have their backup in hand" in PAGE
    assert f"stopped after {SHUTDOWN_SECONDS:.0f} seconds" in PAGE


@pytest.mark.parametrize("reason", [WhyNot.DONE, WhyNot.NOT_YET])
def test_the_page_lists_what_the_task_says(reason: WhyNot) -> None:
    assert f"`[skipped] {reason}, " in PAGE
