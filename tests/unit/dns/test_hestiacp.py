"""What is particular to HestiaCP: the commands and their arguments, their order, what is listed, and what is in the way."""

import pytest

from providers.dns import RecordSet, hestiacp
from providers.dns.hestiacp import HestiaZone, server_url
from providers.errors import (
    ChangedMeanwhile,
    Locked,
    ProviderError,
    Rejected,
)
from tests.contract.dns_hestiacp_fake import FakeHestia, make_zone
from tests.contract.dns_wire import Reply

from .hestiacp_commands import VM, a, before_the_change, changes, is_change, many, names


@pytest.fixture
def server() -> FakeHestia:
    server = FakeHestia("example.com")
    server.put("first", "A", "192.0.2.250")
    return server


@pytest.fixture
def zone(server: FakeHestia) -> HestiaZone:
    return server.zone()


# The wire


@pytest.mark.req("DNS-07")
@pytest.mark.parametrize("address", ["https://hestia.example.com:8083", "https://hestia.example.com:8083/"])
def test_commands_are_forms_posted_to_the_api_below_the_server(server: FakeHestia, address: str) -> None:
    server.zone(server=address).test()
    (sent,) = server.sent
    assert (sent.method, sent.url) == ("POST", "https://hestia.example.com:8083/api/")
    assert sent.form == {
        "user": server.admin,
        "password": server.password,
        "returncode": "no",
        "cmd": "v-list-dns-domains",
        "arg1": server.user,
        "arg2": "json",
    }


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("https://h.example.com:8083", "https://h.example.com:8083/"),
        ("https://h.example.com:8083/", "https://h.example.com:8083/"),
        (" https://h.example.com:8083// ", "https://h.example.com:8083/"),
        ("http://h.example.com/panel", "http://h.example.com/panel/"),
        ("h.example.com:8083", "https://h.example.com:8083/"),
    ],
)
def test_the_address_of_a_server_ends_with_exactly_one_slash(typed: str, url: str) -> None:
    assert server_url(typed) == url


def test_a_record_is_added_below_the_name_of_the_zone_with_our_ttl(server: FakeHestia, zone: HestiaZone) -> None:
    zone.store([a(VM, "192.0.2.1")])
    expected = ["v-add-dns-record", "alice", "example.com", "vm", "A", "192.0.2.1", "", "", "", "3600"]
    assert changes(server) == [expected]
    assert server.sent[1].form["returncode"] == "yes"


def test_a_record_at_the_name_of_the_zone_is_called_at(server: FakeHestia, zone: HestiaZone) -> None:
    zone.store([RecordSet("example.com", "AAAA", ("2001:db8::1",))])
    assert changes(server)[0][3:6] == ["@", "AAAA", "2001:db8::1"]


def test_the_host_name_of_a_pointer_ends_with_a_dot() -> None:
    zone, server = make_zone("2.0.192.in-addr.arpa")
    key = ("7.2.0.192.in-addr.arpa", "PTR")
    assert zone.store([RecordSet(*key, ("mail.example.com",))]) == {}
    assert changes(server)[0][3:6] == ["7", "PTR", "mail.example.com."]
    assert zone.fetch([key]) == {key: {"mail.example.com"}}


@pytest.mark.req("DNS-50")
def test_another_value_is_given_to_the_record_that_is_there(server: FakeHestia, zone: HestiaZone) -> None:
    server.put("vm", "A", "192.0.2.1")
    assert zone.store([a(VM, "192.0.2.2")]) == {}
    expected = ["v-change-dns-record", "alice", "example.com", "2", "vm", "A", "192.0.2.2", "", "", "3600"]
    assert changes(server) == [expected]


def test_records_are_listed_before_they_are_deleted_by_their_id(server: FakeHestia, zone: HestiaZone) -> None:
    server.put("vm", "A", "192.0.2.1", "192.0.2.2")
    assert zone.store([a(VM)]) == {}
    assert server.commands == [
        ["v-list-dns-records", "alice", "example.com", "json"],
        ["v-delete-dns-record", "alice", "example.com", "2", "no"],
        ["v-delete-dns-record", "alice", "example.com", "3", ""],
        ["v-list-dns-records", "alice", "example.com", "json"],
    ]


@pytest.mark.parametrize("number", [1, 6, 100])
def test_storing_costs_two_listings_and_one_command_for_each_record(
    server: FakeHestia, zone: HestiaZone, number: int
) -> None:
    assert zone.store(many(number)) == {}
    assert names(server) == ["v-list-dns-records", *["v-add-dns-record"] * number, "v-list-dns-records"]


def overwritten(server: FakeHestia, times: int) -> None:
    """Another process writes the zone's file as it was before, after each command that we send, so many times."""
    append = server._append

    def lose(*record: str) -> None:
        nonlocal times
        before = {id: dict(row) for id, row in server.rows.items()}
        append(*record)
        if times:
            times -= 1
            server.rows = before

    server._append = lose  # type: ignore[method-assign]


def test_a_record_that_another_process_has_overwritten_is_written_again(server: FakeHestia, zone: HestiaZone) -> None:
    """HestiaCP's commands read and write a zone's file without a lock."""
    overwritten(server, times=1)
    assert zone.store([a(VM, "192.0.2.1")]) == {}
    assert server.values("vm", "A") == ["192.0.2.1"]


def test_a_record_that_is_overwritten_again_and_again_has_failed(server: FakeHestia, zone: HestiaZone) -> None:
    overwritten(server, times=2)
    error = zone.store([a(VM, "192.0.2.1")])[VM, "A"]
    assert (type(error), str(error)) == (
        ChangedMeanwhile,
        "hestia.example.com:8083: zone example.com was written by somebody else meanwhile",
    )


@pytest.mark.parametrize("number", [1, 6, 100])
def test_storing_what_is_right_already_costs_one_listing(server: FakeHestia, zone: HestiaZone, number: int) -> None:
    zone.store(many(number))
    server.sent.clear()
    assert zone.store(many(number)) == {}
    assert names(server) == ["v-list-dns-records"]


def test_fetching_costs_one_listing(server: FakeHestia, zone: HestiaZone) -> None:
    zone.fetch([wanted.key for wanted in many(100)])
    assert names(server) == ["v-list-dns-records"]


def test_nothing_to_do_costs_nothing(server: FakeHestia, zone: HestiaZone) -> None:
    assert (zone.fetch([]), zone.store([])) == ({}, {})
    assert server.sent == []


# The DNS server behind the panel


def test_the_dns_server_reads_its_files_once_after_the_last_change(server: FakeHestia, zone: HestiaZone) -> None:
    assert zone.store(many(6)) == {}
    assert server.restarts == 1
    assert server.served == server.rows


def test_a_last_change_that_fails_does_not_keep_the_server_from_reading_the_others(
    server: FakeHestia, zone: HestiaZone
) -> None:
    failed = zone.store([*many(3), a("bad.example.com", "300.0.2.1")])
    assert set(failed) == {("bad.example.com", "A")}
    assert changes(server)[-1] == ["v-restart-dns"]
    assert server.served == server.rows
    assert len(server.rows) == 4


def test_a_last_change_that_is_left_out_does_not_keep_the_server_from_reading_the_others(
    server: FakeHestia, zone: HestiaZone
) -> None:
    server.put("bad", "A", "192.0.2.1", "192.0.2.2")
    failed = zone.store([*many(3), a("bad.example.com", "300.0.2.1")])
    assert set(failed) == {("bad.example.com", "A")}
    assert server.values("bad", "A") == ["192.0.2.1", "192.0.2.2"]
    assert server.served == server.rows


def test_when_nothing_could_be_changed_nothing_is_read_anew(server: FakeHestia, zone: HestiaZone) -> None:
    zone.store([a("bad.example.com", "300.0.2.1")])
    assert server.restarts == 0


def test_a_server_that_does_not_read_its_files_is_told_for_what_it_does_not_serve(
    server: FakeHestia, zone: HestiaZone
) -> None:
    server.fail(Reply(200, "20"), to=lambda sent: sent.form["cmd"] == "v-restart-dns")
    failed = dict(zone.store([*many(2), a("bad.example.com", "300.0.2.1")]))
    unread = [str(failed.pop(wanted.key)) for wanted in many(2)]
    words = "v-restart-dns failed with E_RESTART (20): the record is written, but the DNS server did not restart"
    assert unread == [f"hestia.example.com:8083: {words}"] * 2
    assert {type(error) for error in failed.values()} == {Rejected}


# What is in the way


def test_the_last_a_record_of_a_zone_moves_to_another_name(server: FakeHestia, zone: HestiaZone) -> None:
    assert zone.store([a("first.example.com"), a(VM, "192.0.2.1")]) == {}
    assert (server.values("first", "A"), server.values("vm", "A")) == ([], ["192.0.2.1"])


def test_the_last_a_record_of_a_zone_is_not_deleted_by_hestiacp(server: FakeHestia, zone: HestiaZone) -> None:
    failed = zone.store([a("first.example.com"), RecordSet(VM, "AAAA", ("2001:db8::1",))])
    assert {key: type(error) for key, error in failed.items()} == {("first.example.com", "A"): Rejected}
    assert str(failed["first.example.com", "A"]).endswith("; HestiaCP keeps the last A record of a zone")
    assert server.values("vm", "AAAA") == ["2001:db8::1"]


def test_an_alias_is_a_conflict_although_hestiacp_would_take_the_record(server: FakeHestia, zone: HestiaZone) -> None:
    server.put("vm", "CNAME", "www.example.net.")
    failed = zone.store([a(VM, "192.0.2.1")])
    assert str(failed[VM, "A"]) == "vm.example.com is an alias (CNAME) of www.example.net and can have no A record"
    assert changes(server) == []


def test_a_suspended_record_does_not_count_and_is_woken_up(server: FakeHestia, zone: HestiaZone) -> None:
    server.put("vm", "A", "192.0.2.1", suspended="yes")
    assert zone.fetch([(VM, "A")]) == {(VM, "A"): frozenset()}
    assert zone.store([a(VM, "192.0.2.1")]) == {}
    assert zone.fetch([(VM, "A")]) == {(VM, "A"): {"192.0.2.1"}}
    assert names(server).count("v-change-dns-record") == 1


def test_a_record_that_somebody_else_has_just_deleted_is_no_failure(server: FakeHestia, zone: HestiaZone) -> None:
    server.put("vm", "A", "192.0.2.1")
    before_the_change(server, lambda: server.put("vm", "A"))
    assert zone.store([a(VM)]) == {}


def test_a_record_that_has_gone_before_it_got_its_value_is_added(server: FakeHestia, zone: HestiaZone) -> None:
    server.put("vm", "A", "192.0.2.1")
    before_the_change(server, lambda: server.put("vm", "A"))
    assert zone.store([a(VM, "192.0.2.2")]) == {}
    assert server.values("vm", "A") == ["192.0.2.2"]


def test_a_record_that_somebody_else_has_just_put_right_is_no_failure(server: FakeHestia, zone: HestiaZone) -> None:
    server.put("vm", "A", "192.0.2.1")

    def put_right() -> None:
        server.rows[2] |= {"VALUE": "192.0.2.2", "TTL": "3600"}

    before_the_change(server, put_right)
    assert zone.store([a(VM, "192.0.2.2")]) == {}


def test_an_id_that_two_got_at_once_is_asked_for_again(server: FakeHestia, zone: HestiaZone) -> None:
    server.fail(Reply(200, "4"), to=is_change)
    assert zone.store([a(VM, "192.0.2.1")]) == {}
    assert server.values("vm", "A") == ["192.0.2.1"]


def test_a_full_package_is_told_for_each_record_that_has_no_place(server: FakeHestia, zone: HestiaZone) -> None:
    server.limit = 3
    failed = zone.store(many(4))
    assert {str(error) for error in failed.values()} == {
        "hestia.example.com:8083: v-add-dns-record failed with E_LIMIT (8): the limit of the user's package is reached"
    }
    assert len(failed) == 2


def test_a_zone_that_is_being_written_for_too_long_is_busy(
    zone: HestiaZone, server: FakeHestia, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hestiacp, "TURN_SECONDS", 0.0)
    inner: list[ProviderError] = []
    before_the_change(server, lambda: inner.extend(zone.store([a("other.example.com", "192.0.2.2")]).values()))
    assert zone.store([a(VM, "192.0.2.1")]) == {}
    assert [(type(error), str(error)) for error in inner] == [
        (Locked, "hestia.example.com:8083: zone example.com is still being written for other VMs")
    ]


# What is listed


@pytest.mark.parametrize("listing", ["{\n}\n", "[]", "{}"])
def test_an_empty_listing_is_an_empty_zone(server: FakeHestia, zone: HestiaZone, listing: str) -> None:
    server.fail(Reply(200, listing))
    assert zone.fetch([(VM, "A")]) == {(VM, "A"): frozenset()}


def test_a_record_with_characters_that_hestiacp_does_not_escape_is_in_nobodys_way(
    server: FakeHestia, zone: HestiaZone
) -> None:
    server.put("mail._domainkey", "TXT", '"v=DKIM1\\; k=rsa\\; t=s\\u"', "tab\tin it")
    server.put("vm", "A", "192.0.2.1")
    assert zone.fetch([(VM, "A")]) == {(VM, "A"): {"192.0.2.1"}}


def test_names_that_are_listed_as_absolute_are_understood(server: FakeHestia, zone: HestiaZone) -> None:
    server.put("vm.example.com.", "A", "192.0.2.1")
    assert zone.fetch([(VM, "A")]) == {(VM, "A"): {"192.0.2.1"}}


def test_an_international_name_is_asked_for_as_it_was_typed_there(server: FakeHestia) -> None:
    server.spelling = "żółw.example"
    server.put("gęś", "A", "192.0.2.1")
    zone = server.zone(name="xn--w-uga1v8h.example")
    zone.test()
    key = ("xn--g-1ia2r.xn--w-uga1v8h.example", "A")
    assert zone.fetch([key]) == {key: {"192.0.2.1"}}
    assert zone.store([a("vm.xn--w-uga1v8h.example", "192.0.2.2")]) == {}
    assert server.values("vm", "A") == ["192.0.2.2"]
