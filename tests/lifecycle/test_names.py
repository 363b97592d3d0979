"""The records of a VM through its later life, when something goes wrong on the way."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

import pytest

from bridge.connections import DatabaseUnavailable
from bridge.dns.zones import ZonePool, Zones
from bridge.lifecycle.rules import Operation
from bridge.models.companion import AddressReservation, PendingRecord, VmWork
from bridge.models.module import DnsZone
from bridge.models.whmcs import Service
from bridge.whmcs_service import WhmcsService
from providers.errors import Unavailable
from tests.chaos.clock import VirtualClock
from tests.chaos.gate import Killed
from tests.integration.dns.desk import living_service
from tests.lifecycle.conftest import Install
from tests.lifecycle.living import Living
from tests.lifecycle.scenarios import gone, records_fit

T = TypeVar("T")

FORWARD, REVERSE = "example.com", "130.168.192.in-addr.arpa"


def work(rig: Living) -> None:
    """The daemon works until nothing is due any more."""
    while rig._work():
        pass


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
        work(rig)
    delattr(rig.gate, moment)
    rig.clock.advance(rig.house.claims.lease + 1)
    rig.start_daemon()


class Slow(ZonePool):
    """The answer of every provider takes `seconds` of the rig's time."""

    def __init__(self, clock: VirtualClock, seconds: float) -> None:
        super().__init__()
        self._clock, self._seconds = clock, seconds

    def submit(self, zone_id: int, job: Callable[[], T]) -> Future[T]:
        """It is known later."""
        clock, known_at = self._clock, self._clock.now() + self._seconds

        class Answer(Future[T]):
            def done(self) -> bool:
                if clock.now() >= known_at and not super().done():
                    self.set_result(job())
                return super().done()

        return Answer()


@pytest.mark.req("DNS-56", "TRM-13")
def test_a_termination_that_waits_for_dns_providers_tells_each_phase_once(install: Install) -> None:
    rig = install(ipv4_count="1", ipv6_count="0")
    service = rig.living()
    rig.start_daemon()
    rig.house.dns_pool = Slow(rig.clock, 20.0)
    rig.ask_and_run(service, Operation.TERMINATE)
    told = [line.partition("· ")[2] for line in rig.lines if "· " in line]
    assert told[told.index("removing backups") :] == [
        "removing backups",
        "backups removed",
        "deleting DNS records",
        "fwd-del OK [powerdns] example.com ← 1-1.example.com",
        f"rev-del OK [hestiacp] {REVERSE} ← 192.168.130.2",
        "DELETE VM vmid=100 node=pve1 purge=1",
        "VM deleted",
    ]
    gone(rig, service)


@pytest.mark.req("DNS-53")
def test_a_package_change_under_another_main_domain_tells_the_new_names_and_writes_them_at_once(
    install: Install,
) -> None:
    rig = install(ipv4_count="1", ipv6_count="0")
    service = rig.living()
    rig.set_product(main_domain="vps.example.com")
    assert rig.ask(service, Operation.CHANGE_PACKAGE) == "success"
    rig.tick()
    told = [line.partition("· ")[2] for line in rig.lines if "· " in line]
    assert told == [
        "fwd-del OK [powerdns] example.com ← 1-1.vps.example.com",
        "fwd-del OK [powerdns] example.com ← 1-1.example.com",
        f"rev-del OK [hestiacp] {REVERSE} ← 192.168.130.2",
        "fwd OK [powerdns] example.com ← 1-1.vps.example.com (1 IPs)",
        f"rev OK [hestiacp] {REVERSE} ← 192.168.130.2 → 1-1.vps.example.com",
    ]
    records_fit(rig, service)


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
@pytest.mark.parametrize("got_to", ["nothing", "its VMID", "its password"])
def test_a_host_name_that_the_client_has_typed_is_never_deleted(
    install: Install, monkeypatch: pytest.MonkeyPatch, operation: Operation, main_domain: str, got_to: str
) -> None:
    rig = install(main_domain=main_domain)
    website = {("www.example.com", "A"): frozenset({"203.0.113.80"})}
    rig.names.zones[FORWARD].records.update(website)
    service = rig.order()
    Service.update(domain="www.example.com").where(Service.id == service).execute()
    if got_to == "its VMID":
        rig.fault("GET .*/cluster/resources", status=500, times=1)
    with monkeypatch.context() as away:
        if got_to == "its password":
            away.setattr(WhmcsService, "set_credentials", no_whmcs)
        if got_to != "nothing":
            rig.tick()
    assert rig.state(service) == "creation"
    rig.ask_and_run(service, operation)
    assert rig.names.zones[FORWARD].records.items() >= website.items()


def no_whmcs(*arguments: object) -> None:
    """WHMCS's API is away."""
    raise Unavailable("whmcs refuses connections")


@pytest.mark.req("DNS-27", "DNS-59")
def test_a_host_name_that_the_client_has_typed_is_replaced_also_when_it_begins_like_the_vms(install: Install) -> None:
    rig = install()
    rig.names.zones[FORWARD].records[f"1-1.cloud.{FORWARD}", "A"] = frozenset({"203.0.113.80"})
    service = rig.order()
    Service.update(domain=f"1-1.cloud.{FORWARD}").where(Service.id == service).execute()
    rig.run()
    assert rig.facts(service).domain == f"1-1.{FORWARD}"
    assert f"1-1.cloud.{FORWARD}" in rig.names.forward


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


@pytest.mark.req("DNS-58", "RDN-05")
@pytest.mark.parametrize("operation", [Operation.CHANGE_PACKAGE, Operation.SET_DNS_RECORDS])
def test_a_reverse_name_that_is_chosen_while_the_vms_records_are_written_is_there_in_the_end(
    install: Install, operation: Operation
) -> None:
    rig = install()
    service = rig.living()
    ip = rig.addresses(service)[0]
    chosen = {ip: "mail.example.org"}
    assert rig.ask(service, operation) == "success"
    in_the_middle = 1 if operation is Operation.CHANGE_PACKAGE else 2  # the other one deletes at first
    during(rig, REVERSE, in_the_middle, lambda: rig.house.reverse_names.set(service, chosen, by_client=False))
    rig.run()
    assert rig.names.reverse([ip]) == chosen
    assert PendingRecord.select().count() == 0


@pytest.mark.req("DNS-58")
def test_a_scheduler_that_lost_its_vm_while_it_deleted_records_takes_no_name_from_the_next_holder(
    install: Install,
) -> None:
    rig = install(ipv4_count="1", ipv6_count="0")
    service = rig.living()
    (ip,) = rig.addresses(service)

    def taken_over() -> None:
        """Another scheduler has finished the termination, and the address is somebody else's."""
        VmWork.update(lease_owner="another", lease_until=rig.clock.now() + 3600).execute()
        AddressReservation.delete().execute()
        living_service(ip, domain="heir.example.com")

    assert rig.ask(service, Operation.TERMINATE) == "success"
    during(rig, REVERSE, 1, taken_over)
    rig.tick()
    assert rig.names.reverse([ip]) == {ip: "heir.example.com"}


def during(rig: Living, zone: str, number: int, act: Callable[[], object]) -> None:
    """Let `act` happen while something is stored in a zone, the so many-th time from now on."""
    inner = rig.names.zones[zone]

    def next_time() -> None:
        during(rig, zone, number - 1, act)

    inner.meanwhile = act if number == 1 else next_time


def test_zones_of_which_none_can_be_used_stop_no_operation(install: Install) -> None:
    rig = install()
    service = rig.living()
    DnsZone.update(server="https://dns.example.net:99999/").execute()
    for operation in (Operation.CHANGE_PACKAGE, Operation.SET_DNS_RECORDS):
        rig.ask_and_run(service, operation)
        assert rig.state(service) == "ready"
    rig.ask_and_run(service, Operation.TERMINATE)
    gone(rig, service)
