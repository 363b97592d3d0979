"""The functions behind the Backups page, as the browser calls them."""

import re
from typing import Any

import pytest

from bridge.lifecycle import admission as sentences
from bridge.lifecycle import client_backups
from bridge.lifecycle.client_backups import size_text
from bridge.models.module import VmInfo
from bridge.models.whmcs import Service
from tests.backups.conftest import Open
from tests.backups.keeper import Keeper
from tests.commands.browser import Browser
from tests.factories import make_client

FORMS: dict[str, dict[str, Any]] = {
    "backups_list": {},
    "backup_now": {"note": "x"},
    "backup_remove": {"backup": "0123456789abcdef"},
    "backup_restore": {"backup": "0123456789abcdef"},
    "backup_schedule_save": {"days": {"0": "07:00"}},
}


def browser(rig: Keeper, client: int | None = None) -> Browser:
    """The browser of the service's owner, or of another client."""
    return Browser(rig, client)  # type: ignore[arg-type]


@pytest.mark.req("BAK-35")
def test_the_page_lists_backups_with_date_note_and_size_and_the_counter(keeper: Open) -> None:
    rig = keeper()
    service = rig.living()
    for text in ("first", "second"):
        rig.made(service, text)
    rig.kept()[1].size = 300 * 2**30
    page = browser(rig).read(service, "backups_list")
    assert (page["quota"], page["count"], page["under_way"], page["busy"]) == (3, 2, "", "")
    newest, oldest = page["backups"]
    assert (newest["note"], newest["size"], oldest["note"]) == ("second", "300 GiB", "first")
    assert re.fullmatch(r"10-04-2026 01:2\d:\d\d", newest["date"])
    assert (newest["own"], newest["removable"]) == (True, True)
    assert (page["restore_failed"], page["schedule"]) == (False, {})


@pytest.mark.req("BAK-32", "CLI-28")
def test_a_client_learns_neither_storage_nor_vmid(keeper: Open) -> None:
    rig = keeper()
    service = rig.living()
    rig.made(service, "mine")
    page = str(browser(rig).read(service, "backups_list"))
    assert "vzdump" not in page
    assert "backup:" not in page
    assert "kvm-bridge" not in page


@pytest.mark.req("BAK-06", "BAK-35")
def test_backup_now_makes_one_with_the_note(keeper: Open) -> None:
    rig = keeper()
    service = rig.living()
    rig.cluster.timing.durations["vzdump"] = 600.0
    client = browser(rig)
    assert client.press(service, "backup_now", note="before the update") == {"done": False}
    page = client.read(service, "backups_list")
    assert (page["under_way"], page["busy"]) == ("backup", sentences.BUSY)
    rig.run()
    page = client.read(service, "backups_list")
    assert [backup["note"] for backup in page["backups"]] == ["before the update"]
    assert page["under_way"] == ""


@pytest.mark.req("BAK-07")
def test_the_limit_is_told(keeper: Open) -> None:
    rig = keeper(backups="1")
    service = rig.living()
    rig.made(service)
    rig.sent.clear()
    assert browser(rig).press(service, "backup_now", note="") == client_backups.FULL
    assert rig.writes() == []


@pytest.mark.req("BAK-09")
def test_remove_frees_room_and_restore_brings_the_vm_back(keeper: Open) -> None:
    rig = keeper(backups="2")
    service = rig.living()
    client = browser(rig)
    for text in ("first", "second"):
        rig.made(service, text)
    newest, oldest = client.read(service, "backups_list")["backups"]
    assert client.press(service, "backup_remove", backup=oldest["id"]) == {"done": True}
    assert client.read(service, "backups_list")["count"] == 1
    rig.write_data(service)
    assert client.press(service, "backup_restore", backup=newest["id"]) == {"done": False}
    page = client.read(service, "backups_list")
    assert (page["under_way"], page["backups"], page["count"]) == ("restore", [], 1)
    assert page["busy"] == "The virtual machine is being restored from a backup."
    rig.run()
    assert rig.data_on(service) == set()


@pytest.mark.req("BAK-32")
@pytest.mark.parametrize("action", ["backup_remove", "backup_restore"])
def test_a_name_that_the_page_did_not_give_is_refused(keeper: Open, action: str) -> None:
    rig = keeper()
    service, other = rig.living(), rig.living()
    theirs = rig.made(other)
    mine = rig.made(service)
    rig.sent.clear()
    for forged in (theirs.id, theirs.volid, mine.volid, "", "../x", "local:iso/x.iso"):
        assert browser(rig).press(service, action, backup=forged) == client_backups.UNKNOWN
    assert rig.writes() == []
    assert len(rig.kept()) == 2


@pytest.mark.req("BAK-36")
def test_what_somebody_else_made_is_shown_and_can_only_be_restored(keeper: Open) -> None:
    rig = keeper(backups="1")
    service = rig.living()
    rig.made(service)
    rig.by_somebody_else(service, notes="nightly")
    client = browser(rig)
    page = client.read(service, "backups_list")
    job = page["backups"][0]
    assert (job["note"], job["own"], job["removable"], page["count"]) == ("nightly", False, False, 1)
    assert client.press(service, "backup_remove", backup=job["id"]) == client_backups.NOT_YOURS
    assert client.press(service, "backup_restore", backup=job["id"]) == {"done": False}
    rig.run()
    assert (rig.state(service), len(rig.kept())) == ("ready", 2)


@pytest.mark.req("BAK-02", "BAK-03")
def test_the_schedule_is_kept_in_its_documented_form(keeper: Open) -> None:
    rig = keeper()
    service = rig.living()
    client = browser(rig)
    saved = client.press(service, "backup_schedule_save", days={"0": "07:00", "3": ""})["schedule"]
    assert saved["0"] == "07:00"
    assert re.fullmatch(r"\d\d:\d\d", saved["3"])
    stored = VmInfo.get_by_id(service).vm_backup_schedule
    assert stored == f'{{"0": "07:00", "3": "{saved["3"]}"}}'
    assert client.read(service, "backups_list")["schedule"] == saved
    assert client.press(service, "backup_schedule_save") == {"schedule": {}}
    assert VmInfo.get_by_id(service).vm_backup_schedule == "{}"


@pytest.mark.req("BAK-03")
def test_a_schedule_that_is_none_is_refused_with_its_reason(keeper: Open) -> None:
    rig = keeper()
    service = rig.living()
    told = browser(rig).press(service, "backup_schedule_save", days={"0": "25:00"})
    assert told == "The schedule was not saved: the time of Sunday is not of the form HH:MM."
    assert not VmInfo.get_by_id(service).vm_backup_schedule


def test_a_schedule_may_be_saved_while_a_backup_is_made(keeper: Open) -> None:
    rig = keeper()
    service = rig.living()
    rig.cluster.timing.durations["vzdump"] = 600.0
    rig.backup_now(service)
    assert browser(rig).press(service, "backup_schedule_save", days={"0": "07:00"}) == {"schedule": {"0": "07:00"}}


@pytest.mark.req("BAK-42")
@pytest.mark.parametrize("name", FORMS)
def test_without_backups_in_the_package_the_page_is_refused(keeper: Open, name: str) -> None:
    rig = keeper(backups="0")
    service = rig.living()
    rig.sent.clear()
    assert browser(rig).press(service, name, **FORMS[name]) == "Access Denied"
    assert rig.sent == []
    assert not browser(rig).read(service, "status")["may"]["backups"]


@pytest.mark.req("PRM-15")
@pytest.mark.parametrize("name", FORMS)
def test_backups_of_another_client_are_denied(keeper: Open, name: str) -> None:
    rig = keeper()
    service, stranger = rig.living(), make_client(firstname="Eve").id
    rig.sent.clear()
    assert browser(rig, stranger).press(service, name, **FORMS[name]) == "Access Denied"
    assert rig.sent == []


@pytest.mark.parametrize("name", sorted(set(FORMS) - {"backups_list"}))
def test_a_suspended_service_reads_so(keeper: Open, name: str) -> None:
    rig = keeper()
    service = rig.living()
    Service.update(domainstatus="Suspended").where(Service.id == service).execute()
    rig.sent.clear()
    assert browser(rig).press(service, name, **FORMS[name]) == sentences.IS_SUSPENDED
    assert rig.writes() == []


@pytest.mark.req("BAK-22")
@pytest.mark.parametrize("lock", ["backup", "snapshot", "migrate"])
def test_while_proxmox_holds_a_lock_nothing_is_begun(keeper: Open, lock: str) -> None:
    rig = keeper()
    service = rig.living()
    made = rig.made(service)
    rig.cluster.guests[100].config["lock"] = lock
    rig.sent.clear()
    client = browser(rig)
    for name, fields in (
        ("backup_now", {"note": ""}),
        *((n, {"backup": made.id}) for n in ("backup_remove", "backup_restore")),
    ):
        assert client.press(service, name, **fields) == sentences.BUSY
    assert rig.writes() == []
    assert client.read(service, "backups_list")["under_way"] == ("backup" if lock == "backup" else "")


@pytest.mark.req("BAK-38")
def test_a_failed_restore_is_told_with_what_can_be_done(keeper: Open) -> None:
    rig = keeper()
    service = rig.living()
    made = rig.made(service)
    rig.fault(kind="task-fails", task_type="qmrestore", exit_status="no space left on the storage")
    client = browser(rig)
    client.press(service, "backup_restore", backup=made.id)
    rig.run()
    page = client.read(service, "backups_list")
    assert (page["restore_failed"], page["may_reinstall"], page["busy"]) == (True, True, "")
    assert [backup["id"] for backup in page["backups"]] == [made.id]
    rig.set_product(client_reinstall="off")
    assert not client.read(service, "backups_list")["may_reinstall"]
    assert client.press(service, "backup_restore", backup=made.id) == {"done": False}
    rig.run()
    assert not client.read(service, "backups_list")["restore_failed"]


@pytest.mark.req("BAK-38")
def test_after_a_failed_restore_the_client_may_reinstall(keeper: Open) -> None:
    rig = keeper()
    service = rig.living()
    made = rig.made(service)
    rig.fault(kind="task-fails", task_type="qmrestore", exit_status="no space left on the storage")
    client = browser(rig)
    client.press(service, "backup_restore", backup=made.id)
    rig.run()
    assert client.press(service, "reinstall_start", template="9000", confirmation="REINSTALL") == {"done": False}
    rig.run()
    assert (rig.state(service), rig.running(service), len(rig.kept())) == ("ready", True, 1)


@pytest.mark.parametrize("version", ["7.4", "9.2"])
def test_a_cluster_that_does_not_answer_is_no_secret_and_no_trace(keeper: Open, version: str) -> None:
    rig = keeper(version)
    service = rig.living()
    rig.fault(match="/storage", kind="status", times=0, status=595)
    assert browser(rig).read(service, "backups_list") == sentences.SOMETHING_WRONG


def test_the_counter_follows_what_was_removed_at_proxmox(keeper: Open) -> None:
    rig = keeper()
    service = rig.living()
    rig.made(service)
    rig.cluster.storages["backup"].on("pve1").clear()
    assert rig.record(service).vm_backups == 1
    assert browser(rig).read(service, "backups_list")["count"] == 0
    assert rig.record(service).vm_backups == 0


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (36252, "35.4 KiB"),
        (300 * 2**30, "300 GiB"),
        (3 * 2**39, "1.5 TiB"),
        (5 * 2**50, "5120 TiB"),
    ],
)
def test_sizes_read_as_on_the_page(size: int, text: str) -> None:
    assert size_text(size) == text
