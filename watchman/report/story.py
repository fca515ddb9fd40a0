"""What happened on a day, read from its minutes: when the battery was at its reserve and why, when it was full, which
loads were big, when clouds came, when data is missing. Nothing is told that the minutes do not show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from watchman.energy.curve import MINUTE_S, Curve, at_reserve
from watchman.energy.slots import Role
from watchman.report.minutes import Minutes, Stretch, energy_wh, known, mean, quantile, rolling, stretches

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
_DARK_W = 100.0
# Clouds: production falls below 45 % of the highest within 20 minutes, from above 75 %, at least three times.
_CLOUD_HALF_WINDOW = 20
_CLOUD_HIGH, _CLOUD_LOW, _CLOUD_DROPS = 0.75, 0.45, 3
_CLOUD_MERGE_MINUTES = 60
_CLOUD_LEAST_SHARE = 0.2
_TAKEOVER_MINUTES = 20


@dataclass(frozen=True, slots=True)
class Load:
    """The house's use over a stretch (unix s). `big`: it stands out; else it is all the house used since dusk."""

    start: float
    end: float
    wh: float
    big: bool = True

    @property
    def mean_w(self) -> float:
        """Mean power."""
        return self.wh * 3600 / (self.end - self.start)


@dataclass(frozen=True, slots=True)
class Spell:
    """The battery at its reserve. `ended` is False if it still was when the minutes end; `cause` emptied it."""

    start: float
    end: float
    ended: bool
    cause: Load | None


@dataclass(frozen=True, slots=True)
class Clouds:
    """Production swinging within minutes between about `low_w` and `high_w`."""

    start: float
    end: float
    low_w: float
    high_w: float


@dataclass(frozen=True, slots=True)
class Hole:
    """A stretch in which some configured roles have no data."""

    start: float
    end: float
    roles: tuple[Role, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """What happened in [start, end); every part is empty or None where nothing was seen."""

    spells: tuple[Spell, ...] = ()
    full_at: float | None = None
    full_exactly: bool = True
    """False where the minute before is not known: the battery was full by then, not at that moment."""
    sun_takes_over_at: float | None = None
    loads: tuple[Load, ...] = ()
    clouds: Clouds | None = None
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
        clouds=_clouds(curve, start),
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


def _load(curve: Curve, use: Minutes, run: Stretch, *, big: bool = True) -> Load:
    return Load(_at(curve, run[0]), _at(curve, run[1]), energy_wh(use[slice(*run)]), big)


def _spells(curve: Curve, loads: Sequence[Load], reserve_percent: float | None) -> list[Spell]:
    low = [flag is True for flag in at_reserve(curve, reserve_percent)]
    unknown = [percent is None for percent in curve.means(Role.STATE_OF_CHARGE)]
    spells = []
    for first, last in stretches(low, _RESERVE_MERGE_MINUTES, _RESERVE_MIN_MINUTES):
        ended = last < len(low) and not unknown[last]
        # A battery that was empty when the minutes begin was emptied by something they do not show.
        cause = _cause(curve, loads, first) if first > 0 and not unknown[first - 1] else None
        spells.append(Spell(_at(curve, first), _at(curve, last), ended, cause))
    return spells


def _cause(curve: Curve, loads: Sequence[Load], empty: int) -> Load | None:
    """The big load with the most energy since the last daylight, else all the house used since then."""
    use, sun = curve.means(Role.CONSUMPTION), curve.means(Role.PRODUCTION)
    light = [i for i, w in enumerate(sun[:empty]) if w is not None and w > _DARK_W]
    dusk = light[-1] + 1 if light else 0
    empty_at = _at(curve, empty)
    before = [
        _until(curve, use, load, empty_at) for load in loads if load.start < empty_at and load.end > _at(curve, dusk)
    ]
    if before:
        return max(before, key=lambda load: load.wh)
    if not light or not use or empty - dusk < _LOAD_MIN_MINUTES or None in use[dusk:empty]:
        return None
    return _load(curve, use, (dusk, empty), big=False)


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
    """The first moment from which production covers the house for twenty minutes, after it did not."""
    use, sun = curve.means(Role.CONSUMPTION), curve.means(Role.PRODUCTION)
    first, last = _minute(curve, start), min(_minute(curve, end), len(use), len(sun))
    covered_before = True
    for index in range(first, last - _TAKEOVER_MINUTES):
        window = slice(index, index + _TAKEOVER_MINUTES)
        power, load = mean(sun[window]), mean(use[window])
        covers = power is not None and load is not None and power >= load and power > _DARK_W
        if covers and not covered_before:
            crossing = (i for i in range(index, index + _TAKEOVER_MINUTES) if (sun[i] or 0.0) >= (use[i] or 0.0))
            return _at(curve, next(crossing, index))
        covered_before = covers
    return None


def _clouds(curve: Curve, start: float) -> Clouds | None:
    """The longest stretch of at least three quick falls of the production."""
    sun = curve.means(Role.PRODUCTION)[_minute(curve, start) :]
    top = max(known(sun), default=0.0)
    if top <= _DARK_W:
        return None
    marks = [False] * len(sun)
    for fall, low in _falls(sun, _CLOUD_LEAST_SHARE * top):
        marks[fall] = marks[low] = True
    groups = [run for run in stretches(marks, _CLOUD_MERGE_MINUTES) if _count_falls(marks, run) >= _CLOUD_DROPS]
    if not groups:
        return None
    first, last = max(groups, key=lambda run: run[1] - run[0])
    low_w, high_w = quantile(sun[first:last], 0.1), quantile(sun[first:last], 0.95)
    if low_w is None or high_w is None:
        return None
    return Clouds(start + first * MINUTE_S, start + last * MINUTE_S, low_w, high_w)


def _count_falls(marks: Sequence[bool], run: Stretch) -> int:
    """Each fall leaves two marks, its beginning and its bottom."""
    return sum(marks[slice(*run)]) // 2


def _falls(sun: Minutes, least_w: float) -> list[Stretch]:
    """Pairs of minutes: production near its envelope, and within fifteen minutes far below it."""
    envelope = rolling(sun, _CLOUD_HALF_WINDOW, max)
    falls: list[Stretch] = []
    high: int | None = None
    for index, (power, top) in enumerate(zip(sun, envelope, strict=True)):
        if power is None or top is None or top < least_w:
            high = None
        elif power > _CLOUD_HIGH * top:
            high = index
        elif power < _CLOUD_LOW * top and high is not None:
            if index - high <= 15:
                falls.append((high, index))
            high = None
    return falls


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
        holes.append(Hole(start + a * MINUTE_S, start + b * MINUTE_S, roles_out))
    return holes
