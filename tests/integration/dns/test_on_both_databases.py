"""The statements of the DNS parts on SQLite and on MariaDB."""

import pytest

from bridge.dns.zone_form import KEEP
from bridge.models.module import DnsZone
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
