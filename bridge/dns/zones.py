"""The configured zones, each with the way to its records. Connections are kept until the zone's row changes."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
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

THREADS = 16  # zones at work at one time in one process

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
    _known: dict[int, tuple[tuple[Any, ...], ConfiguredZone]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

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
    """Works on zones side by side. The threads are made with the first job, which in the web role is after the fork."""

    def __init__(self, threads: int = THREADS) -> None:
        self._threads = threads
        self._executor: Executor | None = None
        self._lock = threading.Lock()

    def submit(self, job: Callable[[], T]) -> "Future[T]":
        """Begin a job; its result comes with the future."""
        with self._lock:
            if self._executor is None:
                self._executor = ThreadPoolExecutor(self._threads, thread_name_prefix="dns")
            return self._executor.submit(_in_thread, job)

    def each(self, jobs: Sequence[Callable[[], T]]) -> Iterator[T]:
        """The result of every job in the order of the jobs, each as soon as it and those before it are done."""
        for future in [self.submit(job) for job in jobs]:
            yield future.result()


def _in_thread(job: Callable[[], T]) -> T:
    """A zone's first call may have looked into the database; its thread keeps no connection."""
    try:
        return job()
    finally:
        close_connection()
