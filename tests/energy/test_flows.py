"""The split of an interval's energies by source and use."""

from __future__ import annotations

from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchman.energy.flows import attribute

WH = st.floats(0, 10_000)


@pytest.mark.parametrize(
    ("energies", "split"),
    [
        pytest.param((5, 0, 0, 0, 0), {"solar_to_load": 5}, id="sun to the house"),
        pytest.param((0, 5, 0, 0, 0), {"grid_to_load": 5}, id="grid to the house"),
        pytest.param((0, 0, 0, 0, 5), {"battery_to_load": 5}, id="battery to the house"),
        pytest.param(
            (10, 0, 3, 4, 0), {"solar_to_load": 3, "solar_to_battery": 4, "solar_to_grid": 3}, id="a sunny quarter"
        ),
        pytest.param((0, 5, 0, 4, 0), {"grid_to_battery": 4, "grid_to_load": 1}, id="the grid charges the battery"),
        pytest.param(
            (3, 6, 0, 6, 6),
            {"grid_to_battery": 3, "solar_to_battery": 3, "grid_to_load": 3, "battery_to_load": 6},
            id="in and out of the battery",
        ),
        pytest.param((0, 0, 5, 0, 7), {"battery_to_grid": 5, "battery_to_load": 2}, id="the battery is sold"),
        pytest.param(
            (2, 0, 5, 0, 5), {"solar_to_grid": 2, "battery_to_grid": 3, "battery_to_load": 2}, id="both are sold"
        ),
        pytest.param((0, 0, 0, 0, 0), {}, id="nothing"),
    ],
)
def test_the_split_follows_the_order(energies, split) -> None:
    assert {name: wh for name, wh in asdict(attribute(*energies)).items() if wh} == split


@given(WH, WH, WH, WH, WH)
def test_no_part_is_negative_and_no_source_gives_more_than_it_has(sun, bought, sold, charge, discharge) -> None:
    split = attribute(sun, bought, sold, charge, discharge)

    assert min(asdict(split).values()) >= -1e-6
    assert split.solar_to_load + split.solar_to_battery + split.solar_to_grid <= sun + 1e-6
    assert split.battery_to_load + split.battery_to_grid <= discharge + 1e-6
    assert split.grid_to_load + split.grid_to_battery <= bought + 1e-6
    assert split.solar_to_grid + split.battery_to_grid <= sold + 1e-6
    assert split.solar_to_battery + split.grid_to_battery <= charge + 1e-6
