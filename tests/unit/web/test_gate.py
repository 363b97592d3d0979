"""The gate: who is let in, what the others are told, and that every answer is signed."""

import io

import pytest
from werkzeug.test import EnvironBuilder, run_wsgi_app

from bridge.connections import DatabaseUnavailable
from bridge.protocol.nonces import MemoryNonces
from bridge.protocol.signing import SIGNATURE_HEADER, Signer
from bridge.web import create_app
from tests.daemon import SECRET, RecordingServices
from tests.unit.web.conftest import NOW, Post

CREATE = "/v1/module/CreateAccount"
SERVICE = {"serviceid": 5}
HEADERS = ["X-KVM-Bridge-Timestamp", "X-KVM-Bridge-Nonce", "X-KVM-Bridge-Signature"]


@pytest.mark.req("PRT-01")
@pytest.mark.parametrize("missing", HEADERS)
def test_an_unsigned_request_is_refused(post: Post, services: RecordingServices, missing: str) -> None:
    response = post(CREATE, SERVICE, change=lambda headers: headers.pop(missing))
    assert (response.status_code, response.json) == (401, {"error": "The request is not signed."})
    assert services.orders.created == []


@pytest.mark.req("PRT-02")
def test_a_request_with_a_wrong_signature_is_refused(post: Post, services: RecordingServices) -> None:
    response = post(CREATE, SERVICE, change=lambda headers: headers.update({SIGNATURE_HEADER: "f" * 64}))
    assert response.status_code == 401
    assert "signature" in response.json["error"]
    assert services.orders.created == []


@pytest.mark.req("PRT-03")
@pytest.mark.parametrize("seconds", [-61, 61])
def test_a_request_outside_of_the_window_is_refused(post: Post, services: RecordingServices, seconds: int) -> None:
    response = post(CREATE, SERVICE, at=NOW + seconds)
    assert response.status_code == 401
    assert "61 s away" in response.json["error"]
    assert services.orders.created == []


@pytest.mark.req("PRT-04")
def test_a_request_is_served_once(post: Post, services: RecordingServices) -> None:
    assert post(CREATE, SERVICE, nonce="n" * 32).json == {"result": "success"}
    response = post(CREATE, SERVICE, nonce="n" * 32)
    assert response.status_code == 401
    assert "before" in response.json["error"]
    assert len(services.orders.created) == 1


def test_a_refused_request_uses_up_no_nonce(post: Post) -> None:
    post(CREATE, SERVICE, nonce="n" * 32, change=lambda headers: headers.update({SIGNATURE_HEADER: "f" * 64}))
    post(CREATE, SERVICE, nonce="n" * 32, at=NOW - 100)
    assert post(CREATE, SERVICE, nonce="n" * 32).status_code == 200


@pytest.mark.req("PRT-09")
def test_the_actor_of_a_signed_request_cannot_be_changed(post: Post, services: RecordingServices) -> None:
    honest = b'{"params":{"serviceid":5},"actor":{"type":"client","id":7}}'
    signed = Signer(SECRET).sign_request("POST", CREATE, NOW, "n" * 32, honest)
    response = post(CREATE, body=honest.replace(b"client", b"admin"), change=lambda h: h.update(signed.headers()))
    assert response.status_code == 401
    assert services.orders.created == []


@pytest.mark.req("PRT-07")
@pytest.mark.parametrize(
    ("path", "at", "status"),
    [(CREATE, NOW, 200), (CREATE, NOW - 100, 401), ("/v1/module/Nothing", NOW, 404), ("/elsewhere", NOW, 404)],
)
def test_every_answer_is_signed_for_its_request(post: Post, path: str, at: int, status: int) -> None:
    response = post(path, SERVICE, nonce="n" * 32, at=at)
    assert response.status_code == status
    assert Signer(SECRET).response_fits(response.headers[SIGNATURE_HEADER], status, "n" * 32, response.data)


@pytest.mark.req("PRT-05")
def test_a_body_over_the_limit_is_refused(post: Post, services: RecordingServices) -> None:
    response = post(CREATE, body=b" " * (64 * 1024 + 1))
    assert response.status_code == 413
    assert "larger" in response.json["error"]
    assert services.orders.created == []


@pytest.mark.req("PRT-05")
def test_a_body_of_unknown_length_is_not_read_beyond_the_limit(services: RecordingServices) -> None:
    class Endless(io.RawIOBase):
        given = 0

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: object) -> int:
            piece = memoryview(buffer)  # type: ignore[arg-type]
            piece[:] = b" " * len(piece)
            self.given += len(piece)
            return len(piece)

    endless = Endless()
    app = create_app(services, SECRET, max_body_bytes=1000, clock=lambda: NOW)
    headers = Signer(SECRET).sign_request("POST", CREATE, NOW, "n" * 32, b"").headers()
    environ = EnvironBuilder(CREATE, method="POST", headers=headers).get_environ()
    environ.pop("CONTENT_LENGTH", None)
    environ |= {"wsgi.input": endless, "wsgi.input_terminated": True}
    _, status, _ = run_wsgi_app(app, environ)
    assert status.startswith("413")
    assert endless.given < 1_000_000


def test_while_no_nonce_can_be_stored_nobody_is_let_in() -> None:
    class Gone(MemoryNonces):
        def accept(self, nonce: str, now: float) -> bool:
            raise DatabaseUnavailable("Database whmcs@192.0.2.9: connection lost")

    services = RecordingServices(nonces=Gone())
    client = create_app(services, SECRET, clock=lambda: NOW).test_client()
    body = b'{"params": {"serviceid": 5}, "actor": {"type": "system"}}'
    headers = Signer(SECRET).sign_request("POST", CREATE, NOW, "n" * 32, body).headers()
    assert client.post(CREATE, data=body, headers=headers).status_code == 503
    assert services.orders.created == []


def test_only_post_is_served(services: RecordingServices) -> None:
    client = create_app(services, SECRET, clock=lambda: NOW).test_client()
    headers = Signer(SECRET).sign_request("GET", CREATE, NOW, "n" * 32, b"").headers()
    assert client.get(CREATE, headers=headers).status_code == 405


def test_a_connection_is_taken_and_given_back_around_every_request(post: Post, services: RecordingServices) -> None:
    post(CREATE, SERVICE)
    post(CREATE, SERVICE, at=NOW - 100)
    assert (services.opened, services.closed) == (2, 2)
