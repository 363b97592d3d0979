"""A zone that needs no provider: the twin of the adapters, held to the same contract."""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from providers.dns.records import Key, RecordSet
from providers.errors import Conflict, ProviderError, Rejected


@dataclass
class MemoryZone:
    """Keeps its record sets in `records`. `aliases` are names that hold a CNAME; `failing` is raised by every call until it is None.

    `stored` counts the calls of `store`. `meanwhile` happens once, while a `store` is under way and nothing is kept yet.
    """

    name: str
    provider: str = "powerdns"
    records: dict[Key, frozenset[str]] = field(default_factory=dict)
    aliases: set[str] = field(default_factory=set)
    failing: ProviderError | None = None
    stored: int = 0
    meanwhile: Callable[[], object] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def test(self) -> None:
        """Nothing to ask."""
        if self.failing:
            raise self.failing

    def fetch(self, keys: Collection[Key]) -> dict[Key, frozenset[str]]:
        """What is kept under `keys`."""
        self.test()
        return {key: self.records.get(key, frozenset()) for key in keys}

    def store(self, sets: Sequence[RecordSet]) -> Mapping[Key, ProviderError]:
        """Keep `sets`."""
        happens, self.meanwhile = self.meanwhile, None
        if happens:
            happens()
        with self._lock:
            self.stored += 1
            if self.failing:
                return {wanted.key: self.failing for wanted in sets}
            failed = {wanted.key: error for wanted in sets if (error := self._refusal(wanted))}
            for wanted in sets:
                if wanted.key not in failed:
                    self._keep(wanted)
            return failed

    def _keep(self, wanted: RecordSet) -> None:
        if wanted.values:
            self.records[wanted.key] = frozenset(wanted.values)
        else:
            self.records.pop(wanted.key, None)

    def _refusal(self, wanted: RecordSet) -> ProviderError | None:
        if wanted.name != self.name and not wanted.name.endswith(f".{self.name}"):
            return Rejected(f"{wanted.name} is not in zone {self.name}")
        if wanted.values and wanted.name in self.aliases:
            return Conflict(f"{wanted.name} is an alias (CNAME)")
        return None
