"""HestiaCP, by its commands over HTTP: v-list-dns-records, v-add-dns-record, v-change-dns-record, v-delete-dns-record.

Read in the source of 1.4 to 1.10 (github.com/hestiacp/hestiacp, bin/). A command handles one record, so storing is one
listing, one command for each record that differs and, where any does, a second listing.
"""

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import idna
from requests.adapters import BaseAdapter

from providers.dns.apicall import DnsObserver, nobody
from providers.dns.changes import Change, Record, concerns_one_record, plan, with_second_look
from providers.dns.hestiacp_api import HestiaApi
from providers.dns.http import HttpApi
from providers.dns.records import HOST_NAME_TYPES, TTL, Key, RecordSet, canonical
from providers.errors import ChangedMeanwhile, Locked, NotFound, ProviderError, Rejected
from providers.tls import SYSTEM_CAS, Tls

APEX = "@"
NO_RESTART = "no"
RESTART = ""  # as the panel itself asks for it: by a reload, or later if the admin has chosen that (bin/v-restart-dns)
TURN_SECONDS = 30.0


class HestiaZone:
    """A zone on a HestiaCP server; implements `providers.dns.Zone`. Safe to share between threads.

    `name` with or without a trailing dot. `server` is the panel's address, with or without a trailing slash. `admin`
    and `password` are the login of the panel's administrator, who alone may use the API with a password; `user` owns
    the zone. `tls`, `adapter` and `pause` are those of HttpApi. Raises ValueError when `server` is no address.
    """

    provider = "hestiacp"

    def __init__(
        self,
        name: str,
        server: str,
        admin: str,
        password: str,
        user: str,
        *,
        tls: Tls = SYSTEM_CAS,
        adapter: BaseAdapter | None = None,
        pause: Callable[[float], None] = time.sleep,
        observe: DnsObserver = nobody,
    ) -> None:
        self.name = name.strip().rstrip(".").lower()
        http = HttpApi(server_url(server), secrets=[password], tls=tls, adapter=adapter, pause=pause, observe=observe)
        self._api = HestiaApi(http, admin.strip(), password)
        self._user = user.strip()
        self._spelling = ""
        # A command rewrites the zone's file without a lock (sort_dns_records in func/domain.sh): two at once lose one. This keeps
        # our own threads from it; what other processes do to us is seen in the second listing.
        self._turn = threading.Lock()

    def __repr__(self) -> str:
        return f"<HestiaZone {self.name} of {self._user} on {self._api.where}>"

    def test(self) -> None:
        """List the user's zones. Raises ProviderError, also when this one is not among them."""
        if self.name not in self._zones():
            raise NotFound(f"{self._api.where}: user {self._user} has no DNS zone {self.name}", who="admin")

    def fetch(self, keys: Collection[Key]) -> dict[Key, frozenset[str]]:
        """What the zone holds for each of `keys`; suspended records do not count. Raises ProviderError."""
        held = [record for record in self._records() if record.sound] if keys else []
        return {key: frozenset(record.value for record in held if record.key == key) for key in keys}

    def store(self, sets: Sequence[RecordSet]) -> Mapping[Key, ProviderError]:
        """Look, then change what differs, one call at a time. A record that only gets another value is never away."""
        if not sets:
            return {}
        if not self._turn.acquire(timeout=TURN_SECONDS):
            busy = Locked(f"{self._api.where}: zone {self.name} is still being written for other VMs")
            return {wanted.key: busy for wanted in sets}
        try:
            return with_second_look(sets, self._write)
        finally:
            self._turn.release()

    def _write(self, sets: Sequence[RecordSet]) -> dict[Key, ProviderError]:
        try:
            planned = plan(self.name, sets, self._records())
        except ProviderError as error:
            return {wanted.key: error for wanted in sets}
        changes = [change for needed in planned.changes.values() for change in needed]
        # HestiaCP refuses to delete the last A record of a zone (is_dns_record_critical), so new ones come first.
        changes.sort(key=lambda change: change.value is None)
        failed = {**planned.refused, **self._carry_out(changes)}
        return {**failed, **self._lost(changes, [wanted for wanted in sets if wanted.key not in failed])}

    def _lost(self, changes: Sequence[Change], sets: Sequence[RecordSet]) -> dict[Key, ProviderError]:
        """What was written and is not there: another process has rewritten the zone's file at the same moment."""
        if not (changes and sets):
            return {}
        try:
            missing = plan(self.name, sets, self._records()).changes
        except ProviderError:
            return {}
        overwritten = ChangedMeanwhile(f"{self._api.where}: zone {self.name} was written by somebody else meanwhile")
        return dict.fromkeys(missing, overwritten)

    def _carry_out(self, changes: Sequence[Change]) -> dict[Key, ProviderError]:
        """Make the changes in their order; the server reads its files anew with the last one. The keys that failed."""
        failed: dict[Key, ProviderError] = {}
        unread: set[Key] = set()  # written since the server was last asked to read
        for number, change in enumerate(changes, 1):
            if change.key in failed:
                continue
            restart = RESTART if number == len(changes) else NO_RESTART
            try:
                self._api.run(*self._command(change, restart))
            except ProviderError as error:
                if not concerns_one_record(error):
                    return failed | {rest.key: error for rest in changes[number - 1 :]}
                failed[change.key] = _explained(error, change)
            else:
                unread = unread | {change.key} if restart else set()
        return failed | self._restart(unread)

    def _restart(self, unread: Collection[Key]) -> dict[Key, ProviderError]:
        """Have the server read what it has not read, as the last change failed. The keys that are not served."""
        if not unread:
            return {}
        try:
            self._api.run("v-restart-dns")
        except ProviderError as error:
            return dict.fromkeys(unread, error)
        return {}

    def _command(self, change: Change, restart: str) -> tuple[str, ...]:
        zone = (self._user, self._domain())
        if change.value is None and change.record:
            return ("v-delete-dns-record", *zone, change.record.id, restart)
        name, record_type = change.key
        content = (_relative(name, self.name), record_type, _spelled(record_type, change.value or ""))
        if change.record:
            return ("v-change-dns-record", *zone, change.record.id, *content, "", restart, str(TTL))
        return ("v-add-dns-record", *zone, *content, "", "", restart, str(TTL))

    def _records(self) -> list[Record]:
        listed = self._api.read("v-list-dns-records", self._user, self._domain(), "json")
        return [_record(id, row, self.name) for id, row in listed.items() if isinstance(row, dict)]

    def _zones(self) -> dict[str, str]:
        """The user's zones: how HestiaCP spells each, by its ASCII name."""
        listed = self._api.read("v-list-dns-domains", self._user, "json")
        return {_ascii(name): name for name in listed}

    def _domain(self) -> str:
        """The zone as HestiaCP spells it: an international name as it was typed there, in Unicode or in ASCII."""
        if not self._spelling:
            international = "xn--" in self.name
            self._spelling = self._zones().get(self.name, self.name) if international else self.name
        return self._spelling


def _explained(error: ProviderError, change: Change) -> ProviderError:
    """HestiaCP tells no reason beside an exit code; one refusal has another reason than its code says."""
    is_last_a = isinstance(error, Rejected) and change.value is None and change.key[1] == "A"
    return Rejected(f"{error}; HestiaCP keeps the last A record of a zone") if is_last_a else error


def server_url(server: str) -> str:
    """The address of a panel in the form in which it is stored: with a scheme, and exactly one slash at the end."""
    address = server.strip().rstrip("/")
    return f"{address if '://' in address else f'https://{address}'}/"


def _relative(name: str, zone: str) -> str:
    return APEX if name == zone else name.removesuffix(f".{zone}")


def _absolute(record: str, zone: str) -> str:
    if record == APEX:
        return zone
    return _ascii(record) if record.endswith(".") else f"{_ascii(record)}.{zone}"


def _spelled(record_type: str, value: str) -> str:
    return f"{value}." if record_type in HOST_NAME_TYPES else value


def _record(id: str, row: Mapping[str, Any], zone: str) -> Record:
    record_type = str(row.get("TYPE", "")).upper()
    value = str(row.get("VALUE", ""))
    value = canonical(record_type, _ascii(value) if record_type in HOST_NAME_TYPES else value)
    name = _absolute(str(row.get("RECORD", "")), zone)
    return Record(str(row.get("ID") or id), name, record_type, value, sound=row.get("SUSPENDED") != "yes")


def _ascii(name: str) -> str:
    """A name in lower-case ASCII without a trailing dot. HestiaCP stores international names in Unicode (idn2 -d)."""
    return ".".join(_label(label) for label in name.rstrip(".").lower().split("."))


def _label(label: str) -> str:
    try:
        return label if label.isascii() else idna.encode(label, uts46=True).decode("ascii")
    except idna.IDNAError:
        return label
