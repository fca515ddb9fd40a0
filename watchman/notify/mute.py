"""What keeps a message back by time: silences, and Alertmanager's time intervals."""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from watchman.notify.matchers import Matcher, all_match

WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
MONTHS = tuple(name.lower() for name in calendar.month_name[1:])

Span = tuple[int, int]
"""First and last, both included."""


@dataclass(frozen=True, slots=True)
class Silence:
    """Alerts that match are not told in [starts_at, ends_at), unix seconds."""

    id: str
    matchers: tuple[Matcher, ...]
    starts_at: float
    ends_at: float
    comment: str = ""
    created_by: str = ""
    updated_at: float = 0.0

    def active(self, now: float) -> bool:
        """True in [starts_at, ends_at)."""
        return self.starts_at <= now < self.ends_at


def silenced_by(silences: Iterable[Silence], labels: Mapping[str, str], now: float) -> list[Silence]:
    """The silences that hold for a label set at `now`."""
    return [silence for silence in silences if silence.active(now) and all_match(silence.matchers, labels)]


@dataclass(frozen=True, slots=True)
class TimeInterval:
    """Alertmanager's time interval. Every part that is given must hold; a part holds if one of its spans does.

    `times` are minutes of the day [start, end); negative days count from the month's end; `zone` None: the site's.
    """

    times: tuple[Span, ...] = ()
    weekdays: tuple[Span, ...] = ()
    days_of_month: tuple[Span, ...] = ()
    months: tuple[Span, ...] = ()
    years: tuple[Span, ...] = ()
    zone: ZoneInfo | None = None

    def contains(self, now: float, site_zone: ZoneInfo) -> bool:
        """True if the instant (unix seconds) lies inside."""
        at = datetime.fromtimestamp(now, self.zone or site_zone)
        minute = at.hour * 60 + at.minute
        return (
            _any(self.times, lambda span: span[0] <= minute < span[1])
            and _any(self.weekdays, lambda span: span[0] <= (at.weekday() + 1) % 7 <= span[1])
            and _any(self.days_of_month, lambda span: _day_in(span, at))
            and _any(self.months, lambda span: span[0] <= at.month <= span[1])
            and _any(self.years, lambda span: span[0] <= at.year <= span[1])
        )


def any_contains(intervals: Sequence[TimeInterval], now: float, site_zone: ZoneInfo) -> bool:
    """True if one of the intervals holds the instant."""
    return any(interval.contains(now, site_zone) for interval in intervals)


def parse_time_interval(mapping: Mapping[str, Any]) -> TimeInterval:
    """One element of `time_intervals` as YAML gives it; raises ValueError with the cause and the valid form."""
    unknown = set(mapping) - {"times", "weekdays", "days_of_month", "months", "years", "location"}
    if unknown:
        raise ValueError(f"unknown key {sorted(unknown)[0]!r} in a time interval")
    if not any(mapping.get(key) for key in ("times", "weekdays", "days_of_month", "months", "years")):
        raise ValueError("an interval without times, weekdays, days_of_month, months or years would hold always")
    interval = TimeInterval(
        times=tuple(_times(part) for part in _list(mapping, "times")),
        weekdays=tuple(_named_span(part, WEEKDAYS, 0, "weekday") for part in _list(mapping, "weekdays")),
        days_of_month=tuple(_days_of_month(part) for part in _list(mapping, "days_of_month")),
        months=tuple(_named_span(part, MONTHS, 1, "month") for part in _list(mapping, "months")),
        years=tuple(_number_span(part, 1, 9999, "year") for part in _list(mapping, "years")),
        zone=_zone(mapping.get("location")),
    )
    if not _has_a_day(interval):
        raise ValueError("there is no such day: its days_of_month, months, years and weekdays never meet")
    return interval


def _has_a_day(interval: TimeInterval) -> bool:
    """True if some day of the calendar is inside. In 28 years every date falls on every weekday."""
    years = interval.years or ((2000, 2027),)
    return any(
        _day_of_year_in(interval, year, month)
        for first, last in years
        for year in range(first, min(last, first + 399) + 1)
        for month in range(1, 13)
        if _any(interval.months, lambda span: span[0] <= month <= span[1])  # noqa: B023
    )


def _day_of_year_in(interval: TimeInterval, year: int, month: int) -> bool:
    first, days = calendar.monthrange(year, month)
    return any(
        _any(interval.days_of_month, lambda span: _number_in(span, day, days))  # noqa: B023
        and _any(interval.weekdays, lambda span: span[0] <= (first + day) % 7 <= span[1])  # noqa: B023
        for day in range(1, days + 1)
    )


def _any(spans: tuple[Span, ...], holds: Any) -> bool:
    return not spans or any(holds(span) for span in spans)


def _day_in(span: Span, at: datetime) -> bool:
    return _number_in(span, at.day, calendar.monthrange(at.year, at.month)[1])


def _number_in(span: Span, number: int, days: int) -> bool:
    """A span that begins after the month's last day does not hold; one that only ends after it is cut."""
    first, last = (day + days + 1 if day < 0 else day for day in span)
    return max(first, 1) <= number <= min(last, days)


def _list(mapping: Mapping[str, Any], key: str) -> list[Any]:
    value = mapping.get(key) or []
    if not isinstance(value, list):
        raise ValueError(f"{key} must be a list")
    return value


def _times(part: Any) -> Span:
    if not isinstance(part, Mapping) or set(part) != {"start_time", "end_time"}:
        raise ValueError("each element of times needs start_time and end_time")
    start, end = _minute(part["start_time"]), _minute(part["end_time"])
    if start >= end:
        raise ValueError("start_time must be before end_time; write a night as two: 22:00 to 24:00 and 00:00 to 07:00")
    return start, end


def _minute(value: Any) -> int:
    hour, colon, minute = str(value).partition(":")
    if colon and hour.isdecimal() and minute.isdecimal() and len(minute) == 2 and int(minute) < 60:
        total = int(hour) * 60 + int(minute)
        if total <= 1440:
            return total
    raise ValueError(f'not a time of day: {value!r}; write it like "22:30"')


def _bounds(part: Any) -> tuple[str, str]:
    first, colon, last = str(part).strip().lower().partition(":")
    return first.strip(), (last if colon else first).strip()


def _named_span(part: Any, names: Sequence[str], base: int, what: str) -> Span:
    first, last = (_named(text, names, base, what) for text in _bounds(part))
    if first > last:
        raise ValueError(f"{part}: the first {what} is after the last; write it as two")
    return first, last


def _named(text: str, names: Sequence[str], base: int, what: str) -> int:
    if text in names:
        return names.index(text) + base
    if what == "month" and text.isdecimal() and 1 <= int(text) <= 12:
        return int(text)
    raise ValueError(f"unknown {what} {text!r}; one of {', '.join(names)}")


def _number_span(part: Any, low: int, high: int, what: str) -> Span:
    try:
        first, last = (int(text) for text in _bounds(part))
    except ValueError as error:
        raise ValueError(f"not a {what} or a range of them: {part!r}") from error
    if not (low <= first <= high and low <= last <= high):
        raise ValueError(f"{part}: a {what} lies between {low} and {high}")
    if what != "day" and first > last:
        raise ValueError(f"{part}: the first {what} is after the last")
    return first, last


def _days_of_month(part: Any) -> Span:
    first, last = _number_span(part, -31, 31, "day")
    if first == 0 or last == 0:
        raise ValueError(f"{part}: days of a month count from 1, or from -1 backwards")
    if (first > 0) == (last > 0) and first > last:
        raise ValueError(f"{part}: the first day is after the last")
    if first < 0 < last:
        raise ValueError(f"{part}: a range that begins at the month's end cannot end at a day counted from its start")
    return first, last


def _zone(name: Any) -> ZoneInfo | None:
    if name is None or name == "Local":
        return None
    try:
        return ZoneInfo(str(name))
    except Exception as error:
        raise ValueError(f"unknown location {name!r}; use a name such as Europe/Berlin") from error
