"""What failed is remembered, shown, and tried again until it is right."""

from threading import Thread

import pytest

from bridge.database import close_connection, transaction
from bridge.dns.plan import Place
from bridge.models.companion import AddressReservation, PendingRecord, VmWork
from bridge.models.module import DnsZone, VmInfo
from bridge.models.whmcs import Service
from providers.errors import AuthFailed, RateLimited, Unreached
from tests.conftest import installed
from tests.integration.dns.desk import HOST, Desk, hold, host_names, living_service, ptr

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.req("DNS-49")]

IP = "192.168.130.6"
REVERSE = "130.168.192.in-addr.arpa"
REFUSED = AuthFailed("dns.example.net: Unauthorized")


@pytest.fixture
def desk() -> Desk:
    return Desk()


def test_a_failed_record_is_written_as_soon_as_the_provider_works_again(desk: Desk) -> None:
    forward, reverse = desk.zone("example.com"), desk.zone(REVERSE)
    forward.failing = REFUSED
    service = living_service(IP)
    desk.refresh(service, host_names(IP))
    assert desk.outstanding() == [(HOST, "A"), (HOST, "AAAA")]
    assert reverse.stored == 1
    assert desk.retries.work() == 0
    forward.failing = None
    assert desk.later() == 2
    assert forward.records == {(HOST, "A"): {IP}}
    assert desk.outstanding() == []
    assert reverse.stored == 1
    assert desk.journal.of("dns_retry")[0] == (
        f"service {service}, zone example.com [powerdns] (ID 1)",
        f"{HOST} A {IP}",
    )


def test_what_is_pending_survives_the_process(desk: Desk) -> None:
    zone = desk.zone("example.com")
    zone.failing = REFUSED
    desk.refresh(living_service(IP), host_names(IP))
    zone.failing = None
    desk.start()
    desk.later()
    assert zone.records == {(HOST, "A"): {IP}}


def test_it_is_shown_with_its_cause_since_when_and_how_often_it_was_tried(desk: Desk) -> None:
    zone = desk.zone("example.com")
    zone.failing = REFUSED
    service = living_service(IP)
    began = desk.clock.now()
    desk.refresh(service, host_names(IP))
    desk.later()
    rows = desk.pending.of_service(service)
    assert [(row.cause, row.since, row.attempts) for row in rows] == [(str(REFUSED), began, 2)] * 2


@pytest.mark.req("DNS-52")
def test_a_try_that_meets_a_zone_that_is_left_alone_is_put_off_and_does_not_count(desk: Desk) -> None:
    zone = desk.zone("example.com")
    zone.failing = REFUSED
    service = living_service(IP)
    desk.refresh(service, host_names(IP))
    desk.clock.advance(60)
    desk.configured.by_id()[1].rest(Unreached("dns.example.net refuses connections"))
    zone.failing = None
    assert desk.retries.work() == 0
    assert [(row.attempts, row.due_at) for row in desk.pending.of_service(service)] == [(1, desk.clock.now() + 30)] * 2
    assert desk.later(30) == 2


def test_pauses_grow_to_an_hour(desk: Desk) -> None:
    zone = desk.zone("example.com")
    zone.failing = REFUSED
    desk.refresh(living_service(IP), host_names(IP))
    pauses = []
    for _ in range(9):
        due = PendingRecord.select(PendingRecord.due_at).first().due_at
        pauses.append(due - desk.clock.now())
        desk.later(pauses[-1])
    assert pauses == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]


def test_a_rate_limit_says_how_long_to_wait(desk: Desk) -> None:
    zone = desk.zone("example.com", "cloudflare")
    zone.failing = RateLimited("api.cloudflare.com asks us to slow down (HTTP 429)", retry_after=300.0)
    desk.refresh(living_service(IP), host_names(IP))
    assert PendingRecord.select(PendingRecord.due_at).first().due_at == desk.clock.now() + 300.0


def test_a_retry_writes_what_is_right_by_then_and_not_what_failed(desk: Desk) -> None:
    zone = desk.zone(REVERSE)
    zone.failing = REFUSED
    service = living_service(IP)
    desk.refresh(service, host_names(IP))
    zone.failing = None
    VmInfo.update(vm_rev_dns=f'{{"{IP}": "mail.example.org"}}').where(VmInfo.service_id == service).execute()
    desk.later()
    assert zone.records == {ptr(IP): {"mail.example.org"}}


@pytest.mark.parametrize("status", ["terminate", "error_terminate", "remove"])
def test_the_record_of_a_vm_that_is_given_up_is_deleted_and_not_written(desk: Desk, status: str) -> None:
    zone = desk.zone("example.com")
    service = living_service(IP)
    desk.refresh(service, host_names(IP))
    zone.failing = REFUSED
    VmInfo.update(vm_status=status).where(VmInfo.service_id == service).execute()
    desk.remove(service, host_names(IP))
    zone.failing = None
    desk.later()
    assert (zone.records, desk.outstanding()) == ({}, [])


def test_a_pointer_that_could_not_be_deleted_goes_although_the_service_is_gone(desk: Desk) -> None:
    zone = desk.zone(REVERSE)
    service = living_service(IP)
    desk.refresh(service, host_names(IP))
    zone.failing = REFUSED
    desk.remove(service, host_names(IP))
    AddressReservation.delete().execute()
    Service.delete().execute()
    VmInfo.delete().execute()
    zone.failing = None
    desk.later()
    assert (zone.records, desk.outstanding()) == ({}, [])


def test_a_pointer_whose_address_another_service_has_by_now_becomes_that_ones(desk: Desk) -> None:
    zone = desk.zone(REVERSE)
    former = living_service(IP)
    desk.refresh(former, host_names(IP))
    zone.failing = REFUSED
    VmInfo.update(vm_status="remove", vm_rev_dns=None).where(VmInfo.service_id == former).execute()
    Service.update(dedicatedip="", domain="").where(Service.id == former).execute()
    desk.remove(former, host_names(IP))
    AddressReservation.delete().execute()
    zone.failing = None
    heir = living_service(status="clone", domain="heir.example.com")
    hold(heir, IP)
    assert desk.later() == 1
    assert zone.records == {ptr(IP): {"heir.example.com"}}
    assert desk.outstanding() == []


@pytest.mark.req("DNS-57")
def test_an_address_that_moves_while_its_record_is_deleted_keeps_the_name_of_its_new_holder(desk: Desk) -> None:
    zone = desk.zone(REVERSE)
    former = living_service(IP)
    desk.refresh(former, host_names(IP))
    zone.failing = REFUSED
    terminate(desk, former)
    zone.failing = None

    def moves() -> None:
        heir = living_service(IP, domain="heir.example.com")
        desk.another().refresh(heir, host_names(IP, fqdn="heir.example.com"))

    zone.meanwhile = moves
    desk.later()
    assert zone.records == {}
    desk.later(0.0)
    assert (zone.records, desk.outstanding()) == ({ptr(IP): {"heir.example.com"}}, [])


@pytest.mark.req("DNS-57")
def test_a_host_name_that_another_living_service_bears_by_now_becomes_that_ones(desk: Desk) -> None:
    zone = desk.zone("example.com")
    former = living_service(IP)
    desk.refresh(former, host_names(IP))
    zone.failing = REFUSED
    terminate(desk, former)
    living_service("192.168.130.7")
    zone.failing = None
    desk.later()
    assert (zone.records, desk.outstanding()) == ({(HOST, "A"): {"192.168.130.7"}}, [])


def terminate(desk: Desk, service: int) -> None:
    """All of the VM is given up, as far as the DNS takes it."""
    VmInfo.update(vm_status="terminate").where(VmInfo.service_id == service).execute()
    desk.remove(service, host_names(IP))
    AddressReservation.delete().where(AddressReservation.service_id == service).execute()
    Service.update(dedicatedip="", domain="").where(Service.id == service).execute()
    VmInfo.update(vm_status="remove", vm_rev_dns=None).where(VmInfo.service_id == service).execute()


def test_the_record_of_a_vm_that_is_redeployed_is_deleted_as_long_as_it_has_not_begun_anew(desk: Desk) -> None:
    zone = desk.zone("example.com")
    service = living_service(IP)
    desk.refresh(service, host_names(IP))
    VmInfo.update(vm_status="creation").where(VmInfo.service_id == service).execute()
    VmWork.create(service_id=service, intent='{"redeploy": true}')
    zone.failing = REFUSED
    desk.remove(service, host_names(IP))
    zone.failing = None
    desk.later()
    assert (zone.records, desk.outstanding()) == ({}, [])


@pytest.mark.req("DNS-47")
def test_an_alias_above_a_classless_zone_ends_the_retries(desk: Desk) -> None:
    above = desk.zone("2.0.192.in-addr.arpa")
    above.aliases.add("5.2.0.192.in-addr.arpa")
    desk.zone("0/26.2.0.192.in-addr.arpa")
    above.failing = REFUSED
    service = living_service("192.0.2.5")
    desk.refresh(service, host_names("192.0.2.5"))
    assert desk.outstanding() == [("5.2.0.192.in-addr.arpa", "PTR")]
    above.failing = None
    desk.later()
    assert (above.records, desk.outstanding()) == ({}, [])


def test_success_in_another_round_ends_the_retries(desk: Desk) -> None:
    zone = desk.zone("example.com")
    zone.failing = REFUSED
    service = living_service(IP)
    desk.refresh(service, host_names(IP))
    zone.failing = None
    desk.refresh(service, host_names(IP))
    assert desk.outstanding() == []


def test_what_changes_while_it_is_written_is_written_again(desk: Desk) -> None:
    zone = desk.zone(REVERSE)
    service = living_service(IP)
    zone.failing = REFUSED
    desk.refresh(service, host_names(IP))
    zone.failing = None
    zone.meanwhile = VmInfo.update(vm_status="remove").where(VmInfo.service_id == service).execute
    desk.later()
    assert zone.records == {ptr(IP): {HOST}}
    desk.later(0.0)
    assert (zone.records, desk.outstanding()) == ({}, [])


def test_records_of_a_zone_that_was_deleted_here_are_forgotten(desk: Desk) -> None:
    zone = desk.zone("example.com")
    zone.failing = REFUSED
    desk.refresh(living_service(IP), host_names(IP))
    DnsZone.delete().execute()
    assert (desk.later(), desk.outstanding()) == (0, [])


def test_two_schedulers_do_not_try_the_same_at_the_same_moment(desk: Desk) -> None:
    zone = desk.zone("example.com")
    zone.failing = REFUSED
    desk.refresh(living_service(IP), host_names(IP))
    desk.clock.advance(60)
    assert len(desk.pending.take_due(100)) == 2
    assert desk.pending.take_due(100) == []


def test_of_two_records_of_one_name_each_is_remembered_and_forgotten_by_itself(desk: Desk) -> None:
    first, second = (Place(1, (HOST, type)) for type in ("A", "AAAA"))
    desk.pending.settle(1, [first, second], {first: REFUSED, second: REFUSED})
    desk.pending.settle(1, [first], {})
    assert desk.outstanding() == [(HOST, "AAAA")]


def test_what_is_asked_for_anew_is_tried_with_short_pauses_again(desk: Desk) -> None:
    zone = desk.zone(REVERSE)
    zone.failing = REFUSED
    service = living_service(IP)
    desk.refresh(service, host_names(IP))
    for _ in range(6):
        desk.later()
    desk.reverse.set(service, {IP: "mail.example.org"}, by_client=True)
    (row,) = desk.pending.of_service(service)
    assert row.due_at - desk.clock.now() <= 60


def test_while_one_scheduler_takes_records_another_one_goes_past_them(mariadb_url: str) -> None:
    installed(mariadb_url)
    desk, found = Desk(), []
    zone = desk.zone("example.com")
    zone.failing = REFUSED
    desk.refresh(living_service(IP), host_names(IP))
    desk.clock.advance(60)

    def other() -> None:
        found.append(desk.pending.take_due(100))
        close_connection()

    with transaction():
        assert len(desk.pending.take_due(100)) == 2
        thread = Thread(target=other)
        thread.start()
        thread.join(10)
        assert found == [[]]
    thread.join(30)
