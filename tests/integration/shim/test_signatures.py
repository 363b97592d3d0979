"""PHP and Python sign alike."""

import base64
import hashlib
import json
import subprocess
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.protocol.signing import MIN_SECRET_LENGTH, Signer
from tests.integration.shim.whmcs import PHP_FOLDER
from tests.services import require_program
from whmcs_shim import shim_root

SECRETS = st.text(st.characters(blacklist_categories=["Cs"]), min_size=MIN_SECRET_LENGTH, max_size=80)
NONCES = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", min_size=16, max_size=64)
PATHS = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=60).map("/v1/".__add__)
MESSAGES = st.tuples(
    st.sampled_from(["POST", "GET"]),
    PATHS,
    st.integers(min_value=0, max_value=10**12 - 1),
    NONCES,
    st.binary(max_size=2000),
    st.integers(min_value=100, max_value=599),
    st.integers(min_value=0, max_value=255),
)


# Starting PHP takes longer than signing, so each example signs many messages.
@settings(max_examples=15, deadline=None)
@given(secret=SECRETS, messages=st.lists(MESSAGES, min_size=1, max_size=40))
def test_both_sides_sign_alike(secret: str, messages: list[tuple[Any, ...]]) -> None:
    assert signed_by_php(secret, messages) == [signed_by_python(Signer(secret), *message) for message in messages]


def signed_by_python(
    signer: Signer, method: str, path: str, timestamp: int, nonce: str, body: bytes, status: int, code: int
) -> list[str]:
    return [
        signer.sign_request(method, path, timestamp, nonce, body).signature,
        signer.sign_response(status, nonce, body),
        signer.sign_stream_start(status, nonce),
        signer.sign_stream_end(nonce, code, hashlib.sha256(body).hexdigest()),
    ]


def signed_by_php(secret: str, messages: list[tuple[Any, ...]]) -> Any:
    encoded = [[*message[:4], base64.b64encode(message[4]).decode(), *message[5:]] for message in messages]
    done = subprocess.run(
        [
            require_program("php"),
            str(PHP_FOLDER / "signatures.php"),
            str(shim_root() / "modules/servers/puqProxmoxKVM"),
        ],
        input=json.dumps({"secret": secret, "messages": encoded}).encode(),
        capture_output=True,
        check=True,
        timeout=60,
    )
    return json.loads(done.stdout)
