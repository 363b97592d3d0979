"""What Proxmox remembers of a VM's traffic: averages in its RRD files."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from providers.proxmox.calls import Calls

FRAMES = ("hour", "day", "week", "month", "year")
"""Timeframes of `rrddata`, the finest first: 70 samples of 1 min, 30 min, 3 h, 12 h, 7 days (recorded on 8.4); PVE 9 has more."""


@dataclass(frozen=True)
class Rates:
    """One sample: bytes a second, the average of `seconds` from `time` (epoch seconds) on; None = not known."""

    time: int
    seconds: int
    netin: float | None
    netout: float | None


class History(Calls):
    """Samples of the past."""

    def traffic(self, node: str, vmid: int, frame: str) -> list[Rates]:
        """The samples of a timeframe (one of FRAMES), the oldest first; asked on the VM's node.

        `time` is the beginning of a sample (PVE::RRD takes the start that RRDs::fetch gives). A sample in which a counter
        fell has no rates, nor has one that is not over yet in the longer timeframes. The file belongs to the VMID: what lies
        before the VM's beginning is of another VM. Raises what the API raises; a VM that never ran has no file (500).
        """
        rows = self._api.get(
            f"read the traffic of VM {vmid} on node {node}",
            f"{self._vm(node, vmid)}/rrddata",
            timeframe=frame,
            cf="AVERAGE",
        )
        times = [int(row["time"]) for row in rows]
        seconds = min((after - before for before, after in pairwise(times)), default=0)
        if seconds <= 0:
            return []
        return [
            Rates(time, seconds, _rate(row, "netin"), _rate(row, "netout"))
            for time, row in zip(times, rows, strict=True)
        ]


def _rate(row: Mapping[str, Any], key: str) -> float | None:
    """A rate that is one: not missing, not below 0, not NaN."""
    try:
        rate = float(row[key])
    except (KeyError, TypeError, ValueError):
        return None
    return rate if 0.0 <= rate < float("inf") else None
