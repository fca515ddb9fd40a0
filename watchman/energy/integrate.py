"""Energy from irregular power samples: trapezoids on the real time stamps, cut into bins of equal length.

Prometheus samples are uneven and have holes, so neither `avg_over_time(x[24h]) * 24` nor `sum * step` gives energy.
Here a straight line joins two samples; a stretch without samples up to 30 minutes long is bridged by that line, a
longer one is left out. What is bridged beyond three usual intervals (60 s at least) counts as estimated, not measured.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from operator import add, mul, sub
from statistics import median

BRIDGE_LIMIT_S = 1800.0
MEASURED_LIMIT_MIN_S = 60.0
# Millisecond stamps as floats: 1800 s between two of them may read as 1800.0000002.
_STAMP_ERROR_S = 0.001
_HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Bins:
    """Integrals of one signed quantity over bins of `step_s` seconds from `start` (unix s); all lists of one length.

    `above_wh` and `below_wh` are the energies on either side of zero, both >= 0. `measured_s` and `estimated_s` say how
    much of the bin they cover. `high` and `low` are the extreme samples of the bin, None where it has none.
    """

    start: float
    step_s: float
    above_wh: list[float]
    below_wh: list[float]
    measured_s: list[float]
    estimated_s: list[float]
    high: list[float | None]
    high_at: list[float | None]
    low: list[float | None]
    low_at: list[float | None]

    def __len__(self) -> int:
        return len(self.above_wh)

    def covered_s(self, index: int) -> float:
        """Seconds of a bin that were measured or bridged."""
        return self.measured_s[index] + self.estimated_s[index]

    def then(self, later: Bins) -> Bins:
        """These bins and the later ones that begin where they end, as one."""
        return Bins(
            self.start,
            self.step_s,
            self.above_wh + later.above_wh,
            self.below_wh + later.below_wh,
            self.measured_s + later.measured_s,
            self.estimated_s + later.estimated_s,
            self.high + later.high,
            self.high_at + later.high_at,
            self.low + later.low,
            self.low_at + later.low_at,
        )

    def mean(self, index: int) -> float | None:
        """Signed mean of a bin over its covered seconds, None where there are none."""
        covered = self.covered_s(index)
        if covered <= 0:
            return None
        return (self.above_wh[index] - self.below_wh[index]) * _HOUR_S / covered


def empty_bins(start: float, end: float, step_s: float) -> Bins:
    """Bins of [start, end) that know nothing."""
    n = round((end - start) / step_s)
    sums = [[0.0] * n for _ in range(4)]
    extremes: list[list[float | None]] = [[None] * n for _ in range(4)]
    return Bins(start, step_s, sums[0], sums[1], sums[2], sums[3], *extremes)


def measured_limit_s(times: Sequence[float]) -> float:
    """The longest stretch between two samples that still counts as measured: max(3 x median interval, 60 s)."""
    if len(times) < 2:
        return MEASURED_LIMIT_MIN_S
    intervals: list[float] = list(map(sub, times[1:], times))
    return max(3 * median(intervals), MEASURED_LIMIT_MIN_S)


def integrate(times: Sequence[float], values: Sequence[float], start: float, end: float, step_s: float) -> Bins:
    """Integrate samples over the bins of [start, end); `end - start` is a multiple of `step_s`.

    `times` are unix seconds, strictly ascending, `values` finite. Hand in at least one sample before `start` and one
    after `end` (within half an hour): the value at an edge is taken from the line between its neighbours.
    """
    bins = empty_bins(start, end, step_s)
    limit = measured_limit_s(times)
    first = bisect_left(times, start)
    if 0 < first < len(times):
        _add_segment(bins, times, values, first - 1, limit)
    for index in range(len(bins)):
        behind = bisect_left(times, start + (index + 1) * step_s, first)
        if behind > first:
            _add_inside(bins, index, times[first:behind], values[first:behind], limit)
            if behind < len(times):
                _add_segment(bins, times, values, behind - 1, limit)
            first = behind
    return bins


def _add_inside(bins: Bins, index: int, times: Sequence[float], values: Sequence[float], limit: float) -> None:
    """Add the stretches between samples of one bin. The whole run goes through C-speed sums where nothing is odd."""
    low, high = min(values), max(values)
    bins.low[index], bins.low_at[index] = low, times[values.index(low)]
    bins.high[index], bins.high_at[index] = high, times[values.index(high)]
    length = times[-1] - times[0]
    if length <= limit and (low >= 0 or high <= 0):
        area = sum(map(mul, map(sub, times[1:], times), map(add, values[1:], values))) / 2 / _HOUR_S
        bins.above_wh[index] += max(area, 0.0)
        bins.below_wh[index] += max(-area, 0.0)
        bins.measured_s[index] += length
    else:
        for i in range(len(times) - 1):
            _add_segment(bins, times, values, i, limit)


def _add_segment(bins: Bins, times: Sequence[float], values: Sequence[float], i: int, limit: float) -> None:
    """Add the line from sample `i` to the next one to every bin it touches."""
    t0, t1, v0, v1 = times[i], times[i + 1], values[i], values[i + 1]
    gap = t1 - t0
    if gap > BRIDGE_LIMIT_S + _STAMP_ERROR_S:
        return
    seconds = bins.measured_s if gap <= limit + _STAMP_ERROR_S else bins.estimated_s
    slope = (v1 - v0) / gap
    left, stop = max(t0, bins.start), min(t1, bins.start + len(bins) * bins.step_s)
    index = int((left - bins.start) // bins.step_s)
    while left < stop and index < len(bins):
        right = min(stop, bins.start + (index + 1) * bins.step_s)
        above, below = split_areas(v0 + slope * (left - t0), v0 + slope * (right - t0), right - left)
        bins.above_wh[index] += above / _HOUR_S
        bins.below_wh[index] += below / _HOUR_S
        seconds[index] += right - left
        left, index = right, index + 1


def split_areas(first: float, last: float, length: float) -> tuple[float, float]:
    """Areas above and below zero, both >= 0, under the line from `first` to `last` over `length` seconds."""
    if first >= 0 and last >= 0:
        return (first + last) / 2 * length, 0.0
    if first <= 0 and last <= 0:
        return 0.0, -(first + last) / 2 * length
    before = first / (first - last) * length
    if first > 0:
        return first * before / 2, -last * (length - before) / 2
    return last * (length - before) / 2, -first * before / 2
