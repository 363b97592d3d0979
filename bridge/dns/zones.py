"""The configured zones, each with the way to its records. Connections are kept until the zone's row changes."""

import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bridge.database import close_connection, retry_lost_connection
from bridge.dns.connection import LazyZone, Providers, RestingZone, UnusableZone, provider_of, trust_key
from bridge.dns.names import zone_name
from bridge.dns.plan import ZoneId
from bridge.models.module import DnsZone
from providers.dns import Zone
from providers.errors import Permanent, Unreached

THREADS = 64  # jobs at one time in one process; a thread is made when there is none for a job
PER_ZONE = 4  # of them at most

T = TypeVar("T")


@dataclass(frozen=True)
class ConfiguredZone:
    """A zone of the installation: its id and name, and the way to its records."""

    id: ZoneId
    records: Zone

    def rest(self, reason: Unreached) -> None:
        """Leave the zone alone for a while: it is too slow to be waited for by every VM."""
        if isinstance(self.records, RestingZone):
            self.records.rest(reason)

    @property
    def resting(self) -> Unreached | None:
        """Why the zone is left alone at this moment; None when it is not."""
        return self.records.resting if isinstance(self.records, RestingZone) else None

    @property
    def label(self) -> str:
        """The zone in an admin's words, e.g. `zone example.com [powerdns] (ID 3)`."""
        return f"zone {self.id.name} [{self.records.provider}] (ID {self.id.id})"


@dataclass
class Zones:
    """All configured zones.

    `now` gives seconds. `provide` takes the place of the providers: the zone of a row, None = the real one.
    """

    providers: Providers
    now: Callable[[], float] = time.time
    provide: Callable[[DnsZone], Zone | None] = lambda row: None
    # Rows of the old module have their secrets in clear, and nothing that is printed may show them.
    _known: dict[int, tuple[tuple[Any, ...], ConfiguredZone]] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def all(self) -> list[ConfiguredZone]:
        """Every zone by ascending id; one that cannot be used is among them, and says so when it is used."""
        rows, trusted = _rows(), self.providers.trust.versions_of_dns()
        with self._lock:
            self._known = {row.id: self._kept(row, trusted.get(trust_key(row), "")) for row in rows}
            return [zone for _, zone in self._known.values()]

    def by_id(self) -> dict[int, ConfiguredZone]:
        """Every zone by its id."""
        return {zone.id.id: zone for zone in self.all()}

    def connect(self, row: DnsZone) -> ConfiguredZone:
        """The zone of a row, which need not be stored."""
        provider = provider_of(row)
        try:
            name = zone_name(row.zone or "")
        except ValueError as error:
            name = (row.zone or "").strip().strip(".").lower()
            return ConfiguredZone(ZoneId(row.id or 0, name), UnusableZone(name, provider, Permanent(str(error))))
        zone = self.provide(row) or LazyZone(name, provider, lambda: self.providers.connect(name, row))
        return ConfiguredZone(ZoneId(row.id or 0, name), RestingZone(zone, self.now))

    def _kept(self, row: DnsZone, trusted: str) -> tuple[tuple[Any, ...], ConfiguredZone]:
        """The zone as it is connected already, unless its row or the choice of its certificate has changed."""
        state = (*row.__data__.values(), trusted)
        known = self._known.get(row.id)
        return known if known and known[0] == state else (state, self.connect(row))


@retry_lost_connection
def _rows() -> list[DnsZone]:
    return list(DnsZone.select().order_by(DnsZone.id))


class ZonePool:
    """Works on zones side by side. The threads are made with the first job, which in the web role is after the fork.

    No zone has more than a few of the threads: where a provider is slow, its jobs wait for each other, and no others do.
    """

    def __init__(self, threads: int = THREADS, per_zone: int = PER_ZONE) -> None:
        self._threads, self._share = threads, per_zone
        self._executor: Executor | None = None
        self._running: Counter[int] = Counter()
        self._parked: dict[int, deque[Callable[[], None]]] = defaultdict(deque)
        self._lock = threading.Lock()

    def submit(self, zone_id: int, job: Callable[[], T]) -> "Future[T]":
        """Begin a job for a zone as soon as there is room; its result comes with the future."""
        future: Future[T] = Future()
        with self._lock:
            self._parked[zone_id].append(lambda: _carry_out(future, job))
            self._start(zone_id)
        return future

    def each(self, jobs: Mapping[int, Callable[[], T]]) -> Iterator[tuple[int, T]]:
        """The result of every zone's job in the order of the jobs, each as soon as it and those before it are done."""
        futures = {zone_id: self.submit(zone_id, job) for zone_id, job in jobs.items()}
        for zone_id, future in futures.items():
            yield zone_id, future.result()

    def _start(self, zone_id: int) -> None:
        """Start what the zone's share allows. With the lock held."""
        if self._executor is None:
            self._executor = ThreadPoolExecutor(self._threads, thread_name_prefix="dns")
        while self._parked[zone_id] and self._running[zone_id] < self._share:
            self._running[zone_id] += 1
            self._executor.submit(self._in_thread, zone_id, self._parked[zone_id].popleft())

    def _in_thread(self, zone_id: int, work: Callable[[], None]) -> None:
        """A zone's first call may have looked into the database; its thread keeps no connection."""
        try:
            work()
            close_connection()
        finally:
            with self._lock:
                self._running[zone_id] -= 1
                self._start(zone_id)


def _carry_out(future: "Future[T]", job: Callable[[], T]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = job()
    except BaseException as error:  # noqa: BLE001 - it is raised for whoever asks for the result
        future.set_exception(error)
    else:
        future.set_result(result)
