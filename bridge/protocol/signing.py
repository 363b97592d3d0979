"""Signatures of requests and answers: HMAC-SHA256 over labelled lines, pure functions without clock or storage.

Each kind of message has its own first line, so that a signature made for one kind is worthless for another. An answer's
signature covers the request's nonce: an answer recorded earlier does not fit a new request.
"""

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass

TIMESTAMP_HEADER = "X-KVM-Bridge-Timestamp"
NONCE_HEADER = "X-KVM-Bridge-Nonce"
SIGNATURE_HEADER = "X-KVM-Bridge-Signature"
WINDOW_SECONDS = 60
MIN_SECRET_LENGTH = 8

_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")
_PATH = re.compile(r"/[!-~]*")


class Refused(Exception):
    """The request is not let in; the message is the one line that the caller is told."""


class Unsigned(Refused):
    """A header of the signature is missing or malformed."""


class BadSignature(Refused):
    """The signature does not fit the message: another secret, or somebody changed it."""


class Expired(Refused):
    """The signature is right, but the timestamp is too far from our clock."""


class Replayed(Refused):
    """The signature is right, but its nonce was accepted before."""


@dataclass(frozen=True)
class RequestSignature:
    """The three headers of a request: epoch seconds as decimal text, the nonce, and the signature in hexadecimal."""

    timestamp: str
    nonce: str
    signature: str

    def headers(self) -> dict[str, str]:
        """As HTTP headers."""
        return {TIMESTAMP_HEADER: self.timestamp, NONCE_HEADER: self.nonce, SIGNATURE_HEADER: self.signature}

    @classmethod
    def from_headers(cls, header: Callable[[str, str], str]) -> "RequestSignature":
        """Read the headers of a request through `header(name, default)`. Raises Unsigned when one is missing or malformed."""
        timestamp, nonce, signature = (header(name, "") for name in (TIMESTAMP_HEADER, NONCE_HEADER, SIGNATURE_HEADER))
        if not (timestamp and nonce and signature):
            raise Unsigned("The request is not signed.")
        if not _TIMESTAMP.fullmatch(timestamp):
            raise Unsigned("The request is not signed: its timestamp is malformed.")
        if not _NONCE.fullmatch(nonce):
            raise Unsigned("The request is not signed: its nonce is malformed.")
        return cls(timestamp, nonce, signature)


class Signer:
    """Signs and checks with one shared secret. Its repr does not show the secret.

    Eight characters are the least; a generated secret of 32 and more is wiser, as a recorded request lets anybody try short
    ones at leisure.
    """

    def __init__(self, secret: str) -> None:
        if len(secret) < MIN_SECRET_LENGTH:
            raise ValueError(f"the secret of the module protocol needs at least {MIN_SECRET_LENGTH} characters")
        self._key = secret.encode()

    def sign_request(self, method: str, path: str, timestamp: int, nonce: str, body: bytes) -> RequestSignature:
        """Sign a request made at `timestamp` (epoch seconds)."""
        lines = ("kvm-bridge-request-v1", method, path, str(timestamp), nonce, _digest(body))
        return RequestSignature(str(timestamp), nonce, self._sign(*lines))

    def check_request(self, claim: RequestSignature, method: str, path: str, body: bytes, now: float) -> None:
        """Let a request in or raise BadSignature or Expired. The nonce is the caller's business, after this."""
        lines = ("kvm-bridge-request-v1", method, path, claim.timestamp, claim.nonce, _digest(body))
        if not _PATH.fullmatch(path) or not _same(self._sign(*lines), claim.signature):
            raise BadSignature("The signature of the request does not fit: the secrets differ, or it was changed.")
        away = abs(now - int(claim.timestamp))
        if away > WINDOW_SECONDS:
            raise Expired(
                f"The request has expired: its clock is {away:.0f} s away from ours, {WINDOW_SECONDS} s are allowed."
            )

    def sign_response(self, status: int, nonce: str, body: bytes) -> str:
        """Signature of a whole answer to the request with `nonce`."""
        return self._sign("kvm-bridge-response-v1", str(status), nonce, _digest(body))

    def response_fits(self, signature: str, status: int, nonce: str, body: bytes) -> bool:
        """Whether a whole answer is the daemon's own answer to this request."""
        return _same(self.sign_response(status, nonce, body), signature)

    def sign_stream_start(self, status: int, nonce: str) -> str:
        """Signature in the header of a streamed answer, whose body is not known yet."""
        return self._sign("kvm-bridge-stream-v1", str(status), nonce)

    def stream_start_fits(self, signature: str, status: int, nonce: str) -> bool:
        """Whether a streamed answer begins as the daemon's own answer to this request."""
        return _same(self.sign_stream_start(status, nonce), signature)

    def sign_stream_end(self, nonce: str, exit_code: int, digest: str) -> str:
        """Signature of the end record; `digest` is the SHA-256 in hexadecimal of every byte before it."""
        return self._sign("kvm-bridge-stream-end-v1", nonce, str(exit_code), digest)

    def stream_end_fits(self, signature: str, nonce: str, exit_code: int, digest: str) -> bool:
        """Whether a stream is whole and unchanged."""
        return _same(self.sign_stream_end(nonce, exit_code, digest), signature)

    def sign_form(self, session: str, actor: str, actor_id: str, service: str) -> str:
        """The token of forms about one service, for one actor in one login session."""
        return self._sign("kvm-bridge-form-v1", session, actor, actor_id, service)

    def _sign(self, *lines: str) -> str:
        message = "\n".join(lines).encode("utf-8", "surrogateescape")
        return hmac.new(self._key, message, hashlib.sha256).hexdigest()


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _same(expected: str, claimed: str) -> bool:
    return hmac.compare_digest(expected.encode(), claimed.encode("utf-8", "surrogateescape"))
