"""Between which values an expression can lie, as far as its text says so, and comparisons that this makes pointless."""

from __future__ import annotations

import math
from collections.abc import Callable

from watchman.rules.selectors import Tree, shape, walk

Bounds = tuple[float, float]
"""The least and the largest value, both possible. A NaN may come beside them: it is in no comparison but `!=`."""

_ANY: Bounds = (-math.inf, math.inf)
_VOID: Bounds = (math.inf, -math.inf)
_NOT_NEGATIVE: Bounds = (0.0, math.inf)
_FUNCTIONS: dict[str, Bounds] = {
    **dict.fromkeys(("absent", "absent_over_time", "present_over_time"), (1.0, 1.0)),
    **dict.fromkeys(("abs", "sqrt", "exp", "changes", "resets", "stddev_over_time", "stdvar_over_time"), _NOT_NEGATIVE),
    "count_over_time": (1.0, math.inf),
    "sgn": (-1.0, 1.0),
    "minute": (0.0, 59.0),
    "hour": (0.0, 23.0),
    "day_of_week": (0.0, 6.0),
    "day_of_month": (1.0, 31.0),
    "day_of_year": (1.0, 366.0),
    "days_in_month": (28.0, 31.0),
    "month": (1.0, 12.0),
}
_AS_ARGUMENT = frozenset({"vector", "scalar", "sort", "sort_desc"})
_AGGREGATES: dict[str, Bounds] = {
    "count": (1.0, math.inf),
    "group": (1.0, 1.0),
    "stddev": _NOT_NEGATIVE,
    "stdvar": _NOT_NEGATIVE,
}
_AS_ELEMENTS = frozenset({"min", "max", "avg", "topk", "bottomk"})
_TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "=="}


def never_true(tree: Tree) -> str | None:
    """A comparison that no value can pass, as "> 1" or the like; None if there is none."""
    for node in walk(tree):
        if type(node).__name__ != "BinaryExpr":
            continue
        op = str(node.op).strip()
        if op in _TURNED and not _is_bool(node) and _is_void(_kept(bounds(node.lhs), op, bounds(node.rhs))):
            return f"{op} {node.rhs}"
        if op == "and" and _exclude_each_other(node):
            return f"{node.lhs} and {node.rhs}"
    return None


def bounds(tree: Tree) -> Bounds:
    """Between which values the elements of an expression lie; from -inf to +inf where the text does not say."""
    of_kind = _KINDS.get(type(tree).__name__)
    return _ANY if of_kind is None else of_kind(tree)


def _of_number(node: Tree) -> Bounds:
    # NaN compares to nothing: an empty range.
    return _VOID if math.isnan(node.val) else (node.val, node.val)


def _of_negative(node: Tree) -> Bounds:
    low, high = bounds(node.expr)
    return -high, -low


def _of_aggregate(node: Tree) -> Bounds:
    name = str(node.op)
    return bounds(node.expr) if name in _AS_ELEMENTS else _AGGREGATES.get(name, _ANY)


def _of_call(call: Tree) -> Bounds:
    name, arguments = str(call.func.name), list(call.args)
    if name in _AS_ARGUMENT:
        return bounds(arguments[0])
    if name == "clamp":
        (low, high), least, most = (bounds(argument) for argument in arguments)
        return max(low, least[0]), min(high, most[1])
    if name == "clamp_min":
        (low, high), least = (bounds(argument) for argument in arguments)
        return max(low, least[0]), max(high, least[1])
    if name == "clamp_max":
        (low, high), most = (bounds(argument) for argument in arguments)
        return min(low, most[0]), min(high, most[1])
    return _FUNCTIONS.get(name, _ANY)


def _of_binary(node: Tree) -> Bounds:
    op, (low, high), (other_low, other_high) = str(node.op).strip(), bounds(node.lhs), bounds(node.rhs)
    if op in {*_TURNED, "!="}:
        return _of_comparison(node, op)
    if op in {"and", "unless"}:
        return low, high
    if op == "or":
        return min(low, other_low), max(high, other_high)
    finite = all(map(math.isfinite, (low, high, other_low, other_high)))
    if op in {"+", "-"} and finite:
        return (low + other_low, high + other_high) if op == "+" else (low - other_high, high - other_low)
    return _ANY


def _of_comparison(node: Tree, op: str) -> Bounds:
    if _is_bool(node):
        return 0.0, 1.0
    # Beside a number on the left, the elements are those on the right.
    if type(node.lhs).__name__ == "NumberLiteral":
        return _kept(bounds(node.rhs), _TURNED.get(op, op), bounds(node.lhs))
    return _kept(bounds(node.lhs), op, bounds(node.rhs))


def _kept(left: Bounds, op: str, right: Bounds) -> Bounds:
    """What of `left` can pass the comparison; a void range (least over largest) if nothing can."""
    (low, high), (least, most) = left, right
    if _is_void(left) or _is_void(right):
        return _VOID
    if op == "==":
        return max(low, least), min(high, most)
    if op in {">", ">="}:
        passes = high > least if op == ">" else high >= least
        return (max(low, least), high) if passes else _VOID
    if op in {"<", "<="}:
        passes = low < most if op == "<" else low <= most
        return (low, min(high, most)) if passes else _VOID
    return left


def _exclude_each_other(node: Tree) -> bool:
    """`m > 5 and m < 3`: two comparisons of one expression that no value passes both."""
    if node.modifier is not None and node.modifier.matching is not None:
        return False
    one, other = _compared(node.lhs), _compared(node.rhs)
    if one is None or other is None or one[0] != other[0]:
        return False
    return _is_void(_kept(_kept(_ANY, *one[1:]), *other[1:]))


def _compared(tree: Tree) -> tuple[object, str, Bounds] | None:
    """What is compared, how, and to what, if `tree` compares something to a number."""
    while type(tree).__name__ == "ParenExpr":
        tree = tree.expr
    if type(tree).__name__ != "BinaryExpr" or str(tree.op).strip() not in _TURNED or _is_bool(tree):
        return None
    op = str(tree.op).strip()
    if type(tree.lhs).__name__ == "NumberLiteral":
        return shape(tree.rhs, {}), _TURNED[op], bounds(tree.lhs)
    is_number = type(tree.rhs).__name__ in {"NumberLiteral", "UnaryExpr"}
    return (shape(tree.lhs, {}), op, bounds(tree.rhs)) if is_number else None


def _is_bool(node: Tree) -> bool:
    return bool(node.modifier is not None and node.modifier.return_bool)


def _is_void(span: Bounds) -> bool:
    return span[0] > span[1]


_KINDS: dict[str, Callable[[Tree], Bounds]] = {
    "ParenExpr": lambda node: bounds(node.expr),
    "NumberLiteral": _of_number,
    "UnaryExpr": _of_negative,
    "VectorSelector": lambda node: (0.0, 1.0) if node.name == "up" else _ANY,
    "AggregateExpr": _of_aggregate,
    "Call": _of_call,
    "BinaryExpr": _of_binary,
}
