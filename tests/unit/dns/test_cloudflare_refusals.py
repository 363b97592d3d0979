"""What becomes of Cloudflare's refusals, of its limits, and of an API that knows no batches."""

import logging

import pytest
import requests

from providers.dns.cloudflare import CloudflareZone
from providers.errors import (
    AuthFailed,
    ChangedMeanwhile,
    Conflict,
    NotFound,
    Permanent,
    ProviderError,
    RateLimited,
    Rejected,
    Unavailable,
)
from tests.contract.dns_cloudflare_fake import FakeCloudflare, Refused
from tests.contract.dns_wire import Reply

from .cloudflare_sets import VM, a, before_the_batch, error, is_batch, many, methods


@pytest.fixture
def server() -> FakeCloudflare:
    return FakeCloudflare("example.com")


@pytest.fixture
def zone(server: FakeCloudflare) -> CloudflareZone:
    return server.zone()


# What becomes of refusals


@pytest.mark.req("DNS-61")
@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (Refused(400, 6003, "Invalid request headers", (6111, "Invalid format for Authorization header")).reply,
         AuthFailed, "Invalid request headers (6003); Invalid format for Authorization header (6111)"),
        (error(403, (9109, "Invalid access token")), AuthFailed, "Invalid access token (9109)"),
        (error(403, (10000, "Authentication error")), AuthFailed, "Authentication error (10000)"),
        (error(200, (10000, "Authentication error")), AuthFailed, "Authentication error (10000)"),
        (error(404, (7003, "Could not route to /zones/x.")), NotFound, "Could not route to /zones/x (7003)"),
        (error(400, (7003, "Could not route"), (7000, "No route for that URI")), NotFound,
         "Could not route (7003); No route for that URI (7000)"),
        (error(200, (1234, "Something new")), Rejected, "Something new (1234)"),
        (error(400), Rejected, "HTTP 400"),
        (error(500, (1000, "Internal\nerror")), Unavailable, "Internal error (1000) (HTTP 500)"),
    ],
)  # fmt: skip
def test_the_test_fails_with_the_words_of_cloudflare(
    server: FakeCloudflare, zone: CloudflareZone, reply: Reply, kind: type[ProviderError], words: str
) -> None:
    server.fail(reply)
    with pytest.raises(ProviderError) as failed:
        zone.test()
    assert type(failed.value) is kind
    assert str(failed.value) == f"api.cloudflare.com: {words}"


@pytest.mark.req("DNS-45")
@pytest.mark.parametrize("status", [200, 502])
@pytest.mark.parametrize(
    "body", ["", "<html><body>Bad gateway</body></html>", "null", "[]", '{"success": true}', '{"result": "x"}']
)
def test_an_answer_in_no_form_of_the_api_is_an_error(
    server: FakeCloudflare, zone: CloudflareZone, status: int, body: str
) -> None:
    server.fail(Reply(status, body), times=3)
    with pytest.raises(Unavailable, match=rf"no answer that makes sense \(HTTP {status}\)"):
        zone.test()
    with pytest.raises(Unavailable):
        zone.fetch([(VM, "A")])
    assert isinstance(zone.store([a(VM, "192.0.2.1")])[VM, "A"], Unavailable)


@pytest.mark.parametrize(
    "reply",
    [Reply(502, "<html>Bad gateway</html>"), error(500, (1000, "oops")), requests.ReadTimeout("Read timed out.")],
)
def test_a_batch_of_unknown_fate_is_told_as_such_and_may_be_stored_again(
    server: FakeCloudflare, zone: CloudflareZone, reply: Reply | Exception
) -> None:
    sets = many(3)
    server.fail(reply, to=is_batch, after=True)
    failed = zone.store(sets)
    assert set(failed) == {wanted.key for wanted in sets}
    assert all(isinstance(error, Unavailable) and error.outcome_unknown for error in failed.values())
    assert zone.store(sets) == {}
    assert len(server.rows) == 3


@pytest.mark.req("DNS-45")
@pytest.mark.parametrize("body", ["", "OK", "[]", '{"ok": true}', '{"success": null, "result": null}'])
def test_a_batch_that_is_answered_in_no_form_of_the_api_has_failed(
    server: FakeCloudflare, zone: CloudflareZone, body: str
) -> None:
    server.fail(Reply(200, body), to=is_batch)
    error = zone.store([a(VM, "192.0.2.1")])[VM, "A"]
    assert (type(error), error.outcome_unknown) == (Unavailable, True)


def test_a_record_that_somebody_else_has_just_created_is_no_failure(
    server: FakeCloudflare, zone: CloudflareZone
) -> None:
    before_the_batch(server, lambda: server.put(VM, "A", "192.0.2.1"))
    assert zone.store([a(VM, "192.0.2.1"), *many(2)]) == {}
    assert server.values(VM, "A") == ["192.0.2.1"]
    assert len(server.rows) == 3


def test_a_record_that_somebody_else_has_just_deleted_is_no_failure(
    server: FakeCloudflare, zone: CloudflareZone
) -> None:
    server.put(VM, "A", "192.0.2.1")
    before_the_batch(server, lambda: server.put(VM, "A"))
    assert zone.store([a(VM)]) == {}


def test_a_record_that_has_gone_before_it_got_its_value_is_created(
    server: FakeCloudflare, zone: CloudflareZone
) -> None:
    server.put(VM, "A", "192.0.2.1")
    before_the_batch(server, lambda: server.put(VM, "A"))
    assert zone.store([a(VM, "192.0.2.2")]) == {}
    assert server.values(VM, "A") == ["192.0.2.2"]


@pytest.mark.parametrize("code", [81057, 81058])
def test_a_record_that_is_told_to_exist_and_cannot_be_seen_has_failed(
    server: FakeCloudflare, zone: CloudflareZone, code: int
) -> None:
    server.fail(error(400, (code, "Record already exists.")), to=is_batch, times=9)
    failed = zone.store([a(VM, "192.0.2.1")])
    assert type(failed[VM, "A"]) is ChangedMeanwhile
    assert str(failed[VM, "A"]) == f"api.cloudflare.com: Record already exists ({code})"


def test_an_alias_that_has_just_come_in_the_way_is_a_conflict(server: FakeCloudflare, zone: CloudflareZone) -> None:
    before_the_batch(server, lambda: server.put(VM, "CNAME", "www.example.net"))
    failed = zone.store([a(VM, "192.0.2.1"), *many(2)])
    assert {key: str(error) for key, error in failed.items()} == {
        (VM, "A"): "api.cloudflare.com: A CNAME record with that host already exists (81054)"
    }
    assert type(failed[VM, "A"]) is Conflict
    assert len(server.rows) == 3


def test_a_full_zone_takes_no_record_and_is_not_asked_again(server: FakeCloudflare, zone: CloudflareZone) -> None:
    server.quota = 0
    failed = zone.store(many(300))
    assert {(type(error), str(error)) for error in failed.values()} == {
        (Permanent, "api.cloudflare.com: Record quota exceeded (81045)")
    }
    assert len(failed) == 300
    assert methods(server) == ["GET", "POST"]


def test_a_token_that_may_only_read_is_told_for_every_record_after_one_try(
    server: FakeCloudflare, zone: CloudflareZone
) -> None:
    server.fail(error(403, (10000, "Authentication error")), to=is_batch, times=9)
    failed = zone.store(many(300))
    assert {type(error) for error in failed.values()} == {AuthFailed}
    assert len(failed) == 300
    assert methods(server) == ["GET", "POST"]


def test_a_name_outside_of_the_zone_is_not_sent(server: FakeCloudflare, zone: CloudflareZone) -> None:
    failed = zone.store([a("vm.example.net", "192.0.2.1"), a(VM, "192.0.2.1")])
    assert {key: type(error) for key, error in failed.items()} == {("vm.example.net", "A"): Rejected}
    assert [row["name"] for row in server.rows.values()] == [VM]


# Slowing down


def test_a_short_pause_that_cloudflare_asks_for_is_made(server: FakeCloudflare) -> None:
    pauses: list[float] = []
    server.fail(Reply(429, "", {"Retry-After": "2"}), to=is_batch)
    assert server.zone(pause=pauses.append).store(many(6)) == {}
    assert pauses == [2.0]
    assert len(server.rows) == 6


def test_a_long_pause_is_left_to_the_caller(server: FakeCloudflare, zone: CloudflareZone) -> None:
    server.fail(Reply(429, "", {"Retry-After": "240"}), to=is_batch)
    failed = zone.store(many(300))
    assert {error.retry_after for error in failed.values() if isinstance(error, RateLimited)} == {240.0}
    assert len(failed) == 300
    assert methods(server) == ["GET", "POST"]


# An API without batches


@pytest.mark.parametrize(
    "reply",
    [
        error(400, (7000, "No route for that URI")),
        error(405, (10405, "Method not allowed")),
        Reply(405),
        Reply(404, "<p>"),
    ],
)
def test_where_there_are_no_batches_records_are_written_one_by_one(
    server: FakeCloudflare, zone: CloudflareZone, reply: Reply
) -> None:
    server.without_batches = reply
    server.put("old.example.com", "A", "192.0.2.1")
    server.put("gone.example.com", "A", "192.0.2.1")
    sets = [a("old.example.com", "192.0.2.2"), a("gone.example.com"), a(VM, "192.0.2.3")]
    assert zone.store(sets) == {}
    assert methods(server) == ["GET", "POST", "PUT", "DELETE", "POST"]
    assert server.values("old.example.com", "A") == ["192.0.2.2"]
    assert server.values("gone.example.com", "A") == []
    assert server.values(VM, "A") == ["192.0.2.3"]


def test_batches_that_are_not_there_are_tried_once(server: FakeCloudflare, zone: CloudflareZone) -> None:
    server.without_batches = Reply(404)
    zone.store(many(2))
    server.sent.clear()
    assert zone.store([*many(2), a(VM, "192.0.2.1")]) == {}
    assert methods(server) == ["GET", "POST"]
    assert not is_batch(server.sent[-1])


def test_without_batches_all_of_many_records_are_written(server: FakeCloudflare, zone: CloudflareZone) -> None:
    server.without_batches = Reply(404)
    assert zone.store(many(205)) == {}
    assert len(server.rows) == 205


def test_without_batches_a_bad_record_keeps_no_other_from_being_written(
    server: FakeCloudflare, zone: CloudflareZone
) -> None:
    server.without_batches = Reply(404)
    failed = zone.store([a(VM, "300.0.2.1"), *many(3)])
    assert {key: type(error) for key, error in failed.items()} == {(VM, "A"): Rejected}
    assert len(server.rows) == 3


def test_without_batches_a_record_that_has_gone_needs_no_deletion(server: FakeCloudflare, zone: CloudflareZone) -> None:
    server.without_batches = Reply(404)
    server.put(VM, "A", "192.0.2.1")
    before_the_batch(server, lambda: server.put(VM, "A"))
    assert zone.store([a(VM)]) == {}


# Secrets


@pytest.mark.req("DNS-37")
def test_the_token_is_seen_in_no_url_error_log_or_repr(
    server: FakeCloudflare, zone: CloudflareZone, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.fail(error(403, (10000, f"Authentication error with {server.token}")), times=2)
    with pytest.raises(AuthFailed) as failed:
        zone.test()
    seen = [repr(zone), str(failed.value), repr(zone.store([a(VM, "192.0.2.1")]))]
    server.fail(requests.ConnectionError(f"broken: Authorization: Bearer {server.token}"))
    seen += [repr(zone.store([a(VM, "192.0.2.1")])), *(sent.url for sent in server.sent), caplog.text]
    assert "Authentication error with ********" in seen[1]
    assert server.token not in "".join(seen)


def test_a_token_is_taken_without_the_line_break_that_was_pasted_with_it(server: FakeCloudflare) -> None:
    server.zone(api_token=f"{server.token}\n").test()


def test_a_token_that_no_header_can_carry_is_refused_without_being_told() -> None:
    with pytest.raises(ValueError) as failed:
        CloudflareZone("example.com", "żółć-geheim")
    assert "geheim" not in str(failed.value)
