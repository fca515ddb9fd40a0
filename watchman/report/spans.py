"""Times and stretches of a report's day in words: what began the day before says so by its weekday."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from watchman.report.day import DayReport
from watchman.report.words import clock, short_day, weekday

LATE_S = 60.0
_WEEK_S = 6 * 86400.0


def when(report: DayReport, ts: float) -> str:
    """`20:10`; before the day `Fri 20:10`, more than six days before it `12 Nov`."""
    zone, start = report.site.zone, report.period.start
    if ts >= start:
        return clock(ts, zone)
    day = datetime.fromtimestamp(ts, zone).date()
    return f"{weekday(day)} {clock(ts, zone)}" if start - ts < _WEEK_S else short_day(day)


def from_to(report: DayReport, start: float, end: float) -> str:
    """`18:31-20:09`, `Fri 19:43-20:43`, `Fri 20:44 to 00:24`."""
    zone, midnight = report.site.zone, report.period.start
    joint = " to " if start < midnight <= end else "-"
    return f"{when(report, start)}{joint}{clock(end, zone)}"


def span(report: DayReport, start: float, end: float) -> str:
    """A stretch cut to the day: `00:50-07:30`, `until 07:30`, `from 22:10`, `all day`."""
    zone, period = report.site.zone, report.period
    late = end >= report.until - LATE_S
    if start <= period.start:
        return ("all day" if report.over else "so far") if late else f"until {clock(end, zone)}"
    return f"from {clock(start, zone)}" if late else f"{clock(start, zone)}-{clock(end, zone)}"


def listed(parts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
