"""The small lines under a digest: battery, own use, the day before. Only what is known is said."""

from __future__ import annotations

from watchman.energy.slots import Flow
from watchman.report.day import Comparison, DayReport
from watchman.report.words import duration, kwh, percent

_LEAST_AT_RESERVE_S = 60.0


def details(report: DayReport) -> list[str]:
    """Sentences in the order they are read; fewer where less is known."""
    return [line for line in (_battery(report), _own_use(report), _day_before(report.previous)) if line]


def _battery(report: DayReport) -> str:
    period = report.period
    if period.state_of_charge_min is None or period.state_of_charge_max is None:
        return ""
    line = f"Battery {period.state_of_charge_min:.0f} to {period.state_of_charge_max:.0f} %"
    if period.at_reserve_s is not None and period.at_reserve_s >= _LEAST_AT_RESERVE_S:
        line += f", {duration(period.at_reserve_s)} at its reserve"
    return f"{line}."


def _own_use(report: DayReport) -> str:
    period = report.period
    parts = []
    if period.self_sufficiency is not None:
        parts.append(f"{percent(period.self_sufficiency)} of what the house used was own power")
    if period.self_consumption is not None:
        parts.append(f"{percent(period.self_consumption)} of the sun was used here")
    return f"{', '.join(parts)}." if parts else ""


def _day_before(previous: Comparison | None) -> str:
    if previous is None:
        return ""
    names = (
        (Flow.PRODUCTION, "sun"),
        (Flow.CONSUMPTION, "house"),
        (Flow.GRID_IMPORT, "bought"),
        (Flow.GRID_EXPORT, "sold"),
    )
    parts = [f"{name} {kwh(previous.energy_wh[flow])}" for flow, name in names if flow in previous.energy_wh]
    return f"The day before: {', '.join(parts)} kWh." if parts else ""
