"""What is usual: medians of good days, which a fault cannot change however long it lasts."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from watchman.energy.ledger import Usual, days, mean_of_days, usual
from watchman.energy.slots import Flow, Role, Slot
from watchman.localtime import local_day

ZONE = ZoneInfo("Europe/Berlin")
FIRST = date(2026, 7, 1)


def day_rows(
    day: date, kwh: float, *, peak_w: float | None = None, covered: float = 1.0, night_w: float = 200
) -> list[Slot]:
    """A day with its production between 08 and 16, and a house that uses `night_w` until 05 and 600 W after."""
    start, end = local_day(day, ZONE)
    peak = kwh * 200 if peak_w is None else peak_w
    rows = []
    for at in range(int(start), int(end), 900):
        hour = (at - start) / 3600
        sun = kwh * 1000 / 32 if 8 <= hour < 16 else 0.0
        load = (night_w if hour < 5 else 600) / 4
        seconds = 900.0 * covered
        rows.append(Slot("home", at, Flow.PRODUCTION, sun, seconds, 0.0, peak if hour == 12 else 0.0, at))
        rows.append(Slot("home", at, Flow.CONSUMPTION, load * covered, seconds, 0.0))
    return rows


def history(*kwh: float) -> list[Slot]:
    return [row for n, one in enumerate(kwh) for row in day_rows(FIRST + timedelta(days=n), one)]


def test_usual_is_the_median_of_good_days() -> None:
    assert usual(history(20, 30, 10, 25, 28), ZONE) == Usual(5000, 25_000, 200, good_days=5, full_nights=5)


def test_a_young_ledger_knows_nothing_usual() -> None:
    assert usual(history(20, 30), ZONE) == Usual(None, None, None, good_days=2, full_nights=2)
    assert usual([], ZONE) == Usual(None, None, None)


def test_a_fault_of_two_months_does_not_heal_itself() -> None:
    rows = history(*[40, 45, 50] * 4, *[0.05] * 60)

    assert usual(rows, ZONE).day_production_wh == pytest.approx(45_000)
    assert usual(rows, ZONE).peak_production_w == pytest.approx(9000)


def test_days_with_a_known_fault_are_left_out() -> None:
    rows = history(40, 40, 40, 20, 20, 20, 20)
    faulty = [FIRST + timedelta(days=n) for n in range(3, 7)]

    assert usual(rows, ZONE, exclude=faulty).day_production_wh == 40_000


def test_an_incomplete_day_is_no_measure() -> None:
    rows = history(40, 40, 40) + [r for n in range(3, 9) for r in day_rows(FIRST + timedelta(days=n), 10, covered=0.5)]

    assert usual(rows, ZONE).day_production_wh == 40_000


def test_a_dull_winter_day_is_not_dead() -> None:
    assert usual(history(20, 20, 20, 2, 2, 2, 2), ZONE).day_production_wh == 2_000


def test_only_the_last_thirty_good_days_count() -> None:
    assert usual(history(*[40] * 31, *[20] * 30), ZONE).day_production_wh == 20_000


def test_the_usual_night_is_local() -> None:
    autumn = [date(2026, 10, 24), date(2026, 10, 25), date(2026, 10, 26)]
    rows = [row for day in autumn for row in day_rows(day, 20, night_w=250)]

    assert usual(rows, ZONE).night_load_w == 250


def test_days_are_local_and_know_their_length() -> None:
    table = days(day_rows(date(2026, 10, 25), 20), ZONE)

    row = table.loc[(date(2026, 10, 25), Flow.PRODUCTION)]
    assert (len(table), row["wh"], row["share"], row["peak"]) == (2, 20_000, 1.0, 4000)


def test_the_mean_is_of_the_complete_days_before() -> None:
    rows = (
        history(10, 20, 30)
        + day_rows(FIRST + timedelta(days=3), 99, covered=0.5)
        + day_rows(FIRST + timedelta(days=4), 70)
    )

    mean = mean_of_days(rows, FIRST + timedelta(days=4), 7, ZONE, [Role.PRODUCTION, Role.CONSUMPTION])

    assert mean is not None
    assert (mean.days, mean.energy_wh[Flow.PRODUCTION]) == (3, pytest.approx(20_000))


def test_without_a_complete_day_there_is_no_mean() -> None:
    assert mean_of_days([], FIRST, 7, ZONE, [Role.PRODUCTION]) is None
