"""The battery's own figures: round trip with what is still stored, and how much it holds."""

from __future__ import annotations

import pytest

from watchman.energy.slots import Flow, Slot
from watchman.energy.storage import storage

T0 = 1_800_000_000
QUARTERS_OF_A_WEEK = 7 * 96


def battery(quarters: list[tuple[float, float, float, float]], *, skip: tuple[int, ...] = ()) -> list[Slot]:
    """Rows of (charge Wh, discharge Wh, first percent, last percent) per quarter; `skip` were not measured."""
    rows = []
    for n, (charge, discharge, first, last) in enumerate(quarters):
        at, seconds = T0 + 900 * n, 0.0 if n in skip else 900.0
        rows.append(Slot("home", at, Flow.BATTERY_CHARGE, charge, seconds, 0.0))
        rows.append(Slot("home", at, Flow.BATTERY_DISCHARGE, discharge, seconds, 0.0))
        ends = sorted([(first, at + 1.0), (last, at + 899.0)])
        rows.append(
            Slot(
                "home", at, Flow.STATE_OF_CHARGE, (first + last) / 8, seconds, 0.0,
                peak=ends[1][0], peak_at=ends[1][1], low=ends[0][0], low_at=ends[0][1],
            )
        )  # fmt: skip
    return rows


def day(efficiency: float = 0.81, rest_percent: float = 0.0) -> list[tuple[float, float, float, float]]:
    """A day of a battery of 10 kWh: 32 quarters of 250 Wh in, idle, 32 quarters out; `rest_percent` stays inside."""
    full = 80.0
    up = [(250.0, 0.0, full * n / 32, full * (n + 1) / 32) for n in range(32)]
    fall = full - rest_percent
    out = 8000 * efficiency * fall / full / 32
    down = [(0.0, out, full - fall * n / 32, full - fall * (n + 1) / 32) for n in range(32)]
    return [*up, *[(0.0, 0.0, full, full)] * 32, *down]


def test_the_round_trip_of_a_week_is_discharge_over_charge() -> None:
    assert storage(battery(day() * 7)).round_trip(10_000) == pytest.approx(0.81)


def test_what_is_still_stored_counts() -> None:
    rows = battery([*day() * 6, *day(rest_percent=80)])
    found = storage(rows)

    assert found.grown_percent == pytest.approx(80)
    assert found.round_trip(10_000) == pytest.approx((6 * 6480 + 8000) / 56_000)


def test_one_day_is_too_short_for_a_round_trip() -> None:
    assert storage(battery(day() * 6)).round_trip(10_000) is None


def test_a_hole_does_not_spoil_the_round_trip() -> None:
    hole = tuple(range(96 * 3 + 10, 96 * 3 + 50))
    rows = battery(day() * 8, skip=hole)

    # The charge that the hole hides is neither counted as energy nor as growth.
    assert storage(rows).round_trip(6480 / 0.8) == pytest.approx(0.81, abs=0.01)


def test_an_answer_above_1_is_no_answer() -> None:
    assert storage(battery(day(1.2) * 7)).round_trip(10_000) is None


def test_a_battery_that_hardly_moved_has_no_round_trip() -> None:
    idle = [(0.1, 0.08, 50.0, 50.0)] * QUARTERS_OF_A_WEEK
    assert storage(battery(idle)).round_trip(10_000) is None
    some = [(10.0, 8.0, 50.0, 50.0)] * QUARTERS_OF_A_WEEK
    assert storage(battery(some)).round_trip(10_000) == pytest.approx(0.8)
    assert storage(battery(some)).round_trip(100_000) is None


def test_a_long_discharge_tells_the_capacity() -> None:
    assert storage(battery(day())).usable_capacity_wh == pytest.approx(8100)


def test_short_discharges_tell_nothing() -> None:
    assert storage(battery(day(rest_percent=41))).usable_capacity_wh is None
    assert storage(battery(day(rest_percent=40))).usable_capacity_wh == pytest.approx(8100)


def test_a_discharge_that_was_not_measured_all_through_is_two() -> None:
    assert storage(battery(day(rest_percent=10), skip=(80,))).usable_capacity_wh is None


def test_the_order_of_rows_does_not_matter() -> None:
    rows = battery(day() * 7)
    assert storage(rows[::-1]) == storage(rows)


def test_a_home_without_a_battery_has_none_of_it() -> None:
    nothing = storage([])
    assert (nothing.round_trip(None), nothing.usable_capacity_wh) == (None, None)
