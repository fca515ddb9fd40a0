"""The battery and its inverter: self-consumption on the grid, holding the reserve, and alone in a power cut."""

from __future__ import annotations

from watchman.sonnen.simulator.reading import STEP_S, Settings

_STEP_H = STEP_S / 3600
_EMPTY = 0.02  # below this share of the capacity the cells switch themselves off


class Battery:
    """`energy_wh` in the cells, moved one step at a time. Powers are AC watts, + discharge, - charge."""

    __slots__ = ("_pulse_w", "_reserve", "_settings", "energy_wh", "holding")

    def __init__(self, settings: Settings, charge_percent: float) -> None:
        self._settings = settings
        self._reserve = settings.reserve_fraction * settings.capacity_wh
        self._pulse_w = 0.0
        self.energy_wh = settings.capacity_wh * charge_percent / 100
        self.holding = self.energy_wh <= self._reserve

    def on_grid(self, shortfall_w: float, chance: float) -> int:
        """The power for a house that lacks `shortfall_w` (negative: has so much to spare).

        `chance` in 0..1 sets the height of the next care pulse. Discharging ends at the reserve; there the idle draw
        slowly empties the cells and short pulses from the grid fill them again.
        """
        settings = self._settings
        if shortfall_w > 0:
            power = self._hold(chance) if self._at_reserve() else min(shortfall_w, settings.power_limit_w)
        else:
            power = -min(-shortfall_w, self._charge_limit_w())
        return self._move(round(power))

    def islanded(self, production_w: int, demand_w: int) -> tuple[int, int, int]:
        """(power, production, consumption) without the grid: the roof is turned down, or the house goes short."""
        if self.energy_wh <= _EMPTY * self._settings.capacity_wh:
            return 0, 0, 0
        shortfall = demand_w - production_w
        if shortfall < 0:
            power = self._move(-round(min(-shortfall, self._charge_limit_w())))
            return power, demand_w - power, demand_w
        power = self._move(round(min(shortfall, self._settings.power_limit_w)))
        return power, production_w, production_w + power

    def _at_reserve(self) -> bool:
        margin = self.energy_wh - self._reserve
        if self.holding:
            self.holding = margin < 0.01 * self._settings.capacity_wh
        else:
            self.holding = margin < -0.002 * self._settings.capacity_wh
        return self.holding

    def _hold(self, chance: float) -> float:
        """0, or a pulse of 300 to 1500 W into the cells while they are 0.4 to 0.6 % under the reserve."""
        below = (self._reserve - self.energy_wh) / self._settings.capacity_wh
        if below > 0.006 and not self._pulse_w:
            self._pulse_w = 300 + 1200 * chance
        elif below < 0.004:
            self._pulse_w = 0.0
        return -self._pulse_w

    def _charge_limit_w(self) -> float:
        """The inverter's limit, falling over the last 3 % to what the idle draw takes."""
        settings = self._settings
        room = 1 - self.energy_wh / settings.capacity_wh
        tapered = settings.power_limit_w * room / 0.03
        return max(min(settings.power_limit_w, tapered), settings.idle_w / settings.charge_efficiency)

    def _move(self, power_w: int) -> int:
        settings = self._settings
        if power_w > 0:
            cells_w = power_w / settings.discharge_efficiency + settings.idle_w
        else:
            cells_w = power_w * settings.charge_efficiency + settings.idle_w
        self.energy_wh = min(max(self.energy_wh - cells_w * _STEP_H, 0.0), settings.capacity_wh)
        return power_w
