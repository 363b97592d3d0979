"""The records of one VM with six addresses at two providers whose every request takes 200 ms."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import requests
from requests.adapters import BaseAdapter, HTTPAdapter

from benchmarks.case import Ground, Ratio
from bridge.dns.plan import ZoneId, plan
from bridge.dns.sync import storing
from bridge.dns.zones import ConfiguredZone, ZonePool
from providers.dns import Zone
from providers.dns.powerdns import PowerDnsZone
from statemachines.ports import HostNames
from tests.contract import dns_cloudflare_fake, dns_hestiacp_fake
from tests.powerdns_server import PowerDns

LATENCY = 0.2  # seconds
ZONES = ("example.com", "130.168.192.in-addr.arpa", "8.b.d.0.1.0.0.2.ip6.arpa")
IPS = ("192.168.130.6", "192.168.130.7", "192.168.130.8", "2001:db8::6", "2001:db8::7", "2001:db8::8")
VM = HostNames(("vm.example.com",), tuple(map(ip_address, IPS)))


@dataclass
class Distant(BaseAdapter):
    """A provider behind a long line; counts what goes over it."""

    near: BaseAdapter
    sent: int = 0

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Takes its time."""
        self.sent += 1
        time.sleep(LATENCY)
        return self.near.send(request, **options)

    def close(self) -> None:
        """As the near one."""
        self.near.close()


Open = Callable[[str], tuple[Zone, Distant]]


def run(ground: Ground) -> list[Ratio]:
    """PowerDNS (real) together with each of the other two (stand-ins)."""
    with _powerdns(ground) as powerdns:
        return [
            _compared("PowerDNS and HestiaCP", [powerdns, _hestiacp]),
            _compared("PowerDNS and Cloudflare", [powerdns, _cloudflare]),
        ]


def _compared(name: str, providers: Iterable[Open]) -> Ratio:
    ours, our_requests = _timed(list(providers), _in_batches)
    theirs, their_requests = _timed(list(providers), _one_by_one)
    return Ratio(
        f"6 addresses at {name}, one request per record / ours",
        theirs / ours,
        f"{theirs:.1f} s, {their_requests} requests",
        f"{ours:.1f} s, {our_requests} requests",
        "a deploy: all records deleted, then written, 200 ms per request; higher is better",
    )


def _timed(providers: list[Open], work: Callable[[list[ConfiguredZone]], None]) -> tuple[float, int]:
    """Seconds and requests for zones that are empty at first."""
    opened = [open_zone(name) for name in ZONES for open_zone in providers]
    zones = [ConfiguredZone(ZoneId(number, zone.name), zone) for number, (zone, _) in enumerate(opened, 1)]
    began = time.perf_counter()
    work(zones)
    return time.perf_counter() - began, sum(wire.sent for _, wire in opened)


def _in_batches(zones: list[ConfiguredZone]) -> None:
    by_id = {zone.id.id: zone for zone in zones}
    sets = plan([zone.id for zone in zones], VM, VM).sets()
    failed = dict(ZonePool().each({id_: storing(by_id[id_], wanted) for id_, wanted in sets.items()}))
    assert not any(failed.values()), failed


def _one_by_one(zones: list[ConfiguredZone]) -> None:
    """One request for each record, one after the other. Ours list before they store, so a look at the record stands for it."""
    by_id = {zone.id.id: zone for zone in zones}
    for operation in plan([zone.id for zone in zones], VM, VM).operations:
        for record in operation.sets:
            by_id[operation.zone.id].records.fetch([record.key])


@contextmanager
def _powerdns(ground: Ground) -> Iterator[Open]:
    folder = ground.folder / "powerdns"
    folder.mkdir()
    server = PowerDns(folder)
    server.start()

    def open_zone(name: str) -> tuple[Zone, Distant]:
        wire = Distant(HTTPAdapter())
        return PowerDnsZone(server.create_zone(name), server.url, server.api_key, adapter=wire), wire

    try:
        yield open_zone
    finally:
        server.stop()


def _cloudflare(name: str) -> tuple[Zone, Distant]:
    _, fake = dns_cloudflare_fake.make_zone(name)
    wire = Distant(fake)
    return fake.zone(adapter=wire), wire


def _hestiacp(name: str) -> tuple[Zone, Distant]:
    _, fake = dns_hestiacp_fake.make_zone(name)
    fake.put("first", "A", "192.0.2.250")  # HestiaCP does not delete the last A record of a zone
    wire = Distant(fake)
    return fake.zone(adapter=wire), wire
