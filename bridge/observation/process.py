"""Health and metrics of this process, put together. Implements `bridge.web.health_interfaces.Observation`."""

import logging
from dataclasses import dataclass

import peewee

from bridge.database import DatabaseUnavailable
from bridge.dns.listing import is_allowed
from bridge.observation.gauges import Gauges
from bridge.observation.health import Health
from bridge.observation.meters import Meters
from bridge.settings import Settings

log = logging.getLogger(__name__)

THIS_MACHINE = "127.0.0.0/8 ::1/128"


@dataclass(frozen=True)
class ProcessObservation:
    """What machines that watch this process may know."""

    health: Health
    meters: Meters
    gauges: Gauges
    settings: Settings

    def missing(self) -> dict[str, str]:
        """As the interface says."""
        return self.health.missing()

    def metrics(self) -> bytes:
        """The counters of this process (of all web processes, in the web role), and how the installation stands."""
        return self.meters.text(self.gauges)

    def may_read_metrics(self, caller: str) -> bool:
        """A caller without an address came through a unix socket, whose file says who may use it."""
        if not caller or is_allowed(caller, THIS_MACHINE):
            return True
        try:
            return is_allowed(caller, self.settings.metrics_allow)
        except (DatabaseUnavailable, peewee.PeeweeException) as error:
            log.warning("metrics are refused to %s while the setting cannot be read: %s", caller[:60], error)
            return False
