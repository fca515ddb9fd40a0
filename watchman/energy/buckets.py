"""The quarters, hours, days, months and years of a site's clock, as stretches of UTC."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from watchman.energy.slots import SLOT_S
from watchman.localtime import day_of, local_day

SIZES = ("15m", "hour", "day", "month", "year")


def buckets(by: str, start: float, end: float, zone: ZoneInfo) -> Iterator[tuple[float, float]]:
    """Every stretch of the size `by` that touches [start, end), in unix seconds, whole ones only.

    A day has 23, 24, 24.5 or 25 hours; the hour that comes twice makes two rows.
    """
    first = local_day(_first_day(by, day_of(start, zone)), zone)[0]
    while first < end:
        last = _end(by, first, zone)
        if last > start:
            yield first, last
        first = last


def _end(by: str, first: float, zone: ZoneInfo) -> float:
    if by == "15m":
        return first + SLOT_S
    if by == "hour":
        return _hour_end(first, zone)
    day = day_of(first, zone)
    if by == "day":
        return local_day(day, zone)[1]
    month = 12 if by == "year" else day.month
    return local_day(date(day.year + month // 12, month % 12 + 1, 1), zone)[0]


def _hour_end(first: float, zone: ZoneInfo) -> float:
    """Where the local hour or the offset changes: after half an hour too, where clocks jump by so much."""
    at, known = first + SLOT_S, _hour(first, zone)
    while _hour(at, zone) == known:
        at += SLOT_S
    return at


def _hour(ts: float, zone: ZoneInfo) -> tuple[int, timedelta | None]:
    local = datetime.fromtimestamp(ts, zone)
    return local.hour, local.utcoffset()


def _first_day(by: str, day: date) -> date:
    if by == "year":
        return date(day.year, 1, 1)
    return day.replace(day=1) if by == "month" else day
