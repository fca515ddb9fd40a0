"""What a job of the worker needs of the world, as plain callables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from watchman.energy.account import KINDS, Values
from watchman.energy.beside import AddValues, ReadValues, Wanted
from watchman.energy.meters import Deviation, Reading, deviations, spans
from watchman.energy.settle import NO_MEMORY, CounterSource, FetchRange, FetchRaw, Memory, ReadSlots, WriteSlots
from watchman.energy.slots import SLOT_S, Flow, Role
from watchman.report.site import Incident, Site, Told

Progress = Callable[[str], None]
HasBefore = Callable[[Sequence[str], float], bool]
"""`has_before(expressions, ts)`: whether Prometheus has samples of any of them before `ts`; raises QueryError."""


@dataclass(frozen=True, slots=True)
class Ports:
    """What a job needs of the world. All times in unix seconds; a fetch raises QueryError.

    `wanted` are the series beside the energies (prices and the like), kept through `add_values`.
    """

    site: Site
    roles: Mapping[Role, str]
    fetch_raw: FetchRaw
    fetch_range: FetchRange
    read_slots: ReadSlots
    write_slots: WriteSlots
    incidents: Callable[[float, float], list[Incident]]
    told: Callable[[float, float], list[Told]]
    now: Callable[[], float]
    progress: Progress = lambda _line: None
    memory: Memory = NO_MEMORY
    counters: Mapping[Flow, CounterSource] = field(default_factory=dict)
    has_before: HasBefore = lambda _exprs, _ts: False
    wanted: tuple[Wanted, ...] = ()
    read_values: ReadValues = lambda _kind, _start, _end: {}
    add_values: AddValues = lambda _kind, _values: None
    readings: Callable[[], list[Reading]] = list
    noisy: Callable[[float, float], list[str]] = lambda _start, _end: []

    def values(self, start: float, end: float) -> Values:
        """The series beside the energies over [start, end)."""
        return {kind: self.read_values(kind, start, end) for kind in KINDS}

    def deviations(self, start: float, end: float) -> list[Deviation]:
        """The ledger against the meters between all readings that follow each other and touch [start, end)."""
        found: list[Deviation] = []
        for before, after in spans(self.readings()):
            if before.at < end and after.at > start:
                rows = self.read_slots(before.at - SLOT_S, after.at, (before.counter,))
                found += deviations((before, after), rows)
        return found
