"""How bytes fall into hours and months of the installation's time zone."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.clock import SystemClock
from bridge.statistics.calendar import Calendar
from bridge.statistics.counting import Stretch

WARSAW = "Europe/Warsaw"


def epoch(text: str) -> float:
    """Of a moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def spread(zone: str, begin: str, end: str, netin: int, netout: int = 0) -> dict[str, tuple[int, int]]:
    hours = Calendar(SystemClock(zone)).spread(Stretch(epoch(begin), epoch(end), netin, netout))
    return {f"{hour:%m-%d %H}": traffic for hour, traffic in hours.items()}


def test_a_stretch_is_parted_at_each_full_hour() -> None:
    assert spread("UTC", "2026-04-10 09:45", "2026-04-10 11:15", 600, 6) == {
        "04-10 09": (100, 1),
        "04-10 10": (400, 4),
        "04-10 11": (100, 1),
    }


@pytest.mark.req("MET-12")
def test_a_stretch_over_the_end_of_a_month_is_parted_there_in_local_time() -> None:
    """Midnight in Warsaw is 22:00 UTC in summer."""
    assert spread(WARSAW, "2026-04-30 21:30", "2026-04-30 22:30", 1000) == {"04-30 23": (500, 0), "05-01 00": (500, 0)}


@pytest.mark.req("MET-12")
def test_the_repeated_hour_of_autumn_adds_up() -> None:
    """00:30 and 01:30 UTC are both 02:30 in Warsaw on 2026-10-25."""
    assert spread(WARSAW, "2026-10-25 00:30", "2026-10-25 02:30", 1200) == {"10-25 02": (900, 0), "10-25 03": (300, 0)}


def test_the_hour_that_spring_leaves_out_has_no_row() -> None:
    assert spread(WARSAW, "2026-03-29 00:00", "2026-03-29 02:00", 200) == {"03-29 01": (100, 0), "03-29 03": (100, 0)}


def test_more_than_a_day_is_parted_by_days_and_months() -> None:
    parts = spread("UTC", "2026-04-29 12:00", "2026-05-02 00:00", 6000)
    assert parts == {"04-29 12": (1200, 0), "04-30 00": (2400, 0), "05-01 00": (2400, 0)}


def test_time_that_went_back_is_all_at_its_end() -> None:
    assert spread("UTC", "2026-05-01 00:30", "2026-04-30 23:50", 1000) == {"04-30 23": (1000, 0)}


@settings(deadline=None)
@given(
    begin=st.integers(1_770_000_000, 1_800_000_000),
    seconds=st.integers(0, 40 * 86_400),
    netin=st.integers(0, 2**60),
    netout=st.integers(0, 2**60),
    zone=st.sampled_from(["UTC", WARSAW, "Australia/Lord_Howe", "America/New_York", "Asia/Kathmandu"]),
)
def test_no_byte_is_lost_or_made(begin: int, seconds: int, netin: int, netout: int, zone: str) -> None:
    calendar = Calendar(SystemClock(zone))
    hours = calendar.spread(Stretch(float(begin), float(begin + seconds), netin, netout))
    assert sum(part for part, _ in hours.values()) == netin
    assert sum(part for _, part in hours.values()) == netout
    assert all(part >= 0 for traffic in hours.values() for part in traffic)
    first, last = calendar.hour(begin), calendar.hour(begin + seconds)
    assert all(first - timedelta(hours=1) <= hour <= last + timedelta(hours=1) for hour in hours)


@pytest.mark.parametrize("zone", [WARSAW, "Australia/Lord_Howe", "UTC"])
def test_a_month_begins_at_its_local_midnight(zone: str) -> None:
    calendar = Calendar(SystemClock(zone))
    first, following = calendar.month(epoch("2026-10-25 12:00"))
    assert (first, following) == (datetime(2026, 10, 1), datetime(2026, 11, 1))
    for local in (first, following):
        assert calendar.clock.stamp(calendar.epoch(local)) == f"{local:%Y-%m-%d} 00:00:00"
        assert calendar.hour(calendar.epoch(local) - 1).month == (local - timedelta(days=1)).month
