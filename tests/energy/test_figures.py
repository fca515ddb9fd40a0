"""Roll-ups and ratios: unknown is None, never zero."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchman.energy.figures import (
    equivalent_full_cycles,
    figures,
    grid_neutrality,
    self_consumption,
    self_sufficiency,
)
from watchman.energy.slots import Flow, Role, Slot, roll_up

START = 1_800_000_000
POWERS = (Role.PRODUCTION, Role.CONSUMPTION, Role.GRID_FEED_IN)


def slot(flow: Flow, n: int = 0, wh: float = 100.0, measured_s: float = 900.0, **more: float) -> Slot:
    return Slot("home", START + 900 * n, flow, wh, measured_s, more.pop("estimated_s", 0.0), **more)


def hour(*flows: Flow, wh: float = 100.0, measured_s: float = 900.0) -> list[Slot]:
    return [slot(flow, n, wh, measured_s) for flow in flows for n in range(4)]


def slots_strategy() -> st.SearchStrategy[list[Slot]]:
    one = st.builds(
        Slot,
        site=st.just("home"),
        start=st.integers(0, 400).map(lambda n: n * 900),
        flow=st.sampled_from([Flow.PRODUCTION, Flow.GRID_IMPORT]),
        wh=st.integers(0, 2000).map(float),
        measured_s=st.integers(0, 900).map(float),
        estimated_s=st.just(0.0),
        peak=st.none() | st.integers(0, 9000).map(float),
        peak_at=st.integers(0, 360000).map(float),
        low=st.none() | st.integers(0, 9000).map(float),
        low_at=st.integers(0, 360000).map(float),
    )
    return st.lists(one, max_size=30, unique_by=lambda s: (s.start, s.flow))


@given(slots_strategy(), st.randoms())
def test_days_add_up_to_weeks_in_any_order(slots, random) -> None:
    middle = len(slots) // 2
    mixed = random.sample(slots, len(slots))

    whole = roll_up(slots)
    by_parts = roll_up([*roll_up(mixed[:middle]).values(), *roll_up(mixed[middle:]).values()])

    assert by_parts.keys() == whole.keys()
    for flow, total in whole.items():
        other = by_parts[flow]
        assert (other.wh, other.measured_s, other.peak, other.low) == (
            total.wh,
            total.measured_s,
            total.peak,
            total.low,
        )


def test_nothing_measured_is_nothing_known() -> None:
    rows = hour(Flow.PRODUCTION, Flow.CONSUMPTION, Flow.GRID_IMPORT, Flow.GRID_EXPORT, wh=0.0, measured_s=0.0)

    period = figures(rows, START, START + 3600, POWERS)

    assert (period.known, period.complete, period.energy_wh, period.peaks) == (False, False, {}, {})
    assert (period.self_consumption, period.self_sufficiency, period.at_reserve_s) == (None, None, None)


def test_a_site_may_have_only_some_of_the_roles() -> None:
    period = figures(hour(Flow.PRODUCTION), START, START + 3600, [Role.PRODUCTION])

    assert period.energy_wh == {Flow.PRODUCTION: 400}
    assert (period.complete, period.self_consumption, period.state_of_charge_min) == (True, None, None)


def test_measured_zero_is_zero() -> None:
    period = figures(hour(Flow.PRODUCTION, wh=0.0), START, START + 3600, [Role.PRODUCTION])

    assert (period.energy_wh[Flow.PRODUCTION], period.complete) == (0, True)


@pytest.mark.parametrize(("covered_s", "complete"), [(882, True), (881, False)], ids=["98 %", "less"])
def test_a_period_is_complete_from_98_percent_on(covered_s, complete) -> None:
    period = figures(hour(Flow.PRODUCTION, measured_s=covered_s), START, START + 3600, [Role.PRODUCTION])

    assert period.complete is complete


def test_bridged_time_counts_for_complete_but_not_for_coverage() -> None:
    rows = [slot(Flow.PRODUCTION, n, measured_s=500, estimated_s=400) for n in range(4)]

    period = figures(rows, START, START + 3600, [Role.PRODUCTION])

    assert period.complete
    assert period.measured[Role.PRODUCTION] == pytest.approx(5 / 9)


def test_overall_is_what_every_role_measured_at_the_same_time() -> None:
    rows = hour(Flow.PRODUCTION, Flow.CONSUMPTION)
    rows[0], rows[7] = slot(Flow.PRODUCTION, 0, measured_s=0), slot(Flow.CONSUMPTION, 3, measured_s=450)

    period = figures(rows, START, START + 3600, [Role.PRODUCTION, Role.CONSUMPTION])

    assert period.overall == pytest.approx((900 + 900 + 450) / 3600)


def test_the_highest_quarter_needs_a_whole_quarter() -> None:
    rows = [slot(Flow.GRID_IMPORT, 0, 500), slot(Flow.GRID_IMPORT, 1, 90, 100), slot(Flow.GRID_IMPORT, 2, 700)]

    peak = figures(rows, START, START + 3600, [Role.GRID_FEED_IN]).import_quarter

    assert peak is not None
    assert (peak.value, peak.at) == (2800, START + 1800)


@pytest.mark.parametrize(
    ("energy", "consumption", "sufficiency"),
    [
        pytest.param(
            {"production": 100, "grid_export": 40, "consumption": 80, "grid_import": 20}, 0.6, 0.75, id="plain"
        ),
        pytest.param({"production": 0, "grid_export": 0, "consumption": 80, "grid_import": 80}, None, 0, id="night"),
        pytest.param({"production": 10, "grid_export": 12, "consumption": 5, "grid_import": 7}, 0, 0, id="clamped"),
        pytest.param({"production": 10, "consumption": 5}, None, None, id="the grid is not known"),
        pytest.param(
            {"production": 100, "grid_export": 60, "battery_to_grid": 30, "consumption": 80, "grid_import": 20},
            0.7,
            0.75,
            id="the battery exports",
        ),
        pytest.param(
            {"production": 100, "grid_export": 40, "consumption": 80, "grid_import": 60, "grid_to_battery": 40},
            0.6,
            0.75,
            id="the battery charges from the grid",
        ),
        pytest.param(
            {"production": 1000, "grid_export": 400, "battery_to_grid": 5, "consumption": 800, "grid_import": 200},
            0.6,
            0.75,
            id="a lag between meters is no export of the battery",
        ),
    ],
)
def test_ratios_by_their_definitions(energy, consumption, sufficiency) -> None:
    energy_wh = {Flow(name): float(wh) for name, wh in energy.items()}

    assert self_consumption(energy_wh) == (None if consumption is None else pytest.approx(consumption))
    assert self_sufficiency(energy_wh) == (None if sufficiency is None else pytest.approx(sufficiency))


@pytest.mark.parametrize(
    ("bought", "sold", "neutrality"),
    [(5, 10, 0.5), (10, 5, -0.5), (5, 5, 0), (0, 7, 1), (7, 0, -1), (0, 0, None), (None, 5, None)],
)
def test_grid_neutrality_is_0_where_as_much_was_sold_as_bought(bought, sold, neutrality) -> None:
    flows = {Flow.GRID_IMPORT: bought, Flow.GRID_EXPORT: sold}

    assert grid_neutrality({flow: wh for flow, wh in flows.items() if wh is not None}) == neutrality


@pytest.mark.parametrize(("wh", "capacity", "cycles"), [(8000, 16000, 0.5), (None, 16000, None), (8000, None, None)])
def test_cycles_are_discharge_over_capacity(wh, capacity, cycles) -> None:
    assert equivalent_full_cycles(wh, capacity) == cycles
