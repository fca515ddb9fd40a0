"""Series beside the energies (prices, grid intensity, irradiance): read once for each quarter of an hour and kept.

Prometheus forgets, and a price that was once told must not change: what is kept is never replaced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import isfinite
from statistics import fmean, median
from zoneinfo import ZoneInfo

from watchman.energy.slots import SLOT_S
from watchman.errors import QueryError
from watchman.localtime import day_of, local_day
from watchman.series import Series

FetchRange = Callable[[str, float, float, float], list[Series]]
ReadValues = Callable[[str, float, float], dict[int, float]]
"""`read_values(kind, start, end)`: by slot start."""
AddValues = Callable[[str, Mapping[int, float]], None]
"""`add_values(kind, values)`: keeps those of slots that have none."""
# Three looks into a quarter: an exporter that tells a new price late is still right in the middle of it.
_STEP_S = 300.0
_FIRST_LOOK_S = 150.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """A PromQL expression that gives one kind of value from one local day until another (None: no end).

    `smooth` values are averaged over the quarter; of prices the middle one counts.
    """

    kind: str
    query: str
    since: date | None = None
    until: date | None = None
    smooth: bool = False


def settle_beside(
    wanted: Sequence[Wanted],
    start: float,
    end: float,
    now: float,
    zone: ZoneInfo,
    *,
    fetch_range: FetchRange,
    read_values: ReadValues,
    add_values: AddValues,
) -> list[str]:
    """Read what is lacking of [start, end) up to `now`, day by day; gives what is wrong with an answer, in words.

    Raises QueryError if Prometheus is away.
    """
    faults: list[str] = []
    for one in wanted:
        for first, last in _days(one, start, min(end, now // SLOT_S * SLOT_S), zone):
            known = read_values(one.kind, first, last)
            lacking = [at for at in range(int(first), int(last), SLOT_S) if at not in known]
            if not lacking:
                continue
            try:
                found = _ask(one, lacking[0], lacking[-1] + SLOT_S, fetch_range)
            except QueryError as error:
                if error.is_away:
                    raise
                faults.append(f"{one.kind}: {error}")
                break
            if isinstance(found, str):
                faults.append(found)
                break
            add_values(one.kind, {at: value for at, value in found.items() if at not in known})
    return faults


def _days(one: Wanted, start: float, end: float, zone: ZoneInfo) -> Iterator[tuple[float, float]]:
    if one.since is not None:
        start = max(start, local_day(one.since, zone)[0])
    if one.until is not None:
        end = min(end, local_day(one.until, zone)[0])
    while start < end:
        last = min(local_day(day_of(start, zone), zone)[1], end)
        yield start // SLOT_S * SLOT_S, last
        start = last


def _ask(one: Wanted, start: float, end: float, fetch_range: FetchRange) -> dict[int, float] | str:
    series = fetch_range(one.query, start + _FIRST_LOOK_S, end - _FIRST_LOOK_S, _STEP_S)
    if len(series) > 1:
        return f"{one.kind}: {one.query} gives {len(series)} series; one is needed, such as max({one.query})"
    looks: dict[int, list[float]] = {}
    for found in series:
        for at, value in zip(found.times, found.values, strict=True):
            if isfinite(value):
                looks.setdefault(int(at // SLOT_S) * SLOT_S, []).append(value)
    return {at: fmean(several) if one.smooth else median(several) for at, several in looks.items()}
