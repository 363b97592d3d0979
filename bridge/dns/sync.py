"""Carrying out what a VM's pipeline asks of the DNS: a round over all matching zones, which costs nobody a thread to wait for.

One batch per zone, the zones side by side; the lines leave in the documented order, each as soon as its zone has answered and
those before it are out.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field

from bridge.dns.names import absolute
from bridge.dns.pending import Pending, Place
from bridge.dns.plan import Operation, Plan, plan
from bridge.dns.zones import ConfiguredZone, ZonePool, Zones
from providers.dns import Key, RecordSet
from providers.errors import Conflict, Permanent, ProviderError, Unreached
from statemachines.ports import DnsResult, HostNames, Journal

LONGEST_ROUND = 45.0  # seconds; less than the patience of the steps, so that DNS never pauses a VM
AT_FIRST = 0.1  # seconds that a thread is spent on waiting, so that quick providers cost no second look

log = logging.getLogger(__name__)

Failures = Mapping[Key, ProviderError]
Say = Callable[[str], None]


@dataclass(frozen=True)
class DnsSync:
    """Begins rounds. One per process; `now` gives seconds."""

    zones: Zones
    journal: Journal
    pending: Pending
    now: Callable[[], float]
    pool: ZonePool = field(default_factory=ZonePool)

    def begin(self, service_id: int, gone: HostNames, wanted: HostNames) -> "Round":
        """Begin to delete all records of `gone` and to create those of `wanted`; names that are none are left out."""
        zones = self.zones.by_id()
        planned = plan([zone.id for zone in zones.values()], normal(gone), normal(wanted))
        return Round(self, service_id, zones, planned)

    def sync(
        self, service_id: int, gone: HostNames, wanted: HostNames, say: Say, patience: float = LONGEST_ROUND
    ) -> DnsResult | None:
        """A round for somebody who waits, at most `patience` seconds; None = it goes on, and nothing of it is written down."""
        running = self.begin(service_id, gone, wanted)
        running.wait(patience)
        return running.go_on(say)


class RunDns:
    """The DNS as one run of a pipeline sees it; implements `statemachines.ports.Dns`."""

    def __init__(self, dns: DnsSync) -> None:
        self._dns = dns
        self._round: Round | None = None

    def sync(self, service_id: int, gone: HostNames, wanted: HostNames, say: Say) -> DnsResult | None:
        """Begin a round, or go on with the one that this run has begun; None while it is not over."""
        if self._round is None:
            self._round = self._dns.begin(service_id, gone, wanted)
            self._round.wait(AT_FIRST)
        result = self._round.go_on(say)
        if result is not None:
            self._round = None
        return result


class Round:
    """A plan that is being carried out; at work from the beginning on."""

    def __init__(self, dns: DnsSync, service_id: int, zones: Mapping[int, ConfiguredZone], planned: Plan) -> None:
        self._dns, self._service_id, self._zones, self._plan = dns, service_id, zones, planned
        self._give_up_at = dns.now() + LONGEST_ROUND
        self._sets = planned.sets()
        self._at_work: dict[int, Future[Failures]] = {
            zone: dns.pool.submit(storing(zones[zone], sets)) for zone, sets in self._sets.items()
        }
        self._left = iter(planned.operations)
        self._next = next(self._left, None)
        self._told: list[_Told] = []

    def go_on(self, say: Say) -> DnsResult | None:
        """Print what is known by now; the result when that is everything, and then it is written down, too."""
        while self._next is not None:
            failures = self._answer(self._next.zone.id)
            if failures is None:
                return None
            error = next((failures[record.key] for record in self._next.sets if record.key in failures), None)
            self._tell(self._next, error, say)
            self._next = next(self._left, None)
        self._settle()
        return self._summed_up()

    def wait(self, seconds: float) -> None:
        """Wait at most so long for all zones, and no longer than it makes sense to wait for them."""
        wait(self._at_work.values(), timeout=min(seconds, max(0.0, self._give_up_at - self._dns.now())))

    def _answer(self, zone_id: int) -> Failures | None:
        """What failed in a zone; None while it is at work. One that takes too long goes on, but is not waited for."""
        future = self._at_work[zone_id]
        if future.done():
            return future.result()
        if self._dns.now() < self._give_up_at:
            return None
        zone = self._zones[zone_id]
        slow = Unreached(f"{zone.id.name} was still at work after {LONGEST_ROUND:.0f} s", outcome_unknown=True)
        zone.rest(slow)
        given_up: Future[Failures] = Future()
        given_up.set_result({record.key: slow for record in self._sets[zone_id]})
        self._at_work[zone_id] = given_up
        return given_up.result()

    def _settle(self) -> None:
        """Remember what failed, forget what is right now."""
        tried: dict[tuple[int, Key], Place] = {}
        failed: dict[tuple[int, Key], ProviderError] = {}
        for operation in self._plan.operations:
            failures = self._at_work[operation.zone.id].result()
            for record in operation.sets:
                where = (operation.zone.id, record.key)
                tried[where] = Place(operation.zone.id, record.key, operation.ip)
                error = failures.get(record.key)
                if error and not is_alias(operation, error):
                    failed[where] = error
        if tried:
            self._dns.pending.settle(self._service_id, tried.values(), failed)

    def _tell(self, operation: Operation, error: ProviderError | None, say: Say) -> None:
        """Print the operation's line; one whose record a classless zone holds goes without saying."""
        if error and is_alias(operation, error):
            return
        zone = self._zones[operation.zone.id]
        line = f"[{zone.records.provider}] {zone.id.name} ← {operation.subject}"
        if error is None:
            say(f"{operation.kind} OK {line}")
            self._told.append(_Told(operation, ""))
            return
        say(f"{operation.kind} ERR {line}: {error}")
        records = "; ".join(f"{each.name} {each.type} {' '.join(each.values)}".strip() for each in operation.sets)
        about = f"service {self._service_id}, {zone.label}: {records}"
        self._dns.journal.record(f"dns {operation.kind}", about, str(error))
        self._told.append(_Told(operation, f"{operation.kind} {line}: {error}"))

    def _summed_up(self) -> DnsResult:
        decided = [each for each in self._told if each.operation.decides]

        def count(forward: bool, ok: bool) -> int:
            return sum(each.operation.kind.is_forward is forward and each.ok is ok for each in decided)

        result = DnsResult(
            forward_ok=count(True, True),
            forward_err=count(True, False),
            rev_ok=count(False, True),
            rev_err=count(False, False),
            messages=tuple(each.message for each in decided if not each.ok),
        )
        if result.messages:
            facts = {name: getattr(result, name) for name in ("forward_ok", "forward_err", "rev_ok", "rev_err")}
            about = f"service {self._service_id}"
            self._dns.journal.record("dns_summary", about, {**facts, "messages": list(result.messages)})
        return result


@dataclass(frozen=True)
class _Told:
    """An operation whose line is out; `message` says what failed, empty when nothing did."""

    operation: Operation
    message: str

    @property
    def ok(self) -> bool:
        return not self.message


def normal(names: HostNames) -> HostNames:
    """`names` as the DNS has them: absolute, in lower-case ASCII; what is no host name is left out."""
    fqdns = tuple(dict.fromkeys(name for name in map(absolute, names.fqdns) if name))
    reverse = {ip: name for ip, text in names.reverse.items() if (name := absolute(text))}
    return HostNames(fqdns, tuple(dict.fromkeys(names.ips)), reverse)


def storing(zone: ConfiguredZone, sets: Sequence[RecordSet]) -> Callable[[], Failures]:
    """The job that stores `sets` in `zone`. A bug in there is told as a failure like others: it must not stop a VM either."""

    def store() -> Failures:
        try:
            return zone.records.store(sets)
        except Exception as error:
            log.exception("bug while storing records in %s", zone.label)
            bug = Permanent(f"internal error, {type(error).__name__} (traceback in the daemon's log)", who="developers")
            return {record.key: bug for record in sets}

    return store


def is_alias(operation: Operation, error: ProviderError) -> bool:
    """Whether the record only stands in the way because a classless zone of ours holds the real one (RFC 2317)."""
    return operation.may_be_alias and isinstance(error, Conflict)
