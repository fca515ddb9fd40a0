"""Words of a message: times and durations as people say them, texts cut where a word ends."""

from __future__ import annotations

import math
import re
from datetime import datetime
from zoneinfo import ZoneInfo

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def clean(text: str) -> str:
    """The text without control, direction and half characters; CR LF and tabs become a new line and a space."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", " "))


def one_line(text: str) -> str:
    """The text on one line with single spaces."""
    return " ".join(clean(text).split())


def cut(text: str, limit: int) -> str:
    """At most `limit` characters; what is cut ends at a word and with three dots."""
    if len(text) <= limit:
        return text
    head = text[: limit - 3]
    space = max(head.rfind(" "), head.rfind("\n"))
    # A text without a space in its second half is cut inside the word.
    if not text[limit - 3].isspace() and space > limit // 2:
        head = head[:space]
    return head.rstrip(" \n,;:.(") + "..."


def first_lines(text: str, count: int, limit: int) -> str:
    """At most `count` lines that say something, each trimmed, cut to `limit` characters in all."""
    lines = [line for line in (" ".join(line.split()) for line in clean(text).split("\n")) if line]
    return cut("\n".join(lines[:count]), limit)


def local_time(ts: float, now: float, zone: ZoneInfo) -> str:
    """`03:50` today, `Fri 03:50` within the last six days, else `21 Nov 03:50`, with the year if it is not this one."""
    try:
        at, today = datetime.fromtimestamp(ts, zone), datetime.fromtimestamp(now, zone)
    except (OverflowError, ValueError, OSError):
        return "an unknown time"
    days = (today.date() - at.date()).days
    clock = f"{at:%H:%M}"
    if days == 0:
        return clock
    if 0 < days < 7:
        return f"{_WEEKDAYS[at.weekday()]} {clock}"
    year = "" if at.year == today.year else f" {at.year}"
    return f"{at.day} {_MONTHS[at.month - 1]}{year} {clock}"


def clock_time(ts: float, zone: ZoneInfo) -> str:
    """`03:50`."""
    return f"{datetime.fromtimestamp(ts, zone):%H:%M}"


def duration(seconds: float) -> str:
    """`20 s`, `45 min`, `2 h 10`, `3 d 4 h`; a negative one is 0 s."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes = round(whole / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60:02d}" if minutes % 60 else f"{minutes // 60} h"
    hours = round(minutes / 60)
    return f"{hours // 24} d {hours % 24} h" if hours % 24 else f"{hours // 24} d"


def number(value: float | None) -> str:
    """A value for people: at most four figures that matter; empty if there is none."""
    if value is None or not math.isfinite(value):
        return ""
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def power(watts: float | None) -> str:
    """`190 W` or `7.0 kW`, with the sign of the value; empty if there is none."""
    if watts is None or not math.isfinite(watts):
        return ""
    return f"{watts:.0f} W" if abs(watts) < 995 else f"{watts / 1000:.1f} kW"


def quantity(value: float | None, unit: str) -> str:
    """A value with its unit, such as `62 %` or `7.0 kW`; the bare number without one."""
    if unit == "W":
        return power(value)
    return f"{number(value)} {unit}".strip() if number(value) else ""


# Not strftime's: those follow the process' locale.
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
