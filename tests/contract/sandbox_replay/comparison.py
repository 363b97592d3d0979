"""Compares an answer with a recorded one: status, reason, body and the end of the task."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.contract.sandbox_replay.placeholders import Bindings, Names

# Keys whose value depends on the moment or on the machine; only its type is compared.
MOMENTARY_KEYS = frozenset(
    [
        "cpu",
        "mem",
        "netin",
        "netout",
        "diskread",
        "diskwrite",
        "uptime",
        "pid",
        "starttime",
        "endtime",
        "pstart",
        "time",
        "ctime",
        "snaptime",
        "used",
        "avail",
        "free",
        "used_fraction",
        "freemem",
        "last_update",
        "free_mem",
        "total_mem",
        "mem_swapped_in",
        "mem_swapped_out",
        "major_page_faults",
        "minor_page_faults",
        "actual",
        "loadavg",
        "wait",
        "idle",
        "repoid",
        "version",
        "release",
        "pveversion",
        "kversion",
        "running-qemu",
        "running-machine",
        "creation-qemu",
        "CSRFPreventionToken",
        "ssl_fingerprint",
        "size-on-disk",
        "blockstat",
        "password",
        "fingerprint",
        "port",
    ]
)
# By which key the elements of two lists are paired, in this order of preference.
_PAIRING_KEYS = [
    "key",
    "volid",
    "vmid",
    "snapname",
    "iface",
    "cidr",
    "storage",
    "pos",
    "n",
    "subdir",
    "userid",
    "roleid",
    "name",
    "id",
    "node",
    "group",
    "poolid",
    "path",
]

Json = Any


@dataclass
class Answer:
    """An answer as the comparison sees it; `task`: final status and last line of the log, when it was waited for."""

    status: int
    reason: str
    body: Json
    raw: str
    exit_status: str | None = None
    last_line: str | None = None


@dataclass
class Comparison:
    """The differences between one recorded entry and one answer."""

    entry: Mapping[str, Any]
    names: Names
    bindings: Bindings
    found: list[str] = field(default_factory=list)

    def run(self, answer: Answer) -> list[str]:
        """All differences, as `place: recorded, found`; of a set-up only those that spoil the rest of its case."""
        self._scalar("status", self.entry["status"], answer.status)
        if self.entry.get("setup"):
            self._task(answer)
            return self.found
        if "reason" not in self._loose:
            self._text("reason", self.entry["reason"], answer.reason)
        if self.entry.get("body") is None:
            if "raw" not in self._loose:
                self._text("raw", self.entry.get("raw", ""), answer.raw[:400])
        else:
            self._value("body", self.entry["body"], answer.body)
        self._task(answer)
        return self.found

    @property
    def _loose(self) -> set[str]:
        return set(self.entry.get("loose", []))

    @property
    def _shape_only(self) -> bool:
        return bool(self.entry.get("compare", {}).get("shape"))

    def _differ(self, place: str, recorded: Json, found: Json) -> None:
        self.found.append(f"{place}: recorded {str(recorded)[:120]!r}, found {str(found)[:120]!r}")

    def _scalar(self, place: str, recorded: Json, found: Json) -> None:
        if recorded != found:
            self._differ(place, recorded, found)

    def _text(self, place: str, recorded: str, found: str) -> None:
        if not self.names.matches(recorded, found, self.bindings):
            self._differ(place, recorded, found)

    def _task(self, answer: Answer) -> None:
        if "task" not in self.entry or "task.exitstatus" in self._loose:
            return
        task = self.entry["task"] or {}
        status, lines = task.get("status") or {}, task.get("log_tail") or [""]
        self._text("task.exitstatus", status.get("exitstatus") or "", answer.exit_status or "")
        if "task.log" not in self._loose:
            self._text("task.log", lines[-1], answer.last_line or "")

    def _value(self, place: str, recorded: Json, found: Json) -> None:
        if place in self._loose:
            return
        if isinstance(recorded, str) and recorded.endswith("|int>"):
            recorded = int(self.names.literal(recorded.replace("|int", "")))
        if _kind(recorded) != _kind(found):
            self._differ(place, recorded, found)
        elif isinstance(recorded, dict):
            self._object(place, recorded, found)
        elif isinstance(recorded, list):
            self._list(place, recorded, found)
        elif not self._is_momentary(place):
            if isinstance(recorded, str):
                self._text(place, recorded, found)
            else:
                self._scalar(place, recorded, found)

    def _is_momentary(self, place: str) -> bool:
        leaf = place.rpartition(".")[2]
        volatile = place in self.entry.get("volatile", []) or leaf in MOMENTARY_KEYS
        return self._shape_only or (volatile and not place.startswith("body.errors"))

    def _object(self, place: str, recorded: Json, found: Json) -> None:
        recorded = {self.names.literal(key): value for key, value in recorded.items()}
        for key in sorted(set(recorded) | set(found)):
            if f"{place}.{key}" in self._loose:
                continue
            if key in recorded and key in found:
                self._value(f"{place}.{key}", recorded[key], found[key])
            else:
                self._differ(f"{place}.{key}", recorded.get(key, "nothing"), found.get(key, "nothing"))

    def _list(self, place: str, recorded: list[Json], found: list[Json]) -> None:
        item = f"{place}[]"
        if item in self._loose:
            return
        if self.entry.get("compare", {}).get("series"):
            self._series(place, recorded, found)
            return
        if len(recorded) != len(found) and place not in self.entry.get("volatile", []):
            self._differ(place, f"{len(recorded)} elements", f"{len(found)} elements")
        for one, other in self._pairs(recorded, found):
            self._value(item, one, other)

    def _series(self, place: str, recorded: list[Json], found: list[Json]) -> None:
        """Many samples: their number, and which keys with which types occur in any of them."""
        length = self.entry["compare"].get("series_length") or len(recorded)
        if abs(length - len(found)) > 2 + length // 10:
            self._differ(place, f"{length} samples", f"{len(found)} samples")
        there, here = _sample_kinds(recorded), _sample_kinds(found)
        for key in sorted(set(there) | set(here)):
            if f"{place}[].{key}" not in self._loose and there.get(key) != here.get(key):
                self._differ(f"{place}[].{key}", there.get(key), here.get(key))

    def _pairs(self, recorded: list[Json], found: list[Json]) -> Iterator[tuple[Json, Json]]:
        """Elements of two lists that belong together: by a key where there is one, else by their order."""
        key = _pairing_key(recorded, found)
        if key:
            left = list(found)
            for element in recorded:
                wanted = str(element[key]).replace("|int", "")
                fits = [e for e in left if self.names.matches(wanted, str(e[key]), Bindings())]
                if fits:
                    left.remove(fits[0])
                yield element, fits[0] if fits else f"no element with {key} {wanted}"
        elif all(isinstance(x, str) for x in recorded + found):
            yield from zip(sorted(map(self.names.literal, recorded)), sorted(found), strict=False)
        else:
            yield from zip(recorded, found, strict=False)


def _pairing_key(recorded: list[Json], found: list[Json]) -> str | None:
    both = [*recorded, *found]
    if not both or not all(isinstance(element, dict) for element in both):
        return None
    for key in _PAIRING_KEYS:
        distinct = all(len({str(e.get(key)) for e in part}) == len(part) for part in (recorded, found))
        if distinct and all(isinstance(element.get(key), str | int) for element in both):
            return key
    return None


def _sample_kinds(samples: list[Json]) -> dict[str, str]:
    return {key: _kind(value) for sample in samples for key, value in sample.items() if value is not None}


def _kind(value: Json) -> str:
    if isinstance(value, bool) or value is None:
        return str(type(value))
    return "number" if isinstance(value, int | float) else str(type(value))
