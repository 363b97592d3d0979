"""The records of a VM through its later life, when something goes wrong on the way."""

import pytest

from bridge.connections import DatabaseUnavailable
from bridge.dns.zones import Zones
from bridge.lifecycle.rules import Operation
from bridge.models.module import DnsZone
from bridge.models.whmcs import Service
from tests.chaos.gate import Killed
from tests.lifecycle.conftest import Install
from tests.lifecycle.living import Living
from tests.lifecycle.scenarios import gone, records_fit

FORWARD = "example.com"


def dies_at(rig: Living, zone: str, moment: str, times: int = 1) -> None:
    """The process dies before or after its next store in a zone, or the one after that; it is not started again."""
    plain, left = getattr(rig.gate, moment), [times]

    def strike(request: object, *more: object) -> None:
        plain(request, *more)
        left[0] -= request == f"DNS {zone}"
        if not left[0]:
            raise Killed(str(request))

    setattr(rig.gate, moment, strike)
    with pytest.raises(Killed):
        while rig._work():
            pass
    delattr(rig.gate, moment)
    rig.clock.advance(rig.house.claims.lease + 1)
    rig.start_daemon()


@pytest.mark.req("DNS-49", "DNS-25")
def test_a_retry_before_addresses_are_given_back_leaves_no_record_of_them_behind(install: Install) -> None:
    rig = install()
    service = rig.living()
    rig.set_product(cpu="4", ipv4_count="1")
    rig.names.broken = True
    rig.fault("PUT .*/config", status=500)
    assert rig.ask(service, Operation.CHANGE_PACKAGE) == "success"
    rig.tick()
    assert rig.state(service) == "cp_stop"
    rig.names.broken = False
    rig.clock.advance(61)
    rig.house.dns_retries.work()
    assert rig.names.pointers == 3
    rig.run()
    assert len(rig.addresses(service)) == 2
    records_fit(rig, service)


@pytest.mark.req("DNS-59")
@pytest.mark.parametrize("operation", [Operation.TERMINATE, Operation.REDEPLOY])
@pytest.mark.parametrize("main_domain", ["example.com", ""])
def test_a_host_name_that_the_client_has_typed_is_never_deleted(
    install: Install, operation: Operation, main_domain: str
) -> None:
    rig = install(main_domain=main_domain)
    website = {("www.example.com", "A"): frozenset({"203.0.113.80"})}
    rig.names.zones[FORWARD].records.update(website)
    rig.fault("GET .*/cluster/resources", status=500, times=1)
    service = rig.order()
    Service.update(domain="www.example.com").where(Service.id == service).execute()
    rig.tick()
    assert rig.state(service) == "creation"
    rig.ask_and_run(service, operation)
    assert rig.names.zones[FORWARD].records.items() >= website.items()


@pytest.mark.req("DNS-53")
@pytest.mark.parametrize("operation", [Operation.CHANGE_PACKAGE, Operation.SET_DNS_RECORDS])
def test_a_vm_that_is_terminated_in_the_middle_of_its_renaming_leaves_neither_name(
    install: Install, operation: Operation
) -> None:
    rig = install()
    service = rig.living()
    rig.set_product(main_domain="vps.example.com")
    assert rig.ask(service, operation) == "success"
    dies_at(rig, FORWARD, "after")
    rig.ask_and_run(service, Operation.TERMINATE)
    gone(rig, service)


@pytest.mark.req("DNS-53")
def test_a_retry_between_the_halves_of_set_dns_records_does_not_bring_the_former_name_back(install: Install) -> None:
    rig = install()
    service = rig.living()
    rig.set_product(main_domain="vps.example.com")
    rig.names.broken = True
    assert rig.ask(service, Operation.SET_DNS_RECORDS) == "success"
    rig.clock.advance(31)
    dies_at(rig, FORWARD, "before", times=2)
    rig.names.broken = False
    rig.clock.advance(61)
    rig.house.dns_retries.work()
    rig.run()
    records_fit(rig, service)
    assert rig.facts(service).domain.endswith(".vps.example.com")


@pytest.mark.req("DNS-53")
def test_a_vm_that_is_reset_to_its_beginning_under_another_main_domain_leaves_nothing_behind(install: Install) -> None:
    rig = install()
    service = rig.living()
    rig.set_product(main_domain="vps.example.com")
    rig.house.records.reset(service, "creation")
    rig.run()
    records_fit(rig, service)
    assert rig.facts(service).domain.endswith(".vps.example.com")


@pytest.mark.req("DNS-16", "DNS-26")
def test_a_database_that_is_away_for_a_moment_leaves_no_record_unwritten_or_behind(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig, away = install(), []
    really = Zones.all

    def sometimes(zones: Zones) -> object:
        if away:
            raise DatabaseUnavailable(away.pop())
        return really(zones)

    monkeypatch.setattr(Zones, "all", sometimes)
    away += ["Database whmcs: connection lost"] * 2
    service = rig.living()
    records_fit(rig, service)
    away += ["Database whmcs: connection lost"] * 2
    rig.ask_and_run(service, Operation.TERMINATE)
    gone(rig, service)


def test_zones_of_which_none_can_be_used_stop_no_operation(install: Install) -> None:
    rig = install()
    service = rig.living()
    DnsZone.update(server="https://dns.example.net:99999/").execute()
    for operation in (Operation.CHANGE_PACKAGE, Operation.SET_DNS_RECORDS):
        rig.ask_and_run(service, operation)
        assert rig.state(service) == "ready"
    rig.ask_and_run(service, Operation.TERMINATE)
    gone(rig, service)
