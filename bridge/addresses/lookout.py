"""Shares scans between orders: a hundred orders at once read the services' texts a few times, not a hundred times."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from bridge.addresses.address_column import Range
from bridge.addresses.pools import Ip
from bridge.addresses.reservations import reserved_between
from bridge.addresses.shown import Sighting, in_names, in_texts
from statemachines.ports import Clock

Seen = frozenset[Sighting]
NAMES_LAST_SECONDS = 300


@dataclass
class _Scan:
    """One scan for all who asked before it began."""

    done: threading.Event = field(default_factory=threading.Event)
    seen: Seen | None = None


class SharedScan:
    """`look`, run at most once at a time per range. Whoever asks gets the result of a run that began after he asked."""

    def __init__(self, look: Callable[[Ip, Ip], Seen]) -> None:
        self._look = look
        self._lock = threading.Lock()
        self._next: dict[Range, _Scan] = {}
        self._running: dict[Range, threading.Lock] = {}

    def __call__(self, first: Ip, last: Ip) -> Seen:
        """The result of a fresh run. Raises what the caller's own run raises, never somebody else's error."""
        key = (first, last)
        with self._lock:
            mine = key not in self._next
            scan = self._next.setdefault(key, _Scan())
            running = self._running.setdefault(key, threading.Lock())
        if mine:
            try:
                with running:
                    with self._lock:
                        del self._next[key]
                    scan.seen = self._look(first, last)
            finally:
                scan.done.set()
        scan.done.wait()
        return scan.seen if scan.seen is not None else self._look(first, last)


class Lookout:
    """What services and records show, for the address book of one process; threads may share it.

    WHMCS's texts are looked at anew for every order: an admin may have typed an address a moment ago. The records' reverse
    names are written by us along with a reservation; only names without one, left by the old module, have to be looked for,
    and are remembered for some minutes.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._texts = SharedScan(in_texts)
        self._names = SharedScan(_names_without_reservation)
        self._remembered: dict[Range, tuple[float, Seen]] = {}

    def shown_between(self, first: Ip, last: Ip) -> Seen:
        """(service, number) of all that is shown from `first` to `last`."""
        return self._texts(first, last) | self._old_names(first, last)

    def _old_names(self, first: Ip, last: Ip) -> Seen:
        now = self._clock.now()
        looked_at, seen = self._remembered.get((first, last), (float("-inf"), frozenset()))
        if now - looked_at > NAMES_LAST_SECONDS:
            seen = self._names(first, last)
            self._remembered[first, last] = (now, seen)
        return seen


def _names_without_reservation(first: Ip, last: Ip) -> Seen:
    """Reservations are read on both sides of the scan, so that those made or ended meanwhile do not count as old names."""
    reserved = reserved_between(first, last)
    seen = in_names(first, last)
    reserved |= reserved_between(first, last)
    return frozenset((service, number) for service, number in seen if number not in reserved)
