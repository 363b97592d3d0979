"""Counters and RRD files of the stand-in cluster."""

import pytest

from bridge.sandbox.proxmox.traffic import Traffic

NOW = 1_800_000_000.0


def test_counters_grow_while_a_process_runs_and_begin_anew_with_the_next() -> None:
    traffic = Traffic()
    first = traffic.begin(100, NOW)
    traffic.set_rates(100, 10, 5, NOW + 50)
    traffic.send(100, 1000, 0, NOW + 60)
    assert first.counters(NOW + 100) == (50 * 110 + 50 * 10 + 1000, 50 * 90 + 50 * 5)
    second = traffic.begin(100, NOW + 200)
    assert second.counters(NOW + 200) == (0, 0)
    assert second.counters(NOW + 300) == (1000, 500)
    assert first.counters(NOW + 900) == first.counters(NOW + 200)
    assert traffic.between(100, 0, NOW + 300)[1] == 50 * 90 + 150 * 5 + 500


def test_a_burst_at_the_very_start_of_a_process_is_counted() -> None:
    traffic = Traffic()
    flow = traffic.begin(100, NOW)
    traffic.send(100, 7, 8, NOW)
    assert flow.counters(NOW) == (7, 8)


def test_nothing_goes_through_a_vm_that_does_not_run() -> None:
    traffic = Traffic()
    traffic.send(100, 7, 8, NOW)
    traffic.begin(100, NOW)
    traffic.end(100, NOW + 60)
    traffic.send(100, 7, 8, NOW + 70)
    assert traffic.between(100, NOW + 60, NOW + 1000) == (0, 0)


def test_the_rrd_has_averages_and_does_not_know_the_update_in_which_a_counter_fell() -> None:
    traffic = Traffic()
    traffic.begin(100, NOW)
    traffic.set_rates(100, 600, 60, NOW)
    traffic.end(100, NOW + 90)
    start = int(NOW)
    assert traffic.average(100, start + 10, start + 60) == (600, 60)
    # Known are 30 of the 60 s until the end, and 20 s of nothing after it.
    assert traffic.average(100, start + 60, start + 120) == pytest.approx((600 * 30 / 50, 60 * 30 / 50))
    assert traffic.average(100, start + 120, start + 180) == (0, 0)
    assert traffic.average(100, start + 90, start + 100) is None


def test_the_rrd_of_a_vm_outlives_it() -> None:
    traffic = Traffic()
    traffic.begin(100, NOW)
    traffic.end(100, NOW + 600)
    assert traffic.since(100, NOW + 5000) == NOW
    assert traffic.since(101, NOW + 5000) == NOW + 5000
    assert traffic.average(100, int(NOW) + 60, int(NOW) + 120) == (110, 90)
