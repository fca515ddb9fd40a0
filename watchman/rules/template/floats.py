"""Floating-point numbers as Go's strconv writes them."""

from __future__ import annotations

import math


def format_shortest(number: float) -> str:
    """The form of `%v`: the fewest digits that read back the same, an exponent below 1e-4 and from 1e6 digits on.

    Python's own shortest form agrees but for where the exponent begins.
    """
    if math.isinf(number):
        return "+Inf" if number > 0 else "-Inf"
    if math.isnan(number):
        return "NaN"
    text = repr(number)
    size = abs(number)
    if size < 1e6 or "e" in text:
        return text[:-2] if text.endswith(".0") else text
    sign = "-" if number < 0 else ""
    whole, fraction = repr(size).split(".")
    digits = (whole + fraction).rstrip("0")
    point = "." if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{point}{digits[1:]}e+{len(whole) - 1:02d}"


def format_float(number: float, verb: str, precision: int | None) -> str:
    """One number under a verb of e, E, f, F, g, G, x, X or b, without a sign for positive numbers but infinity."""
    if not math.isfinite(number):
        return format_shortest(number)
    if verb in "gG" and precision is None:
        text = format_shortest(number)
        return text.upper() if verb == "G" else text
    if verb in "xX":
        text = _hexadecimal(number, precision)
        return text.upper() if verb == "X" else text
    if verb == "b":
        return _binary(number)
    return f"{number:.{6 if precision is None else precision}{verb}}"


def _binary(number: float) -> str:
    """Mantissa and exponent of two in decimal: 1.0 is 4503599627370496p-52."""
    sign = "-" if math.copysign(1.0, number) < 0 else ""
    if number == 0:
        return f"{sign}0p-1074"
    _, exponent = math.frexp(number)
    exponent = max(exponent - 53, -1074)
    return f"{sign}{int(math.ldexp(abs(number), -exponent))}p{exponent:+d}"


def _hexadecimal(number: float, precision: int | None) -> str:
    """0x1.8p+01: the fraction has `precision` digits, or as many as it needs; the exponent of two at least two."""
    sign = "-" if math.copysign(1.0, number) < 0 else ""
    mantissa, exponent = 0, 0
    if number != 0:
        fraction, exponent = math.frexp(abs(number))
        mantissa, exponent = int(fraction * 2**53), exponent - 1
    digits = 13
    if precision is not None and precision < digits:
        mantissa, exponent = _round_bits(mantissa, exponent, 4 * (digits - precision))
        digits = precision
    text = f"{mantissa:0{digits + 1}x}"
    whole, rest = text[: len(text) - digits], text[len(text) - digits :]
    rest = rest.rstrip("0") if precision is None else rest.ljust(precision, "0")
    point = "." if rest else ""
    return f"{sign}0x{whole}{point}{rest}p{exponent:+03d}"


def _round_bits(mantissa: int, exponent: int, bits: int) -> tuple[int, int]:
    """Drops the lowest bits, to even on a tie; a carry out of the first digit moves the exponent."""
    half = 1 << (bits - 1)
    low = mantissa & ((1 << bits) - 1)
    mantissa >>= bits
    if low > half or (low == half and mantissa & 1):
        mantissa += 1
    if mantissa >= 2 << (52 - bits):
        return mantissa >> 1, exponent + 1
    return mantissa, exponent
