"""The DNS providers that the contract is checked on: each is a zone at a provider, with ways to look behind the adapter's back.

`PROVIDERS` holds one factory per provider: a function that takes pytest's request and gives a context with a `Provider`.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from secrets import token_hex
from typing import Protocol

import pytest

from bridge.sandbox.dns import DnsSandbox, serving
from providers.dns import Key, RecordSet, Zone
from providers.dns.powerdns import PowerDnsZone
from providers.dns.records import HOST_NAME_TYPES, canonical
from providers.errors import AuthFailed, NotFound, Unreached
from tests.memory_zone import MemoryZone
from tests.powerdns_server import PowerDns
from tests.services import free_port

from . import dns_cloudflare_fake, dns_hestiacp_fake


class Put(Protocol):
    """Gives `name` a record set without the adapter, values spelled as in `RecordSet` or in any way that the provider takes."""

    def __call__(self, name: str, record_type: str, *values: str) -> None: ...


@dataclass
class Provider:
    """An empty zone at a provider, and what the contract needs around it.

    `zone` reaches it. `stranger` is the same with a credential that the provider does not know, `misnamed` with its own
    credential and a name that the provider does not have, `unreachable` with a server that nobody answers at. None of `secrets`
    may ever be seen. `held()` tells all records of the zone but SOA and NS, canonical; `refused` the provider does not take.
    """

    zone: Zone
    stranger: Zone
    misnamed: Zone
    unreachable: Zone
    secrets: tuple[str, ...]
    put: Put
    held: Callable[[], dict[Key, frozenset[str]]]
    refused: RecordSet


Factory = Callable[[pytest.FixtureRequest], AbstractContextManager[Provider]]


@contextmanager
def memory(request: pytest.FixtureRequest) -> Iterator[Provider]:
    """The twin."""
    zone = MemoryZone("example.com")

    def put(name: str, record_type: str, *values: str) -> None:
        zone.records[name, record_type] = frozenset(canonical(record_type, value) for value in values)
        if record_type == "CNAME":
            zone.aliases.add(name)

    yield Provider(
        zone,
        stranger=MemoryZone(zone.name, records=zone.records, failing=AuthFailed("refused")),
        misnamed=MemoryZone("elsewhere.example", failing=NotFound("there is no zone elsewhere.example")),
        unreachable=MemoryZone(zone.name, failing=Unreached("not there")),
        secrets=(),
        put=put,
        held=lambda: dict(zone.records),
        refused=RecordSet("vm.example.net", "A", ("192.0.2.9",)),
    )


@contextmanager
def powerdns(request: pytest.FixtureRequest) -> Iterator[Provider]:
    """A real PowerDNS."""
    server: PowerDns = request.getfixturevalue("powerdns")
    zone = server.create_zone(f"{token_hex(4)}.example.com")
    wrong = "not-the-key-of-any-server"

    def put(name: str, record_type: str, *values: str) -> None:
        dot = "." if record_type in HOST_NAME_TYPES else ""
        server.put(zone, name, record_type, *(f"{value}{dot}" for value in values))

    def held() -> dict[Key, frozenset[str]]:
        return {
            (owner.rstrip("."), record_type): frozenset(canonical(record_type, content) for content in contents)
            for (owner, record_type), contents in server.held(zone).items()
        }

    yield Provider(
        PowerDnsZone(zone, server.url, server.api_key),
        stranger=PowerDnsZone(zone, server.url, wrong),
        misnamed=PowerDnsZone("elsewhere.example", server.url, server.api_key),
        unreachable=PowerDnsZone(zone, f"http://127.0.0.1:{free_port()}", server.api_key),
        secrets=(server.api_key, wrong),
        put=put,
        held=held,
        refused=RecordSet(f"refused.{zone}", "A", ("300.0.2.1",)),
    )


@contextmanager
def sandbox(request: pytest.FixtureRequest) -> Iterator[Provider]:
    """The stand-in of the demo, which takes the place of a PowerDNS."""
    server, wrong = DnsSandbox("key-of-the-sandbox"), "not-the-key-of-any-server"
    name, records = "example.com", server.add("example.com")

    def put(owner: str, record_type: str, *values: str) -> None:
        dot = "." if record_type in HOST_NAME_TYPES else ""
        records[owner, record_type] = tuple(f"{value}{dot}" for value in values)

    def held() -> dict[Key, frozenset[str]]:
        return {key: frozenset(canonical(key[1], content) for content in found) for key, found in records.items()}

    with serving(server) as url:
        yield Provider(
            PowerDnsZone(name, url, server.api_key),
            stranger=PowerDnsZone(name, url, wrong),
            misnamed=PowerDnsZone("elsewhere.example", url, server.api_key),
            unreachable=PowerDnsZone(name, f"http://127.0.0.1:{free_port()}", server.api_key),
            secrets=(server.api_key, wrong),
            put=put,
            held=held,
            refused=RecordSet("refused.example.com", "A", ("300.0.2.1",)),
        )


@contextmanager
def cloudflare(request: pytest.FixtureRequest) -> Iterator[Provider]:
    """A stand-in."""
    zone, server = dns_cloudflare_fake.make_zone("example.com")
    wrong, nowhere = "a-token-that-nobody-has-ever-made-here", f"http://127.0.0.1:{free_port()}/client/v4"

    def held() -> dict[Key, frozenset[str]]:
        found: dict[Key, frozenset[str]] = {}
        for row in server.rows.values():
            key = row["name"], row["type"]
            found[key] = found.get(key, frozenset()) | {canonical(row["type"], row["content"])}
        return found

    yield Provider(
        zone,
        stranger=server.zone(api_token=wrong),
        misnamed=server.zone(name="elsewhere.example"),
        unreachable=server.zone(api=nowhere, adapter=None),
        secrets=(server.token, wrong),
        put=server.put,
        held=held,
        refused=RecordSet("refused.example.com", "A", ("300.0.2.1",)),
    )


@contextmanager
def hestiacp(request: pytest.FixtureRequest) -> Iterator[Provider]:
    """A stand-in. The zone has an A record that is not told, as HestiaCP refuses to delete the last one."""
    zone, server = dns_hestiacp_fake.make_zone("example.com")
    server.put("first", "A", "192.0.2.250")
    wrong = "not-the-password-of-any-panel"

    def put(name: str, record_type: str, *values: str) -> None:
        relative = name.removesuffix("example.com").rstrip(".") or "@"
        dot = "." if record_type in HOST_NAME_TYPES else ""
        server.put(relative, record_type, *(f"{value}{dot}" for value in values))

    def held() -> dict[Key, frozenset[str]]:
        found: dict[Key, frozenset[str]] = {}
        for row in server.served.values():
            key = "example.com" if row["RECORD"] == "@" else f"{row['RECORD']}.example.com", row["TYPE"]
            found[key] = found.get(key, frozenset()) | {canonical(row["TYPE"], row["VALUE"])}
        return {key: values for key, values in found.items() if key != ("first.example.com", "A")}

    yield Provider(
        zone,
        stranger=server.zone(password=wrong),
        misnamed=server.zone(name="elsewhere.example"),
        unreachable=server.zone(server=f"http://127.0.0.1:{free_port()}", adapter=None),
        secrets=(server.password, wrong),
        put=put,
        held=held,
        refused=RecordSet("refused.example.com", "A", ("300.0.2.1",)),
    )


PROVIDERS: dict[str, Factory] = {
    "memory": memory,
    "powerdns": powerdns,
    "sandbox": sandbox,
    "cloudflare": cloudflare,
    "hestiacp": hestiacp,
}
