"""What Proxmox remembers of a VM's traffic: averages in its RRD files."""

from dataclasses import dataclass
from itertools import pairwise

from providers.proxmox.samples import Sample, Samples


@dataclass(frozen=True)
class Rates:
    """One sample: bytes a second, the average of `seconds` from `time` (epoch seconds) on; None = not known."""

    time: int
    seconds: int
    netin: float | None
    netout: float | None


class History(Samples):
    """Traffic of the past."""

    def traffic(self, node: str, vmid: int, frame: str) -> list[Rates]:
        """The rates of a timeframe (one of `samples.TIMEFRAMES`), the oldest first; asked on the VM's node.

        `time` is the beginning of a sample (PVE::RRD takes the start that RRDs::fetch gives), which lasts until the next one. A
        sample in which a counter fell has no rates, nor has one that is not over yet in the longer timeframes. The file
        belongs to the VMID: what lies before the VM's beginning is of another VM. Raises what the API raises.
        """
        found = self.samples(node, vmid, frame)
        lengths = [after.time - before.time for before, after in pairwise(found)]
        return [_rates(sample, seconds) for sample, seconds in zip(found, [*lengths, *lengths[-1:]], strict=False)]


def _rates(sample: Sample, seconds: int) -> Rates:
    netin, netout = (rate if rate is not None and rate >= 0.0 else None for rate in (sample.netin, sample.netout))
    return Rates(sample.time, seconds, netin, netout)
