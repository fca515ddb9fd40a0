"""Go's fmt: verbs, flags, widths and what it says of operands that do not fit; floats as strconv writes them."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from template_helpers import action, expand

from watchman.rules.template.floats import format_float, format_shortest
from watchman.rules.template.literals import parse_float, quote, unquote

PRINTF = [
    ("%d", "42", "42"),
    ("%5d|%-5d|%05d", "42 42 42", "   42|42   |00042"),
    (
        "%+d|% d|%x|%X|%o|%b|%c|%U|%#U|%q",
        "42 42 255 255 8 5 65 65 65 65",
        "+42| 42|ff|FF|10|101|A|U+0041|U+0041 'A'|'A'",
    ),
    ("%#x|%#X|%#o|%O|%#b", "255 255 8 8 5", "0xff|0XFF|010|0o10|0b101"),
    ("%.3d|%8.3d|%08.3d|%.0d|", "7 7 7 0", "007|     007|     007||"),
    ("%d", "20.0", "%!d(float64=20)"),
    ("%5.1d", "20.0", "%!d(float64=2e+01)"),
    ("%s", "20.0", "%!s(float64=20)"),
    ("%s", "1", "%!s(int=1)"),
    ("%d", "`x`", "%!d(string=x)"),
    ("%t|%v|%d", "true false true", "true|false|%!d(bool=true)"),
    (
        "%f|%.2f|%8.3f|%-8.1f|%08.2f|%+.1f",
        "3.14159 3.14159 3.14159 3.14159 3.14159 3.14159",
        "3.141590|3.14|   3.142|3.1     |00003.14|+3.1",
    ),
    ("%e|%.2E|%g|%G|%.3g", "314159.0 314159.0 1e-7 1e21 314159.0", "3.141590e+05|3.14E+05|1e-07|1E+21|3.14e+05"),
    ("%.0f|%.0f|%.0f|%.0f", "0.5 1.5 2.5 -0.5", "0|2|2|-0"),
    ("%x|%X|%.1x|%b", "1.5 -20.0 3.14159 1.0", "0x1.8p+00|-0X1.4P+04|0x1.9p+01|4503599627370496p-52"),
    ("%#g|%#.3g|%#.0f|%#v", "1.0 1.0 1.0 1.0", "1.00000|1.00|1.|1"),
    ("%s|%10s|%-10s|%.2s|%q", '`hi` `hi` `hi` `hello` `a"b`', 'hi|        hi|hi        |he|"a\\"b"'),
    ("%x|%X|% x|%#x|%# x", "`hi` `hi` `hi` `hi` `hi`", "6869|6869|68 69|0x6869|0x68 0x69"),
    ("%+q|%#q|%#q", '`é` `ab` "a`b"', '"\\u00e9"|`ab`|"a`b"'),
    ("%06s|%-06s|", "`ab` `ab`", "0000ab|ab    |"),
    ("%v|%s|%d|%T", "nil nil nil nil", "<nil>|%!s(<nil>)|%!d(<nil>)|<nil>"),
    ("%T %T %T %T %T", "1 1.5 `x` true $labels", "int float64 string bool map[string]string"),
    ("%v|%+v", "$labels $labels", "map[__name__:m instance:host:9100 job:j]|map[__name__:m instance:host:9100 job:j]"),
    ("%#v", "$labels", 'map[string]string{"__name__":"m", "instance":"host:9100", "job":"j"}'),
    (
        "%v|%+v|%#v",
        "(args 1 nil) (args 1 nil) (args 1 nil)",
        'map[arg0:1 arg1:<nil>]|map[arg0:1 arg1:<nil>]|map[string]interface {}{"arg0":1, "arg1":interface {}(nil)}',
    ),
    ("%v", '(query "sort(other)" | first)', "&{map[__name__:other instance:a] 1.5}"),
    ("%+v", '(query "sort(other)" | first)', "&{Labels:map[__name__:other instance:a] Value:1.5}"),
    ("%v|%s|%d", "(toDuration 1.5) (toTime 0) (toTime 0).Month", "1.5s|1970-01-01 00:00:00 +0000 UTC|1"),
    ("%d %d", "1", "1 %!d(MISSING)"),
    ("%d", "1 `x` nil 2.5", "1%!(EXTRA string=x, <nil>, float64=2.5)"),
    ("100%%|100%", "", "100%|100%!(NOVERB)"),
    ("%z|%!", "1 2", "%!z(int=1)|%!!(int=2)"),
    ("%*d|%-*d|%.*f", "5 42 5 42 2 3.14159", "   42|42   |3.14"),
    ("%*d|%.*f", "`x` 42 `x` 3.5", "%!(BADWIDTH)42|%!(BADPREC)3.500000"),
    ("%[2]d %[1]d", "1 2", "2 1"),
    ("%[3]d|%[x]d", "1", "%!d(BADINDEX)|%!d(BADINDEX)"),
    ("%6.2f%%", "12.3456", " 12.35%"),
    ("%v %s", "`a` `b` `c`", "a b%!(EXTRA string=c)"),
]


@pytest.mark.parametrize(("text", "operands", "shown"), PRINTF)
def test_printf_prints_as_go(text: str, operands: str, shown: str) -> None:
    assert expand(action(f"printf `{text}` {operands}")) == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (20.0, "20"),
        (999999.0, "999999"),
        (1000000.0, "1e+06"),
        (1234567.0, "1.234567e+06"),
        (1e23, "1e+23"),
        (3.14159265358979, "3.14159265358979"),
        (1e-5, "1e-05"),
        (0.0001, "0.0001"),
        (0.1, "0.1"),
        (-0.0, "-0"),
        (123456789012345680.0, "1.2345678901234568e+17"),
        (1e15, "1e+15"),
        (5e-324, "5e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (math.nan, "NaN"),
    ],
)
def test_a_value_prints_in_the_shortest_form(number: float, shown: str) -> None:
    assert expand("{{ $value }}", value=number) == shown
    assert expand('{{ printf "%v" $value }}', value=number) == shown


@given(st.floats())
def test_the_shortest_form_reads_back_as_the_same_number(number: float) -> None:
    read = parse_float(format_shortest(number))

    assert math.isnan(read) if math.isnan(number) else struct.pack(">d", read) == struct.pack(">d", number)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_an_exponent_stands_where_go_puts_it(number: float) -> None:
    """Below 1e-4 and from seven digits before the point; the digits are those of Python's shortest form."""
    text = format_shortest(number)
    digits = repr(abs(number)).split("e")[0].replace(".", "").strip("0")

    assert ("e" in text) == (number != 0 and not 1e-4 <= abs(number) < 1e6)
    assert text.lstrip("-").split("e")[0].replace(".", "").strip("0") == digits


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_the_hexadecimal_and_the_binary_form_are_exact(number: float) -> None:
    mantissa, exponent = format_float(number, "b", None).split("p")

    assert float.fromhex(format_float(number, "x", None)) == number
    assert math.ldexp(int(mantissa), int(exponent)) == number


@given(st.text())
def test_a_quoted_text_reads_back(text: str) -> None:
    assert unquote(quote(text)) == text
    assert unquote(quote(text, ascii_only=True)) == text
