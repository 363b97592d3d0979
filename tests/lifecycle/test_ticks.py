"""One tick over VMs at all kinds of work, and what it prints of their DNS records."""

import re
from ipaddress import ip_address

import pytest

from bridge.lifecycle.rules import Operation
from bridge.models.whmcs import Service
from bridge.tasks import PROCESS
from tests.deploy.test_output import masked
from tests.factories import make_dns_zone
from tests.lifecycle.conftest import Install
from tests.lifecycle.living import Living
from tests.lifecycle.scenarios import records_fit
from tests.memory_zone import MemoryZone


@pytest.mark.req("CRN-24", "CRN-39")
def test_one_tick_handles_every_kind_of_work(install: Install) -> None:
    rig = install()
    operations = (Operation.CHANGE_PACKAGE, Operation.REINSTALL, Operation.SET_DNS_RECORDS, Operation.TERMINATE)
    services = [rig.living() for _ in operations]
    ordered = rig.order()
    for service, operation in zip(services, operations, strict=True):
        assert rig.ask(service, operation) == "success"
    lines = masked(rig.tick(tasks=(PROCESS,))).splitlines()
    assert rig.states() == {**dict.fromkeys([*services, ordered], "ready"), services[3]: "remove"}
    done = lines.index("<ts> [processVirtualMachines] Done (<n>s) — processed: 5, errors: 0")
    actions = ("change_package", "reinstall", "set_dns_records", "terminate", "deploy")
    assert sorted(lines[done + 1 : done + 6]) == [
        f"<ts>   sid:{service} action:{action} result:success"
        for service, action in zip([*services, ordered], actions, strict=True)
    ]


@pytest.mark.req("CRN-40")
def test_a_paused_package_change_is_an_error_of_the_tick_and_its_line_says_why(install: Install) -> None:
    rig = install()
    paused, well = rig.living(), rig.living()
    for service in (paused, well):
        rig.ask(service, Operation.CHANGE_PACKAGE)
    rig.fault("POST .*/100/status/start", status=500, text="no such bridge")
    lines = masked(rig.tick(tasks=(PROCESS,))).splitlines()
    done = next(number for number, line in enumerate(lines) if "Done (" in line)
    assert lines[done].endswith("— processed: 2, errors: 1")
    (told,) = [line for line in lines[done + 1 :] if f"sid:{paused} " in line]
    assert re.fullmatch(
        r"<ts>   sid:1 action:change_package .*no such bridge.* \(cp_firewall -> cp_start\) \[<n>s\]", told
    )
    assert f"<ts>   sid:{well} action:change_package result:success" in lines[done + 1 :]


def dns_lines(lines: list[str]) -> list[str]:
    """Those of DNS operations, with their place in the line and without their time."""
    return [line[19:] for line in lines if " · " in line and "[" in line]


@pytest.mark.req("CRN-45")
def test_the_lines_of_dns_operations(install: Install) -> None:
    rig = install(ipv4_count="1", ipv6_count="0")
    zone, reverse = "example.com", "130.168.192.in-addr.arpa"
    service = rig.order()
    expected = [
        f"       · fwd-del OK [powerdns] {zone} ← 1-1.{zone}",
        f"       · rev-del OK [hestiacp] {reverse} ← 192.168.130.2",
        f"       · fwd OK [powerdns] {zone} ← 1-1.{zone} (1 IPs)",
        f"       · rev OK [hestiacp] {reverse} ← 192.168.130.2 → 1-1.{zone}",
    ]
    assert dns_lines(rig.tick(tasks=(PROCESS,))) == expected
    rig.ask(service, Operation.SET_DNS_RECORDS)
    assert dns_lines(rig.tick(tasks=(PROCESS,))) == expected
    rig.names.broken = True
    rig.ask(service, Operation.SET_DNS_RECORDS)
    broken = dns_lines(rig.tick(tasks=(PROCESS,)))
    assert {line.partition("]")[0] for line in broken} >= {"       · fwd ERR [powerdns", "       · rev ERR [hestiacp"}
    assert all(line.endswith(": dns.example.net refuses connections") for line in broken)


@pytest.mark.req("DEP-16")
def test_a_deployment_writes_the_records_of_all_addresses_between_clone_and_set_dns(install: Install) -> None:
    rig = install()
    service = rig.order()
    printed = rig.tick(tasks=(PROCESS,))
    assert len(rig.addresses(service)) == 3
    records_fit(rig, service)
    step = next(number for number, line in enumerate(printed) if "(clone -> set_dns)" in line)
    operations = [number for number, line in enumerate(printed) if " · fwd " in line or " · rev " in line]
    assert len(operations) == 4
    assert max(operations) < step


@pytest.mark.req("DEP-16")
def test_a_deployment_writes_the_records_into_every_zone_that_matches(install: Install) -> None:
    rig = install(ipv6_count="0")
    other, stranger = second_provider(rig, "example.com"), second_provider(rig, "example.org")
    service = rig.deploy()
    domain = Service.get_by_id(service).domain
    held = rig.addresses(service)
    assert rig.names.forward == {domain: held[:1]}
    assert other.records == {(domain, "A"): frozenset({str(ip_address(held[0]))})}
    assert stranger.records == {}


def second_provider(rig: Living, name: str) -> MemoryZone:
    """The admin adds a zone at one more provider."""
    zone, provide = MemoryZone(name, "cloudflare"), rig.names.provide
    row = make_dns_zone(zone=name, type="cloudflare")
    rig.names.provide = lambda wanted: zone if wanted.id == row.id else provide(wanted)  # type: ignore[method-assign,assignment,return-value]
    rig.start_daemon()
    return zone
