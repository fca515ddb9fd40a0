"""Every figure that is told: its name, unit, definition and source, what it is made of, and the formula.

One table, from which rows, exports and docs/energy.md are made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from watchman.energy.account import Account
from watchman.energy.figures import equivalent_full_cycles, grid_neutrality
from watchman.energy.slots import ENERGY_FLOWS, Flow, Provenance

RATIO = "0..1"


@dataclass(frozen=True, slots=True)
class Figure:
    """`of` gives the value, None where it is not known. `needs` are the flows it is made of.

    `unit` is `money` for amounts in the tariff's currency, `0..1` for shares.
    """

    name: str
    unit: str
    label: str
    definition: str
    source: str
    needs: tuple[Flow, ...]
    of: Callable[[Account], float | None]


_MEASURED = "raw samples, integrated by their time stamps; counters where there are some"
_HA = "Home Assistant, energy dashboard"
_LABELS = {
    Flow.PRODUCTION: ("Sun", "Energy the panels gave."),
    Flow.CONSUMPTION: ("House", "Energy the house used."),
    Flow.GRID_IMPORT: ("Bought", "Energy from the grid."),
    Flow.GRID_EXPORT: ("Sold", "Energy to the grid."),
    Flow.BATTERY_CHARGE: ("Into battery", "Energy into the battery, on the AC side."),
    Flow.BATTERY_DISCHARGE: ("Out of battery", "Energy out of the battery, on the AC side."),
    Flow.SOLAR_TO_LOAD: ("Sun to house", "The part of the sun the house used at once."),
    Flow.SOLAR_TO_BATTERY: ("Sun to battery", "The part of the sun that charged the battery."),
    Flow.SOLAR_TO_GRID: ("Sun to grid", "The part of the sun that was sold."),
    Flow.BATTERY_TO_LOAD: ("Battery to house", "The part of the discharge the house used."),
    Flow.BATTERY_TO_GRID: ("Battery to grid", "The part of the discharge that was sold."),
    Flow.GRID_TO_LOAD: ("Grid to house", "The part of the import the house used."),
    Flow.GRID_TO_BATTERY: ("Grid to battery", "The part of the import that charged the battery."),
    Flow.UNACCOUNTED: ("Unaccounted", "In less out: production + import + discharge - consumption - export - charge."),
}


def _energy(flow: Flow) -> Figure:
    label, definition = _LABELS[flow]
    needs: tuple[Flow, ...] = (flow,)
    if flow in ENERGY_FLOWS:
        source = _MEASURED
    elif flow is Flow.UNACCOUNTED:
        source, needs = "power balance, minute by minute", ENERGY_FLOWS
    else:
        source, needs = f"split of flows, minute by minute, in the order of {_HA}", _SPLIT_NEEDS
    return Figure(
        f"{flow.value}_wh", "Wh", label, definition, source, needs, lambda one: one.period.energy_wh.get(flow)
    )


_SPLIT_NEEDS = (Flow.PRODUCTION, Flow.GRID_IMPORT, Flow.GRID_EXPORT)
_BATTERY = (Flow.BATTERY_CHARGE, Flow.BATTERY_DISCHARGE)


def _share_of_base_load(one: Account) -> float | None:
    base, used = one.base_load_w, one.period.energy_wh.get(Flow.CONSUMPTION)
    days = len(one.sums.base_loads_w)
    total = one.sums.totals.get(Flow.CONSUMPTION)
    if base is None or not used or not days or total is None:
        return None
    return min(1.0, base * total.covered_s / 3600 / used)


def _specific_yield(one: Account) -> float | None:
    sun, peak = one.period.energy_wh.get(Flow.PRODUCTION), one.plant.peak_w
    return None if sun is None or not peak else sun / peak


def _capacity_factor(one: Account) -> float | None:
    total, peak = one.sums.totals.get(Flow.PRODUCTION), one.plant.peak_w
    if total is None or not peak or total.covered_s <= 0:
        return None
    return total.wh / (peak * total.covered_s / 3600)


def _performance_ratio(one: Account) -> float | None:
    peak, irradiation = one.plant.peak_w, one.sums.irradiation_wh_m2
    if not peak or irradiation < _LEAST_IRRADIATION_WH_M2:
        return None
    return (one.sums.sun_wh / peak) / (irradiation / 1000)


_LEAST_IRRADIATION_WH_M2 = 100.0


def _co2_avoided(one: Account) -> float | None:
    grams = one.sums.grams
    sun, sold = grams.get(Flow.PRODUCTION), grams.get(Flow.GRID_EXPORT)
    if sun is None or sold is None or sun.known is None or sold.known is None:
        return None
    return sun.known - sold.known


def _co2(one: Account) -> float | None:
    bought = one.sums.grams.get(Flow.GRID_IMPORT)
    return None if bought is None else bought.known


def _effective_price(one: Account) -> float | None:
    used = one.period.energy_wh.get(Flow.CONSUMPTION)
    if one.cost is None or one.cost.net is None or one.cost.exported is None or not used:
        return None
    return one.cost.net / used * 1000


FIGURES: tuple[Figure, ...] = (
    *(_energy(flow) for flow in _LABELS),
    Figure("self_consumption", RATIO, "Sun used here",
           "(production - export) / production; export out of the battery does not count against the sun.",
           "Quaschning, Independence Calculator", (Flow.PRODUCTION, Flow.GRID_EXPORT),
           lambda one: one.period.self_consumption),
    Figure("self_sufficiency", RATIO, "Own power",
           "1 - import / consumption; import that charged the battery does not count against the house.",
           f"{_HA}, gauge", (Flow.CONSUMPTION, Flow.GRID_IMPORT), lambda one: one.period.self_sufficiency),
    Figure("grid_neutrality", "-1..1", "Grid neutrality",
           "1 - import / export where more was sold, else export / import - 1: 0 is even, -1 only bought, 1 only sold.",
           f"{_HA}, gauge", (Flow.GRID_IMPORT, Flow.GRID_EXPORT), lambda one: grid_neutrality(one.period.energy_wh)),
    Figure("battery_round_trip", RATIO, "Round trip",
           "(discharge + growth of what is stored) / charge, over stretches in which all of it was measured; "
           "seven days at least.",
           "eedc; growth from the state of charge", (*_BATTERY, Flow.STATE_OF_CHARGE),
           lambda one: one.sums.storage.round_trip(one.plant.capacity_wh)),
    Figure("equivalent_full_cycles", "cycles", "Full cycles", "discharge / nominal capacity of the battery.",
           "eedc; warranty terms of batteries", (Flow.BATTERY_DISCHARGE,),
           lambda one: equivalent_full_cycles(
               one.period.energy_wh.get(Flow.BATTERY_DISCHARGE), one.plant.capacity_wh)),
    Figure("usable_capacity_wh", "Wh", "Usable capacity",
           "discharge / fall of charge, as Wh of 100 %: the median of all discharges over 40 % or more.",
           "own definition", (Flow.BATTERY_DISCHARGE, Flow.STATE_OF_CHARGE),
           lambda one: one.sums.storage.usable_capacity_wh),
    Figure("state_of_charge_min", "%", "Lowest charge", "Lowest sample of the state of charge.", "samples",
           (Flow.STATE_OF_CHARGE,), lambda one: one.period.state_of_charge_min),
    Figure("state_of_charge_max", "%", "Highest charge", "Highest sample of the state of charge.", "samples",
           (Flow.STATE_OF_CHARGE,), lambda one: one.period.state_of_charge_max),
    Figure("at_reserve_s", "s", "At reserve",
           "Time at the reserve: the backup buffer where a series tells it, else the configured reserve.", "samples",
           (Flow.STATE_OF_CHARGE,), lambda one: one.period.at_reserve_s),
    Figure("base_load_w", "W", "Base load",
           "The power that nine tenths of a day's quarters of an hour exceed; the median over the days.",
           "10 % quantile, so that a car that charges at night does not count", (Flow.CONSUMPTION,),
           lambda one: one.base_load_w),
    Figure("base_load_share", RATIO, "Base load share", "Base load over all measured hours / consumption.",
           "eedc", (Flow.CONSUMPTION,), _share_of_base_load),
    Figure("grid_import_peak_w", "W", "Peak import", "Highest sample.", "samples", (Flow.GRID_IMPORT,),
           lambda one: _value(one, Flow.GRID_IMPORT)),
    Figure("grid_import_15min_w", "W", "Peak import, 15 min", "Highest mean of a whole quarter of an hour.",
           "capacity tariffs", (Flow.GRID_IMPORT,),
           lambda one: one.period.import_quarter.value if one.period.import_quarter else None),
    Figure("production_peak_w", "W", "Peak sun", "Highest sample.", "samples", (Flow.PRODUCTION,),
           lambda one: _value(one, Flow.PRODUCTION)),
    Figure("consumption_peak_w", "W", "Peak house", "Highest sample.", "samples", (Flow.CONSUMPTION,),
           lambda one: _value(one, Flow.CONSUMPTION)),
    Figure("specific_yield", "kWh/kWp", "Specific yield", "production / peak power of the roof.",
           "IEC 61724, final yield", (Flow.PRODUCTION,), _specific_yield),
    Figure("capacity_factor", RATIO, "Capacity factor", "production / (peak power of the roof x measured hours).",
           "IEC 61724", (Flow.PRODUCTION,), _capacity_factor),
    Figure("performance_ratio", RATIO, "Performance ratio",
           "Specific yield / (irradiation of the panels / 1 kW/m2), over the quarters in which both are known; "
           "needs `solar.irradiance`.",
           "IEC 61724", (Flow.PRODUCTION,), _performance_ratio),
    Figure("cost_import", "money", "Bought for", "Import of each quarter of an hour x its price.", "tariff.import",
           (Flow.GRID_IMPORT,), lambda one: one.cost.imported if one.cost else None),
    Figure("cost_export", "money", "Sold for", "Export of each quarter of an hour x its price.", "tariff.export",
           (Flow.GRID_EXPORT,), lambda one: one.cost.exported if one.cost else None),
    Figure("cost_standing", "money", "Standing charge", "Standing charges, day by day.", "tariff.standing", (),
           lambda one: one.cost.standing if one.cost else None),
    Figure("cost_net", "money", "Cost", "Import - export + standing charge.", "tariff",
           (Flow.GRID_IMPORT, Flow.GRID_EXPORT), lambda one: one.cost.net if one.cost else None),
    Figure("saved", "money", "Saved", "Consumption x import price - (import - export): against buying all of it.",
           "tariff", (Flow.CONSUMPTION, Flow.GRID_IMPORT, Flow.GRID_EXPORT),
           lambda one: one.cost.saved if one.cost else None),
    Figure("battery_value", "money", "Battery's part",
           "Battery to house x import price + battery to grid x export price - sun to battery x export price - grid to "
           "battery x import price, each quarter of an hour at its own.",
           "cost with less cost without the battery", (*_SPLIT_NEEDS, *_BATTERY),
           lambda one: one.cost.battery if one.cost else None),
    Figure("effective_price", "money/kWh", "Price of a kWh used", "Net cost / consumption.", "evcc",
           (Flow.CONSUMPTION, Flow.GRID_IMPORT, Flow.GRID_EXPORT), _effective_price),
    Figure("co2_g", "g", "CO2", "Import x the grid's intensity.", "GHG protocol, location based", (Flow.GRID_IMPORT,),
           _co2),
    Figure("co2_avoided_g", "g", "CO2 avoided", "(production - export) x the grid's intensity.",
           "own sun counts as 0", (Flow.PRODUCTION, Flow.GRID_EXPORT), _co2_avoided),
)  # fmt: skip


def values(one: Account) -> dict[str, float | None]:
    """Every figure of a period by its name."""
    return {figure.name: figure.of(one) for figure in FIGURES}


def provenance(one: Account, flows: Sequence[Flow]) -> Provenance:
    """The least sure of the flows' provenances: missing, bridged, measured, counter."""
    order = (Provenance.MISSING, Provenance.BRIDGED, Provenance.MEASURED, Provenance.COUNTER)
    totals = [one.sums.totals.get(flow) for flow in flows]
    return min(
        (slot.provenance if slot else Provenance.MISSING for slot in totals),
        key=order.index,
        default=Provenance.MISSING,
    )


def _value(one: Account, flow: Flow) -> float | None:
    peak = one.period.peaks.get(flow)
    return peak.value if peak else None
