"""Readings of real meters, typed in or from a CSV, and how far the ledger is from them.

A meter's reading is the truth of the bill, so it is shown beside the ledger; it never changes a figure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from datetime import time as clock_time
from itertools import pairwise
from math import isfinite
from zoneinfo import ZoneInfo

from watchman.energy.slots import ENERGY_FLOWS, SLOT_S, Flow, Slot
from watchman.energy.table import Cells, has_decimal_comma, number, read_table
from watchman.localtime import iso_local, local_moment

_COLUMNS = ("counter", "at", "kwh", "new_meter")
# Somebody's watch is a little fast.
_CLOCKS_DIFFER_S = 3600.0
_YES = ("1", "true", "yes", "x")
_NO = ("", "0", "false", "no")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a meter showed: `counter` is one of the six energies, `at` unix seconds, `kwh` its reading.

    `new_meter`: the meter was replaced (or ran over) before this reading, so nothing is counted from the one before.
    """

    counter: Flow
    at: float
    kwh: float
    new_meter: bool = False


@dataclass(frozen=True, slots=True)
class Deviation:
    """Ledger against meter between two readings, [start, end) in unix seconds.

    `coverage` is the share of the time the ledger knows. `ratio` is ledger / meter - 1, None where the meter did not
    move; below full coverage it is mostly what was not measured.
    """

    counter: Flow
    start: float
    end: float
    meter_wh: float
    ledger_wh: float | None
    coverage: float

    @property
    def ratio(self) -> float | None:
        """How much more the ledger has than the meter: 0.01 is one percent more."""
        if self.ledger_wh is None or self.meter_wh <= 0:
            return None
        return self.ledger_wh / self.meter_wh - 1


def read_moment(text: str, zone: ZoneInfo) -> float:
    """Unix seconds of `2026-11-21T07:30:00+01:00`, `2026-11-21 07:30` (local) or `2026-11-21` (local midnight).

    Raises ValueError that shows the valid form.
    """
    try:
        if len(text.strip()) == len("2026-11-21"):
            return local_moment(date.fromisoformat(text.strip()), clock_time(0), zone)
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f'not a time: {text!r}; write it like "2026-11-21 07:30"') from None
    return moment.timestamp() if moment.tzinfo else local_moment(moment.date(), moment.time(), zone)


def make_reading(counter: str, kwh: float, at: float, *, new_meter: bool = False) -> Reading:
    """A reading of a counter by its name; raises ValueError for one there is not, or a number no meter shows."""
    if counter not in [flow.value for flow in ENERGY_FLOWS]:
        raise ValueError(f"no counter {counter!r}: use one of {', '.join(flow.value for flow in ENERGY_FLOWS)}")
    if not isfinite(kwh) or kwh < 0:
        raise ValueError(f"a meter does not show {kwh:g} kWh")
    return Reading(Flow(counter), at, kwh, new_meter)


def read_csv(text: str, zone: ZoneInfo) -> list[Reading]:
    """Readings of a CSV with the columns counter, at, kwh and, if need be, new_meter; raises ValueError with the line.

    Commas or semicolons between columns; with semicolons a decimal comma is understood.
    """
    readings, decimal_comma = [], has_decimal_comma(text)
    for line, cells in read_table(text, _COLUMNS[:3]):
        try:
            readings.append(_of_row(cells, zone, decimal_comma=decimal_comma))
        except ValueError as error:
            raise ValueError(f"line {line}: {error}") from None
    return readings


def merged(known: Sequence[Reading], new: Sequence[Reading], now: float, zone: ZoneInfo) -> list[Reading]:
    """All readings in time order, a new one in place of an old one of the same time.

    Raises ValueError where a meter would run backwards, and for a new reading from days to come.
    """
    for one in new:
        if one.at > now + _CLOCKS_DIFFER_S:
            raise ValueError(f"{one.counter}: a reading at {iso_local(one.at, zone)} lies ahead")
    by_key = {(one.counter, one.at): one for one in (*known, *new)}
    readings = sorted(by_key.values(), key=lambda one: (one.counter, one.at))
    for before, after in pairwise(readings):
        if before.counter == after.counter and after.kwh < before.kwh and not after.new_meter:
            raise ValueError(
                f"{after.counter}: {after.kwh:g} kWh at {iso_local(after.at, zone)} is less than {before.kwh:g} at"
                f" {iso_local(before.at, zone)}; if the meter was replaced, say so (--new-meter)"
            )
    return readings


def deviations(readings: Sequence[Reading], slots: Sequence[Slot]) -> list[Deviation]:
    """The ledger against every two readings of one meter that follow each other, in time order.

    `slots` are the rows from the first reading to the last. A quarter of an hour with a reading inside is cut in
    proportion.
    """
    by_flow: dict[str, list[Slot]] = {}
    for slot in sorted(slots, key=lambda one: one.start):
        by_flow.setdefault(slot.flow, []).append(slot)
    return [_deviation(before, after, by_flow) for before, after in spans(readings)]


def spans(readings: Sequence[Reading]) -> Iterator[tuple[Reading, Reading]]:
    """Two readings of one meter that follow each other."""
    ordered = sorted(readings, key=lambda one: (one.counter, one.at))
    for before, after in pairwise(ordered):
        if before.counter == after.counter and not after.new_meter:
            yield before, after


def _deviation(before: Reading, after: Reading, by_flow: Mapping[str, Sequence[Slot]]) -> Deviation:
    wh = covered_s = 0.0
    for slot in by_flow.get(before.counter, ()):
        share = max(0.0, min(after.at, slot.start + SLOT_S) - max(before.at, slot.start)) / SLOT_S
        if share > 0 and slot.covered_s > 0:
            wh += slot.wh * share
            covered_s += min(slot.covered_s, SLOT_S) * share
    return Deviation(
        counter=before.counter,
        start=before.at,
        end=after.at,
        meter_wh=(after.kwh - before.kwh) * 1000,
        ledger_wh=wh if covered_s > 0 else None,
        coverage=min(1.0, covered_s / (after.at - before.at)),
    )


def _of_row(cells: Cells, zone: ZoneInfo, *, decimal_comma: bool) -> Reading:
    try:
        kwh = number(cells["kwh"], decimal_comma=decimal_comma)
    except ValueError:
        raise ValueError(f"kwh: not a number: {cells['kwh']!r}") from None
    flag = cells.get("new_meter", "").lower()
    if flag not in (*_YES, *_NO):
        raise ValueError(f"new_meter: write yes or nothing, not {cells['new_meter']!r}")
    return make_reading(cells["counter"], kwh, read_moment(cells["at"], zone), new_meter=flag in _YES)
