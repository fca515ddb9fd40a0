"""A simulated home with solar panels and a Sonnen battery: pure, reproducible, in fixed steps of five seconds.

`Home` turns a seed, a place and a start into power flows that obey the energy balance; the `v1_*` and `v2_*` functions
give the JSON a device would answer at that instant. The same home at the same instant always reads the same, however
it was stepped there, so a backfilled history and a live device agree.
"""

from watchman.sonnen.simulator.answers import (
    v1_inverter,
    v1_powermeter,
    v1_status,
    v2_battery,
    v2_configurations,
    v2_inverter,
    v2_latestdata,
    v2_powermeter,
    v2_status,
)
from watchman.sonnen.simulator.home import Home
from watchman.sonnen.simulator.reading import STEP_S, Energy, Plane, Reading, Settings, silent_at

__all__ = [
    "STEP_S",
    "Energy",
    "Home",
    "Plane",
    "Reading",
    "Settings",
    "silent_at",
    "v1_inverter",
    "v1_powermeter",
    "v1_status",
    "v2_battery",
    "v2_configurations",
    "v2_inverter",
    "v2_latestdata",
    "v2_powermeter",
    "v2_status",
]
