"""Go's values as templates meet them, and their types.

`str` is a string, `bool` a bool, `int` an int, `float` a float64, `dict` a map[string]string, `list` the result of a
query and `Sample` one element of it. `None` is no value at all (printed as `<no value>`), `NIL` a nil interface.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from watchman.rules.template.gotime import Duration, Month, Time, Weekday
from watchman.rules.template.literals import to_bytes
from watchman.series import Labels, Sample


class Marker(Enum):
    """`NIL` is a nil interface; `MISSING` says that no value came down the pipeline; `NO_ZONE` is the zone of UTC."""

    NIL = "nil"
    MISSING = "missing"
    NO_ZONE = "*time.Location"


NIL = Marker.NIL
MISSING = Marker.MISSING
NO_ZONE = Marker.NO_ZONE

Value = Any
"""Any of the types above; the evaluator decides by `type_name`."""


class Args(dict[str, Value]):
    """What `args` makes: a map[string]interface {}."""


class Html(str):
    """What `safeHtml` makes: text of a type of its own."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Sized:
    """An integer of another size than int: a byte of a string (uint8), a time in seconds (int64)."""

    kind: str
    number: int


@dataclass(frozen=True, slots=True)
class Data:
    """What an alert's template is executed on."""

    labels: Labels
    external_labels: Labels
    external_url: str
    value: float

    def fields(self) -> dict[str, Value]:
        """Its fields by their names in templates."""
        return {
            "Labels": self.labels,
            "ExternalLabels": self.external_labels,
            "ExternalURL": self.external_url,
            "Value": self.value,
        }


@dataclass(frozen=True, slots=True)
class Function:
    """A function or a bound method: the Go types of its parameters, the last one repeated if `variadic`.

    `cost` is how many steps one call counts as.
    """

    run: Callable[..., Value]
    parameters: tuple[str, ...] = ()
    variadic: bool = False
    cost: int = 1


ANY, REFLECTED, STRING, FLOAT, INT = "interface {}", "reflect.Value", "string", "float64", "int"
VECTOR, SAMPLE, TIME, DURATION = "template.queryResult", "*template.sample", "time.Time", "time.Duration"
DATA = "struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; Value float64 }"
_NILLABLE = frozenset({ANY, REFLECTED, VECTOR, SAMPLE})

_TYPE_NAMES: dict[type, str] = {
    str: STRING,
    bool: "bool",
    int: INT,
    float: FLOAT,
    dict: "map[string]string",
    list: VECTOR,
    Args: "map[string]interface {}",
    Html: "template.HTML",
    Sample: SAMPLE,
    Data: DATA,
    Duration: DURATION,
    Month: "time.Month",
    Weekday: "time.Weekday",
}


def type_name(value: Value) -> str:
    """The Go type, as messages and `%T` name it."""
    if isinstance(value, Sized):
        return value.kind
    if isinstance(value, (Time, Duration)) and value.pointer:
        return f"*{TIME if isinstance(value, Time) else DURATION}"
    if isinstance(value, Time):
        return TIME
    return _TYPE_NAMES.get(type(value), ANY)


def integer(value: Value) -> int | None:
    """The number of any integer type, None for anything else."""
    if type(value) is int:
        return value
    if isinstance(value, (Sized, Month, Weekday)):
        return value.number
    return value.nanoseconds if isinstance(value, Duration) and not value.pointer else None


def is_text(value: Value) -> bool:
    """Whether the kind of the value is string."""
    return isinstance(value, str)


def length(value: str) -> int:
    """Bytes, as Go counts a string."""
    return len(value) if value.isascii() else len(to_bytes(value))


def truth(value: Value) -> bool:
    """Whether `if` takes its first branch: neither zero nor empty nor nil."""
    if value is None or value is NIL:
        return False
    if isinstance(value, (Sized, Month, Weekday)):
        return value.number != 0
    if isinstance(value, Duration) and not value.pointer:
        return value.nanoseconds != 0
    if isinstance(value, (str, bool, int, float, dict, list)):
        return bool(value)
    return True


def can_be_nil(type_of: str | None) -> bool:
    """Whether nil may be given for a parameter of the type; None stands for a field's receiver."""
    return type_of is None or type_of in _NILLABLE or type_of.startswith(("*", "map["))


def nil_of(type_of: str | None) -> Value:
    """The nil of a type that has one."""
    if type_of == ANY:
        return NIL
    return [] if type_of == VECTOR else None


def assignable(value: Value, type_of: str) -> bool:
    """Whether the value may be given for a parameter of the type, also through one pointer."""
    name = type_name(value)
    return type_of in (ANY, REFLECTED, name) or name == f"*{type_of}"
