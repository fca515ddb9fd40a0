"""The verdict as a title, and the line that says how much of the day was measured."""

from __future__ import annotations

from watchman.report.day import DayReport
from watchman.report.missing import dead_roles, just_begun, missing_s, settled_s
from watchman.report.opening import ROLE_WORDS
from watchman.report.site import Incident
from watchman.report.spans import listed
from watchman.report.words import duration, share, short_day

NOTHING_TO_DO = "nothing to do"
_TITLE_WIDTH = 60


def title(report: DayReport) -> str:
    """`Home, Sat 21 Nov: nothing to do`; what needs a person, or what is missing, comes first."""
    head = f"{report.site.title}, {short_day(report.day)}"
    if not report.over and report.now > report.period.start:
        head += " so far"
    return f"{head}: {verdict(report)}"


def verdict(report: DayReport) -> str:
    """A few words: an open critical alert, what is missing, what else is open, or nothing to do."""
    if not report.period.known:
        return _unknown(report)
    if critical := _open(report, "critical"):
        return _alerts(critical)
    if missing := missing_s(report):
        return f"{duration(missing)} missing"
    if dead := dead_roles(report):
        return f"no data of {listed([ROLE_WORDS[role] for role in dead])}"
    return _alerts(_open(report, "warning"))


def _unknown(report: DayReport) -> str:
    if report.now <= report.period.start:
        return "not begun"
    return "just begun" if just_begun(report) else "no data"


def _open(report: DayReport, severity: str) -> list[Incident]:
    return [i for i in report.incidents if i.severity == severity and (i.ended is None or i.ended > report.now)]


def _alerts(incidents: list[Incident]) -> str:
    if len(incidents) == 1:
        return _shortened(incidents[0].summary, _TITLE_WIDTH)
    return f"{len(incidents)} alerts still open" if incidents else NOTHING_TO_DO


def _shortened(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1].rstrip() + "…"


def coverage_line(report: DayReport) -> str:
    """`Measured 99.8 % of the day; 2 min bridged by a straight line.`; the worst role counts for what is missing.

    Empty where nothing was measured: the opening says so.
    """
    period = report.period
    passed = settled_s(report)
    if not period.known or passed <= 0:
        return ""
    length = period.end - period.start
    bridged_s = max(period.estimated.values(), default=0.0) * length
    parts = [
        f"Measured {share(min(1.0, period.overall * length / passed))} of the day{'' if report.over else ' so far'}"
    ]
    if bridged_s >= 30:
        parts.append(f"{duration(bridged_s)} bridged by a straight line")
    if missing := missing_s(report):
        parts.append(f"{duration(missing)} missing and left out of every sum")
    absent = [words for role, words in ROLE_WORDS.items() if role not in period.roles]
    if absent:
        parts.append(f"not configured: {', '.join(absent)}")
    return "; ".join(parts) + "."
