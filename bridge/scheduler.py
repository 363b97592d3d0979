"""The scheduler role: works all the time, takes up a new order within a second, and keeps house beside it.

The rhythm is a table on the `schedule` library; the pipelines themselves run on the worker's threads.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

import schedule

from bridge.claims import Claims
from bridge.console import Emit
from bridge.cron import Cron
from bridge.database import DatabaseUnavailable
from bridge.observation.pulse import Pulse

log = logging.getLogger(__name__)

LOOK = 0.25  # seconds between two looks for due VMs while idle


@dataclass(frozen=True)
class Chore:
    """Something that is done every so many seconds, beside the pipelines."""

    name: str
    seconds: int
    do: Callable[[], object]


class Scheduler:
    """Runs until `stop` is called; a second call of `run` after that is not meant to be."""

    def __init__(self, cron: Cron, claims: Claims, chores: list[Chore], emit: Emit, pulse: Pulse | None = None) -> None:
        self._cron = cron
        self._claims = claims
        self._chores = chores
        self._emit = emit
        self._pulse = pulse or Pulse()
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Take nothing new; what waits is let go, what is in the middle of a call finishes it."""
        self._stopping.set()

    def run(self) -> None:
        """Work until stopped. A database that is away is waited for."""
        self._pulse.beat()
        house = [threading.Thread(target=self._keep_house, args=(chore,), name=chore.name) for chore in self._chores]
        for thread in house:
            thread.start()
        try:
            while not self._stopping.is_set():
                self._look()
                self._stopping.wait(LOOK)
        finally:
            self._stopping.set()
            for thread in house:
                thread.join()

    def _look(self) -> None:
        self._pulse.beat()
        try:
            if self._claims.any_due():
                self._cron.flow(self._emit, self._accepting)
        except DatabaseUnavailable as error:
            log.warning("waiting for the database: %s", error)
            self._stopping.wait(2.0)

    def _accepting(self) -> bool:
        """Whether new work is taken; asked at every round of the work, so it is a sign of life, too."""
        self._pulse.beat()
        return not self._stopping.is_set()

    def _keep_house(self, chore: Chore) -> None:
        """A chore at its pace; when it fails it is tried again at its next turn.

        Each has a thread of its own: no mail waits for a DNS provider that does not answer.
        """
        rhythm = schedule.Scheduler()
        rhythm.every(chore.seconds).seconds.do(self._do, chore)
        rhythm.run_all()
        while not self._stopping.wait(0.2):
            rhythm.run_pending()

    def _do(self, chore: Chore) -> None:
        try:
            chore.do()
        except DatabaseUnavailable as error:
            log.warning("%s: %s", chore.name, error)
        except Exception:
            log.exception("%s failed", chore.name)
