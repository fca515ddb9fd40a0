"""The minutes of a stretch of time, per role: what the ledger's slots are summed from and the chart is drawn from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from watchman.energy.counters import CounterOf, told
from watchman.energy.flows import Split, attribute
from watchman.energy.frozen import Span, frozen_spans, thawed
from watchman.energy.integrate import Array, Bins, empty_bins, integrate
from watchman.energy.slots import FLOWS_OF_ROLE, GAUGES, SLOT_S, Flow, Role, Slot
from watchman.energy.tracks import Sampled, Track, tracks

MINUTE_S = 60.0
# Gauges of a battery are whole percents: half of one above the reserve still reads as the reserve.
RESERVE_TOLERANCE_PERCENT = 0.5
_PER_SLOT = round(SLOT_S / MINUTE_S)
_SPLIT_NAMES = tuple(field.name for field in fields(Split))


@dataclass(frozen=True, slots=True)
class Curve:
    """Minute bins of [start, end) (unix s) for each configured role; a role without samples has empty bins.

    `frozen` are the stretches whose samples only repeated old values: the bins know nothing of them. `step_s` is how
    fine the minutes really are: a curve made of ledger rows has the mean of a quarter of an hour in each.
    """

    start: float
    end: float
    roles: Mapping[Role, Bins]
    frozen: tuple[Span, ...] = ()
    step_s: float = MINUTE_S

    def means(self, role: Role) -> list[float | None]:
        """Signed minute means (W or percent), None where nothing is known; empty where the role is not there."""
        bins = self.roles.get(role)
        return bins.means() if bins is not None else []


def measure_all(
    series: Mapping[Role, Sequence[Sampled]],
    start: float,
    end: float,
    *,
    counters: Mapping[Flow, CounterOf] | None = None,
    margin_s: float = 0.0,
    moves: Callable[[], bool] = lambda: False,
) -> Curve:
    """The curve of all roles' samples, without the stretches in which an exporter only repeated old values.

    `counters` are what counts an energy by itself: where they tell, they are believed before the power. So that a hole
    at the edge is seen whole, the samples reach `margin_s` (whole minutes) beyond it on both sides.
    `moves` tells whether the house's power is known to move from sample to sample, even if it does not in these.
    """
    found = {role: tracks(role, several) for role, several in series.items()}
    frozen = frozen_spans(found, moves=moves)
    roles = {}
    for role, own in found.items():
        bins = _measured(role, [thawed(one, frozen) for one in own], start - margin_s, end + margin_s)
        roles[role] = told(bins, FLOWS_OF_ROLE[role], counters or {}).within(start, end)
    return Curve(start, end, roles, frozen)


def measure(role: Role, series: Sequence[Sampled], start: float, end: float) -> Bins:
    """Minute bins of one role by itself."""
    return _measured(role, tracks(role, series), start, end)


def _measured(role: Role, devices: Sequence[Track], start: float, end: float) -> Bins:
    """Several devices: energies add up, gauges are averaged, coverage is the least of them.

    The peak of several devices is that of their summed minute means, as their samples fall on different instants.
    """
    parts = [integrate(track.times, track.values, start, end, MINUTE_S) for track in devices]
    if not parts:
        return empty_bins(start, end, MINUTE_S)
    return parts[0] if len(parts) == 1 else _joined(parts, 1 / len(parts) if role in GAUGES else 1.0)


def slots_of(curve: Curve, site: str, reserve_percent: float | None) -> list[Slot]:
    """The ledger rows of a curve that starts and ends on a quarter of an hour.

    Every quarter gets a row for every configured role, covered or not: a known hole differs from one never asked for.
    Rows of the split of flows are written only where they are not zero.
    """
    seconds = _reserve_seconds(curve, reserve_percent)
    slots: list[Slot] = []
    for role, bins in curve.roles.items():
        for flow, above in zip(FLOWS_OF_ROLE[role], (True, False), strict=False):
            slots += _slots(site, flow, bins, seconds if flow is Flow.STATE_OF_CHARGE else None, above=above)
    return [*slots, *_balance_slots(curve, site)]


def curve_of(slots: Iterable[Slot], roles: Iterable[Role], start: float, end: float) -> Curve:
    """The coarse curve that ledger rows still give when the raw samples are gone: each minute has its slot's mean."""
    by_key = {(slot.start, slot.flow): slot for slot in slots}
    curve = Curve(start, end, {role: empty_bins(start, end, MINUTE_S) for role in roles}, step_s=SLOT_S)
    for role, bins in curve.roles.items():
        minutes = bins.edges[:-1] // SLOT_S * SLOT_S
        for column, flow in zip((bins.above_wh, bins.below_wh), FLOWS_OF_ROLE[role], strict=False):
            rows = [by_key.get((int(at), flow)) for at in minutes.tolist()]
            column[:] = [row.wh / _PER_SLOT if row else 0.0 for row in rows]
            bins.measured_s[:] = [row.measured_s / _PER_SLOT if row else 0.0 for row in rows]
            bins.estimated_s[:] = [row.estimated_s / _PER_SLOT if row else 0.0 for row in rows]
            bins.counter_s[:] = [row.counter_s / _PER_SLOT if row else 0.0 for row in rows]
    return curve


def at_reserve(curve: Curve, reserve_percent: float | None) -> list[bool | None]:
    """Per minute whether the battery stood at its reserve; None where that is not known.

    The backup buffer series counts where there is one, else the configured reserve.
    """
    charge = curve.means(Role.STATE_OF_CHARGE)
    if not charge:
        return []
    return [
        None if percent is None or limit is None else percent <= limit + RESERVE_TOLERANCE_PERCENT
        for percent, limit in zip(charge, reserve_percents(curve, reserve_percent), strict=True)
    ]


def reserve_percents(curve: Curve, reserve_percent: float | None) -> list[float | None]:
    """The reserve of each minute of a curve with a state of charge; empty without one."""
    charge = curve.means(Role.STATE_OF_CHARGE)
    buffer = curve.means(Role.BACKUP_BUFFER) or [None] * len(charge)
    return [reserve_percent if own is None else own for own in buffer[: len(charge)]]


def _joined(parts: Sequence[Bins], weight: float) -> Bins:
    total = empty_bins(parts[0].start, parts[0].end, MINUTE_S)
    total.above_wh[:] = weight * sum(part.above_wh for part in parts)
    total.below_wh[:] = weight * sum(part.below_wh for part in parts)
    total.measured_s[:] = np.min([part.measured_s for part in parts], axis=0)
    total.estimated_s[:] = np.min([part.covered_s for part in parts], axis=0) - total.measured_s
    means = np.array([part.means() for part in parts], float)
    total.high[:] = total.low[:] = weight * means.sum(axis=0)
    total.high_at[:] = total.low_at[:] = np.where(np.isnan(total.high), np.nan, total.edges[:-1])
    return total


def _slots(site: str, flow: Flow, bins: Bins, at_reserve_s: Array | None, *, above: bool) -> Iterator[Slot]:
    """The rows of one flow: one side of zero of a role's minutes."""
    energies = bins.above_wh if above else bins.below_wh
    high, high_at = _extreme((bins.high, bins.high_at) if above else (-bins.low, bins.low_at))
    low, low_at = _extreme((-bins.low, bins.low_at) if above else (bins.high, bins.high_at))
    columns = (
        np.round(bins.edges[:-1:_PER_SLOT]).astype(int).tolist(),
        *(_quarters(one).tolist() for one in (energies, bins.measured_s, bins.estimated_s)),
        _or_none(np.maximum(high, 0.0)),
        _or_none(high_at),
        _or_none(np.maximum(-low, 0.0)),
        _or_none(low_at),
        _quarters(np.zeros(len(bins)) if at_reserve_s is None else at_reserve_s).tolist(),
        _quarters(bins.counter_s).tolist(),
    )
    for start, *rest in zip(*columns, strict=True):
        yield Slot(site, start, flow, *rest)


def _quarters(minutes: Array) -> Array:
    """Sums over quarters of an hour."""
    sums: Array = minutes.reshape(-1, _PER_SLOT).sum(axis=1)
    return sums


def _extreme(found: tuple[Array, Array]) -> tuple[Array, Array]:
    """Per quarter of an hour the highest of the minutes' values and when it was first; NaN without any."""
    values, times = (one.reshape(-1, _PER_SLOT) for one in found)
    highest = np.fmax.reduce(values, axis=1)
    at = np.where(values == highest[:, None], times, np.inf).min(axis=1)
    return highest, np.where(np.isinf(at), np.nan, at)


def _or_none(values: Array) -> list[float | None]:
    unknown = np.isnan(values).tolist()
    return [None if nan else value for value, nan in zip(values.tolist(), unknown, strict=True)]


def _balance_slots(curve: Curve, site: str) -> list[Slot]:
    """Rows of the split of flows, and of what the balance of all powers leaves unaccounted, worked out by minutes.

    The split needs production and grid, the rest of the balance the house's use as well; there may be no battery.
    """
    production, grid = curve.roles.get(Role.PRODUCTION), curve.roles.get(Role.GRID_FEED_IN)
    if production is None or grid is None:
        return []
    nothing = empty_bins(curve.start, curve.end, MINUTE_S)
    battery, house = curve.roles.get(Role.BATTERY_DISCHARGE), curve.roles.get(Role.CONSUMPTION)
    present = [production, grid, *([battery] if battery else [])]
    given = battery or nothing
    split = attribute(production.above_wh, grid.below_wh, grid.above_wh, given.below_wh, given.above_wh)
    rows = [_flow_rows(site, name, getattr(split, name), present, every=False) for name in _SPLIT_NAMES]
    if house is not None:
        came = production.above_wh + grid.below_wh + given.above_wh
        rest = came - house.above_wh - grid.above_wh - given.below_wh
        rows.append(_flow_rows(site, Flow.UNACCOUNTED, rest, [*present, house], every=True))
    return sorted((slot for several in rows for slot in several), key=lambda slot: (slot.start, slot.flow))


def _flow_rows(site: str, flow: str, minutes_wh: Array, present: Sequence[Bins], *, every: bool) -> Iterator[Slot]:
    """Rows of a flow that is worked out of several roles; those without energy only if `every` is wanted."""
    covered = np.array([bins.covered_s for bins in present])
    # At the edge of a hole the roles may cover different parts of the minute: their balance would mean nothing.
    good = (covered.min(axis=0) > 0) & (covered.max(axis=0) - covered.min(axis=0) <= 1.0)
    wh = np.where(good, minutes_wh, 0.0)
    wanted = good if every else wh > 0
    measured = np.where(wanted, np.min([bins.measured_s for bins in present], axis=0), 0.0)
    estimated = np.where(wanted, np.maximum(covered.min(axis=0) - measured, 0.0), 0.0)
    columns = (_quarters(one).tolist() for one in (wh, measured, estimated, wanted.astype(float)))
    for start, (energy, measured_s, estimated_s, any_of_it) in zip(
        np.round(present[0].edges[:-1:_PER_SLOT]).astype(int).tolist(), zip(*columns, strict=True), strict=True
    ):
        if any_of_it:
            yield Slot(site, start, flow, energy, measured_s, estimated_s)


def _reserve_seconds(curve: Curve, reserve_percent: float | None) -> Array | None:
    """Covered seconds at the reserve by minute."""
    charge = curve.roles.get(Role.STATE_OF_CHARGE)
    if charge is None:
        return None
    low = np.array([bool(one) for one in at_reserve(curve, reserve_percent)])
    return np.where(low, charge.covered_s, 0.0)
