"""Terminate: the VM goes, its traces go, and only then its record and its addresses."""

from collections.abc import Callable

import pytest

from bridge.lifecycle.farewell import PromptRequests
from bridge.lifecycle.rules import Operation
from bridge.models.companion import AddressReservation
from bridge.models.whmcs import ActivityLogEntry, Service
from bridge.sandbox.proxmox.storage import BLANK, Volume
from bridge.tasks import PROCESS
from statemachines.steps.activity import DEPLOYED
from statemachines.steps.terminate import SUCCEEDED
from tests.factories import make_client
from tests.lifecycle.conftest import Install
from tests.lifecycle.living import Living
from tests.lifecycle.scenarios import gone

TERMINATE = Operation.TERMINATE
FAILED = "Service termination FAILED — admin attention required. Error: "


def deaf(rig: Living, service: int) -> None:
    """The guest does not hear the power button."""
    for volume in rig.cluster.storages["ceph-vm"].on(rig.node(service)).values():
        volume.system = BLANK


def backup(rig: Living, vmid: int, ctime: float) -> str:
    """A backup of the VMID on the shared storage; its name."""
    name = f"backup/vzdump-qemu-{vmid}-{int(ctime)}.vma.zst"
    rig.cluster.storages["backup"].on("pve1")[name] = Volume(
        name, "backup", "vma.zst", 1 << 20, vmid, created=int(ctime)
    )
    return name


def messages(rig: Living) -> list[str]:
    """What the run said, without time stamps and service."""
    return [line[19:] for line in rig.lines if "sid:" in line]


def terminations(rig: Living) -> list[str]:
    """What the client reads about it."""
    return [text for text in rig.activity() if "terminat" in text]


@pytest.mark.req("TRM-04", "TRM-06", "TRM-13", "TRM-27", "TRM-28", "TRM-29", "TRM-30")
def test_the_lines_of_a_termination(install: Install) -> None:
    rig = install(ipv6_count="0", ipv4_count="1")
    service = rig.living()
    rig.ask_and_run(service, TERMINATE)
    start, end = f"   sid:{service}  ", f"   sid:{service}    · "
    lines = messages(rig)
    assert lines[:-1] == [
        f"{start}[terminate] starting",
        f"{end}remote status: running, vmid: 100",
        f"{end}stop request sent",
        f"{end}stopped after ~5s",
        f"{end}removing backups",
        f"{end}backups removed",
        f"{end}deleting DNS records",
        f"{end}fwd-del OK [powerdns] example.com ← 1-1.example.com",
        f"{end}rev-del OK [hestiacp] 130.168.192.in-addr.arpa ← 192.168.130.2",
        f"{end}DELETE VM vmid=100 node=pve1 purge=1",
        f"{end}VM deleted",
    ]
    assert lines[-1].startswith(f"{start}[terminate] done (")
    assert lines[-1].endswith("s) result=success")
    assert [dict(call.params)["purge"] for call in rig.calls("DELETE", "/qemu/100")] == ["1"]


@pytest.mark.req("TRM-06")
def test_a_stopped_vm_gets_no_stop_request(install: Install) -> None:
    rig = install()
    service = rig.living()
    rig.power(service, "stop")
    rig.forget()
    rig.ask_and_run(service, TERMINATE)
    assert not [line for line in messages(rig) if "stop request" in line]
    assert rig.calls("POST", "/shutdown") == []
    gone(rig, service)


@pytest.mark.req("TRM-05", "TRM-07", "TRM-08", "TRM-09")
def test_a_guest_that_does_not_obey_is_waited_for_then_forced(install: Install) -> None:
    rig = install()
    service = rig.living()
    deaf(rig, service)
    began = rig.clock.now()
    rig.ask_and_run(service, TERMINATE)
    told = [line.partition("· ")[2] for line in messages(rig) if "still running" in line or "force" in line]
    waits = [f"still running, waited {seconds}s / 120s, status: running" for seconds in range(15, 120, 15)]
    assert told[:8] == [*waits, "force-stop sent"]
    assert 120 <= rig.clock.now() - began < 200
    gone(rig, service)


@pytest.mark.req("TRM-05", "TRM-07", "TRM-10")
@pytest.mark.parametrize(("seconds", "told"), [(44.0, 45), (7.0, 10), (2.0, 5)])
def test_the_time_that_a_guest_took_is_told_in_whole_looks(install: Install, seconds: float, told: int) -> None:
    rig = install()
    service = rig.living()
    rig.cluster.timing.durations["qmshutdown"] = seconds
    rig.witnesses.append(lambda request, answer: rig.clock.advance(0.05))
    rig.ask_and_run(service, TERMINATE)
    waited = [line.partition("· ")[2] for line in messages(rig) if "waited" in line or "stopped after" in line]
    beats = [f"still running, waited {beat}s / 120s, status: running" for beat in range(15, told, 15)]
    assert waited == [*beats, f"stopped after ~{told}s"]


@pytest.mark.req("TRM-11", "TRM-14")
def test_a_backup_that_cannot_be_removed_stops_nothing(install: Install) -> None:
    rig = install()
    service = rig.living()
    backup(rig, 100, rig.clock.now())
    rig.fault("DELETE .*/content/", status=500, times=0)
    rig.ask_and_run(service, TERMINATE)
    assert any("backup error: " in line for line in messages(rig))
    assert (rig.state(service), rig.exists(100)) == ("remove", False)


@pytest.mark.req("TRM-11")
def test_backups_of_the_service_go_and_those_of_an_earlier_owner_of_the_vmid_stay(install: Install) -> None:
    rig = install()
    service = rig.living()
    old, new = backup(rig, 100, rig.clock.now() - 90 * 86400), backup(rig, 100, rig.clock.now())
    rig.ask_and_run(service, TERMINATE)
    left = rig.cluster.storages["backup"].on("pve1")
    assert (old in left, new in left) == (True, False)


@pytest.mark.req("TRM-12")
def test_a_broken_dns_provider_stops_nothing(install: Install) -> None:
    rig = install()
    service = rig.living()
    rig.names.broken = True
    rig.ask_and_run(service, TERMINATE)
    assert rig.state(service) == "remove"
    assert not rig.exists(100)


@pytest.mark.req("TRM-17", "TRM-18", "TRM-19", "TRM-25")
def test_a_refused_delete_keeps_everything_and_tells_it_once(install: Install) -> None:
    rig = install()
    service = rig.living()
    before = rig.facts(service)
    rig.fault("DELETE .*/qemu/100$", status=500, text="zfs error: cannot destroy the volume")
    rig.ask_and_run(service, TERMINATE)
    assert rig.state(service) == "error_terminate"
    assert rig.facts(service) == before
    assert {row.address for row in AddressReservation.select()} == set(before.addresses)
    entries = terminations(rig)
    assert len(entries) == 1
    assert entries[0].startswith(FAILED)
    assert "cannot destroy the volume" in entries[0]
    assert messages(rig)[-1].endswith("result=error_terminate")
    log = rig.log(service)
    assert (log["action"], log["result"]) == ("terminate", "error")
    assert "cannot destroy the volume" in log["error"]


@pytest.mark.req("TRM-17")
def test_a_destroy_task_that_fails_is_a_failure_too(install: Install) -> None:
    rig = install()
    service = rig.living()
    rig.fault(kind="task-fails", task_type="qmdestroy", exit_status="storage is offline")
    rig.ask_and_run(service, TERMINATE)
    assert rig.state(service) == "error_terminate"
    assert "storage is offline" in terminations(rig)[0]


@pytest.mark.req("TRM-17")
def test_a_node_that_stays_unreachable_leaves_the_vm_to_an_admin(install: Install) -> None:
    rig = install()
    service = rig.living()
    rig.fault("/qemu/100", status=595, times=0)
    rig.fault("/cluster/resources", status=595, times=0)
    rig.ask_and_run(service, TERMINATE)
    assert rig.state(service) == "error_terminate"
    assert rig.exists(100)


@pytest.mark.req("TRM-21")
def test_a_failed_termination_is_left_alone_by_cron(install: Install) -> None:
    rig = install()
    service = rig.living()
    rig.fault("DELETE .*/qemu/100$", status=500)
    rig.ask_and_run(service, TERMINATE)
    calls = len(rig.sent)
    for _ in range(3):
        rig.clock.advance(61)
        assert not [line for line in rig.tick(tasks=(PROCESS,)) if f"sid:{service}" in line]
    assert (len(rig.sent), len(terminations(rig))) == (calls, 1)


@pytest.mark.req("TRM-20", "TRM-26")
def test_a_second_attempt_has_its_own_entry(install: Install) -> None:
    rig = install()
    service = rig.living()
    rig.fault("DELETE .*/qemu/100$", status=500)
    rig.ask_and_run(service, TERMINATE)
    rig.ask_and_run(service, TERMINATE)
    entries = terminations(rig)
    assert entries[0].startswith(FAILED)
    assert entries[1:] == [SUCCEEDED]
    assert rig.state(service) == "remove"


@pytest.mark.req("LOG-06")
def test_the_entries_are_in_the_log_of_the_client_whose_service_it_is(install: Install) -> None:
    rig = install()
    stranger = make_client(firstname="Eve").id
    service = rig.living()
    rig.fault("DELETE .*/qemu/100$", status=500)
    rig.ask_and_run(service, TERMINATE)
    rig.ask_and_run(service, TERMINATE)
    owner = Service.get_by_id(service).userid
    entries = list(ActivityLogEntry.select().where(ActivityLogEntry.userid == owner))
    assert [entry.description.partition(" — ")[0] for entry in entries] == [
        f"{DEPLOYED} - Service ID: {service}",
        "Service termination FAILED",
        SUCCEEDED,
    ]
    assert ActivityLogEntry.select().where(ActivityLogEntry.userid == stranger).count() == 0


@pytest.mark.req("TRM-15")
def test_a_vm_that_is_gone_already_counts_as_deleted(install: Install) -> None:
    rig = install()
    service = rig.living()
    del rig.cluster.guests[100]
    rig.ask_and_run(service, TERMINATE)
    assert rig.state(service) == "remove"
    assert rig.calls("DELETE", "/qemu/100") == []
    assert terminations(rig) == [SUCCEEDED]


@pytest.mark.req("TRM-32")
def test_a_service_that_never_had_a_vm_ends_without_a_call_to_proxmox(install: Install) -> None:
    rig = install()
    service = rig.order()
    rig.ask_and_run(service, TERMINATE)
    assert rig.state(service) == "remove"
    assert rig.sent == []


@pytest.mark.req("TRM-31")
def test_a_removed_record_is_left_alone_by_cron(install: Install) -> None:
    rig = install()
    service = rig.living()
    rig.ask_and_run(service, TERMINATE)
    assert not [line for line in rig.tick(tasks=(PROCESS,)) if f"sid:{service}" in line]


@pytest.mark.req("TRM-16", "TRM-24")
def test_addresses_and_vmid_are_free_afterwards(install: Install) -> None:
    rig = install()
    first = rig.living()
    before = rig.facts(first)
    rig.ask_and_run(first, TERMINATE)
    second = rig.deploy()
    after = rig.facts(second)
    assert (after.vmid, after.addresses) == (before.vmid, before.addresses)
    assert (Service.get_by_id(first).domain, Service.get_by_id(first).dedicatedip) == ("", "")


@pytest.mark.req("TRM-18", "TRM-23")
def test_addresses_of_a_vm_that_may_still_live_are_given_to_nobody(install: Install) -> None:
    rig = install()
    service = rig.living()
    held = set(rig.addresses(service))
    rig.fault("DELETE .*/qemu/100$", status=500)
    rig.ask_and_run(service, TERMINATE)
    other = rig.deploy()
    assert not held & set(rig.addresses(other))


@pytest.mark.req("TRM-14")
def test_a_strangers_vm_under_the_vmid_is_not_deleted(install: Install) -> None:
    rig = install()
    service = rig.living()
    rig.cluster.guests[100].config |= {"description": "somebody else's", "tags": ""}
    rig.ask_and_run(service, TERMINATE)
    assert rig.exists(100)
    assert rig.state(service) == "error_terminate"


@pytest.mark.req("TRM-01")
def test_the_request_sends_one_shutdown_at_once_and_does_not_wait_for_it(install: Install) -> None:
    rig = install()
    service = rig.living()
    later: list[Callable[[], None]] = []
    prompt = PromptRequests(rig.house.requests, lambda: rig.house.runs.shop, start=later.append)
    assert prompt.ask(service, TERMINATE) == "success"
    assert (rig.state(service), rig.sent) == ("terminate", [])
    later[0]()
    assert [call.path for call in rig.sent if call.method == "POST"] == ["/nodes/pve1/qemu/100/status/shutdown"]
    rig.run()
    gone(rig, service)


@pytest.mark.req("TRM-02")
def test_a_shutdown_that_fails_changes_nothing(install: Install) -> None:
    rig = install()
    service = rig.living()
    rig.fault("/qemu/100", status=595, times=1)
    prompt = PromptRequests(rig.house.requests, lambda: rig.house.runs.shop, start=lambda work: work())
    assert prompt.ask(service, TERMINATE) == "success"
    assert rig.state(service) == "terminate"
