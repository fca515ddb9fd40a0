"""`news_after: 3d`: an alert is news only if it has not fired for so long; otherwise it waits for the digest."""

from __future__ import annotations

from collections.abc import Callable

from watchman.durations import parse_duration
from watchman.notify.message import ActiveAlert

LastEnd = Callable[[str, float], float | None]
"""`last_end(fingerprint, before)`: when the incident before the one that began at `before` ended; None if there was
none. Unix seconds."""


def is_news(alert: ActiveAlert, last_end: LastEnd) -> bool:
    """True if the alert may be pushed. The answer stays the same as long as the incident lasts."""
    wait_s = news_after_s(alert)
    if wait_s is None:
        return True
    ended_at = last_end(alert.fingerprint, alert.starts_at)
    return ended_at is None or ended_at <= alert.starts_at - wait_s


def news_after_s(alert: ActiveAlert) -> float | None:
    """Seconds of the annotation; None if there is none or nobody can read it (the rule loader reports that)."""
    text = alert.annotations.get("news_after", "").strip()
    if not text:
        return None
    try:
        return parse_duration(text)
    except ValueError:
        return None
