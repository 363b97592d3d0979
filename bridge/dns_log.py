"""Requests to DNS providers in the module log, under the addon's name: those that matter later, and all while debugging.

What changed something and what failed is written down always, as for Proxmox (see `proxmox_log`).
"""

from collections.abc import Callable

from bridge.proxmox_log import News, Now
from providers.dns import DnsCall
from statemachines.ports import Journal


class DnsLog:
    """Writes requests to the journal. Implements `providers.dns.DnsObserver`."""

    def __init__(self, journal: Journal, debugging: Callable[[], bool], now: Now) -> None:
        self._journal = journal
        self._debugging = debugging
        self._is_news = News(now)

    def __call__(self, call: DnsCall) -> None:
        """Write the request down if it is one of those that are."""
        if self._matters(call) or self._debugging():
            said = str(call.error) if call.error else f"HTTP {call.status}\n{call.answer()}".rstrip()
            self._journal.record(f"{call.method} {call.where}{call.path}", call.request, said)

    def _matters(self, call: DnsCall) -> bool:
        """Whether it may have changed something, or failed in a way that was not told a moment ago."""
        if not call.looks:
            return True
        return call.failed and self._is_news(f"{call.where}{call.path}", str(call.error or call.status))
