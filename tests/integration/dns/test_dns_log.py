"""Requests to DNS providers in WHMCS's module log: a real PowerDNS, and HestiaCP's and Cloudflare's answers from a table."""

import io
import json
from typing import Any

import pytest
import requests
from requests.adapters import BaseAdapter

from bridge.clock import SystemClock
from bridge.database import Database
from bridge.dns_log import DnsLog
from bridge.models.whmcs import ModuleLogEntry
from bridge.module_log import ADDON, ModuleLog
from providers.dns import RecordSet
from providers.dns.cloudflare import CloudflareZone
from providers.dns.hestiacp import HestiaZone
from providers.dns.powerdns import PowerDnsZone
from providers.errors import ProviderError
from tests.chaos.clock import VirtualClock
from tests.powerdns_server import PowerDns

PASSWORD = "h3stia-p4ssword"
TOKEN = "cl0udflare-t0ken-abcdef"


class Log:
    """The module log as an admin reads it."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.debugging = False
        self.observe = DnsLog(ModuleLog(SystemClock("UTC"), module=ADDON), lambda: self.debugging, self.clock.now)

    @property
    def rows(self) -> list[ModuleLogEntry]:
        return list(ModuleLogEntry.select().order_by(ModuleLogEntry.id))

    @property
    def actions(self) -> list[str]:
        return [row.action for row in self.rows]

    @property
    def text(self) -> str:
        return "\n".join(f"{row.action} {row.request} {row.response}" for row in self.rows)


@pytest.fixture
def log(sqlite_db: Database) -> Log:
    return Log()


class Provider(BaseAdapter):
    """Answers every request with the same status and body, and cuts the connection where the status is 0."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__()
        self.status, self.body = status, body

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:  # type: ignore[override]
        if not self.status:
            raise requests.ConnectionError("cut")
        answer = requests.Response()
        answer.status_code, answer.raw, answer.request = self.status, io.BytesIO(self.body.encode()), request
        return answer

    def close(self) -> None:
        """Nothing is open."""


def wanted(name: str) -> RecordSet:
    return RecordSet(name, "A", frozenset({"192.0.2.5"}))


@pytest.mark.req("LOG-02", "LOG-03")
def test_a_change_at_powerdns_is_logged_with_request_and_answer_under_the_addons_name(
    log: Log, powerdns: PowerDns
) -> None:
    name = powerdns.create_zone("logged.example")
    zone = PowerDnsZone(name, powerdns.url, powerdns.api_key, observe=log.observe)
    assert zone.store([wanted(f"vm.{name}")]) == {}
    (row,) = [row for row in log.rows if row.action.startswith("PATCH ")]
    assert row.module == "puq_proxmox_kvm"
    assert row.action.startswith(f"PATCH 127.0.0.1:{powerdns.web_port}/zones/")
    assert json.loads(row.request)["json"]["rrsets"][0]["records"][0]["content"] == "192.0.2.5"
    assert row.response == "HTTP 204"
    assert powerdns.api_key not in log.text


@pytest.mark.req("LOG-02")
def test_looks_are_logged_while_debugging_only(log: Log, powerdns: PowerDns) -> None:
    name = powerdns.create_zone("looked.example")
    zone = PowerDnsZone(name, powerdns.url, powerdns.api_key, observe=log.observe)
    zone.test()
    assert log.actions == []
    log.debugging = True
    zone.test()
    (row,) = log.rows
    assert row.action.startswith("GET ")
    assert row.response.startswith("HTTP 200\n{")


@pytest.mark.req("LOG-02", "LOG-04")
def test_a_password_that_travels_in_the_form_and_comes_back_is_in_no_row(log: Log) -> None:
    body = f"Error: {PASSWORD} is not the password"
    zone = HestiaZone(
        "example.com", "https://h.example", "admin", PASSWORD, "bob", adapter=Provider(401, body), observe=log.observe
    )
    with pytest.raises(ProviderError):
        zone.test()
    assert log.actions == ["POST h.example/api/"]
    assert "is not the password" in log.rows[0].response
    assert json.loads(log.rows[0].request)["data"]["user"] == "admin"
    assert PASSWORD not in log.text


@pytest.mark.req("LOG-02", "LOG-04")
def test_a_failed_look_is_told_once_in_ten_minutes_and_its_token_never(log: Log) -> None:
    body = json.dumps({"success": False, "errors": [{"code": 9109, "message": f"Invalid access token {TOKEN}"}]})
    zone = CloudflareZone("example.com", TOKEN, adapter=Provider(403, body), observe=log.observe)
    for seconds in (0, 0, 599, 2):
        log.clock.advance(seconds)
        with pytest.raises(ProviderError):
            zone.test()
    assert [row.response.partition("\n")[0] for row in log.rows] == ["HTTP 403"] * 2
    assert "Invalid access token" in log.text
    assert TOKEN not in log.text


@pytest.mark.req("LOG-02")
def test_a_provider_that_gives_no_answer_is_told_with_the_line_of_the_error(log: Log) -> None:
    zone = CloudflareZone("example.com", TOKEN, adapter=Provider(0, ""), observe=log.observe)
    with pytest.raises(ProviderError) as trouble:
        zone.test()
    assert [row.response for row in log.rows] == [str(trouble.value)]
