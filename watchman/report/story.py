"""What happened on a day, read from its minutes: when the battery was at its reserve and why, when it was full, which
loads were big, when clouds came, when data is missing. Nothing is told that the minutes do not show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from watchman.energy.curve import MINUTE_S, Curve, at_reserve, reserve_percents
from watchman.energy.slots import Role
from watchman.report.clouds import DARK_W, Clouds, clouds
from watchman.report.minutes import Minutes, Stretch, energy_wh, known, quantile, stretches

# A load is big if it stands a kilowatt above the quiet quarter of the time and takes a kilowatt-hour.
_LOAD_EXTRA_W = 1000.0
_LOAD_MIN_WH = 1000.0
_LOAD_MIN_MINUTES = 20
_LOAD_MERGE_MINUTES = 10
# The gauge jitters by a percent for hours at the reserve, and balancing lifts it a little.
_RESERVE_MERGE_MINUTES = 45
_RESERVE_MIN_MINUTES = 15
_FULL_PERCENT = 99.0
_NOT_FULL_PERCENT = 97.0
_HOLE_MINUTES = 30
# In a power cut the battery gives more than it may on the grid.
_UNDER_RESERVE_PERCENT = 2.0
# A big load is to blame only if it took this share of all the house used since dusk.
_BLAME_SHARE = 1 / 3
# The sun has taken over where it covers the house for twenty minutes and, in sum, for the two hours from there.
_TAKEOVER_MINUTES, _TAKEOVER_LASTS = 20, 120


@dataclass(frozen=True, slots=True)
class Load:
    """The house's use over a stretch (unix s). `big`: it stands out; else it is all the house used since dusk.

    `from_percent` is the state of charge when it began, where that is known.
    """

    start: float
    end: float
    wh: float
    big: bool = True
    from_percent: float | None = None

    @property
    def mean_w(self) -> float:
        """Mean power."""
        return self.wh * 3600 / (self.end - self.start)


@dataclass(frozen=True, slots=True)
class Spell:
    """The battery at its reserve. `cause` emptied it.

    `began` is False if the minute before is not known, `ended` if the one after is not. `under_percent` is the lowest
    state of charge where that is clearly below the reserve: only a power cut, or a fault, takes it there.
    """

    start: float
    end: float
    began: bool
    ended: bool
    cause: Load | None
    under_percent: float | None = None


@dataclass(frozen=True, slots=True)
class Hole:
    """A stretch in which some configured roles have no data; `frozen`: what came only repeated old values."""

    start: float
    end: float
    roles: tuple[Role, ...]
    frozen: bool = False


@dataclass(frozen=True, slots=True)
class Story:
    """What happened in [start, end); every part is empty or None where nothing was seen."""

    spells: tuple[Spell, ...] = ()
    full_at: float | None = None
    full_exactly: bool = True
    """False where the minute before is not known: the battery was full by then, not at that moment."""
    sun_takes_over_at: float | None = None
    loads: tuple[Load, ...] = ()
    clouds: tuple[Clouds, ...] = ()
    holes: tuple[Hole, ...] = ()


def tell(curve: Curve, start: float, end: float, roles: Sequence[Role], reserve_percent: float | None) -> Story:
    """The story of [start, end). `curve` may begin earlier, so that last evening's load can explain the night."""
    loads = _loads(curve)
    full_at, full_exactly = _full(curve, start, end)
    return Story(
        spells=tuple(spell for spell in _spells(curve, loads, reserve_percent) if spell.end > start),
        full_at=full_at,
        full_exactly=full_exactly,
        sun_takes_over_at=_sun_takes_over(curve, start, end),
        loads=tuple(load for load in loads if load.end > start),
        clouds=clouds(curve, start),
        holes=tuple(_holes(curve, start, end, roles)),
    )


def _at(curve: Curve, minute: int) -> float:
    return curve.start + minute * MINUTE_S


def _minute(curve: Curve, ts: float) -> int:
    return max(0, round((ts - curve.start) / MINUTE_S))


def _loads(curve: Curve) -> list[Load]:
    use = curve.means(Role.CONSUMPTION)
    base = quantile(use, 0.25)
    if base is None:
        return []
    limit = max(2 * base, base + _LOAD_EXTRA_W)
    runs = stretches([w is not None and w > limit for w in use], _LOAD_MERGE_MINUTES, _LOAD_MIN_MINUTES)
    loads = [_load(curve, use, run) for run in runs if None not in use[slice(*run)]]
    return [load for load in loads if load.wh >= _LOAD_MIN_WH]


def _load(curve: Curve, use: Minutes, run: Stretch) -> Load:
    return Load(_at(curve, run[0]), _at(curve, run[1]), energy_wh(use[slice(*run)]))


def _spells(curve: Curve, loads: Sequence[Load], reserve_percent: float | None) -> list[Spell]:
    low = [flag is True for flag in at_reserve(curve, reserve_percent)]
    charge, limits = curve.means(Role.STATE_OF_CHARGE), reserve_percents(curve, reserve_percent)
    spells = []
    for first, last in stretches(low, _RESERVE_MERGE_MINUTES, _RESERVE_MIN_MINUTES):
        began = first > 0 and charge[first - 1] is not None
        ended = last < len(low) and charge[last] is not None
        # A battery that was empty when the minutes begin was emptied by something they do not show.
        cause = _cause(curve, loads, first) if began else None
        under = _under(charge[first:last], limits[first:last])
        spells.append(Spell(_at(curve, first), _at(curve, last), began, ended, cause, under))
    return spells


def _under(charge: Minutes, limits: Minutes) -> float | None:
    pairs = [(p, limit) for p, limit in zip(charge, limits, strict=True) if p is not None and limit is not None]
    under = [percent for percent, limit in pairs if percent <= limit - _UNDER_RESERVE_PERCENT]
    return min(under, default=None)


def _cause(curve: Curve, loads: Sequence[Load], empty: int) -> Load | None:
    """The big load with the most energy since the last daylight, else all the house used since then."""
    use, sun = curve.means(Role.CONSUMPTION), curve.means(Role.PRODUCTION)
    light = [i for i, w in enumerate(sun[:empty]) if w is not None and w > DARK_W]
    dusk = light[-1] + 1 if light else 0
    empty_at = _at(curve, empty)
    before = [
        _until(curve, use, load, empty_at) for load in loads if load.start < empty_at and load.end > _at(curve, dusk)
    ]
    biggest = max(before, key=lambda load: load.wh, default=None)
    if biggest is not None and biggest.wh >= _BLAME_SHARE * energy_wh(use[dusk:empty]):
        return biggest
    if not light or not use or empty - dusk < _LOAD_MIN_MINUTES or None in use[dusk:empty]:
        return None
    return replace(_load(curve, use, (dusk, empty)), big=False, from_percent=curve.means(Role.STATE_OF_CHARGE)[dusk])


def _until(curve: Curve, use: Minutes, load: Load, end: float) -> Load:
    return load if load.end <= end else _load(curve, use, (_minute(curve, load.start), _minute(curve, end)))


def _full(curve: Curve, start: float, end: float) -> tuple[float | None, bool]:
    """When the battery became full, after it was not, and whether the minute before was seen."""
    charge = curve.means(Role.STATE_OF_CHARGE)
    armed = False
    for index, percent in enumerate(charge):
        if percent is None:
            continue
        armed = armed or percent < _NOT_FULL_PERCENT
        if armed and percent >= _FULL_PERCENT:
            if start <= _at(curve, index) < end:
                return _at(curve, index), charge[index - 1] is not None
            armed = False
    return None, True


def _sun_takes_over(curve: Curve, start: float, end: float) -> float | None:
    """The first moment from which production covers the house, after it was seen not to."""
    use, sun = curve.means(Role.CONSUMPTION), curve.means(Role.PRODUCTION)
    first, last = _minute(curve, start), min(_minute(curve, end), len(use), len(sun))
    covered_before = True
    for index in range(first, last - _TAKEOVER_MINUTES):
        power, load = sun[index : index + _TAKEOVER_MINUTES], use[index : index + _TAKEOVER_MINUTES]
        if None in power or None in load:
            covered_before = True
            continue
        covers = _covers(power, load) and max(known(power)) > DARK_W
        if covers and not covered_before and _covers(sun[index:last][:_TAKEOVER_LASTS], use[index:last]):
            crossing = (i for i in range(index, index + _TAKEOVER_MINUTES) if (sun[i] or 0.0) >= (use[i] or 0.0))
            return _at(curve, next(crossing, index))
        covered_before = covers
    return None


def _covers(sun: Minutes, use: Minutes) -> bool:
    pairs = [(p, w) for p, w in zip(sun, use, strict=False) if p is not None and w is not None]
    return sum(p for p, _ in pairs) >= sum(w for _, w in pairs)


def _holes(curve: Curve, start: float, end: float, roles: Sequence[Role]) -> list[Hole]:
    """Stretches of half an hour or more in which at least one configured power or gauge is not known."""
    wanted = [role for role in roles if role is not Role.BACKUP_BUFFER]
    first, last = _minute(curve, start), _minute(curve, end)
    columns = {role: curve.means(role)[first:last] for role in wanted}
    missing = {role: stretches([v is None for v in column], 0, _HOLE_MINUTES) for role, column in columns.items()}
    union = [any(a <= i < b for runs in missing.values() for a, b in runs) for i in range(last - first)]
    holes = []
    for a, b in stretches(union):
        roles_out = tuple(role for role, runs in missing.items() if any(x < b and y > a for x, y in runs))
        hole = Hole(start + a * MINUTE_S, start + b * MINUTE_S, roles_out)
        holes.append(replace(hole, frozen=_stood_still(curve, hole)))
    return holes


def _stood_still(curve: Curve, hole: Hole) -> bool:
    """Whether most of a hole is a stretch of repeated values."""
    still = sum(max(0.0, min(hole.end, last) - max(hole.start, first)) for first, last in curve.frozen)
    return still > 0.5 * (hole.end - hole.start)
