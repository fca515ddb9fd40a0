"""Times and durations of templates, with the methods and layouts of Go's package time. All times are UTC."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_INT64 = range(-(2**63), 2**63)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND_NS = 1_000_000_000
_OUT_OF_RANGE = "time out of range"
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
# The longest spelling first, as Go reads a layout. `Jan` and `Mon` must not begin a longer word.
_LAYOUT = re.compile(
    r"January|Jan(?![a-z])|Monday|Mon(?![a-z])|MST|2006|_2006|__2|_2|002|0[1-6]|15|PM|pm|[1-5]"
    r"|Z07:00:00|Z07:00|Z070000|Z0700|Z07|-07:00:00|-07:00|-070000|-0700|-07"
    r"|[.,]0+(?![0-9])|[.,]9+(?![0-9])"
)


@dataclass(frozen=True, slots=True)
class Month:
    """January is 1."""

    number: int

    def __str__(self) -> str:
        return _MONTHS[self.number - 1]


@dataclass(frozen=True, slots=True)
class Weekday:
    """Sunday is 0."""

    number: int

    def __str__(self) -> str:
        return _WEEKDAYS[self.number]


@dataclass(frozen=True, slots=True)
class Duration:
    """A span of time. `pointer` is only part of its Go type: functions give pointers, methods values."""

    nanoseconds: int
    pointer: bool = False

    def __str__(self) -> str:
        """Go's form: 1h30m0s, 1.5s, 250ms, 0s."""
        if self.nanoseconds == 0:
            return "0s"
        sign = "-" if self.nanoseconds < 0 else ""
        size = abs(self.nanoseconds)
        if size < SECOND_NS:
            unit, unit_ns = next((u, n) for u, n in (("ms", 1_000_000), ("µs", 1000), ("ns", 1)) if size >= n)
            return f"{sign}{_decimal(size, unit_ns)}{unit}"
        minutes, rest_ns = divmod(size, 60 * SECOND_NS)
        hours, minutes = divmod(minutes, 60)
        text = f"{_decimal(rest_ns, SECOND_NS)}s"
        if hours or minutes:
            text = f"{minutes}m{text}"
        return f"{sign}{hours}h{text}" if hours else sign + text


def _decimal(number: int, unit: int) -> str:
    whole, rest = divmod(number, unit)
    digits = len(str(unit)) - 1
    return f"{whole}.{rest:0{digits}d}".rstrip("0").rstrip(".") if rest else str(whole)


@dataclass(frozen=True, slots=True)
class Time:
    """An instant in nanoseconds since 1970; `pointer` as for Duration."""

    nanoseconds: int
    pointer: bool = False

    def __str__(self) -> str:
        return self.format("2006-01-02 15:04:05.999999999 -0700 MST")

    def go_string(self) -> str:
        """The Go expression that makes it, for %#v."""
        moment = self.moment
        clock = f"{moment.hour}, {moment.minute}, {moment.second}, {self.fraction_ns}"
        return f"time.Date({moment.year}, time.{Month(moment.month)}, {moment.day}, {clock}, time.UTC)"

    @property
    def moment(self) -> datetime:
        """The same instant to the second."""
        return _EPOCH + timedelta(seconds=self.nanoseconds // SECOND_NS)

    @property
    def fraction_ns(self) -> int:
        """Nanoseconds within the second."""
        return self.nanoseconds % SECOND_NS

    def format(self, layout: str) -> str:
        """The time in a Go layout, such as 2006-01-02T15:04:05Z07:00."""
        return _LAYOUT.sub(lambda match: _field(self, match[0]), layout)

    def weekday(self) -> Weekday:
        """The day of the week."""
        return Weekday(self.moment.isoweekday() % 7)

    def add(self, duration: Duration) -> Time:
        """The time later by the duration."""
        return _checked(self.nanoseconds + duration.nanoseconds)

    def add_date(self, years: int, months: int, days: int) -> Time:
        """The same time of another date; a day beyond the end of its month runs into the next, as in Go."""
        moment = self.moment
        year, month = divmod(moment.year * 12 + moment.month - 1 + years * 12 + months, 12)
        try:
            shifted = moment.replace(year=year, month=month + 1, day=1) + timedelta(days=moment.day - 1 + days)
        except (ValueError, OverflowError):
            raise ValueError(_OUT_OF_RANGE) from None
        return _checked((shifted - _EPOCH) // timedelta(seconds=1) * SECOND_NS + self.fraction_ns)


def _checked(nanoseconds: int) -> Time:
    """A time between the years 1678 and 2262, what 64-bit nanoseconds can say."""
    if nanoseconds not in _INT64:
        raise ValueError(_OUT_OF_RANGE)
    return Time(nanoseconds)


def _field(time: Time, name: str) -> str:
    """One element of a layout."""
    if name[0] in ".,":
        return _fraction(time, name)
    if name[0] in "Z-":
        return _offset(name)
    moment = time.moment
    hour = moment.hour % 12 or 12
    fields = {
        "2006": f"{moment.year:04d}",
        "_2006": f"_{moment.year:04d}",
        "06": f"{moment.year % 100:02d}",
        "January": _MONTHS[moment.month - 1],
        "Jan": _MONTHS[moment.month - 1][:3],
        "01": f"{moment.month:02d}",
        "1": str(moment.month),
        "Monday": str(time.weekday()),
        "Mon": str(time.weekday())[:3],
        "02": f"{moment.day:02d}",
        "_2": f"{moment.day:2d}",
        "2": str(moment.day),
        "002": f"{moment.timetuple().tm_yday:03d}",
        "__2": f"{moment.timetuple().tm_yday:3d}",
        "15": f"{moment.hour:02d}",
        "03": f"{hour:02d}",
        "3": str(hour),
        "04": f"{moment.minute:02d}",
        "4": str(moment.minute),
        "05": f"{moment.second:02d}",
        "5": str(moment.second),
        "PM": "PM" if moment.hour >= 12 else "AM",
        "pm": "pm" if moment.hour >= 12 else "am",
        "MST": "UTC",
    }
    return fields[name]


def _offset(name: str) -> str:
    """The offset of UTC in the form the layout asks for."""
    if name[0] == "Z":
        return "Z"
    return "+" + name[1:].replace("7", "0")


def _fraction(time: Time, name: str) -> str:
    """.000 keeps trailing zeros, .999 drops them, and itself if nothing is left."""
    digits = f"{time.fraction_ns:09d}".ljust(len(name) - 1, "0")[: len(name) - 1]
    if name[1] == "9":
        digits = digits.rstrip("0")
    return name[0] + digits if digits else ""
