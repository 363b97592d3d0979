"""What is particular to Cloudflare: how many requests, and what they say."""

import pytest

from providers.dns import RecordSet
from providers.dns.cloudflare import CloudflareZone
from providers.errors import (
    AuthFailed,
    NotFound,
    Rejected,
)
from tests.contract.dns_cloudflare_fake import FakeCloudflare, make_zone

from .cloudflare_sets import VM, a, bodies, many, methods


@pytest.fixture
def server() -> FakeCloudflare:
    return FakeCloudflare("example.com")


@pytest.fixture
def zone(server: FakeCloudflare) -> CloudflareZone:
    return server.zone()


# How many requests


@pytest.mark.req("DNS-50")
@pytest.mark.parametrize("number", [1, 6, 100])
def test_storing_costs_one_listing_and_one_batch(server: FakeCloudflare, zone: CloudflareZone, number: int) -> None:
    assert zone.store(many(number)) == {}
    assert methods(server) == ["GET", "POST"]


@pytest.mark.parametrize("number", [1, 6, 100])
def test_storing_what_is_right_already_costs_one_listing(
    server: FakeCloudflare, zone: CloudflareZone, number: int
) -> None:
    zone.store(many(number))
    server.sent.clear()
    assert zone.store(many(number)) == {}
    assert methods(server) == ["GET"]


def test_fetching_costs_one_listing(server: FakeCloudflare, zone: CloudflareZone) -> None:
    zone.fetch([wanted.key for wanted in many(100)])
    assert methods(server) == ["GET"]


def test_nothing_to_do_costs_nothing(server: FakeCloudflare, zone: CloudflareZone) -> None:
    assert (zone.fetch([]), zone.store([])) == ({}, {})
    assert server.sent == []


def test_more_changes_than_a_batch_takes_go_into_several(server: FakeCloudflare, zone: CloudflareZone) -> None:
    assert zone.store(many(450)) == {}
    assert [len(body["posts"]) for body in bodies(server)] == [200, 200, 50]


def test_one_bad_record_of_a_hundred_costs_few_requests_and_no_other_record(
    server: FakeCloudflare, zone: CloudflareZone
) -> None:
    sets = many(100)
    sets[63] = a("bad.example.com", "300.0.2.1")
    failed = zone.store(sets)
    assert {key: type(error) for key, error in failed.items()} == {("bad.example.com", "A"): Rejected}
    assert len(server.rows) == 99
    assert len(server.sent) <= 16


# What they say


@pytest.mark.req("DNS-05")
def test_every_request_carries_the_token_as_a_bearer(server: FakeCloudflare, zone: CloudflareZone) -> None:
    zone.test()
    zone.store([a(VM, "192.0.2.1")])
    assert {sent.headers["Authorization"] for sent in server.sent} == {f"Bearer {server.token}"}


@pytest.mark.req("DNS-05")
def test_the_zone_id_is_where_the_records_are(server: FakeCloudflare, zone: CloudflareZone) -> None:
    zone.store([a(VM, "192.0.2.1")])
    records = f"/client/v4/zones/{server.zone_id}/dns_records"
    assert [sent.path for sent in server.sent] == [records, f"{records}/batch"]


def test_a_new_record_is_for_dns_only_and_has_our_ttl(server: FakeCloudflare, zone: CloudflareZone) -> None:
    zone.store([a(VM, "192.0.2.1")])
    record = {"type": "A", "name": VM, "content": "192.0.2.1", "ttl": 3600, "proxied": False}
    assert bodies(server) == [{"posts": [record]}]


def test_a_pointer_in_a_reverse_zone_is_a_record_like_any_other() -> None:
    zone, server = make_zone("2.0.192.in-addr.arpa")
    zone.store([RecordSet("7.2.0.192.in-addr.arpa", "PTR", ("mail.example.com",))])
    pointer = {"type": "PTR", "name": "7.2.0.192.in-addr.arpa", "content": "mail.example.com", "ttl": 3600}
    assert bodies(server) == [{"posts": [pointer]}]


@pytest.mark.req("DNS-50")
def test_another_value_is_given_to_the_record_that_is_there(server: FakeCloudflare, zone: CloudflareZone) -> None:
    server.put(VM, "A", "192.0.2.1")
    (id,) = server.rows
    assert zone.store([a(VM, "192.0.2.2")]) == {}
    (body,) = bodies(server)
    assert list(body) == ["patches"]
    assert list(server.rows) == [id]
    assert server.values(VM, "A") == ["192.0.2.2"]


def test_what_an_admin_wrote_beside_a_record_outlives_its_value(server: FakeCloudflare, zone: CloudflareZone) -> None:
    server.put(VM, "A", "192.0.2.1", comment="rack 7")
    zone.store([a(VM, "192.0.2.2")])
    assert [row["comment"] for row in server.rows.values()] == ["rack 7"]


def test_surplus_records_are_deleted_by_their_id(server: FakeCloudflare, zone: CloudflareZone) -> None:
    server.put(VM, "A", "192.0.2.1", "192.0.2.2")
    gone, _ = server.rows
    zone.store([a(VM, "192.0.2.2")])
    assert bodies(server) == [{"deletes": [{"id": gone}]}]


def test_the_proxy_is_switched_off_for_a_vm(server: FakeCloudflare, zone: CloudflareZone) -> None:
    server.put(VM, "A", "192.0.2.1", proxied=True)
    assert zone.store([a(VM, "192.0.2.1")]) == {}
    assert [(row["content"], row["proxied"]) for row in server.rows.values()] == [("192.0.2.1", False)]


def test_a_proxied_record_is_fetched_with_the_value_it_has(server: FakeCloudflare, zone: CloudflareZone) -> None:
    server.put(VM, "A", "192.0.2.1", proxied=True)
    assert zone.fetch([(VM, "A")]) == {(VM, "A"): {"192.0.2.1"}}


@pytest.mark.parametrize(
    ("names", "filters"),
    [
        ([VM], {"name": VM}),
        (["1.7.2.example.com", "2.7.2.example.com"], {"name.endswith": "7.2.example.com"}),
        (["1.17.example.com", "2.7.example.com"], {}),
        (["7.example.com", "1.7.example.com"], {"name.endswith": "7.example.com"}),
        ([VM, "example.com"], {}),
    ],
)
def test_a_listing_is_narrowed_to_what_the_names_have_in_common(
    server: FakeCloudflare, zone: CloudflareZone, names: list[str], filters: dict[str, str]
) -> None:
    zone.fetch([(name, "A") for name in names])
    assert [sent.params for sent in server.sent] == [{**filters, "per_page": "5000"}]


def test_a_server_that_ignores_filters_is_filtered_here(server: FakeCloudflare, zone: CloudflareZone) -> None:
    server.reads_filters = False
    server.put("www.example.com", "A", "192.0.2.5")
    server.put(VM, "A", "192.0.2.1")
    assert zone.store([a(VM, "192.0.2.2")]) == {}
    assert server.values("www.example.com", "A") == ["192.0.2.5"]
    assert server.values(VM, "A") == ["192.0.2.2"]


def test_a_listing_is_read_to_its_last_page(server: FakeCloudflare, zone: CloudflareZone) -> None:
    sets = many(25)
    zone.store(sets)
    server.sent.clear()
    server.largest_page = 10
    assert zone.fetch([wanted.key for wanted in sets]) == {wanted.key: set(wanted.values) for wanted in sets}
    assert [sent.params.get("page") for sent in server.sent] == [None, "2", "3"]


# The zone and its ID


def test_without_its_id_a_zone_is_looked_up_by_name_once(server: FakeCloudflare) -> None:
    zone = server.zone(zone_id="")
    for _ in range(2):
        assert zone.store([a(VM, "192.0.2.1")]) == {}
    looked_up = [sent.params for sent in server.sent if sent.path == "/client/v4/zones"]
    assert looked_up == [{"name": "example.com"}]
    assert server.values(VM, "A") == ["192.0.2.1"]


@pytest.mark.req("DNS-05")
def test_a_zone_is_looked_up_in_the_account_that_is_given(server: FakeCloudflare) -> None:
    zone = server.zone(zone_id="", account_id="ffffffffffffffffffffffffffffffff")
    with pytest.raises(NotFound, match=r"sees no zone example\.com in account ffffffff"):
        zone.test()
    server.zone(zone_id="", account_id=server.account_id).test()


def test_of_several_zones_of_the_name_the_active_one_is_taken(server: FakeCloudflare) -> None:
    server.zones.insert(0, {**server.zones[0], "id": "f" * 32, "status": "pending"})
    server.zone(zone_id="").store([a(VM, "192.0.2.1")])
    assert server.values(VM, "A") == ["192.0.2.1"]
    assert all(server.zone_id in sent.path for sent in server.sent[1:])


def test_a_zone_that_was_made_anew_is_found_again(server: FakeCloudflare) -> None:
    zone = server.zone(zone_id="")
    zone.fetch([(VM, "A")])
    server.zones[0]["id"] = "f" * 32
    with pytest.raises(AuthFailed):
        zone.fetch([(VM, "A")])
    assert zone.fetch([(VM, "A")]) == {(VM, "A"): frozenset()}


@pytest.mark.req("DNS-38")
@pytest.mark.parametrize(
    ("zone_id", "path"), [(FakeCloudflare.zone_id, f"zones/{FakeCloudflare.zone_id}"), ("", "zones")]
)
def test_the_test_fetches_the_metadata_of_the_zone_and_nothing_else(
    server: FakeCloudflare, zone_id: str, path: str
) -> None:
    server.zone(zone_id=zone_id).test()
    assert [(sent.method, sent.path) for sent in server.sent] == [("GET", f"/client/v4/{path}")]


@pytest.mark.req("DNS-40")
def test_the_test_fails_when_the_id_is_that_of_another_zone(server: FakeCloudflare) -> None:
    server.zones[0]["name"] = "example.net"
    with pytest.raises(Rejected, match=rf"{server.zone_id} is that of zone example\.net, not of example\.com"):
        server.zone(name="example.com").test()


@pytest.mark.req("DNS-40")
def test_the_test_fails_when_the_token_sees_no_zone_of_the_name(server: FakeCloudflare) -> None:
    with pytest.raises(NotFound, match=r"the API token sees no zone example\.net$"):
        server.zone(name="example.net", zone_id="").test()


@pytest.mark.parametrize("name", ["example.com.", "Example.COM", " example.com "])
def test_the_name_of_a_zone_may_be_spelled_in_any_way(server: FakeCloudflare, name: str) -> None:
    zone = server.zone(name=name)
    assert zone.name == "example.com"
    zone.test()
