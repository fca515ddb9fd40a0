"""eq, ne, lt, le, gt, ge by Go's type rules: an int and a float cannot be compared."""

from __future__ import annotations

from watchman.rules.template.errors import FunctionError
from watchman.rules.template.gotime import Time
from watchman.rules.template.printer import PLAIN, Output, print_value
from watchman.rules.template.values import NIL, Data, Value, integer, type_name

_INCOMPATIBLE = "incompatible types for comparison"
_INVALID = "invalid type for comparison"


def _kind(value: Value) -> str:
    """bool, int, float, string, or empty for what has no order."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, float):
        return "float"
    if isinstance(value, str):
        return "string"
    return "" if integer(value) is None else "uint" if type_name(value) == "uint8" else "int"


def _plain(value: Value) -> Value:
    """What the comparison works on: the number of an integer type, the value itself otherwise."""
    number = None if isinstance(value, bool) else integer(value)
    return value if number is None else number


def equal(first: Value, *others: Value) -> bool:
    """Whether the first equals any of the others; raises FunctionError."""
    if not others:
        raise FunctionError("missing argument for comparison")
    return any(_equal(first, other) for other in others)


def _equal(first: Value, other: Value) -> bool:
    first, other = (None if value is NIL else value for value in (first, other))
    kinds = _kind(first), _kind(other)
    if first is None or other is None:
        return first is None and other is None
    if kinds[0] != kinds[1] and set(kinds) != {"int", "uint"}:
        raise FunctionError(_INCOMPATIBLE)
    return bool(_plain(first) == _plain(other)) if kinds[0] else _equal_composites(first, other)


def _composite(value: Value) -> str:
    """map, slice, pointer or struct."""
    if isinstance(value, dict):
        return "map"
    if isinstance(value, list):
        return "slice"
    return "struct" if isinstance(value, Data) or (isinstance(value, Time) and not value.pointer) else "pointer"


def _equal_composites(first: Value, other: Value) -> bool:
    """Pointers are equal if they are one and the same, times by value; maps and slices cannot be compared."""
    if _composite(first) != _composite(other):
        types = f"{type_name(first)}, {type_name(other)}"
        raise FunctionError(f"non-comparable types {_shown(first, 's')}: {types}: {_shown(other, 'v')}")
    if isinstance(other, (dict, list, Data)):
        raise FunctionError(f"non-comparable type {_shown(other, 's')}: {type_name(other)}")
    return bool(first == other) if _composite(other) == "struct" else first is other


def _shown(value: Value, verb: str) -> str:
    output = Output()
    print_value(output, value, verb, PLAIN)
    return output.text()


def not_equal(first: Value, second: Value) -> bool:
    """The opposite of `equal`."""
    return not equal(first, second)


def less(first: Value, second: Value) -> bool:
    """Whether first < second; raises FunctionError for types without an order and for different ones."""
    kinds = _kind(first), _kind(second)
    if "" in kinds:
        raise FunctionError(_INVALID)
    if kinds[0] != kinds[1] and set(kinds) != {"int", "uint"}:
        raise FunctionError(_INCOMPATIBLE)
    if kinds[0] == "bool":
        raise FunctionError(_INVALID)
    return bool(_plain(first) < _plain(second))


def less_or_equal(first: Value, second: Value) -> bool:
    """Whether first <= second."""
    return less(first, second) or equal(first, second)


def greater(first: Value, second: Value) -> bool:
    """The opposite of `less_or_equal`, hence true for NaN, as in Go."""
    return not less_or_equal(first, second)


def greater_or_equal(first: Value, second: Value) -> bool:
    """The opposite of `less`."""
    return not less(first, second)
