"""From the series a selector gives to one clean series per device.

One battery may come as several series: an exporter that puts a state into a label starts a new series at every change,
a moved container changes `instance`. Two batteries come as two series that live at the same time.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from watchman.energy.integrate import Array, measured_limit_s
from watchman.energy.slots import GAUGES, Role
from watchman.series import Labels

# What inverters and meters answer when they have no value (largest and smallest 16 and 32 bit integers).
_SENTINELS = (-32768.0, 32767.0, 65535.0, -2147483648.0, 2147483647.0, 4294967295.0)
# No home moves a megawatt; -1e6 is a sentinel too.
_POWER_LIMIT_W = 1e6
# An inverter draws some watts at night. More than this is a wrong sign, and a wrong sign must not become zero.
_SMALL_NEGATIVE_W = -100.0
_SHARED_STAMPS = 0.1


class Sampled(Protocol):
    """Samples of one series: `watchman.series.Series`, or the same with arrays."""

    @property
    def labels(self) -> Labels:
        """Label names and values."""

    @property
    def times(self) -> ArrayLike:
        """Unix seconds."""

    @property
    def values(self) -> ArrayLike:
        """As many values."""


@dataclass(frozen=True, slots=True)
class Track:
    """Samples of one device: unix seconds strictly ascending, values finite."""

    times: Array
    values: Array


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Samples of one series, times strictly ascending."""

    labels: Labels
    times: Array
    values: Array


def tracks(role: Role, series: Sequence[Sampled]) -> list[Track]:
    """Clean series, one per device; series of one device are merged into one."""
    return [_merged(group) for group in by_device([_cleaned(role, one) for one in series])]


def by_device(series: Sequence[Cleaned]) -> list[list[Cleaned]]:
    """Series by device: those that live one after the other, or that are named alike, are one."""
    groups: list[list[Cleaned]] = []
    for one in sorted((s for s in series if len(s.times)), key=lambda s: (s.times[0], sorted(s.labels.items()))):
        home = next((group for group in groups if all(not _distinct(member, one) for member in group)), None)
        if home is None:
            groups.append([one])
        else:
            home.append(one)
    return groups


def _cleaned(role: Role, series: Sampled) -> Cleaned:
    """Without NaN, infinities, sentinels and impossible values; tiny negatives are zero; stamps strictly ascending."""
    good, values = _plausible(role, np.asarray(series.values, float))
    times, values = np.asarray(series.times, float)[good], values[good]
    if len(times) > 1 and not (np.diff(times) > 0).all():
        # Of samples with one stamp the first counts.
        times, firsts = np.unique(times, return_index=True)
        values = values[firsts]
    return Cleaned(series.labels, times, values)


def _plausible(role: Role, values: Array) -> tuple[NDArray[np.bool_], Array]:
    """Which values can be true, and the values with those that are a little beyond their range put right."""
    if role in GAUGES:
        return (values >= -1.0) & (values <= 101.0), np.clip(values, 0.0, 100.0)
    good = (np.abs(values) < _POWER_LIMIT_W) & ~np.isin(values, _SENTINELS)
    if role in (Role.PRODUCTION, Role.CONSUMPTION):
        return good & (values >= _SMALL_NEGATIVE_W), np.maximum(values, 0.0)
    return good, values


def _distinct(a: Cleaned, b: Cleaned) -> bool:
    """Whether two series are two devices: they live at the same time and nothing says that they are one."""
    if not _overlap(_runs(a.times), _runs(b.times)):
        return False
    if not _same_device(a.labels, b.labels):
        return True
    # One target's scrape gives all its series one stamp, so series that share stamps are two things it measures.
    shared = len(np.intersect1d(a.times, b.times, assume_unique=True))
    return shared > _SHARED_STAMPS * min(len(a.times), len(b.times))


def _same_device(a: Labels, b: Labels) -> bool:
    for name in ("sn", "host"):
        if a.get(name) and b.get(name):
            return a[name] == b[name]
    return a.get("instance") == b.get("instance") and a.get("job") == b.get("job")


def _runs(times: Array) -> list[tuple[float, float]]:
    """Stretches in which a series lived, without its longer silences."""
    breaks = np.flatnonzero(np.diff(times) > measured_limit_s(times))
    firsts = np.concatenate(([0], breaks + 1))
    lasts = np.concatenate((breaks, [len(times) - 1]))
    return list(zip(times[firsts].tolist(), times[lasts].tolist(), strict=True))


def _overlap(a: list[tuple[float, float]], b: list[tuple[float, float]]) -> bool:
    starts = [start for start, _ in b]
    for start, end in a:
        at = bisect_right(starts, end) - 1
        if at >= 0 and b[at][1] >= start:
            return True
    return False


def _merged(group: Sequence[Cleaned]) -> Track:
    if len(group) == 1:
        return Track(group[0].times, group[0].values)
    stamps, values = (np.concatenate([getattr(one, name) for one in group]) for name in ("times", "values"))
    times, firsts = np.unique(stamps, return_index=True)
    return Track(times, values[firsts])
