"""Records that are not as they should be yet: remembered until a try succeeds, and shown until then."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from peewee import Expression

from bridge.database import for_update_skip_locked, retry_lost_connection, transaction
from bridge.dns.plan import Place
from bridge.models.companion import PendingRecord
from providers.dns import Key
from providers.errors import ProviderError, RateLimited
from statemachines.ports import Clock

AT_ONCE = 500  # names in one query
FIRST_PAUSE, LONGEST_PAUSE = 60.0, 3600.0  # seconds between two tries; doubled each time


@dataclass(frozen=True)
class Pending:
    """Reads and writes the remembered records."""

    clock: Clock

    @retry_lost_connection
    def settle(self, service_id: int, tried: Collection[Place], failed: Mapping[Place, ProviderError]) -> None:
        """Remember those of `tried` that have `failed`, forget the others. May run twice."""
        done = list(_rows_at([place for place in tried if place not in failed]))
        if not (done or failed):
            return
        with transaction():
            self.forget(done)
            for place, error in failed.items():
                self._remember(service_id, place, str(error), _pause(error, self._attempts(place)))

    @retry_lost_connection
    def announce(self, places: Mapping[Place, int], cause: str, seconds: float) -> None:
        """Remember records that are to be written: tried in `seconds` unless somebody settles them before. May run twice.

        Each place comes with the service that decides what it holds.
        """
        with transaction():
            for place, service_id in places.items():
                self._remember(service_id, place, cause, seconds, attempts=0)

    @retry_lost_connection
    def take_due(self, limit: int) -> list[PendingRecord]:
        """Up to `limit` records whose try is due, the longest due first; theirs is planned anew at once.

        So two schedulers do not try the same, and one that dies in the middle costs one pause.
        """
        due = PendingRecord.select().where(PendingRecord.due_at <= self.clock.now())
        with transaction():
            rows = list(for_update_skip_locked(due.order_by(PendingRecord.due_at).limit(limit)))
            self._plan_anew(rows)
        return rows

    @retry_lost_connection
    def take(self, places: Collection[Place]) -> list[PendingRecord]:
        """The records at these places, due or not; theirs is planned anew at once, as by `take_due`."""
        with transaction():
            rows = list(_rows_at(places))
            self._plan_anew(rows)
        return rows

    @retry_lost_connection
    def of_service(self, service_id: int) -> list[PendingRecord]:
        """What is pending for one service."""
        mine = PendingRecord.service_id == service_id
        return list(PendingRecord.select().where(mine).order_by(PendingRecord.zone_id, PendingRecord.name))

    @retry_lost_connection
    def count(self) -> int:
        """How many records are pending in the installation."""
        return int(PendingRecord.select().count())

    @retry_lost_connection
    def put_off(self, rows: Collection[PendingRecord], seconds: float) -> None:
        """Try these in `seconds`; they have not been tried now."""
        if rows:
            due_at = self.clock.now() + seconds
            PendingRecord.update(due_at=due_at).where(PendingRecord.id.in_([row.id for row in rows])).execute()

    @retry_lost_connection
    def forget(self, rows: Collection[PendingRecord]) -> None:
        """Drop rows that nothing has to be done for any more."""
        if rows:
            PendingRecord.delete().where(PendingRecord.id.in_([row.id for row in rows])).execute()

    @retry_lost_connection
    def hurry(self, zone_id: int) -> None:
        """Try what is pending in a zone at once: its provider works again, or is another one now."""
        PendingRecord.update(due_at=self.clock.now()).where(PendingRecord.zone_id == zone_id).execute()

    @retry_lost_connection
    def forget_zone(self, zone_id: int) -> None:
        """Drop everything about a zone that is gone."""
        PendingRecord.delete().where(PendingRecord.zone_id == zone_id).execute()

    def _plan_anew(self, rows: Iterable[PendingRecord]) -> None:
        now = self.clock.now()
        for row in rows:
            PendingRecord.update(due_at=now + _doubled(row.attempts)).where(PendingRecord.id == row.id).execute()

    def _remember(self, service_id: int, place: Place, cause: str, seconds: float, attempts: int | None = None) -> None:
        now = self.clock.now()
        name, type = place.key
        ip = place.ip.exploded if place.ip else ""
        PendingRecord.insert(
            service_id=service_id, zone_id=place.zone_id, name=name, type=type, ip=ip, since=now, due_at=now
        ).on_conflict_ignore().execute()
        tries = PendingRecord.attempts + 1 if attempts is None else attempts
        PendingRecord.update(service_id=service_id, ip=ip, cause=cause, due_at=now + seconds, attempts=tries).where(
            _at(place)
        ).execute()

    @staticmethod
    def _attempts(place: Place) -> int:
        row = PendingRecord.select(PendingRecord.attempts).where(_at(place)).first()
        return int(row.attempts) if row else 0


def _rows_at(places: Iterable[Place]) -> Iterator[PendingRecord]:
    """What is remembered about these places; one query per zone and AT_ONCE names, as mostly there is nothing."""
    by_zone: dict[int, dict[Key, None]] = {}
    for place in places:
        by_zone.setdefault(place.zone_id, {})[place.key] = None
    for zone_id, keys in by_zone.items():
        names = list(dict.fromkeys(name for name, _ in keys))
        for first in range(0, len(names), AT_ONCE):
            here = PendingRecord.name.in_(names[first : first + AT_ONCE])
            rows = PendingRecord.select().where((PendingRecord.zone_id == zone_id) & here)
            yield from (row for row in rows if (row.name, row.type) in keys)


def _at(place: Place) -> Expression:
    name, type = place.key
    return (PendingRecord.zone_id == place.zone_id) & (PendingRecord.name == name) & (PendingRecord.type == type)


def _pause(error: ProviderError, attempts: int) -> float:
    asked = error.retry_after if isinstance(error, RateLimited) else None
    return max(asked or 0.0, _doubled(attempts))


def _doubled(attempts: int) -> float:
    return min(FIRST_PAUSE * 2.0 ** min(attempts, 10), LONGEST_PAUSE)
