"""How much of a day is missing, judged against what has passed of it."""

from __future__ import annotations

from watchman.energy.slots import SLOT_S, Role
from watchman.report.day import DayReport


def just_begun(report: DayReport) -> bool:
    """Whether no quarter of an hour of the day has been settled yet."""
    return 0 < report.now - report.period.start < 2 * SLOT_S and not report.period.known


def missing_s(report: DayReport) -> float:
    """Seconds without data of the worst role that has any, up to the end or now; 0 where those are complete."""
    living = [covered for role in report.period.roles if (covered := covered_s(report, role)) > 0]
    passed = report.until - report.period.start
    missing = passed - min(living, default=passed if report.period.roles else 0.0)
    # The last quarter of an hour of a day that still runs is not settled yet.
    slack = 0.02 * passed + (0 if report.over else 2 * SLOT_S)
    return missing if missing > slack else 0.0


def dead_roles(report: DayReport) -> list[Role]:
    """Configured roles that gave no sample all day, while others did."""
    return [role for role in report.period.roles if covered_s(report, role) == 0] if report.period.known else []


def covered_s(report: DayReport, role: Role) -> float:
    """Measured and bridged seconds of a role."""
    period = report.period
    return (period.measured[role] + period.estimated[role]) * (period.end - period.start)


def settled_s(report: DayReport) -> float:
    """Seconds of the day that can have been settled: all of it, or the quarters of an hour that have passed."""
    end = report.period.end if report.over else report.now // SLOT_S * SLOT_S
    return max(0.0, end - report.period.start)
