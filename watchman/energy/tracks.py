"""From the series a selector gives to one clean series per device.

One battery may come as several series: an exporter that puts a state into a label starts a new series at every change,
a moved container changes `instance`. Two batteries come as two series that live at the same time.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from operator import lt

from watchman.energy.integrate import measured_limit_s
from watchman.energy.slots import GAUGES, Role
from watchman.series import Labels, Series

# What inverters and meters answer when they have no value (largest and smallest 16 and 32 bit integers).
_SENTINELS = frozenset((-32768.0, 32767.0, 65535.0, -2147483648.0, 2147483647.0, 4294967295.0))
# No home moves a megawatt; -1e6 is a sentinel too.
_POWER_LIMIT_W = 1e6
# An inverter draws some watts at night. More than this is a wrong sign, and a wrong sign must not become zero.
_SMALL_NEGATIVE_W = -100.0
_SHARED_STAMPS = 0.1


@dataclass(frozen=True, slots=True)
class Track:
    """Samples of one device: unix seconds strictly ascending, values finite."""

    times: list[float]
    values: list[float]


def tracks(role: Role, series: Sequence[Series]) -> list[Track]:
    """Clean series, one per device; series of one device are merged into one."""
    groups: list[list[Series]] = []
    cleaned = (_cleaned(role, one) for one in series)
    for one in sorted((s for s in cleaned if s.times), key=lambda s: (s.times[0], sorted(s.labels.items()))):
        home = next((group for group in groups if all(not _distinct(member, one) for member in group)), None)
        if home is None:
            groups.append([one])
        else:
            home.append(one)
    return [_merged(group) for group in groups]


def _cleaned(role: Role, series: Series) -> Series:
    """Without NaN, infinities, sentinels and impossible values; tiny negatives are zero; stamps strictly ascending."""
    if _all_plausible(role, series):
        return series
    times: list[float] = []
    values: list[float] = []
    for ts, raw in sorted(zip(series.times, series.values, strict=True), key=lambda pair: pair[0]):
        value = _plausible(role, raw)
        if value is not None and (not times or ts > times[-1]):
            times.append(ts)
            values.append(value)
    return Series(series.labels, times, values)


def _all_plausible(role: Role, series: Series) -> bool:
    """The usual case, told without a Python loop: a day of 1 s samples is checked in milliseconds."""
    values, times = series.values, series.times
    if not values or not isfinite(sum(values)):
        return False
    low, high = min(values), max(values)
    unsigned = role in GAUGES or role in (Role.PRODUCTION, Role.CONSUMPTION)
    return (
        low >= (0.0 if unsigned else -_POWER_LIMIT_W + 1)
        and high <= (100.0 if role in GAUGES else _POWER_LIMIT_W - 1)
        and _SENTINELS.isdisjoint(values)
        and all(map(lt, times, times[1:]))
    )


def _plausible(role: Role, value: float) -> float | None:
    if not isfinite(value) or abs(value) >= _POWER_LIMIT_W or value in _SENTINELS:
        return None
    if role in GAUGES:
        return min(max(value, 0.0), 100.0) if -1.0 <= value <= 101.0 else None
    if role in (Role.PRODUCTION, Role.CONSUMPTION) and value < 0:
        return 0.0 if value >= _SMALL_NEGATIVE_W else None
    return value


def _distinct(a: Series, b: Series) -> bool:
    """Whether two series are two devices: they live at the same time and nothing says that they are one."""
    if not _overlap(_runs(a.times), _runs(b.times)):
        return False
    if not _same_device(a.labels, b.labels):
        return True
    # One target's scrape gives all its series one stamp, so series that share stamps are two things it measures.
    shared = len(set(a.times) & set(b.times))
    return shared > _SHARED_STAMPS * min(len(a.times), len(b.times))


def _same_device(a: Labels, b: Labels) -> bool:
    for name in ("sn", "host"):
        if a.get(name) and b.get(name):
            return a[name] == b[name]
    return a.get("instance") == b.get("instance") and a.get("job") == b.get("job")


def _runs(times: Sequence[float]) -> list[tuple[float, float]]:
    """Stretches in which a series lived, without its longer silences."""
    limit = measured_limit_s(times)
    runs = [(times[0], times[0])]
    for ts in times[1:]:
        if ts - runs[-1][1] <= limit:
            runs[-1] = (runs[-1][0], ts)
        else:
            runs.append((ts, ts))
    return runs


def _overlap(a: list[tuple[float, float]], b: list[tuple[float, float]]) -> bool:
    starts = [start for start, _ in b]
    for start, end in a:
        at = bisect_right(starts, end) - 1
        if at >= 0 and b[at][1] >= start:
            return True
    return False


def _merged(group: Sequence[Series]) -> Track:
    if len(group) == 1:
        return Track(group[0].times, group[0].values)
    joined: dict[float, float] = {}
    for one in group:
        for ts, value in zip(one.times, one.values, strict=True):
            joined.setdefault(ts, value)
    times = sorted(joined)
    return Track(times, [joined[ts] for ts in times])
