"""One day of the home laid out in steps: what the roof could make, what the house asks for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import sin
from random import Random
from zoneinfo import ZoneInfo

from watchman.sonnen.simulator.loads import Load, base_w, day_loads
from watchman.sonnen.simulator.reading import STEP_S, STEPS_PER_DAY, Settings
from watchman.sonnen.simulator.sun import roof_power_w, sun_position
from watchman.sonnen.simulator.weather import MINUTES, clearness

_STEPS_PER_MINUTE = 60 // STEP_S
_NOISE = 4999  # steps until the noise repeats: a prime near seven hours


@dataclass(frozen=True, slots=True)
class Day:
    """A day of STEPS_PER_DAY steps from step `first` (unix seconds / STEP_S) on; whole watts per step.

    `residue_w` is what the battery's control leaves on the grid meter.
    """

    first: int
    available_w: Sequence[int]
    demand_w: Sequence[int]
    residue_w: Sequence[int]


def day_number(step: int, settings: Settings) -> int:
    """The number of the solar day that holds a step. It turns at mean solar midnight, so that no day cuts the sun."""
    return (step + _solar_steps(settings)) // STEPS_PER_DAY


def make_day(settings: Settings, day: int) -> Day:
    """Lay out the solar day with this number (days since 1970-01-01)."""
    first = day * STEPS_PER_DAY - _solar_steps(settings)
    zone = ZoneInfo(settings.timezone)
    # Loads go by the clock on the wall, which may be hours off the sun, and a car charges past midnight.
    loads = [load for near in (day - 1, day, day + 1) for load in day_loads(settings.seed, near, zone)]
    return Day(first, _available(settings, day, first), _demand(settings.seed, first, loads), _residue(day))


def noise(seed: int) -> list[float]:
    """Normal noise of width 1, the same for every day of a home."""
    dice = Random(f"{seed}/noise")  # noqa: S311
    return [dice.gauss(0, 1) for _ in range(_NOISE)]


def _solar_steps(settings: Settings) -> int:
    """By how many steps mean solar time runs ahead of UTC."""
    return round(settings.longitude * 240 / STEP_S)


def _available(settings: Settings, day: int, first: int) -> list[int]:
    """What the roof could feed in: a value per minute, straight lines between."""
    minutes = []
    for minute, clear in enumerate(clearness(settings.seed, day)):
        ts = first * STEP_S + minute * 60
        elevation, azimuth = sun_position(ts, settings.latitude, settings.longitude)
        power = roof_power_w(elevation, azimuth, settings.planes, clear)
        minutes.append(min(power, settings.solar_limit_w))
    return _between(minutes)


def _demand(seed: int, first: int, loads: Iterable[Load]) -> list[int]:
    """The sum of the loads, by adding each where it starts and taking it away where it ends."""
    changes = [0.0] * (STEPS_PER_DAY + 1)
    changes[0] = base_w(seed)
    for load in loads:
        begin, end = (min(max(round(at / STEP_S) - first, 0), STEPS_PER_DAY) for at in (load.start, load.end))
        changes[begin] += load.watts
        changes[end] -= load.watts
    wobble = noise(seed)
    shift = first % _NOISE
    wobble = wobble[shift:] + wobble[:shift]
    rows = STEPS_PER_DAY // _NOISE + 1
    return [round(level + 6 * n) for level, n in zip(accumulate(changes[:-1]), wobble * rows, strict=False)]


def _residue(day: int) -> list[int]:
    """A slow swing of some watts either way."""
    start = day * MINUTES
    return _between(
        [7 * sin((start + minute) / 1.7) + 5 * sin((start + minute) / 5.3) for minute in range(MINUTES + 1)]
    )


def _between(minutes: Sequence[float]) -> list[int]:
    parts = [part / _STEPS_PER_MINUTE for part in range(_STEPS_PER_MINUTE)]
    return [round(now + (then - now) * part) for now, then in pairwise(minutes) for part in parts]
