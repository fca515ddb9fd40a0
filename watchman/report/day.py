"""The digest of one local day: figures, comparison, story, alerts, and the object `report day --json` prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from watchman.energy import catalogue
from watchman.energy.account import Account, Values, account_of, per_slot, sums
from watchman.energy.curve import Curve
from watchman.energy.expected import expected_coverage, profile
from watchman.energy.figures import Peak, Period, equivalent_full_cycles
from watchman.energy.meters import Deviation
from watchman.energy.money import Cost
from watchman.energy.slots import ENERGY_FLOWS, ROLE_OF_FLOW, SLOT_S, Flow, Role, Slot
from watchman.localtime import iso_local, local_day
from watchman.report.site import Incident, Site, Told
from watchman.report.story import Story, tell

_COVERAGE_NAMES = {
    Role.PRODUCTION: "production",
    Role.CONSUMPTION: "consumption",
    Role.GRID_FEED_IN: "grid",
    Role.BATTERY_DISCHARGE: "battery",
    Role.STATE_OF_CHARGE: "state_of_charge",
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Another day, or the mean of several: energies in Wh per day and ratios; the highest production of them all."""

    days: int
    energy_wh: Mapping[Flow, float]
    self_consumption: float | None
    self_sufficiency: float | None
    production_peak_w: float | None = None


@dataclass(frozen=True, slots=True)
class DayReport:
    """All a daily digest tells, before it is put into words. Times in unix seconds.

    `bought_for` and `sold_for` are the lowest and the highest price per kWh of the day; `meters` the deviations of the
    ledger from real meters in stretches that touch the day.
    """

    site: Site
    day: date
    now: float
    account: Account
    bought_for: tuple[float, float] | None
    sold_for: tuple[float, float] | None
    story: Story
    curve: Curve
    previous: Comparison | None
    mean: Comparison | None
    incidents: tuple[Incident, ...]
    told: tuple[Told, ...]
    warnings: tuple[str, ...]
    meters: tuple[Deviation, ...] = ()
    noisy: tuple[str, ...] = ()
    coverage_by_energy: Mapping[Role, float] = field(default_factory=dict)

    @property
    def period(self) -> Period:
        """The energies and ratios of the day."""
        return self.account.period

    @property
    def cost(self) -> Cost | None:
        """The day's money; None where no price is configured."""
        return self.account.cost

    @property
    def over(self) -> bool:
        """Whether the day has ended."""
        return self.now >= self.period.end

    @property
    def until(self) -> float:
        """The end of the day, or now while it lasts."""
        return min(self.now, self.period.end)


def build_day(
    site: Site,
    day: date,
    now: float,
    *,
    slots: Sequence[Slot],
    curve: Curve,
    previous: Comparison | None = None,
    mean: Comparison | None = None,
    incidents: Sequence[Incident] = (),
    told: Sequence[Told] = (),
    warnings: Sequence[str] = (),
    values: Values | None = None,
    meters: Sequence[Deviation] = (),
    noisy: Sequence[str] = (),
) -> DayReport:
    """Build the report of a local day from its ledger rows and its minutes (which may begin the evening before).

    `noisy` says which rules alerted most in the month that ends with the day, a line each.
    """
    start, end = local_day(day, site.zone)
    inside = [slot for slot in slots if start <= slot.start < end]
    rates = per_slot(site.plant, start, end, values or {})
    one = account_of(sums(inside, start, end, site.plant, rates), site.plant)
    story = tell(curve, start, min(now, end), site.roles, site.reserve_percent) if now > start else Story()
    return DayReport(
        site=site,
        day=day,
        now=now,
        account=one,
        bought_for=_range(rates.bought),
        sold_for=_range(rates.sold),
        story=story,
        curve=curve,
        previous=previous,
        mean=mean,
        incidents=tuple(sorted((i for i in incidents if _touches(i, start, end)), key=lambda i: i.started)),
        told=tuple(sorted((t for t in told if start <= t.at < end), key=lambda t: t.at)),
        warnings=(*warnings, *_warnings(one.period, now), *_unpriced(one)),
        meters=tuple(one for one in meters if one.start < end and one.end > start),
        noisy=tuple(noisy),
        coverage_by_energy=expected_coverage(
            inside,
            profile((slot for slot in slots if slot.start < start), site.zone),
            one.period.roles,
            start,
            end,
            site.zone,
        ),
    )


def comparison(period: Period | None) -> Comparison | None:
    """A single other day to compare with; None unless it is complete."""
    if period is None or not period.complete:
        return None
    return Comparison(1, period.energy_wh, period.self_consumption, period.self_sufficiency)


def to_json(report: DayReport) -> dict[str, Any]:
    """The object of `report day --json`: Wh, W, ratios 0..1, local RFC 3339 times, None where not known."""
    period, zone, site = report.period, report.site.zone, report.site
    by_energy = report.coverage_by_energy
    return {
        "site": site.name,
        "period": "day",
        "start": iso_local(period.start, zone),
        "end": iso_local(period.end, zone),
        "hours": _whole(period.hours),
        "coverage": _coverage(period),
        # Measured and estimated, weighed by what is usual for each quarter of an hour: noon counts more than night.
        "coverage_by_energy": {_COVERAGE_NAMES[role]: round(share, 6) for role, share in by_energy.items()},
        "estimated": {_COVERAGE_NAMES[role]: round(value, 6) for role, value in period.estimated.items()},
        "complete": period.complete,
        "energy_wh": _energies(period.energy_wh),
        "flows_wh": {flow.value: round(wh, 3) for flow, wh in period.energy_wh.items() if flow not in ENERGY_FLOWS},
        "ratios": {
            "self_consumption": _rounded(period.self_consumption, 6),
            "self_sufficiency": _rounded(period.self_sufficiency, 6),
            # Over one day this is mostly the error of the state of charge.
            "battery_round_trip": None,
        },
        "peaks": {
            "grid_import_w": _peak(report, period.peaks.get(Flow.GRID_IMPORT)),
            "grid_import_15min_w": _peak(report, period.import_quarter),
            "production_w": _peak(report, period.peaks.get(Flow.PRODUCTION)),
            "consumption_w": _peak(report, period.peaks.get(Flow.CONSUMPTION)),
        },
        "battery": _battery(report),
        "cost": _cost(report.cost),
        "figures": {name: _rounded(value, 6) for name, value in catalogue.values(report.account).items()},
        "provenance": {
            flow.value: catalogue.provenance(report.account, (flow,)).value
            for flow in ENERGY_FLOWS
            if ROLE_OF_FLOW[flow] in period.roles
        },
        "meters": [meter_json(one, zone) for one in report.meters],
        "alerts": [_alert(report, incident) for incident in report.incidents],
        "held": [incident.alertname for incident in report.incidents if incident.held],
        "noisy": list(report.noisy),
        "told": [{"at": iso_local(told.at, zone), "title": told.title} for told in report.told],
        "gaps": [
            {
                "start": iso_local(hole.start, zone),
                "end": iso_local(hole.end, zone),
                "roles": list(hole.roles),
                "reason": "frozen" if hole.frozen else "missing",
            }
            for hole in report.story.holes
        ],
        "previous_day": _compared(report.previous),
        "mean_7d": _compared(report.mean),
        "warnings": list(report.warnings),
    }


def _warnings(period: Period, now: float) -> list[str]:
    if now <= period.start:
        return ["the day has not begun"]
    if not period.known:
        return ["the day has just begun" if now - period.start < 2 * SLOT_S else "nothing was measured on this day"]
    warnings = []
    if now < period.end:
        warnings.append("the day is not over: figures cover it up to now")
    elif not period.complete:
        warnings.append("data is missing: energies cover only what was measured and bridged")
    dead = [role for role in period.roles if period.measured[role] + period.estimated[role] == 0]
    warnings += [f"no data at all for {role.value}: check metrics.{role.value} in the config" for role in dead]
    return warnings


def _unpriced(one: Account) -> list[str]:
    """What to do where energy was bought or sold and its price is not known."""
    energy, money = one.period.energy_wh, one.cost
    if money is None:
        return []
    parts = ((Flow.GRID_IMPORT, money.imported, "import"), (Flow.GRID_EXPORT, money.exported, "export"))
    return [
        f"no price is known for part of the {name}, so its money is not told: check tariff.{name}"
        for flow, value, name in parts
        if flow in energy and value is None
    ]


def _range(prices: Mapping[int, float]) -> tuple[float, float] | None:
    return (min(prices.values()), max(prices.values())) if prices else None


def _touches(incident: Incident, start: float, end: float) -> bool:
    return incident.started < end and (incident.ended is None or incident.ended >= start)


def _coverage(period: Period) -> dict[str, float | None]:
    shares = {name: period.measured.get(role) for role, name in _COVERAGE_NAMES.items()}
    return {name: _rounded(value, 6) for name, value in (shares | {"overall": period.overall}).items()}


def _energies(energy_wh: Mapping[Flow, float]) -> dict[str, float | None]:
    return {flow.value: _rounded(energy_wh.get(flow), 3) for flow in ENERGY_FLOWS}


def _peak(report: DayReport, peak: Peak | None) -> dict[str, Any]:
    if peak is None:
        return {"value": None, "at": None}
    return {"value": round(peak.value, 1), "at": iso_local(peak.at, report.site.zone)}


def _battery(report: DayReport) -> dict[str, Any]:
    period, zone = report.period, report.site.zone
    discharged = period.energy_wh.get(Flow.BATTERY_DISCHARGE)
    full_at = report.story.full_at if report.story.full_exactly else None
    return {
        "state_of_charge_min": period.state_of_charge_min,
        "state_of_charge_max": period.state_of_charge_max,
        "at_reserve_s": _rounded(period.at_reserve_s, 0),
        "equivalent_full_cycles": _rounded(equivalent_full_cycles(discharged, report.site.capacity_wh), 4),
        "full_at": iso_local(full_at, zone) if full_at is not None else None,
    }


def _cost(money: Cost | None) -> dict[str, Any]:
    names = ("import", "export", "saved", "standing", "net", "battery_value")
    if money is None:
        return {"currency": None, **dict.fromkeys(names)}
    parts = (money.imported, money.exported, money.saved, money.standing, money.net, money.battery)
    return {"currency": money.currency, **{n: _rounded(v, 4) for n, v in zip(names, parts, strict=True)}}


def meter_json(one: Deviation, zone: ZoneInfo) -> dict[str, Any]:
    """A deviation from a real meter, as JSON has it."""
    return {
        "counter": one.counter.value,
        "start": iso_local(one.start, zone),
        "end": iso_local(one.end, zone),
        "meter_wh": round(one.meter_wh, 3),
        "ledger_wh": _rounded(one.ledger_wh, 3),
        "deviation": _rounded(one.ratio, 6),
        "coverage": round(one.coverage, 6),
    }


def _alert(report: DayReport, incident: Incident) -> dict[str, Any]:
    zone = report.site.zone
    return {
        "alertname": incident.alertname,
        "labels": dict(incident.labels),
        "started": iso_local(incident.started, zone),
        "ended": iso_local(incident.ended, zone) if incident.ended is not None else None,
        "duration_s": round(incident.duration_s(report.now)),
        "summary": incident.summary,
        "held": incident.held or None,
    }


def _compared(other: Comparison | None) -> dict[str, Any] | None:
    if other is None:
        return None
    return {
        "days": other.days,
        "energy_wh": _energies(other.energy_wh),
        "ratios": {
            "self_consumption": _rounded(other.self_consumption, 6),
            "self_sufficiency": _rounded(other.self_sufficiency, 6),
        },
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _whole(hours: float) -> float:
    return int(hours) if hours == int(hours) else hours
