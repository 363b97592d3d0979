"""What the client's pages load and send besides power and reinstallation, each subject by itself."""

from dataclasses import dataclass

from bridge.lifecycle.charts import Charts
from bridge.lifecycle.firewall import ClientFirewall
from bridge.lifecycle.iso import Isos
from bridge.lifecycle.realtime import Information


@dataclass(frozen=True)
class ClientPages:
    """Implements `bridge.web.client_interfaces.ClientPages`."""

    charts: Charts
    firewall: ClientFirewall
    information: Information
    iso: Isos
