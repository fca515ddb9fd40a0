"""Settling: bring the ledger up to what Prometheus still knows, day by day.

Each day is fetched, integrated and written by itself, so a stopped run goes on where it ended. A stored row is never
replaced by one that covers less: what Prometheus has forgotten since stays in the ledger.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from zoneinfo import ZoneInfo

import promql_parser

from watchman.energy.curve import Curve, measure_all, slots_of
from watchman.energy.frozen import Span
from watchman.energy.integrate import BRIDGE_LIMIT_S
from watchman.energy.slots import FLOWS_OF_ROLE, SLOT_S, Flow, Role, Slot
from watchman.localtime import day_of, local_day
from watchman.series import Series

FetchRaw = Callable[[str, float, float], list[Series]]
"""`fetch_raw(selector, start, end)`: raw samples of [start, end]; raises QueryError."""
FetchRange = Callable[[str, float, float, float], list[Series]]
"""`fetch_range(expression, start, end, step_s)`; raises QueryError."""
WriteSlots = Callable[[list[Slot]], None]
"""`write_slots(rows)`: insert or replace by (site, start, flow), in one transaction."""
OnProgress = Callable[[int, int], None]
"""`on_progress(days done, days in all)`."""


class ReadSlots(Protocol):
    """Reads the ledger."""

    def __call__(self, start: float, end: float, flows: Collection[str] = (), /) -> list[Slot]:
        """The site's rows with start <= slot.start < end, of the named flows or of all."""


RANGE_STEP_S = 15.0
YOUNG_S = 86400.0
_MOVES_WITHIN_S = 14 * 86400.0
_MOVES_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Source:
    """Where a site's samples come from. `roles` maps roles to PromQL; `reserve_percent` may be unknown."""

    site: str
    zone: ZoneInfo
    roles: Mapping[Role, str]
    reserve_percent: float | None
    fetch_raw: FetchRaw
    fetch_range: FetchRange


def settle(
    start: float,
    end: float,
    now: float,
    source: Source,
    *,
    read_slots: ReadSlots,
    write_slots: WriteSlots,
    on_progress: OnProgress = lambda _done, _total: None,
) -> int:
    """Settle the local days that touch [start, end) up to `now`; returns the number of rows written.

    A day is fetched if a configured role lacks a row of it or if it is younger than a day, as late samples may still
    come. Raises QueryError; the days before it are kept.
    """
    days = list(_days(start, min(end, now), source.zone))
    written = 0
    for done, (first, day_end) in enumerate(days):
        on_progress(done, len(days))
        last = min(day_end, now // SLOT_S * SLOT_S)
        stored = read_slots(first, last)
        if last > first and (last > now - YOUNG_S or _lacking(stored, first, last, source.roles)):
            curve = fetch_curve(source, first, last, moves=house_moves(read_slots, first))
            better = _better(slots_of(curve, source.site, source.reserve_percent), stored, curve.frozen)
            if better:
                write_slots(better)
            written += len(better)
    on_progress(len(days), len(days))
    return written


def fetch_curve(source: Source, start: float, end: float, *, moves: bool = False) -> Curve:
    """The minutes of [start, end), with what lies around the edges asked for as well. Raises QueryError."""
    series = {role: _fetch(source, expr, start, end) for role, expr in source.roles.items()}
    return measure_all(series, start, end, moves=moves)


def house_moves(read_slots: ReadSlots, before: float) -> bool:
    """Whether the house's power moved within most measured quarters of an hour of the two weeks before.

    So a day that stood still from its first to its last sample is told from a home whose values never move.
    """
    rows = read_slots(before - _MOVES_WITHIN_S, before, (Flow.CONSUMPTION,))
    moved = [slot.low != slot.peak for slot in rows if slot.peak is not None and slot.covered_s > 0]
    return sum(moved) > _MOVES_SHARE * len(moved)


def is_plain_selector(expr: str) -> bool:
    """Whether an expression names stored series only, so that its raw samples can be read."""
    try:
        parsed = promql_parser.parse(expr)
    except ValueError:
        return False
    return isinstance(parsed, promql_parser.VectorSelector) and parsed.offset is None and parsed.at is None


def _fetch(source: Source, expr: str, start: float, end: float) -> list[Series]:
    first, last = start - BRIDGE_LIMIT_S, end + BRIDGE_LIMIT_S
    if is_plain_selector(expr):
        return source.fetch_raw(expr, first, last)
    return source.fetch_range(expr, first, last, RANGE_STEP_S)


def _days(start: float, end: float, zone: ZoneInfo) -> Iterator[tuple[float, float]]:
    while start < end:
        first, last = local_day(day_of(start, zone), zone)
        yield first, last
        start = last


def _lacking(stored: Sequence[Slot], start: float, end: float, roles: Mapping[Role, str]) -> bool:
    have = {(slot.start, slot.flow) for slot in stored}
    starts = range(round(start), round(end), SLOT_S)
    return any((at, flow) not in have for role in roles for flow in FLOWS_OF_ROLE[role] for at in starts)


def _better(fresh: Sequence[Slot], stored: Sequence[Slot], frozen: Sequence[Span]) -> list[Slot]:
    """The rows worth writing: new or changed ones that cover no less than what is stored.

    What was settled before it was seen to stand still gives way in any case: it was not measured.
    """
    known = {(slot.start, slot.flow): slot for slot in stored}
    better = []
    for slot in fresh:
        old = known.pop((slot.start, slot.flow), None)
        if old is None or (slot != old and (slot.covered_s >= old.covered_s or _stood_still(slot, frozen))):
            better.append(slot)
    lost = (slot for slot in known.values() if slot.covered_s > 0 and _stood_still(slot, frozen))
    return [*better, *(Slot(slot.site, slot.start, slot.flow, 0.0, 0.0, 0.0) for slot in lost)]


def _stood_still(slot: Slot, frozen: Sequence[Span]) -> bool:
    return any(first < slot.start + SLOT_S and last > slot.start for first, last in frozen)
