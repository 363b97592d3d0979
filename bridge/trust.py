"""Which certificate we accept from another side: kept per server entry or DNS provider, learned at the first connection.

Clusters and hosting panels sign their own certificates, so the choices are: a CA the system knows, a CA file, one pinned certificate, or
(said explicitly) no verification. A server without a choice is looked at once: a certificate that verifies needs nothing
more, any other is pinned as ssh does with host keys. From then on a changed certificate is refused until an admin says so.
"""

import hashlib
import json
import logging
import socket
import ssl
from dataclasses import dataclass, replace
from typing import Any

from bridge.database import retry_lost_connection
from bridge.models.companion import Setting
from providers.proxmox import Endpoint, Tls
from statemachines.errors import Temporary
from statemachines.ports import Journal

log = logging.getLogger(__name__)

SYSTEM_CA = {"verify": "system"}
_PREFIX = "tls:"
LONGEST_KEY = 60  # of the column, with the prefix


@dataclass(frozen=True)
class TrustedPlace:
    """Where somebody shows a certificate; `name` says in errors who, `timeout` in seconds."""

    host: str
    port: int
    name: str = ""
    timeout: float = 10.0

    def __str__(self) -> str:
        return f"{self.name} at {self.host}:{self.port}" if self.name else f"{self.host}:{self.port}"


def server_key(server_id: int) -> str:
    """Under which the choice for a WHMCS server entry is kept."""
    return f"{server_id}"


def dns_key(host: str, port: int) -> str:
    """Under which the choice for a DNS provider is kept; zones on one server share it."""
    key = f"dns:{host}:{port}"
    return key if len(key) <= LONGEST_KEY else f"dns:{hashlib.sha256(key.encode()).hexdigest()[:32]}"


@dataclass(frozen=True)
class Trust:
    """Reads and writes the choices, each under a key; see `server_key` and `dns_key`."""

    journal: Journal

    @retry_lost_connection
    def version(self, key: str) -> str:
        """Changes whenever the choice changes; empty while there is none."""
        row = Setting.get_or_none(Setting.name == _PREFIX + key)
        return str(row.value) if row else ""

    @retry_lost_connection
    def versions_of_dns(self) -> dict[str, str]:
        """`version` of all DNS providers that there is a choice for, by key."""
        rows = Setting.select().where(Setting.name.startswith(f"{_PREFIX}dns:"))
        return {row.name.removeprefix(_PREFIX): str(row.value) for row in rows}

    def secured(self, server_id: int, server_name: str, endpoint: Endpoint) -> Endpoint:
        """The endpoint with the verification chosen for this server; learns it when there is no choice yet.

        Plain HTTP has nothing to verify. Raises Temporary when the server cannot be reached to look at its certificate.
        """
        if not endpoint.secure:
            return endpoint
        subject = f"server {server_name} (ID {server_id})"
        return replace(endpoint, tls=self.tls(server_key(server_id), subject, _place(endpoint)))

    def at_sight(self, endpoint: Endpoint) -> Endpoint:
        """The endpoint with whatever certificate it shows now; nothing is stored. For values that are only being typed."""
        return replace(endpoint, tls=_tls(_look_at(_place(endpoint)))) if endpoint.secure else endpoint

    def tls(self, key: str, subject: str, place: TrustedPlace) -> Tls:
        """The verification chosen under `key`; learned from what `place` shows when there is no choice yet.

        `subject` names in the logs whose certificate is pinned. Raises Temporary when the place cannot be reached.
        """
        choice = self._choice(key)
        if choice is None:
            choice = _look_at(place)
            self.choose(key, choice)
            if "fingerprint" in choice:
                line = f"the certificate {choice['fingerprint']} is trusted from now on"
                self.journal.record("trust_certificate", f"{subject}, {place.host}:{place.port}", line)
                log.warning("%s: %s", subject, line)
        return _tls(choice)

    @retry_lost_connection
    def choose(self, key: str, choice: dict[str, Any]) -> None:
        """Store a choice: {"verify": "system"}, {"ca_file": path}, {"fingerprint": sha256} or {"verify": "off"}."""
        _tls(choice)
        Setting.replace(name=_PREFIX + key, value=json.dumps(choice)).execute()  # type: ignore[no-untyped-call]

    @retry_lost_connection
    def forget(self, key: str) -> None:
        """Have the certificate looked at anew at the next connection."""
        Setting.delete().where(Setting.name == _PREFIX + key).execute()

    def _choice(self, key: str) -> dict[str, Any] | None:
        text = self.version(key)
        return dict(json.loads(text)) if text else None


def _place(endpoint: Endpoint) -> TrustedPlace:
    return TrustedPlace(endpoint.host, endpoint.port, "Proxmox VE", endpoint.timeout)


def _tls(choice: dict[str, Any]) -> Tls:
    return Tls(
        verify=choice.get("verify") != "off", ca_file=choice.get("ca_file"), fingerprint=choice.get("fingerprint")
    )


def _look_at(place: TrustedPlace) -> dict[str, Any]:
    """How the certificate that the server shows now can be verified."""
    try:
        with _handshake(place, ssl.create_default_context()):
            return SYSTEM_CA
    except ssl.SSLCertVerificationError:
        pass
    except OSError as error:
        raise _unreachable(place, error) from error
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with _handshake(place, context) as connection:
            certificate = connection.getpeercert(binary_form=True)
    except OSError as error:
        raise _unreachable(place, error) from error
    return {"fingerprint": hashlib.sha256(certificate or b"").hexdigest()}


def _handshake(place: TrustedPlace, context: ssl.SSLContext) -> ssl.SSLSocket:
    plain = socket.create_connection((place.host, place.port), timeout=place.timeout)
    try:
        return context.wrap_socket(plain, server_hostname=place.host)
    except BaseException:
        plain.close()
        raise


def _unreachable(place: TrustedPlace, error: OSError) -> Temporary:
    if isinstance(error, ssl.SSLError) and error.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"):
        return Temporary(f"{place} does not speak TLS: its address may have to begin with http://. Will retry.")
    return Temporary(f"Could not connect to {place}: {error}. Will retry.")
