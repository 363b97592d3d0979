"""From a zone's row to the way to its records: the provider's adapter, or a stand-in that says why there is none."""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from bridge.dns.credentials import NoKey, Vault
from bridge.models.module import DnsZone
from bridge.trust import Trust, TrustedPlace, dns_key
from providers.dns import DnsObserver, Key, RecordSet, Zone
from providers.dns.apicall import nobody
from providers.dns.cloudflare import CloudflareZone
from providers.dns.hestiacp import HestiaZone
from providers.dns.powerdns import PowerDnsZone
from providers.errors import Permanent, ProviderError, Unreached
from providers.tls import SYSTEM_CAS, Tls
from statemachines.errors import Temporary

CLOUDFLARE, HESTIACP, POWERDNS = "cloudflare", "hestiacp", "powerdns"
PROVIDERS = (CLOUDFLARE, HESTIACP, POWERDNS)

# A provider that cannot be reached is left alone for so long, so that no VM waits for it again and again.
REST_SECONDS = 30.0


@dataclass(frozen=True)
class Providers:
    """Connects zones to their providers; `observe` gets every request to any of them after its end."""

    vault: Vault
    trust: Trust
    observe: DnsObserver = nobody

    def connect(self, name: str, row: DnsZone) -> Zone:
        """The adapter of the row's provider for the zone `name`.

        May look at the provider's certificate, so it takes a while the first time. Raises ProviderError.
        """
        try:
            return self._adapter(name, row)
        except (NoKey, ValueError) as error:
            raise Permanent(str(error)) from None
        except Temporary as error:
            raise Unreached(str(error).removesuffix(" Will retry.")) from None

    def _adapter(self, name: str, row: DnsZone) -> Zone:
        server, provider = (row.server or "").strip(), provider_of(row)
        if provider == CLOUDFLARE:
            token = self.vault.open(row.api_token)
            return CloudflareZone(
                name, token, zone_id=row.zone_id or "", account_id=row.account_id or "", observe=self.observe
            )
        if provider == HESTIACP:
            password = self.vault.open(row.password)
            tls = self._tls(name, row)
            return HestiaZone(name, server, row.admin or "", password, row.user or "", tls=tls, observe=self.observe)
        if provider == POWERDNS:
            return PowerDnsZone(
                name, server, self.vault.open(row.api_key), tls=self._tls(name, row), observe=self.observe
            )
        raise ValueError(f'the type "{row.type}" is none of {", ".join(PROVIDERS)}')

    def _tls(self, name: str, row: DnsZone) -> Tls:
        _address(row)  # one that makes no sense is told, and not taken for plain HTTP
        place = place_of(row)
        if place is None:
            return SYSTEM_CAS
        return self.trust.tls(trust_key(row), f"zone {name} [{provider_of(row)}]", place)


def provider_of(row: DnsZone) -> str:
    """The row's provider as console lines have it; whoever wrote the row may have spelled it otherwise."""
    return (row.type or "").strip().lower()


def place_of(row: DnsZone) -> TrustedPlace | None:
    """Where the row's provider shows its certificate; None for Cloudflare, whose one verifies, for plain HTTP, and where the
    address makes no sense: whoever connects says so."""
    try:
        parts = _address(row)
    except ValueError:
        return None
    if provider_of(row) == CLOUDFLARE or parts.scheme != "https" or not parts.hostname:
        return None
    return TrustedPlace(parts.hostname, parts.port or 443)


def _address(row: DnsZone) -> SplitResult:
    """The row's Server URL, taken apart. Raises ValueError; the reason of urlsplit might quote a password."""
    server = (row.server or "").strip()
    try:
        parts = urlsplit(server if "://" in server else f"https://{server}")
        _ = parts.port
    except ValueError:
        raise ValueError("its Server URL makes no sense; it has to be like https://dns.example.com:8081") from None
    return parts


def trust_key(row: DnsZone) -> str:
    """Under which the choice of certificate for the row's provider is kept; empty where there is none to choose."""
    place = place_of(row)
    return dns_key(place.host, place.port) if place else ""


class UnusableZone:
    """A zone that cannot be used: every operation fails with the reason."""

    def __init__(self, name: str, provider: str, reason: ProviderError) -> None:
        self.name, self.provider, self._reason = name, provider, reason

    def test(self) -> None:
        """Raises the reason."""
        raise self._reason

    def fetch(self, keys: Collection[Key]) -> dict[Key, frozenset[str]]:
        """Raises the reason."""
        raise self._reason

    def store(self, sets: Sequence[RecordSet]) -> Mapping[Key, ProviderError]:
        """Nothing is stored."""
        return {wanted.key: self._reason for wanted in sets}


class LazyZone:
    """A zone whose provider is connected to with the first call, in the thread that makes it.

    Calls that come meanwhile wait for that one and share its end, also when it fails: none of them takes its time again.
    """

    def __init__(self, name: str, provider: str, connect: Callable[[], Zone]) -> None:
        self.name, self.provider = name, provider
        self._connect = connect
        self._zone: Zone | None = None
        self._failures = 0
        self._failure = ProviderError("")
        self._lock = threading.Lock()

    def test(self) -> None:
        """As the provider's zone."""
        self._connected().test()

    def fetch(self, keys: Collection[Key]) -> dict[Key, frozenset[str]]:
        """As the provider's zone."""
        return self._connected().fetch(keys)

    def store(self, sets: Sequence[RecordSet]) -> Mapping[Key, ProviderError]:
        """As the provider's zone."""
        try:
            zone = self._connected()
        except ProviderError as error:
            return {wanted.key: error for wanted in sets}
        return zone.store(sets)

    def _connected(self) -> Zone:
        before = self._failures
        with self._lock:
            if self._failures != before:
                raise self._failure
            if self._zone is None:
                self._zone = self._first_call()
            return self._zone

    def _first_call(self) -> Zone:
        try:
            return self._connect()
        except ProviderError as error:
            self._failures, self._failure = self._failures + 1, error
            raise


class RestingZone:
    """A zone that is left alone for a while after its provider was not reached. `now` gives seconds."""

    def __init__(self, zone: Zone, now: Callable[[], float]) -> None:
        self.name, self.provider = zone.name, zone.provider
        self._zone, self._now = zone, now
        self._until, self._reason = float("-inf"), ""

    def test(self) -> None:
        """Always asks: an admin wants to know how it is now."""
        self._zone.test()
        self._until = float("-inf")

    def fetch(self, keys: Collection[Key]) -> dict[Key, frozenset[str]]:
        """As the zone, unless it rests."""
        if reason := self.resting:
            raise reason
        try:
            return self._zone.fetch(keys)
        except Unreached as error:
            self.rest(error)
            raise

    def store(self, sets: Sequence[RecordSet]) -> Mapping[Key, ProviderError]:
        """As the zone, unless it rests."""
        if reason := self.resting:
            return {wanted.key: reason for wanted in sets}
        failed = self._zone.store(sets)
        unreached = next((error for error in failed.values() if isinstance(error, Unreached)), None)
        if unreached:
            self.rest(unreached)
        return failed

    @property
    def resting(self) -> Unreached | None:
        """Why the zone is left alone at this moment; None when it is not."""
        return Unreached(self._reason) if self._now() < self._until else None

    def rest(self, error: Unreached) -> None:
        """Begin the rest, for this reason."""
        self._until, self._reason = self._now() + REST_SECONDS, str(error)
