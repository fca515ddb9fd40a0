"""Energy from irregular power samples: trapezoids on the real time stamps, cut into bins of equal length.

Prometheus samples are uneven and have holes, so neither `avg_over_time(x[24h]) * 24` nor `sum * step` gives energy.
Here a straight line joins two samples; a stretch without samples up to 30 minutes long is bridged by that line, a
longer one is left out. What is bridged beyond three usual intervals (60 s at least) counts as estimated, not measured.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

BRIDGE_LIMIT_S = 1800.0
MEASURED_LIMIT_MIN_S = 60.0
# Millisecond stamps as floats: 1800 s between two of them may read as 1800.0000002.
STAMP_ERROR_S = 0.001
HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Bins:
    """Integrals of one signed quantity over bins of `step_s` seconds from `start` (unix s); all arrays of one length.

    `above_wh` and `below_wh` are the energies on either side of zero, both >= 0. `measured_s` and `estimated_s` say how
    much of the bin they cover, `counter_s` how much of that has its energy from a counter. `high` and `low` are the
    extreme samples of the bin with their times, NaN where it has none.
    """

    start: float
    step_s: float
    above_wh: Array
    below_wh: Array
    measured_s: Array
    estimated_s: Array
    counter_s: Array
    high: Array
    high_at: Array
    low: Array
    low_at: Array

    def __len__(self) -> int:
        return len(self.above_wh)

    @property
    def end(self) -> float:
        """Unix seconds."""
        return self.start + len(self) * self.step_s

    @property
    def edges(self) -> Array:
        """Where the bins begin, and where the last one ends."""
        return self.start + self.step_s * np.arange(len(self) + 1, dtype=np.float64)

    @property
    def covered_s(self) -> Array:
        """Seconds of each bin that were measured or bridged."""
        return self.measured_s + self.estimated_s

    def then(self, later: Bins) -> Bins:
        """These bins and the later ones that begin where they end, as one."""
        joined = [np.concatenate(pair) for pair in zip(self.columns(), later.columns(), strict=True)]
        return Bins(self.start, self.step_s, *joined)

    def within(self, start: float, end: float) -> Bins:
        """The bins of [start, end), which lies inside and on their edges."""
        first, last = (round((at - self.start) / self.step_s) for at in (start, end))
        return Bins(start, self.step_s, *(column[first:last] for column in self.columns()))

    def columns(self) -> tuple[Array, ...]:
        """The arrays, in the order of the fields."""
        sums = self.above_wh, self.below_wh, self.measured_s, self.estimated_s, self.counter_s
        return *sums, self.high, self.high_at, self.low, self.low_at

    def means(self) -> list[float | None]:
        """Signed mean of each bin over its covered seconds, None where there are none."""
        covered = self.covered_s
        known = covered > 0
        # A gauge that shows 99 must not read as 98.99999999999999.
        means = np.round((self.above_wh - self.below_wh) * HOUR_S / np.where(known, covered, 1.0), 9)
        return [mean if there else None for mean, there in zip(means.tolist(), known.tolist(), strict=True)]


def empty_bins(start: float, end: float, step_s: float) -> Bins:
    """Bins of [start, end) that know nothing."""
    n = round((end - start) / step_s)
    sums = [np.zeros(n) for _ in range(5)]
    return Bins(start, step_s, *sums, *(np.full(n, np.nan) for _ in range(4)))


def measured_limit_s(times: ArrayLike) -> float:
    """The longest stretch between two samples that still counts as measured: max(3 x median interval, 60 s)."""
    stamps = np.asarray(times, float)
    if len(stamps) < 2:
        return MEASURED_LIMIT_MIN_S
    return max(3 * float(np.median(np.diff(stamps))), MEASURED_LIMIT_MIN_S)


def integrate(times: ArrayLike, values: ArrayLike, start: float, end: float, step_s: float) -> Bins:
    """Integrate samples over the bins of [start, end); `end - start` is a multiple of `step_s`.

    `times` are unix seconds, strictly ascending, `values` finite. Hand in at least one sample before `start` and one
    after `end` (within half an hour): the value at an edge is taken from the line between its neighbours.
    """
    bins = empty_bins(start, end, step_s)
    stamps, powers = np.asarray(times, float), np.asarray(values, float)
    if len(bins) and len(stamps):
        _add_extremes(bins, stamps, powers)
        _add_lines(bins, stamps, powers)
    return bins


def split_areas(first: ArrayLike, last: ArrayLike, length: ArrayLike) -> tuple[Array, Array]:
    """Areas above and below zero, both >= 0, under the lines from `first` to `last` over `length` seconds."""
    a, b, width = (np.asarray(one, float) for one in (first, last, length))
    whole = (a + b) * (width / 2)
    high, low = np.maximum(a, b), np.minimum(a, b)
    crosses = (high > 0) & (low < 0)
    above = np.maximum(whole, 0.0)
    if crosses.any():
        # A line that crosses zero has a triangle on either side.
        above = np.where(crosses, high * high / (2 * np.where(crosses, high - low, 1.0)) * width, above)
    return above, np.maximum(above - whole, 0.0)


def _add_lines(bins: Bins, stamps: Array, powers: Array) -> None:
    """Add the line from each sample to the next one to every bin it touches."""
    edges, n = bins.edges, len(stamps)
    cuts = np.concatenate((stamps, edges))
    order = np.argsort(cuts, kind="stable")
    is_edge = order >= n
    first, after = np.flatnonzero(is_edge)[[0, -1]]
    lengths = np.diff(cuts[order])[first:after]
    heights = np.concatenate((powers, np.interp(edges, stamps, powers)))[order][first : after + 1]
    index = np.cumsum(is_edge)[first:after] - 1
    # Before the first sample and after the last one there is a gap without end.
    gaps = np.append(np.diff(stamps), np.inf)[np.cumsum(~is_edge)[first:after] - 1]
    bridged = gaps <= BRIDGE_LIMIT_S + STAMP_ERROR_S
    near = gaps <= measured_limit_s(stamps) + STAMP_ERROR_S
    above, below = split_areas(heights[:-1], heights[1:], lengths)
    for column, amounts, there in (
        (bins.above_wh, above / HOUR_S, bridged),
        (bins.below_wh, below / HOUR_S, bridged),
        (bins.measured_s, lengths, bridged & near),
        (bins.estimated_s, lengths, bridged & ~near),
    ):
        np.add(column, np.bincount(index, amounts * there, len(bins)), out=column)


def _add_extremes(bins: Bins, stamps: Array, powers: Array) -> None:
    """The highest and the lowest sample of each bin, the first of equal ones."""
    inside = slice(*np.searchsorted(stamps, (bins.start, bins.end)))
    times, values = stamps[inside], powers[inside]
    if not len(times):
        return
    index = np.searchsorted(bins.edges, times, "right") - 1
    firsts = np.flatnonzero(np.diff(index, prepend=-1))
    counts = np.diff(firsts, append=len(times))
    for extreme, column, at in ((np.maximum, bins.high, bins.high_at), (np.minimum, bins.low, bins.low_at)):
        found = extreme.reduceat(values, firsts)
        hits = np.flatnonzero(values == np.repeat(found, counts))
        hits = hits[np.flatnonzero(np.diff(index[hits], prepend=-1))]
        column[index[firsts]], at[index[hits]] = found, times[hits]
