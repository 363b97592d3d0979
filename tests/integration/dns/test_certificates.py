"""The certificate of a DNS server that no authority vouches for: pinned at first sight, a change is refused."""

import json
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from bridge.models.module import DnsZone
from bridge.trust import dns_key
from providers.errors import CertificateRefused
from tests.contract.https_server import Authority, https_server
from tests.integration.dns.desk import Desk
from tests.powerdns_server import PowerDns

pytestmark = [pytest.mark.usefixtures("sqlite_db"), pytest.mark.req("DNS-55")]

CA = Authority.make("A DNS server of our own")


def powerdns_answer(handler: BaseHTTPRequestHandler) -> None:
    """A PowerDNS with the zone example.com."""
    body = json.dumps({"name": "example.com.", "kind": "Native"}).encode()
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def test_the_first_certificate_is_pinned_and_told(tmp_path: Path) -> None:
    desk, certificate = Desk(), CA.issue(tmp_path)
    with https_server(certificate, powerdns_answer) as port:
        zone = desk.admin.save(
            {"zone": "example.com", "type": "powerdns", "server": f"https://127.0.0.1:{port}", "api_key": "k"}
        )
        assert desk.admin.test(zone) == ""
    assert certificate.fingerprint in desk.trust.version(dns_key("127.0.0.1", port))
    ((about, told),) = desk.journal.of("trust_certificate")
    assert about == f"zone example.com [powerdns], 127.0.0.1:{port}"
    assert certificate.fingerprint in told


def test_another_certificate_is_refused_until_an_admin_accepts_it(tmp_path: Path) -> None:
    desk, certificate, changed = Desk(), CA.issue(tmp_path), CA.issue(tmp_path)
    with https_server(changed, powerdns_answer) as port:
        desk.trust.choose(dns_key("127.0.0.1", port), {"fingerprint": certificate.fingerprint})
        zone = desk.admin.save(
            {"zone": "example.com", "type": "powerdns", "server": f"https://127.0.0.1:{port}", "api_key": "k"}
        )
        error = desk.admin.test(zone)
        assert f"has changed: SHA-256 {changed.fingerprint} instead of {certificate.fingerprint}" in error
        desk.trust.forget(dns_key("127.0.0.1", port))
        assert desk.admin.test(zone) == ""


def test_a_choice_that_changes_is_seen_by_zones_that_are_connected_already(tmp_path: Path) -> None:
    desk, certificate, changed = Desk(), CA.issue(tmp_path), CA.issue(tmp_path)
    with https_server(certificate, powerdns_answer) as port:
        DnsZone.create(zone="example.com", type="powerdns", server=f"https://127.0.0.1:{port}", api_key="k")
        desk.trust.choose(dns_key("127.0.0.1", port), {"fingerprint": changed.fingerprint})
        with pytest.raises(CertificateRefused, match="has changed"):
            desk.configured.all()[0].records.test()
        desk.trust.choose(dns_key("127.0.0.1", port), {"fingerprint": certificate.fingerprint})
        desk.configured.all()[0].records.test()


def test_plain_http_has_nothing_to_pin() -> None:
    desk = Desk()
    row = DnsZone.create(zone="example.com", type="powerdns", server="http://127.0.0.1:9/", api_key="k")
    assert desk.admin.test(row.id) == "127.0.0.1:9 refuses connections"
    assert desk.journal.rows == []


def test_a_server_that_cannot_be_reached_to_look_at_its_certificate_is_told_in_one_line() -> None:
    desk = Desk()
    row = DnsZone.create(zone="example.com", type="hestiacp", server="https://127.0.0.1:9/", password="p")
    assert desk.admin.test(row.id).startswith("Could not connect to 127.0.0.1:9: ")


def test_a_row_that_somebody_else_wrote_may_spell_provider_and_server_otherwise(tmp_path: Path) -> None:
    desk, certificate = Desk(), CA.issue(tmp_path)
    with https_server(certificate, powerdns_answer) as port:
        row = DnsZone.create(zone="Example.COM.", type=" PowerDNS", server=f"127.0.0.1:{port}", api_key="k")
        assert desk.admin.test(row.id) == ""
    shown = desk.admin.show(row.id)
    assert (shown["type"], shown["api_key"]) == ("powerdns", "__KEEP__")
    assert certificate.fingerprint in desk.trust.version(dns_key("127.0.0.1", port))


def test_a_server_that_speaks_plain_http_is_told_to_do_so(powerdns: PowerDns) -> None:
    desk = Desk()
    place = powerdns.url.rpartition("/")[2]
    row = DnsZone.create(zone="example.com", type="powerdns", server=f"https://{place}", api_key="k")
    assert desk.admin.test(row.id) == f"{place} does not speak TLS: its address may have to begin with http://."


def test_a_ca_file_that_is_gone_is_told_in_one_line_and_is_no_bug(tmp_path: Path) -> None:
    desk, certificate = Desk(), CA.issue(tmp_path)
    with https_server(certificate, powerdns_answer) as port:
        desk.trust.choose(dns_key("127.0.0.1", port), {"ca_file": str(tmp_path / "gone.pem")})
        row = DnsZone.create(zone="example.com", type="powerdns", server=f"https://127.0.0.1:{port}", api_key="k")
        told = desk.admin.test(row.id)
    assert told.startswith(f"the CA file for 127.0.0.1:{port} cannot be read: ")
    assert "gone.pem" in told
