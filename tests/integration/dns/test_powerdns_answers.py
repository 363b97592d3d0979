"""Answers to the adapter that no healthy PowerDNS of today gives: old servers, busy databases, proxies, strangers."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import responses

from providers.dns import RecordSet
from providers.dns.powerdns import REPEAT_AFTER, PowerDnsZone, api_address, zone_id
from providers.errors import NotFound, Permanent, ProviderError, Rejected, Unavailable, Unreached

KEY = "key-4711"
URL = "http://pdns.example.net:8081/api/v1/servers/localhost/zones/example.com."
HTML = "<html><head><title>Welcome</title></head>\n<body>Sign in</body></html>"
VM, OTHER = "vm.example.com", "other.example.com"
SETS = [RecordSet(VM, "A", ("192.0.2.1",)), RecordSet(VM, "AAAA", ("2001:db8::1",)), RecordSet(OTHER, "A")]


@pytest.fixture
def web() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


@pytest.fixture
def pauses() -> list[float]:
    """The seconds that were waited for."""
    return []


@pytest.fixture
def zone(pauses: list[float]) -> PowerDnsZone:
    return PowerDnsZone("example.com", "http://pdns.example.net:8081", KEY, pause=pauses.append)


def rrset(name: str, record_type: str, *contents: str) -> dict[str, Any]:
    records = [{"content": content, "disabled": False} for content in contents]
    return {"name": f"{name}.", "type": record_type, "ttl": 60, "records": records, "comments": []}


def metadata(**more: Any) -> dict[str, Any]:
    return {"id": "example.com.", "name": "example.com.", "kind": "Native", **more}


def failure(zone: PowerDnsZone) -> ProviderError:
    with pytest.raises(ProviderError) as trouble:
        zone.test()
    return trouble.value


# ---- answers that are no JSON


@pytest.mark.req("DNS-45")
@pytest.mark.parametrize("status", [200, 422, 500, 502])
@pytest.mark.parametrize("body", [HTML, "", "[]", "{}", '{"error": null}'])
def test_an_answer_that_is_no_json_of_powerdns_is_an_error_in_one_line(
    web: responses.RequestsMock, zone: PowerDnsZone, status: int, body: str
) -> None:
    web.get(URL, body=body, status=status)
    web.patch(URL, body=body, status=status)
    errors = [failure(zone), *zone.store(SETS).values()]
    assert len(errors) == 1 + len(SETS)
    assert {str(error) for error in errors} == {
        f"pdns.example.net:8081 gave no answer that makes sense (HTTP {status})"
    }
    assert {type(error) for error in errors} == {Unavailable}


@pytest.mark.req("DNS-45")
@pytest.mark.parametrize(
    "rrsets", [None, "text", [None], [{}], [{"name": "vm.example.com."}], [{**rrset(VM, "A"), "records": [None]}]]
)
def test_record_sets_in_a_wrong_form_are_an_error(web: responses.RequestsMock, zone: PowerDnsZone, rrsets: Any) -> None:
    web.get(URL, json=metadata(rrsets=rrsets))
    with pytest.raises(Unavailable, match="tells the records of example"):
        zone.fetch([(VM, "A")])


def test_a_web_server_that_is_no_powerdns_is_not_said_to_lack_the_zone(
    web: responses.RequestsMock, zone: PowerDnsZone
) -> None:
    for method in (web.get, web.patch):
        method(URL, body=HTML, status=404)
    web.get(f"{URL.rpartition('/')[0]}", body=HTML, status=404)
    errors = [failure(zone), *zone.store(SETS).values()]
    assert {type(error) for error in errors} == {NotFound}
    assert {str(error) for error in errors} == {
        "pdns.example.net:8081 has no PowerDNS API at this address (HTTP 404): is it the right one, with api=yes?"
    }


def test_a_redirection_is_not_followed_with_the_key(web: responses.RequestsMock, zone: PowerDnsZone) -> None:
    web.get(URL, status=301, headers={"Location": "https://pdns.example.net/"})
    error = failure(zone)
    assert isinstance(error, Permanent)
    assert "redirects elsewhere" in str(error)
    assert len(web.calls) == 1


# ---- what PowerDNS says


@pytest.mark.req("DNS-40")
def test_a_zone_of_another_name_fails_the_test_with_both_names(web: responses.RequestsMock, zone: PowerDnsZone) -> None:
    web.get(URL, json=metadata(name="example.org."))
    assert str(failure(zone)) == "pdns.example.net:8081 answers with zone example.org instead of example.com"


@pytest.mark.parametrize("kind", ["Slave", "Secondary", "Consumer"])
def test_every_kind_of_copy_fails_the_test(web: responses.RequestsMock, zone: PowerDnsZone, kind: str) -> None:
    web.get(URL, json=metadata(kind=kind))
    assert f"(kind {kind})" in str(failure(zone))


@pytest.mark.parametrize("kind", ["Native", "Master", "Primary", "Producer"])
def test_every_kind_of_original_passes_the_test(web: responses.RequestsMock, zone: PowerDnsZone, kind: str) -> None:
    web.get(URL, json=metadata(kind=kind))
    zone.test()


def test_a_zone_that_takes_no_changes_is_told_in_powerdnss_words(
    web: responses.RequestsMock, zone: PowerDnsZone
) -> None:
    web.patch(URL, status=422, json={"error": "Modifying RRsets in Consumer zones is unsupported"})
    failed = zone.store(SETS)
    assert {type(error) for error in failed.values()} == {Rejected}
    assert {str(error) for error in failed.values()} == {
        "pdns.example.net:8081: Modifying RRsets in Consumer zones is unsupported"
    }


def test_all_reasons_of_a_refusal_are_told(web: responses.RequestsMock, zone: PowerDnsZone) -> None:
    web.patch(URL, status=422, json={"error": "Multiple errors found in RRset", "errors": ["one thing", "another"]})
    error = zone.store(SETS[:1])[SETS[0].key]
    assert "Multiple errors found in RRset; one thing; another" in str(error)


def test_the_key_is_cut_out_of_words_that_repeat_it(web: responses.RequestsMock, zone: PowerDnsZone) -> None:
    web.get(URL, status=422, json={"error": f"unknown key {KEY}"})
    assert str(failure(zone)) == "pdns.example.net:8081: unknown key ********"


# ---- a busy database


def test_a_change_that_collided_with_another_is_sent_again(
    web: responses.RequestsMock, zone: PowerDnsZone, pauses: list[float]
) -> None:
    for _ in range(2):
        web.patch(URL, status=500, json={"error": "Internal Server Error"})
    web.patch(URL, status=204)
    assert zone.store(SETS) == {}
    bodies = [call.request.body for call in web.calls]
    assert (len(bodies), len(set(bodies)), len(pauses)) == (3, 1, 2)


def test_a_server_that_fails_again_and_again_is_told_after_a_few_seconds(
    web: responses.RequestsMock, zone: PowerDnsZone, pauses: list[float]
) -> None:
    web.patch(URL, status=500, json={"error": "Internal Server Error"})
    failed = zone.store(SETS)
    assert {str(error) for error in failed.values()} == {"pdns.example.net:8081: Internal Server Error (HTTP 500)"}
    assert list(failed) == [wanted.key for wanted in SETS]
    assert (len(web.calls), len(pauses), sum(pauses) < 4) == (1 + len(REPEAT_AFTER), len(REPEAT_AFTER), True)


def test_a_proxy_that_asks_for_a_pause_gets_it(
    web: responses.RequestsMock, zone: PowerDnsZone, pauses: list[float]
) -> None:
    web.patch(URL, status=429, headers={"Retry-After": "2"})
    web.patch(URL, status=204)
    assert (zone.store(SETS), pauses) == ({}, [2.0])


def test_record_sets_are_not_tried_singly_any_further_when_the_server_goes_away(
    web: responses.RequestsMock, zone: PowerDnsZone
) -> None:
    web.patch(URL, status=422, json={"error": "one of them"})
    web.patch(URL, status=204)
    web.patch(URL, body=requests.ConnectionError("Connection refused"))
    failed = zone.store(SETS)
    assert {key: type(error) for key, error in failed.items()} == {SETS[1].key: Unreached, SETS[2].key: Unreached}
    assert len(web.calls) == 3


def test_a_server_that_no_way_leads_to_is_told(web: responses.RequestsMock, zone: PowerDnsZone) -> None:
    words = "Failed to establish a new connection: [Errno 113] No route to host"
    web.patch(URL, body=requests.ConnectionError(words))
    (error,) = zone.store(SETS[:1]).values()
    assert (str(error), error.outcome_unknown) == ("pdns.example.net:8081 cannot be reached", False)


# ---- what a database may hold that the API would not have taken


@pytest.mark.parametrize(
    ("record_type", "content", "value"),
    [
        ("AAAA", "2001:0DB8::0:00AB", "2001:db8::ab"),
        ("A", "no address", "no address"),
        ("PTR", "Mail.Example.NET", "mail.example.net"),
        ("PTR", "mail.example.net.", "mail.example.net"),
        ("TXT", '"As It Is."', '"As It Is."'),
    ],
)
def test_values_are_told_in_their_canonical_form(
    web: responses.RequestsMock, zone: PowerDnsZone, record_type: str, content: str, value: str
) -> None:
    web.get(URL, json=metadata(rrsets=[rrset(VM.upper(), record_type, content)]))
    assert zone.fetch([(VM, record_type)]) == {(VM, record_type): {value}}


# ---- servers before 4.6.2


def test_of_a_server_that_answers_with_the_whole_zone_it_is_read_once(
    web: responses.RequestsMock, zone: PowerDnsZone
) -> None:
    web.get(URL, json=metadata(rrsets=[rrset(OTHER, "A", "192.0.2.2"), rrset(VM, "A", "192.0.2.1")]))
    found = zone.fetch([(VM, "A"), (OTHER, "A"), ("third.example.com", "A")])
    assert found == {(VM, "A"): {"192.0.2.1"}, (OTHER, "A"): {"192.0.2.2"}, ("third.example.com", "A"): set()}
    assert len(web.calls) == 1


def test_comments_of_other_names_are_not_taken_for_the_whole_zone(
    web: responses.RequestsMock, zone: PowerDnsZone
) -> None:
    """Before 4.9, an answer about one name holds the comments of all: record sets without records."""
    for name, content in ((OTHER, "192.0.2.2"), (VM, "192.0.2.1")):
        match = responses.matchers.query_param_matcher({"rrset_name": f"{name}."})
        web.get(URL, match=[match], json=metadata(rrsets=[rrset("x.example.com", "A"), rrset(name, "A", content)]))
    assert zone.fetch([(VM, "A"), (OTHER, "A")]) == {(VM, "A"): {"192.0.2.1"}, (OTHER, "A"): {"192.0.2.2"}}


# ---- what is put together for the server


def test_the_same_value_twice_is_sent_once(web: responses.RequestsMock, zone: PowerDnsZone) -> None:
    """PowerDNS refuses a record set that holds a record twice."""
    web.patch(URL, status=204)
    zone.store([RecordSet(VM, "A", ("192.0.2.1", "192.0.2.1"))])
    sent = json.loads(web.calls[0].request.body or b"")["rrsets"][0]["records"]
    assert sent == [{"content": "192.0.2.1", "disabled": False}]


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("https://pdns.example.net:8081", "https://pdns.example.net:8081/api/v1/servers/localhost"),
        ("pdns.example.net:8443", "https://pdns.example.net:8443/api/v1/servers/localhost"),
        ("https://example.net/powerdns/", "https://example.net/powerdns/api/v1/servers/localhost"),
        ("https://example.net/powerdns/api/v1", "https://example.net/powerdns/api/v1/servers/localhost"),
        ("http://[2001:db8::1]:8081/", "http://[2001:db8::1]:8081/api/v1/servers/localhost"),
        ("https://example.net/api/v1/servers/second/zones", "https://example.net/api/v1/servers/second"),
        ("http://api.example.net/", "http://api.example.net/api/v1/servers/localhost"),
    ],
)
def test_the_address_of_the_api_is_found_in_what_an_admin_types(typed: str, address: str) -> None:
    assert api_address(typed) == address


@pytest.mark.parametrize(
    ("name", "in_url"),
    [
        ("example.com", "example.com."),
        ("0/26.2.0.192.in-addr.arpa", "0=2F26.2.0.192.in-addr.arpa."),
        ("0-63.2.0.192.in-addr.arpa", "0-63.2.0.192.in-addr.arpa."),
        ("_acme.example.com", "=5Facme.example.com."),
    ],
)
def test_the_id_of_a_zone_is_what_powerdns_makes_of_its_name(name: str, in_url: str) -> None:
    assert zone_id(name) == in_url


@pytest.mark.parametrize(
    "server", ["", "ftp://pdns.example.net", "ftp://admin:" + KEY + "@pdns.example.net", "https://"]
)
def test_an_address_that_is_none_is_refused_without_its_password(server: str) -> None:
    with pytest.raises(ValueError, match=r"is no http\(s\) URL") as trouble:
        PowerDnsZone("example.com", server, KEY)
    assert KEY not in str(trouble.value)


@pytest.mark.parametrize("key", ["key…4711", "key\n4711", "kęy-4711"])
def test_a_key_that_no_header_can_carry_is_refused_without_quoting_it(key: str) -> None:
    with pytest.raises(
        ValueError, match="the credential for X-API-Key holds characters that cannot be sent"
    ) as trouble:
        PowerDnsZone("example.com", "http://pdns.example.net", key)
    assert key not in str(trouble.value)
