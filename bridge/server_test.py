"""WHMCS's Test Connection. Implements `bridge.web.interfaces.Connections`."""

from dataclasses import dataclass

from bridge.hypervisors import Hypervisors
from bridge.settings import Settings
from bridge.web.callers import ServerDetails
from providers.errors import ProviderError
from providers.proxmox import Endpoint, Proxmox
from providers.proxmox.endpoint import DEFAULT_PORT
from statemachines.errors import StepError


@dataclass(frozen=True)
class ConnectionTest:
    """Tries a server as it is typed into WHMCS's form: network, credentials, rights."""

    hypervisors: Hypervisors
    settings: Settings

    def test(self, server: ServerDetails) -> tuple[bool, str]:
        """(True, "") or (False, one line)."""
        try:
            self._client(server).test_connection()
        except (ProviderError, StepError, ValueError) as error:
            return False, str(error)
        return True, ""

    def _client(self, server: ServerDetails) -> Proxmox:
        if not server.password and server.id:
            return self.hypervisors.for_server(server.id)
        endpoint = Endpoint(
            server.hostname or server.ip,
            server.port or DEFAULT_PORT,
            server.username,
            server.password,
            timeout=self.settings.api_timeout_default,
            secure=server.secure or (server.port or DEFAULT_PORT) == DEFAULT_PORT,
        )
        return self.hypervisors.client_for(server.id, server.hostname or server.ip, endpoint)
