"""The account of a period: sums that add up from days to years, and what is told of them.

Everything is kept as a sum until the end, so that a month is exactly its days, and a ratio is never the mean of ratios.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from statistics import median
from zoneinfo import ZoneInfo

from watchman.energy.figures import Peak, Period, highest_quarter, measured_roles, period_of
from watchman.energy.money import Amounts, Cost, added, amounts, cost
from watchman.energy.slots import SLOT_S, Flow, Role, Slot, add, overall_measured_s, roll_up
from watchman.energy.storage import Storage, storage
from watchman.energy.tariff import Prices, Tariff, slot_prices, standing_charge
from watchman.localtime import day_of, local_day

IMPORT_PRICE, EXPORT_PRICE, CO2, IRRADIANCE = "import_price", "export_price", "co2", "irradiance"
KINDS = (IMPORT_PRICE, EXPORT_PRICE, CO2, IRRADIANCE)
Values = Mapping[str, Mapping[int, float]]
"""Series beside the energies: by kind, the value of each quarter of an hour (unix s of its start) that has one."""

_FULL_S = SLOT_S - 10.0
_BASE_QUANTILE = 0.1
_BASE_DAY_SHARE = 0.8


@dataclass(frozen=True, slots=True)
class Plant:
    """What figures must know of a home: sizes, prices, the grid's CO2 (g/kWh, as prices are given)."""

    zone: ZoneInfo
    roles: tuple[Role, ...]
    capacity_wh: float | None = None
    peak_w: float | None = None
    tariff: Tariff | None = None
    co2: tuple[Prices, ...] = ()


@dataclass(frozen=True, slots=True)
class PerSlot:
    """Prices per kWh, g of CO2 per kWh and irradiance (W/m2) by slot start."""

    bought: Mapping[int, float] = field(default_factory=dict)
    sold: Mapping[int, float] = field(default_factory=dict)
    grams: Mapping[int, float] = field(default_factory=dict)
    irradiance: Mapping[int, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sums:
    """All that adds up over [start, end). `sun_wh` is the production while the irradiation (Wh/m2) was known."""

    start: float
    end: float
    totals: Mapping[str, Slot]
    overall_s: float
    quarter: Peak | None
    storage: Storage
    base_loads_w: tuple[float, ...]
    bought: Amounts
    sold: Amounts
    grams: Amounts
    standing: float
    sun_wh: float
    irradiation_wh_m2: float

    def plus(self, later: Sums) -> Sums:
        """These and those of the period that begins where this one ends."""
        totals = dict(self.totals)
        for flow, slot in later.totals.items():
            totals[flow] = add(totals.get(flow), slot)
        return Sums(
            start=self.start,
            end=later.end,
            totals=totals,
            overall_s=self.overall_s + later.overall_s,
            quarter=max(
                (q for q in (self.quarter, later.quarter) if q is not None),
                key=lambda peak: (peak.value, -peak.at),
                default=None,
            ),
            storage=self.storage.plus(later.storage),
            base_loads_w=(*self.base_loads_w, *later.base_loads_w),
            bought=added(self.bought, later.bought),
            sold=added(self.sold, later.sold),
            grams=added(self.grams, later.grams),
            standing=self.standing + later.standing,
            sun_wh=self.sun_wh + later.sun_wh,
            irradiation_wh_m2=self.irradiation_wh_m2 + later.irradiation_wh_m2,
        )


@dataclass(frozen=True, slots=True)
class Account:
    """A period as the catalogue of figures reads it."""

    plant: Plant
    period: Period
    sums: Sums
    cost: Cost | None

    @property
    def base_load_w(self) -> float | None:
        """Median over the days of the power that nine tenths of the day's quarters exceed."""
        return median(self.sums.base_loads_w) if self.sums.base_loads_w else None


def per_slot(plant: Plant, start: float, end: float, values: Values) -> PerSlot:
    """What each quarter of an hour of [start, end) costs, earns and emits."""
    tariff = plant.tariff or Tariff()

    def priced(entries: Sequence[Prices], kind: str) -> dict[int, float]:
        return slot_prices(entries, start, end, plant.zone, holidays=tariff.holidays, values=values.get(kind))

    return PerSlot(
        bought=priced(tariff.bought, IMPORT_PRICE) if tariff.bought else {},
        sold=priced(tariff.sold, EXPORT_PRICE) if tariff.sold else {},
        grams=priced(plant.co2, CO2) if plant.co2 else {},
        irradiance=values.get(IRRADIANCE, {}),
    )


def sums(slots: Sequence[Slot], start: float, end: float, plant: Plant, rates: PerSlot) -> Sums:
    """The sums of [start, end) from one site's rows inside it, in any order."""
    sun_wh, irradiation = _sun(slots, rates.irradiance)
    return Sums(
        start=start,
        end=end,
        totals=roll_up(slots),
        overall_s=overall_measured_s(slots, measured_roles(plant.roles)),
        quarter=highest_quarter(slots),
        storage=storage(slots),
        base_loads_w=tuple(_base_loads(slots, start, end, plant.zone)),
        bought=amounts(slots, rates.bought) if rates.bought else {},
        sold=amounts(slots, rates.sold) if rates.sold else {},
        grams=amounts(slots, rates.grams) if rates.grams else {},
        standing=standing_charge(plant.tariff.standing, start, end, plant.zone) if plant.tariff else 0.0,
        sun_wh=sun_wh,
        irradiation_wh_m2=irradiation,
    )


def account_of(total: Sums, plant: Plant) -> Account:
    """What is told of a period."""
    roles = measured_roles(plant.roles)
    period = period_of(total.totals, total.start, total.end, roles, overall_s=total.overall_s, quarter=total.quarter)
    money = None
    if plant.tariff is not None:
        battery = Role.BATTERY_DISCHARGE in plant.roles
        money = cost(plant.tariff.currency, total.bought, total.sold, total.standing, battery=battery)
    return Account(plant, period, total, money)


def account(slots: Sequence[Slot], start: float, end: float, plant: Plant, values: Values) -> Account:
    """The account of one period from its rows."""
    return account_of(sums(slots, start, end, plant, per_slot(plant, start, end, values)), plant)


def joined(parts: Sequence[Sums]) -> Sums:
    """The sums of periods that follow each other; at least one."""
    return reduce(Sums.plus, parts)


def _base_loads(slots: Sequence[Slot], start: float, end: float, zone: ZoneInfo) -> list[float]:
    """Of each whole local day inside: the tenth part of its quarters that uses least ends at this power (W)."""
    if end - start < SLOT_S * 90:
        return []
    by_day: dict[float, list[float]] = {}
    bounds = (0.0, 0.0)
    for slot in sorted((one for one in slots if one.flow == Flow.CONSUMPTION), key=lambda one: one.start):
        if slot.covered_s >= _FULL_S and slot.mean is not None:
            if not bounds[0] <= slot.start < bounds[1]:
                bounds = local_day(day_of(slot.start, zone), zone)
            by_day.setdefault(bounds[0], []).append(slot.mean)
    return [
        sorted(means)[int(_BASE_QUANTILE * len(means))]
        for _, means in sorted(by_day.items())
        if len(means) >= _BASE_DAY_SHARE * 96
    ]


def _sun(slots: Sequence[Slot], irradiance: Mapping[int, float]) -> tuple[float, float]:
    """Production (Wh) and irradiation (Wh/m2) of the quarters in which both are known."""
    matched = [
        (slot.wh, irradiance[slot.start] * SLOT_S / 3600)
        for slot in (slots if irradiance else ())
        if slot.flow == Flow.PRODUCTION and slot.covered_s >= _FULL_S and slot.start in irradiance
    ]
    return sum(wh for wh, _ in matched), sum(part for _, part in matched)
