"""The application under test and a way to send it signed requests, without a network."""

import itertools
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from werkzeug.test import TestResponse

from bridge.protocol.signing import Signer
from bridge.web import create_app
from tests.daemon import SECRET, RecordingServices

NOW = 1_800_000_000
ADMIN: Mapping[str, Any] = {"type": "admin", "id": 1}

Post = Callable[..., TestResponse]


@pytest.fixture
def services() -> RecordingServices:
    return RecordingServices()


@pytest.fixture
def post(services: RecordingServices) -> Post:
    """post(path, params, actor=…, body=…, nonce=…, at=…): a signed request to the application."""
    client = create_app(services, SECRET, max_body_bytes=64 * 1024, clock=lambda: NOW).test_client()
    signer = Signer(SECRET)
    numbers = itertools.count()

    def send(
        path: str,
        params: Any = None,
        *,
        actor: Any = ADMIN,
        body: bytes | None = None,
        nonce: str | None = None,
        at: int = NOW,
        change: Callable[[dict[str, str]], object] = lambda headers: None,
    ) -> TestResponse:
        if body is None:
            body = json.dumps({"params": params or {}, "actor": actor, "language": "english"}).encode()
        nonce = nonce or f"{next(numbers):032}"
        headers = signer.sign_request("POST", path, at, nonce, body).headers()
        change(headers)
        return client.post(path, data=body, headers=headers, content_type="application/json")

    return send
