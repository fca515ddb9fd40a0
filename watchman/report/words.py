"""Numbers, times and money as people read them in English: rounded to what matters, local, with units."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_LONG_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LONG_MONTHS = (
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
_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "AUD": "A$", "CAD": "C$", "NZD": "NZ$"}


def kwh(wh: float) -> str:
    """`27.4`, `312`, `0`: the number of kWh without its unit."""
    value = wh / 1000
    text = f"{value:.0f}" if abs(value) >= 99.95 else f"{value:.1f}"
    return "0" if text in ("0.0", "-0.0") else text


def watts(w: float) -> str:
    """`190 W` or `2.2 kW`."""
    return f"{w / 1000:.1f} kW" if abs(w) >= 950 else f"{round(w, -1):.0f} W"


def percent(ratio: float) -> str:
    """`65 %` of a ratio 0..1."""
    return f"{ratio * 100:.0f} %"


def share(ratio: float) -> str:
    """A share that must not round up to everything: `99.8 %`, `100 %` only if it is."""
    tenths = int(ratio * 1000 + 1e-6)
    return "100 %" if tenths >= 1000 else f"{tenths / 10:.1f} %"


def clock(ts: float, zone: ZoneInfo) -> str:
    """`13:40`; in the hour that happens twice the second one says so by its zone: `01:30 PST`."""
    local = datetime.fromtimestamp(ts, zone)
    return f"{local:%H:%M} {local.tzname()}" if local.fold else f"{local:%H:%M}"


def duration(seconds: float) -> str:
    """`25 min`, `3 h 10`, `2 d 4 h`."""
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes:02d}" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def money(amount: float, currency: str) -> str:
    """`$1.53`, `-€0.40`, `12.00 SEK`."""
    amount = 0.0 if abs(amount) < 0.005 else amount
    symbol = _SYMBOLS.get(currency)
    if symbol is None:
        return f"{amount:.2f} {currency}"
    return f"{'-' if amount < 0 else ''}{symbol}{abs(amount):.2f}"


def price(amount: float, currency: str) -> str:
    """A price per kWh with the digits it has, two to four: `$0.32`, `€0.0786`."""
    text = f"{amount:.4f}".rstrip("0")
    digits = max(2, len(text.partition(".")[2]))
    symbol = _SYMBOLS.get(currency)
    return f"{amount:.{digits}f} {currency}" if symbol is None else f"{symbol}{amount:.{digits}f}"


def weekday(day: date) -> str:
    """`Sat`."""
    return _WEEKDAYS[day.weekday()]


def short_day(day: date) -> str:
    """`Sat 21 Nov`."""
    return f"{weekday(day)} {day.day} {_MONTHS[day.month - 1]}"


def long_day(day: date) -> str:
    """`Saturday 21 November`."""
    return f"{_LONG_WEEKDAYS[day.weekday()]} {day.day} {_LONG_MONTHS[day.month - 1]}"
