"""Clouds: what kind of day it is, and how much of the sun passes, minute by minute."""

from __future__ import annotations

from random import Random

MINUTES = 1440
_KINDS = (("clear", 0.45), ("mixed", 0.35), ("dull", 0.20))


def day_kind(seed: int, day: int) -> str:
    """clear, mixed or dull, for the day with this number (days since 1970-01-01)."""
    dice = Random(f"{seed}/kind/{day}")  # noqa: S311
    return dice.choices([kind for kind, _ in _KINDS], [share for _, share in _KINDS])[0]


def clearness(seed: int, day: int) -> list[float]:
    """The share of the beam that passes at each minute of the day and at its end: 1441 values in 0..1.05."""
    dice = Random(f"{seed}/clouds/{day}")  # noqa: S311
    return {"clear": _clear, "mixed": _mixed, "dull": _dull}[day_kind(seed, day)](dice)


def _clear(dice: Random) -> list[float]:
    """Haze that drifts by a few percent."""
    return _wander(dice, low=0.93, high=1.0, start=dice.uniform(0.95, 1.0), move=0.002)


def _dull(dice: Random) -> list[float]:
    """An overcast that thins and thickens over the hours."""
    return _wander(dice, low=0.01, high=0.25, start=dice.uniform(0.02, 0.12), move=0.012)


def _mixed(dice: Random) -> list[float]:
    """Sun and clouds in turn; on some days the clouds only come at noon or in the afternoon."""
    onset = dice.choice((0, 0, 720, 900))
    values = [dice.uniform(0.94, 1.0)] * onset
    while len(values) <= MINUTES:
        # The edge of a cloud lights up: a little more than a clear sky gives.
        values += [dice.uniform(0.92, 1.04)] * (2 + int(dice.expovariate(1 / 12)))
        values += [dice.uniform(0.04, 0.4)] * (1 + int(dice.expovariate(1 / 7)))
    return values[: MINUTES + 1]


def _wander(dice: Random, low: float, high: float, start: float, move: float) -> list[float]:
    values, value = [], start
    for _ in range(MINUTES + 1):
        value = min(max(value + dice.gauss(0, move), low), high)
        values.append(value)
    return values
