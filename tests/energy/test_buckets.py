"""Rows by the site's clock, on days of 23, 24, 24.5 and 25 hours."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchman.energy.buckets import SIZES, buckets
from watchman.localtime import iso_local, local_day

ZONES = ("Europe/Berlin", "America/Los_Angeles", "Australia/Lord_Howe", "Asia/Kathmandu")


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("America/Los_Angeles", date(2026, 11, 1), 25),
        ("Asia/Kathmandu", date(2026, 11, 1), 24),
    ],
)
def test_a_day_has_as_many_hours_as_it_has(zone, day, hours) -> None:
    zone = ZoneInfo(zone)
    assert len(list(buckets("hour", *local_day(day, zone), zone))) == hours


def test_the_hour_that_comes_twice_makes_two_rows() -> None:
    zone = ZoneInfo("Europe/Berlin")
    rows = [iso_local(start, zone) for start, _ in buckets("hour", *local_day(date(2026, 10, 25), zone), zone)]

    assert rows[2:4] == ["2026-10-25T02:00:00+02:00", "2026-10-25T02:00:00+01:00"]


def test_where_clocks_jump_by_half_an_hour_an_hour_is_cut() -> None:
    zone = ZoneInfo("Australia/Lord_Howe")
    rows = list(buckets("hour", *local_day(date(2026, 4, 5), zone), zone))

    assert sorted({end - start for start, end in rows}) == [1800, 3600]
    assert sum(end - start for start, end in rows) == 24.5 * 3600


def test_months_and_years_are_those_of_the_calendar() -> None:
    zone = ZoneInfo("America/Los_Angeles")
    start, end = local_day(date(2025, 12, 31), zone)[0], local_day(date(2026, 2, 1), zone)[1]

    assert [iso_local(first, zone)[:10] for first, _ in buckets("month", start, end, zone)] == [
        "2025-12-01",
        "2026-01-01",
        "2026-02-01",
    ]
    assert [iso_local(first, zone)[:10] for first, _ in buckets("year", start, end, zone)] == [
        "2025-01-01",
        "2026-01-01",
    ]


@given(
    st.sampled_from(ZONES),
    st.sampled_from(SIZES),
    st.datetimes(datetime(2025, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001 - given below
    st.integers(1, 200_000),
)
def test_rows_follow_each_other_and_hold_what_was_asked_for(zone, by, start, seconds) -> None:
    first, last = start.timestamp(), start.timestamp() + seconds
    found = list(buckets(by, first, last, ZoneInfo(zone)))

    assert found[0][0] <= first < found[0][1]
    assert found[-1][0] < last <= found[-1][1]
    assert all(end == following for (_, end), (following, _) in pairwise(found))
