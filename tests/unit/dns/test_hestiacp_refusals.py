"""What becomes of HestiaCP's refusals: words, exit codes, answers that make no sense."""

import logging

import pytest
import requests

from providers.dns.hestiacp import HestiaZone
from providers.errors import (
    AuthFailed,
    CertificateRefused,
    ChangedMeanwhile,
    Conflict,
    NotFound,
    Permanent,
    ProviderError,
    RateLimited,
    Rejected,
    Unavailable,
    Unreached,
)
from tests.contract.dns_hestiacp_fake import FakeHestia
from tests.contract.dns_wire import Reply

from .hestiacp_commands import VM, a, is_change, many, names


@pytest.fixture
def server() -> FakeHestia:
    server = FakeHestia("example.com")
    server.put("first", "A", "192.0.2.250")
    return server


@pytest.fixture
def zone(server: FakeHestia) -> HestiaZone:
    return server.zone()


# The test of a zone


@pytest.mark.req("DNS-38")
def test_the_test_lists_the_zones_of_the_user_and_nothing_else(server: FakeHestia, zone: HestiaZone) -> None:
    zone.test()
    assert server.commands == [["v-list-dns-domains", "alice", "json"]]


@pytest.mark.req("DNS-40")
def test_the_test_fails_when_the_user_has_no_zone_of_the_name(server: FakeHestia) -> None:
    with pytest.raises(NotFound, match=r"user alice has no DNS zone example\.net$"):
        server.zone(name="example.net").test()


@pytest.mark.req("DNS-61")
@pytest.mark.parametrize("statuses", [True, False])
@pytest.mark.parametrize(
    ("options", "kind", "words"),
    [
        ({"password": "wrong"}, AuthFailed, "Error: authentication failed"),
        ({"admin": "alice"}, AuthFailed, "Error: authentication failed"),
        ({"user": "bob"}, NotFound, "Error: user bob doesn't exist"),
    ],
)
def test_the_test_fails_with_the_words_of_hestiacp(
    server: FakeHestia, statuses: bool, options: dict[str, str], kind: type[ProviderError], words: str
) -> None:
    server.statuses = statuses
    with pytest.raises(ProviderError) as failed:
        server.zone(**options).test()
    assert type(failed.value) is kind
    assert str(failed.value) == f"hestia.example.com:8083: {words}"


@pytest.mark.parametrize("statuses", [True, False])
def test_an_address_of_ours_that_is_not_allowed_is_told(server: FakeHestia, zone: HestiaZone, statuses: bool) -> None:
    server.statuses, server.allows_us = statuses, False
    with pytest.raises(AuthFailed, match="IP is not allowed to connect with API"):
        zone.test()


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (400, "Error: API has been disabled11", "Error: API has been disabled"),
        (400, "Error: API has been disabledError: API Disabled", "Error: API has been disabledError: API Disabled"),
        (200, "Error: Disabled", "Error: Disabled"),
    ],
)
def test_an_api_that_is_switched_off_is_told(
    server: FakeHestia, zone: HestiaZone, status: int, body: str, words: str
) -> None:
    server.fail(Reply(status, body))
    with pytest.raises(ProviderError) as failed:
        zone.test()
    assert type(failed.value) is Permanent
    assert str(failed.value) == f"hestia.example.com:8083: {words}"


# What becomes of refusals


@pytest.mark.parametrize(
    ("code", "kind", "name"),
    [
        (1, Rejected, "E_ARGS"),
        (2, Rejected, "E_INVALID"),
        (3, ChangedMeanwhile, "E_NOTEXIST"),
        (4, ChangedMeanwhile, "E_EXISTS"),
        (5, Conflict, "E_SUSPENDED"),
        (8, Rejected, "E_LIMIT"),
        (9, AuthFailed, "E_PASSWORD"),
        (10, AuthFailed, "E_FORBIDEN"),
        (11, Permanent, "E_DISABLED"),
        (14, Unavailable, "E_LA"),
        (20, Unavailable, "E_RESTART"),
        (127, Rejected, "an exit code"),
    ],
)
def test_an_exit_code_is_told_by_its_name(
    server: FakeHestia, zone: HestiaZone, code: int, kind: type[ProviderError], name: str
) -> None:
    server.fail(Reply(200, str(code)), to=is_change, times=9)
    error = zone.store([a(VM, "192.0.2.1")])[VM, "A"]
    assert type(error) is kind
    assert str(error).startswith(f"hestia.example.com:8083: v-add-dns-record failed with {name} ({code}): ")


def test_a_suspended_zone_is_a_conflict(server: FakeHestia, zone: HestiaZone) -> None:
    server.suspended = True
    assert type(zone.store([a(VM, "192.0.2.1")])[VM, "A"]) is Conflict


def test_a_password_that_has_just_changed_is_told_for_every_record_after_one_try(
    server: FakeHestia, zone: HestiaZone
) -> None:
    server.fail(Reply(401, "9"), to=is_change, times=9)
    failed = zone.store(many(5))
    assert [type(error) for error in failed.values()] == [AuthFailed] * 5
    assert names(server) == ["v-list-dns-records", "v-add-dns-record"]


def test_a_server_that_is_lost_in_between_is_told_for_what_was_not_written(
    server: FakeHestia, zone: HestiaZone
) -> None:
    server.fail(requests.ReadTimeout("Read timed out."), to=lambda sent: sent.form.get("arg3") == "vm2", times=9)
    failed = zone.store(many(5))
    assert {key: (type(error), error.outcome_unknown) for key, error in failed.items()} == {
        wanted.key: (Unreached, True) for wanted in many(5)[2:]
    }
    assert names(server).count("v-add-dns-record") == 3


def test_a_record_of_unknown_fate_is_not_added_twice(server: FakeHestia, zone: HestiaZone) -> None:
    server.fail(requests.ReadTimeout("Read timed out."), to=is_change, after=True)
    assert set(zone.store([a(VM, "192.0.2.1")])) == {(VM, "A")}
    assert zone.store([a(VM, "192.0.2.1")]) == {}
    assert server.values("vm", "A") == ["192.0.2.1"]


@pytest.mark.req("DNS-45")
@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("body", ["", "<html><body>Hestia</body></html>", "OK", '{"1": {', "PHP Warning: oops"])
def test_an_answer_in_no_form_of_the_api_is_an_error(
    server: FakeHestia, zone: HestiaZone, status: int, body: str
) -> None:
    server.fail(Reply(status, body), times=4)
    told = rf"no answer that makes sense \(HTTP {status}\)"
    with pytest.raises(Unavailable, match=told):
        zone.test()
    with pytest.raises(Unavailable, match=told):
        zone.fetch([(VM, "A")])
    assert isinstance(zone.store([a(VM, "192.0.2.1")])[VM, "A"], Unavailable)
    server.failures.clear()
    server.fail(Reply(status, body), to=is_change)
    error = zone.store([a(VM, "192.0.2.1")])[VM, "A"]
    assert (type(error), error.outcome_unknown) == (Unavailable, True)


def test_an_address_that_leads_to_no_panel_is_told(server: FakeHestia) -> None:
    with pytest.raises(NotFound, match="HTTP 404"):
        server.zone(server="https://hestia.example.com:8083/login").test()


def test_a_certificate_of_its_own_is_refused_in_clear_words(server: FakeHestia, zone: HestiaZone) -> None:
    server.fail(
        requests.exceptions.SSLError(
            "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate ("
        )
    )
    with pytest.raises(CertificateRefused) as refused:
        zone.test()
    assert str(refused.value) == (
        "the certificate of hestia.example.com:8083 is not trusted (certificate verify failed: self-signed certificate)"
    )


def test_a_long_pause_that_is_asked_for_is_left_to_the_caller(server: FakeHestia, zone: HestiaZone) -> None:
    server.fail(Reply(429, "", {"Retry-After": "60"}))
    error = zone.store([a(VM, "192.0.2.1")])[VM, "A"]
    assert isinstance(error, RateLimited)
    assert error.retry_after == 60.0


@pytest.mark.req("DNS-37")
def test_the_password_is_seen_in_no_url_error_log_or_repr(
    server: FakeHestia, zone: HestiaZone, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.fail(Reply(200, f"Error: authentication failed for {server.password}"))
    with pytest.raises(AuthFailed) as failed:
        zone.test()
    server.fail(requests.ConnectionError(f"broken: password={server.password}"))
    seen = [str(failed.value), repr(zone), repr(zone.store([a(VM, "192.0.2.1")])), repr(zone.store([a(VM, "3")]))]
    seen += [*(sent.url for sent in server.sent), *(str(sent.headers) for sent in server.sent), caplog.text]
    assert "authentication failed for ********" in seen[0]
    assert server.password not in "".join(seen)
