"""One collection: each service's VM found in the list of its cluster, what it had since the last look, and what to say of it."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeAlias

from bridge.clock import SystemClock
from bridge.statistics import book, counting
from bridge.statistics.book import Entry, Page
from bridge.statistics.calendar import HOUR, Calendar, Hours
from bridge.statistics.counting import Count, Reading, Stretch
from bridge.statistics.gaps import Looks
from bridge.statistics.listing import Listing, Servers, Unlisted
from bridge.statistics.roster import Owner, is_of
from bridge.tasks import Result, Watch
from providers.proxmox.inventory import Guest
from statemachines.errors import Kind, kind_of

EARLY = 60.0  # seconds by which the next collection may come early and still be the next hour's
AHEAD = 300.0  # seconds that the last collection may lie ahead of us, made by a machine whose clock is; beyond it the clock was set
TOO_OLD = 300.0  # seconds after which a listing is not written any more: this process may have been stopped meanwhile
PATIENCE = 3  # VMs whose description cannot be read before the rest of a server is left for the next run

Note: TypeAlias = tuple[Callable[[Result, int, str], None], str]


@dataclass
class Collection:
    """One run; `notes` is what there is to say about each service."""

    clock: SystemClock
    install_id: str
    servers: Servers
    watch: Watch
    looks: Looks
    notes: dict[int, Note] = field(default_factory=dict)
    _failed: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._calendar = Calendar(self.clock)
        self._month_start = self._calendar.epoch(self._calendar.month(self.clock.now())[0])

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
        late = abs(self.clock.now() - listing.at) > TOO_OLD
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
        if self._is_not(owner, guest, listing, last):
            return None
        seen = Reading(listing.at, guest.node, guest.uptime, guest.netin, guest.netout) if guest.uptime else None
        counted = self._count(owner, page, listing.at, seen)
        known, text = counted.known, "collected"
        found = self.looks.measure(counted.gap, guest, listing.proxmox)
        if found is None and counted.gap is not None:
            text = f"collected, {round((counted.gap[1] - counted.gap[0]) / 60)} min not measured"
            if seen is None:  # nothing else is counted of a VM that is stopped, so its gap can wait
                known, text = replace(known, open_since=counted.gap[0]), f"{text} yet"
        stretches = [*([counted.counted] if counted.counted else []), *(found or [])]
        hours = self._hours(stretches, listing.at)
        newest = max([*hours, *(row for row in ((page.newest, page.last) if page else ()) if row)])
        before = page.known.at if page else None
        return Entry(service, owner.server_id, vmid, before, known, hours, newest), text

    def _is_not(self, owner: Owner, guest: Guest, listing: Listing, last: str) -> bool:
        """Whether the VM is not the owner's, or that cannot be told; why is said then."""
        service = owner.service_id
        try:
            if self._failed[owner.server_id] >= PATIENCE:
                raise Unlisted("the server has left too many questions unanswered in this run")
            if is_of(owner, guest, self.install_id, listing.proxmox):
                return False
            self.notes[service] = (Result.skipped, f"VM {guest.vmid} is not this service's, last:{last}")
        except Exception as error:
            if kind_of(error) is Kind.BUG:
                raise
            self._failed[owner.server_id] += 1
            self.notes[service] = (Result.error, f"last:{last}, {error}")
        return True

    def _count(self, owner: Owner, page: Page | None, at: float, seen: Reading | None) -> Count:
        if page is None or (page.server_id, page.vmid) != (owner.server_id, owner.vmid) or owner.since > page.known.at:
            return counting.begin(at, seen, owner.since, self._month_start)
        if page.counted_elsewhere:
            # The old module was at work meanwhile: what it has counted must not be counted again.
            return counting.begin(at, seen, 0.0, self._month_start)
        return counting.count(page.known, at, seen)

    def _hours(self, stretches: Sequence[Stretch], at: float) -> Hours:
        """All bytes by hour, the present hour always among them: a row tells that somebody has looked."""
        hours: dict[datetime, tuple[int, int]] = {self._calendar.hour(at): (0, 0)}
        for stretch in stretches:
            for hour, (netin, netout) in self._calendar.spread(stretch).items():
                before = hours.get(hour, (0, 0))
                hours[hour] = (before[0] + netin, before[1] + netout)
        return hours

    def _last(self, page: Page | None, row: datetime | None) -> str:
        return self.clock.stamp(page.known.at) if page else _hour_or_never(row)


def _hour_or_never(row: datetime | None) -> str:
    return row.strftime("%Y-%m-%d %H:%M:%S") if row else "never"
