"""The chart's time axis on the days the clocks change, and the picture's size."""

from __future__ import annotations

import io
from datetime import date, datetime
from random import Random
from zoneinfo import ZoneInfo

import pytest
from PIL import Image

from watchman.energy.curve import Curve, measure
from watchman.energy.slots import Role
from watchman.localtime import local_day
from watchman.report.chart import day_chart, hour_ticks
from watchman.report.day import DayReport, build_day
from watchman.report.site import Incident, Site
from watchman.series import Series

FOURS = ["0", "4", "8", "12", "16", "20", "24"]


def report(zone: str, day: date, incidents: int = 0) -> DayReport:
    start, end = local_day(day, ZoneInfo(zone))
    times = [start + n * 60 for n in range(round((end - start) / 60))]
    curve = Curve(
        start, end, {Role.CONSUMPTION: measure(Role.CONSUMPTION, [Series({}, times, [500.0] * len(times))], start, end)}
    )
    alerts = [Incident(f"Alert{n}", {}, start + n * 3600, start + n * 3600 + 60) for n in range(incidents)]
    return build_day(Site("home", zone, (Role.CONSUMPTION,)), day, end + 60, slots=[], curve=curve, incidents=alerts)


@pytest.mark.parametrize(
    ("zone", "day", "labels"),
    [
        pytest.param("Europe/Berlin", date(2026, 6, 1), FOURS, id="24 h"),
        pytest.param("Europe/Berlin", date(2026, 3, 29), FOURS, id="23 h"),
        pytest.param("Europe/Berlin", date(2026, 10, 25), ["0", "2", "2", *FOURS[1:]], id="25 h"),
        pytest.param("America/Los_Angeles", date(2026, 11, 1), ["0", "1", "1", *FOURS[1:]], id="25 h in the west"),
        pytest.param("Australia/Lord_Howe", date(2026, 4, 5), FOURS, id="24.5 h"),
        pytest.param("America/Havana", date(2026, 3, 8), ["1", *FOURS[1:]], id="midnight itself is skipped"),
    ],
)
def test_ticks_are_local_hours_and_the_doubled_one_is_there_twice(zone, day, labels) -> None:
    ticks = hour_ticks(report(zone, day))

    start, end = local_day(day, ZoneInfo(zone))
    assert [label for _, label in ticks] == labels
    assert (ticks[0][0], ticks[-1][0]) == (start, end)
    assert all(label in ("24", str(datetime.fromtimestamp(ts, ZoneInfo(zone)).hour)) for ts, label in ticks), (
        "a tick stands at the hour it names"
    )


def test_a_chart_of_one_role_with_many_alerts_is_a_small_picture() -> None:
    content = day_chart(report("Europe/Berlin", date(2026, 10, 25), incidents=9))

    picture = Image.open(io.BytesIO(content))
    assert (picture.format, picture.size) == ("PNG", (1200, 740))
    assert len(content) < 60_000


def test_a_day_of_noise_is_still_a_small_picture() -> None:
    start, end = local_day(date(2026, 6, 1), ZoneInfo("UTC"))
    random = Random(1)
    times = [start + n * 60 for n in range(1440)]
    columns = {
        role: measure(role, [Series({}, times, [random.uniform(0, 100) for _ in times])], start, end)
        for role in (Role.PRODUCTION, Role.CONSUMPTION, Role.GRID_FEED_IN, Role.BATTERY_DISCHARGE, Role.STATE_OF_CHARGE)
    }
    noisy = build_day(
        Site("home", "UTC", tuple(columns)), date(2026, 6, 1), end, slots=[], curve=Curve(start, end, columns)
    )

    assert len(day_chart(noisy)) < 75_000
