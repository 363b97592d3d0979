"""Records that are not as they should be yet: remembered until a try succeeds, and shown until then."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from peewee import Expression

from bridge.database import retry_lost_connection, transaction
from bridge.dns.names import Ip
from bridge.models.companion import PendingRecord
from providers.dns import Key
from providers.errors import ProviderError, RateLimited
from statemachines.ports import Clock

FIRST_PAUSE, LONGEST_PAUSE = 60.0, 3600.0  # seconds between two tries; doubled each time


@dataclass(frozen=True)
class Place:
    """One record set in one zone; `ip` is the address of a PTR record."""

    zone_id: int
    key: Key
    ip: Ip | None = None


@dataclass(frozen=True)
class Pending:
    """Reads and writes the remembered records."""

    clock: Clock

    @retry_lost_connection
    def settle(self, service_id: int, tried: Iterable[Place], failed: Mapping[tuple[int, Key], ProviderError]) -> None:
        """Remember those of `tried` that have `failed`, forget the others. May run twice."""
        with transaction():
            for place in tried:
                error = failed.get((place.zone_id, place.key))
                if error is None:
                    PendingRecord.delete().where(_at(place)).execute()
                else:
                    self._remember(service_id, place, str(error), _pause(error, self._attempts(place)))

    @retry_lost_connection
    def announce(self, service_id: int, places: Iterable[Place], cause: str, seconds: float) -> None:
        """Remember records that are about to be written: tried in `seconds` unless somebody settles them before. May run twice."""
        with transaction():
            for place in places:
                self._remember(service_id, place, cause, seconds, attempts=0)

    @retry_lost_connection
    def take_due(self, limit: int) -> list[PendingRecord]:
        """Up to `limit` records whose try is due, the longest due first; theirs is planned anew at once.

        So two schedulers rarely try the same, and one that dies in the middle costs one pause.
        """
        now = self.clock.now()
        with transaction():
            rows = list(
                PendingRecord.select().where(PendingRecord.due_at <= now).order_by(PendingRecord.due_at).limit(limit)
            )
            for row in rows:
                PendingRecord.update(due_at=now + _doubled(row.attempts)).where(PendingRecord.id == row.id).execute()
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


def _at(place: Place) -> Expression:
    name, type = place.key
    return (PendingRecord.zone_id == place.zone_id) & (PendingRecord.name == name) & (PendingRecord.type == type)


def _pause(error: ProviderError, attempts: int) -> float:
    asked = error.retry_after if isinstance(error, RateLimited) else None
    return max(asked or 0.0, _doubled(attempts))


def _doubled(attempts: int) -> float:
    return min(FIRST_PAUSE * 2.0 ** min(attempts, 10), LONGEST_PAUSE)
