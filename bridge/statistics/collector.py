"""The task collectingStatistics: every hour, how much traffic each VM had since it was looked at before."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import TypeAlias

from bridge.clock import SystemClock
from bridge.hypervisors import Hypervisors
from bridge.statistics import book, counting, gaps
from bridge.statistics.book import BATCH, Entry, Page
from bridge.statistics.calendar import HOUR, Calendar, Hours
from bridge.statistics.cleaning import Cleaning
from bridge.statistics.counting import Count, Reading, Stretch
from bridge.statistics.listing import Listing, Listings, Servers, Unlisted
from bridge.statistics.roster import Owner, is_of, owners
from bridge.tasks import Result, Watch
from providers.proxmox.inventory import Guest
from statemachines.errors import Kind, kind_of

log = logging.getLogger(__name__)

EARLY = 60.0  # seconds by which the next collection may come early and still be the next hour's
AHEAD = 300.0  # seconds that the last collection may lie ahead of us, made by a machine whose clock is; beyond it the clock was set
TOO_OLD = 300.0  # seconds after which a listing is not written any more: this process may have been stopped meanwhile
LOOKS = 500  # gaps that are looked up in one run; they cost a request each

Note: TypeAlias = tuple[Callable[[Result, int, str], None], str]


@dataclass(frozen=True)
class Statistics:
    """Implements `bridge.tasks.Duty`. May run twice, and at the same time on several machines: nothing is counted twice."""

    clock: SystemClock
    hypervisors: Hypervisors
    install_id: Callable[[], str]
    looks: int = LOOKS

    def work(self, watch: Watch) -> Result:
        """One request per server, one more for each VM that was stopped or restarted; a few statements per 500 services."""
        everybody = owners()
        placed = sorted(
            (owner for owner in everybody if owner.vmid and owner.server_id), key=lambda owner: owner.server_id
        )
        servers = Listings(self.hypervisors, self.clock, sorted({owner.server_id for owner in placed}))
        run = Collection(self, servers, watch)
        for batch in _batches([owner for owner in everybody if not (owner.vmid and owner.server_id)]):
            run.without_vm(batch)
        for server_id, owned in groupby(placed, lambda owner: owner.server_id):
            for batch in _batches(list(owned)):
                watch.alive()
                run.collect(server_id, batch)
        Cleaning(self.clock).work(watch)
        result = Result()
        for service_id, (tell, text) in sorted(run.notes.items()):
            tell(result, service_id, text)
        return result


@dataclass
class Collection:
    """One run; `notes` is what there is to say about each service."""

    house: Statistics
    servers: Servers
    watch: Watch
    notes: dict[int, Note] = field(default_factory=dict)
    looked: int = 0

    def __post_init__(self) -> None:
        self._calendar = Calendar(self.house.clock)
        self._month_start = self._calendar.epoch(self._calendar.month(self.house.clock.now())[0])
        self._install_id = self.house.install_id()

    def without_vm(self, batch: Sequence[Owner]) -> None:
        """Services that have no VM or no server (yet)."""
        newest = book.newest_rows([owner.service_id for owner in batch])
        for owner in batch:
            self.notes[owner.service_id] = (
                Result.skipped,
                f"no_node, last:{_hour_or_never(newest.get(owner.service_id))}",
            )

    def collect(self, server_id: int, batch: Sequence[Owner]) -> None:
        """Services of one server."""
        services = [owner.service_id for owner in batch]
        pages = book.pages(services)
        rows = book.newest_rows([service for service in services if service not in pages])
        last = {
            owner.service_id: self._last(pages.get(owner.service_id), rows.get(owner.service_id)) for owner in batch
        }
        try:
            listing = self.servers.listing(server_id)
        except Unlisted as error:
            for owner in batch:
                self.notes[owner.service_id] = (Result.error, f"last:{last[owner.service_id]}, {error}")
            return
        entries, texts = [], {}
        for owner in batch:
            self.watch.alive()
            page = pages.get(owner.service_id)
            found = self._entry(owner, page, listing, last[owner.service_id])
            if found:
                entries.append(found[0])
                texts[owner.service_id] = found[1]
        self._write(entries, texts, last, listing)

    def _write(self, entries: list[Entry], texts: dict[int, str], last: dict[int, str], listing: Listing) -> None:
        if not entries:
            return
        late = abs(self.house.clock.now() - listing.at) > TOO_OLD
        written = set() if late else book.write(entries, self.watch.prove)
        for service_id, text in texts.items():
            if service_id in written:
                self.notes[service_id] = (Result.success, f"last:{last[service_id]}, {text}")
            else:
                why = "too_late" if late else "collected_elsewhere"
                self.notes[service_id] = (Result.skipped, f"{why}, last:{last[service_id]}")

    def _entry(self, owner: Owner, page: Page | None, listing: Listing, last: str) -> tuple[Entry, str] | None:
        """What to add for a service and what to say then; None when it was said already why there is nothing."""
        service, vmid = owner.service_id, owner.vmid
        assert vmid is not None
        if page is not None and -AHEAD < listing.at - page.known.at < HOUR - EARLY:
            self.notes[service] = (Result.skipped, f"already_done_this_hour, last:{last}")
            return None
        guest = listing.guests.get(vmid)
        if (
            guest is None
            or guest.status == "unknown"
            or guest.uptime is None
            or guest.netin is None
            or guest.netout is None
        ):
            self.notes[service] = (Result.skipped, f"no_node, last:{last}")
            return None
        try:
            if not is_of(owner, guest, self._install_id, listing.proxmox):
                self.notes[service] = (Result.skipped, f"VM {vmid} is not this service's, last:{last}")
                return None
            seen = Reading(listing.at, guest.node, guest.uptime, guest.netin, guest.netout) if guest.uptime else None
            counted = self._count(owner, page, listing.at, seen)
            stretches, text = self._stretches(counted, guest, listing)
        except Exception as error:
            if kind_of(error) is Kind.BUG:
                raise
            self.notes[service] = (Result.error, f"last:{last}, {error}")
            return None
        hours = self._hours(stretches, listing.at)
        newest = max([*hours, *(row for row in ((page.newest, page.last) if page else ()) if row)])
        before = page.known.at if page else None
        return Entry(service, owner.server_id, vmid, before, counted.known, hours, newest), text

    def _count(self, owner: Owner, page: Page | None, at: float, seen: Reading | None) -> Count:
        if page is None or (page.server_id, page.vmid) != (owner.server_id, owner.vmid) or owner.since > page.known.at:
            return counting.begin(at, seen, owner.since, self._month_start)
        if page.counted_elsewhere:
            # The old module was at work meanwhile: what it has counted must not be counted again.
            return counting.begin(at, seen, 0.0, self._month_start)
        return counting.count(page.known, at, seen)

    def _stretches(self, counted: Count, guest: Guest, listing: Listing) -> tuple[list[Stretch], str]:
        """What counters tell, and what the RRD tells of a gap; the second value is what there is to say."""
        stretches = [counted.counted] if counted.counted else []
        gap = counted.gap
        if gap is None or not gaps.is_worth_a_look(gap):
            return stretches, "collected"
        unknown = f"collected, {round((gap[1] - gap[0]) / 60)} min not measured"
        if self.looked >= self.house.looks:
            return stretches, unknown
        self.looked += 1
        try:
            found = gaps.estimate(lambda frame: listing.proxmox.traffic(guest.node, guest.vmid, frame), gap)
        except Exception as error:
            if kind_of(error) is Kind.BUG:
                raise
            log.warning("VM %s: the traffic before its restart is not known: %s", guest.vmid, error)
            return stretches, unknown
        return stretches + found, "collected"

    def _hours(self, stretches: Sequence[Stretch], at: float) -> Hours:
        """All bytes by hour, the present hour always among them: a row tells that somebody has looked."""
        hours: dict[datetime, tuple[int, int]] = {self._calendar.hour(at): (0, 0)}
        for stretch in stretches:
            for hour, (netin, netout) in self._calendar.spread(stretch).items():
                before = hours.get(hour, (0, 0))
                hours[hour] = (before[0] + netin, before[1] + netout)
        return hours

    def _last(self, page: Page | None, row: datetime | None) -> str:
        return self.house.clock.stamp(page.known.at) if page else _hour_or_never(row)


def _batches(of: Sequence[Owner]) -> Iterator[Sequence[Owner]]:
    for first in range(0, len(of), BATCH):
        yield of[first : first + BATCH]


def _hour_or_never(row: datetime | None) -> str:
    return row.strftime("%Y-%m-%d %H:%M:%S") if row else "never"
