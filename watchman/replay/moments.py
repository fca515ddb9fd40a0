"""The range of a replay as a person writes it: `30d`, `2026-11-01`, `2026-11-01T06:00:00+01:00`."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from watchman.durations import parse_duration
from watchman.errors import UsageError

_CLOCK_SLACK_S = 1.0
_MOST_YEARS = 10


def read_range(since: str, until: str | None, now: float, zone: ZoneInfo) -> tuple[float, float]:
    """Start and end in unix seconds; raises UsageError for what is no time, in the future, or the wrong way round."""
    end = now if until is None else read_moment("--until", until, now, zone)
    start = read_moment("--since", since, now, zone)
    for option, text, ts in (("--until", until, end), ("--since", since, start)):
        if ts > now + _CLOCK_SLACK_S:
            raise UsageError(f"{option} {text} lies in the future: only what was recorded can be replayed")
    if start >= end:
        raise UsageError(f"--since {since} is not before --until {until or 'now'}: give a range that has passed")
    if end - start > _MOST_YEARS * 366 * 86400.0:
        raise UsageError(f"--since {since} is more than {_MOST_YEARS} years of data: give a shorter range")
    return start, min(end, now)


def read_moment(option: str, text: str, now: float, zone: ZoneInfo) -> float:
    """A time in unix seconds; raises UsageError, which names the option, for what is none."""
    try:
        return now - parse_duration(text.strip())
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(text.strip())
        return (at if at.tzinfo else at.replace(tzinfo=zone)).timestamp()
    except (ValueError, OverflowError):
        raise UsageError(
            f"{option} {text}: not a time; write a duration such as 30d, a date such as 2026-11-01, or an RFC 3339 time"
        ) from None
