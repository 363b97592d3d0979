"""Calls to Proxmox in the module log: all of them while WHMCS's Module Log is switched on, else those that matter later.

The old module left its log empty while it was switched off. What was changed, and what failed, is written down always:
by the time that somebody asks, it is too late to switch the log on. Calls that only look are most of them, several for each
VM and second, so they are logged for debugging only.
"""

from collections.abc import Callable

from peewee import PeeweeException

from bridge.database import DatabaseUnavailable
from bridge.models.whmcs import Configuration
from providers.proxmox import ApiCall
from statemachines.ports import Journal

DEBUG_MODE = "ModuleDebugMode"  # in tblconfiguration; what "Enable Debug Logging" on WHMCS's page switches
LOOK = 5.0  # seconds that the answer is believed
REPEATED = 600.0  # seconds within which the same failure of a look is told once: a dead node fails every look
MOST_REMEMBERED = 1000

Now = Callable[[], float]


class DebugSwitch:
    """Whether WHMCS's Module Log is switched on. Asked at every call, so the database is not."""

    def __init__(self, now: Now) -> None:
        self._now = now
        self._looked_at = -LOOK
        self._on = False

    def __call__(self) -> bool:
        """The switch as it was at most some seconds ago; off while the database cannot tell."""
        if self._now() - self._looked_at >= LOOK:
            self._looked_at = self._now()
            try:
                row = Configuration.select(Configuration.value).where(Configuration.setting == DEBUG_MODE).first()
            except (DatabaseUnavailable, PeeweeException):
                row = None
            self._on = bool(row and row.value and row.value != "0")
        return self._on


class News:
    """Whether a failure was not told in the same words a moment ago. `now` gives seconds."""

    def __init__(self, now: Now) -> None:
        self._now = now
        self._told: dict[tuple[str, str], float] = {}

    def __call__(self, place: str, failure: str) -> bool:
        """Ask once for each failure: it counts as told from then on."""
        now = self._now()
        if now - self._told.get((place, failure), -REPEATED) < REPEATED:
            return False
        if len(self._told) >= MOST_REMEMBERED:
            self._told.clear()
        self._told[place, failure] = now
        return True


class ProxmoxLog:
    """Writes calls to the journal. Implements `providers.proxmox.Observer`."""

    def __init__(self, journal: Journal, debugging: Callable[[], bool], now: Now) -> None:
        self._journal = journal
        self._debugging = debugging
        self._is_news = News(now)

    def __call__(self, call: ApiCall) -> None:
        """Write the call down if it is one of those that are."""
        if self._matters(call) or self._debugging():
            request = {name: value for name, value in call.params.items() if value is not None}
            response = str(call.error) if call.error else call.answer
            self._journal.record(f"{call.method} {call.path}", request, response)

    def _matters(self, call: ApiCall) -> bool:
        """Whether it changed something or failed. That something is not there is an answer, and changes nothing."""
        if call.error is not None and call.error.kind == "not_found":
            return False
        return call.changes or (call.error is not None and self._is_news(call.path, str(call.error)))
