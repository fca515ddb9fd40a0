"""Go's fmt: how a value is printed under a verb with its flags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from watchman.rules.template import floats
from watchman.rules.template.errors import LimitError
from watchman.rules.template.gotime import SECOND_NS, Duration, Month, Time, Weekday
from watchman.rules.template.literals import can_backquote, quote, to_bytes
from watchman.rules.template.values import (
    NIL,
    NO_ZONE,
    Data,
    Sized,
    Value,
    integer,
    is_text,
    type_name,
)
from watchman.series import Sample

MAX_OUTPUT = 1 << 20
"""Characters one print, one result and one annotation may have."""

# Where Go shows the address of a value, which differs in every process, this stands.
_ADDRESS = 0xC000000000
_MAX_RUNE = 0x10FFFF
# Go counts the seconds of a time from the year 1.
_FROM_YEAR_1_S = 62135596800
_BASES = {"d": "d", "v": "d", "b": "b", "o": "o", "O": "o", "x": "x", "X": "X"}
_PREFIXES = {"b": "0b", "o": "0", "x": "0x", "X": "0X"}
_STRINGERS = (Time, Duration, Month, Weekday)


@dataclass(slots=True)
class Flags:
    """Flags, width and precision of one verb. `plus_v` and `sharp_v` are %+v and %#v."""

    plus: bool = False
    minus: bool = False
    sharp: bool = False
    space: bool = False
    zero: bool = False
    width: int | None = None
    precision: int | None = None
    plus_v: bool = False
    sharp_v: bool = False


PLAIN = Flags()


class Output:
    """Text in the making; refuses to grow beyond its limit."""

    __slots__ = ("_limit", "_parts", "_size")

    def __init__(self, limit: int = MAX_OUTPUT) -> None:
        self._parts: list[str] = []
        self._size = 0
        self._limit = limit

    def write(self, text: str) -> None:
        """Appends; raises LimitError."""
        self._size += len(text)
        if self._size > self._limit:
            raise LimitError(f"output is longer than {self._limit} characters")
        self._parts.append(text)

    def text(self) -> str:
        """All that was written."""
        return "".join(self._parts)


def sprint(args: Sequence[Value], *, as_action: bool = False) -> str:
    """As fmt.Sprint: a space between two operands where neither is a string. An action shows samples without `&`."""
    output = Output()
    previous_is_text = True
    for index, arg in enumerate(args):
        if index and not is_text(arg) and not previous_is_text:
            output.write(" ")
        if as_action and isinstance(arg, Sample):
            output.write(sprint_one(arg))
        else:
            print_value(output, arg, "v", PLAIN)
        previous_is_text = is_text(arg)
    return output.text()


def sprintln(args: Sequence[Value]) -> str:
    """As fmt.Sprintln: a space between all operands, a line feed at the end."""
    output = Output()
    for index, arg in enumerate(args):
        if index:
            output.write(" ")
        print_value(output, arg, "v", PLAIN)
    output.write("\n")
    return output.text()


def print_value(output: Output, value: Value, verb: str, flags: Flags, depth: int = 0) -> None:
    """Writes one value under a verb; what the verb cannot show is written as `%!verb(type=value)`."""
    if value is None or value is NIL:
        _print_nil(output, verb, flags, depth)
    elif verb == "T":
        output.write(_pad(_truncate(type_name(value), flags), flags))
    elif value is NO_ZONE:
        output.write(_digits(0, verb, flags) if verb in "bdoxX" else f"%!{verb}({value.value}=<nil>)")
    elif isinstance(value, Time) and verb == "v" and flags.sharp_v:
        output.write(_pad(value.go_string(), flags))
    elif verb == "p":
        _print_pointer(output, value, verb, flags)
    elif isinstance(value, _STRINGERS) and (verb in "sxXq" or (verb == "v" and not flags.sharp_v)):
        _print_scalar(output, str(value), verb, flags, value)
    elif isinstance(value, (str, bool, int, float, Sized, Month, Weekday)):
        _print_scalar(output, value, verb, flags, value)
    elif isinstance(value, Duration) and not value.pointer:
        _print_scalar(output, value.nanoseconds, verb, flags, value)
    elif isinstance(value, Duration):
        _print_pointer(output, value, verb, flags)
    else:
        _print_composite(output, value, verb, flags, depth)


def _print_nil(output: Output, verb: str, flags: Flags, depth: int) -> None:
    if depth and flags.sharp_v:
        output.write("interface {}(nil)")
    elif depth and verb != "v":
        output.write("<nil>")
    elif verb in "Tv":
        output.write(_pad("<nil>", flags))
    else:
        output.write(f"%!{verb}(<nil>)")


def _print_scalar(output: Output, content: Value, verb: str, flags: Flags, value: Value) -> None:
    """`content` is what is shown of the value: itself, the text of a time, the number of a month."""
    if isinstance(content, str):
        text = _string(content, verb, flags)
    elif isinstance(content, bool):
        text = _pad("true" if content else "false", flags) if verb in "tv" else None
    elif isinstance(content, float):
        text = _float(content, verb, flags)
    else:
        text = _integer(content, verb, flags)
    if text is None:
        _bad_verb(output, value, verb, flags)
    else:
        output.write(text)


def _bad_verb(output: Output, value: Value, verb: str, flags: Flags) -> None:
    """While this is written Go asks no value for its own text, so a time shows its number or its fields."""
    output.write(f"%!{verb}({type_name(value)}=")
    if isinstance(value, (Month, Weekday, Duration)) and integer(value) is not None:
        output.write(_integer(integer(value), "v", flags) or "")
    else:
        print_value(output, value, "v", flags)
    output.write(")")


def _print_pointer(output: Output, value: Value, verb: str, flags: Flags) -> None:
    if not isinstance(value, (dict, list, Sample, Time, Duration)) or verb not in "pvbdoxX":
        _bad_verb(output, value, verb, flags)
    elif flags.sharp_v:
        output.write(f"({type_name(value)})({_ADDRESS:#x})")
    else:
        shown = Flags(sharp=(verb in "pv") != flags.sharp, width=flags.width, minus=flags.minus)
        output.write(_integer(_ADDRESS, "x" if verb in "pv" else verb, shown) or "")


def _print_composite(output: Output, value: Value, verb: str, flags: Flags, depth: int) -> None:
    """A map, the result of a query, a sample, the data of a template, a time without its text."""
    if isinstance(value, Sample) and depth:
        _print_pointer(output, value, verb, flags)
        return
    if isinstance(value, (Sample, Time)) and (isinstance(value, Sample) or value.pointer):
        output.write("&")
    opened, pairs, closed = _parts_of(value)
    if flags.sharp_v:
        output.write(type_name(value).lstrip("*") + "{")
        closed, separator = "}", ", "
    else:
        output.write(opened)
        separator = " "
    for index, (name, item) in enumerate(pairs):
        if index:
            output.write(separator)
        _print_name(output, value, name, verb, flags)
        print_value(output, item, verb, flags, depth + 1)
    output.write(closed)


def _print_name(output: Output, value: Value, name: str | None, verb: str, flags: Flags) -> None:
    """The key of a map, under the same verb, or the name of a field where it was asked for."""
    if isinstance(value, dict):
        print_value(output, name, verb, flags, 1)
        output.write(":")
    elif name is not None and (flags.plus_v or flags.sharp_v):
        output.write(f"{name}:")


def _parts_of(value: Value) -> tuple[str, list[tuple[str | None, Value]], str]:
    """What a composite value opens with, its items with their names, what it closes with."""
    if isinstance(value, dict):
        return "map[", sorted(value.items()), "]"
    if isinstance(value, list):
        return "[", [(None, item) for item in value], "]"
    if isinstance(value, Sample):
        return "{", [("Labels", value.labels), ("Value", value.value)], "}"
    if isinstance(value, Data):
        return "{", list(value.fields().items()), "}"
    seconds = value.nanoseconds // SECOND_NS + _FROM_YEAR_1_S
    wall, ext = Sized("uint64", value.fraction_ns), Sized("int64", seconds)
    return "{", [("wall", wall), ("ext", ext), ("loc", NO_ZONE)], "}"


def sprint_one(value: Value) -> str:
    """What an action prints of a value: Go takes the pointer to a sample off first."""
    if value is None or value is NIL:
        return "<no value>"
    if isinstance(value, float):
        return floats.format_shortest(value)
    output = Output()
    print_value(output, value, "v", PLAIN)
    return output.text().removeprefix("&") if isinstance(value, Sample) else output.text()


# Text


def _pad(text: str, flags: Flags) -> str:
    if not flags.width or len(text) >= flags.width:
        return text
    if flags.minus:
        return text.ljust(flags.width)
    return text.rjust(flags.width, "0" if flags.zero else " ")


def _pad_spaces(text: str, flags: Flags) -> str:
    if not flags.width:
        return text
    return text.ljust(flags.width) if flags.minus else text.rjust(flags.width)


def _truncate(text: str, flags: Flags) -> str:
    return text if flags.precision is None else text[: flags.precision]


def _string(text: str, verb: str, flags: Flags) -> str | None:
    if verb == "s" or (verb == "v" and not flags.sharp_v):
        return _pad(_truncate(text, flags), flags)
    if verb in "qv":
        return _pad(_quoted(_truncate(text, flags), flags), flags)
    return _pad(_hex_string(text, verb, flags), flags) if verb in "xX" else None


def _quoted(text: str, flags: Flags) -> str:
    if flags.sharp and can_backquote(text):
        return f"`{text}`"
    return quote(text, ascii_only=flags.plus)


def _hex_string(text: str, verb: str, flags: Flags) -> str:
    data = to_bytes(text)
    data = data if flags.precision is None else data[: flags.precision]
    if not data:
        return ""
    digits = data.hex(" ") if flags.space else data.hex()
    if flags.sharp:
        digits = "0x" + digits.replace(" ", " 0x")
    return digits.upper() if verb == "X" else digits


# Numbers


def _integer(value: Value, verb: str, flags: Flags) -> str | None:
    """An integer of any size; a uint8 under %#v is hexadecimal."""
    number = value.number if isinstance(value, (Sized, Month, Weekday)) else int(value)
    if verb == "v" and flags.sharp_v and type_name(value) == "uint8":
        return _digits(number, "x", Flags(sharp=True, width=flags.width, minus=flags.minus, zero=flags.zero))
    if verb in _BASES:
        return _digits(number, verb, flags)
    if verb == "U":
        return _unicode(number, flags)
    if verb == "c":
        return _pad(_rune(number), flags)
    if verb == "q":
        return _pad(quote(_rune(number), mark="'", ascii_only=flags.plus), flags)
    return None


def _rune(number: int) -> str:
    valid = 0 <= number <= _MAX_RUNE and not 0xD800 <= number < 0xE000
    return chr(number) if valid else "\ufffd"


def _digits(number: int, verb: str, flags: Flags) -> str:
    """Zeros come from a precision, or from the flag 0 up to the width when there is no precision."""
    sign = "-" if number < 0 else "+" if flags.plus else " " if flags.space else ""
    minimum = flags.precision or 0
    if flags.precision == 0 and number == 0:
        return " " * (flags.width or 0)
    if flags.precision is None and flags.zero and not flags.minus and flags.width:
        minimum = flags.width - len(sign)
    text = format(abs(number), _BASES[verb]).rjust(minimum, "0")
    prefix = ""
    if verb == "O":
        prefix = "0o"
    elif flags.sharp and not (verb == "o" and text.startswith("0")):
        prefix = _PREFIXES.get(verb, "")
    return _pad_spaces(sign + prefix + text, flags)


def _unicode(number: int, flags: Flags) -> str:
    unsigned = number % (1 << 64)
    text = f"U+{unsigned:0{max(4, flags.precision or 0)}X}"
    if flags.sharp and unsigned <= _MAX_RUNE and chr(unsigned).isprintable():
        text += f" '{chr(unsigned)}'"
    return _pad_spaces(text, flags)


def _float(number: float, verb: str, flags: Flags) -> str | None:
    if verb not in "vbgGxXfFeE":
        return None
    shown = "g" if verb == "v" else verb
    text = floats.format_float(number, "f" if shown == "F" else shown, flags.precision)
    sign = text[0] if text[0] in "+-" else "+"
    text = text.lstrip("+-")
    if flags.space and not flags.plus and sign == "+":
        sign = " "
    if text in ("Inf", "NaN"):
        bare = text == "NaN" and not flags.space and not flags.plus
        return _pad_spaces(text if bare else sign + text, flags)
    if flags.sharp and verb != "b":
        text = _with_point(text, shown, flags.precision)
    if not flags.plus and sign == "+":
        return _pad(text, flags)
    if flags.zero and not flags.minus and flags.width:
        return sign + text.rjust(flags.width - 1, "0")
    return _pad(sign + text, flags)


def _with_point(text: str, verb: str, precision: int | None) -> str:
    """The flag # keeps a decimal point, and under %g the zeros up to the precision."""
    mark = "p" if verb in "xX" else "e"
    at = text.lower().find(mark)
    number, tail = (text, "") if at < 0 else (text[:at], text[at:])
    missing = 0
    if verb in "gGx":
        significant = number.replace(".", "").lstrip("0")
        missing = (6 if precision is None else precision) - len(significant)
        if number == "0":
            missing -= 1
    if "." not in number:
        number += "."
    return number + "0" * max(0, missing) + tail
