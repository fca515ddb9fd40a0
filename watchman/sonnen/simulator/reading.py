"""The values of the simulated home: what it is made of, what it reads at an instant, what has flowed so far."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import sin
from random import Random
from zoneinfo import ZoneInfo

STEP_S = 5
STEPS_PER_DAY = 86400 // STEP_S


@dataclass(frozen=True, slots=True)
class Plane:
    """One roof plane. Azimuth 0 is north, 90 east, 180 south."""

    peak_w: float
    tilt_deg: float
    azimuth_deg: float


@dataclass(frozen=True, slots=True)
class Settings:
    """The home. `protected_percent` is the part of the real charge that the user's scale (USOC) hides below its zero.

    Longitude is positive to the east. `reserve_percent` is on the user's scale, as the device's BackupBuffer is.
    """

    seed: int = 1
    latitude: float = 38.44
    longitude: float = -122.71
    timezone: str = "America/Los_Angeles"
    planes: tuple[Plane, ...] = (Plane(5200, 22, 150), Plane(3800, 22, 240))
    solar_limit_w: float = 7600
    capacity_wh: float = 16000
    power_limit_w: float = 4600
    reserve_percent: float = 10
    protected_percent: float = 0
    charge_efficiency: float = 0.95
    discharge_efficiency: float = 0.94
    idle_w: float = 25
    nominal_hz: float = 60.0
    nominal_volts: float = 240.0
    phases: int = 1
    firmware: str = "1.14.5"
    modules: int = 4

    @property
    def reserve_fraction(self) -> float:
        """The reserve as a part of the real capacity."""
        return self.protected_percent / 100 + (1 - self.protected_percent / 100) * self.reserve_percent / 100


@dataclass(frozen=True, slots=True)
class Energy:
    """What has flowed since the start, in watt-hours on the AC side, each >= 0."""

    production_wh: float
    consumption_wh: float
    grid_import_wh: float
    grid_export_wh: float
    battery_charge_wh: float
    battery_discharge_wh: float

    def __sub__(self, earlier: Energy) -> Energy:
        """What flowed between two instants."""
        return Energy(
            self.production_wh - earlier.production_wh,
            self.consumption_wh - earlier.consumption_wh,
            self.grid_import_wh - earlier.grid_import_wh,
            self.grid_export_wh - earlier.grid_export_wh,
            self.battery_charge_wh - earlier.battery_charge_wh,
            self.battery_discharge_wh - earlier.battery_discharge_wh,
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """The home at `ts` (unix seconds, a multiple of STEP_S); the powers hold until the next step.

    Signs as the device has them: `grid_feed_in_w` + export, - import; `discharge_w` + discharge, - charge.
    production + discharge - feed_in - consumption is exactly 0. `watt_steps` are the sums behind `energy`.
    """

    settings: Settings
    ts: float
    production_w: int
    consumption_w: int
    consumption_average_w: int
    grid_feed_in_w: int
    discharge_w: int
    charge_percent: float
    rsoc_percent: int
    usoc_percent: int
    on_grid: bool
    full_charge_age_s: float
    watt_steps: tuple[int, ...]

    @property
    def energy(self) -> Energy:
        """What has flowed from the start up to `ts`."""
        return Energy(*(count * STEP_S / 3600 for count in self.watt_steps))

    @property
    def frequency_hz(self) -> float:
        """Alone, the inverter raises the frequency to turn the roof down when more comes than it can take."""
        nominal = self.settings.nominal_hz
        if self.on_grid:
            return round(nominal + 0.012 * sin(self.ts / 31) + 0.009 * sin(self.ts / 7.3), 6)
        return nominal + (1.5 if self.discharge_w < 0 else 0.0)

    @property
    def ac_volts(self) -> float:
        """One phase against neutral."""
        return round(self.settings.nominal_volts * (1 + 0.008 * sin(self.ts / 47) + 0.006 * sin(self.ts / 1301)), 2)

    @property
    def silent(self) -> bool:
        """Is the device restarting?"""
        return silent_at(self.settings, self.ts)

    @property
    def stored_wh(self) -> float:
        """Energy in the cells."""
        return self.charge_percent / 100 * self.settings.capacity_wh

    @property
    def charging(self) -> bool:
        """More than the idle draw flows in."""
        return self.discharge_w < -50

    @property
    def discharging(self) -> bool:
        """More than a trickle flows out."""
        return self.discharge_w > 50


def silent_at(settings: Settings, ts: float) -> bool:
    """True during the few minutes each night, some time from 1:20 to 3:40 local, in which the device restarts."""
    local = datetime.fromtimestamp(ts, ZoneInfo(settings.timezone))
    if not 1 <= local.hour < 4:
        return False
    dice = Random(f"{settings.seed}/restart/{local.toordinal()}")  # noqa: S311
    begin = dice.uniform(80, 220)
    return begin <= local.hour * 60 + local.minute + local.second / 60 < begin + dice.uniform(2, 6)
