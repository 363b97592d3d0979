"""What the RRD tells of a time without counters."""

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.statistics.gaps import HIGHEST, estimate, is_worth_a_look
from providers.proxmox.history import Rates

BEGIN = 1_800_000_000


def minutes(first: int, rates: Sequence[float | None]) -> list[Rates]:
    return [Rates(first + 60 * number, 60, rate, rate) for number, rate in enumerate(rates)]


def test_only_samples_that_lie_in_the_gap_as_a_whole_count() -> None:
    samples = minutes(BEGIN, [1, 2, 4, 8, 16])
    found = estimate(lambda frame: samples, (BEGIN + 1.0, BEGIN + 239.9))
    assert [(stretch.begin, stretch.end, stretch.netin) for stretch in found] == [
        (BEGIN + 60, BEGIN + 120, 120),
        (BEGIN + 120, BEGIN + 180, 240),
    ]


def test_a_sample_that_is_not_known_counts_nothing() -> None:
    assert estimate(lambda frame: minutes(BEGIN, [None, None]), (float(BEGIN), BEGIN + 120.0)) == []


def test_a_spike_is_cut_at_what_no_card_can_move() -> None:
    [stretch] = estimate(lambda frame: minutes(BEGIN, [1e18]), (float(BEGIN), BEGIN + 60.0))
    assert stretch.netin == 60 * HIGHEST


def test_coarser_samples_are_asked_only_for_what_the_finer_ones_do_not_reach() -> None:
    asked: list[str] = []
    fine, coarse = minutes(BEGIN + 3600, [1] * 70), [Rates(BEGIN + 1800 * n, 1800, 10, 10) for n in range(4)]

    def look(frame: str) -> list[Rates]:
        asked.append(frame)
        return {"hour": fine, "day": coarse}[frame]

    found = estimate(look, (float(BEGIN), BEGIN + 3720.0))
    assert asked == ["hour", "day"]
    assert [(stretch.begin - BEGIN, stretch.netin) for stretch in found] == [
        (3600, 60),
        (3660, 60),
        (0, 18_000),
        (1800, 18_000),
    ]


def test_a_gap_shorter_than_a_sample_is_not_worth_a_look() -> None:
    assert not is_worth_a_look(None)
    assert not is_worth_a_look((float(BEGIN), BEGIN + 59.0))
    assert is_worth_a_look((float(BEGIN), BEGIN + 60.0))


@settings(deadline=None)
@given(st.data(), st.floats(0, 3600), st.floats(0, 7200))
def test_no_time_is_counted_twice_and_none_outside_of_the_gap(data: st.DataObject, begin: float, length: float) -> None:
    gap = (BEGIN + begin, BEGIN + begin + length)
    frames = {"hour": 60, "day": 1800, "week": 10_800, "month": 43_200, "year": 604_800}
    first = {name: data.draw(st.integers(-70, 0)) * step for name, step in frames.items()}

    def look(frame: str) -> list[Rates]:
        return [Rates(BEGIN + 3600 + first[frame] + n * frames[frame], frames[frame], 1, 1) for n in range(70)]

    found = sorted(estimate(look, gap), key=lambda stretch: stretch.begin)
    assert all(gap[0] <= stretch.begin and stretch.end <= gap[1] for stretch in found)
    assert all(before.end <= after.begin for before, after in pairwise(found))
