"""Traffic of a time that no counter tells of: what the RRD averages say, and never more than that."""

from collections.abc import Callable, Sequence

from bridge.statistics.counting import Stretch
from providers.proxmox.history import FRAMES, Rates

SHORTEST = 60.0  # seconds of the finest sample; a shorter gap cannot be told
HIGHEST = (
    12.5e9  # bytes a second: 100 Gbit/s, more than any card of a VM moves; a sample above it is a spike of a bad update
)

Look = Callable[[str], Sequence[Rates]]


def is_worth_a_look(gap: tuple[float, float] | None) -> bool:
    """Whether a whole sample can lie in the gap."""
    return gap is not None and gap[1] - gap[0] >= SHORTEST


def estimate(look: Look, gap: tuple[float, float]) -> list[Stretch]:
    """The samples that lie in the gap as a whole: one at its edge has traffic in it that is counted elsewhere.

    `look` gives the samples of a timeframe. The finest one is asked first, coarser ones only for what it does not reach.
    """
    begin, end = gap
    found: list[Stretch] = []
    for frame in FRAMES:
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
