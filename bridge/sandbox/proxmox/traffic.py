"""What goes through the network cards of VMs: the counters of each QEMU process, and what the RRD files make of them.

A counter belongs to a process: it begins at 0 with each, and is gone with it. The RRD belongs to the VMID: it outlives the
process, and even the VM. It holds rates; where a counter fell between two updates the rate is unknown
(RRDtool: data source type DERIVE with minimum 0, as pmxcfs declares netin and netout).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf, nextafter

RATES = (110.0, 90.0)  # bytes a second, in and out, of a VM that nobody has given others
UPDATE = 10  # seconds between two updates of the RRD (pvestatd)

Bytes = tuple[float, float]


@dataclass
class Flow:
    """The traffic of one QEMU process: `rates` hold from their time on, `bursts` came at once."""

    began: float
    rates: list[tuple[float, Bytes]]
    ended: float | None = None
    bursts: list[tuple[float, Bytes]] = field(default_factory=list)

    def between(self, begin: float, end: float) -> Bytes:
        """Bytes in and out of that time, a burst at its very end not among them."""
        begin, end = max(begin, self.began), end if self.ended is None else min(end, self.ended)
        netin = sum(there for time, (there, _) in self.bursts if begin <= time < end)
        netout = sum(back for time, (_, back) in self.bursts if begin <= time < end)
        for number, (since, (rate_in, rate_out)) in enumerate(self.rates):
            until = self.rates[number + 1][0] if number + 1 < len(self.rates) else end
            seconds = max(0.0, min(until, end) - max(since, begin))
            netin, netout = netin + rate_in * seconds, netout + rate_out * seconds
        return netin, netout

    def counters(self, now: float) -> tuple[int, int]:
        """What the cards' counters show."""
        netin, netout = self.between(self.began, nextafter(now, inf))
        return int(netin), int(netout)


class Traffic:
    """All flows of a cluster by VMID; those of VMs that are gone stay, as their RRD files do."""

    def __init__(self) -> None:
        self._flows: dict[int, list[Flow]] = {}
        self._rates: dict[int, Bytes] = {}

    def begin(self, vmid: int, now: float) -> Flow:
        """A process starts, here or on the target of a live migration: its counters are at 0."""
        self.end(vmid, now)
        flow = Flow(now, [(now, self._rates.get(vmid, RATES))])
        self._flows.setdefault(vmid, []).append(flow)
        return flow

    def end(self, vmid: int, now: float) -> None:
        """The process of the VM ends. Harmless when there is none."""
        flow = self._latest(vmid)
        if flow is not None and flow.ended is None:
            flow.ended = now

    def set_rates(self, vmid: int, netin: float, netout: float, now: float) -> None:
        """Bytes a second from now on, also of processes to come."""
        self._rates[vmid] = (netin, netout)
        flow = self._latest(vmid)
        if flow is not None and flow.ended is None:
            flow.rates.append((now, (netin, netout)))

    def send(self, vmid: int, netin: float, netout: float, now: float) -> None:
        """Traffic at once. Nothing goes through a VM that does not run."""
        flow = self._latest(vmid)
        if flow is not None and flow.ended is None:
            flow.bursts.append((now, (netin, netout)))

    def between(self, vmid: int, begin: float, end: float) -> Bytes:
        """What truly went through the cards in that time, whatever any counter shows."""
        parts = [flow.between(begin, end) for flow in self._flows.get(vmid, [])]
        return sum(netin for netin, _ in parts), sum(netout for _, netout in parts)

    def since(self, vmid: int, created: float) -> float:
        """From when on there is an RRD of that VMID; a VM made at `created` may have had a forerunner."""
        return min([created, *(flow.began for flow in self._flows.get(vmid, []))])

    def flowed(self, vmid: int, begin: float, end: float) -> bool:
        """Whether a VM of that VMID ran at any moment of that time."""
        return any(
            flow.began < end and (flow.ended is None or flow.ended > begin) for flow in self._flows.get(vmid, [])
        )

    def average(self, vmid: int, begin: int, end: int) -> Bytes | None:
        """The rates that the RRD has for that time: the average of what is known; None = more than half of it is not."""
        unknown = sorted(set(self._unknown(vmid, begin, end)))
        known = (end - begin) - UPDATE * len(unknown)
        if 2 * known < end - begin or known <= 0:
            return None
        netin, netout = self.between(vmid, begin, end)
        for moment in unknown:
            lost = self.between(vmid, moment, moment + UPDATE)
            netin, netout = netin - lost[0], netout - lost[1]
        return max(0.0, netin) / known, max(0.0, netout) / known

    def _unknown(self, vmid: int, begin: int, end: int) -> Iterator[int]:
        """The beginnings of the updates at which a counter had fallen."""
        for flow in self._flows.get(vmid, []):
            for moment in (flow.began, flow.ended):
                if moment is not None and begin <= moment < end:
                    yield int(moment) // UPDATE * UPDATE

    def _latest(self, vmid: int) -> Flow | None:
        return next(iter(self._flows.get(vmid, [])[-1:]), None)
