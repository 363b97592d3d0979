"""The load of a VM over time, from Proxmox's round robin database (RRD)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from providers.errors import NotFound
from providers.proxmox.calls import Calls

TIMEFRAMES = ("hour", "day", "week", "month", "year")


@dataclass(frozen=True)
class Sample:
    """The average load from `time` (epoch seconds) on, until the next sample; None = not measured, as of a VM that is down.

    `cpu` as a share (1 = all cores), memory in bytes, traffic in bytes per second.
    """

    time: int
    cpu: float | None = None
    mem: float | None = None
    maxmem: float | None = None
    diskread: float | None = None
    diskwrite: float | None = None
    netin: float | None = None
    netout: float | None = None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """Read one row; columns that a version of Proxmox lacks, or has besides these, do not matter."""
        return cls(int(row["time"]), **{name: _number(row.get(name)) for name in _COLUMNS})


_COLUMNS = ("cpu", "mem", "maxmem", "diskread", "diskwrite", "netin", "netout")


class Samples(Calls):
    """Reads samples."""

    def samples(self, node: str, vmid: int, timeframe: str) -> list[Sample]:
        """The averages of the last hour, day, week, month or year (one of TIMEFRAMES), the oldest first; each time once.

        Empty for a VM so new that nothing was measured yet. What an earlier VM with the same VMID has left is among them.
        Proxmox VE 9 puts samples of its former database, which are farther apart, before those of the new one.
        """
        try:
            rows = self._api.get(
                f"read the load of VM {vmid}", f"{self._vm(node, vmid)}/rrddata", timeframe=timeframe, cf="AVERAGE"
            )
        except NotFound:
            return []
        merged: dict[int, dict[str, Any]] = {}
        for row in rows:
            known = {name: value for name, value in row.items() if value is not None}
            merged.setdefault(int(row["time"]), {}).update(known)
        return [Sample.of(merged[time]) for time in sorted(merged)]


def _number(value: Any) -> float | None:
    """A measured value; Proxmox leaves out or sends null, and some versions NaN as text, for what was not measured."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
