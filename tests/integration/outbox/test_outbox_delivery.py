"""The outbox on real databases: what is recorded, what leaves, in which order, and what is given up."""

import threading

import pytest

from bridge.database import close_connection, transaction
from bridge.models.companion import OutboxMessage
from bridge.models.whmcs import ActivityLogEntry, EmailTemplate, Product, Service, Ticket, TicketDepartment
from bridge.outbox import Delivery
from bridge.sandbox.whmcs import FaultKind
from tests.factories import make_client, make_product
from tests.shop import TestShop, add_template, message, service_of

READY, WELCOME = "puqProxmoxKVM VM is ready", "puqProxmoxVKM Welcome Email"
READY_SUBJECT, WELCOME_SUBJECT = "Virtual Machine is ready", "Virtual Machine Order Information"


@pytest.fixture
def shop(database: object) -> TestShop:
    return TestShop()


# Recording


def test_the_same_key_twice_is_one_message(shop: TestShop) -> None:
    service = service_of()
    for _ in range(2):
        shop.outbox.mail("ready:1", service.id, READY)
    assert OutboxMessage.select().count() == 1


@pytest.mark.req("ENG-15")
def test_a_message_is_rolled_back_with_its_state_change(shop: TestShop) -> None:
    service = service_of()
    with pytest.raises(RuntimeError, match="state change failed"):
        record_and_fail(shop, service)
    shop.delivery().deliver_due()
    assert shop.sandbox.mails == []


def record_and_fail(shop: TestShop, service: Service) -> None:
    with transaction():
        shop.outbox.mail("ready:1", service.id, READY)
        raise RuntimeError("state change failed")


def test_a_known_key_does_not_spoil_the_transaction_around_it(shop: TestShop) -> None:
    service = service_of()
    shop.outbox.mail("ready:1", service.id, READY)
    with transaction():
        shop.outbox.mail("ready:1", service.id, READY)
        Service.update(domain="changed.example.com").where(Service.id == service.id).execute()
    assert Service.get_by_id(service.id).domain == "changed.example.com"


@pytest.mark.parametrize(
    ("kind", "payload"), [("fax", {}), ("mail", {"template": "x"}), ("activity", {"description": "x", "more": 1})]
)
def test_a_message_that_nobody_could_deliver_is_refused_at_once(
    shop: TestShop, kind: str, payload: dict[str, object]
) -> None:
    with pytest.raises(ValueError, match=r"outbox knows no messages|holds"):
        shop.outbox.add(kind, "key", service_of().id, payload)


@pytest.mark.req("EML-05")
def test_the_welcome_mail_leaves_at_once(shop: TestShop) -> None:
    assert shop.outbox.welcome("welcome:1", service_of().id) is True
    shop.delivery().deliver_due()
    assert shop.subjects() == [WELCOME_SUBJECT]


@pytest.mark.req("EML-05")
def test_no_welcome_mail_when_whmcs_sends_the_same_one_itself(shop: TestShop) -> None:
    own = EmailTemplate.get(EmailTemplate.name == WELCOME)
    service = service_of(packageid=make_product(welcomeemail=own.id).id)
    assert shop.outbox.welcome("welcome:1", service.id) is False
    assert OutboxMessage.select().count() == 0


def test_the_welcome_mail_leaves_beside_another_welcome_mail_of_the_product(shop: TestShop) -> None:
    other = add_template("Server Welcome", "Welcome")
    service = service_of(packageid=make_product(welcomeemail=other.id).id)
    assert shop.outbox.welcome("welcome:1", service.id) is True


# Delivering


@pytest.mark.req("EML-11")
def test_the_ready_mail_shows_the_service_as_it_is_when_the_mail_leaves(shop: TestShop) -> None:
    template = EmailTemplate.get(EmailTemplate.name == READY)
    EmailTemplate.update(message=template.message + "{$vm_id} {$server_hostname}").execute()
    service = service_of(make_client(firstname="Zoë", lastname="O&#039;Neill"), dedicatedip="192.0.2.1")
    shop.outbox.mail("ready:1", service.id, READY, {"vm_id": "2001", "server_hostname": "pve1"})
    Service.update(
        dedicatedip="192.0.2.5",
        domain="vm-5.example.com",
        username="admin",
        password=shop.sandbox.passwords.encrypt("p<5"),
    ).execute()
    assert shop.delivery().deliver_due() == 1
    (mail,) = shop.sandbox.mails
    assert "Dear Zoë O'Neill," in mail.body
    assert "IP address: 192.0.2.5 or vm-5.example.com\nUsername: admin\nPassword: p<5\n" in mail.body
    assert "2001 pve1" in mail.body


@pytest.mark.req("EML-16", "ENG-16")
def test_a_delivered_message_never_leaves_again(shop: TestShop) -> None:
    shop.outbox.mail("ready:1", service_of().id, READY)
    sent = [shop.delivery().deliver_due() for _ in range(3)]
    shop.clock.pass_by(7 * 86400)
    assert [*sent, shop.delivery().deliver_due()] == [1, 0, 0, 0]
    assert shop.subjects() == [READY_SUBJECT]


@pytest.mark.req("DEP-45", "EML-05")
def test_welcome_leaves_before_ready_even_when_its_first_attempt_failed(shop: TestShop) -> None:
    service = service_of()
    shop.outbox.mail("welcome:1", service.id, WELCOME)
    shop.outbox.mail("ready:1", service.id, READY)
    shop.faults.plan(FaultKind.DOWN)
    assert shop.delivery().deliver_due() == 0
    shop.clock.pass_by(5)
    assert shop.delivery().deliver_due() == 2
    assert shop.subjects() == [WELCOME_SUBJECT, READY_SUBJECT]


def test_a_client_whose_mail_waits_does_not_hold_up_other_clients(shop: TestShop) -> None:
    shop.faults.plan(FaultKind.DOWN)
    shop.outbox.mail("first", service_of().id, WELCOME)
    shop.outbox.mail("second", service_of().id, READY)
    assert shop.delivery().deliver_due() == 1
    assert shop.subjects() == [READY_SUBJECT]


def test_one_pass_takes_no_more_than_its_limit(shop: TestShop) -> None:
    for number in range(5):
        shop.outbox.mail(f"ready:{number}", service_of().id, READY)
    assert shop.delivery().deliver_due(limit=2) == 2
    assert len(shop.sandbox.mails) == 2


def test_activity_entries_and_tickets_leave_too(shop: TestShop) -> None:
    department = TicketDepartment.create(name="Support")
    service = service_of()
    shop.outbox.activity("terminated:1", service.id, f"VM 2001 removed - Service ID: {service.id}")
    shop.outbox.ticket("rdns:1", service.id, department.id, "Reverse DNS", "192.0.2.5 -> mail.example.com")
    assert shop.delivery().deliver_due() == 2
    (entry,), (ticket,) = ActivityLogEntry.select(), Ticket.select()
    assert (entry.description, entry.userid) == (f"VM 2001 removed - Service ID: {service.id}", service.userid)
    assert (ticket.title, ticket.userid, ticket.service) == ("Reverse DNS", service.userid, f"S{service.id}")


@pytest.mark.req("LOG-09")
def test_what_is_for_staff_only_is_in_no_clients_log(shop: TestShop) -> None:
    service = service_of()
    shop.outbox.staff_activity("attention:1", service.id, f"node pve1 is full - Service ID: {service.id}")
    assert shop.delivery().deliver_due() == 1
    (entry,) = ActivityLogEntry.select()
    assert (entry.description, entry.userid) == (f"node pve1 is full - Service ID: {service.id}", 0)


def test_delivery_inside_a_transaction_is_refused(shop: TestShop) -> None:
    with transaction(), pytest.raises(RuntimeError, match="inside a transaction"):
        shop.delivery().deliver_due()


# Failing


@pytest.mark.req("ENG-15")
def test_pauses_double_from_five_seconds_to_a_quarter_of_an_hour_and_never_end(shop: TestShop) -> None:
    shop.outbox.mail("ready:1", service_of().id, READY)
    shop.faults.plan(FaultKind.DOWN, times=12)
    pauses = []
    for _ in range(12):
        shop.delivery().deliver_due()
        pauses.append(message("ready:1").next_try_at - shop.clock.now())
        shop.clock.pass_by(pauses[-1])
    assert pauses == [5, 10, 20, 40, 80, 160, 320, 640, 900, 900, 900, 900]
    shop.clock.pass_by(30 * 86400)
    assert shop.delivery().deliver_due() == 1


@pytest.mark.req("EML-03", "EML-04")
@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda: EmailTemplate.delete().where(EmailTemplate.name == WELCOME).execute(), "not found"),
        (lambda: EmailTemplate.update(disabled=1).where(EmailTemplate.name == WELCOME).execute(), "disabled"),
        (lambda: EmailTemplate.update(type="general").where(EmailTemplate.name == WELCOME).execute(), "not found"),
    ],
    ids=["deleted", "disabled", "of another type"],
)
def test_a_useless_template_is_given_up_with_a_log_row_and_blocks_nothing(
    shop: TestShop, change: object, text: str
) -> None:
    service = service_of()
    shop.outbox.mail("welcome:1", service.id, WELCOME)
    shop.outbox.mail("ready:1", service.id, READY)
    change()  # type: ignore[operator]
    assert shop.delivery().deliver_due() == 1
    assert shop.subjects() == [READY_SUBJECT]
    assert message("welcome:1").state == "failed"
    ((action, request, response),) = shop.journal.rows
    assert action == "outbox mail"
    assert WELCOME in request
    assert text in response
    assert message("welcome:1").last_error in response


@pytest.mark.parametrize(("days", "state"), [(0.03, "pending"), (2.9, "refused"), (3.1, "failed")])
def test_a_mail_that_the_mailer_refuses_is_given_up_after_three_days(shop: TestShop, days: float, state: str) -> None:
    shop.outbox.mail("ready:1", service_of().id, READY)
    shop.clock.pass_by(days * 86400)
    shop.faults.plan(FaultKind.MAILER)
    shop.delivery().deliver_due()
    assert message("ready:1").state == state


@pytest.mark.req("ENG-41")
def test_a_mail_that_whmcs_refuses_holds_up_its_client_for_an_hour_and_is_tried_on(shop: TestShop) -> None:
    service = service_of()
    shop.outbox.mail("welcome:1", service.id, WELCOME)
    shop.outbox.mail("ready:1", service.id, READY)
    refused_until_now = []
    while not shop.subjects():
        shop.faults.plan(FaultKind.MAILER)
        shop.delivery().deliver_due()
        refused_until_now.append(shop.clock.now() - message("welcome:1").created_at)
        shop.clock.pass_by(message("welcome:1").next_try_at - shop.clock.now())
    assert shop.subjects() == [READY_SUBJECT]
    assert refused_until_now[-2] <= 3600 < refused_until_now[-1]
    assert shop.delivery().deliver_due() == 1
    assert shop.subjects() == [READY_SUBJECT, WELCOME_SUBJECT]


@pytest.mark.req("ENG-41")
def test_an_entry_of_the_activity_log_that_may_not_be_written_holds_up_no_mail(shop: TestShop) -> None:
    service = service_of()
    shop.sandbox.denied_actions = frozenset({"LogActivity"})
    shop.outbox.activity("deployed:1", service.id, "deployed")
    shop.outbox.mail("ready:1", service.id, READY)
    assert shop.delivery().deliver_due() == 1
    assert shop.subjects() == [READY_SUBJECT]
    assert "API role" in message("deployed:1").last_error
    shop.sandbox.denied_actions = frozenset()
    shop.clock.pass_by(900)
    assert shop.delivery().deliver_due() == 1


def test_wrong_credentials_lose_nothing(shop: TestShop) -> None:
    shop.outbox.mail("ready:1", service_of().id, READY)
    shop.sandbox.secret = "changed"
    shop.clock.pass_by(30 * 86400)
    assert shop.delivery().deliver_due() == 0
    assert "check identifier and secret" in message("ready:1").last_error
    shop.sandbox.secret = "sandbox-secret"
    shop.clock.pass_by(900)
    assert shop.delivery().deliver_due() == 1


def test_a_message_that_breaks_our_code_rests_and_does_not_stop_the_others(
    shop: TestShop, caplog: pytest.LogCaptureFixture
) -> None:
    shop.outbox.mail("broken", service_of().id, WELCOME)
    OutboxMessage.update(payload="no json").execute()
    shop.outbox.mail("ready:1", service_of().id, READY)
    assert shop.delivery().deliver_due() == 1
    assert "Traceback" in caplog.text
    assert message("broken").next_try_at == shop.clock.now() + 3600
    shop.clock.pass_by(3 * 86400 + 1)
    shop.delivery().deliver_due()
    assert message("broken").state == "failed"
    assert shop.journal.rows[-1][2] == 'mail "broken" of service 1 was not sent: our bug: JSONDecodeError'


@pytest.mark.req("ENG-15")
def test_a_mail_whose_answer_is_lost_again_and_again_is_tried_less_and_less_often(shop: TestShop) -> None:
    shop.outbox.mail("ready:1", service_of().id, READY)
    shop.faults.plan(FaultKind.CUT_BEFORE, times=10)
    pauses = []
    for _ in range(10):
        shop.delivery().deliver_due()
        pauses.append(message("ready:1").next_try_at - shop.clock.now())
        shop.clock.pass_by(pauses[-1])
    assert pauses == [60, 60, 60, 60, 80, 160, 320, 640, 900, 900]
    assert shop.delivery().deliver_due() == 1
    assert shop.subjects() == [READY_SUBJECT]


@pytest.mark.req("ENG-15")
@pytest.mark.parametrize(("drawn", "pause"), [(0.0, 5.0), (0.5, 4.5), (0.999, 4.001)])
def test_retries_of_many_messages_are_spread(shop: TestShop, drawn: float, pause: float) -> None:
    shop.outbox.mail("ready:1", service_of().id, READY)
    shop.faults.plan(FaultKind.DOWN)
    Delivery(shop.api, shop.journal, shop.clock, jitter=lambda: drawn).deliver_due()
    assert message("ready:1").next_try_at - shop.clock.now() == pytest.approx(pause)


# Several processes


def test_a_fresh_claim_of_another_process_is_respected(shop: TestShop) -> None:
    shop.outbox.mail("ready:1", service_of().id, READY)
    claimed = {"state": "sending", "attempts": 1, "attempt_started_at": shop.clock.now(), "evidence_after": 0}
    OutboxMessage.update(**claimed, next_try_at=shop.clock.now() + 60).execute()
    shop.clock.pass_by(59)
    assert shop.delivery().deliver_due() == 0
    shop.clock.pass_by(1)
    assert shop.delivery().deliver_due() == 1


def test_another_message_of_the_client_waits_while_one_is_being_sent(shop: TestShop) -> None:
    client = make_client()
    shop.outbox.mail("first", service_of(client).id, READY)
    shop.outbox.mail("second", service_of(client).id, READY)
    later = message("second")
    OutboxMessage.update(state="sending", attempts=1, evidence_after=0, next_try_at=shop.clock.now() + 60).where(
        OutboxMessage.id == later.id
    ).execute()
    assert shop.delivery().deliver_due() == 0


@pytest.mark.req("ENG-16")
def test_four_senders_at_once_send_each_mail_once(shop: TestShop) -> None:
    clients = [make_client() for _ in range(6)]
    for number in range(30):
        add_template(f"T{number}", f"Subject {number}")
        shop.outbox.mail(f"mail:{number}", service_of(clients[number % 6]).id, f"T{number}")
    problems: list[Exception] = []

    def send() -> None:
        try:
            for _ in range(40):
                shop.delivery().deliver_due(limit=5)
        except Exception as error:
            problems.append(error)
        finally:
            close_connection()

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert sorted(shop.subjects()) == sorted(f"Subject {number}" for number in range(30))


def test_a_sender_that_lost_its_claim_writes_nothing(shop: TestShop, caplog: pytest.LogCaptureFixture) -> None:
    shop.outbox.mail("ready:1", service_of().id, READY)

    def taken_over(action: str) -> None:
        OutboxMessage.update(attempts=2, last_error="the other one's").execute()

    shop.adapter.after = taken_over
    assert shop.delivery().deliver_due() == 0
    assert (message("ready:1").state, message("ready:1").last_error) == ("sending", "the other one's")
    assert "another process looks after it" in caplog.text


def test_the_lease_is_a_matter_of_configuration(shop: TestShop) -> None:
    shop.outbox.mail("ready:1", service_of().id, READY)
    shop.faults.plan(FaultKind.CUT_BEFORE)
    shop.delivery(lease=10).deliver_due()
    assert message("ready:1").next_try_at == shop.clock.now() + 10


def test_a_product_without_a_row_still_gets_its_welcome_mail(shop: TestShop) -> None:
    service = service_of()
    Product.delete().execute()
    assert shop.outbox.welcome("welcome:1", service.id) is True
