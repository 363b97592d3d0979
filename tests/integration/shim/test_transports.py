"""The ways to the daemon: TCP, a unix socket, and TLS with a certificate that is checked."""

import datetime
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from werkzeug.serving import make_server

from bridge.web import create_app
from tests.daemon import SECRET, RecordingServices
from tests.integration.shim.whmcs import Whmcs, service_params


@contextmanager
def serving(services: RecordingServices, host: str, context: ssl.SSLContext | None = None) -> Iterator[int]:
    server = make_server(host, 0, create_app(services, SECRET), threaded=True, ssl_context=context)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server.port
    finally:
        server.shutdown()
        thread.join(5)
        server.server_close()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A self-signed certificate for 127.0.0.1 with its key, in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "kvm-bridge")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    pem = tmp_path / "daemon.pem"
    pem.write_bytes(
        certificate.public_bytes(encoding)
        + key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return pem


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_a_unix_socket_is_a_way_to_the_daemon(php: str, tmp_path: Path, services: RecordingServices) -> None:
    path = tmp_path / "socket with blanks"
    with serving(services, f"unix://{path}"):
        report = Whmcs(php, tmp_path, f"unix:{path}").call("puqProxmoxKVM_CreateAccount", service_params())
    assert report.silent, report
    assert report.result == "success"


def test_a_unix_socket_that_is_not_there_is_a_daemon_that_is_down(php: str, tmp_path: Path) -> None:
    report = Whmcs(php, tmp_path, f"unix:{tmp_path}/nothing").call("puqProxmoxKVM_CreateAccount", service_params())
    assert report.silent, report
    assert report.result == "KVM Bridge cannot be reached: is its service running?"


def test_tls_with_a_known_certificate_is_a_way_to_the_daemon(
    php: str, tmp_path: Path, services: RecordingServices, tls: ssl.SSLContext, certificate: Path
) -> None:
    with serving(services, "127.0.0.1", tls) as port:
        whmcs = Whmcs(php, tmp_path, f"https://127.0.0.1:{port}", ca_file=str(certificate))
        report = whmcs.call("puqProxmoxKVM_CreateAccount", service_params())
    assert report.silent, report
    assert report.result == "success"


def test_tls_with_an_unknown_certificate_is_refused(
    php: str, tmp_path: Path, services: RecordingServices, tls: ssl.SSLContext
) -> None:
    with serving(services, "127.0.0.1", tls) as port:
        whmcs = Whmcs(php, tmp_path, f"https://127.0.0.1:{port}")
        report = whmcs.call("puqProxmoxKVM_CreateAccount", service_params())
    assert report.silent, report
    assert report.result == "The TLS certificate of KVM Bridge cannot be verified."
    assert services.orders.created == []


def test_tls_for_another_host_name_is_refused(
    php: str, tmp_path: Path, services: RecordingServices, tls: ssl.SSLContext, certificate: Path
) -> None:
    with serving(services, "127.0.0.1", tls) as port:
        whmcs = Whmcs(php, tmp_path, f"https://localhost:{port}", ca_file=str(certificate))
        report = whmcs.call("puqProxmoxKVM_CreateAccount", service_params())
    assert report.result == "The TLS certificate of KVM Bridge cannot be verified."
    assert services.orders.created == []


@pytest.mark.req("PRT-05")
def test_a_body_that_only_the_daemon_finds_too_large_is_refused_with_its_line(
    php: str, tmp_path: Path, daemon: str, services: RecordingServices
) -> None:
    whmcs = Whmcs(php, tmp_path, daemon, max_request_bytes=50_000_000, timeout=20)
    report = whmcs.call("puqProxmoxKVM_CreateAccount", service_params(customfields={"notes": "x" * 5_000_000}))
    assert report.silent, report
    assert report.result in ("The request is larger than KVM Bridge accepts.", BROKE_WHILE_SENDING)
    assert services.orders.created == []


BROKE_WHILE_SENDING = "The connection to KVM Bridge broke (curl error 55)."
