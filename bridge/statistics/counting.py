"""From two looks at a VM's counters to the bytes in between.

Proxmox counts for each QEMU process from 0 (tap devices of the host; pitfall 51): the counters begin anew with a start, and on
the target of a live migration. Which process a look belongs to is told by node and uptime, and by counters that fell.
Nothing is counted twice, whatever was restarted: what cannot be told from counters is left open as a gap, for the RRD.
"""

from dataclasses import dataclass

SLACK = 60.0  # seconds that a start, reckoned back from an uptime, may be off: the cluster's list lags some ten behind
LAG = 30.0  # seconds between the reckoned start of a process and the end of what belongs to the one before
DAY = 86_400.0


@dataclass(frozen=True)
class Reading:
    """A running process as it was seen at `at` (epoch seconds): uptime in seconds, bytes in and out since it began."""

    at: float
    node: str
    uptime: int
    netin: int
    netout: int

    @property
    def began(self) -> float:
        """When the process began, by our clock."""
        return self.at - self.uptime


@dataclass(frozen=True)
class Known:
    """What is known at `at`: the process that was seen last, and from when on nothing is counted yet."""

    at: float
    open_since: float
    process: Reading | None = None


@dataclass(frozen=True)
class Stretch:
    """Bytes of a time."""

    begin: float
    end: float
    netin: int
    netout: int


@dataclass(frozen=True)
class Count:
    """`known` from now on, the bytes that counters tell, and the time that only the RRD can tell of."""

    known: Known
    counted: Stretch | None = None
    gap: tuple[float, float] | None = None


def count(known: Known, at: float, seen: Reading | None) -> Count:
    """What happened between `known` and `at`, when the VM was seen running, or stopped (None)."""
    last = known.process
    if seen is None:
        return _stopped(known, at)
    after = Known(at, at, seen)
    if last is None or _is_another(last, seen):
        whole = Stretch(max(seen.began, known.open_since), at, seen.netin, seen.netout)
        return Count(after, whole, (known.open_since, seen.began - LAG))
    if seen.netin < last.netin or seen.netout < last.netout:
        # A network card was replaced while the process went on: what the others count cannot be told from it.
        return Count(after, None, (known.open_since, at))
    return Count(after, Stretch(last.at, at, seen.netin - last.netin, seen.netout - last.netout))


def begin(at: float, seen: Reading | None, owned_since: float, month_start: float) -> Count:
    """The first look at a VM that has had its VMID since `owned_since` for this service; 0 = not known.

    A VM that was made less than a day ago is counted from its making on. Of another one counts the process that runs, when it
    began in this month, or less than a day ago, and all of it under this service; else counting begins now: what an older
    process has counted may be billed already, or be of another month, or of another service.
    """
    after = Known(at, at, seen)
    if not owned_since or (seen is not None and seen.began < owned_since - SLACK):
        return Count(after)
    if 0.0 <= at - owned_since <= DAY:
        return count(Known(owned_since, owned_since), at, seen)
    if seen is None:
        return Count(after)
    if seen.began < month_start and at - seen.began > DAY:
        return Count(after)
    return Count(after, Stretch(seen.began, at, seen.netin, seen.netout))


def _stopped(known: Known, at: float) -> Count:
    """A stop is a gap since the last look. A VM that stays stopped is looked after once a day: it may have run in between."""
    was_running = known.process is not None and known.process.at >= known.at
    if was_running or at - known.open_since >= DAY:
        return Count(Known(at, at, known.process), None, (known.open_since, at))
    return Count(Known(at, min(known.open_since, at), known.process))


def _is_another(last: Reading, seen: Reading) -> bool:
    """Whether `seen` is another process than `last`.

    A clock that was set makes every process look moved. So a later start alone proves nothing: it has to lie after the last
    look, when the other process still ran. Nor does another node's name: the list may still show the figures of the old one.
    """
    moved = seen.began - last.began
    if seen.uptime < last.uptime:
        return True
    if seen.node != last.node:
        return abs(moved) > SLACK
    return moved > SLACK and seen.began > last.at - SLACK
