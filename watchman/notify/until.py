"""Until when: what people say for the end of a silence."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from watchman.durations import parse_duration
from watchman.localtime import day_of, local_moment

MORNING = time(7, 0)
"""When `tomorrow` begins: at the end of a night's sleep."""

_NIGHT_ENDS = timedelta(hours=4)
"""Who is awake before that means the coming morning."""

_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_LOCAL = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[ T](\d{1,2}:\d{2}))?")


def parse_until(text: str, now: float, zone: ZoneInfo) -> float:
    """Unix seconds of `tomorrow`, `18:30`, `2026-12-24`, `2026-12-24 18:00`, an RFC 3339 time or a duration.

    A time of day is its next occurrence at the site, a date its midnight. Raises ValueError with the valid forms.
    """
    word = text.strip()
    if word.lower() == "tomorrow":
        evening = day_of(now - _NIGHT_ENDS.total_seconds(), zone)
        return local_moment(evening + timedelta(days=1), MORNING, zone)
    clock = _CLOCK.fullmatch(word)
    if clock:
        return _next(time(int(clock[1]), int(clock[2])), now, zone)
    try:
        local = _LOCAL.fullmatch(word)
        if local:
            at = _CLOCK.fullmatch(local[2] or "0:00")
            hour, minute = (int(part) for part in at.groups()) if at else (24, 0)
            return local_moment(date.fromisoformat(local[1]), time(hour, minute), zone)
        if word[:1].isdigit() and "-" in word:
            moment = datetime.fromisoformat(word)
            return moment.replace(tzinfo=moment.tzinfo or zone).astimezone(UTC).timestamp()
        return now + parse_duration(word)
    except (ValueError, OverflowError) as error:
        raise ValueError(
            f'not a time: "{word}"; write tomorrow, 18:30, 2026-12-24, "2026-12-24 18:00", 2026-12-24T18:00:00Z or 2h'
        ) from error


def _next(at: time, now: float, zone: ZoneInfo) -> float:
    today = day_of(now, zone)
    moment = local_moment(today, at, zone)
    return moment if moment > now else local_moment(today + timedelta(days=1), at, zone)
