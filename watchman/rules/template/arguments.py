"""Whether a value or a constant may be given for a parameter, by Go's types."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from watchman.rules.template import nodes
from watchman.rules.template.errors import FunctionError
from watchman.rules.template.gotime import Duration
from watchman.rules.template.numbers import is_float_constant
from watchman.rules.template.values import (
    ANY,
    DURATION,
    FLOAT,
    INT,
    REFLECTED,
    STRING,
    Function,
    Value,
    assignable,
    can_be_nil,
    nil_of,
    type_name,
)

Constant = nodes.Bool | nodes.Number | nodes.String


def _string(node: Constant) -> Value:
    return node.text if isinstance(node, nodes.String) else None


def _integer(node: Constant) -> Value:
    return node.int_value if isinstance(node, nodes.Number) else None


def _float(node: Constant) -> Value:
    return node.float_value if isinstance(node, nodes.Number) else None


def _duration(node: Constant) -> Value:
    number = _integer(node)
    return None if number is None else Duration(number)


_READERS: Mapping[str, tuple[str, Callable[[Constant], Value]]] = {
    STRING: ("string", _string),
    INT: ("integer", _integer),
    FLOAT: ("float", _float),
    DURATION: ("integer", _duration),
}


def untyped(node: Constant) -> Value:
    """The value of a constant where nothing says which type is wanted; raises FunctionError."""
    if isinstance(node, nodes.String):
        return node.text
    if isinstance(node, nodes.Bool):
        return node.value
    if is_float_constant(node):
        return node.float_value
    if node.int_value is None:
        raise FunctionError(f"{node.text} overflows int")
    return node.int_value


def typed(node: Constant, wanted: str | None) -> Value:
    """The constant as a value of the type of its parameter; raises FunctionError."""
    if wanted in (None, ANY, REFLECTED):
        return untyped(node)
    if wanted not in _READERS:
        raise FunctionError(f"can't handle {node} for arg of type {wanted}")
    name, read = _READERS[wanted]
    value = read(node)
    if value is None:
        raise FunctionError(f"expected {name}; found {node}")
    return value


def checked(value: Value, wanted: str | None) -> Value:
    """The value itself, or the nil of the type for no value; raises FunctionError if it does not fit."""
    if value is None:
        if not can_be_nil(wanted):
            raise FunctionError(f"invalid value; expected {wanted}")
        return nil_of(wanted)
    if wanted is not None and not assignable(value, wanted):
        raise FunctionError(f"wrong type for value; expected {wanted}; got {type_name(value)}")
    return value


def nil_for(wanted: str | None) -> Value:
    """What the constant nil is for a parameter; raises FunctionError."""
    if not can_be_nil(wanted):
        raise FunctionError(f"cannot assign nil to {wanted}")
    return nil_of(wanted)


def check_count(function: Function, name: str, args: int, piped: bool) -> None:
    """Whether so many arguments, and one from the pipeline, are what the function takes; raises FunctionError."""
    given, wanted = args + piped, len(function.parameters)
    if function.variadic and given < wanted - 1:
        raise FunctionError(f"wrong number of args for {name}: want at least {wanted - 1} got {args}")
    if not function.variadic and given != wanted:
        raise FunctionError(f"wrong number of args for {name}: want {wanted} got {given}")
