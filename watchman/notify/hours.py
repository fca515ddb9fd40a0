"""Quiet hours: the times of a day at which a receiver wants to be told of the worst only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from watchman.localtime import local_moment
from watchman.notify.severity import CRITICAL


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Local times [start, end), over midnight where start is the later one. Severities in `passes` are told at once."""

    start: time
    end: time
    passes: frozenset[str] = frozenset({CRITICAL})

    def until(self, now: float, zone: ZoneInfo) -> float | None:
        """When the quiet hours that hold at `now` end (unix seconds); None if none hold."""
        at = datetime.fromtimestamp(now, zone)
        clock = at.time()
        over_midnight = self.start > self.end
        inside = (clock >= self.start or clock < self.end) if over_midnight else self.start <= clock < self.end
        if not inside:
            return None
        tomorrow = over_midnight and clock >= self.start
        ends_at = local_moment(at.date() + timedelta(days=int(tomorrow)), self.end, zone)
        # In the hour that comes twice the first end counts.
        return ends_at if ends_at > now else None
