"""Values that stand still are not measured.

Some exporters repeat the last values while the battery does not answer: the scrapes succeed, the samples look whole,
and the integral of a noon that froze is energy that never flowed. A house's use is never constant, so a stretch in
which every power keeps exactly one value for twenty minutes was not measured. One constant power alone says nothing:
the roof makes 0 W all night, and a battery at its reserve rests for hours. Where the house's power is never seen to
move, as in a profile of hourly means, nothing is called frozen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from watchman.energy.integrate import measured_limit_s
from watchman.energy.slots import Role
from watchman.energy.tracks import Track

# The longest run of one value in recorded live data is one sample at 5 s, and two minutes at one sample a minute.
FROZEN_FROM_S = 1200.0
_POWERS = (Role.CONSUMPTION, Role.GRID_FEED_IN, Role.BATTERY_DISCHARGE, Role.PRODUCTION)
_FEWEST_POWERS = 2
# So long the house must be seen to move before standing still says anything.
_MOVES_FOR_S = 3600.0

Span = tuple[float, float]
"""Unix seconds: the last sample that was measured, the last one that repeats it."""


def frozen_spans(
    tracks: Mapping[Role, Sequence[Track]], *, moves: Callable[[], bool] = lambda: False
) -> tuple[Span, ...]:
    """The stretches of twenty minutes or more in which every power of every device keeps exactly one value.

    The house's consumption must be among at least two powers that have samples, and it must be known to move: seen here
    for an hour, or `moves` says so, which is asked only then.
    """
    powers = [track for role in _POWERS for track in tracks.get(role, ())]
    house = tracks.get(Role.CONSUMPTION, ())
    if not house or sum(bool(tracks.get(role)) for role in _POWERS) < _FEWEST_POWERS:
        return ()
    common = still_spans(powers[0])
    for track in powers[1:]:
        if not common:
            break
        common = _overlaps(common, still_spans(track))
    if common and max(map(_moving_s, house)) < _MOVES_FOR_S and not moves():
        return ()
    return tuple(common)


def still_spans(track: Track) -> list[Span]:
    """Where one series keeps a value for twenty minutes or more; a silence in between ends the stretch."""
    times, values = track.times, track.values
    if not len(times):
        return []
    broken = (np.diff(values) != 0) | (np.diff(times) > measured_limit_s(times))
    firsts = np.concatenate(([0], np.flatnonzero(broken) + 1))
    lasts = np.concatenate((firsts[1:] - 1, [len(times) - 1]))
    still = times[lasts] - times[firsts] >= FROZEN_FROM_S
    return list(zip(times[firsts[still]].tolist(), times[lasts[still]].tolist(), strict=True))


def thawed(track: Track, spans: Sequence[Span]) -> Track:
    """A series without the samples that only repeat an old value."""
    if not spans:
        return track
    kept = np.ones(len(track.times), bool)
    for first, last in spans:
        kept &= (track.times <= first) | (track.times > last)
    return Track(track.times[kept], track.values[kept])


def _moving_s(track: Track) -> float:
    still_s = sum(last - first for first, last in still_spans(track))
    gaps = np.diff(track.times)
    return float(gaps[gaps <= measured_limit_s(track.times)].sum()) - still_s


def _overlaps(a: Sequence[Span], b: Sequence[Span]) -> list[Span]:
    met = [(max(x[0], y[0]), min(x[1], y[1])) for x in a for y in b]
    return [(start, end) for start, end in met if end - start >= FROZEN_FROM_S]
