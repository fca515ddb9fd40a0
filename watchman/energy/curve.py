"""The minutes of a stretch of time, per role: what the ledger's slots are summed from and the chart is drawn from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace

from watchman.energy.flows import Split, attribute
from watchman.energy.frozen import Span, frozen_spans, thawed
from watchman.energy.integrate import Bins, empty_bins, integrate
from watchman.energy.slots import FLOWS_OF_ROLE, GAUGES, SLOT_S, Flow, Role, Slot
from watchman.energy.tracks import Track, tracks
from watchman.series import Series

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
        return [bins.mean(i) for i in range(len(bins))] if bins is not None else []


def measure_all(series: Mapping[Role, Sequence[Series]], start: float, end: float, *, moves: bool = False) -> Curve:
    """The curve of all roles' samples, without the stretches in which an exporter only repeated old values.

    `moves`: the house's power is known to move from sample to sample, even if it does not in these.
    """
    found = {role: tracks(role, several) for role, several in series.items()}
    frozen = frozen_spans(found, moves=moves)
    roles = {role: _measured(role, [thawed(one, frozen) for one in own], start, end) for role, own in found.items()}
    return Curve(start, end, roles, frozen)


def measure(role: Role, series: Sequence[Series], start: float, end: float) -> Bins:
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
    slots: list[Slot] = []
    for role, bins in curve.roles.items():
        flows = FLOWS_OF_ROLE[role]
        for first in range(0, len(bins), _PER_SLOT):
            slots.append(_slot(site, flows[0], bins, first, above=True))
            if len(flows) > 1:
                slots.append(_slot(site, flows[1], bins, first, above=False))
    seconds = _reserve_seconds(curve, reserve_percent)
    gauge = (replace(s, at_reserve_s=seconds.get(s.start, 0.0)) if s.flow == Flow.STATE_OF_CHARGE else s for s in slots)
    return [*gauge, *_split_slots(curve, site)]


def curve_of(slots: Iterable[Slot], roles: Iterable[Role], start: float, end: float) -> Curve:
    """The coarse curve that ledger rows still give when the raw samples are gone: each minute has its slot's mean."""
    by_key = {(slot.start, slot.flow): slot for slot in slots}
    curve = Curve(start, end, {role: empty_bins(start, end, MINUTE_S) for role in roles}, step_s=SLOT_S)
    for role, bins in curve.roles.items():
        flows = FLOWS_OF_ROLE[role]
        for index in range(len(bins)):
            slot_start = int((start + index * MINUTE_S) // SLOT_S) * SLOT_S
            rows = [by_key.get((slot_start, flow)) for flow in flows]
            if rows[0] is None:
                continue
            sides = [row.wh / _PER_SLOT if row else 0.0 for row in rows] + [0.0]
            bins.above_wh[index], bins.below_wh[index] = sides[0], sides[1]
            bins.measured_s[index] = rows[0].measured_s / _PER_SLOT
            bins.estimated_s[index] = rows[0].estimated_s / _PER_SLOT
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
    total = empty_bins(parts[0].start, parts[0].start + len(parts[0]) * MINUTE_S, MINUTE_S)
    for i in range(len(total)):
        total.above_wh[i] = weight * sum(part.above_wh[i] for part in parts)
        total.below_wh[i] = weight * sum(part.below_wh[i] for part in parts)
        total.measured_s[i] = min(part.measured_s[i] for part in parts)
        total.estimated_s[i] = max(0.0, min(part.covered_s(i) for part in parts) - total.measured_s[i])
        means = [mean for part in parts if (mean := part.mean(i)) is not None]
        if len(means) == len(parts):
            total.high[i] = total.low[i] = weight * sum(means)
            total.high_at[i] = total.low_at[i] = total.start + i * MINUTE_S
    return total


def _slot(site: str, flow: Flow, bins: Bins, first: int, *, above: bool) -> Slot:
    span = slice(first, first + _PER_SLOT)
    high, low = _extremes(bins, span, above=above)
    return Slot(
        site=site,
        start=round(bins.start + first * MINUTE_S),
        flow=flow,
        wh=sum((bins.above_wh if above else bins.below_wh)[span]),
        measured_s=sum(bins.measured_s[span]),
        estimated_s=sum(bins.estimated_s[span]),
        peak=high[0],
        peak_at=high[1],
        low=low[0],
        low_at=low[1],
    )


def _extremes(bins: Bins, span: slice, *, above: bool) -> tuple[tuple[float | None, float | None], ...]:
    """Highest and lowest sample of a quarter as (value, time), seen from one side of zero."""
    sign = 1.0 if above else -1.0
    tops = (bins.high, bins.high_at) if above else (bins.low, bins.low_at)
    bottoms = (bins.low, bins.low_at) if above else (bins.high, bins.high_at)
    high = [
        (sign * v, -t) for v, t in zip(tops[0][span], tops[1][span], strict=True) if v is not None and t is not None
    ]
    low = [
        (sign * v, t)
        for v, t in zip(bottoms[0][span], bottoms[1][span], strict=True)
        if v is not None and t is not None
    ]
    if not high or not low:
        return (None, None), (None, None)
    return (max(max(high)[0], 0.0), -max(high)[1]), (max(min(low)[0], 0.0), min(low)[1])


def _split_slots(curve: Curve, site: str) -> list[Slot]:
    """Rows of the split of flows, attributed minute by minute; needs production and grid, the battery may be absent."""
    powers = [curve.roles.get(role) for role in (Role.PRODUCTION, Role.GRID_FEED_IN, Role.BATTERY_DISCHARGE)]
    production, grid, battery = powers
    if production is None or grid is None:
        return []
    present = [bins for bins in powers if bins is not None]
    sums: dict[tuple[int, str], list[float]] = {}
    for i in range(len(production)):
        covered = [bins.covered_s(i) for bins in present]
        # At the edge of a hole the roles may cover different parts of the minute: their balance would mean nothing.
        if min(covered) <= 0 or max(covered) - min(covered) > 1.0:
            continue
        charge, discharge = (battery.below_wh[i], battery.above_wh[i]) if battery else (0.0, 0.0)
        split = attribute(production.above_wh[i], grid.below_wh[i], grid.above_wh[i], charge, discharge)
        start = round(curve.start) + i // _PER_SLOT * SLOT_S
        measured = min(bins.measured_s[i] for bins in present)
        for name in _SPLIT_NAMES:
            wh = getattr(split, name)
            if wh > 0:
                row = sums.setdefault((start, name), [0.0, 0.0, 0.0])
                row[0] += wh
                row[1] += measured
                row[2] += max(0.0, min(covered) - measured)
    return [Slot(site, start, name, *row) for (start, name), row in sorted(sums.items())]


def _reserve_seconds(curve: Curve, reserve_percent: float | None) -> dict[int, float]:
    """Covered seconds at the reserve by slot start."""
    charge = curve.roles.get(Role.STATE_OF_CHARGE)
    seconds: dict[int, float] = {}
    for i, low in enumerate(at_reserve(curve, reserve_percent)):
        if low and charge is not None:
            start = round(curve.start) + i // _PER_SLOT * SLOT_S
            seconds[start] = seconds.get(start, 0.0) + charge.covered_s(i)
    return seconds
