"""Names of VMs in a real DNS: real PowerDNS, MariaDB, PHP and processes, one of which is killed now and then."""

import json
import os
import random
import signal
import time
from ipaddress import ip_address
from pathlib import Path

import pytest
import requests

from bridge.dns.names import pointer
from bridge.models.companion import PendingRecord, VmWork
from bridge.models.module import VmInfo
from bridge.models.whmcs import ModuleLogEntry, Service
from tests.chaos.processes import Installation, wait_until
from tests.factories import set_setting
from tests.integration.shim.test_web_files import DNS, web_server
from tests.integration.shim.whmcs import ADMIN
from tests.powerdns_server import PowerDns

FORWARD, REVERSE4, REVERSE6 = "example.com", "130.168.192.in-addr.arpa", "8.b.d.0.1.0.0.2.ip6.arpa"


@pytest.fixture
def named(installation: Installation, powerdns: PowerDns) -> Installation:
    """An installation whose zones are on the PowerDNS; added by the command line, as an admin does."""
    key = Path(installation._folder, "pdns-key")
    key.write_text(powerdns.api_key)
    powerdns.clear()
    for zone in (FORWARD, REVERSE4, REVERSE6):
        powerdns.create_zone(zone)
        installation.command("zone", "add", zone, "powerdns", f"server={powerdns.url}", f"api_key=@{key}")
    return installation


def addresses(service: int) -> list[str]:
    row = Service.get_by_id(service)
    return [row.dedicatedip, *(row.assignedips or "").split()]


def resolves(powerdns: PowerDns, service: int) -> None:
    """Every name and every address of the service leads where it should."""
    held, domain = addresses(service), Service.get_by_id(service).domain
    four, six = [ip for ip in held if "." in ip], [ip for ip in held if ":" in ip]
    assert powerdns.ask(domain, "A") == four[:1]
    assert powerdns.ask(domain, "AAAA") == [str(ip_address(ip)) for ip in six[:1]]
    for ip in held:
        assert powerdns.ask(pointer(ip_address(ip)), "PTR") == [f"{domain}."]


def all_is_written(named: Installation) -> None:
    """What failed on the way, because PowerDNS was busy or away, need not wait for its next try."""
    PendingRecord.update(due_at=0.0).execute()
    wait_until(lambda: PendingRecord.select().count() == 0, 60, lambda: named.describe(60))


@pytest.mark.req("DNS-16", "DNS-23", "DNS-26", "DNS-31", "DNS-32", "DNS-33", "LOG-02")
def test_the_names_of_a_vm_come_are_repaired_and_go_with_it(named: Installation, powerdns: PowerDns) -> None:
    named.start("web")
    scheduler = named.start("scheduler")
    service = named.order()
    named.wait_until_ready([service])
    resolves(powerdns, service)
    held, domain = addresses(service), Service.get_by_id(service).domain
    powerdns.put(FORWARD, domain, "A", "203.0.113.99")
    params = named.whmcs.module_parameters(service)
    assert named.call_module("VMSetDNSRecords", params, ADMIN) == "success"
    wait_until(lambda: powerdns.ask(domain, "A") == held[:1], 30, lambda: named.describe(30))
    named.wait_until_ready([service])
    run = json.loads(VmInfo.get_by_id(service).vm_last_action_log)
    assert [step["step"] for step in run["steps"]] == ["Delete DNS records", "Set DNS records"]
    assert f"fwd OK [powerdns] {FORWARD} ← {domain} (2 IPs)" in scheduler.printed
    assert named.call_module("TerminateAccount", params, ADMIN) == "success"
    wait_until(lambda: named.states()[service] == "remove", 60, lambda: named.describe(60))
    assert [powerdns.held(zone) for zone in (FORWARD, REVERSE4, REVERSE6)] == [{}, {}, {}]
    calls = list(ModuleLogEntry.select().where(ModuleLogEntry.module == "puq_proxmox_kvm"))
    assert {row.action.partition(" ")[0] for row in calls} == {"PATCH"}
    assert powerdns.api_key not in "".join(row.request + row.response for row in calls)


@pytest.mark.req("DNS-28", "DNS-49")
def test_a_dns_server_that_is_away_stops_no_order_and_is_caught_up_with(
    named: Installation, powerdns: PowerDns
) -> None:
    powerdns.stop()
    try:
        named.start("web")
        scheduler = named.start("scheduler")
        service = named.order()
        named.wait_until_ready([service])
        assert "refuses connections" in scheduler.printed
        assert PendingRecord.select().count() == 5
        scheduler.kill()
    finally:
        powerdns.start()
    named.start("scheduler")
    all_is_written(named)
    resolves(powerdns, service)


@pytest.mark.req("DNS-58")
def test_a_scheduler_that_is_stopped_while_a_provider_thinks_has_what_is_written_then_looked_at_again(
    named: Installation, powerdns: PowerDns
) -> None:
    named.start("web")
    scheduler = named.start("scheduler")
    powerdns.pause()
    try:
        service = named.order()
        wait_until(lambda: named.states().get(service) == "clone", 30, lambda: named.describe(30))
        time.sleep(0.5)
        os.kill(scheduler.pid, signal.SIGTERM)
        wait_until(lambda: not VmWork.get_by_id(service).lease_owner, 30, lambda: named.describe(30))
        params = named.whmcs.module_parameters(service)
        assert named.call_module("TerminateAccount", params, ADMIN) == "success"
    finally:
        powerdns.pause(on=False)
    assert scheduler.wait(30) == 0
    assert {row.cause for row in PendingRecord.select()} == {"may have been written too late"}
    named.start("scheduler")
    wait_until(lambda: named.states()[service] == "remove", 60, lambda: named.describe(60))
    wait_until(lambda: PendingRecord.select().count() == 0, 60, lambda: named.describe(60))
    assert [powerdns.held(zone) for zone in (FORWARD, REVERSE4, REVERSE6)] == [{}, {}, {}]


@pytest.mark.req("ENG-33")
def test_schedulers_killed_at_random_moments_leave_no_wrong_name_behind(
    named: Installation, powerdns: PowerDns
) -> None:
    rng = random.Random(7)
    web = named.start("web")
    services = [named.order() for _ in range(3)]
    web.stop()
    for _ in range(3):
        process = named.start("scheduler")
        wait_until(lambda process=process: "---" in process.printed, 30, lambda: named.describe(30))
        time.sleep(rng.uniform(0, 1.5))
        process.kill()
        named.pass_time(60)
    named.start("scheduler")
    named.wait_until_ready(services, timeout=90)
    all_is_written(named)
    for service in services:
        resolves(powerdns, service)
    assert len(powerdns.held(REVERSE4)) == 6
    assert len(powerdns.held(FORWARD)) == 6


@pytest.mark.req("DNS-41", "DNS-54")
def test_dns_php_lists_both_names_to_those_who_may_read(named: Installation) -> None:
    named.start("serve")
    service = named.order()
    named.wait_until_ready([service])
    domain = Service.get_by_id(service).domain
    with web_server(named.php) as site:
        refused = requests.get(site + DNS, timeout=10)
        assert (refused.status_code, refused.json()) == (403, {"error": "This address may not read the list."})
        set_setting("dns_list_allow", "127.0.0.0/8")
        time.sleep(1.1)  # settings are read anew within a second
        listed = requests.get(site + DNS, timeout=10)
    assert listed.json() == [{"forward": domain, "ip": ip, "reverse": domain} for ip in addresses(service)]


@pytest.mark.req("DNS-51")
def test_the_check_finds_and_repairs_what_was_changed_by_hand(named: Installation, powerdns: PowerDns) -> None:
    named.start("serve")
    service = named.order()
    named.wait_until_ready([service])
    assert named.command("dns", "check").printed == "All records are as they should be.\n"
    held, domain = addresses(service), Service.get_by_id(service).domain
    powerdns.put(REVERSE4, pointer(ip_address(held[0])), "PTR", "wrong.example.net.")
    check = named.start("dns", "check")
    assert check.wait() == 1
    assert f"PTR is wrong.example.net, should be {domain}" in check.printed
    assert "1 repaired" in named.command("dns", "check", "--repair").printed
    resolves(powerdns, service)
