"""Settling: bring the ledger up to what Prometheus still knows, day by day.

Each day is fetched, integrated and written by itself, so a stopped run goes on where it ended. What was asked is
remembered: a day is not asked for again because it has holes, but it is if late samples may have come or if the
expressions were changed. A stored row is never replaced by one that covers less: what Prometheus has forgotten since
stays in the ledger.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol
from zoneinfo import ZoneInfo

from watchman.energy.counters import CounterOf
from watchman.energy.curve import Curve, measure_all, slots_of
from watchman.energy.frozen import Span
from watchman.energy.integrate import BRIDGE_LIMIT_S
from watchman.energy.slots import ROLE_OF_FLOW, SLOT_S, Asked, Flow, Role, Slot, all_roles
from watchman.energy.tracks import Sampled
from watchman.energy.units import is_plain_selector
from watchman.localtime import day_of, local_day
from watchman.series import Series

FetchRaw = Callable[[str, float, float], Sequence[Sampled]]
"""`fetch_raw(selector, start, end)`: raw samples of [start, end]; raises QueryError."""
FetchRange = Callable[[str, float, float, float], list[Series]]
"""`fetch_range(expression, start, end, step_s)`; raises QueryError."""
WriteSlots = Callable[[list[Slot]], None]
"""`write_slots(rows)`: insert or replace by (site, start, flow), in one transaction."""
OnProgress = Callable[[int, int], None]
"""`on_progress(days done, days to ask for)`."""


class ReadSlots(Protocol):
    """Reads the ledger."""

    def __call__(self, start: float, end: float, flows: Collection[str] = (), /) -> list[Slot]:
        """The site's rows with start <= slot.start < end, of the named flows or of all."""


RANGE_STEP_S = 15.0
YOUNG_S = 86400.0
# With counters a hole is filled if both its ends are seen, so the samples around a day are asked for as well.
COUNTER_MARGIN_S = 6 * 3600.0
_MOVES_WITHIN_S = 14 * 86400.0
_MOVES_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class CounterSource:
    """A selector of a flow's energy counter, and how many Wh one of its unit is."""

    selector: str
    wh_per_unit: float


@dataclass(frozen=True, slots=True)
class Source:
    """Where a site's samples come from. `roles` maps roles to PromQL; `reserve_percent` may be unknown."""

    site: str
    zone: ZoneInfo
    roles: Mapping[Role, str]
    reserve_percent: float | None
    fetch_raw: FetchRaw
    fetch_range: FetchRange
    counters: Mapping[Flow, CounterSource] = field(default_factory=dict)

    @property
    def all_roles(self) -> tuple[Role, ...]:
        """Those with an expression or a counter."""
        return all_roles(self.roles, self.counters)

    @property
    def key(self) -> str:
        """Names what is asked: another expression gives other energies."""
        counters = sorted((flow, one.selector, one.wh_per_unit) for flow, one in self.counters.items())
        text = repr((sorted(self.roles.items()), counters, self.reserve_percent))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Memory:
    """What earlier runs have asked for."""

    read: Callable[[float, float], Mapping[int, Asked]]
    """`read(start, end)`: by the day's start."""
    write: Callable[[Asked], None]


NO_MEMORY = Memory(lambda _start, _end: {}, lambda _asked: None)
"""Asks for every day each time."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What a run did: days asked for, rows written."""

    days: int
    written: int


def settle(
    start: float,
    end: float,
    now: float,
    source: Source,
    *,
    read_slots: ReadSlots,
    write_slots: WriteSlots,
    memory: Memory,
    again: bool = False,
    on_progress: OnProgress = lambda _done, _total: None,
) -> Settled:
    """Settle the local days that touch [start, end) up to `now`.

    A day is asked for if it never was, not to its end, not with this source, or so soon after it that late samples may
    have come since; `again` asks for every day. Raises QueryError; the days before it are kept.
    """
    asked = memory.read(start - 2 * YOUNG_S, end)
    days = [(a, b) for a, b in _days(start, min(end, now), source.zone) if again or _is_due(a, b, now, source, asked)]
    written = 0
    for done, (first, day_end) in enumerate(days):
        on_progress(done, len(days))
        last = min(day_end, now // SLOT_S * SLOT_S)
        if last <= first:
            continue
        before = asked.get(round(first))
        stored = read_slots(first, last)
        curve = fetch_curve(source, first, last, moves=partial(house_moves, read_slots, first))
        changed = before is not None and before.source != source.key
        better = _better(slots_of(curve, source.site, source.reserve_percent), stored, curve.frozen, changed=changed)
        if better:
            write_slots(better)
        memory.write(Asked(round(first), source.key, last, now))
        written += len(better)
    on_progress(len(days), len(days))
    return Settled(len(days), written)


def fetch_curve(source: Source, start: float, end: float, *, moves: Callable[[], bool] = lambda: False) -> Curve:
    """The minutes of [start, end), with what lies around the edges asked for as well. Raises QueryError."""
    margin_s = COUNTER_MARGIN_S if source.counters else 0.0
    first, last = start - margin_s - BRIDGE_LIMIT_S, end + margin_s + BRIDGE_LIMIT_S
    roles = source.roles
    series = {role: _fetch(source, roles[role], first, last) if role in roles else () for role in source.all_roles}
    counters = {
        flow: CounterOf(source.fetch_raw(one.selector, first, last), one.wh_per_unit)
        for flow, one in source.counters.items()
    }
    return measure_all(series, start, end, counters=counters, margin_s=margin_s, moves=moves)


def house_moves(read_slots: ReadSlots, before: float) -> bool:
    """Whether the house's power moved within most measured quarters of an hour of the two weeks before.

    So a day that stood still from its first to its last sample is told from a home whose values never move.
    """
    rows = read_slots(before - _MOVES_WITHIN_S, before, (Flow.CONSUMPTION,))
    moved = [slot.low != slot.peak for slot in rows if slot.peak is not None and slot.covered_s > 0]
    return sum(moved) > _MOVES_SHARE * len(moved)


def _fetch(source: Source, expr: str, first: float, last: float) -> Sequence[Sampled]:
    if is_plain_selector(expr):
        return source.fetch_raw(expr, first, last)
    return source.fetch_range(expr, first, last, RANGE_STEP_S)


def _days(start: float, end: float, zone: ZoneInfo) -> Iterator[tuple[float, float]]:
    while start < end:
        first, last = local_day(day_of(start, zone), zone)
        yield first, last
        start = last


def _is_due(start: float, end: float, now: float, source: Source, asked: Mapping[int, Asked]) -> bool:
    before = asked.get(round(start))
    if before is None or before.source != source.key or before.until < min(end, now // SLOT_S * SLOT_S):
        return True
    return before.asked_at < end + YOUNG_S


def _better(fresh: Sequence[Slot], stored: Sequence[Slot], frozen: Sequence[Span], *, changed: bool) -> list[Slot]:
    """The rows worth writing: new or changed ones that cover no less than what is stored.

    What was settled before it was seen to stand still gives way in any case: it was not measured. If the source was
    changed, what was measured with it counts. A row of the split that late samples have undone is emptied, unless
    Prometheus has begun to forget the quarter.
    """
    known = {(slot.start, slot.flow): slot for slot in stored}
    better, forgotten = [], set()
    for slot in fresh:
        old = known.pop((slot.start, slot.flow), None)
        if old is None or _covers(slot, old, changed=changed) or _stood_still(slot, frozen):
            better += [slot] if slot != old else []
        else:
            forgotten.add(slot.start)
    undone = (slot for slot in known.values() if slot.covered_s > 0 and slot.flow not in ROLE_OF_FLOW)
    return [
        *better,
        *(Slot(slot.site, slot.start, slot.flow, 0.0, 0.0, 0.0) for slot in undone if slot.start not in forgotten),
    ]


def _covers(slot: Slot, old: Slot, *, changed: bool) -> bool:
    return slot.covered_s >= old.covered_s or (changed and slot.covered_s > 0)


def _stood_still(slot: Slot, frozen: Sequence[Span]) -> bool:
    return any(first < slot.start + SLOT_S and last > slot.start for first, last in frozen)
