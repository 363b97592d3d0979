"""Which bytes lie between two looks at a VM's counters."""

import pytest

from bridge.statistics.counting import DAY, LAG, Known, Reading, Stretch, begin, count

NOW = 1_800_000_000.0
HOUR = 3600.0


def seen(at: float, uptime: int, netin: int, netout: int = 0, node: str = "pve1") -> Reading:
    return Reading(at, node, uptime, netin, netout)


LAST = seen(NOW, 7200, 1000, 500)
KNOWN = Known(NOW, NOW, LAST)
STOPPED = Known(NOW, NOW - 600, seen(NOW - HOUR, 7200, 1000, 500))
LATER = NOW + HOUR


def test_a_process_that_goes_on_is_the_difference() -> None:
    counted = count(KNOWN, LATER, seen(LATER, 10_800, 1700, 600))
    assert counted.counted == Stretch(NOW, LATER, 700, 100)
    assert counted.gap is None
    assert counted.known == Known(LATER, LATER, seen(LATER, 10_800, 1700, 600))


@pytest.mark.req("MET-09")
@pytest.mark.parametrize("netin", [300, 5000])
def test_a_new_process_counts_from_0_whether_its_counters_are_lower_or_higher(netin: int) -> None:
    counted = count(KNOWN, LATER, seen(LATER, 1800, netin))
    assert counted.counted == Stretch(LATER - 1800, LATER, netin, 0)
    assert counted.gap == (NOW, LATER - 1800 - LAG)


@pytest.mark.req("MET-09")
def test_a_young_process_restarted_long_ago_is_told_by_when_it_began() -> None:
    """Its uptime and its counters are beyond those of the one before."""
    known = Known(NOW, NOW, seen(NOW, 300, 1000, 500))
    counted = count(known, NOW + 10 * HOUR, seen(NOW + 10 * HOUR, int(9 * HOUR), 9000, 9000))
    assert counted.counted == Stretch(NOW + HOUR, NOW + 10 * HOUR, 9000, 9000)


@pytest.mark.req("MET-09")
def test_on_the_target_of_a_live_migration_it_counts_from_0() -> None:
    counted = count(KNOWN, LATER, seen(LATER, 1200, 4000, 700, node="pve2"))
    assert counted.counted == Stretch(LATER - 1200, LATER, 4000, 700)


@pytest.mark.req("MET-09")
def test_figures_of_the_old_node_under_the_new_one_s_name_are_not_another_process() -> None:
    """Just after a migration the list may name the target and still show what the source has counted."""
    counted = count(KNOWN, LATER, seen(LATER, 10_790, 1700, 600, node="pve2"))
    assert counted.counted == Stretch(NOW, LATER, 700, 100)


def test_a_network_card_that_was_replaced_leaves_the_time_to_the_rrd() -> None:
    """With two cards the sum falls by what the replaced one had; the rest of it is counted already."""
    counted = count(KNOWN, LATER, seen(LATER, 10_800, 900, 600))
    assert (counted.counted, counted.gap) == (None, (NOW, LATER))


def test_a_stop_leaves_a_gap_and_a_vm_that_stays_stopped_is_looked_after_once_a_day() -> None:
    stopped = count(KNOWN, LATER, None)
    assert (stopped.counted, stopped.gap, stopped.known.open_since) == (None, (NOW, LATER), LATER)
    still = count(stopped.known, LATER + HOUR, None)
    assert (still.counted, still.gap, still.known.open_since) == (None, None, LATER)
    a_day_on = count(still.known, LATER + DAY, None)
    assert a_day_on.gap == (LATER, LATER + DAY)
    assert a_day_on.known.open_since == LATER + DAY


def test_a_start_after_a_stop_counts_from_0_and_leaves_the_time_before_to_the_rrd() -> None:
    counted = count(STOPPED, LATER, seen(LATER, 1200, 4000, 700))
    assert counted.counted == Stretch(LATER - 1200, LATER, 4000, 700)
    assert counted.gap == (STOPPED.open_since, LATER - 1200 - LAG)


def test_a_process_that_was_shown_as_stopped_by_mistake_is_the_difference() -> None:
    counted = count(STOPPED, LATER, seen(LATER, 7200 + 7200, 1900, 500))
    assert counted.counted is not None
    assert (counted.counted.netin, counted.counted.netout) == (900, 0)


@pytest.mark.req("MET-16")
@pytest.mark.parametrize("off", [-10 * HOUR, -300.0, 300.0, 1.9 * HOUR])
def test_a_clock_that_was_set_is_no_restart(off: float) -> None:
    at = LATER + off
    counted = count(KNOWN, at, seen(at, 10_800, 1700, 600))
    assert counted.counted is not None
    assert (counted.counted.netin, counted.counted.netout, counted.gap) == (700, 100, None)


@pytest.mark.req("MET-16")
@pytest.mark.parametrize("off", [-10 * HOUR, 300.0])
def test_a_restart_is_told_although_the_clock_was_set(off: float) -> None:
    at = LATER + off
    counted = count(KNOWN, at, seen(at, 1800, 5000))
    assert counted.counted is not None
    assert counted.counted.netin == 5000


MONTH = NOW - 10 * DAY


def test_a_vm_made_today_is_counted_from_its_making_on() -> None:
    counted = begin(NOW, seen(NOW, 1200, 4000), NOW - HOUR, MONTH)
    assert counted.counted == Stretch(NOW - 1200, NOW, 4000, 0)
    assert counted.gap == (NOW - HOUR, NOW - 1200 - LAG)


def test_a_vm_made_today_that_is_stopped_stays_open_from_its_making_on() -> None:
    counted = begin(NOW, None, NOW - HOUR, MONTH)
    assert (counted.counted, counted.gap, counted.known) == (None, None, Known(NOW, NOW - HOUR))


@pytest.mark.req("MET-11")
@pytest.mark.parametrize(
    ("uptime", "owned_since", "month_start"),
    [
        (int(2 * HOUR), NOW - HOUR, MONTH),  # began before the VMID was this service's
        (int(40 * DAY), NOW - 20 * DAY, MONTH),  # the same, long ago
        (int(11 * DAY), NOW - 30 * DAY, MONTH),  # began in another month
        (int(2 * HOUR), 0.0, MONTH),  # made by the old module, which may have counted it
    ],
)
def test_of_an_older_process_nothing_is_counted(uptime: int, owned_since: float, month_start: float) -> None:
    process = seen(NOW, uptime, 10**12)
    counted = begin(NOW, process, owned_since, month_start)
    assert (counted.counted, counted.gap, counted.known) == (None, None, Known(NOW, NOW, process))


@pytest.mark.parametrize(
    ("uptime", "month_start"), [(int(9 * DAY), MONTH), (int(5 * HOUR), NOW - HOUR)], ids=["this month", "last night"]
)
def test_of_a_vm_of_ours_that_was_never_looked_at_the_process_of_this_month_counts(
    uptime: int, month_start: float
) -> None:
    counted = begin(NOW, seen(NOW, uptime, 4000), NOW - 30 * DAY, month_start)
    assert counted.counted == Stretch(NOW - uptime, NOW, 4000, 0)
    assert counted.gap is None
