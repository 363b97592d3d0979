"""Verification of a cluster's certificate, against a real HTTPS server."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from providers.errors import CertificateRefused, Unavailable
from providers.proxmox import Endpoint, Proxmox, Tls

from .https_server import Authority, ServerCertificate, https_server

CA = Authority.make()


def version_answer(request: BaseHTTPRequestHandler) -> None:
    body = json.dumps({"data": {"version": "8.4.1"}}).encode()
    request.send_response(200)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)


@pytest.fixture
def certificate(tmp_path: Path) -> ServerCertificate:
    return CA.issue(tmp_path)


def client(port: int, tls: Tls, **options: float) -> Proxmox:
    return Proxmox(Endpoint("127.0.0.1", port, "a@pve!b", "secret", tls, **options))


@contextmanager
def connected(certificate: ServerCertificate, tls: Tls) -> Iterator[Proxmox]:
    with https_server(certificate, version_answer) as port:
        proxmox = client(port, tls)
        yield proxmox
        proxmox.close()


@pytest.mark.req("PRV-02")
def test_a_certificate_of_the_given_ca_is_accepted(certificate: ServerCertificate, tmp_path: Path) -> None:
    with connected(certificate, Tls(ca_file=CA.write(tmp_path / "ca.pem"))) as proxmox:
        assert proxmox.version() == "8.4.1"


@pytest.mark.req("PRV-02")
def test_a_pinned_certificate_is_accepted_without_any_ca(certificate: ServerCertificate) -> None:
    with connected(certificate, Tls(fingerprint=certificate.fingerprint.upper())) as proxmox:
        assert proxmox.version() == "8.4.1"


@pytest.mark.req("PRV-02")
def test_a_changed_certificate_is_refused_with_both_fingerprints(
    certificate: ServerCertificate, tmp_path: Path
) -> None:
    changed = CA.issue(tmp_path)
    with (
        connected(changed, Tls(fingerprint=certificate.fingerprint)) as proxmox,
        pytest.raises(CertificateRefused) as caught,
    ):
        proxmox.version()
    message = str(caught.value)
    assert "has changed" in message
    assert certificate.fingerprint in message
    assert changed.fingerprint in message


@pytest.mark.req("PRV-02")
@pytest.mark.parametrize("tls", [Tls(), Tls(verify=True)])
def test_an_unknown_ca_is_refused_by_default(certificate: ServerCertificate, tls: Tls) -> None:
    with connected(certificate, tls) as proxmox, pytest.raises(CertificateRefused, match="is not trusted") as caught:
        proxmox.version()
    assert caught.value.kind == "permanent"


@pytest.mark.req("PRV-02")
def test_another_ca_is_refused(certificate: ServerCertificate, tmp_path: Path) -> None:
    other = Authority.make("somebody else").write(tmp_path / "other.pem")
    with connected(certificate, Tls(ca_file=other)) as proxmox, pytest.raises(CertificateRefused):
        proxmox.version()


def test_an_expired_certificate_is_refused(tmp_path: Path) -> None:
    ca_file = CA.write(tmp_path / "ca.pem")
    with (
        connected(CA.issue(tmp_path, days=-1), Tls(ca_file=ca_file)) as proxmox,
        pytest.raises(CertificateRefused, match="expired"),
    ):
        proxmox.version()


def test_a_refused_certificate_means_that_nothing_was_sent(certificate: ServerCertificate) -> None:
    seen: list[str] = []

    def remember(request: BaseHTTPRequestHandler) -> None:
        seen.append(request.path)
        version_answer(request)

    with https_server(certificate, remember) as port:
        proxmox = client(port, Tls())
        with pytest.raises(CertificateRefused) as caught:
            proxmox.start("pve1", 100)
    assert not caught.value.outcome_unknown
    assert not seen


@pytest.mark.req("PRV-02")
@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
def test_verification_is_off_only_when_asked_for(certificate: ServerCertificate) -> None:
    with connected(certificate, Tls(verify=False)) as proxmox:
        assert proxmox.version() == "8.4.1"


def test_a_pin_holds_even_when_verification_is_off(certificate: ServerCertificate) -> None:
    with (
        connected(certificate, Tls(verify=False, fingerprint="00" * 32)) as proxmox,
        pytest.raises(CertificateRefused),
    ):
        proxmox.version()


def test_a_kept_connection_is_used_again_and_one_that_the_server_closed_is_replaced(
    certificate: ServerCertificate,
) -> None:
    connections: list[tuple[str, int]] = []
    close_after = {3}

    def answer(request: BaseHTTPRequestHandler) -> None:
        connections.append(request.client_address)
        version_answer(request)
        if len(connections) in close_after:
            # As pveproxy does after 5 s of silence: no word of warning in the answer.
            request.close_connection = True

    with https_server(certificate, answer) as port:
        proxmox = client(port, Tls(fingerprint=certificate.fingerprint))
        versions = [proxmox.version() for _ in range(5)]
    assert versions == ["8.4.1"] * 5
    assert len(set(connections)) == 2


def test_a_write_whose_answer_is_cut_off_is_not_sent_again(certificate: ServerCertificate) -> None:
    seen: list[str] = []

    def cut(request: BaseHTTPRequestHandler) -> None:
        seen.append(f"{request.command} {request.path}")
        request.close_connection = True

    with https_server(certificate, cut) as port:
        proxmox = client(port, Tls(fingerprint=certificate.fingerprint))
        with pytest.raises(Unavailable, match="broke off") as caught:
            proxmox.start("pve1", 100)
    assert caught.value.outcome_unknown
    assert seen == ["POST /api2/json/nodes/pve1/qemu/100/status/start"]


def test_an_answer_that_does_not_come_is_given_up_in_time(certificate: ServerCertificate) -> None:
    release = threading.Event()
    with https_server(certificate, lambda request: release.wait(30) and None) as port:
        proxmox = client(port, Tls(fingerprint=certificate.fingerprint), timeout=0.2, heavy_timeout=0.2)
        with pytest.raises(Unavailable, match="did not answer in time") as read:
            proxmox.version()
        with pytest.raises(Unavailable, match="did not answer in time") as write:
            proxmox.start("pve1", 100)
        release.set()
    assert (read.value.outcome_unknown, write.value.outcome_unknown) == (False, True)


@pytest.mark.req("SRV-07")
def test_a_port_that_nobody_listens_on_fails_the_connection_test() -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port = reserved.getsockname()[1]
        with pytest.raises(Unavailable, match=f"127.0.0.1:{port} refuses connections") as caught:
            client(port, Tls()).test_connection()
    assert not caught.value.outcome_unknown


def test_a_port_that_does_not_speak_tls_is_told_apart() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def speak_http() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(100)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=speak_http, daemon=True)
        thread.start()
        with pytest.raises(Unavailable, match="does not speak HTTPS"):
            client(server.getsockname()[1], Tls()).version()
        thread.join(5)


def test_a_name_that_does_not_resolve_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: object, **options: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Unavailable, match=r"the name pve\.example\.com does not resolve") as caught:
        Proxmox(Endpoint("pve.example.com", token_id="a@pve!b", token_secret="x")).start("pve1", 100)
    assert not caught.value.outcome_unknown
