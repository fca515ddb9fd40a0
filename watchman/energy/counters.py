"""Energy counters: what a meter counted by itself, put beside what the power's samples say.

Between two readings a counter knows the energy exactly, however the power moved, but not when it flowed; the power's
samples know when. So where both tell the same within a quarter, the counter gives the amount and the power its shape.
Where the power was not measured, the counter's growth fills the hole. A counter that is read and stands still while
the power is missing has lost its source as well: it proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from watchman.energy.integrate import HOUR_S, Array, Bins, measured_limit_s
from watchman.energy.slots import Flow
from watchman.energy.tracks import Cleaned, Sampled, by_device

# What no home's connection carries. A greater step is another meter.
MOST_W = 100_000.0
# Some meters show whole kWh only: one step may come from one scrape to the next.
_COARSEST_STEP_WH = 1000.0
# A dip to less than this share of the last value is a counter that began anew; a smaller one is rounding.
_RESET_SHARE = 0.9
# Counters may differ from the sum of the samples by this factor; beyond it they count something else, or stood still.
_LEAST_RATIO, _MOST_RATIO = 0.8, 1.25
_LEAST_DIFFERENCE_WH = 100.0
_DENSE, _HOLE, _MIXED = "all measured", "all hole", "mixed"
# Pieces are joined up to this length: a reading's moment is known to one scrape only, which over hours says nothing.
_SPAN_S = {_DENSE: 6 * 3600.0, _HOLE: 900.0, _MIXED: 0.0}
_FULL_MINUTE_S = 59.0


@dataclass(frozen=True, slots=True)
class CounterOf:
    """The series of one flow's counter, and how many Wh one of its unit is."""

    series: Sequence[Sampled]
    wh_per_unit: float


@dataclass(frozen=True, slots=True)
class Run:
    """Readings of one counter between two changes of the meter: unix seconds ascending, Wh that never fall."""

    times: Array
    wh: Array

    def at(self, ts: float) -> float:
        """The last reading up to a moment inside."""
        return float(self.wh[max(int(np.searchsorted(self.times, ts, "right")) - 1, 0)])


@dataclass(frozen=True, slots=True)
class Compared:
    """What a counter and the power's samples tell of the same minutes, and the counter's smallest step; all in Wh."""

    counted_wh: float
    flown_wh: float
    step_wh: float

    @property
    def differ(self) -> bool:
        """Whether they cannot be the same energy: beyond any tolerance of meters and the counter's own steps."""
        if abs(self.counted_wh - self.flown_wh) <= max(2 * self.step_wh, _LEAST_DIFFERENCE_WH):
            return False
        return not _LEAST_RATIO * self.flown_wh <= self.counted_wh <= _MOST_RATIO * self.flown_wh


@dataclass(frozen=True, slots=True)
class _Told:
    """What a counter says of the minutes: their energy, where it was told at all, and where it was read densely."""

    wh: Array
    told: NDArray[np.bool_]
    read: NDArray[np.bool_]


def runs(counter: CounterOf) -> list[Run]:
    """The readings as Wh since the first one, cut where a meter was replaced; several devices are added up."""
    devices = [_device_runs(group, counter.wh_per_unit) for group in by_device([_readings(s) for s in counter.series])]
    if not devices:
        return []
    total = devices[0]
    for device in devices[1:]:
        total = [both for a in total for b in device if (both := _sum(a, b)) is not None]
    return total


def told(bins: Bins, flows: Sequence[Flow], counters: Mapping[Flow, CounterOf]) -> Bins:
    """The minutes of a role with what the counters of its flows tell; unchanged where they tell nothing.

    A hole of a signed role is filled only where both its directions are counted.
    """
    if not any(flow in counters for flow in flows):
        return bins
    columns = [bins.above_wh, bins.below_wh][: len(flows)]
    answers = [_ask(bins, wh, counters.get(flow)) for wh, flow in zip(columns, flows, strict=True)]
    known = bins.measured_s >= _FULL_MINUTE_S
    together = np.logical_and.reduce([answer.told for answer in answers])
    filled = together & ~known
    merged = [
        np.where(filled | (answer.told & known), answer.wh, wh) for answer, wh in zip(answers, columns, strict=True)
    ]
    read = filled & np.logical_and.reduce([answer.read for answer in answers])
    measured = np.where(read, bins.step_s, bins.measured_s)
    return replace(
        bins,
        above_wh=merged[0],
        below_wh=merged[1] if len(merged) > 1 else bins.below_wh,
        measured_s=measured,
        estimated_s=np.where(filled, bins.step_s - measured, bins.estimated_s),
        counter_s=np.where(filled, bins.step_s, np.where(together, bins.covered_s, 0.0)),
    )


def compared(bins: Bins, wh: Array, counter: CounterOf) -> Compared:
    """One side of a role's minutes beside its counter, where both were known."""
    parts = [_compared(bins, wh, run) for run in runs(counter)]
    step_wh = max((part.step_wh for part in parts), default=0.0)
    return Compared(sum(part.counted_wh for part in parts), sum(part.flown_wh for part in parts), step_wh)


def _compared(bins: Bins, wh: Array, run: Run) -> Compared:
    edges, steps = bins.edges, np.diff(run.wh)
    both = (bins.measured_s >= _FULL_MINUTE_S) & (edges[:-1] >= run.times[0]) & (edges[1:] <= run.times[-1])
    grown = np.diff(np.interp(edges, run.times, run.wh))
    # A counter that never moved may be one of whole kWh.
    step_wh = float(steps[steps > 0].min()) if (steps > 0).any() else _COARSEST_STEP_WH
    return Compared(float(grown[both].sum()), float(wh[both].sum()), step_wh)


def _ask(bins: Bins, wh: Array, counter: CounterOf | None) -> _Told:
    nothing = np.zeros(len(bins), bool)
    answer = _Told(wh.copy(), nothing.copy(), nothing.copy())
    for run in runs(counter) if counter is not None else []:
        _apply(bins, wh, run, answer)
    return answer


def _apply(bins: Bins, wh: Array, run: Run, answer: _Told) -> None:
    known = bins.measured_s >= _FULL_MINUTE_S
    # What tells another energy where both are known tells nothing of a hole.
    believes = not _compared(bins, wh, run).differ
    middles, limit = bins.edges[:-1] + bins.step_s / 2, measured_limit_s(run.times)
    energy = _Cumulative(bins.edges, np.where(known, wh, 0.0))
    holes = _Cumulative(bins.edges, np.where(known, 0.0, bins.step_s))
    before = np.clip(np.searchsorted(run.times, middles, "right"), 1, len(run.times) - 1)
    answer.read[:] |= np.diff(run.times)[before - 1] <= limit if len(run.times) > 1 else False
    for first, last in _pieces(run, holes, limit):
        inside = (middles >= first) & (middles < last)
        grown, flown = run.at(last) - run.at(first), energy.between(first, last)
        hole = inside & ~known
        if not hole.any():
            if flown > 0 and _LEAST_RATIO <= grown / flown <= _MOST_RATIO:
                answer.wh[inside] = wh[inside] * grown / flown
                answer.told[inside] = True
            continue
        lost = known.any() and _stood_still(run, middles[hole], limit)
        if believes and not lost and grown >= _LEAST_RATIO * flown:
            shape = wh[hole] if wh[hole].any() else np.ones(int(hole.sum()))
            answer.wh[hole] = max(grown - flown, 0.0) * shape / shape.sum()
            answer.told[hole] = True


def _pieces(run: Run, holes: _Cumulative, limit: float) -> Iterator[tuple[float, float]]:
    """From one moment at which the counter is known to the next, joined where all is measured and where nothing is.

    Such a moment is the first reading of a new value right after one of the old value. Of the rest only the first and
    the last reading are taken.
    """
    sharp = (np.diff(run.wh) > 0) & (np.diff(run.times) <= limit)
    moments = [run.times[0], *run.times[1:][sharp].tolist(), run.times[-1]]
    first = before = moments[0]
    kind = _DENSE
    for moment in moments[1:]:
        hole_s = holes.between(before, moment)
        now = _DENSE if hole_s == 0 else _HOLE if hole_s >= moment - before - 1.0 else _MIXED
        if now != kind and before > first:
            yield first, before
            first = before
        kind, before = now, moment
        if moment - first >= _SPAN_S[kind]:
            yield first, moment
            first = moment
    if before > first:
        yield first, before


def _stood_still(run: Run, hole: Array, limit: float) -> bool:
    """Whether the counter was read all through a hole and showed one value."""
    first, last = float(hole[0]), float(hole[-1])
    around = run.times[max(int(np.searchsorted(run.times, first)) - 1, 0) : int(np.searchsorted(run.times, last)) + 1]
    dense = len(around) > 1 and bool((np.diff(around) <= limit).all())
    return dense and run.at(last) == run.at(first)


class _Cumulative:
    """Amounts by minute as a running sum, so that they can be asked for between any two moments."""

    def __init__(self, edges: Array, amounts: Array) -> None:
        self._edges, self._sums = edges, np.concatenate(([0.0], np.cumsum(amounts)))

    def between(self, first: float, last: float) -> float:
        """The amount from one moment to another; minutes are cut in proportion."""
        a, b = np.interp((first, last), self._edges, self._sums)
        return float(b - a)


def _readings(series: Sampled) -> Cleaned:
    times, values = np.asarray(series.times, float), np.asarray(series.values, float)
    good = np.isfinite(values) & (values >= 0)
    stamps, firsts = np.unique(times[good], return_index=True)
    return Cleaned(series.labels, stamps, values[good][firsts])


def _device_runs(group: Sequence[Cleaned], wh_per_unit: float) -> list[Run]:
    stamps = np.concatenate([one.times for one in group])
    times, firsts = np.unique(stamps, return_index=True)
    values = np.concatenate([one.values for one in group])[firsts] * wh_per_unit
    fell = values[1:] < _RESET_SHARE * values[:-1]
    grown = _growth(values, fell)
    possible = grown <= MOST_W * np.diff(times) / HOUR_S + _COARSEST_STEP_WH
    cuts = [0, *(np.flatnonzero(~possible) + 1).tolist(), len(times)]
    total = np.concatenate(([0.0], np.cumsum(np.where(possible, grown, 0.0))))
    return [Run(times[a:b], total[a:b]) for a, b in pairwise(cuts) if b - a > 1]


def _growth(values: Array, fell: NDArray[np.bool_]) -> Array:
    """Growth from reading to reading. Small dips count nothing; after a reset all that the counter shows is new."""
    pieces = np.split(values, np.flatnonzero(fell) + 1)
    grown = [np.diff(np.maximum.accumulate(piece)) for piece in pieces]
    joined = [grown[0]]
    for piece, growth in zip(pieces[1:], grown[1:], strict=True):
        joined += [piece[:1], growth]
    return np.concatenate(joined)


def _sum(a: Run, b: Run) -> Run | None:
    """Two counters as one, for as long as both were read; None where they never were."""
    first, last = max(a.times[0], b.times[0]), min(a.times[-1], b.times[-1])
    times = np.union1d(a.times, b.times)
    times = times[(times >= first) & (times <= last)]
    if len(times) < 2:
        return None
    wh = [run.wh[np.searchsorted(run.times, times, "right") - 1] for run in (a, b)]
    return Run(times, wh[0] + wh[1])
