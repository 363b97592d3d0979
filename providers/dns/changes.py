"""From record sets to single records: what has to be changed at a provider that knows no record sets. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from providers.dns.records import Key, RecordSet
from providers.errors import ChangedMeanwhile, Conflict, NotFound, ProviderError, Rejected


@dataclass(frozen=True)
class Record:
    """One record as a provider lists it: `id` is the provider's, `value` in the form of `RecordSet`.

    `sound` False = the provider has it and does not serve it as it stands there: it is proxied or suspended.
    """

    id: str
    name: str
    type: str
    value: str
    sound: bool = True

    @property
    def key(self) -> Key:
        """Name and type."""
        return self.name, self.type


@dataclass(frozen=True)
class Change:
    """`record` gets `value`. Without `record`, a new one gets it; without `value`, `record` is deleted."""

    key: Key
    record: Record | None
    value: str | None


@dataclass(frozen=True)
class Plan:
    """The changes that each key needs, none where all is right already; keys that cannot be had, with the reasons."""

    changes: Mapping[Key, tuple[Change, ...]]
    refused: Mapping[Key, ProviderError]


def plan(zone: str, sets: Iterable[RecordSet], held: Sequence[Record]) -> Plan:
    """What makes `held`, which has all records of `zone` under the names of `sets`, into `sets`."""
    held = _each_once(held)
    changes: dict[Key, tuple[Change, ...]] = {}
    refused: dict[Key, ProviderError] = {}
    for wanted in sets:
        error = _refusal(zone, wanted, held)
        if error:
            refused[wanted.key] = error
        elif needed := _changes(wanted, [record for record in held if record.key == wanted.key]):
            changes[wanted.key] = needed
    return Plan(changes, refused)


def with_second_look(
    sets: Sequence[RecordSet], write: Callable[[Sequence[RecordSet]], Mapping[Key, ProviderError]]
) -> dict[Key, ProviderError]:
    """`write`, which looks and then acts, for `sets`; once more for those that changed between its look and its act.

    A record that we were about to create and that exists already, or that we were about to delete and that has gone,
    is no failure when it is as wanted, and only a second look tells.
    """
    failed = dict(write(sets))
    moved = [wanted for wanted in sets if isinstance(failed.get(wanted.key), ChangedMeanwhile)]
    for wanted in moved:
        del failed[wanted.key]
    if moved:
        failed |= write(moved)
    return failed


def concerns_one_record(error: ProviderError) -> bool:
    """Whether other records may be written all the same after `error`; otherwise it is the provider that fails."""
    return isinstance(error, Rejected | Conflict | NotFound)


def _each_once(held: Iterable[Record]) -> list[Record]:
    """A record that moved from one page of a listing to the next while it was read comes twice; its twin is not a spare one."""
    return list({record.id: record for record in held}.values())


def _refusal(zone: str, wanted: RecordSet, held: Iterable[Record]) -> ProviderError | None:
    if wanted.name != zone and not wanted.name.endswith(f".{zone}"):
        return Rejected(f"{wanted.name} is not in zone {zone}")
    alias = next((record for record in held if record.name == wanted.name and record.type == "CNAME"), None)
    if alias and wanted.values:
        return Conflict(f"{wanted.name} is an alias (CNAME) of {alias.value} and can have no {wanted.type} record")
    return None


def _changes(wanted: RecordSet, held: Iterable[Record]) -> tuple[Change, ...]:
    missing, spare = list(dict.fromkeys(wanted.values)), []
    for record in held:
        if record.sound and record.value in missing:
            missing.remove(record.value)
        else:
            spare.append(record)
    # A record that has its value already, but is not sound, is mended rather than given another value.
    mended = {value: record for record in reversed(spare) if (value := record.value) in missing}
    spare = [record for record in spare if record not in mended.values()]
    replaced = [Change(wanted.key, mended.get(value) or (spare.pop(0) if spare else None), value) for value in missing]
    return (*replaced, *(Change(wanted.key, record, None) for record in spare))
