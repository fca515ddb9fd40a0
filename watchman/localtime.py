"""Calendar days of a site: local for people, UTC for arithmetic, 23, 24 or 25 hours long."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from zoneinfo import ZoneInfo

FIRST_S = datetime(1, 1, 3, tzinfo=UTC).timestamp()
LAST_S = datetime(9999, 12, 29, 23, 59, 59, tzinfo=UTC).timestamp()
"""Between these every zone can write an instant; a day further out some cannot."""


def in_calendar(ts: float) -> float:
    """The instant, or the nearest that has a local time everywhere."""
    return min(max(ts, FIRST_S), LAST_S)


def local_day(day: date, zone: ZoneInfo) -> tuple[float, float]:
    """Unix seconds of [local midnight, next local midnight).

    Where midnight itself is skipped by a clock change the day starts at the first instant that exists.
    """
    return _midnight(day, zone), _midnight(day + timedelta(days=1), zone)


def day_of(ts: float, zone: ZoneInfo) -> date:
    """The local calendar day that holds the instant `ts` (unix seconds)."""
    return datetime.fromtimestamp(ts, zone).date()


def local_moment(day: date, at: clock_time, zone: ZoneInfo) -> float:
    """Unix seconds of a wall-clock time on a local day.

    A time that happens twice means the first; one that does not happen means the instant the clock jumped over it.
    """
    wall = datetime.combine(day, at, zone).replace(fold=0)
    ts = wall.timestamp()
    if datetime.fromtimestamp(ts, zone).replace(tzinfo=None) == wall.replace(tzinfo=None):
        return ts
    # Inside a gap fold=0 reads the wall clock with the offset from before it, fold=1 with the one after it. The jump
    # itself lies between the two readings.
    return _first_instant(wall.replace(fold=1).timestamp(), ts, zone)


def iso_local(ts: float, zone: ZoneInfo) -> str:
    """RFC 3339 with the site's offset, whole seconds."""
    return datetime.fromtimestamp(round(ts), zone).isoformat()


def _midnight(day: date, zone: ZoneInfo) -> float:
    return local_moment(day, clock_time(0), zone)


def _first_instant(low: float, high: float, zone: ZoneInfo) -> float:
    """The first whole second in [low, high] whose offset is the one after the change, by bisection."""
    after = datetime.fromtimestamp(high, zone).utcoffset()
    first, last = int(low), int(high)
    while first < last:
        middle = (first + last) // 2
        if datetime.fromtimestamp(middle, zone).utcoffset() == after:
            last = middle
        else:
            first = middle + 1
    return float(first)
