"""The sandbox WHMCS through the real API client, in process and over HTTP: WHMCS's shapes, refusals and bad days."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import requests

from bridge.models.whmcs import Client, EmailTemplate, Product, Service
from bridge.sandbox.whmcs import FaultKind, WhmcsAdapter, WhmcsSandbox
from bridge.sandbox.whmcs.seed import DemoShop, ProxmoxAccess, seed
from bridge.sandbox.whmcs.server import serving
from emailtemplates import EmailTemplate as Template
from emailtemplates import catalog
from providers.errors import NotFound, Rejected, Unavailable
from providers.whmcs import (
    ActionNotAllowed,
    BadCredentials,
    InvalidIp,
    Nonsense,
    SendingFailed,
    TemplateDisabled,
    TemplateMissing,
    WhmcsApi,
)
from tests.services import free_port
from tests.shop import VirtualClock

READY = "puqProxmoxKVM VM is ready"
CLUSTER = ProxmoxAccess("127.0.0.1", 8006, "root@pam!bridge", "11111111-2222-3333-4444-555555555555")


@dataclass
class Connected:
    """A sandbox, its demo shop, and the client at its door."""

    sandbox: WhmcsSandbox
    demo: DemoShop
    url: str
    adapter: WhmcsAdapter | None

    def api(self, identifier: str = "sandbox-identifier", secret: str = "sandbox-secret", key: str = "") -> WhmcsApi:
        return WhmcsApi(self.url, identifier, secret, access_key=key, adapter=self.adapter, timeout=(5.0, 0.5))


@pytest.fixture(params=["in process", "over HTTP"])
def whmcs(request: pytest.FixtureRequest, sqlite_db: object) -> Iterator[Connected]:
    sandbox = WhmcsSandbox(VirtualClock())
    demo = seed(sandbox.shop, CLUSTER, {"os_template": "9000"})
    with contextlib.ExitStack() as stack:
        if request.param == "in process":
            yield Connected(sandbox, demo, "https://whmcs.sandbox", WhmcsAdapter(sandbox))
        else:
            sandbox.faults.delay = 1.0
            yield Connected(sandbox, demo, stack.enter_context(serving(sandbox)), None)


# What works


@pytest.mark.req("SBX-09")
def test_a_mail_is_filled_in_sent_and_kept_in_the_log_of_the_client(whmcs: Connected) -> None:
    service = whmcs.demo.order("vm.example.com")
    Service.update(dedicatedip="192.0.2.5").where(Service.id == service).execute()
    whmcs.api().send_email(READY, service, {"vm_id": "2001"})
    (mail,) = whmcs.sandbox.mails
    assert mail.to == "zoe@example.com"
    assert "Dear Zoë O'Neill," in mail.body
    assert "Product/Service: KVM Small\nPayment Method: Bank Transfer\nAmount: €9.90 EUR" in mail.body
    assert "Billing Cycle: Monthly\nNext Due Date: 14/02/2027" in mail.body
    assert "IP address: 192.0.2.5 or vm.example.com" in mail.body
    (logged,) = whmcs.api().emails(whmcs.demo.client_id, "ready")
    assert (logged.subject, logged.date) == ("Virtual Machine is ready", "2027-01-15 08:00:00")


@pytest.mark.req("EML-12")
@pytest.mark.parametrize("template", catalog(), ids=lambda template: template.name)
def test_every_merge_field_of_our_templates_is_filled_in(whmcs: Connected, template: Template) -> None:
    service = whmcs.demo.order("vm.example.com")
    password = whmcs.sandbox.passwords.encrypt("p<5&")
    Service.update(dedicatedip="192.0.2.5", username="debian", password=password).execute()
    whmcs.api().send_email(template.name, service)
    values = {
        "client_name": "Zoë O'Neill",
        "service_product_name": "KVM Small",
        "service_payment_method": "Bank Transfer",
        "service_recurring_amount": "€9.90 EUR",
        "service_billing_cycle": "Monthly",
        "service_next_due_date": "14/02/2027",
        "service_dedicated_ip": "192.0.2.5",
        "service_domain": "vm.example.com",
        "service_username": "debian",
        "service_password": "p<5&",
        "signature": "Demo Hosting\nhttps://hosting.example.com",
    }
    expected = template.body
    for name, value in values.items():
        expected = expected.replace(f"{{${name}}}", value)
    (mail,) = whmcs.sandbox.mails
    assert "{" not in expected
    assert (mail.subject, mail.body.strip()) == (template.subject, expected.strip())


@pytest.mark.req("EML-14")
def test_whmcs_own_merge_fields_work_in_the_module_s_mails(whmcs: Connected) -> None:
    EmailTemplate.update(message="{$client_email} {$service_server_hostname} {$unknown}|").execute()
    whmcs.api().send_email(READY, whmcs.demo.order())
    assert whmcs.sandbox.mails[0].body == "zoe@example.com 127.0.0.1 |"


@pytest.mark.req("SBX-09")
@pytest.mark.parametrize("password", ["simple", "a&b<c>\"d'e", "zażółć 🙂", "100%+1=?;"])
def test_a_password_comes_back_as_it_was_and_looks_different_each_time(whmcs: Connected, password: str) -> None:
    first, second = whmcs.api().encrypt(password), whmcs.api().encrypt(password)
    assert first != second
    assert password not in first
    assert [whmcs.api().decrypt(first), whmcs.api().decrypt(second)] == [password, password]


def test_templates_and_departments_are_listed(whmcs: Connected) -> None:
    assert len(whmcs.api().email_templates()) == 5
    assert [department.name for department in whmcs.api().support_departments()] == ["Support"]


def test_text_in_any_language_passes_the_api_unchanged(whmcs: Connected) -> None:
    name = "Łódź 日本 𝄞🙂"
    Client.update(firstname=name).execute()
    whmcs.api().send_email(READY, whmcs.demo.order(), {"vm_id": name})
    assert f"Dear {name} O'Neill" in whmcs.sandbox.mails[0].body


def test_a_client_with_another_language_gets_the_translated_template(whmcs: Connected) -> None:
    EmailTemplate.create(type="product", name=READY, subject="Gotowe", message="Witaj", language="polish")
    Client.update(language="polish").execute()
    whmcs.api().send_email(READY, whmcs.demo.order())
    assert whmcs.sandbox.mails[0].subject == "Gotowe"


# What is refused


@pytest.mark.req("SBX-09")
def test_the_front_door_tells_address_identifier_secret_and_role_apart(whmcs: Connected) -> None:
    with pytest.raises(BadCredentials, match="Invalid or missing credentials"):
        whmcs.api(identifier="stranger").email_templates()
    with pytest.raises(BadCredentials, match="Authentication Failed"):
        whmcs.api(secret="wrong").email_templates()
    whmcs.sandbox.denied_actions = frozenset({"GetEmailTemplates"})
    with pytest.raises(ActionNotAllowed, match='"getemailtemplates" is not allowed'):
        whmcs.api().email_templates()


def test_an_unknown_address_needs_the_access_key(whmcs: Connected) -> None:
    whmcs.sandbox.allowed_ips, whmcs.sandbox.access_key = {"192.0.2.1"}, "the-key"
    with pytest.raises(InvalidIp, match=r"Invalid IP 127\.0\.0\.1"):
        whmcs.api().email_templates()
    assert len(whmcs.api(key="the-key").email_templates()) == 5


@pytest.mark.req("SBX-09")
def test_mails_that_cannot_be_sent_say_why(whmcs: Connected) -> None:
    service = whmcs.demo.order()
    with pytest.raises(TemplateMissing):
        whmcs.api().send_email("puqProxmoxKVM Welcome Email", service)
    with pytest.raises(SendingFailed):
        whmcs.api().send_email(READY, 999)
    EmailTemplate.update(message=" ").execute()
    with pytest.raises(SendingFailed):
        whmcs.api().send_email(READY, service)
    EmailTemplate.update(disabled=1).execute()
    with pytest.raises(TemplateDisabled):
        whmcs.api().send_email(READY, service)
    with pytest.raises(Rejected, match="custom variables you provided are invalid"):
        whmcs.api().call("SendEmail", {"messagename": READY, "id": service, "customvars": "!"})
    assert whmcs.sandbox.mails == []


@pytest.mark.parametrize(
    ("department", "client", "service", "text"),
    [(9, 1, None, "Department ID not found"), (1, 9, None, "Client ID Not Found"), (1, 1, 9, "Service ID Not Found")],
)
def test_a_ticket_about_nothing_is_refused(
    whmcs: Connected, department: int, client: int, service: int | None, text: str
) -> None:
    with pytest.raises(NotFound, match=text):
        whmcs.api().open_ticket(department, client, "subject", "message", service_id=service)


def test_an_unknown_action_is_refused(whmcs: Connected) -> None:
    with pytest.raises(NotFound, match="Command Not Found"):
        whmcs.api().call("MakeCoffee")


# Bad days


@pytest.mark.req("SBX-09", "DAT-07")
@pytest.mark.parametrize(
    ("fault", "error", "happened"),
    [
        (FaultKind.DOWN, Unavailable, False),
        (FaultKind.CUT_BEFORE, Unavailable, False),
        (FaultKind.CUT_AFTER, Unavailable, True),
        (FaultKind.SLOW, Unavailable, True),
        (FaultKind.NONSENSE, Nonsense, False),
        (FaultKind.NONSENSE_AFTER, Nonsense, True),
        (FaultKind.MAILER, SendingFailed, False),
    ],
)
def test_a_planned_fault_meets_one_call_and_leaves_the_effect_it_promises(
    whmcs: Connected, fault: FaultKind, error: type[Exception], happened: bool
) -> None:
    service = whmcs.demo.order()
    whmcs.sandbox.faults.plan(fault, "SendEmail")
    with pytest.raises(error) as failed:
        whmcs.api().send_email(READY, service)
    assert len(whmcs.sandbox.mails) == int(happened)
    assert getattr(failed.value, "outcome_unknown", False) or not happened
    whmcs.api().send_email(READY, service)
    assert len(whmcs.sandbox.mails) == int(happened) + 1


def test_noise_before_the_answer_does_not_hide_it(whmcs: Connected) -> None:
    whmcs.sandbox.faults.plan(FaultKind.NOISE)
    assert len(whmcs.api().email_templates()) == 5


# The shop


def test_module_create_calls_the_module_activates_the_service_and_sends_whmcs_own_welcome_mail(
    whmcs: Connected,
) -> None:
    calls = []
    whmcs.sandbox.shop.module = lambda function, parameters: calls.append((function, parameters)) or "success"
    Product.update(welcomeemail=EmailTemplate.get(EmailTemplate.name == "puqProxmoxVKM Welcome Email").id).execute()
    service = whmcs.demo.order("vm.example.com", CPU_Cores=2, IPv6_Addresses=1)
    whmcs.api().call("ModuleCreate", {"serviceid": service})
    ((function, parameters),) = calls
    assert function == "CreateAccount"
    assert parameters["configoptions"] == {"CPU Cores": 2, "IPv6 Addresses": "1"}
    assert (parameters["serviceid"], parameters["domain"], parameters["serverport"]) == (
        service,
        "vm.example.com",
        8006,
    )
    assert parameters["serverpassword"] == CLUSTER.secret
    assert len(parameters["password"]) == 14
    assert Service.get_by_id(service).domainstatus == "Active"
    assert [mail.subject for mail in whmcs.sandbox.mails] == ["Virtual Machine Order Information"]


def test_a_module_that_fails_leaves_the_service_pending_and_its_text_is_the_answer(whmcs: Connected) -> None:
    whmcs.sandbox.shop.module = lambda function, parameters: "No template is configured"
    service = whmcs.demo.order()
    with pytest.raises(Rejected, match="No template is configured"):
        whmcs.api().call("ModuleCreate", {"serviceid": service})
    assert Service.get_by_id(service).domainstatus == "Pending"


def test_an_order_is_a_pending_service_with_a_password_that_only_whmcs_can_read(whmcs: Connected) -> None:
    service = Service.get_by_id(whmcs.demo.order("vm.example.com"))
    products = whmcs.api().call("GetClientsProducts", {"serviceid": service.id})["products"]["product"]
    assert (products[0]["status"], products[0]["domain"]) == ("Pending", "vm.example.com")
    assert len(products[0]["password"]) == 14
    assert products[0]["password"] not in service.password


@pytest.mark.parametrize("options", [{"Colour": 1}, {"IPv6_Addresses": 3}])
def test_an_option_that_the_product_does_not_offer_cannot_be_ordered(whmcs: Connected, options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="configurable option"):
        whmcs.demo.order(**options)


# The command


@pytest.mark.req("SBX-09")
def test_the_command_serves_a_shop_of_its_own(tmp_path: object) -> None:
    port = free_port()
    program = "from bridge.sandbox.whmcs.command import whmcs_command; whmcs_command()"
    command = [sys.executable, "-c", program, "--database", f"sqlite:///{tmp_path}/shop.sqlite", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            api = WhmcsApi(f"http://127.0.0.1:{port}", "sandbox-identifier", "sandbox-secret")
            assert (str(port) in line, api.email_templates()) == (True, [])
            assert "POST" in requests.get(f"http://127.0.0.1:{port}/", timeout=5).text
        finally:
            process.terminate()


def test_the_command_names_a_wrong_database_url() -> None:
    program = "from bridge.sandbox.whmcs.command import whmcs_command; whmcs_command()"
    run = subprocess.run(
        [sys.executable, "-c", program, "--database", "nonsense"], capture_output=True, text=True, timeout=60
    )
    assert run.returncode == 2
    assert "--database: not a database URL" in run.stderr
