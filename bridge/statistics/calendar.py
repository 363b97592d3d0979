"""Hours and months of the installation's time zone, and how the bytes of a stretch fall into them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bridge.clock import SystemClock
from bridge.statistics.counting import DAY, Stretch

HOUR = 3600.0
Hours = Mapping[datetime, tuple[int, int]]
"""Local full hour, without zone -> bytes in and out."""


@dataclass
class Calendar:
    """Local time. Remembers how a stretch is cut: those of one collection are mostly the same."""

    clock: SystemClock
    _cuts: dict[tuple[float, float], list[tuple[datetime, float]]] = field(default_factory=dict)

    def hour(self, epoch: float) -> datetime:
        """The local full hour of a moment. In autumn two moments an hour apart have the same."""
        return self.clock.local(epoch).replace(tzinfo=None, minute=0, second=0, microsecond=0)

    def month(self, epoch: float) -> tuple[datetime, datetime]:
        """The first local moment of a moment's month, and that of the next month."""
        first = self.hour(epoch).replace(day=1, hour=0)
        return first, (first + timedelta(days=32)).replace(day=1)

    def epoch(self, local: datetime) -> float:
        """Epoch seconds of a local moment."""
        return self.clock.epoch(local)

    def spread(self, stretch: Stretch) -> Hours:
        """The bytes of a stretch by hour, evenly over its time and none lost; of one longer than a day by day, at its first
        hour. So a stretch over the end of a month is parted there.
        """
        shares: dict[datetime, tuple[int, int]] = {}
        done_in = done_out = 0
        for hour, share in self._cut(stretch.begin, stretch.end):
            until_in, until_out = _part(stretch.netin, share), _part(stretch.netout, share)
            before = shares.get(hour, (0, 0))
            shares[hour] = (before[0] + until_in - done_in, before[1] + until_out - done_out)
            done_in, done_out = until_in, until_out
        return shares

    def _cut(self, begin: float, end: float) -> list[tuple[datetime, float]]:
        """Each hour (day) of the time and the share of it that is over at its end; the last share is 1."""
        known = self._cuts.get((begin, end))
        if known is None:
            known = self._cuts[(begin, end)] = self._made(begin, end)
        return known

    def _made(self, begin: float, end: float) -> list[tuple[datetime, float]]:
        """Of a time that does not go forward (a clock was set) everything is at its end."""
        if end <= begin:
            return [(self.hour(end), 1.0)]
        daily = end - begin > DAY
        cuts: list[tuple[datetime, float]] = []
        moment = begin
        while moment < end:
            hour, following = self.hour(moment), min(self._next_hour(moment), end)
            if daily and cuts and cuts[-1][0].date() == hour.date():
                hour = cuts.pop()[0]
            cuts.append((hour, (following - begin) / (end - begin)))
            moment = following
        return cuts

    def _next_hour(self, epoch: float) -> float:
        local = self.clock.local(epoch)
        return epoch - (local.minute * 60 + local.second + local.microsecond / 1e6) + HOUR


def _part(whole: int, share: float) -> int:
    """A share of bytes, exact for all of them."""
    return whole if share >= 1.0 else min(whole, int(whole * share))
