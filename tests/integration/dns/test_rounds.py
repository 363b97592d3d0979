"""A round over the zones holds up nobody: a run looks at it now and then, prints what is known, and gives slow zones up."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from bridge.dns import reverse
from bridge.dns.sync import LONGEST_ROUND, RunDns
from bridge.models.companion import AddressReservation, PendingRecord
from bridge.models.module import VmInfo
from providers.dns import Key, RecordSet
from providers.errors import ProviderError, Unreached
from statemachines.errors import LeaseLost
from statemachines.ports import DnsResult, HostNames
from tests.integration.dns.desk import HOST, Desk, host_names, living_service, ptr
from tests.memory_zone import MemoryZone

pytestmark = pytest.mark.usefixtures("sqlite_db")

IP = "192.168.130.6"
REVERSE = "130.168.192.in-addr.arpa"
VM = host_names(IP)


@dataclass
class SlowZone(MemoryZone):
    """Stores when it is told to."""

    go: threading.Event = field(default_factory=threading.Event)

    def store(self, sets: Sequence[RecordSet]) -> Mapping[Key, ProviderError]:
        assert self.go.wait(30)
        return super().store(sets)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def slow(desk: Desk) -> Iterator[SlowZone]:
    """The second of two zones is slow; whatever happens, it does not hang in the end."""
    desk.zone("example.com")
    desk.zone(REVERSE)
    desk.memory[2] = zone = SlowZone(REVERSE)
    yield zone
    zone.go.set()


def look(desk: Desk, run: RunDns, gone: HostNames = VM) -> DnsResult | None:
    return run.sync(1, gone, VM, desk.lines.append)


@pytest.mark.req("DNS-56")
def test_a_run_does_not_wait_for_a_slow_zone_and_goes_on_with_the_same_round(desk: Desk, slow: SlowZone) -> None:
    run = RunDns(desk.sync)
    assert look(desk, run) is None
    assert look(desk, run) is None
    slow.go.set()
    desk.sync.pool.submit(2, lambda: None).result()
    while (result := look(desk, run)) is None:
        pass
    assert (result.forward_ok, result.rev_ok, slow.stored, desk.memory[1].stored) == (1, 1, 1, 1)
    assert [line.partition(" OK ")[0] for line in desk.lines] == ["fwd-del", "rev-del", "fwd", "rev"]


@pytest.mark.req("DNS-56")
def test_what_is_known_is_printed_while_others_are_at_work(desk: Desk, slow: SlowZone) -> None:
    run = RunDns(desk.sync)
    while not desk.lines:
        assert look(desk, run) is None
    assert desk.lines == [f"fwd-del OK [powerdns] example.com ← {HOST}"]


@pytest.mark.req("DNS-56", "DNS-49", "DNS-52")
def test_a_zone_that_takes_too_long_is_given_up_remembered_and_left_alone(desk: Desk, slow: SlowZone) -> None:
    run = RunDns(desk.sync)
    assert look(desk, run) is None
    desk.clock.advance(LONGEST_ROUND + 1)
    result = look(desk, run)
    assert result is not None
    assert (result.forward_ok, result.rev_err) == (1, 1)
    assert desk.lines[-1].endswith(f"{REVERSE} was still at work after 45 s")
    assert [type for _, type in desk.outstanding()] == ["PTR"]
    assert look(desk, RunDns(desk.sync)) is not None
    assert slow.stored == 0


@pytest.mark.req("DNS-56")
def test_a_bug_of_an_adapter_is_a_failure_like_others(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.zone("example.com")

    class Broken(MemoryZone):
        def store(self, sets: Sequence[RecordSet]) -> Mapping[Key, ProviderError]:
            raise KeyError("records")

    desk.memory[1] = Broken("example.com")
    result = desk.refresh(1, VM)
    assert result.messages[0].endswith("internal error, KeyError (traceback in the daemon's log)")
    assert "bug while storing records in zone example.com" in caplog.text


def finished(desk: Desk, slow: SlowZone) -> None:
    """The provider answers at last, and its job has ended."""
    slow.go.set()
    desk.pool.submit(2, lambda: None).result(20)


def terminated(desk: Desk, service: int) -> None:
    """Another process has terminated the service while nothing of the slow zone was known."""
    VmInfo.update(vm_status="terminate").where(VmInfo.service_id == service).execute()
    desk.memory[2].records.clear()
    PendingRecord.delete().execute()
    AddressReservation.delete().execute()


@pytest.mark.req("DNS-58")
def test_what_a_zone_writes_after_it_was_given_up_is_looked_at_again(desk: Desk, slow: SlowZone) -> None:
    service = living_service(IP)
    run = RunDns(desk.sync)
    assert run.sync(service, VM, VM, desk.lines.append) is None
    desk.clock.advance(LONGEST_ROUND + 1)
    assert run.sync(service, VM, VM, desk.lines.append) is not None
    terminated(desk, service)
    finished(desk, slow)
    assert slow.records == {ptr(IP): {HOST}}
    desk.later(60.0)
    assert (slow.records, desk.outstanding()) == ({}, [])


@pytest.mark.req("DNS-58")
def test_what_a_run_was_writing_when_it_ended_is_looked_at_again(desk: Desk, slow: SlowZone) -> None:
    service = living_service(IP)
    run = RunDns(desk.sync)
    assert run.sync(service, VM, VM, desk.lines.append) is None
    run.abandon()
    terminated(desk, service)
    finished(desk, slow)
    assert slow.records == {ptr(IP): {HOST}}
    desk.later(60.0)
    assert (slow.records, desk.outstanding()) == ({}, [])


@pytest.mark.req("DNS-58")
def test_what_a_run_had_written_when_it_ended_but_not_seen_yet_is_looked_at_again(desk: Desk, slow: SlowZone) -> None:
    service = living_service(IP)
    run = RunDns(desk.sync)
    assert run.sync(service, VM, VM, desk.lines.append) is None
    finished(desk, slow)
    VmInfo.update(vm_status="terminate").where(VmInfo.service_id == service).execute()
    run.abandon()
    desk.later(0.0)
    assert (slow.records, desk.outstanding()) == ({}, [])


@pytest.mark.req("DNS-58")
def test_a_job_that_has_not_begun_when_its_run_ends_never_does(desk: Desk, slow: SlowZone) -> None:
    first, second = RunDns(desk.sync), RunDns(desk.sync)
    assert look(desk, first) is None
    assert look(desk, second) is None
    second.abandon()
    finished(desk, slow)
    assert slow.stored == 1


@pytest.mark.req("DNS-58")
def test_a_run_that_has_lost_its_vm_has_all_that_it_wrote_looked_at_again(desk: Desk) -> None:
    zone = desk.zone("example.com")
    service = living_service(IP)

    def prove() -> None:
        raise LeaseLost("taken over")

    with pytest.raises(LeaseLost):
        RunDns(desk.sync, prove).sync(service, VM, VM, desk.lines.append)
    VmInfo.update(vm_status="terminate").where(VmInfo.service_id == service).execute()
    assert zone.records
    desk.later(0.0)
    assert (zone.records, desk.outstanding()) == ({}, [])


@pytest.mark.req("DNS-58")
def test_a_reverse_name_that_the_client_chooses_while_records_are_written_is_written_next(desk: Desk) -> None:
    desk.zone("example.com")
    zone = desk.zone(REVERSE)
    service = living_service(IP)
    chosen = {IP: "mail.example.org"}
    zone.meanwhile = lambda: desk.another().reverse.set(service, chosen, by_client=True)
    run = RunDns(desk.sync)
    while run.sync(service, VM, VM, desk.lines.append) is None:
        pass
    assert zone.records == {ptr(IP): {HOST}}
    run.confirm()
    desk.later(0.0)
    assert (zone.records, desk.outstanding()) == ({ptr(IP): {"mail.example.org"}}, [])


@pytest.mark.req("DNS-56")
def test_a_slow_zone_takes_no_thread_that_another_zone_could_use(desk: Desk, slow: SlowZone) -> None:
    runs = [RunDns(desk.sync) for _ in range(20)]
    assert [look(desk, run) for run in runs] == [None] * len(runs)
    desk.pool.submit(1, lambda: None).result(20)
    assert desk.memory[1].stored == len(runs)


@pytest.mark.req("DNS-52")
def test_a_zone_that_is_left_alone_fails_at_once_and_not_behind_those_that_still_wait(
    desk: Desk, slow: SlowZone
) -> None:
    assert look(desk, RunDns(desk.sync)) is None
    desk.configured.by_id()[2].rest(Unreached("dns.example.net refuses connections"))
    result = look(desk, RunDns(desk.sync))
    assert result is not None
    assert result.messages == (f"rev [powerdns] {REVERSE} ← {IP} → {HOST}: dns.example.net refuses connections",)


def test_a_run_that_is_done_begins_a_new_round(desk: Desk) -> None:
    zone = desk.zone("example.com")
    run = RunDns(desk.sync)
    for _ in range(2):
        while look(desk, run) is None:
            pass
    assert zone.stored == 2


@pytest.mark.req("RDN-05", "DNS-56")
def test_whoever_changes_a_reverse_name_is_not_kept_waiting_by_a_slow_provider(
    desk: Desk, slow: SlowZone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reverse, "PATIENCE", 0.1)
    service = living_service(IP)
    saved = desk.reverse.set(service, {IP: "mail.example.org"}, by_client=True)
    assert saved.changed[0].pending == "not written yet"
    assert slow.records == {}
    slow.go.set()
    desk.later(60)
    assert slow.records == {ptr(IP): {"mail.example.org"}}
    assert desk.outstanding() == []


@pytest.mark.req("RDN-05", "DNS-58")
def test_a_reverse_name_that_a_slow_provider_writes_after_the_vm_was_terminated_is_deleted_again(
    desk: Desk, slow: SlowZone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reverse, "PATIENCE", 0.1)
    service = living_service(IP)
    desk.reverse.set(service, {IP: "mail.example.org"}, by_client=True)
    terminated(desk, service)
    finished(desk, slow)
    assert slow.records == {ptr(IP): {"mail.example.org"}}
    desk.later(60.0)
    assert (slow.records, desk.outstanding()) == ({}, [])
