"""Zones and reverse names through the protocol, as the pages of admins and clients ask for them."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from bridge.database import close_connection
from bridge.dns.zone_form import KEEP
from bridge.lifecycle.direct import Why
from bridge.models.companion import PendingRecord
from bridge.models.module import DnsZone, VmInfo
from bridge.models.whmcs import Service, Ticket, TicketDepartment
from bridge.protocol.signing import Signer
from bridge.web.app import create_app
from bridge.web.callers import Actor
from bridge.web_role import WebServices
from bridge.wiring import Outside
from providers.errors import AuthFailed
from tests.chaos.processes import wait_until
from tests.commands.browser import Browser
from tests.commands.conftest import Desk
from tests.daemon import SECRET
from tests.factories import set_setting
from tests.lifecycle.names import Names

REVERSE = "130.168.192.in-addr.arpa"
POWERDNS = {"zone": "example.org", "type": "powerdns", "server": "https://dns.example.net", "api_key": "pdns-secret"}


class NamedDesk(Desk):
    """A desk with DNS zones in memory."""

    def __init__(self, folder: Path, settings: dict[str, str] | None = None) -> None:
        self.names = Names()
        super().__init__(folder, settings)
        self.names.install()

    def start_daemon(self) -> None:
        super().start_daemon()
        config = self.house.config.model_copy(update={"secret": SecretStr(SECRET)})
        self.house = type(self.house)(config, self.clock, self.outside())  # type: ignore[arg-type]

    def outside(self) -> Outside:
        self.names.gate = self.gate
        return replace(super().outside(), dns=self.names.provide, resolve=lambda names: {}, pause=self.clock.advance)

    def admin(self, name: str, **params: Any) -> Any:
        """A function of the addon, for an admin: its `result`, or its line of refusal."""
        return self.call(f"/v1/addon/{name}", params, {"type": "admin", "id": 1})

    def call(self, path: str, params: dict[str, Any], actor: dict[str, Any]) -> Any:
        """A signed call."""
        body, nonce = json.dumps({"params": params, "actor": actor}).encode(), uuid4().hex
        headers = Signer(SECRET).sign_request("POST", path, 1000, nonce, body).headers()
        client = create_app(WebServices(self.house), SECRET, clock=lambda: 1000.0).test_client()
        answer = client.post(path, data=body, headers=headers).get_json()
        return answer["error"] if "error" in answer else answer["result"]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[NamedDesk]:
    yield NamedDesk(tmp_path, {"ipv6_count": "0", "ipv4_count": "1"})
    close_connection()


@pytest.mark.req("DNS-34", "DNS-36", "DNS-37")
def test_an_admin_adds_lists_and_changes_a_zone_and_never_gets_its_secret_back(rig: NamedDesk) -> None:
    zone_id = rig.admin("zone_save", fields=POWERDNS)
    listed = rig.admin("zones", search="example.org")
    assert listed["rows"] == [
        {
            "id": zone_id,
            "zone": "example.org",
            "type": "powerdns",
            "server": "https://dns.example.net/",
            "api_key": KEEP,
        }
    ]
    assert rig.admin("zone_save", id=zone_id, fields={"api_key": KEEP, "server": "https://dns2.example.net"}) == zone_id
    assert rig.house.zones.providers.vault.open(DnsZone.get_by_id(zone_id).api_key) == "pdns-secret"


@pytest.mark.req("DNS-36")
def test_a_secret_that_is_left_out_as_null_keeps_its_value(rig: NamedDesk) -> None:
    zone_id = rig.admin("zone_save", fields=POWERDNS)
    rig.admin("zone_save", id=zone_id, fields={"api_key": None})
    assert rig.house.zones.providers.vault.open(DnsZone.get_by_id(zone_id).api_key) == "pdns-secret"


@pytest.mark.req("DNS-37")
def test_a_refused_zone_does_not_repeat_its_secret(rig: NamedDesk) -> None:
    line = rig.admin("zone_save", fields={**POWERDNS, "server": "ftp://x", "api_key": "pdns-secret"})
    assert line.startswith("Server URL: must be like")
    assert "pdns-secret" not in rig.admin("zone_save", fields=["pdns-secret"])


@pytest.mark.req("DNS-38", "DNS-61")
def test_the_test_button_tells_the_providers_own_words(rig: NamedDesk) -> None:
    zone = DnsZone.get(DnsZone.zone == REVERSE)
    assert rig.admin("zone_test", id=zone.id) == {"success": True, "error": ""}
    rig.names.zones[REVERSE].failing = AuthFailed("dns.example.net: Unauthorized")
    assert rig.admin("zone_test", id=zone.id) == {"success": False, "error": "dns.example.net: Unauthorized"}


@pytest.mark.req("DNS-46")
def test_an_admin_deletes_a_zone(rig: NamedDesk) -> None:
    zone = DnsZone.get(DnsZone.zone == REVERSE)
    assert rig.admin("zone_delete", id=zone.id) is None
    assert rig.admin("zone_delete", id=zone.id) == f"there is no DNS zone {zone.id}"


@pytest.mark.parametrize(
    "name", ["zones", "zone_save", "zone_delete", "zone_test", "reverse_names", "reverse_names_save"]
)
def test_the_functions_are_for_admins_only(rig: NamedDesk, name: str) -> None:
    for actor in ({"type": "client", "id": 1}, {"type": "system"}):
        assert rig.call(f"/v1/addon/{name}", {"serviceid": 1}, actor) == "This page is for admins only."


@pytest.mark.req("RDN-15", "RDN-02", "RDN-05")
def test_a_client_reads_and_changes_his_reverse_names(rig: NamedDesk) -> None:
    service = rig.deploy()
    browser = Browser(rig)
    shown = browser.read(service, "reverse_names")
    assert [entry["ip"] for entry in shown["names"]] == ["192.168.130.2"]
    saved = browser.press(service, "reverse_names_save", names={"192.168.130.2": "mail.example.org"})
    assert saved == {
        "changed": [{"ip": "192.168.130.2", "name": "mail.example.org", "pending": False, "warning": ""}],
        "ticket": False,
    }
    assert rig.names.reverse(["192.168.130.2"]) == {"192.168.130.2": "mail.example.org"}


@pytest.mark.req("RDN-03", "RDN-12")
@pytest.mark.parametrize("names", [{"192.168.130.2": "-bad_host"}, {"192.168.130.3": "mail.example.org"}])
def test_a_forged_form_changes_nothing(rig: NamedDesk, names: dict[str, str]) -> None:
    service = rig.deploy()
    before = rig.record(service).vm_rev_dns
    assert isinstance(Browser(rig).press(service, "reverse_names_save", names=names), str)
    assert rig.record(service).vm_rev_dns == before


@pytest.mark.req("PRM-18")
def test_a_client_without_the_permission_is_refused(rig: NamedDesk) -> None:
    service = rig.deploy()
    rig.set_product(client_revdns="off")
    browser = Browser(rig)
    assert browser.read(service, "reverse_names") == "Access Denied"
    names = {"192.168.130.2": "mail.example.org"}
    assert browser.press(service, "reverse_names_save", names=names) == "Access Denied"


def test_a_client_reads_no_words_of_a_provider(rig: NamedDesk) -> None:
    service = rig.deploy()
    rig.names.zones[REVERSE].failing = AuthFailed("dns.internal.example.net: Unauthorized")
    browser = Browser(rig)
    saved = browser.press(service, "reverse_names_save", names={"192.168.130.2": "mail.example.org"})
    assert saved["changed"][0]["pending"] is True
    assert "internal" not in json.dumps([saved, browser.read(service, "reverse_names")])
    told = rig.admin("reverse_names", serviceid=service)
    assert told[0]["pending"] == "dns.internal.example.net: Unauthorized"


@pytest.mark.req("RDN-06")
def test_the_ticket_of_a_client_is_opened_in_whmcs(rig: NamedDesk) -> None:
    service = rig.deploy()
    DnsZone.delete().execute()
    rig.set_product(revdns_ticket="on", revdns_department=str(TicketDepartment.create(name="Support", email="a@b").id))
    saved = Browser(rig).press(service, "reverse_names_save", names={"192.168.130.2": "mail.example.org"})
    assert saved["ticket"] is True
    rig.run()
    (ticket,) = list(Ticket.select())
    assert f"service {service}" in ticket.title


def test_an_admin_on_the_page_of_a_client_opens_no_ticket(rig: NamedDesk) -> None:
    service = rig.deploy()
    DnsZone.delete().execute()
    rig.set_product(revdns_ticket="on", revdns_department=str(TicketDepartment.create(name="Support", email="a@b").id))
    admin = Actor(type="admin", id=1, admin=1, session="")
    saved = WebServices(rig.house).clients.set_reverse_names(service, admin, {"192.168.130.2": "mail.example.org"})
    assert (len(saved["changed"]), saved["ticket"]) == (1, False)


@pytest.mark.req("RDN-15")
def test_an_admin_changes_reverse_names_of_a_service(rig: NamedDesk) -> None:
    service = rig.deploy()
    saved = rig.admin("reverse_names_save", serviceid=service, names={"192.168.130.2": "a.example.org"})
    assert [entry["name"] for entry in saved["changed"]] == ["a.example.org"]
    assert rig.names.reverse(["192.168.130.2"]) == {"192.168.130.2": "a.example.org"}


@pytest.mark.req("DNS-41", "DNS-54")
def test_dns_php_is_answered_for_those_whom_the_settings_name(rig: NamedDesk) -> None:
    service = rig.deploy()
    domain = str(rig.record(service).vm_name) + ".example.com"
    system = {"type": "system"}
    assert rig.call("/v1/module/DnsRecords", {"remote_address": "192.0.2.10"}, system) is None
    set_setting("dns_list_allow", "192.0.2.10/32")
    rig.start_daemon()
    assert rig.call("/v1/module/DnsRecords", {"remote_address": "192.0.2.10"}, system) == [
        {"forward": domain, "ip": "192.168.130.2", "reverse": domain}
    ]


@pytest.mark.req("DNS-49")
def test_what_is_pending_is_explained_until_it_is_right(rig: NamedDesk) -> None:
    rig.names.zones[REVERSE].failing = AuthFailed("dns.example.net: Unauthorized")
    service = rig.deploy()
    pending = rig.admin("explain", serviceid=service)["dns_pending"]
    assert pending == [f"2.{REVERSE} PTR: dns.example.net: Unauthorized"]
    assert rig.admin("status")["dns_pending"] == 1
    rig.names.zones[REVERSE].failing = None
    rig.clock.advance(3600)
    rig.house.dns_retries.work()
    assert rig.admin("explain", serviceid=service)["dns_pending"] == []
    assert rig.admin("status")["dns_pending"] == 0


@pytest.mark.req("DNS-53")
def test_a_new_main_domain_moves_the_names_and_leaves_nothing_behind(rig: NamedDesk) -> None:
    service = rig.deploy()
    rig.admin("reverse_names_save", serviceid=service, names={"192.168.130.2": ""})
    rig.set_product(main_domain="vps.example.com")
    assert rig.call("/v1/module/VMSetDNSRecords", {"serviceid": service}, {"type": "admin", "id": 1}) == "success"
    rig.run()
    domain = f"{rig.record(service).vm_name}.vps.example.com"
    assert Service.get_by_id(service).domain == domain
    assert rig.names.forward == {domain: ["192.168.130.2"]}
    assert rig.names.reverse(["192.168.130.2"]) == {"192.168.130.2": domain}
    assert json.loads(rig.record(service).vm_rev_dns) == {"192.168.130.2": domain}


@pytest.mark.req("DNS-53")
def test_a_name_that_the_client_has_chosen_stays_when_the_main_domain_changes(rig: NamedDesk) -> None:
    service = rig.deploy()
    rig.admin("reverse_names_save", serviceid=service, names={"192.168.130.2": "mail.example.org"})
    rig.set_product(main_domain="vps.example.com")
    rig.call("/v1/module/ChangePackage", {"serviceid": service}, {"type": "admin", "id": 1})
    rig.run()
    assert rig.names.reverse(["192.168.130.2"]) == {"192.168.130.2": "mail.example.org"}


@pytest.mark.req("DNS-27")
def test_a_product_without_main_domain_keeps_the_host_name_that_whmcs_shows(rig: NamedDesk) -> None:
    service = rig.deploy()
    before = Service.get_by_id(service).domain
    rig.set_product(main_domain="")
    rig.call("/v1/module/VMSetDNSRecords", {"serviceid": service}, {"type": "admin", "id": 1})
    rig.run()
    assert Service.get_by_id(service).domain == before
    assert rig.names.forward == {before: ["192.168.130.2"]}


@pytest.mark.req("DNS-49")
def test_where_only_ticks_run_they_try_again_what_failed_and_print_nothing_of_it(rig: NamedDesk) -> None:
    rig.names.zones[REVERSE].failing = AuthFailed("dns.example.net: Unauthorized")
    service = rig.deploy()
    rig.names.zones[REVERSE].failing = None
    rig.clock.advance(3600)
    printed = rig.tick()
    assert rig.names.reverse(["192.168.130.2"]) == {"192.168.130.2": Service.get_by_id(service).domain}
    assert not [line for line in printed if "rev" in line]


@pytest.mark.req("DNS-58")
def test_records_of_a_step_that_nobody_waits_for_any_longer_are_looked_at_when_they_are_written(rig: NamedDesk) -> None:
    service = rig.deploy()
    VmInfo.update(vm_status="clone").where(VmInfo.service_id == service).execute()
    answers = threading.Event()
    rig.names.zones[REVERSE].meanwhile = lambda: answers.wait(20)
    answer = rig.house.direct.run(service, "VMSetDNSRecords")
    assert answer.why is Why.GOES_ON
    VmInfo.update(vm_status="terminate").where(VmInfo.service_id == service).execute()
    answers.set()
    wait_until(lambda: PendingRecord.get_or_none(PendingRecord.type == "PTR"), 20, lambda: "nothing is looked at again")
    rig.house.dns_retries.work()
    assert rig.names.reverse(["192.168.130.2"]) == {}
