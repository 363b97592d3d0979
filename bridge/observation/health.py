"""Whether the installation can do its work at this moment, and what is missing if it cannot."""

import logging
from dataclasses import dataclass

import peewee

from bridge.database import Database, DatabaseUnavailable
from bridge.migrations import pending
from bridge.settings import Settings
from bridge.tasks import PROCESS
from statemachines.ports import Clock

log = logging.getLogger(__name__)

SCHEDULER_SILENT = 60.0  # seconds without a sign of life; one comes every 10
TICKS_MISSED = 3  # of the interval, where a crontab does the work instead


@dataclass(frozen=True)
class Health:
    """Looks when asked. The lines name no host, no account and no table: whoever can reach the port may read them."""

    database: Database
    settings: Settings
    clock: Clock

    def missing(self) -> dict[str, str]:
        """What is missing, by subject (`database`, `schema`, `worker`); empty when the installation is ready."""
        try:
            if pending(self.database):
                return {"schema": "not up to date: kvm-bridge migrate"}
            worker = self._worker()
        except (DatabaseUnavailable, peewee.PeeweeException) as error:
            log.warning("not ready: %s", error)
            return {"database": "cannot be used; the log has the cause"}
        return {"worker": worker} if worker else {}

    @property
    def works(self) -> bool:
        """Whether somebody works on VMs: a scheduler, or ticks that come regularly. Raises what the database raises."""
        now, seen, tick = self.clock.now(), self.settings.scheduler_seen(), self.settings.cron_last_run(PROCESS.name)
        patience = TICKS_MISSED * 60.0 * max(1, self.settings.cron_interval(PROCESS.name))
        return bool(seen and now - seen < SCHEDULER_SILENT) or bool(tick and now - tick < patience)

    def _worker(self) -> str:
        return "" if self.works else "no scheduler has shown a sign of life for a minute, and no tick has come"
