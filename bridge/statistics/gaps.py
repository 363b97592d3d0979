"""Traffic of a time that no counter tells of: what the RRD averages say, and never more than that."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from bridge.statistics.counting import Stretch
from providers.proxmox import Proxmox
from providers.proxmox.history import Rates
from providers.proxmox.inventory import Guest
from providers.proxmox.samples import TIMEFRAMES
from statemachines.errors import Kind, kind_of

log = logging.getLogger(__name__)

SHORTEST = 60.0  # seconds of the finest sample; a shorter gap cannot be told
HIGHEST = (
    12.5e9  # bytes a second: 100 Gbit/s, more than any card of a VM moves; a sample above it is a spike of a bad update
)

PATIENCE = 3  # gaps of a node that cannot be read before it is asked no more

Look = Callable[[str], Sequence[Rates]]


@dataclass
class Looks:
    """The gaps of one run; `left` of them may still be looked up."""

    left: int
    _failed: Counter[str] = field(default_factory=Counter)

    def measure(self, gap: tuple[float, float] | None, guest: Guest, proxmox: Proxmox) -> list[Stretch] | None:
        """The traffic of the VM in its gap; None when it cannot be looked up in this run."""
        if gap is None or not is_worth_a_look(gap):
            return []
        node = f"{proxmox.endpoint.host} {guest.node}"
        if self.left > 0 and self._failed[node] < PATIENCE:
            self.left -= 1
            try:
                return estimate(lambda frame: proxmox.traffic(guest.node, guest.vmid, frame), gap)
            except Exception as error:
                if kind_of(error) is Kind.BUG:
                    raise
                self._failed[node] += 1
                log.warning("VM %s: what it sent before it was restarted is not known: %s", guest.vmid, error)
        return None


def is_worth_a_look(gap: tuple[float, float] | None) -> bool:
    """Whether a whole sample can lie in the gap."""
    return gap is not None and gap[1] - gap[0] >= SHORTEST


def estimate(look: Look, gap: tuple[float, float]) -> list[Stretch]:
    """The samples that lie in the gap as a whole: one at its edge has traffic in it that is counted elsewhere.

    `look` gives the samples of a timeframe. The finest one is asked first, coarser ones only for what it does not reach.
    """
    begin, end = gap
    found: list[Stretch] = []
    for frame in TIMEFRAMES:
        samples = look(frame)
        found += [
            _stretch(sample) for sample in samples if begin <= sample.time and sample.time + sample.seconds <= end
        ]
        if samples:
            end = min(end, float(samples[0].time))
        if end - begin < SHORTEST:
            break
    return [stretch for stretch in found if stretch.netin or stretch.netout]


def _stretch(sample: Rates) -> Stretch:
    seconds = sample.seconds
    netin, netout = (int(min(rate or 0.0, HIGHEST) * seconds) for rate in (sample.netin, sample.netout))
    return Stretch(float(sample.time), float(sample.time + seconds), netin, netout)
