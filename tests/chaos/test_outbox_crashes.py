"""The outbox when the process dies, when answers are lost, and when WHMCS has a bad day: each message leaves exactly once."""

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.models.companion import OutboxMessage
from bridge.models.whmcs import ActivityLogEntry, Email, EmailTemplate, Service, Ticket, TicketDepartment
from bridge.sandbox.whmcs import FaultKind
from tests.factories import make_client
from tests.shop import TestShop, add_template, message, service_of

READY, WELCOME = "puqProxmoxKVM VM is ready", "puqProxmoxVKM Welcome Email"
READY_SUBJECT, WELCOME_SUBJECT = "Virtual Machine is ready", "Virtual Machine Order Information"
LEASE = 60.0


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture
def shop(database: object) -> TestShop:
    return TestShop()


@pytest.fixture
def sqlite_shop(sqlite_db: object) -> TestShop:
    return TestShop()


@dataclass
class Kind:
    """One kind of message: how it is recorded, and how many of it WHMCS has."""

    record: Callable[[TestShop, Service], None]
    arrived: Callable[[TestShop], int]


def record_ticket(shop: TestShop, service: Service) -> None:
    department = TicketDepartment.create(name="Support")
    shop.outbox.ticket("it", service.id, department.id, "rDNS of <192.0.2.5> & more", "please")


KINDS = {
    "mail": Kind(lambda shop, service: shop.outbox.mail("it", service.id, READY), lambda shop: len(shop.sandbox.mails)),
    "activity": Kind(
        lambda shop, service: shop.outbox.activity("it", service.id, f'it\'s "gone" - Service ID: {service.id}'),
        lambda shop: ActivityLogEntry.select().count(),
    ),
    "ticket": Kind(record_ticket, lambda shop: Ticket.select().count()),
}


def die(action: str) -> None:
    raise Killed


def deliver_until_killed(shop: TestShop) -> None:
    with pytest.raises(Killed):
        shop.delivery().deliver_due()
    shop.adapter.before = shop.adapter.after = None


def die_at_the_mark(shop: TestShop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Die after the answer has come and before it is written down."""
    with monkeypatch.context() as patch:
        patch.setattr("bridge.outbox.delivery.Delivery._sent", lambda self, row: die(""))
        deliver_until_killed(shop)


# The matrix


@pytest.mark.req("ENG-15", "EML-16")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("moment", ["before the call", "after its effect", "before its mark"])
def test_a_message_leaves_exactly_once_wherever_the_process_dies(
    shop: TestShop, monkeypatch: pytest.MonkeyPatch, kind: str, moment: str
) -> None:
    KINDS[kind].record(shop, service_of())
    if moment == "before the call":
        shop.adapter.before = die
        deliver_until_killed(shop)
    elif moment == "after its effect":
        shop.adapter.after = die
        deliver_until_killed(shop)
    else:
        die_at_the_mark(shop, monkeypatch)
    assert shop.delivery().deliver_due() == 0
    shop.clock.pass_by(LEASE)
    assert shop.delivery().deliver_due() == 1
    assert (KINDS[kind].arrived(shop), message("it").state) == (1, "sent")


@pytest.mark.req("ENG-15", "EML-16")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", [FaultKind.CUT_AFTER, FaultKind.SLOW, FaultKind.NONSENSE_AFTER])
def test_a_message_whose_answer_was_lost_is_found_at_once(shop: TestShop, kind: str, fault: FaultKind) -> None:
    KINDS[kind].record(shop, service_of())
    shop.faults.plan(fault)
    assert shop.delivery().deliver_due() == 1
    assert (KINDS[kind].arrived(shop), message("it").state) == (1, "sent")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", [FaultKind.CUT_BEFORE, FaultKind.NONSENSE])
def test_a_message_that_may_still_be_on_its_way_is_repeated_only_after_the_lease(
    shop: TestShop, kind: str, fault: FaultKind
) -> None:
    KINDS[kind].record(shop, service_of())
    shop.faults.plan(fault)
    shop.delivery().deliver_due()
    shop.clock.pass_by(LEASE - 1)
    assert shop.delivery().deliver_due() == 0
    shop.clock.pass_by(1)
    assert shop.delivery().deliver_due() == 1
    assert KINDS[kind].arrived(shop) == 1


@pytest.mark.parametrize("kills", [2, 5])
def test_dying_again_and_again_after_the_effect_still_sends_one_mail(sqlite_shop: TestShop, kills: int) -> None:
    sqlite_shop.outbox.mail("it", service_of().id, READY)
    for _ in range(kills):
        sqlite_shop.adapter.before = die
        deliver_until_killed(sqlite_shop)
        sqlite_shop.clock.pass_by(LEASE)
    sqlite_shop.adapter.after = die
    deliver_until_killed(sqlite_shop)
    sqlite_shop.clock.pass_by(LEASE)
    assert sqlite_shop.delivery().deliver_due() == 1
    assert sqlite_shop.subjects() == [READY_SUBJECT]


# What counts as evidence


def killed_before_the_call(shop: TestShop, client_id: int | None = None) -> None:
    shop.outbox.mail("it", service_of().id if client_id is None else client_id, READY)
    shop.adapter.before = die
    deliver_until_killed(shop)
    shop.clock.pass_by(LEASE)


@pytest.mark.parametrize(
    ("subject", "logged"),
    [
        ("VM {$vm_id} of {$client_name} is ready", "VM 2001 of Ada is ready"),
        ("{$service_domain}: ready", "vm-1.example.com: ready"),
        ("It&#039;s ready", "It's ready"),
        ("{if $x}One{else}Two{/if}", "Two"),
        ("Ready  (100%) [now]", "Ready (100%) [now]"),
    ],
)
def test_a_logged_mail_is_recognised_by_the_subject_of_its_template(
    sqlite_shop: TestShop, subject: str, logged: str
) -> None:
    EmailTemplate.update(subject=subject).where(EmailTemplate.name == READY).execute()
    killed_before_the_call(sqlite_shop)
    Email.create(userid=message("it").client_id, subject=logged)
    assert sqlite_shop.delivery().deliver_due() == 1
    assert sqlite_shop.sandbox.mails == []


def test_a_mail_in_the_language_of_the_client_is_recognised(sqlite_shop: TestShop) -> None:
    add_template(READY, "Maszyna gotowa", language="polish")
    service = service_of(make_client(language="polish"))
    sqlite_shop.outbox.mail("it", service.id, READY)
    sqlite_shop.adapter.after = die
    deliver_until_killed(sqlite_shop)
    sqlite_shop.clock.pass_by(LEASE)
    sqlite_shop.delivery().deliver_due()
    assert sqlite_shop.subjects() == ["Maszyna gotowa"]


@pytest.mark.parametrize(
    "row",
    [
        {"subject": "Virtual Machine is ready soon"},
        {"subject": READY_SUBJECT, "userid": 999_999},
        {"subject": READY_SUBJECT, "failed": 1},
    ],
    ids=["another subject", "another client", "a failed mail"],
)
def test_a_row_that_is_not_this_mail_is_no_evidence(sqlite_shop: TestShop, row: dict[str, object]) -> None:
    killed_before_the_call(sqlite_shop)
    Email.create(**{"userid": message("it").client_id, **row})
    sqlite_shop.delivery().deliver_due()
    assert sqlite_shop.subjects() == [READY_SUBJECT]


def test_an_older_mail_of_the_same_template_is_no_evidence(shop: TestShop) -> None:
    service = service_of()
    shop.outbox.mail("earlier", service.id, READY)
    shop.delivery().deliver_due()
    killed_before_the_call(shop, service.id)
    shop.delivery().deliver_due()
    assert shop.subjects() == [READY_SUBJECT, READY_SUBJECT]


def test_two_services_of_one_client_get_their_own_mails_though_they_look_alike(shop: TestShop) -> None:
    client = make_client()
    shop.outbox.mail("one", service_of(client).id, READY)
    shop.outbox.mail("two", service_of(client).id, READY)
    shop.adapter.after = die
    deliver_until_killed(shop)
    shop.clock.pass_by(LEASE)
    shop.delivery().deliver_due()
    assert len({mail.service_id for mail in shop.sandbox.mails}) == 2
    assert len(shop.sandbox.mails) == 2


def test_an_older_whmcs_without_failed_mails_in_its_log_will_do(shop: TestShop, database: object) -> None:
    database.execute_sql("ALTER TABLE tblemails DROP COLUMN failed")  # type: ignore[attr-defined]
    killed_before_the_call(shop)
    database.execute_sql(  # type: ignore[attr-defined]
        f"INSERT INTO tblemails (userid, subject, message, `to`, cc, bcc, attachments) "
        f"VALUES ({message('it').client_id}, '{READY_SUBJECT}', '', '', '', '', '')"
    )
    assert shop.delivery().deliver_due() == 1
    assert shop.sandbox.mails == []


def test_a_ticket_that_cannot_be_searched_for_is_not_repeated(shop: TestShop, database: object) -> None:
    record_ticket(shop, service_of())
    shop.adapter.after = die
    deliver_until_killed(shop)
    database.execute_sql("ALTER TABLE tbltickets RENAME TO hidden")  # type: ignore[attr-defined]
    shop.clock.pass_by(LEASE)
    assert shop.delivery().deliver_due() == 0
    database.execute_sql("ALTER TABLE hidden RENAME TO tbltickets")  # type: ignore[attr-defined]
    assert Ticket.select().count() == 1


# Random days

FAULT = st.sampled_from(
    [kind for kind in FaultKind if kind is not FaultKind.MAILER] + ["die before", "die after", None, None]
)
SCHEDULES = st.lists(FAULT, max_size=14)


@pytest.mark.req("ENG-15", "EML-16")
@settings(
    max_examples=1000 if os.environ.get("SOAK") else 60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(schedule=SCHEDULES, clients=st.integers(1, 2))
def test_any_schedule_of_faults_and_deaths_delivers_every_mail_once_and_in_order(
    sqlite_db: object, schedule: list[FaultKind | str | None], clients: int
) -> None:
    shop = fresh_shop()
    owners = [make_client() for _ in range(clients)]
    services = [service_of(owners[number % clients]) for number in range(3)]
    for service in services:
        shop.outbox.mail(f"welcome:{service.id}", service.id, WELCOME)
        shop.outbox.mail(f"ready:{service.id}", service.id, READY)
    live_through(shop, schedule)
    for service in services:
        received = [mail.subject for mail in shop.sandbox.mails if mail.service_id == service.id]
        assert received == [WELCOME_SUBJECT, READY_SUBJECT]
    assert {row.state for row in OutboxMessage.select()} == {"sent"}


def fresh_shop() -> TestShop:
    for table in (OutboxMessage, Email, EmailTemplate, Service):
        table.delete().execute()
    return TestShop()


def live_through(shop: TestShop, schedule: list[FaultKind | str | None]) -> None:
    """Each entry of the schedule befalls one call; then all is well for as long as it takes."""
    for event in schedule:
        if isinstance(event, FaultKind):
            shop.faults.plan(event)
        shop.adapter.before = die if event == "die before" else None
        shop.adapter.after = die if event == "die after" else None
        with contextlib.suppress(Killed):
            shop.delivery().deliver_due(limit=1)
        shop.clock.pass_by(7)
    shop.faults.clear()
    shop.adapter.before = shop.adapter.after = None
    for _ in range(3 * len(schedule) + 3):
        shop.clock.pass_by(900)
        shop.delivery().deliver_due()
