"""Time for a whole installation in one process: it moves only when a test moves it, or when somebody has to wait."""

from datetime import UTC, datetime


class VirtualClock:
    """Fits every clock interface of the house and of both sandboxes."""

    def __init__(self, now: float = 1_775_784_000.0) -> None:
        self.time = now

    def now(self) -> float:
        """Epoch seconds."""
        return self.time

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.time += max(0.0, seconds)

    def epoch(self, local: datetime) -> float:
        """Epoch seconds of a time in UTC."""
        return local.replace(tzinfo=UTC).timestamp()

    def local(self, epoch: float) -> datetime:
        """UTC, to be independent of the machine."""
        return datetime.fromtimestamp(epoch, UTC)

    def stamp(self, epoch: float) -> str:
        """UTC as `YYYY-MM-DD HH:MM:SS`."""
        return self.local(epoch).strftime("%Y-%m-%d %H:%M:%S")
