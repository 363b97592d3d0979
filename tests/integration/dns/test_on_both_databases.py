"""The statements of the DNS parts on SQLite and on MariaDB."""

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from bridge.database import close_connection
from bridge.dns.zone_form import KEEP
from bridge.models.module import DnsZone, VmInfo
from tests.integration.dns.desk import HOST, Desk, host_names, living_service, ptr

pytestmark = pytest.mark.usefixtures("database")

IP = "192.168.130.6"


def test_zones_are_stored_changed_listed_and_deleted() -> None:
    admin = Desk().admin
    zone_id = admin.save(
        {"zone": "example.com", "type": "powerdns", "server": "https://a.example.net", "api_key": "s" * 900}
    )
    admin.save({"server": "https://b.example.net", "api_key": KEEP}, zone_id)
    assert admin.page(search="EXAMPLE")["rows"] == [
        {"id": zone_id, "zone": "example.com", "type": "powerdns", "server": "https://b.example.net/", "api_key": KEEP}
    ]
    assert admin.disclose() == 1
    assert DnsZone.get_by_id(zone_id).api_key == "s" * 900
    admin.delete(zone_id)
    assert admin.page()["total"] == 0


def test_names_are_written_changed_checked_and_removed() -> None:
    desk = Desk()
    zone = desk.zone("130.168.192.in-addr.arpa")
    service = living_service(IP)
    desk.refresh(service, host_names(IP))
    desk.reverse.set(service, {IP: "mail.example.org"}, by_client=True)
    assert zone.records == {ptr(IP): {"mail.example.org"}}
    zone.records.clear()
    found = list(desk.check.differences())
    assert desk.check.repair(found) == 1
    desk.reverse.set(service, {IP: ""}, by_client=True)
    assert zone.records == {ptr(IP): {HOST}}
    desk.remove(service, host_names(IP))
    assert (zone.records, desk.outstanding()) == ({}, [])


def test_names_of_several_addresses_that_are_saved_at_once_are_all_kept() -> None:
    ips = [f"192.168.130.{number}" for number in range(2, 10)]
    service, begin = living_service(*ips), Barrier(len(ips))

    def save(ip: str) -> None:
        desk = Desk()
        begin.wait(20)
        desk.reverse.set(service, {ip: f"mail{ip.rpartition('.')[2]}.example.org"}, by_client=True)
        close_connection()

    with ThreadPoolExecutor(len(ips)) as clients:
        list(clients.map(save, ips))
    stored = json.loads(VmInfo.get_by_id(service).vm_rev_dns)
    assert stored == {ip: f"mail{ip.rpartition('.')[2]}.example.org" for ip in ips}
