"""How the certificate of another side is verified. Shared by all providers that speak HTTPS."""

import re
from dataclasses import dataclass
from typing import Any

from requests.adapters import HTTPAdapter


@dataclass(frozen=True)
class Tls:
    """How a server's certificate is verified. Self-signed certificates are common in private networks, so there are three ways.

    `ca_file` path of a PEM bundle; None = the CAs of the system. `fingerprint` SHA-256 of the certificate in hex, colons
    allowed: pins exactly this certificate and takes the place of the CA. `verify` False switches verification off.
    """

    verify: bool = True
    ca_file: str | None = None
    fingerprint: str | None = None

    def __post_init__(self) -> None:
        if self.fingerprint is None:
            return
        bare = self.fingerprint.replace(":", "").replace(" ", "").lower()
        if not re.fullmatch(r"[0-9a-f]{64}", bare):
            raise ValueError("a certificate fingerprint is 64 hex digits (SHA-256)")
        object.__setattr__(self, "fingerprint", bare)

    @property
    def requests_verify(self) -> bool | str:
        """requests' idea of verification; a pinned certificate is checked by the adapter instead."""
        if self.fingerprint or not self.verify:
            return False
        return self.ca_file or True

    def adapter(self, pool_size: int) -> HTTPAdapter:
        """The connections of a session, at most `pool_size` kept open, with the pinned certificate if there is one."""
        if self.fingerprint:
            return PinnedAdapter(self.fingerprint, pool_maxsize=pool_size)
        return HTTPAdapter(pool_maxsize=pool_size)


SYSTEM_CAS = Tls()


class PinnedAdapter(HTTPAdapter):
    """Accepts one certificate, by its SHA-256, whatever its name, issuer and dates say."""

    def __init__(self, fingerprint: str, **options: Any) -> None:
        self._fingerprint = fingerprint
        super().__init__(**options)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Hand the fingerprint to every connection."""
        super().init_poolmanager(*args, **options, assert_fingerprint=self._fingerprint)


def certificate_trouble(text: str) -> str:
    """What is wrong with the certificate, out of the text of requests' SSLError; empty when TLS broke for another reason."""
    mismatch = re.search(r'Expected "(\w+)", got "(\w+)"', text)
    if mismatch:
        return (
            f"has changed: SHA-256 {mismatch[2]} instead of {mismatch[1]}."
            " If that was intended, enter the new fingerprint"
        )
    if "CERTIFICATE_VERIFY_FAILED" in text or "doesn't match" in text:
        reason = re.search(r"certificate verify failed: ([^(\"']+)|(hostname .*? doesn't match [^\")]*)", text)
        return f"is not trusted ({(reason[0] if reason else 'unknown issuer').strip()})"
    return ""
