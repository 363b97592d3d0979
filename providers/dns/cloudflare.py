"""Cloudflare, by its API v4: https://developers.cloudflare.com/api/resources/dns/subresources/records/

However many record sets are read or stored, it is one listing and, where something differs, one batch.
"""

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from requests.adapters import BaseAdapter

from providers.dns.apicall import DnsObserver, nobody
from providers.dns.changes import Record, plan, with_second_look
from providers.dns.cloudflare_api import CloudflareApi
from providers.dns.cloudflare_batches import Batches
from providers.dns.http import HttpApi
from providers.dns.records import Key, RecordSet, canonical
from providers.errors import AuthFailed, NotFound, ProviderError, Rejected
from providers.tls import SYSTEM_CAS, Tls

API = "https://api.cloudflare.com/client/v4"
PER_PAGE = 5000  # the most that a listing gives at once, says github.com/kubernetes-sigs/external-dns, docs/flags.md


class CloudflareZone:
    """A zone at Cloudflare; implements `providers.dns.Zone`. Safe to share between threads.

    `name` with or without a trailing dot. `api_token` needs the permission Zone.DNS Edit and, without `zone_id`,
    Zone.Zone Read: the zone is then looked up by its name, in the account `account_id` if that is given. `tls`,
    `adapter` and `pause` are those of HttpApi, `api` is where API v4 is. Raises ValueError when `api_token` cannot be
    sent.
    """

    provider = "cloudflare"

    def __init__(
        self,
        name: str,
        api_token: str,
        *,
        zone_id: str = "",
        account_id: str = "",
        tls: Tls = SYSTEM_CAS,
        adapter: BaseAdapter | None = None,
        pause: Callable[[float], None] = time.sleep,
        observe: DnsObserver = nobody,
        api: str = API,
    ) -> None:
        self.name = name.strip().rstrip(".").lower()
        token = api_token.strip()  # what is pasted often ends with a line break
        headers = {"Authorization": f"Bearer {token}"}
        http = HttpApi(api, headers=headers, secrets=[token], tls=tls, adapter=adapter, pause=pause, observe=observe)
        self._api, self._where = CloudflareApi(http), http.where
        self._batches = Batches(self._api)
        self._zone_id, self._account_id = zone_id.strip(), account_id.strip()
        self._found_id = ""

    def __repr__(self) -> str:
        return f"<CloudflareZone {self.name} at {self._where}>"

    def test(self) -> None:
        """Ask for the zone's metadata. Raises ProviderError, also when the zone ID is that of another zone."""
        zone = self._api.object(_path(self._zone_id)) if self._zone_id else self._look_up()
        told = _name(zone)
        if told != self.name:
            raise Rejected(f"{self._where}: the zone ID {self._zone_id} is that of zone {told}, not of {self.name}")

    def fetch(self, keys: Collection[Key]) -> dict[Key, frozenset[str]]:
        """What the zone holds for each of `keys`, proxied or not. Raises ProviderError."""
        held = self._records({name for name, _ in keys}) if keys else []
        return {key: frozenset(record.value for record in held if record.key == key) for key in keys}

    def store(self, sets: Sequence[RecordSet]) -> Mapping[Key, ProviderError]:
        """Look, then write what differs. A record that only gets another value is never away in between."""
        return with_second_look(sets, self._write) if sets else {}

    def _write(self, sets: Sequence[RecordSet]) -> dict[Key, ProviderError]:
        try:
            held = self._records({wanted.name for wanted in sets})
            path = f"{self._zone_path()}/dns_records"
        except ProviderError as error:
            return {wanted.key: error for wanted in sets}
        planned = plan(self.name, sets, held)
        return {**planned.refused, **self._batches.carry_out(path, list(planned.changes.items()))}

    def _records(self, names: Collection[str]) -> list[Record]:
        """All records of `names`, of whatever type; others too where a server makes less of the filters."""
        try:
            path = f"{self._zone_path()}/dns_records"
            params: dict[str, str | int] = {**_filter(names, self.name), "per_page": PER_PAGE}
            page = self._api.page(path, params)
            rows, number = page.rows, 1
            while page.rows and number < page.pages:
                number += 1
                page = self._api.page(path, {**params, "page": number})
                rows += page.rows
        except (AuthFailed, NotFound):
            self._found_id = (
                ""  # a zone that was deleted and made anew has another one, and the old one is not ours to see
            )
            raise
        return [_record(row) for row in rows]

    def _zone_path(self) -> str:
        if not self._zone_id and not self._found_id:
            self._found_id = str(self._look_up().get("id", ""))
        return _path(self._zone_id or self._found_id)

    def _look_up(self) -> dict[str, Any]:
        """The zone's metadata, by its name; of several, one that is active."""
        account = {"account.id": self._account_id} if self._account_id else {}
        zones = [
            zone for zone in self._api.page("zones", {"name": self.name, **account}).rows if _name(zone) == self.name
        ]
        if not zones:
            among = f" in account {self._account_id}" if self._account_id else ""
            raise NotFound(f"{self._where}: the API token sees no zone {self.name}{among}", who="admin")
        return min(zones, key=lambda zone: zone.get("status") != "active")


def _path(zone_id: str) -> str:
    return f"zones/{quote(zone_id, safe='')}"


def _name(zone_or_record: Mapping[str, Any]) -> str:
    return str(zone_or_record.get("name", "")).rstrip(".").lower()


def _filter(names: Collection[str], zone: str) -> dict[str, str]:
    """What narrows a listing to `names`: the name itself, or the end that all of them have in common."""
    if len(names) == 1:
        return {"name": next(iter(names))}
    common = _common_end(names)
    return {"name.endswith": common} if common != zone else {}


def _common_end(names: Iterable[str]) -> str:
    labels = []
    for same in zip(*(reversed(name.split(".")) for name in names), strict=False):
        if len(set(same)) > 1:
            break
        labels.append(same[0])
    return ".".join(reversed(labels))


def _record(row: Mapping[str, Any]) -> Record:
    record_type = str(row.get("type", "")).upper()
    value = canonical(record_type, str(row.get("content", "")))
    proxied = record_type in ("A", "AAAA") and bool(row.get("proxied"))
    return Record(str(row.get("id", "")), _name(row), record_type, value, sound=not proxied)
