"""Coverage weighed by the energy one would expect: an hour missing at noon weighs more than one at night."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from watchman.energy.slots import FLOWS_OF_ROLE, GAUGES, SLOT_S, Flow, Role, Slot

_FULL_S = SLOT_S - 10.0

Profile = Mapping[tuple[str, int], float]
"""Usual energy in Wh by flow and quarter of the local day (0..95)."""


def profile(slots: Iterable[Slot], zone: ZoneInfo) -> Profile:
    """The mean of the whole quarters of an hour among the rows, by their local time."""
    sums: dict[tuple[str, int], tuple[float, int]] = {}
    for slot in slots:
        if slot.covered_s >= _FULL_S:
            key = slot.flow, _quarter(slot.start, zone)
            wh, count = sums.get(key, (0.0, 0))
            sums[key] = wh + slot.wh, count + 1
    return {key: wh / count for key, (wh, count) in sums.items()}


def expected_coverage(
    slots: Sequence[Slot], usual: Profile, roles: Iterable[Role], start: float, end: float, zone: ZoneInfo
) -> dict[Role, float]:
    """The share of the energy one would expect in [start, end) that was measured or estimated, by role.

    A role nobody knows the usual energy of, because the ledger is too young, is weighed by time; gauges always are.
    """
    covered = {(slot.start, slot.flow): slot.covered_s for slot in slots}
    starts = range(round(start), round(end), SLOT_S)
    shares = {}
    for role in roles:
        flows = FLOWS_OF_ROLE[role]
        weights = [_weight(flows, usual, _quarter(at, zone)) if role not in GAUGES else 1.0 for at in starts]
        if not sum(weights):
            weights = [1.0] * len(weights)
        known = sum(weight * covered.get((at, flows[0]), 0.0) for at, weight in zip(starts, weights, strict=True))
        shares[role] = min(1.0, known / (sum(weights) * SLOT_S)) if weights else 0.0
    return shares


def _weight(flows: Iterable[Flow], usual: Profile, quarter: int) -> float:
    return sum(usual.get((flow, quarter), 0.0) for flow in flows)


def _quarter(start: float, zone: ZoneInfo) -> int:
    local = datetime.fromtimestamp(start, zone)
    return (local.hour * 3600 + local.minute * 60) // SLOT_S
