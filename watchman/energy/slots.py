"""The ledger's row: one flow of one site in one quarter of an hour, and how rows add up to any period."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

SLOT_S = 900


class Role(StrEnum):
    """What a configured PromQL expression stands for. Powers in W, gauges in percent."""

    PRODUCTION = "production"
    CONSUMPTION = "consumption"
    GRID_FEED_IN = "grid_feed_in"  # + export, - import
    BATTERY_DISCHARGE = "battery_discharge"  # + discharge, - charge
    STATE_OF_CHARGE = "state_of_charge"
    BACKUP_BUFFER = "backup_buffer"


class Flow(StrEnum):
    """What a slot counts. Every flow is >= 0 but `unaccounted`; the last two are gauges in percent.

    `unaccounted` is production + import + discharge - consumption - export - charge: what came in and went nowhere that
    is measured. Negative where more was used than came in.
    """

    PRODUCTION = "production"
    CONSUMPTION = "consumption"
    GRID_IMPORT = "grid_import"
    GRID_EXPORT = "grid_export"
    BATTERY_CHARGE = "battery_charge"
    BATTERY_DISCHARGE = "battery_discharge"
    SOLAR_TO_LOAD = "solar_to_load"
    SOLAR_TO_BATTERY = "solar_to_battery"
    SOLAR_TO_GRID = "solar_to_grid"
    BATTERY_TO_LOAD = "battery_to_load"
    BATTERY_TO_GRID = "battery_to_grid"
    GRID_TO_LOAD = "grid_to_load"
    GRID_TO_BATTERY = "grid_to_battery"
    UNACCOUNTED = "unaccounted"
    STATE_OF_CHARGE = "state_of_charge"
    BACKUP_BUFFER = "backup_buffer"


ENERGY_FLOWS = (
    Flow.PRODUCTION,
    Flow.CONSUMPTION,
    Flow.GRID_IMPORT,
    Flow.GRID_EXPORT,
    Flow.BATTERY_CHARGE,
    Flow.BATTERY_DISCHARGE,
)
FLOWS_OF_ROLE: Mapping[Role, tuple[Flow, ...]] = {
    Role.PRODUCTION: (Flow.PRODUCTION,),
    Role.CONSUMPTION: (Flow.CONSUMPTION,),
    Role.GRID_FEED_IN: (Flow.GRID_EXPORT, Flow.GRID_IMPORT),
    Role.BATTERY_DISCHARGE: (Flow.BATTERY_DISCHARGE, Flow.BATTERY_CHARGE),
    Role.STATE_OF_CHARGE: (Flow.STATE_OF_CHARGE,),
    Role.BACKUP_BUFFER: (Flow.BACKUP_BUFFER,),
}
"""The positive side of a signed role first."""
ROLE_OF_FLOW: Mapping[Flow, Role] = {flow: role for role, flows in FLOWS_OF_ROLE.items() for flow in flows}
GAUGES = (Role.STATE_OF_CHARGE, Role.BACKUP_BUFFER)


class Provenance(StrEnum):
    """Where most of a slot's or a total's energy comes from."""

    MEASURED = "measured"
    BRIDGED = "bridged"
    COUNTER = "counter"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Slot:
    """A quarter of an hour of one flow. Key: site, start, flow.

    `start` is unix seconds, a multiple of 900. `wh` is the integral of what was measured and bridged, never more; for
    the percent gauges it is percent-hours, so `wh * 3600 / covered_s` is their mean. Without a covered second nothing
    is known and `wh` says nothing. `peak` and `low` are the extremes of the samples (W or percent), with their times;
    None where the slot held no sample. `at_reserve_s` is used by the state of charge alone. `counter_s` are those of
    the covered seconds whose energy a counter told.
    """

    site: str
    start: int
    flow: str
    wh: float
    measured_s: float
    estimated_s: float
    peak: float | None = None
    peak_at: float | None = None
    low: float | None = None
    low_at: float | None = None
    at_reserve_s: float = 0.0
    counter_s: float = 0.0

    @property
    def covered_s(self) -> float:
        """Seconds measured or bridged."""
        return self.measured_s + self.estimated_s

    @property
    def provenance(self) -> Provenance:
        """What most of the covered seconds are."""
        if self.covered_s <= 0:
            return Provenance.MISSING
        if self.counter_s * 2 >= self.covered_s:
            return Provenance.COUNTER
        return Provenance.MEASURED if self.measured_s >= self.estimated_s else Provenance.BRIDGED

    @property
    def mean(self) -> float | None:
        """Mean power in W (or percent) over the covered seconds."""
        return self.wh * 3600 / self.covered_s if self.covered_s > 0 else None


@dataclass(frozen=True, slots=True)
class Asked:
    """That the local day which begins at `start` was asked for up to `until`, and when (unix s), with which source."""

    start: int
    source: str
    until: float
    asked_at: float


def all_roles(roles: Iterable[str], counted: Iterable[str]) -> tuple[Role, ...]:
    """The roles that have an expression or a counter of one of their flows, in their usual order."""
    known = {*roles, *(ROLE_OF_FLOW[Flow(flow)] for flow in counted)}
    return tuple(role for role in Role if role in known)


def add(total: Slot | None, slot: Slot) -> Slot:
    """The sum of a running total and one more slot of the same flow; the earlier of two equal peaks wins."""
    if total is None:
        return slot
    peak, peak_at = _higher((total.peak, total.peak_at), (slot.peak, slot.peak_at))
    low, low_at = _lower((total.low, total.low_at), (slot.low, slot.low_at))
    return replace(
        total,
        start=min(total.start, slot.start),
        wh=total.wh + slot.wh,
        measured_s=total.measured_s + slot.measured_s,
        estimated_s=total.estimated_s + slot.estimated_s,
        peak=peak,
        peak_at=peak_at,
        low=low,
        low_at=low_at,
        at_reserve_s=total.at_reserve_s + slot.at_reserve_s,
        counter_s=total.counter_s + slot.counter_s,
    )


def roll_up(slots: Iterable[Slot]) -> dict[str, Slot]:
    """One total per flow over any set of slots of one site; the order of the slots does not matter."""
    by_flow: dict[str, list[Slot]] = {}
    for slot in slots:
        by_flow.setdefault(slot.flow, []).append(slot)
    return {flow: rows[0] if len(rows) == 1 else _total(rows) for flow, rows in by_flow.items()}


def _total(rows: Sequence[Slot]) -> Slot:
    """As `add` one after the other, at the speed of C: a month has forty thousand rows."""
    peaks = [(-slot.peak, slot.peak_at or 0.0) for slot in rows if slot.peak is not None]
    lows = [(slot.low, slot.low_at or 0.0) for slot in rows if slot.low is not None]
    peak, low = min(peaks, default=None), min(lows, default=None)
    return Slot(
        site=rows[0].site,
        start=min(slot.start for slot in rows),
        flow=rows[0].flow,
        wh=sum(slot.wh for slot in rows),
        measured_s=sum(slot.measured_s for slot in rows),
        estimated_s=sum(slot.estimated_s for slot in rows),
        peak=-peak[0] if peak else None,
        peak_at=peak[1] if peak else None,
        low=low[0] if low else None,
        low_at=low[1] if low else None,
        at_reserve_s=sum(slot.at_reserve_s for slot in rows),
        counter_s=sum(slot.counter_s for slot in rows),
    )


def overall_measured_s(slots: Iterable[Slot], roles: Iterable[Role]) -> float:
    """Seconds in which every given role was measured, slot by slot the least of them."""
    flows = [FLOWS_OF_ROLE[role][0] for role in roles]
    by_start: dict[int, dict[str, float]] = {}
    for slot in slots:
        by_start.setdefault(slot.start, {})[slot.flow] = slot.measured_s
    if not flows:
        return 0.0
    return sum(min(measured.get(flow, 0.0) for flow in flows) for measured in by_start.values())


_Extreme = tuple[float | None, float | None]


def _higher(a: _Extreme, b: _Extreme) -> _Extreme:
    if a[0] is None or b[0] is None:
        return b if a[0] is None else a
    return min(a, b, key=lambda e: (-(e[0] or 0.0), e[1] or 0.0))


def _lower(a: _Extreme, b: _Extreme) -> _Extreme:
    if a[0] is None or b[0] is None:
        return b if a[0] is None else a
    return min(a, b, key=lambda e: (e[0] or 0.0, e[1] or 0.0))
