"""Methods and fields of values: `.Labels` of a sample, `.Format` of a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from watchman.rules.template.gotime import SECOND_NS, Duration, Month, Time, Weekday
from watchman.rules.template.values import DURATION, INT, STRING, TIME, Data, Function, Sized, Value
from watchman.series import Sample

_Method = tuple[Callable[..., Value], tuple[str, ...]]


def _int64(number: int) -> Sized:
    return Sized("int64", number)


def _towards_zero(number: int, by: int) -> int:
    return abs(number) // by * (1 if number >= 0 else -1)


_TIME: Mapping[str, _Method] = {
    "Add": (Time.add, (DURATION,)),
    "AddDate": (Time.add_date, (INT, INT, INT)),
    "After": (lambda time, other: time.nanoseconds > other.nanoseconds, (TIME,)),
    "Before": (lambda time, other: time.nanoseconds < other.nanoseconds, (TIME,)),
    "Day": (lambda time: time.moment.day, ()),
    "Equal": (lambda time, other: time.nanoseconds == other.nanoseconds, (TIME,)),
    "Format": (Time.format, (STRING,)),
    "Hour": (lambda time: time.moment.hour, ()),
    "IsZero": (lambda _: False, ()),
    "Minute": (lambda time: time.moment.minute, ()),
    "Month": (lambda time: Month(time.moment.month), ()),
    "Nanosecond": (lambda time: time.fraction_ns, ()),
    "Second": (lambda time: time.moment.second, ()),
    "String": (str, ()),
    "Sub": (lambda time, other: Duration(time.nanoseconds - other.nanoseconds), (TIME,)),
    "UTC": (lambda time: Time(time.nanoseconds), ()),
    "Unix": (lambda time: _int64(time.nanoseconds // SECOND_NS), ()),
    "UnixMicro": (lambda time: _int64(time.nanoseconds // 1000), ()),
    "UnixMilli": (lambda time: _int64(time.nanoseconds // 1_000_000), ()),
    "UnixNano": (lambda time: _int64(time.nanoseconds), ()),
    "Weekday": (Time.weekday, ()),
    "Year": (lambda time: time.moment.year, ()),
    "YearDay": (lambda time: time.moment.timetuple().tm_yday, ()),
}
_DURATION: Mapping[str, _Method] = {
    "Abs": (lambda duration: Duration(abs(duration.nanoseconds)), ()),
    "Hours": (lambda duration: duration.nanoseconds / (3600 * SECOND_NS), ()),
    "Microseconds": (lambda duration: _int64(_towards_zero(duration.nanoseconds, 1000)), ()),
    "Milliseconds": (lambda duration: _int64(_towards_zero(duration.nanoseconds, 1_000_000)), ()),
    "Minutes": (lambda duration: duration.nanoseconds / (60 * SECOND_NS), ()),
    "Nanoseconds": (lambda duration: _int64(duration.nanoseconds), ()),
    "Seconds": (lambda duration: duration.nanoseconds / SECOND_NS, ()),
    "String": (str, ()),
}
_NAMED: Mapping[str, _Method] = {"String": (str, ())}
_METHODS: Mapping[type, Mapping[str, _Method]] = {
    Time: _TIME,
    Duration: _DURATION,
    Month: _NAMED,
    Weekday: _NAMED,
}


def method(receiver: Value, name: str) -> Function | None:
    """The method of that name bound to its receiver, None if there is none."""
    known = _METHODS.get(type(receiver))
    if known is None or name not in known:
        return None
    run, parameters = known[name]
    return Function(lambda *args: run(receiver, *args), parameters)


def struct_field(receiver: Value, name: str) -> tuple[Value] | None:
    """The field of a sample or of the template's data, alone in a tuple; None if there is none."""
    fields: dict[str, Value] = {}
    if isinstance(receiver, Sample):
        fields = {"Labels": receiver.labels, "Value": receiver.value}
    elif isinstance(receiver, Data):
        fields = receiver.fields()
    return (fields[name],) if name in fields else None
