"""Which certificate we accept from a server: kept per server entry, learned at the first connection.

Clusters sign their own certificates, so the choices are: a CA the system knows, a CA file, one pinned certificate, or
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


@dataclass(frozen=True)
class Trust:
    """Reads and writes the choices."""

    journal: Journal

    @retry_lost_connection
    def version(self, server_id: int) -> str:
        """Changes whenever the choice changes; empty while there is none."""
        row = Setting.get_or_none(Setting.name == _key(server_id))
        return str(row.value) if row else ""

    def secured(self, server_id: int, server_name: str, endpoint: Endpoint) -> Endpoint:
        """The endpoint with the verification chosen for this server; learns it when there is no choice yet.

        Plain HTTP has nothing to verify. Raises Temporary when the server cannot be reached to look at its certificate.
        """
        if not endpoint.secure:
            return endpoint
        choice = self._choice(server_id)
        if choice is None:
            choice = _look_at(endpoint)
            self.choose(server_id, choice)
            if "fingerprint" in choice:
                line = f"the certificate {choice['fingerprint']} is trusted from now on"
                self.journal.record("trust_certificate", f"server {server_name} (ID {server_id}), {endpoint}", line)
                log.warning("server %s (ID %s): %s", server_name, server_id, line)
        return replace(endpoint, tls=_tls(choice))

    def at_sight(self, endpoint: Endpoint) -> Endpoint:
        """The endpoint with whatever certificate it shows now; nothing is stored. For values that are only being typed."""
        return replace(endpoint, tls=_tls(_look_at(endpoint))) if endpoint.secure else endpoint

    @retry_lost_connection
    def choose(self, server_id: int, choice: dict[str, Any]) -> None:
        """Store a choice: {"verify": "system"}, {"ca_file": path}, {"fingerprint": sha256} or {"verify": "off"}."""
        _tls(choice)
        Setting.replace(name=_key(server_id), value=json.dumps(choice)).execute()  # type: ignore[no-untyped-call]

    @retry_lost_connection
    def forget(self, server_id: int) -> None:
        """Have the certificate looked at anew at the next connection."""
        Setting.delete().where(Setting.name == _key(server_id)).execute()

    def _choice(self, server_id: int) -> dict[str, Any] | None:
        text = self.version(server_id)
        return dict(json.loads(text)) if text else None


def _key(server_id: int) -> str:
    return f"tls:{server_id}"


def _tls(choice: dict[str, Any]) -> Tls:
    return Tls(
        verify=choice.get("verify") != "off", ca_file=choice.get("ca_file"), fingerprint=choice.get("fingerprint")
    )


def _look_at(endpoint: Endpoint) -> dict[str, Any]:
    """How the certificate that the server shows now can be verified."""
    try:
        with _handshake(endpoint, ssl.create_default_context()):
            return SYSTEM_CA
    except ssl.SSLCertVerificationError:
        pass
    except OSError as error:
        raise _unreachable(endpoint, error) from error
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with _handshake(endpoint, context) as connection:
            certificate = connection.getpeercert(binary_form=True)
    except OSError as error:
        raise _unreachable(endpoint, error) from error
    return {"fingerprint": hashlib.sha256(certificate or b"").hexdigest()}


def _handshake(endpoint: Endpoint, context: ssl.SSLContext) -> ssl.SSLSocket:
    plain = socket.create_connection((endpoint.host, endpoint.port), timeout=endpoint.timeout)
    try:
        return context.wrap_socket(plain, server_hostname=endpoint.host)
    except BaseException:
        plain.close()
        raise


def _unreachable(endpoint: Endpoint, error: OSError) -> Temporary:
    return Temporary(f"Could not connect to Proxmox VE at {endpoint}: {error}. Will retry.")
