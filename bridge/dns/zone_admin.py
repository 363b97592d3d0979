"""The admin's list of zones: shown without secrets, changed as a whole, tested, deleted. No provider is touched but by a test."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from peewee import fn

from bridge.database import retry_lost_connection, transaction
from bridge.dns.connection import provider_of
from bridge.dns.credentials import NoKey
from bridge.dns.pending import Pending
from bridge.dns.zone_form import COLUMNS, ENTRIES, KEEP, SECRETS, ZoneRefused, read_form
from bridge.dns.zones import Zones
from bridge.models.module import DnsZone
from providers.errors import ProviderError

LONGEST_PAGE = 500
SORTABLE = ("id", "zone", "type")
_LOGIN = re.compile(r"^(\w+://)?.*@")  # in a URL that we did not store: it may hold a password


@dataclass(frozen=True)
class ZoneAdmin:
    """Keeps the zones."""

    zones: Zones
    pending: Pending

    @retry_lost_connection
    def page(
        self, page: int = 1, per_page: int = 25, search: str = "", sort: str = "id", descending: bool = False
    ) -> dict[str, Any]:
        """One page: `rows` as `show` has them, `total` of all that match `search` in name or type."""
        column = getattr(DnsZone, sort if sort in SORTABLE else "id")
        query = DnsZone.select()
        if search:
            query = query.where(DnsZone.zone.contains(search) | DnsZone.type.contains(search))
        total = query.count()
        order = (column.desc() if descending else column, DnsZone.id)
        rows = query.order_by(*order).paginate(max(1, page), min(max(1, per_page), LONGEST_PAGE))
        return {"total": total, "rows": [_shown(row) for row in rows]}

    @retry_lost_connection
    def show(self, zone_id: int) -> dict[str, Any]:
        """All fields of one zone, `__KEEP__` in place of each stored secret. Raises ZoneRefused."""
        return _shown(_row(zone_id))

    @retry_lost_connection
    def save(self, typed: Mapping[str, str], zone_id: int | None = None) -> int:
        """Store a new zone, or change that of `zone_id`; returns its id. Raises ZoneRefused, and nothing is stored.

        A secret that is empty or `__KEEP__` keeps its value; one that an older module left in clear is encrypted now.
        """
        with transaction():
            row = _row(zone_id) if zone_id else DnsZone()
            values = read_form(typed, self._stored(row))
            _unlike_others(values, zone_id)
            sealed: dict[str, str | None] = {**values, **self._sealed(values)}
            stored = {column: value or None for column, value in sealed.items()}
            if zone_id is None:
                return int(DnsZone.insert(stored).execute())
            DnsZone.update(stored).where(DnsZone.id == zone_id).execute()
            self.pending.hurry(zone_id)
        return zone_id

    @retry_lost_connection
    def delete(self, zone_id: int) -> None:
        """Forget a zone and what is pending in it; the provider keeps its records. Raises ZoneRefused when there is none."""
        with transaction():
            _row(zone_id)
            DnsZone.delete().where(DnsZone.id == zone_id).execute()
            self.pending.forget_zone(zone_id)

    def test(self, zone_id: int) -> str:
        """Ask the provider for the zone; empty when all is well, else the provider's own error. Raises ZoneRefused.

        When all is well, what is pending in the zone is tried at once, and the zone is no longer left alone.
        """
        zone = self.zones.by_id().get(zone_id)
        if zone is None:
            raise _missing(zone_id)
        try:
            zone.records.test()
        except ProviderError as error:
            return str(error)
        self.pending.hurry(zone_id)
        return ""

    @retry_lost_connection
    def disclose(self) -> int:
        """Store all secrets in clear again, as the old module reads them; returns how many. For switching back.

        All or none. May run twice. Raises ZoneRefused when one cannot be decrypted.
        """
        count = 0
        with transaction():
            for row in DnsZone.select():
                clear = {column: self._opened(row, column) for column in SECRETS}
                changed = {column: value for column, value in clear.items() if value != (getattr(row, column) or "")}
                if changed:
                    DnsZone.update(changed).where(DnsZone.id == row.id).execute()
                    count += len(changed)
        return count

    def _stored(self, row: DnsZone) -> dict[str, str]:
        """The row in clear; a secret that cannot be read counts as missing, so that a new one can be entered."""
        found = {column: getattr(row, column) or "" for column in ("zone", *COLUMNS)}
        found["type"] = provider_of(row)
        for column in SECRETS:
            try:
                found[column] = self.zones.providers.vault.open(found[column])
            except NoKey:
                found[column] = ""
        return found

    def _sealed(self, values: Mapping[str, str]) -> dict[str, str | None]:
        try:
            return {column: self.zones.providers.vault.seal(values[column]) for column in SECRETS}
        except NoKey as error:
            raise ZoneRefused(str(error)) from None

    def _opened(self, row: DnsZone, column: str) -> str:
        try:
            return self.zones.providers.vault.open(getattr(row, column))
        except NoKey as error:
            raise ZoneRefused(f"zone {row.zone} (ID {row.id}): {error}") from None


def _row(zone_id: int) -> DnsZone:
    row: DnsZone | None = DnsZone.get_or_none(DnsZone.id == zone_id)
    if row is None:
        raise _missing(zone_id)
    return row


def _missing(zone_id: int) -> ZoneRefused:
    return ZoneRefused(f"there is no DNS zone {zone_id}")


def _shown(row: DnsZone) -> dict[str, Any]:
    used = {entry.column for entry in ENTRIES.get(provider_of(row), ())}
    fields = {column: getattr(row, column) or "" for column in COLUMNS if column in used}
    masked = {column: KEEP if value and column in SECRETS else value for column, value in fields.items()}
    if "server" in masked:
        masked["server"] = _LOGIN.sub(r"\1", masked["server"])
    return {"id": row.id, "zone": (row.zone or "").rstrip("."), "type": provider_of(row), **masked}


def _unlike_others(values: Mapping[str, str], zone_id: int | None) -> None:
    """The same zone at the same provider twice would only be written twice."""
    same = (fn.LOWER(DnsZone.zone) == values["zone"]) & (DnsZone.type == values["type"])
    for row in DnsZone.select().where(same):
        identity = ("server", "user", "zone_id")
        if row.id != zone_id and all((getattr(row, column) or "") == values[column] for column in identity):
            raise ZoneRefused(f"zone {values['zone']} at this {values['type']} is there already (ID {row.id})")
