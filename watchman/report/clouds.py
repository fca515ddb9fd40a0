"""Clouds as the production shows them: quick, deep falls, again and again. A dull sky without gaps shows none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from watchman.energy.curve import MINUTE_S, Curve
from watchman.energy.slots import Role
from watchman.report.minutes import Minutes, Stretch, known, quantile, rolling, stretches

DARK_W = 100.0
# A fall: from above 75 % of the highest within twenty minutes to below 55 % of it, in at most five minutes.
_HALF_WINDOW = 20
_HIGH, _LOW, _FALL_MINUTES = 0.75, 0.55, 5
# One fall may be a breaker, two a coincidence; two hours without one are a clear sky.
_FEWEST_FALLS = 3
_MERGE_MINUTES = 120
# Near the horizon a chimney's shadow falls as deep.
_LEAST_SHARE = 0.2
_EDGE_MINUTES, _SEEN_MINUTES = 45, 25
_MOST = 2
_REST_W, _FULL_PERCENT = 50.0, 97.0


@dataclass(frozen=True, slots=True)
class Clouds:
    """Production swinging within minutes between about `low_w` and `high_w` from `start` to `end` (unix s).

    `since_dawn`: already when the sun was high enough to tell; `to_dusk`: until it was too low.
    """

    start: float
    end: float
    low_w: float
    high_w: float
    since_dawn: bool
    to_dusk: bool


def clouds(curve: Curve, start: float) -> tuple[Clouds, ...]:
    """The (at most two) longest cloudy stretches from `start` on, in order of time; none from a coarse curve."""
    if curve.step_s > MINUTE_S:
        return ()
    first = max(0, round((start - curve.start) / MINUTE_S))
    sun = _free_sun(curve)[first:]
    top = max(known(sun), default=0.0)
    if top <= DARK_W:
        return ()
    envelope = rolling(sun, _HALF_WINDOW, max)
    falls = _falls(sun, envelope, _LEAST_SHARE * top)
    covered = [False] * len(sun)
    for begin, end in falls:
        covered[begin:end] = [True] * (end - begin)
    groups = [run for run in stretches(covered, _MERGE_MINUTES) if _count(falls, run) >= _FEWEST_FALLS]
    high = [minute for minute, value in enumerate(envelope) if value is not None and value >= _LEAST_SHARE * top]
    day = (high[0], high[-1] + 1)
    kept = sorted(sorted(groups, key=lambda run: run[0] - run[1])[:_MOST])
    return tuple(_clouds(sun, run, day, curve.start + first * MINUTE_S) for run in kept)


def _clouds(sun: Minutes, run: Stretch, day: Stretch, start: float) -> Clouds:
    inside = sun[slice(*run)]
    return Clouds(
        start=start + run[0] * MINUTE_S,
        end=start + run[1] * MINUTE_S,
        low_w=quantile(inside, 0.1) or 0.0,
        high_w=quantile(inside, 0.95) or 0.0,
        since_dawn=run[0] <= day[0] + _EDGE_MINUTES and _seen(sun, day[0] - _SEEN_MINUTES),
        to_dusk=run[1] >= day[1] - _EDGE_MINUTES and _seen(sun, day[1] + _SEEN_MINUTES),
    )


def _seen(sun: Minutes, minute: int) -> bool:
    """Whether the sun was followed beyond an edge of its day: what a gap cuts off has no known beginning or end."""
    return not 0 <= minute < len(sun) or sun[minute] is not None


def _count(falls: Sequence[Stretch], run: Stretch) -> int:
    return sum(run[0] <= begin < run[1] for begin, _ in falls)


def _falls(sun: Minutes, envelope: Minutes, least_w: float) -> list[Stretch]:
    """From the last bright minute before each fall to the next bright one."""
    falls: list[Stretch] = []
    bright: int | None = None
    fallen: int | None = None
    for index, (power, top) in enumerate(zip(sun, envelope, strict=True)):
        if power is None or top is None or top < least_w:
            if fallen is not None:
                falls.append((fallen, index))
            bright = fallen = None
        elif power > _HIGH * top:
            if fallen is not None:
                falls.append((fallen, index))
            bright, fallen = index, None
        elif power < _LOW * top and bright is not None and fallen is None and index - bright <= _FALL_MINUTES:
            fallen = bright
    if fallen is not None:
        falls.append((fallen, len(sun)))
    return falls


def _free_sun(curve: Curve) -> Minutes:
    """Production, None where it was turned down: nothing flows to or from the grid and the full battery takes nothing.

    In a power cut, or where feeding in is forbidden, the roof then follows every load of the house.
    """
    sun, grid = curve.means(Role.PRODUCTION), curve.means(Role.GRID_FEED_IN)
    battery, charge = curve.means(Role.BATTERY_DISCHARGE), curve.means(Role.STATE_OF_CHARGE)
    if not (grid and battery and charge):
        return sun
    return [
        None if None not in (g, b, c) and abs(g or 0.0) < _REST_W > abs(b or 0.0) and (c or 0.0) >= _FULL_PERCENT else w
        for w, g, b, c in zip(sun, grid, battery, charge, strict=True)
    ]
