"""The figures of a period, from its ledger rows. Ratios are 0..1 and come from sums of energies, never from averages.

Whatever needs a quantity that was not measured is None: unknown is never zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from watchman.energy.slots import ENERGY_FLOWS, FLOWS_OF_ROLE, SLOT_S, Flow, Role, Slot, overall_measured_s, roll_up

COMPLETE_SHARE = 0.98
# Lags between two meters read as a little energy from the battery to the grid. Below this share of the total the plain
# formula is the truer one.
_MATERIAL_SHARE = 0.01
_SLOT_FULL_S = SLOT_S - 10.0
_GAUGE_FLOWS = (Flow.STATE_OF_CHARGE, Flow.BACKUP_BUFFER)


@dataclass(frozen=True, slots=True)
class Peak:
    """A highest value (W) and when it was (unix s)."""

    value: float
    at: float


@dataclass(frozen=True, slots=True)
class Period:
    """Figures of [start, end) in unix seconds. Energies in Wh by flow; a flow without a covered second is absent."""

    start: float
    end: float
    roles: tuple[Role, ...]
    energy_wh: Mapping[Flow, float]
    measured: Mapping[Role, float]
    estimated: Mapping[Role, float]
    overall: float
    peaks: Mapping[Flow, Peak]
    import_quarter: Peak | None
    state_of_charge_min: float | None
    state_of_charge_max: float | None
    at_reserve_s: float | None
    self_consumption: float | None
    self_sufficiency: float | None

    @property
    def hours(self) -> float:
        """Length of the period: a local day has 23, 24 or 25 (24.5 on Lord Howe Island)."""
        return (self.end - self.start) / 3600

    @property
    def complete(self) -> bool:
        """Every configured role has at least 0.98 of the period measured or estimated."""
        return bool(self.roles) and all(self.measured[r] + self.estimated[r] >= COMPLETE_SHARE for r in self.roles)

    @property
    def known(self) -> bool:
        """Whether anything at all was measured."""
        return any(self.measured[role] + self.estimated[role] > 0 for role in self.roles)


def figures(slots: Sequence[Slot], start: float, end: float, roles: Sequence[Role]) -> Period:
    """The figures of a period from one site's rows inside it. `roles` are the configured ones."""
    wanted = measured_roles(roles)
    overall_s = overall_measured_s(slots, wanted)
    return period_of(roll_up(slots), start, end, wanted, overall_s=overall_s, quarter=highest_quarter(slots))


def measured_roles(roles: Sequence[Role]) -> tuple[Role, ...]:
    """The roles whose data a period must have to be complete: the reserve is a setting."""
    return tuple(role for role in roles if role is not Role.BACKUP_BUFFER)


def period_of(
    totals: Mapping[str, Slot],
    start: float,
    end: float,
    roles: Sequence[Role],
    *,
    overall_s: float,
    quarter: Peak | None,
) -> Period:
    """The figures from each flow's total over [start, end)."""
    wanted, seconds = tuple(roles), end - start
    covered = {Flow(name): slot for name, slot in totals.items() if slot.covered_s > 0}
    energy: dict[Flow, float] = {flow: slot.wh for flow, slot in covered.items() if flow not in _GAUGE_FLOWS}
    charge = covered.get(Flow.STATE_OF_CHARGE)
    heads = {role: totals.get(FLOWS_OF_ROLE[role][0]) for role in wanted}
    return Period(
        start=start,
        end=end,
        roles=wanted,
        energy_wh=energy,
        measured={role: _share(head.measured_s, seconds) if head else 0.0 for role, head in heads.items()},
        estimated={role: _share(head.estimated_s, seconds) if head else 0.0 for role, head in heads.items()},
        overall=_share(overall_s, seconds),
        peaks={flow: peak for flow in ENERGY_FLOWS if (peak := _peak(covered.get(flow))) is not None},
        import_quarter=quarter,
        state_of_charge_min=charge.low if charge else None,
        state_of_charge_max=charge.peak if charge else None,
        at_reserve_s=charge.at_reserve_s if charge else None,
        self_consumption=self_consumption(energy),
        self_sufficiency=self_sufficiency(energy),
    )


def self_consumption(energy_wh: Mapping[Flow, float]) -> float | None:
    """(production - grid_export) / production; export that came out of the battery is not held against the sun."""
    production, export = energy_wh.get(Flow.PRODUCTION), energy_wh.get(Flow.GRID_EXPORT)
    if production is None or export is None or production <= 0:
        return None
    from_battery = energy_wh.get(Flow.BATTERY_TO_GRID, 0.0)
    if from_battery > _MATERIAL_SHARE * production:
        export -= from_battery
    return _clamp((production - export) / production)


def self_sufficiency(energy_wh: Mapping[Flow, float]) -> float | None:
    """1 - grid_import / consumption; import that charged the battery is not held against the house."""
    consumption, bought = energy_wh.get(Flow.CONSUMPTION), energy_wh.get(Flow.GRID_IMPORT)
    if consumption is None or bought is None or consumption <= 0:
        return None
    into_battery = energy_wh.get(Flow.GRID_TO_BATTERY, 0.0)
    if into_battery > _MATERIAL_SHARE * consumption:
        bought -= into_battery
    return _clamp(1 - bought / consumption)


def grid_neutrality(energy_wh: Mapping[Flow, float]) -> float | None:
    """1 - import / export where more was sold than bought, else export / import - 1: 0 is even, 1 only sold, -1 only
    bought.
    """
    bought, sold = energy_wh.get(Flow.GRID_IMPORT), energy_wh.get(Flow.GRID_EXPORT)
    if bought is None or sold is None or max(bought, sold) <= 0:
        return None
    return 1 - bought / sold if sold > bought else sold / bought - 1


def equivalent_full_cycles(discharge_wh: float | None, capacity_wh: float | None) -> float | None:
    """Discharge over nominal capacity; charge is not used, it differs by the losses."""
    if discharge_wh is None or not capacity_wh:
        return None
    return discharge_wh / capacity_wh


def _peak(slot: Slot | None) -> Peak | None:
    if slot is None or slot.peak is None or slot.peak_at is None:
        return None
    return Peak(slot.peak, slot.peak_at)


def highest_quarter(slots: Sequence[Slot], flow: Flow = Flow.GRID_IMPORT) -> Peak | None:
    """The highest mean of a whole quarter of an hour: what a capacity tariff bills."""
    means = [
        (slot.mean, -slot.start)
        for slot in slots
        if slot.flow == flow and slot.covered_s >= _SLOT_FULL_S and slot.mean is not None
    ]
    return Peak(max(means)[0], -max(means)[1]) if means else None


def _share(part: float, whole: float) -> float:
    return min(1.0, part / whole) if whole > 0 else 0.0


def _clamp(ratio: float) -> float:
    return min(1.0, max(0.0, ratio))
