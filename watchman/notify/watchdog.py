"""The alert that always fires: while it arrives, Prometheus evaluates and its alerts find their way here. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from watchman.notify.matchers import Matcher, all_match
from watchman.notify.message import ActiveAlert


@dataclass(frozen=True, slots=True)
class Watchdog:
    """Which alert is expected to keep arriving, and after how many seconds without it somebody is told."""

    matchers: tuple[Matcher, ...]
    timeout_s: float


def missing_s(watchdog: Watchdog | None, seen_at: float | None, started_at: float, now: float) -> float | None:
    """For how long the alert has not come, if that is longer than it may be; None if all is well.

    `seen_at` is when it last came; before it ever did, waiting counts from `started_at`. All unix seconds.
    """
    if watchdog is None:
        return None
    silent_s = now - max(started_at, started_at if seen_at is None else seen_at)
    return silent_s if silent_s > watchdog.timeout_s else None


def without_watchdog(watchdog: Watchdog | None, alerts: Iterable[ActiveAlert]) -> list[ActiveAlert]:
    """The alerts that are for people: that the expected one fires is no news."""
    matchers: Sequence[Matcher] = watchdog.matchers if watchdog else ()
    return [alert for alert in alerts if not matchers or not all_match(matchers, alert.labels)]
