"""The Test button, and what becomes of it when PowerDNS is not as it should be."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from providers.dns import RecordSet
from providers.dns.powerdns import PowerDnsZone
from providers.errors import AuthFailed, CertificateRefused, NotFound, ProviderError, Rejected, Unavailable
from providers.tls import Tls
from tests.contract.https_server import Authority, https_server
from tests.powerdns_server import PowerDns
from tests.unit.house.import_graph import ROOT

from .conftest import Open, Wire


def error_of_test(zone: PowerDnsZone) -> ProviderError:
    with pytest.raises(ProviderError) as trouble:
        zone.test()
    return trouble.value


# ---- the Test button


@pytest.mark.req("DNS-38")
def test_the_test_fetches_the_zones_metadata_and_no_records(zone: PowerDnsZone, wire: Wire) -> None:
    zone.test()
    (request,) = wire.sent
    assert (request.method, request.path_url.partition("/zones/")[2]) == ("GET", f"{zone.name}.?rrsets=false")


@pytest.mark.req("DNS-61")
def test_a_wrong_key_is_told_in_powerdnss_words(powerdns: PowerDns, zone: PowerDnsZone) -> None:
    zone.test()
    error = error_of_test(PowerDnsZone(zone.name, powerdns.url, "wrong"))
    assert isinstance(error, AuthFailed)
    assert str(error) == f"127.0.0.1:{powerdns.web_port} refuses the API key (Unauthorized)"


@pytest.mark.req("DNS-40")
@pytest.mark.parametrize("wrong", ["missing.example", "example", "sub.{}"])
def test_the_test_fails_when_the_server_has_no_zone_of_that_name(
    powerdns: PowerDns, zone: PowerDnsZone, open_zone: Open, wrong: str
) -> None:
    name = wrong.format(zone.name)
    error = error_of_test(open_zone(name))
    assert str(error) == f"zone {name} does not exist on 127.0.0.1:{powerdns.web_port} (Not Found)"


def test_a_zone_that_another_server_feeds_fails_the_test(powerdns: PowerDns, open_zone: Open) -> None:
    """PowerDNS would take our records, and lose them with the next transfer."""
    zone = open_zone(powerdns.create_zone("copy.example", "Slave", masters=["192.0.2.53"]))
    error = error_of_test(zone)
    assert isinstance(error, Rejected)
    assert "zone copy.example is only a copy" in str(error)
    assert "kind Slave" in str(error)


# ---- servers that do not answer


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[PowerDns]:
    """A PowerDNS that runs when the test has started it, and may be stopped."""
    server = PowerDns(tmp_path)
    yield server
    server.stop()


def test_after_an_outage_the_same_zone_works_again(own_server: PowerDns) -> None:
    own_server.start()
    wanted = RecordSet("vm.example.com", "A", ("192.0.2.1",))
    zone = PowerDnsZone(own_server.create_zone("example.com"), own_server.url, own_server.api_key)
    zone.test()
    own_server.stop()
    assert str(zone.store([wanted])[wanted.key]) == f"127.0.0.1:{own_server.web_port} refuses connections"
    own_server.start()
    assert zone.store([wanted]) == {}
    assert own_server.ask(wanted.name, "A") == ["192.0.2.1"]


def test_a_server_that_does_not_let_us_in_is_told_with_the_setting_that_decides_it(own_server: PowerDns) -> None:
    own_server.start(own_server.api_settings | {"webserver-allow-from": "127.0.0.9"})
    error = error_of_test(PowerDnsZone("example.com", own_server.url, own_server.api_key))
    assert isinstance(error, Unavailable)
    assert "broke off: is our address among webserver-allow-from" in str(error)


def test_a_powerdns_without_its_api_is_not_said_to_lack_the_zone(own_server: PowerDns) -> None:
    """It says "Not Found" of everything."""
    own_server.start(own_server.api_settings | {"api": "no"})
    error = error_of_test(PowerDnsZone("example.com", own_server.url, own_server.api_key))
    assert isinstance(error, NotFound)
    assert "has no PowerDNS API at this address (HTTP 404): is it the right one, with api=yes?" in str(error)


def test_https_where_there_is_only_http_is_told(powerdns: PowerDns, zone: PowerDnsZone) -> None:
    https = powerdns.url.replace("http:", "https:")
    error = error_of_test(PowerDnsZone(zone.name, https, powerdns.api_key, tls=Tls(verify=False)))
    assert str(error).endswith("does not speak TLS: its address may have to begin with http://")


def test_the_certificate_is_verified_as_it_was_asked_for(tmp_path: Path) -> None:
    certificate = Authority.make().issue(tmp_path)
    with https_server(certificate, answer_metadata) as port:
        server = f"https://127.0.0.1:{port}"
        PowerDnsZone("example.com", server, "key", tls=Tls(fingerprint=certificate.fingerprint)).test()
        assert isinstance(error_of_test(PowerDnsZone("example.com", server, "key")), CertificateRefused)


def answer_metadata(request: BaseHTTPRequestHandler) -> None:
    body = b'{"name": "example.com.", "kind": "Native"}'
    request.send_response(200)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


# ---- what the documentation tells admins


@pytest.mark.req("DNS-13")
def test_the_lines_in_the_documentation_are_all_that_the_server_needs(own_server: PowerDns) -> None:
    page = (ROOT / "docs" / "dns.md").read_text(encoding="utf-8")
    told = dict(line.split("=") for line in page.partition("```\n")[2].partition("```")[0].splitlines())
    assert list(told) == list(own_server.api_settings)
    places = ("api-key", "webserver-address", "webserver-port", "webserver-allow-from")
    own_server.start(told | {name: own_server.api_settings[name] for name in places})
    PowerDnsZone(own_server.create_zone("example.com"), own_server.url, own_server.api_key).test()
