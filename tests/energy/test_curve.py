"""From series to ledger rows: slots of every role, the split of flows, time at the reserve."""

from __future__ import annotations

from collections import defaultdict

import pytest

from watchman.energy.curve import Curve, curve_of, measure, slots_of
from watchman.energy.slots import Flow, Role, Slot, roll_up
from watchman.series import Series

START = 1_800_000_000
HOUR = range(START - 30, START + 3631, 15)


def curve(**watts: object) -> Curve:
    """A curve of one hour; each role is a constant or a function of the second."""
    roles = {}
    for name, what in watts.items():
        of = what if callable(what) else (lambda _s, constant=what: constant)
        values = [float(of(t - START)) for t in HOUR]
        roles[Role(name)] = measure(Role(name), [Series({}, list(HOUR), values)], START, START + 3600)
    return Curve(START, START + 3600, roles)


def wh(rows: list[Slot]) -> dict[str, float]:
    return {flow: round(slot.wh, 6) for flow, slot in roll_up(rows).items()}


def test_an_hour_gives_four_slots_per_flow_and_signs_are_split() -> None:
    rows = slots_of(curve(production=1000, grid_feed_in=lambda s: 400 if s < 1800 else -400), "home", None)

    counts = defaultdict(int)
    for row in rows:
        counts[row.flow] += 1
    assert counts == {
        Flow.PRODUCTION: 4,
        Flow.GRID_EXPORT: 4,
        Flow.GRID_IMPORT: 4,
        Flow.SOLAR_TO_LOAD: 4,
        Flow.SOLAR_TO_GRID: 2,
        Flow.GRID_TO_LOAD: 3,
    }
    assert wh(rows)[Flow.GRID_EXPORT] == pytest.approx(200, abs=2)
    assert wh(rows)[Flow.GRID_IMPORT] == pytest.approx(200, abs=2)
    assert {row.start for row in rows} == {START, START + 900, START + 1800, START + 2700}


def test_a_day_of_sun_battery_and_grid_balances() -> None:
    home = curve(production=3000, consumption=1000, grid_feed_in=500, battery_discharge=-1500, state_of_charge=50)

    energies = wh(slots_of(home, "home", 10))

    assert energies["solar_to_load"] + energies["solar_to_battery"] + energies["solar_to_grid"] == 3000
    assert (energies["solar_to_load"], energies["battery_charge"], energies["grid_import"]) == (1000, 1500, 0)


@pytest.mark.parametrize(
    ("house", "unaccounted"),
    [
        pytest.param(1000, 0, id="it adds up"),
        pytest.param(700, 300, id="a load that nobody measures"),
        pytest.param(1200, -200, id="more is used than came in"),
    ],
)
def test_what_the_balance_leaves_is_told_as_unaccounted(house, unaccounted) -> None:
    home = curve(production=3000, consumption=house, grid_feed_in=500, battery_discharge=-1500)

    assert wh(slots_of(home, "home", 10))["unaccounted"] == pytest.approx(unaccounted)


def test_without_the_house_nothing_is_said_of_the_balance() -> None:
    assert "unaccounted" not in wh(slots_of(curve(production=3000, grid_feed_in=500), "home", 10))


def test_the_extremes_of_an_import_are_the_lowest_of_the_feed_in() -> None:
    rows = slots_of(curve(grid_feed_in=lambda s: -2000 if s == 1500 else -300), "home", None)

    bought, sold = roll_up(rows)[Flow.GRID_IMPORT], roll_up(rows)[Flow.GRID_EXPORT]
    assert (bought.peak, bought.peak_at, bought.low) == (2000, START + 1500, 300)
    assert sold.peak == 0


def test_a_configured_role_without_samples_gets_rows_that_know_nothing() -> None:
    empty = Curve(START, START + 3600, {Role.PRODUCTION: measure(Role.PRODUCTION, [], START, START + 3600)})

    rows = slots_of(empty, "home", None)

    assert [(row.covered_s, row.mean, row.peak) for row in rows] == [(0, None, None)] * 4


@pytest.mark.parametrize(
    ("charge", "buffer", "reserve", "seconds"),
    [
        pytest.param(lambda s: 9 + s // 300 % 2, None, 10, 3600, id="the gauge jitters around the reserve"),
        pytest.param(lambda s: 11, None, 10, 0, id="a percent above is not at the reserve"),
        pytest.param(lambda s: 40 if s < 1800 else 10, None, 10, 1800, id="half of the hour"),
        pytest.param(lambda s: 30, 30, 10, 3600, id="the buffer series counts before the config"),
        pytest.param(lambda s: 5, None, None, 0, id="no reserve is known"),
    ],
)
def test_time_at_the_reserve(charge, buffer, reserve, seconds) -> None:
    roles = {"state_of_charge": charge} | ({"backup_buffer": buffer} if buffer else {})

    rows = roll_up(slots_of(curve(**roles), "home", reserve))

    assert rows[Flow.STATE_OF_CHARGE].at_reserve_s == pytest.approx(seconds, abs=60)


def test_the_ledger_alone_still_gives_a_coarse_curve() -> None:
    fine = curve(grid_feed_in=lambda s: -300 if s < 900 else 500, state_of_charge=70)

    coarse = curve_of(slots_of(fine, "home", 10), fine.roles, START - 900, START + 3600)

    means = coarse.means(Role.GRID_FEED_IN)
    assert means[:15] == [None] * 15
    assert means[20] == pytest.approx(-300, abs=10)
    assert means[60] == pytest.approx(500)
    assert coarse.means(Role.STATE_OF_CHARGE)[30] == pytest.approx(70)
