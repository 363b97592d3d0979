"""The week of scheduled backups: its stored form, its form on the page, and which day is due."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.lifecycle.week import BadWeek, Week, WhyNot, due, why_not

WARSAW = ZoneInfo("Europe/Warsaw")
DOCUMENTED = '{"0": "07:00", "1": "03:00", "2": "03:00"}'

times = st.builds(time, st.integers(0, 23), st.integers(0, 59))
weeks = st.builds(Week, st.dictionaries(st.integers(0, 6), times))

READ = [
    pytest.param(DOCUMENTED, {0: time(7), 1: time(3), 2: time(3)}, marks=pytest.mark.req("BAK-02")),
    pytest.param(None, {}, marks=pytest.mark.req("BAK-29")),
    pytest.param("", {}, marks=pytest.mark.req("BAK-29")),
    pytest.param('["07:00", "03:00"]', {0: time(7), 1: time(3)}),
    pytest.param(json.dumps(["01:00"] * 7), {day: time(1) for day in range(7)}),
    pytest.param("[]", {}),
    pytest.param('{"0": "", "1": null, "2": false, "3": "07:30"}', {3: time(7, 30)}),
    pytest.param('{"6": "7:05", "5": "23:59:30"}', {6: time(7, 5), 5: time(23, 59)}),
    pytest.param('{"7": "07:00", "-1": "07:00", "Sunday": "07:00"}', {}),
    pytest.param('{"0": "24:00", "1": "12:60", "2": "noon", "3": "٠٧:٠٠", "4": {"time": "07:00"}}', {}),
    pytest.param('{"0": "07:00"', {}),
    pytest.param("17", {}),
    pytest.param("[" * 100_000, {}),
    pytest.param("1" * 5000, {}),
]


@pytest.mark.parametrize(("text", "expected"), READ)
def test_a_stored_week_is_read_with_tolerance(text: str | None, expected: dict[int, time]) -> None:
    assert Week.read(text) == Week(expected)


@given(st.text())
def test_no_stored_text_is_an_error(text: str) -> None:
    assert set(Week.read(text).times) <= set(range(7))


@pytest.mark.req("BAK-02")
def test_the_documented_form_is_written() -> None:
    assert json.loads(Week({2: time(3), 0: time(7)}).as_json()) == {"0": "07:00", "2": "03:00"}
    assert Week().as_json() == "{}"


@given(weeks)
def test_what_is_written_is_read_again(week: Week) -> None:
    assert Week.read(week.as_json()) == week


@pytest.mark.req("BAK-03")
def test_a_form_gives_days_and_times() -> None:
    assert Week.typed({"0": "07:00", "3": " 4:05 "}, random.Random(1)) == Week({0: time(7), 3: time(4, 5)})
    assert Week.typed({}, random.Random(1)) == Week()


@pytest.mark.req("BAK-03")
def test_an_enabled_day_without_a_time_gets_a_random_one() -> None:
    drawn = [Week.typed({"1": "", "2": "  ", "3": "03:00"}, random.Random(seed)) for seed in range(200)]
    assert all(set(week.times) == {1, 2, 3} and week.times[3] == time(3) for week in drawn)
    assert len({week.times[1] for week in drawn}) > 100
    assert {week.times[1].hour for week in drawn} == set(range(24))


TYPED_WRONG = [
    ({"7": "07:00"}, "days are numbers from 0 (Sunday) to 6 (Saturday)"),
    ({"": ""}, "days are numbers from 0 (Sunday) to 6 (Saturday)"),
    ({"٣": ""}, "days are numbers from 0 (Sunday) to 6 (Saturday)"),
    ({"0": "25:00"}, "the time of Sunday is not of the form HH:MM"),
    ({"6": "soon"}, "the time of Saturday is not of the form HH:MM"),
]


@pytest.mark.req("BAK-03")
@pytest.mark.parametrize(("days", "sentence"), TYPED_WRONG)
def test_what_is_no_week_is_refused_with_one_line(days: dict[str, str], sentence: str) -> None:
    with pytest.raises(BadWeek) as refused:
        Week.typed(days, random.Random(1))
    assert str(refused.value) == sentence


SUNDAY, MONDAY = date(2026, 4, 12), date(2026, 4, 13)
WEEK = Week({0: time(7), 2: time(23, 30)})  # Sunday 07:00, Tuesday 23:30

DUE = [
    pytest.param("2026-04-12 06:59:59", None, None, WhyNot.NOT_YET, marks=pytest.mark.req("BAK-24")),
    pytest.param("2026-04-12 07:00:00", None, SUNDAY, None, marks=pytest.mark.req("BAK-23", "BAK-24")),
    pytest.param("2026-04-12 23:59:59", None, SUNDAY, None, marks=pytest.mark.req("BAK-24")),
    pytest.param("2026-04-12 12:00:00", SUNDAY, None, WhyNot.DONE, marks=pytest.mark.req("BAK-25", "BAK-28")),
    pytest.param("2026-04-12 12:00:00", date(2026, 4, 5), SUNDAY, None, marks=pytest.mark.req("BAK-28")),
    pytest.param("2026-04-13 00:10:00", None, None, WhyNot.NOT_TODAY, marks=pytest.mark.req("BAK-23")),
    pytest.param("2026-04-13 12:00:00", None, None, WhyNot.NOT_TODAY, marks=pytest.mark.req("BAK-23")),
    pytest.param("2026-04-15 00:59:59", date(2026, 4, 12), date(2026, 4, 14), None),
    pytest.param("2026-04-15 01:00:00", date(2026, 4, 12), None, WhyNot.NOT_TODAY),
    pytest.param("2026-04-15 00:30:00", date(2026, 4, 14), None, WhyNot.NOT_TODAY),
]


@pytest.mark.parametrize(("now", "done", "expected", "reason"), DUE)
def test_which_day_is_due(now: str, done: date | None, expected: date | None, reason: WhyNot | None) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=WARSAW)
    assert due(WEEK, moment, done) == expected
    assert why_not(WEEK, moment, done) == reason


def test_yesterday_comes_before_today() -> None:
    week = Week({0: time(23, 30), 1: time(0, 5)})
    moment = datetime(2026, 4, 13, 0, 10, tzinfo=WARSAW)
    assert due(week, moment, None) == SUNDAY
    assert due(week, moment, SUNDAY) == MONDAY
    assert due(week, moment, MONDAY) is None


def test_a_clock_that_was_wrong_once_does_not_stop_the_backups() -> None:
    assert due(WEEK, datetime(2026, 4, 12, 8, 0, tzinfo=WARSAW), date(2036, 1, 1)) == SUNDAY


@pytest.mark.req("BAK-24")
def test_a_time_that_the_clock_leaves_out_is_due_right_after() -> None:
    week = Week({0: time(2, 30)})
    gap = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)  # 02:00 becomes 03:00 in Warsaw
    assert due(week, (gap - timedelta(seconds=1)).astimezone(WARSAW), None) is None
    assert due(week, gap.astimezone(WARSAW), None) == date(2026, 3, 29)


@pytest.mark.req("BAK-28")
def test_a_time_that_the_clock_shows_twice_is_due_once() -> None:
    week = Week({0: time(2, 30)})
    first, second = (datetime(2026, 10, 25, hour, 30, tzinfo=UTC).astimezone(WARSAW) for hour in (0, 1))
    assert first.time() == second.time() == time(2, 30)
    assert due(week, first, None) == first.date()
    assert due(week, second, first.date()) is None


ZONES = (
    "Europe/Warsaw",
    "America/New_York",
    "America/Nuuk",  # its summer begins at 23:00: the rest of the day is left out
    "America/Asuncion",  # its summer began at midnight
    "America/Havana",  # it shows the hour after midnight twice
    "Africa/Cairo",
    "Australia/Lord_Howe",  # half an hour
    "Asia/Kathmandu",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
    "UTC",
)


def ticks(start: datetime, minutes: list[int], zone: ZoneInfo) -> Iterator[datetime]:
    """Three weeks of ticks, with the pauses given, over and over."""
    moment, turn = start, 0
    while moment < start + timedelta(days=21):
        yield moment.astimezone(zone)
        moment += timedelta(minutes=minutes[turn % len(minutes)])
        turn += 1


@pytest.mark.req("BAK-28")
@given(
    week=weeks,
    zone=st.sampled_from(ZONES),
    start=st.datetimes(datetime(2020, 1, 1), datetime(2027, 1, 1)),
    pauses=st.lists(st.integers(1, 59), min_size=1, max_size=20),
)
@example(Week({6: time(22, 45)}), "America/Nuuk", datetime(2025, 3, 20), [59, 1])
@example(Week({6: time(23, 59)}), "America/Asuncion", datetime(2023, 9, 20), [58, 59])
@example(Week({6: time(23, 30)}), "America/Nuuk", datetime(2025, 3, 20), [59])
@example(Week({5: time(0, 30)}), "Africa/Cairo", datetime(2024, 4, 18), [50])
def test_each_planned_day_is_done_once_whatever_the_clocks_do(
    week: Week, zone: str, start: datetime, pauses: list[int]
) -> None:
    done: list[date] = []
    seen: list[date] = []
    for now in ticks(start.replace(tzinfo=UTC), pauses, ZoneInfo(zone)):
        seen.append(now.date())
        day = due(week, now, done[-1] if done else None)
        if day:
            done.append(day)
            assert due(week, now, day) != day
            assert day == now.date() or now.time() < time(2)
            assert now.date() > day or now.time() >= week.times[day.isoweekday() % 7]
    whole = set(seen) - {seen[0], seen[-1]}
    planned = sorted(day for day in whole if week.at(day))
    assert done == sorted(set(done)), "a date was done twice, or out of order"
    assert set(planned) <= set(done) <= set(seen) | {seen[0] - timedelta(days=1)}
