"""Prometheus' functions that turn numbers into text a person reads, digit for digit."""

from __future__ import annotations

import math

from watchman.rules.template.errors import FunctionError
from watchman.rules.template.floats import format_float, format_shortest
from watchman.rules.template.gotime import Duration, Time
from watchman.rules.template.literals import parse_float, quote
from watchman.rules.template.values import NIL, Sized, Value, type_name

_LARGE = ("k", "M", "G", "T", "P", "E", "Z", "Y")
_SMALL = ("m", "u", "n", "p", "f", "a", "z", "y")
_BINARY = ("ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi")
_SECOND_NS = 1_000_000_000
_MILLISECOND_NS = 1_000_000
_NOT_FINITE = "value is NaN or Inf"


def to_float(value: Value) -> float:
    """A number or the text of one; raises FunctionError for anything else."""
    if isinstance(value, float):
        return value
    if type(value) is str:
        return _parsed(value)
    if type(value) is int:
        return float(value)
    if isinstance(value, Sized) and value.kind == "int64":
        return float(value.number)
    if isinstance(value, Duration) and not value.pointer:
        return value.nanoseconds / _SECOND_NS
    name = "<nil>" if value is None or value is NIL else type_name(value)
    raise FunctionError(f"can't convert {name} to float")


def _parsed(text: str) -> float:
    try:
        return parse_float(text)
    except ValueError as error:
        raise FunctionError(f"strconv.ParseFloat: parsing {quote(text)}: {error}") from None


def _four_digits(number: float) -> str:
    return format_float(number, "g", 4)


def _grow(number: float, step: float, prefixes: tuple[str, ...]) -> tuple[float, str]:
    """Divides until the number is below one step; the prefix says how often."""
    prefix = ""
    for candidate in prefixes:
        if abs(number) < step:
            break
        prefix, number = candidate, number / step
    return number, prefix


def _shrink(number: float) -> tuple[float, str]:
    prefix = ""
    for candidate in _SMALL:
        if abs(number) >= 1:
            break
        prefix, number = candidate, number * 1000
    return number, prefix


def humanize(value: Value) -> str:
    """1234567 is 1.235M, .12 is 120m."""
    number = to_float(value)
    if number == 0 or not math.isfinite(number):
        return _four_digits(number)
    scaled, prefix = _grow(number, 1000, _LARGE) if abs(number) >= 1 else _shrink(number)
    return _four_digits(scaled) + prefix


def humanize1024(value: Value) -> str:
    """1048576 is 1Mi; the k of ki is small, as in Prometheus."""
    number = to_float(value)
    if abs(number) <= 1 or not math.isfinite(number):
        return _four_digits(number)
    scaled, prefix = _grow(number, 1024, _BINARY)
    return _four_digits(scaled) + prefix


def humanize_percentage(value: Value) -> str:
    """0.1234567 is 12.35%."""
    return _four_digits(to_float(value) * 100) + "%"


def humanize_duration(value: Value) -> str:
    """Seconds as 2d 3h 4m 5s; below one minute with four digits, below one second in smaller units."""
    seconds = to_float(value)
    if not math.isfinite(seconds):
        return _four_digits(seconds)
    if seconds == 0:
        return _four_digits(seconds) + "s"
    if abs(seconds) < 1:
        scaled, prefix = _shrink(seconds)
        return f"{_four_digits(scaled)}{prefix}s"
    return ("-" if seconds < 0 else "") + _long_duration(abs(seconds))


def _long_duration(seconds: float) -> str:
    # Beyond 64 bits Go's conversion gives the smallest integer, and the parts come out negative.
    whole = int(seconds) if seconds < 2**63 else -(2**63)
    minutes, second = _divide(whole, 60)
    hours, minute = _divide(minutes, 60)
    days, hour = _divide(hours, 24)
    if days:
        return f"{days}d {hour}h {minute}m {second}s"
    if hour:
        return f"{hour}h {minute}m {second}s"
    return f"{minute}m {second}s" if minute else _four_digits(seconds) + "s"


def _divide(number: int, by: int) -> tuple[int, int]:
    """Division that rounds towards zero, as Go's does."""
    quotient = abs(number) // by * (1 if number >= 0 else -1)
    return quotient, number - quotient * by


def to_time(value: Value) -> Time:
    """Unix seconds as a time, to the millisecond as Prometheus keeps it."""
    nanoseconds = _nanoseconds(to_float(value), "timestamp")
    milliseconds, _ = _divide(nanoseconds, _MILLISECOND_NS)
    return Time(milliseconds * _MILLISECOND_NS, pointer=True)


def to_duration(value: Value) -> Duration:
    """Seconds as a duration."""
    return Duration(_nanoseconds(to_float(value), "duration"), pointer=True)


def _nanoseconds(seconds: float, kind: str) -> int:
    if not math.isfinite(seconds):
        raise FunctionError(_NOT_FINITE)
    nanoseconds = seconds * 1e9
    if not -(2.0**63) <= nanoseconds <= 2.0**63:
        shown = format_shortest(seconds)
        raise FunctionError(f"{shown} cannot be represented as a nanoseconds {kind} since it overflows int64")
    return int(nanoseconds) if nanoseconds < 2.0**63 else -(2**63)


def humanize_timestamp(value: Value) -> str:
    """1435065584.128 is 2015-06-23 13:19:44.128 +0000 UTC."""
    number = to_float(value)
    return str(to_time(number)) if math.isfinite(number) else _four_digits(number)
