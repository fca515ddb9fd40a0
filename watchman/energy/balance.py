"""Whether the powers of a house add up, and if not, which of them is in another unit, turned, or missing.

production + discharge - feed-in - consumption is about 0 at any time, so a wrong sign or unit of one role shows; every
set of corrections is tried, and the smallest one that makes the hours add up is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from statistics import fmean

from watchman.energy.slots import Role

SIGNS: Mapping[Role, int] = {
    Role.PRODUCTION: 1,
    Role.BATTERY_DISCHARGE: 1,
    Role.GRID_FEED_IN: -1,
    Role.CONSUMPTION: -1,
}
FEWEST_POINTS = 6
# Meters that are read at other instants differ; more than this is a wrong sign or unit.
_SHARE, _FLOOR_W = 0.1, 30.0
# No house that lives uses less than 20 W for hours, none 50 kW.
_LEAST_HOUSE_W, _MOST_HOUSE_W = 20.0, 50_000.0
_UNITS = {0.001: "mW", 1000.0: "kW"}
_FACTORS = (1.0, -1.0, *_UNITS)
_MOST_CORRECTIONS = 2

Points = Mapping[Role, Sequence[float]]
"""Powers in W of the configured roles at the same instants."""


def diagnose(points: Points) -> list[str]:
    """What is wrong, in words; nothing where the powers add up or too little is known."""
    roles = [role for role in SIGNS if role in points]
    count = min((len(points[role]) for role in roles), default=0)
    if count < FEWEST_POINTS:
        return []
    negative = list(_negative(points))
    if negative:
        return negative
    missing = [role for role in SIGNS if role not in points]
    if not missing:
        rest = _rest(points, {})
        return _unusual(points) if rest <= _allowed(points, {}) else [_explained(points, rest)]
    return [*_unusual(points), *_lacking(points, missing)]


def _explained(points: Points, rest: float) -> str:
    said = f"production + discharge - feed-in - consumption is {rest:.0f} W on average, not about 0"
    found = _corrections(points, rest)
    if not found:
        return f"{said}; no single sign or unit explains it: check that all roles measure the same house"
    return f"{said}; it adds up if {' or if '.join(' and '.join(_words(*one) for one in way.items()) for way in found)}"


def _words(role: Role, factor: float) -> str:
    if factor < 0:
        return f"the sign of {role} is turned: write -(...) around metrics.{role}"
    divisor = "1000" if factor < 1 else "0.001"
    return f"{role} is in {_UNITS[factor]}: write (...) / {divisor} in metrics.{role}"


def _corrections(points: Points, rest: float) -> list[dict[Role, float]]:
    """The smallest sets of factors by role that make it add up."""
    by_count: dict[int, list[dict[Role, float]]] = {}
    for factors in product(_FACTORS, repeat=len(SIGNS)):
        way = {role: factor for role, factor in zip(SIGNS, factors, strict=True) if factor != 1.0}
        if 0 < len(way) <= _MOST_CORRECTIONS and all(
            _moves(role, points[role], factor) for role, factor in way.items()
        ):
            left = _rest(points, way)
            if left <= _allowed(points, way) and left < rest / 2 and not _unusual(points, way):
                by_count.setdefault(len(way), []).append(way)
    return by_count[min(by_count)] if by_count else []


def _moves(role: Role, values: Sequence[float], factor: float) -> bool:
    """A role that was 0 all the time says nothing of its sign or unit; sun and house have no sign to turn."""
    return max(map(abs, values)) > 0 and (factor > 0 or role in (Role.GRID_FEED_IN, Role.BATTERY_DISCHARGE))


def _rest(points: Points, factors: Mapping[Role, float]) -> float:
    return fmean(
        abs(sum(SIGNS[role] * factors.get(role, 1.0) * value for role, value in zip(points, values, strict=True)))
        for values in zip(*points.values(), strict=True)
    )


def _allowed(points: Points, factors: Mapping[Role, float]) -> float:
    largest = fmean(
        max(abs(factors.get(role, 1.0) * value) for role, value in zip(points, values, strict=True))
        for values in zip(*points.values(), strict=True)
    )
    return max(_FLOOR_W, _SHARE * largest)


def _unusual(points: Points, factors: Mapping[Role, float] | None = None) -> list[str]:
    """All in one wrong unit adds up too; a house is the measure."""
    if Role.CONSUMPTION not in points:
        return []
    factor = (factors or {}).get(Role.CONSUMPTION, 1.0)
    house = fmean(points[Role.CONSUMPTION]) * factor
    if 0 < house < _LEAST_HOUSE_W:
        return [f"the house uses {house:.3g} W on average: are the powers in kW? write (...) * 1000"]
    if house > _MOST_HOUSE_W:
        return [f"the house uses {house / 1000:.0f} kW on average: are the powers in mW? write (...) / 1000"]
    return []


def _negative(points: Points) -> Iterator[str]:
    for role in (Role.PRODUCTION, Role.CONSUMPTION):
        values = points.get(role, ())
        if values and fmean(values) < -_FLOOR_W:
            said = f"{role} is {fmean(values):.0f} W on average and must not be negative"
            yield f"{said}: write -(...) around metrics.{role}"


def _lacking(points: Points, missing: Sequence[Role]) -> Iterator[str]:
    """One role that is missing is what the others leave over; a home need not have them all."""
    if len(missing) > 1:
        return
    rest = _rest(points, {})
    if rest > _allowed(points, {}):
        yield (
            f"what is measured does not add up, by {rest:.0f} W on average: metrics.{missing[0]} is missing, and would"
            " explain it"
        )
