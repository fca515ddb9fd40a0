"""The sign of life while nobody is at home: twice a day, two lines, that all is well or what is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import time, timedelta
from zoneinfo import ZoneInfo

from watchman.localtime import day_of, local_moment
from watchman.notify.message import ActiveAlert, Message
from watchman.notify.severity import NOTICE, severity_of, worst
from watchman.notify.words import clock_time, cut, one_line

TITLE_LIMIT = 45
LINE_LIMIT = 120
# Told later, "all well at nine" would be wrong.
LATE_S = 2 * 3600.0


@dataclass(frozen=True, slots=True)
class HomeLook:
    """What is known of the home now, each value None if it is not: W, percent, Wh since midnight.

    `problem` says why nothing is known; empty if something is.
    """

    consumption_w: float | None = None
    state_of_charge_percent: float | None = None
    production_today_wh: float | None = None
    problem: str = ""


def due_moment(now: float, times: Sequence[time], zone: ZoneInfo, since: float | None) -> float | None:
    """The moment of the sign of life that is due (unix seconds), at most two hours ago and after `since`; else None."""
    today = day_of(now, zone)
    moments = [local_moment(today - timedelta(days=back), at, zone) for back in (0, 1) for at in times]
    due = [at for at in moments if now - LATE_S < at <= now and (since is None or at > since)]
    return max(due, default=None)


def sign_of_life(
    site: str, at: float, zone: ZoneInfo, since: float | None, look: HomeLook, firing: Sequence[ActiveAlert]
) -> Message:
    """Title and two lines. `since`: when everybody left, None if that is not known; `firing`: the worst first."""
    verdict = "no data" if look.problem else f"{len(firing)} alert{'s' * (len(firing) > 1)}" if firing else "all well"
    away = "away" if since is None else f"{_ordinal((day_of(at, zone) - day_of(since, zone)).days + 1)} day away"
    first = look.problem or _figures(look) or "no figures of the house"
    second = ", ".join(_summary(alert) for alert in firing) or "No alert fires, and this channel works."
    severity = worst([NOTICE, *(severity_of(alert.labels) for alert in firing)])
    return Message(
        title=cut(f"{one_line(site)} {clock_time(at, zone)}: {verdict}, {away}", TITLE_LIMIT),
        text=f"{cut(one_line(first), LINE_LIMIT)}\n{cut(one_line(second), LINE_LIMIT)}",
        severity=severity,
    )


def _figures(look: HomeLook) -> str:
    known: Mapping[str, float | None] = {
        "House {:.0f} W": look.consumption_w,
        "battery {:.0f} %": look.state_of_charge_percent,
        "sun {:.1f} kWh today": None if look.production_today_wh is None else look.production_today_wh / 1000,
    }
    text = ", ".join(words.format(value) for words, value in known.items() if value is not None)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _summary(alert: ActiveAlert) -> str:
    return alert.annotations.get("summary", "") or alert.name


def _ordinal(number: int) -> str:
    tail = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{tail}"
