"""Where the energy of one interval came from and went to.

The order is the one Home Assistant's energy dashboard uses: grid power beyond the house's use charges the battery, sun
charges the rest of it, sun is sold, battery is sold, then whatever still charges comes from the grid; what is left of
sun, battery and grid is the house's, in this order. The shorter the interval, the truer the split.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class Split:
    """Energies in Wh, all >= 0; arrays of one length, one element per interval."""

    solar_to_load: NDArray[np.float64]
    solar_to_battery: NDArray[np.float64]
    solar_to_grid: NDArray[np.float64]
    battery_to_load: NDArray[np.float64]
    battery_to_grid: NDArray[np.float64]
    grid_to_load: NDArray[np.float64]
    grid_to_battery: NDArray[np.float64]


def attribute(
    production: ArrayLike,
    grid_import: ArrayLike,
    grid_export: ArrayLike,
    battery_charge: ArrayLike,
    battery_discharge: ArrayLike,
) -> Split:
    """Split five energies of each interval (Wh, >= 0). What the house used is taken from their balance."""
    made, bought, sold, charged, given = (
        np.asarray(one, float) for one in (production, grid_import, grid_export, battery_charge, battery_discharge)
    )
    load = np.maximum(0.0, made + bought + given - sold - charged)
    surplus_import = np.maximum(0.0, np.minimum(charged, bought - load))
    to_charge = charged - surplus_import
    solar_to_battery = np.minimum(made, to_charge)
    solar = made - solar_to_battery
    solar_to_grid = np.minimum(solar, sold)
    battery_to_grid = np.minimum(given, sold - solar_to_grid)
    grid = bought - surplus_import
    late_charge = np.minimum(grid, to_charge - solar_to_battery)
    solar_to_load = np.minimum(solar - solar_to_grid, load)
    battery_to_load = np.minimum(given - battery_to_grid, load - solar_to_load)
    return Split(
        solar_to_load=solar_to_load,
        solar_to_battery=solar_to_battery,
        solar_to_grid=solar_to_grid,
        battery_to_load=battery_to_load,
        battery_to_grid=battery_to_grid,
        grid_to_load=np.minimum(grid - late_charge, load - solar_to_load - battery_to_load),
        grid_to_battery=surplus_import + late_charge,
    )
