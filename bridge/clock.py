"""The wall clock of the installation."""

import time
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo


class SystemClock:
    """Real time; stamps in `timezone` (an IANA name), by default that of the machine."""

    def __init__(self, timezone: str | None = None) -> None:
        self._zone: tzinfo | None = ZoneInfo(timezone) if timezone else None

    def now(self) -> float:
        """Epoch seconds."""
        return time.time()

    def stamp(self, epoch: float) -> str:
        """Local time as `YYYY-MM-DD HH:MM:SS`."""
        return self.local(epoch).strftime("%Y-%m-%d %H:%M:%S")

    def epoch(self, local: datetime) -> float:
        """Epoch seconds of a local date and time without zone; of a repeated hour the first one, unless `fold` says otherwise."""
        return local.replace(tzinfo=self._zone).timestamp()

    def local(self, epoch: float) -> datetime:
        """Local date and time."""
        return datetime.fromtimestamp(epoch, UTC).astimezone(self._zone)
