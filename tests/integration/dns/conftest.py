"""Zones on a real PowerDNS, and what goes over the wire to it."""

import json
from collections.abc import Callable
from secrets import token_hex
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from providers.dns.powerdns import PowerDnsZone
from tests.powerdns_server import PowerDns


class Wire(HTTPAdapter):
    """The network, and a list of what was sent over it."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[requests.PreparedRequest] = []

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """Write down, then send."""
        self.sent.append(request)
        return super().send(request, *args, **options)

    @property
    def methods(self) -> list[str | None]:
        """The methods of all requests."""
        return [request.method for request in self.sent]

    def changes(self) -> list[dict[str, Any]]:
        """The record sets in the body of the last request."""
        found: list[dict[str, Any]] = json.loads(self.sent[-1].body or b"")["rrsets"]
        return found


Open = Callable[[str], PowerDnsZone]


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def open_zone(powerdns: PowerDns, wire: Wire) -> Open:
    """Opens the zone of a name on the server, over the wire."""
    return lambda name: PowerDnsZone(name, powerdns.url, powerdns.api_key, adapter=wire)


@pytest.fixture
def zone(powerdns: PowerDns, open_zone: Open) -> PowerDnsZone:
    """A new forward zone."""
    return open_zone(powerdns.create_zone(f"{token_hex(4)}.example.com"))
