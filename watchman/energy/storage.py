"""What a battery gives back and how much it holds, from stretches in which all of it was measured.

The energy that is still stored at the end counts for it, by the state of charge: without that, a week that ends full
would look like a bad battery.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from watchman.energy.slots import SLOT_S, Flow, Slot

# The gauge shows whole percents: over 40 of them its error is 2.5 % at most.
_LONG_DISCHARGE_PERCENT = 40.0
_IDLE_SHARE = 0.02
_FULL_S = SLOT_S - 10.0
FEWEST_DAYS = 7
# What moved through the battery must outweigh the error of the state of charge (2 points).
_LEAST_CHARGE_WH = 100.0
_CHARGE_ERROR = 0.02
_STORED_MATTERS = 0.03


@dataclass(frozen=True, slots=True)
class Quarter:
    """A quarter of an hour of the battery, all of it measured: Wh, and the charge in percent at both its ends."""

    start: int
    charge_wh: float
    discharge_wh: float
    first_percent: float
    last_percent: float


@dataclass(frozen=True, slots=True)
class Storage:
    """What went in and out while all was measured, how much fuller it was afterwards, and every long discharge's size.

    `grown_percent` is summed over the unbroken stretches; `capacities_wh` are discharge / fall of charge.
    """

    charge_wh: float = 0.0
    discharge_wh: float = 0.0
    grown_percent: float = 0.0
    covered_s: float = 0.0
    capacities_wh: tuple[float, ...] = ()

    def plus(self, other: Storage) -> Storage:
        """Both periods."""
        return Storage(
            self.charge_wh + other.charge_wh,
            self.discharge_wh + other.discharge_wh,
            self.grown_percent + other.grown_percent,
            self.covered_s + other.covered_s,
            (*self.capacities_wh, *other.capacities_wh),
        )

    @property
    def usable_capacity_wh(self) -> float | None:
        """Median over the long discharges: what a full one gives, measured where the battery meets the house."""
        return median(self.capacities_wh) if self.capacities_wh else None

    def round_trip(self, capacity_wh: float | None) -> float | None:
        """(discharge + growth of the stored energy) / charge; None where that would be mostly error.

        `capacity_wh` turns percents into energy; where it is not known the measured one is taken. Seven days at least:
        over one day the answer is mostly the error of the state of charge.
        """
        capacity = capacity_wh or self.usable_capacity_wh
        if capacity is None:
            # Without a size the growth cannot be valued; it must then not matter.
            if abs(self.grown_percent) > 5:
                return None
            capacity = 0.0
        if self.covered_s < FEWEST_DAYS * 86400 or self.charge_wh < _LEAST_CHARGE_WH:
            return None
        if _CHARGE_ERROR * capacity > _STORED_MATTERS * self.charge_wh:
            return None
        ratio = (self.discharge_wh + self.grown_percent / 100 * capacity) / self.charge_wh
        return ratio if 0 <= ratio <= 1 else None


def storage(slots: Sequence[Slot]) -> Storage:
    """The battery of a period from one site's rows."""
    total = Storage()
    for stretch in _stretches(slots):
        total = total.plus(
            Storage(
                sum(quarter.charge_wh for quarter in stretch),
                sum(quarter.discharge_wh for quarter in stretch),
                stretch[-1].last_percent - stretch[0].first_percent,
                float(len(stretch) * SLOT_S),
                tuple(_capacities(stretch)),
            )
        )
    return total


def _stretches(slots: Sequence[Slot]) -> Iterator[list[Quarter]]:
    """Runs of quarters that follow each other."""
    run: list[Quarter] = []
    for quarter in _quarters(slots):
        if run and quarter.start != run[-1].start + SLOT_S:
            yield run
            run = []
        run.append(quarter)
    if run:
        yield run


def _quarters(slots: Sequence[Slot]) -> list[Quarter]:
    flows = (Flow.BATTERY_CHARGE, Flow.BATTERY_DISCHARGE, Flow.STATE_OF_CHARGE)
    by_start: dict[int, dict[str, Slot]] = {}
    for slot in slots:
        if slot.flow in flows and slot.covered_s >= _FULL_S:
            by_start.setdefault(slot.start, {})[slot.flow] = slot
    return [
        Quarter(start, parts[flows[0]].wh, parts[flows[1]].wh, *_ends(parts[flows[2]]))
        for start, parts in sorted(by_start.items())
        if len(parts) == len(flows)
    ]


def _ends(slot: Slot) -> tuple[float, float]:
    """The charge at both ends of a quarter: within one it rises or falls, so its extremes are its ends."""
    if slot.peak is None or slot.low is None or slot.peak_at is None or slot.low_at is None:
        mean = slot.mean or 0.0
        return mean, mean
    return (slot.low, slot.peak) if slot.low_at <= slot.peak_at else (slot.peak, slot.low)


def _capacities(stretch: Sequence[Quarter]) -> Iterator[float]:
    """Of each long discharge: its energy over its fall of charge, as Wh of 100 %."""
    run: list[Quarter] = []
    for quarter in [*stretch, None]:
        if quarter is not None and quarter.discharge_wh > 0 and quarter.charge_wh <= _IDLE_SHARE * quarter.discharge_wh:
            run.append(quarter)
            continue
        fall = run[0].first_percent - run[-1].last_percent if run else 0.0
        if fall >= _LONG_DISCHARGE_PERCENT:
            yield sum(one.discharge_wh for one in run) / fall * 100
        run = []
