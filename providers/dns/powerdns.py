"""PowerDNS Authoritative Server, by its HTTP API: https://doc.powerdns.com/authoritative/http-api/zone.html

How it answers was seen on 4.7 and read in the source of 4.2 to 5.1 (pdns/ws-auth.cc, pdns/ws-api.cc).
"""

import random
import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter

from providers.dns.apicall import DnsObserver, nobody
from providers.dns.http import BrokenOff, HttpApi
from providers.dns.records import HOST_NAME_TYPES, TTL, Key, RecordSet, canonical
from providers.errors import AuthFailed, Conflict, NotFound, ProviderError, Rejected, Unavailable
from providers.tls import SYSTEM_CAS, Tls

FEW = 10  # names that are asked for one by one; for more of them the whole zone is read once
COPIES = ("slave", "secondary", "consumer")  # kinds of zones whose records come from another server
# Two changes at the same moment: SQLite says "database is locked" to one of them, other databases may find a deadlock, and
# PowerDNS makes an HTTP 500 of it.
REPEAT_AFTER = (0.05, 0.1, 0.2, 0.4, 0.8)  # seconds
ABOUT_CONTENT = (Rejected, Conflict)  # refusals of one record set; of a request with several, none is written then


class PowerDnsZone:
    """A zone on a PowerDNS server; implements `providers.dns.Zone`. Safe to share between threads.

    `name` with or without a trailing dot. `server` is the address as admins have it: of the server, of `/api/v1` on it, or of
    `/api/v1/servers/localhost`. `tls`, `adapter` and `pause` are those of HttpApi. Raises ValueError when `server` is no
    address, or `api_key` cannot be sent.
    """

    provider = "powerdns"

    def __init__(
        self,
        name: str,
        server: str,
        api_key: str,
        *,
        tls: Tls = SYSTEM_CAS,
        adapter: BaseAdapter | None = None,
        pause: Callable[[float], None] = time.sleep,
        observe: DnsObserver = nobody,
    ) -> None:
        self.name = _bare(name.strip())
        key = api_key.strip()  # what is pasted often ends with a line break
        self._api = HttpApi(
            api_address(server),
            headers={"X-API-Key": key},
            secrets=[key],
            tls=tls,
            adapter=adapter,
            pause=pause,
            observe=observe,
        )
        self._path = f"zones/{zone_id(self.name)}"
        self._pause = pause

    def __repr__(self) -> str:
        return f"<PowerDnsZone {self.name} on {self._api.where}>"

    def test(self) -> None:
        """Ask for the zone's metadata. Raises ProviderError, also for a zone whose records come from another server.

        PowerDNS takes changes of such a zone without a word, and the next transfer undoes them.
        """
        try:
            zone = self._get(rrsets="false")
        except NotFound:
            self._look_for_api()
            raise
        told, kind = _bare(zone["name"]), str(zone.get("kind", ""))
        if told != self.name:
            raise Rejected(f"{self._api.where} answers with zone {told} instead of {self.name}")
        if kind.lower() in COPIES:
            raise Rejected(
                f"zone {self.name} is only a copy on {self._api.where} (kind {kind}); enter its primary server"
            )

    def fetch(self, keys: Collection[Key]) -> dict[Key, frozenset[str]]:
        """What the zone holds for each of `keys`; disabled records do not count. Raises ProviderError."""
        names = sorted({name for name, _ in keys})
        held = self._read() if len(names) > FEW else self._read_names(names)
        return {key: held.get(key, frozenset()) for key in keys}

    def store(self, sets: Sequence[RecordSet]) -> Mapping[Key, ProviderError]:
        """Write all of `sets` in one request; one by one where the content of any of them is refused. May run twice."""
        error = self._write(sets) if sets else None
        if error is None:
            return {}
        if isinstance(error, ABOUT_CONTENT) and len(sets) > 1:
            return self._store_singly(sets)
        return {wanted.key: error for wanted in sets}

    def _look_for_api(self) -> None:
        """Raises NotFound when there is no API at all: a PowerDNS with `api=no` says of every zone that it is not found."""
        if self._api.send("GET", "zones", params={"zone": f"{self.name}."}).status_code == 404:
            raise self._no_api()

    def _no_api(self) -> NotFound:
        words = f"{self._api.where} has no PowerDNS API at this address (HTTP 404): is it the right one, with api=yes?"
        return NotFound(words, who="admin")

    def _store_singly(self, sets: Sequence[RecordSet]) -> dict[Key, ProviderError]:
        failed: dict[Key, ProviderError] = {}
        for position, wanted in enumerate(sets):
            error = self._write([wanted])
            if error and not isinstance(error, ABOUT_CONTENT):
                # The server has gone, or the key or the zone: the rest would fail like this one, each after a while.
                return failed | {rest.key: error for rest in sets[position:]}
            if error:
                failed[wanted.key] = error
        return failed

    def _write(self, sets: Sequence[RecordSet]) -> ProviderError | None:
        """All of `sets` or none; the reason if it is none."""
        try:
            answer = self._send("PATCH", json={"rrsets": [_change(wanted) for wanted in sets]})
        except ProviderError as error:
            return error
        return None if answer.status_code == 204 else self._trouble(answer)

    def _read_names(self, names: Collection[str]) -> dict[Key, frozenset[str]]:
        held: dict[Key, frozenset[str]] = {}
        for name in names:
            found = self._read(rrset_name=f"{name}.")
            held |= found
            if any(other != name for other, _ in found):
                break  # a server before 4.6.2 ignores the name: this was the whole zone
        return held

    def _read(self, **params: str) -> dict[Key, frozenset[str]]:
        rrsets: Any = self._get(**params).get("rrsets")
        try:
            held = dict(_held(rrset) for rrset in rrsets)
        except (AttributeError, KeyError, TypeError):
            raise Unavailable(
                f"{self._api.where} tells the records of {self.name} in no form that makes sense"
            ) from None
        return {key: values for key, values in held.items() if values}

    def _get(self, **params: str) -> dict[str, Any]:
        """The zone's object, which has a name."""
        answer = self._send("GET", params=params)
        if answer.status_code != 200:
            raise self._trouble(answer)
        zone = _json(answer)
        if not isinstance(zone.get("name"), str):
            raise self._api.nonsense(answer)
        return zone

    def _send(self, method: str, *, params: Mapping[str, str] | None = None, json: Any = None) -> requests.Response:
        """The answer to a request that may run twice: repeated while PowerDNS fails at it, a few times."""
        for seconds in REPEAT_AFTER:
            answer = self._exchange(method, params, json)
            if answer.status_code != 500:
                return answer
            self._pause(seconds * random.uniform(0.5, 1.5))  # who collided must not meet again
        return self._exchange(method, params, json)

    def _exchange(self, method: str, params: Mapping[str, str] | None, json: Any) -> requests.Response:
        try:
            return self._api.send(method, self._path, params=params, json=json)
        except BrokenOff as error:
            raise BrokenOff(
                f"{error}: is our address among webserver-allow-from of PowerDNS?",
                outcome_unknown=error.outcome_unknown,
            ) from None

    def _trouble(self, answer: requests.Response) -> ProviderError:
        where, status, words = self._api.where, answer.status_code, self._api.quotable(_words(answer))
        if status == 404 and words:
            return NotFound(f"zone {self.name} does not exist on {where} ({words})", who="admin")
        if status == 404:
            return self._no_api()
        if not words:
            return self._api.nonsense(answer)
        if status == 401:
            return AuthFailed(f"{where} refuses the API key ({words})")
        if status == 422 and re.search("conflicts with (pre-)?existing", words, re.IGNORECASE):
            return Conflict(f"{where}: {words}; an alias (CNAME) and other records exclude each other", who="admin")
        return self._api.trouble(answer, words)


def api_address(server: str) -> str:
    """The API of the server that an admin calls `server`: with or without scheme, `/`, `/api/v1` or `/api/v1/servers/ID`."""
    parts = urlsplit(server.strip() if "://" in server else f"https://{server.strip()}")
    path, _, rest = f"{parts.path}/".partition("/api/")
    named = re.match("v1/servers/([^/]+)", rest)
    return f"{parts.scheme}://{parts.netloc}{path.rstrip('/')}/api/v1/servers/{named[1] if named else 'localhost'}"


def zone_id(name: str) -> str:
    """The id that PowerDNS derives from a zone's name: `=2F` for a slash, and a dot at the end."""
    return re.sub("[^A-Za-z0-9.-]", lambda other: f"={ord(other[0]):02X}", f"{name}.")


def _bare(name: str) -> str:
    return name.rstrip(".").lower()


def _change(wanted: RecordSet) -> dict[str, Any]:
    """The change that makes PowerDNS hold `wanted`. A REPLACE without records is refused beside a CNAME, a DELETE is not."""
    change = {"name": f"{wanted.name}.", "type": wanted.type}
    if not wanted.values:
        return {**change, "changetype": "DELETE"}
    dot = "." if wanted.type in HOST_NAME_TYPES else ""
    contents = dict.fromkeys(f"{value.rstrip('.')}{dot}" for value in wanted.values)  # the same one twice is refused
    records = [{"content": content, "disabled": False} for content in contents]
    return {**change, "changetype": "REPLACE", "ttl": TTL, "records": records}


def _held(rrset: Any) -> tuple[Key, frozenset[str]]:
    name, record_type = _bare(rrset["name"]), str(rrset["type"])
    contents = [record["content"] for record in rrset["records"] if not record.get("disabled")]
    return (name, record_type), frozenset(canonical(record_type, content) for content in contents)


def _json(answer: requests.Response) -> dict[str, Any]:
    """The object in an answer; empty when there is none."""
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _words(answer: requests.Response) -> str:
    """PowerDNS's own words about a failure; empty when the answer is not from PowerDNS."""
    found = _json(answer)
    more = found.get("errors")  # since 5.1, beside "Multiple errors found in RRset"
    reasons = [found.get("error"), *(more if isinstance(more, list) else ())]
    return "; ".join(reason for reason in reasons if isinstance(reason, str))
