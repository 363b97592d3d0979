"""A round over the zones holds up nobody: a run looks at it now and then, prints what is known, and gives slow zones up."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from bridge.dns import reverse
from bridge.dns.sync import LONGEST_ROUND, RunDns
from providers.dns import Key, RecordSet
from providers.errors import ProviderError
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
    desk.sync.pool.submit(lambda: None).result()
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
