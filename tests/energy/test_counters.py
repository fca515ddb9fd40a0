"""Counters beside powers: which is believed where, resets, replaced meters, holes."""

from __future__ import annotations

import pytest

from watchman.energy.counters import CounterOf, compared, runs
from watchman.energy.curve import Curve, measure, measure_all, slots_of
from watchman.energy.slots import Flow, Provenance, Role, Slot, roll_up
from watchman.series import Series

START = 1_800_000_000
HOURS = 6
END = START + HOURS * 3600
STAMPS = range(START - 1800, END + 1801, 15)
HOLE = (START + 3600, START + 3 * 3600)
"""Two hours of the six."""


def readings(per_hour: float, *, step: float = 1.0, stamps=STAMPS, first: float = 5000.0, **labels: str) -> Series:
    """A counter that grows evenly and shows whole steps."""
    shown = [(first + per_hour * (ts - STAMPS[0]) / 3600) // step * step for ts in stamps]
    return Series(labels, list(map(float, stamps)), shown)


def power(watts: float, *, hole: tuple[int, int] | None = None) -> list[Series]:
    stamps = [float(ts) for ts in STAMPS if hole is None or not hole[0] < ts < hole[1]]
    return [Series({}, stamps, [watts] * len(stamps))]


def outside(hole: tuple[int, int]) -> list[int]:
    return [ts for ts in STAMPS if not hole[0] < ts < hole[1]]


def curve(role: Role, samples: list[Series], counters: dict[Flow, list[Series]], unit: float = 1.0) -> Curve:
    of = {flow: CounterOf(series, unit) for flow, series in counters.items()}
    return measure_all({role: samples}, START, END, counters=of, margin_s=1800)


def totals(made: Curve) -> dict[str, Slot]:
    return roll_up(slots_of(made, "home", None))


def sun(samples: list[Series], series: list[Series], unit: float = 1.0) -> Slot:
    return totals(curve(Role.PRODUCTION, samples, {Flow.PRODUCTION: series}, unit))["production"]


def test_where_both_tell_the_same_the_counter_gives_the_amount() -> None:
    """The gauge shows 3 % too much."""
    row = sun(power(1030), [readings(1000)])

    assert row.wh == pytest.approx(1000 * HOURS, rel=0.001)
    assert (row.measured_s, row.provenance) == (HOURS * 3600, Provenance.COUNTER)


@pytest.mark.parametrize("unit", [pytest.param(1 / 3600, id="J"), pytest.param(1000.0, id="kWh")])
def test_units_are_those_of_the_config(unit) -> None:
    assert sun(power(1000), [readings(1000 / unit, step=0.01 / unit)], unit).wh == pytest.approx(6000, rel=0.001)


def test_a_hole_is_filled_with_the_growth_and_called_estimated() -> None:
    row = sun(power(1000, hole=HOLE), [readings(1000, stamps=outside(HOLE))])

    assert row.wh == pytest.approx(1000 * HOURS, rel=0.002)
    assert row.estimated_s == pytest.approx(7200, abs=120)
    assert row.covered_s == HOURS * 3600


def test_a_counter_that_was_read_while_the_power_was_missing_has_measured() -> None:
    row = sun(power(1000, hole=HOLE), [readings(1000)])

    assert row.wh == pytest.approx(1000 * HOURS, rel=0.002)
    assert row.measured_s == pytest.approx(HOURS * 3600, abs=120)


def test_a_counter_that_stands_still_while_the_power_is_missing_proves_nothing() -> None:
    stands = readings(1000)
    at = stands.values[stands.times.index(float(HOLE[0]))]
    values = [
        value if ts <= HOLE[0] else at if ts < HOLE[1] else value - 2000
        for ts, value in zip(stands.times, stands.values, strict=True)
    ]

    row = sun(power(1000, hole=HOLE), [Series({}, stands.times, values)])

    assert row.wh == pytest.approx(1000 * (HOURS - 2), rel=0.01)
    assert row.covered_s == pytest.approx((HOURS - 2) * 3600, abs=120)


def test_a_counter_of_something_else_is_not_believed() -> None:
    row = sun(power(1000), [readings(300)])

    assert (row.wh, row.counter_s) == (pytest.approx(6000), 0)


@pytest.mark.parametrize("per_hour", [pytest.param(20_000, id="twenty times"), pytest.param(100, id="a tenth")])
def test_a_counter_of_something_else_fills_no_hole(per_hour) -> None:
    row = sun(power(1000, hole=HOLE), [readings(per_hour, stamps=outside(HOLE))])

    assert (row.wh, row.counter_s) == (pytest.approx(1000 * (HOURS - 2), rel=0.01), 0)


@pytest.mark.parametrize(
    ("watts", "per_hour", "unit", "step", "differ"),
    [
        pytest.param(1000, 1000, 1.0, 1.0, False, id="the same"),
        pytest.param(1000, 1200, 1.0, 1.0, False, id="a fifth more"),
        pytest.param(1000, 1400, 1.0, 1.0, True, id="more than meters differ"),
        pytest.param(1000, 700, 1.0, 1.0, True, id="less than meters differ"),
        pytest.param(300, 0.3, 1000.0, 1.0, False, id="whole kWh"),
        pytest.param(100, 0, 1000.0, 1.0, False, id="whole kWh, no step yet"),
        pytest.param(10, 0, 1.0, 1.0, False, id="too little to tell"),
        pytest.param(1000, 1, 1.0, 0.01, True, id="kWh read as Wh"),
    ],
)
def test_whether_counter_and_power_can_be_the_same_energy(watts, per_hour, unit, step, differ) -> None:
    bins = measure(Role.PRODUCTION, power(watts), START, END)

    found = compared(bins, bins.above_wh, CounterOf([readings(per_hour, step=step)], unit))

    assert found.flown_wh == pytest.approx(watts * HOURS)
    assert found.differ is differ


def test_a_hole_of_the_grid_is_filled_only_if_both_directions_are_counted() -> None:
    samples = power(-800, hole=HOLE)
    bought, sold = readings(800, stamps=outside(HOLE)), readings(0, stamps=outside(HOLE))

    one = totals(curve(Role.GRID_FEED_IN, samples, {Flow.GRID_IMPORT: [bought]}))
    both = totals(curve(Role.GRID_FEED_IN, samples, {Flow.GRID_IMPORT: [bought], Flow.GRID_EXPORT: [sold]}))

    assert one["grid_import"].covered_s == pytest.approx(4 * 3600, abs=120)
    assert both["grid_import"].wh == pytest.approx(800 * HOURS, rel=0.003)
    assert (both["grid_export"].wh, both["grid_export"].covered_s) == (0, HOURS * 3600)


def test_a_meter_without_any_power_series_is_enough() -> None:
    row = sun([], [readings(1000)])

    assert row.wh == pytest.approx(1000 * HOURS, rel=0.003)
    assert (row.covered_s, row.provenance) == (HOURS * 3600, Provenance.COUNTER)


def test_two_meters_are_added_up() -> None:
    row = sun([], [readings(1000, instance="a"), readings(500, instance="b")])

    assert row.wh == pytest.approx(1500 * HOURS, rel=0.003)


@pytest.mark.parametrize(
    ("values", "grown"),
    [
        pytest.param([10, 11, 12, 13], [3], id="grows"),
        pytest.param([10, 11, 1, 2], [3], id="begins anew: what it shows then is new"),
        pytest.param([10, 11, 10.9, 11.5], [1.5], id="a small dip is rounding"),
        pytest.param([10, 11, 90_000, 90_001], [1, 1], id="a replaced meter that shows more: the step is not counted"),
        pytest.param([90_000, 90_001, 5000, 5001], [1, 1], id="a replaced meter that shows less"),
        pytest.param([10, 1010, 1010, 2010], [2000], id="whole kWh, each from one scrape to the next"),
        pytest.param([10, float("nan"), 11, 12], [2], id="no number is left out"),
    ],
)
def test_resets_and_replaced_meters(values, grown) -> None:
    times = [float(START + 15 * n) for n in range(len(values))]

    found = runs(CounterOf([Series({}, times, values)], 1.0))

    assert [run.wh[-1] - run.wh[0] for run in found] == pytest.approx(grown)


def test_a_replaced_meter_costs_no_energy_where_the_power_was_measured() -> None:
    half = len(STAMPS) // 2
    old, new = readings(1000, stamps=STAMPS[:half], id="1"), readings(1000, stamps=STAMPS[half:], first=90_000, id="2")

    assert sun(power(1000), [old, new]).wh == pytest.approx(6000, rel=0.002)
