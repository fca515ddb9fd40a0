"""Where the energy of one interval came from and went to.

The order is the one Home Assistant's energy dashboard uses: grid power beyond the house's use charges the battery, sun
charges the rest of it, sun is sold, battery is sold, then whatever still charges comes from the grid; what is left of
sun, battery and grid is the house's, in this order. The shorter the interval, the truer the split.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Split:
    """Energies in Wh, all >= 0."""

    solar_to_load: float
    solar_to_battery: float
    solar_to_grid: float
    battery_to_load: float
    battery_to_grid: float
    grid_to_load: float
    grid_to_battery: float


def attribute(
    production: float, grid_import: float, grid_export: float, battery_charge: float, battery_discharge: float
) -> Split:
    """Split five energies of one interval (Wh, >= 0). What the house used is taken from their balance."""
    load = max(0.0, production + grid_import + battery_discharge - grid_export - battery_charge)
    surplus_import = max(0.0, min(battery_charge, grid_import - load))
    to_charge = battery_charge - surplus_import
    solar_to_battery = min(production, to_charge)
    solar = production - solar_to_battery
    solar_to_grid = min(solar, grid_export)
    battery_to_grid = min(battery_discharge, grid_export - solar_to_grid)
    grid = grid_import - surplus_import
    late_charge = min(grid, to_charge - solar_to_battery)
    solar_to_load = min(solar - solar_to_grid, load)
    battery_to_load = min(battery_discharge - battery_to_grid, load - solar_to_load)
    return Split(
        solar_to_load=solar_to_load,
        solar_to_battery=solar_to_battery,
        solar_to_grid=solar_to_grid,
        battery_to_load=battery_to_load,
        battery_to_grid=battery_to_grid,
        grid_to_load=min(grid - late_charge, load - solar_to_load - battery_to_load),
        grid_to_battery=surplus_import + late_charge,
    )
