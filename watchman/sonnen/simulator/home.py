"""The simulated home itself: steps from its start to any instant, keeps exact sums, takes scripted events."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import inf

from watchman.sonnen.simulator.battery import Battery
from watchman.sonnen.simulator.day import Day, day_number, make_day, noise
from watchman.sonnen.simulator.reading import STEP_S, Reading, Settings

_AVERAGE_STEPS = 60 // STEP_S


@dataclass(frozen=True, slots=True)
class _Event:
    """Something scripted for the steps first <= step < last."""

    first: float
    last: float
    watts: int = 0


class Home:
    """A home that runs from `start` (unix seconds). Not for use by several threads at once."""

    def __init__(self, settings: Settings, start: float, charge_percent: float = 50) -> None:
        self._settings = settings
        self._battery = Battery(settings, charge_percent)
        self._next = int(start // STEP_S)
        self._day: Day | None = None
        self._noise = noise(settings.seed)
        self._outages: list[_Event] = []
        self._loads: list[_Event] = []
        self._now = (0, 0, 0, 0)  # production, consumption, feed-in, discharge
        self._on_grid = True
        self._recent: deque[int] = deque(maxlen=_AVERAGE_STEPS)
        self._full_ts = start
        self._sums = [0, 0, 0, 0, 0, 0]  # watt-steps, in the order of Energy
        self.advance(start)

    def advance(self, to: float) -> Reading:
        """Run up to the step that holds `to` and read. Time never runs back: an earlier `to` reads the same again."""
        last = int(to // STEP_S)
        while self._next <= last:
            day = self._day_at(self._next)
            until = min(last + 1, day.first + len(day.demand_w))
            self._run(day, until)
        return self._read()

    def grid_outage(self, start: float, end: float = inf) -> None:
        """The grid is gone in [start, end); steps that have been taken are not taken again."""
        self._outages.append(_Event(start / STEP_S, end / STEP_S))

    def grid_returns(self, at: float) -> None:
        """Every outage ends at `at`, or earlier where it was to end earlier."""
        self._outages = [_Event(cut.first, min(cut.last, at / STEP_S)) for cut in self._outages]

    def big_load(self, start: float, end: float, watts: int) -> None:
        """The house takes `watts` more in [start, end)."""
        self._loads.append(_Event(start / STEP_S, end / STEP_S, watts))

    def _day_at(self, step: int) -> Day:
        number = day_number(step, self._settings)
        if self._day is None or day_number(self._day.first, self._settings) != number:
            self._day = make_day(self._settings, number)
        return self._day

    def _run(self, day: Day, until: int) -> None:
        begin, end = self._next - day.first, until - day.first
        flows = zip(day.available_w[begin:end], day.demand_w[begin:end], day.residue_w[begin:end], strict=True)
        for step, (available, demand, residue) in enumerate(flows, self._next):
            self._step(step, available, demand, residue)
        self._next = until

    def _step(self, step: int, available: int, demand: int, residue: int) -> None:
        if self._loads:
            demand += sum(load.watts for load in self._loads if load.first <= step < load.last)
        battery, production, consumption = self._battery, available, demand
        self._on_grid = not any(cut.first <= step < cut.last for cut in self._outages) if self._outages else True
        if self._on_grid:
            chance = (self._noise[step % len(self._noise)] + 2) / 4
            power = battery.on_grid(demand - available + residue, min(max(chance, 0.0), 1.0))
        else:
            power, production, consumption = battery.islanded(available, demand)
        feed_in = production + power - consumption
        self._count(production, consumption, feed_in, power)
        if battery.energy_wh > 0.995 * self._settings.capacity_wh:
            self._full_ts = step * STEP_S

    def _count(self, production: int, consumption: int, feed_in: int, power: int) -> None:
        """Add the step that just ended to the sums; the new one is added when it ends."""
        old_production, old_consumption, old_feed_in, old_power = self._now
        sums = self._sums
        sums[0] += old_production
        sums[1] += old_consumption
        sums[2 if old_feed_in < 0 else 3] += abs(old_feed_in)
        sums[4 if old_power < 0 else 5] += abs(old_power)
        self._now = (production, consumption, feed_in, power)
        self._recent.append(consumption)

    def _read(self) -> Reading:
        production, consumption, feed_in, power = self._now
        settings, step = self._settings, self._next - 1
        ts = float(step * STEP_S)
        percent = 100 * self._battery.energy_wh / settings.capacity_wh
        # The battery's own estimate trembles: near a half it flips between two whole numbers.
        shown = min(max(percent + 0.12 * self._noise[step % len(self._noise)], 0.0), 100.0)
        hidden = settings.protected_percent
        return Reading(
            settings=settings,
            ts=ts,
            production_w=production,
            consumption_w=consumption,
            consumption_average_w=round(sum(self._recent) / len(self._recent)),
            grid_feed_in_w=feed_in,
            discharge_w=power,
            charge_percent=percent,
            rsoc_percent=round(shown),
            usoc_percent=round(max(shown - hidden, 0.0) / (100 - hidden) * 100),
            on_grid=self._on_grid,
            full_charge_age_s=ts - self._full_ts,
            watt_steps=tuple(self._sums),
        )
