"""The functions Go gives every template. `and` and `or` live in the evaluator: they stop at the deciding argument."""

from __future__ import annotations

from urllib.parse import quote_plus

from watchman.rules.template import compare
from watchman.rules.template.errors import FunctionError
from watchman.rules.template.literals import to_bytes, to_text
from watchman.rules.template.printer import sprint, sprintln
from watchman.rules.template.printf import sprintf
from watchman.rules.template.values import (
    ANY,
    NIL,
    REFLECTED,
    STRING,
    Args,
    Function,
    Sized,
    Value,
    integer,
    is_text,
    length,
    truth,
    type_name,
)

_HTML = str.maketrans({'"': "&#34;", "'": "&#39;", "&": "&amp;", "<": "&lt;", ">": "&gt;", "\0": "\ufffd"})
_JS = {"\\": "\\\\", "'": "\\'", '"': '\\"', "<": "\\u003C", ">": "\\u003E", "&": "\\u0026", "=": "\\u003D"}
_ZERO_VALUE = "reflect: call of reflect.Value.Type on zero Value"


def builtin_functions() -> dict[str, Function]:
    """All of them by name."""
    two = (REFLECTED, REFLECTED)
    return {
        "and": Function(_never, two, variadic=True),
        "or": Function(_never, two, variadic=True),
        "not": Function(lambda value: not truth(value), (REFLECTED,)),
        "call": Function(_call, two, variadic=True),
        "index": Function(_index, two, variadic=True),
        "slice": Function(_slice, two, variadic=True),
        "len": Function(_len, (REFLECTED,)),
        "print": Function(lambda *args: sprint(args), (ANY,), variadic=True),
        "println": Function(lambda *args: sprintln(args), (ANY,), variadic=True),
        "printf": Function(lambda text, *args: sprintf(text, args), (STRING, ANY), variadic=True),
        "html": Function(_html, (ANY,), variadic=True),
        "js": Function(_js, (ANY,), variadic=True),
        "urlquery": Function(_urlquery, (ANY,), variadic=True),
        "eq": Function(compare.equal, two, variadic=True),
        "ne": Function(compare.not_equal, two),
        "lt": Function(compare.less, two),
        "le": Function(compare.less_or_equal, two),
        "gt": Function(compare.greater, two),
        "ge": Function(compare.greater_or_equal, two),
    }


def _never(*_: Value) -> Value:
    raise FunctionError("evaluated argument by argument")


def _call(function: Value, *_: Value) -> Value:
    """No value of a template is a function, so this can only refuse."""
    if function is None or function is NIL:
        raise FunctionError("call of nil")
    raise FunctionError(f"non-function of type {type_name(function)}")


def _position(index: Value, limit: int) -> int:
    if index is None or index is NIL:
        raise FunctionError("cannot index slice/array with nil")
    number = None if isinstance(index, bool) else integer(index)
    if number is None:
        raise FunctionError(f"cannot index slice/array with type {type_name(index)}")
    if not 0 <= number <= limit:
        raise FunctionError(f"index out of range: {number}")
    return number


def _index(item: Value, *indexes: Value) -> Value:
    """`index x 1 2` is x[1][2]; a missing key of a map gives the zero value."""
    if item is None or item is NIL:
        raise FunctionError("index of untyped nil")
    for index in indexes:
        item = _index_once(item, index)
    return item


def _index_once(item: Value, index: Value) -> Value:
    if item is NIL:
        raise FunctionError("index of nil pointer")
    if isinstance(item, dict):
        return _map_item(item, index)
    if isinstance(item, list):
        position = _position(index, len(item))
        if position == len(item):
            raise FunctionError("reflect: slice index out of range")
        return item[position]
    if is_text(item):
        data = to_bytes(item)
        position = _position(index, len(data))
        if position == len(data):
            raise FunctionError("reflect: string index out of range")
        return Sized("uint8", data[position])
    raise FunctionError(f"can't index item of type {type_name(item).removeprefix('*')}")


def _map_item(item: Value, key: Value) -> Value:
    if key is None or key is NIL:
        raise FunctionError("value is nil; should be of type string")
    if type(key) is not str:
        raise FunctionError(f"value has type {type_name(key)}; should be string")
    return item.get(key, NIL if isinstance(item, Args) else "")


def _slice(item: Value, *indexes: Value) -> Value:
    """`slice x 1 2` is x[1:2], counted in bytes for a string."""
    if item is None or item is NIL:
        raise FunctionError("slice of untyped nil")
    if len(indexes) > 3:
        raise FunctionError(f"too many slice indexes: {len(indexes)}")
    if is_text(item) and len(indexes) == 3:
        raise FunctionError("cannot 3-index slice a string")
    if not isinstance(item, (str, list)):
        raise FunctionError(f"can't slice item of type {type_name(item)}")
    data = to_bytes(item) if isinstance(item, str) else item
    bounds = [0, len(data), len(data)]
    for place, index in enumerate(indexes):
        bounds[place] = _position(index, len(data))
    for low, high in ((bounds[0], bounds[1]), (bounds[1], bounds[2])):
        if low > high:
            raise FunctionError(f"invalid slice index: {low} > {high}")
    part = data[bounds[0] : bounds[1]]
    return to_text(part) if isinstance(part, bytes) else part


def _len(item: Value) -> int:
    if item is None:
        raise FunctionError(_ZERO_VALUE)
    if item is NIL:
        raise FunctionError("len of nil pointer")
    if isinstance(item, str):
        return length(item)
    if isinstance(item, (dict, list)):
        return len(item)
    raise FunctionError(f"len of type {type_name(item).removeprefix('*')}")


def _joined(args: tuple[Value, ...]) -> str:
    """The arguments as an action would print them."""
    if len(args) == 1 and isinstance(args[0], str):
        return str(args[0])
    return sprint(["<no value>" if arg is None or arg is NIL else arg for arg in args], as_action=True)


def _html(*args: Value) -> str:
    return _joined(args).translate(_HTML)


def _urlquery(*args: Value) -> str:
    return quote_plus(to_bytes(_joined(args)), safe="~")


def _js(*args: Value) -> str:
    return "".join(_js_char(char) for char in _joined(args))


def _js_char(char: str) -> str:
    if char in _JS:
        return _JS[char]
    if char < " ":
        return f"\\u{ord(char):04X}"
    if 0xDC80 <= ord(char) <= 0xDCFF:
        return "\\uFFFD"
    return char if char.isprintable() or char == "\x7f" else f"\\u{ord(char):04X}"
