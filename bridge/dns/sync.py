"""Carrying out what a VM's pipeline asks of the DNS: a round over all matching zones, which costs nobody a thread to wait for.

One batch per zone, the zones side by side; the lines leave in the documented order, each as soon as its zone has answered and
those before it are out.
"""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field

from bridge.dns.holdings import NOTHING, Right, right_now
from bridge.dns.names import normal
from bridge.dns.owners import strangers
from bridge.dns.pending import Pending
from bridge.dns.plan import Kind, Operation, Place, Plan, plan
from bridge.dns.zones import ConfiguredZone, ZonePool, Zones
from providers.dns import Key, RecordSet
from providers.errors import ChangedMeanwhile, Conflict, Permanent, ProviderError, Unreached
from statemachines.errors import LeaseLost
from statemachines.ports import DnsResult, HostNames, Journal

LONGEST_ROUND = 45.0  # seconds; less than the patience of the steps, so that DNS never pauses a VM
MEANWHILE = "changed while it was written"
LATE = "may have been written too late"
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
        """Begin to delete all records of `gone` and to create those of `wanted`; names that are none are left out.

        What is another service's is left alone: an address that it has reserved, and, unless it is in `wanted`, its host name.
        """
        zones = self.zones.by_id()
        planned = plan([zone.id for zone in zones.values()], normal(gone), normal(wanted))
        return Round(self, service_id, zones, self._without_strangers(service_id, planned))

    def _without_strangers(self, service_id: int, planned: Plan) -> Plan:
        """What this service may have written there before is put right for the other one."""
        asked = [each for each in planned.operations if not each.kind.is_forward or _only_deletes(each)]
        others = strangers(service_id, [place for each in asked for place in each.places])
        if others:
            self.pending.announce(others, f"service {service_id} had it, too", 0.0)
            told = (f"{place.key[0]} {place.key[1]}: service {owner}" for place, owner in others.items())
            self.journal.record("dns_left_alone", f"service {service_id}", "\n".join(told))
        return planned.without(others)

    def recheck(self, service_id: int, names: HostNames, seconds: float) -> None:
        """Have all records of `names` looked at again in `seconds`."""
        planned = plan([zone.id for zone in self.zones.all()], normal(names), NOTHING)
        self.pending.announce(dict.fromkeys(planned.last_words(), service_id), "about to change", seconds)


class RunDns:
    """The DNS as one run of a pipeline sees it; implements `statemachines.ports.Dns`.

    `prove` raises LeaseLost when the VM is no longer this run's.
    """

    def __init__(self, dns: DnsSync, prove: Callable[[], object] = lambda: None) -> None:
        self._dns, self._prove = dns, prove
        self._round: Round | None = None
        self._ended: Round | None = None

    def sync(self, service_id: int, gone: HostNames, wanted: HostNames, say: Say) -> DnsResult | None:
        """Begin a round, or go on with the one that this run has begun; None while it is not over."""
        if self._round is None:
            self._round = self._dns.begin(service_id, gone, wanted)
            self._round.wait(AT_FIRST)
        result = self._round.go_on(say)
        if result is None:
            return None
        ended, self._round = self._round, None
        try:
            self._prove()
        except LeaseLost:
            ended.doubt()
            raise
        self._ended = ended
        return result

    def confirm(self) -> None:
        """What the last round has written, and should be something else by now, is tried again at once."""
        if self._ended is not None:
            self._ended.confirm()

    def recheck(self, service_id: int, names: HostNames, seconds: float) -> None:
        """Have all records of `names` looked at again in `seconds`."""
        self._dns.recheck(service_id, names, seconds)

    def abandon(self) -> None:
        """The run ends here, whatever is still being written."""
        if self._round is not None:
            self._round.abandon()
        self._round = None


class Round:
    """A plan that is being carried out; at work from the beginning on."""

    def __init__(self, dns: DnsSync, service_id: int, zones: Mapping[int, ConfiguredZone], planned: Plan) -> None:
        self._dns, self._service_id, self._zones, self._plan = dns, service_id, zones, planned
        self._give_up_at = dns.now() + LONGEST_ROUND
        self._sets = planned.sets()
        self._at_work: dict[int, Future[Failures]] = {
            zone: begin_storing(dns.pool, zones[zone], sets) for zone, sets in self._sets.items()
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

    def confirm(self) -> None:
        """What was written and should be something else by now, is tried again at once: the client may have chosen another name
        meanwhile, or somebody may have asked for the end of the VM."""
        written = {
            place: record for place, record in self._plan.last_words().items() if self._is_written(place, record)
        }
        right = self._right_now(dict.fromkeys(written, self._service_id))
        moved = {place: each.service_id for place, each in right.items() if each.record != written[place]}
        if moved:
            self._dns.pending.announce(moved, MEANWHILE, 0.0)

    def abandon(self) -> None:
        """Nobody waits for it any more. What is still being written is looked at again as soon as it is."""
        for zone_id, future in self._at_work.items():
            self._leave(zone_id, future)

    def doubt(self) -> None:
        """Have everything looked at again: others were at work on the same records."""
        self._doubt(self._plan.last_words())

    def _leave(self, zone_id: int, future: "Future[Failures]") -> None:
        """A job that has not begun never will. Any other may be overtaken by those who come after us."""
        if not future.cancel():
            places = [place for place in self._plan.last_words() if place.zone_id == zone_id]
            future.add_done_callback(lambda _: self._doubt(places))

    def _doubt(self, places: Iterable[Place]) -> None:
        right = self._right_now(dict.fromkeys(places, self._service_id))
        self._dns.pending.announce({place: each.service_id for place, each in right.items()}, LATE, 0.0)

    def _right_now(self, places: Mapping[Place, int]) -> dict[Place, Right]:
        return right_now([zone.id for zone in self._zones.values()], places)

    def _is_written(self, place: Place, record: RecordSet) -> bool:
        return bool(record.values) and place.key not in self._at_work[place.zone_id].result()

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
        self._leave(zone_id, future)
        self._at_work[zone_id] = _failed(self._sets[zone_id], slow)
        return self._at_work[zone_id].result()

    def _settle(self) -> None:
        """Remember what failed, forget what is right now."""
        tried: dict[Place, ProviderError | None] = {}
        for operation in self._plan.operations:
            failures = self._at_work[operation.zone.id].result()
            for place in operation.places:
                error = failures.get(place.key)
                tried[place] = None if error and is_alias(operation.may_be_alias, error) else error
        failed = {place: error for place, error in tried.items() if error}
        self._dns.pending.settle(self._service_id, list(tried), failed)

    def _tell(self, operation: Operation, error: ProviderError | None, say: Say) -> None:
        """Print the operation's line; one whose record a classless zone holds goes without saying."""
        if error and is_alias(operation.may_be_alias, error):
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


def begin_storing(pool: ZonePool, zone: ConfiguredZone, sets: Sequence[RecordSet]) -> "Future[Failures]":
    """Store `sets` in `zone` as soon as there is room. A zone that is left alone has failed at once: it waits behind nobody."""
    if reason := zone.resting:
        return _failed(sets, reason)
    return pool.submit(zone.id.id, storing(zone, sets))


def _failed(sets: Sequence[RecordSet], error: ProviderError) -> "Future[Failures]":
    future: Future[Failures] = Future()
    future.set_result({record.key: error for record in sets})
    return future


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


def is_alias(may_be: bool, error: ProviderError) -> bool:
    """Whether the record only stands in the way because a classless zone of ours holds the real one (RFC 2317)."""
    return may_be and isinstance(error, Conflict) and not isinstance(error, ChangedMeanwhile)


def _only_deletes(operation: Operation) -> bool:
    return operation.kind is Kind.FORWARD_DELETE and operation.decides
