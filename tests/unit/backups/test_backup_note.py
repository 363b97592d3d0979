"""The notes of a backup: the client's text and our mark on one line, which Proxmox shows in its lists."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.proxmox import Mark
from providers.proxmox.backup_note import LONGEST_TEXT, MANUAL, BackupNote
from providers.proxmox.backups import owner_of

MARK = Mark("a1b2c3", 1001)
LINE = "before the update [kvm-bridge install=a1b2c3 service=1001 for=manual id=9f2c4e1a]"


def as_proxmox_writes(template: str) -> str:
    """What PVE::VZDump makes of a `notes-template` (generate_notes): two escapes, then four variables."""
    text = re.sub(r"\\(n|\\)", lambda match: "\n" if match[1] == "n" else "\\", template)
    return re.sub(r"\{\{(cluster|guestname|node|vmid)\}\}", r"<\1 of the operator>", text)


def test_the_mark_stands_behind_the_text() -> None:
    assert BackupNote("before the update", MARK, MANUAL, "9f2c4e1a").as_template() == LINE
    assert BackupNote.read(LINE) == BackupNote("before the update", MARK, MANUAL, "9f2c4e1a")


@pytest.mark.parametrize(
    "notes",
    [
        "",
        "web1",
        f"{LINE} and more",
        "[kvm-bridge install=a1b2c3 service=1001 for=tuesday id=9f2c4e1a]",
        "kvm-bridge install=a1b2c3 service=1001",
    ],
)
def test_other_notes_are_text(notes: str) -> None:
    assert BackupNote.read(notes) == BackupNote(notes)


def test_a_client_cannot_put_a_mark_in_front_of_ours() -> None:
    forged = LINE.replace("1001", "7")
    read = BackupNote.read(BackupNote(forged, MARK, "2026-04-10", "00000001").as_template())
    assert (read.mark, read.purpose, read.id) == (MARK, "2026-04-10", "00000001")


@pytest.mark.req("BAK-06")
@given(st.text(max_size=400))
def test_whatever_a_client_types_stays_text_and_on_one_line(text: str) -> None:
    template = BackupNote(text, MARK, MANUAL, "9f2c4e1a").as_template()
    notes = as_proxmox_writes(template)
    assert len(template) <= 1024
    assert len(notes.splitlines()) == 1
    read = BackupNote.read(notes)
    assert (read.mark, read.purpose, read.id) == (MARK, MANUAL, "9f2c4e1a")
    assert "of the operator>" not in read.text
    assert read.text.replace(" ", "") == "".join(c for c in text[:LONGEST_TEXT] if c.isprintable()).replace(" ", "")


@pytest.mark.req("BAK-32")
@pytest.mark.parametrize(
    ("volid", "owner"),
    [
        ("local:backup/vzdump-qemu-100-2026_01_01-00_00_00.vma.zst", 100),
        ("pbs:backup/vm/100/2026-01-01T00:00:00Z", 100),
        ("local:backup/vzdump-lxc-100-2026_01_01-00_00_00.tar.zst", None),
        ("pbs:backup/ct/100/2026-01-01T00:00:00Z", None),
        ("local:100/vm-100-disk-0.qcow2", None),
        ("local:iso/vzdump-qemu-100-x.vma", None),
        ("local:backup/../vzdump-qemu-100-x.vma/y", None),
        ("local:backup/vzdump-qemu-100", None),
        ("pbs:backup/vm/0100/2026-01-01T00:00:00Z", None),
    ],
)
def test_a_volume_id_tells_whose_backup_it_is(volid: str, owner: int | None) -> None:
    assert owner_of(volid) == owner
