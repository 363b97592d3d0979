"""The client of WHMCS's API: what it sends, what it makes of each answer, and how it fails."""

import json
import logging
from typing import Any
from urllib.parse import parse_qs

import pytest
import requests
import responses
from urllib3.exceptions import MaxRetryError, NewConnectionError

from providers.errors import (
    AuthFailed,
    CertificateRefused,
    NotFound,
    Permanent,
    ProviderError,
    Rejected,
    Retryable,
    Unavailable,
)
from providers.whmcs import (
    ActionNotAllowed,
    BadCredentials,
    InvalidIp,
    Nonsense,
    SendingFailed,
    TemplateDisabled,
    TemplateMissing,
    WhmcsApi,
    phpserialize,
)

URL = "https://shop.example.com/includes/api.php"
IDENTIFIER, SECRET = "identifier-4711", "secret-0815"


@pytest.fixture
def web() -> Any:
    with responses.RequestsMock() as mock:
        yield mock


@pytest.fixture
def whmcs() -> WhmcsApi:
    return WhmcsApi("https://shop.example.com/", IDENTIFIER, SECRET, access_key="access-key-42")


def sent(web: responses.RequestsMock) -> dict[str, str]:
    """The form fields of the only request."""
    (call,) = web.calls
    return {name: values[0] for name, values in parse_qs(str(call.request.body), keep_blank_values=True).items()}


def succeed(web: responses.RequestsMock, **values: Any) -> None:
    web.post(URL, json={"result": "success", **values})


def refuse(web: responses.RequestsMock, message: str, status: int = 200) -> None:
    web.post(URL, json={"result": "error", "message": message}, status=status)


# What is sent


def test_credentials_travel_in_the_body_and_never_in_the_address(web: responses.RequestsMock, whmcs: WhmcsApi) -> None:
    succeed(web)
    whmcs.log_activity("Service ID: 5 is ready", 7)
    assert web.calls[0].request.url == URL
    assert sent(web) == {
        "action": "LogActivity",
        "responsetype": "json",
        "identifier": IDENTIFIER,
        "secret": SECRET,
        "accesskey": "access-key-42",
        "description": "Service ID: 5 is ready",
        "clientid": "7",
        "userid": "7",
    }


def test_the_merge_fields_of_a_mail_are_a_serialized_php_array(web: responses.RequestsMock, whmcs: WhmcsApi) -> None:
    succeed(web)
    whmcs.send_email("puqProxmoxKVM VM is ready", 5, {"vm_id": "2001", "server_hostname": "węzeł-1"})
    fields = sent(web)
    assert (fields["messagename"], fields["id"]) == ("puqProxmoxKVM VM is ready", "5")
    assert phpserialize.from_parameter(fields["customvars"]) == {"vm_id": "2001", "server_hostname": "węzeł-1"}


def test_arrays_and_flags_are_spelled_as_php_expects_them(web: responses.RequestsMock, whmcs: WhmcsApi) -> None:
    succeed(web)
    whmcs.call("AddOrder", {"pid": [3, 4], "map": {"x": {"y": 1}}, "on": True, "off": False, "none": None})
    fields = {name: value for name, value in sent(web).items() if name in ("on", "off", "none") or "[" in name}
    assert fields == {"pid[0]": "3", "pid[1]": "4", "map[x][y]": "1", "on": "1", "off": ""}


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("https://shop.example.com", URL),
        ("https://shop.example.com/", URL),
        (URL, URL),
        ("http://127.0.0.1:8090/billing/", "http://127.0.0.1:8090/billing/includes/api.php"),
    ],
)
def test_the_system_url_leads_to_the_api(web: responses.RequestsMock, url: str, endpoint: str) -> None:
    web.post(endpoint, json={"result": "success"})
    WhmcsApi(url, IDENTIFIER, SECRET).call("GetAdminDetails")
    assert web.calls[0].request.url == endpoint


@pytest.mark.parametrize("url", ["", "shop.example.com", "ftp://shop", "https://admin:pw@shop/", "https://shop/?a=b"])
def test_an_address_that_is_no_plain_web_address_is_refused(url: str) -> None:
    with pytest.raises(Rejected, match=r"plain http\(s\) URL") as refused:
        WhmcsApi(url, IDENTIFIER, SECRET)
    assert "pw" not in str(refused.value)


# What comes back


def test_a_stored_password_comes_back_in_clear_and_without_html_entities(
    web: responses.RequestsMock, whmcs: WhmcsApi
) -> None:
    succeed(web, password="a&amp;b&lt;c&gt;&quot;&#039;&amp;lt;&lt3")
    assert whmcs.decrypt("ciphertext") == "a&b<c>\"'&lt;&lt3"
    assert sent(web)["password2"] == "ciphertext"


def test_an_empty_ciphertext_is_an_empty_password_and_costs_no_call(whmcs: WhmcsApi) -> None:
    assert whmcs.decrypt("") == ""


def test_encryption_returns_what_whmcs_made_of_it(web: responses.RequestsMock, whmcs: WhmcsApi) -> None:
    succeed(web, password="kj34h5kjh==")
    assert whmcs.encrypt("plain") == "kj34h5kjh=="


def test_an_answer_without_the_password_is_nonsense(web: responses.RequestsMock, whmcs: WhmcsApi) -> None:
    succeed(web)
    with pytest.raises(Nonsense, match="EncryptPassword: the answer holds no password"):
        whmcs.encrypt("plain")


def test_a_ticket_is_known_by_its_row_and_its_number(web: responses.RequestsMock, whmcs: WhmcsApi) -> None:
    succeed(web, id="12", tid="516757", c="KPqH7yG3")
    ticket = whmcs.open_ticket(1, 7, "Reverse DNS", "192.0.2.5 -> mail.example.com", service_id=5)
    assert (ticket.id, ticket.number) == (12, "516757")
    assert {"deptid": "1", "clientid": "7", "serviceid": "5", "priority": "Medium"}.items() <= sent(web).items()


@pytest.mark.parametrize(
    "emails",
    [
        {"email": [{"id": "3", "subject": "S", "date": "2026-01-01 10:00:00"}]},
        {"email": {"0": {"id": 3, "subject": "S", "date": "2026-01-01 10:00:00"}}},
        {"email": {"id": "3", "subject": "S", "date": "2026-01-01 10:00:00"}},
    ],
)
def test_lists_are_understood_in_every_form_that_php_prints(
    web: responses.RequestsMock, whmcs: WhmcsApi, emails: dict[str, Any]
) -> None:
    succeed(web, emails=emails)
    (mail,) = whmcs.emails(7)
    assert (mail.id, mail.subject, mail.date) == (3, "S", "2026-01-01 10:00:00")


def test_an_empty_list_may_come_as_an_empty_array(web: responses.RequestsMock, whmcs: WhmcsApi) -> None:
    succeed(web, departments=[])
    assert whmcs.support_departments() == []


def test_templates_and_departments_are_listed(web: responses.RequestsMock, whmcs: WhmcsApi) -> None:
    succeed(web, emailtemplates={"emailtemplate": [{"id": "1", "name": "N", "subject": "S", "custom": "1"}]})
    succeed(web, departments={"department": [{"id": "2", "name": "Support"}]})
    (template,), (department,) = whmcs.email_templates(), whmcs.support_departments()
    assert (template.name, template.subject, template.custom) == ("N", "S", True)
    assert (department.id, department.name) == (2, "Support")


def test_php_warnings_before_the_answer_are_noted_and_passed_over(
    web: responses.RequestsMock, whmcs: WhmcsApi, caplog: pytest.LogCaptureFixture
) -> None:
    noise = "\ufeff<br />Warning: {oops} in hooks.php with secret-0815<br />\n"
    web.post(URL, body=noise + json.dumps({"result": "success", "password": "p"}))
    with caplog.at_level(logging.WARNING):
        assert whmcs.decrypt("c") == "p"
    assert "DecryptPassword" in caplog.text
    assert SECRET not in caplog.text


# How it fails

REFUSALS = [
    ("Invalid IP 192.0.2.9", 403, InvalidIp, "192.0.2.9: allow it in General Settings"),
    ("IP Banned", 403, InvalidIp, "banned"),
    ("Authentication Failed", 403, BadCredentials, "check identifier and secret"),
    ("Invalid or missing credentials", 200, BadCredentials, "check identifier and secret"),
    ('Invalid Permissions: API action "sendemail" is not allowed', 403, ActionNotAllowed, "API role"),
    ("Email Template not found", 200, TemplateMissing, "create it in Email Templates"),
    ("Email Template is disabled", 200, TemplateDisabled, "enable it"),
    ("Sending Failed. Please see documentation.", 200, SendingFailed, "Activity Log"),
    ("Client ID Not Found", 200, NotFound, "Client ID Not Found"),
    ("A subject is required for a custom message", 200, Rejected, "A subject is required"),
    ("", 200, Rejected, "without a reason"),
]


@pytest.mark.req("DAT-07")
@pytest.mark.parametrize(("message", "status", "error", "text"), REFUSALS)
def test_every_refusal_becomes_its_own_error_with_action_and_cause(
    web: responses.RequestsMock, whmcs: WhmcsApi, message: str, status: int, error: type[ProviderError], text: str
) -> None:
    refuse(web, message, status)
    with pytest.raises(ProviderError) as failed:
        whmcs.send_email("puqProxmoxKVM VM is ready", 5)
    assert type(failed.value) is error
    assert 'WHMCS API SendEmail "puqProxmoxKVM VM is ready", service 5: ' in str(failed.value)
    assert text in str(failed.value)
    assert "\n" not in str(failed.value)


@pytest.mark.parametrize(("message", "status", "error", "text"), REFUSALS)
def test_a_refused_write_certainly_did_nothing(
    web: responses.RequestsMock, whmcs: WhmcsApi, message: str, status: int, error: type[ProviderError], text: str
) -> None:
    refuse(web, message, status)
    with pytest.raises(error) as failed:
        whmcs.send_email("puqProxmoxKVM VM is ready", 5)
    assert not failed.value.outcome_unknown


REFUSED_CONNECTION = NewConnectionError(None, "Connection refused")  # type: ignore[arg-type]
NOT_CONNECTED = requests.ConnectionError(MaxRetryError(None, URL, REFUSED_CONNECTION))  # type: ignore[arg-type]
BAD_CERTIFICATE = requests.exceptions.SSLError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate")

BROKEN = [
    # what happens, error, may a write have happened, text
    (NOT_CONNECTED, Unavailable, False, "cannot be reached"),
    (requests.ConnectTimeout("timed out"), Unavailable, False, "cannot be reached"),
    (BAD_CERTIFICATE, CertificateRefused, False, "certificate"),
    (requests.exceptions.SSLError("EOF occurred in violation of protocol"), Unavailable, True, "broke"),
    (requests.ReadTimeout("Read timed out."), Unavailable, True, "no answer"),
    (requests.ConnectionError("Read timed out."), Unavailable, True, "no answer"),
    (requests.ConnectionError("Connection aborted."), Unavailable, True, "broke the connection off"),
    (requests.exceptions.ChunkedEncodingError("IncompleteRead"), Unavailable, True, "broke the connection off"),
]


@pytest.mark.req("DAT-07")
@pytest.mark.parametrize(("failure", "error", "unknown", "text"), BROKEN)
def test_a_broken_connection_says_whether_a_write_may_have_happened(
    web: responses.RequestsMock,
    whmcs: WhmcsApi,
    failure: Exception,
    error: type[ProviderError],
    unknown: bool,
    text: str,
) -> None:
    web.post(URL, body=failure)
    with pytest.raises(error, match=text) as failed:
        whmcs.send_email("puqProxmoxKVM VM is ready", 5)
    assert failed.value.outcome_unknown is unknown
    assert "shop.example.com" in str(failed.value)


@pytest.mark.parametrize("action", ["GetEmails", "DecryptPassword", "EncryptPassword"])
def test_a_lost_read_leaves_nothing_in_doubt(web: responses.RequestsMock, whmcs: WhmcsApi, action: str) -> None:
    web.post(URL, body=requests.ReadTimeout("Read timed out."))
    with pytest.raises(Unavailable) as failed:
        whmcs.call(action)
    assert not failed.value.outcome_unknown


PAGES = [
    # status, body, headers, error, may a write have happened, text
    (200, "<html><title>Down for Maintenance</title>", {}, Nonsense, True, 'titled "Down for Maintenance"'),
    (200, "", {}, Nonsense, True, "did not answer in JSON"),
    (200, '{"no": "result"}', {}, Nonsense, True, "did not answer in JSON"),
    (200, "[]", {}, Nonsense, True, "did not answer in JSON"),
    (500, "Fatal error: Uncaught Exception('secret-0815')", {}, Nonsense, True, "HTTP 500"),
    (502, "Bad Gateway", {}, Nonsense, True, "HTTP 502"),
    (403, "Forbidden", {}, AuthFailed, False, "the web server of https://shop.example.com refuses"),
    (404, "Not Found", {}, Permanent, False, "no includes/api.php"),
    (429, "Slow down", {}, Retryable, False, "slow down"),
    (301, "", {"Location": "https://www.example.com/x?token=1"}, Permanent, False, "https://www.example.com;"),
]


@pytest.mark.req("DAT-07")
@pytest.mark.parametrize(("status", "body", "headers", "error", "unknown", "text"), PAGES)
def test_an_answer_that_is_not_the_api_is_one_clear_line(
    web: responses.RequestsMock,
    whmcs: WhmcsApi,
    status: int,
    body: str,
    headers: dict[str, str],
    error: type[ProviderError],
    unknown: bool,
    text: str,
) -> None:
    web.post(URL, body=body, status=status, headers=headers)
    with pytest.raises(error) as failed:
        whmcs.log_activity("x")
    assert text in str(failed.value)
    assert failed.value.outcome_unknown is unknown
    assert "secret-0815" not in str(failed.value)
    assert "token" not in str(failed.value)


def test_nothing_is_ever_sent_twice(web: responses.RequestsMock, whmcs: WhmcsApi) -> None:
    web.post(URL, status=502)
    with pytest.raises(Nonsense):
        whmcs.log_activity("x")
    assert len(web.calls) == 1


def test_no_repr_and_no_message_shows_a_secret(web: responses.RequestsMock, whmcs: WhmcsApi) -> None:
    refuse(web, "Authentication Failed", 403)
    with pytest.raises(BadCredentials) as failed:
        whmcs.decrypt("ciphertext-99")
    shown = repr(whmcs) + repr(failed.value) + str(failed.value)
    assert not [word for word in (IDENTIFIER, SECRET, "access-key-42", "ciphertext-99") if word in shown]


@pytest.mark.parametrize(("template", "kind"), [(TemplateMissing, "not_found"), (TemplateDisabled, "permanent")])
def test_a_useless_template_is_a_matter_for_the_admin(template: type[ProviderError], kind: str) -> None:
    error = template("x")
    assert (error.kind, error.who) == (kind, "admin")
