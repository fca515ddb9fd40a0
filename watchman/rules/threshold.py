"""The number an expression compares its values with, taken off the expression: `x > 3000 and y` is `x and y`, `> 3000`.

Asked without the comparison once, an expression can be judged for many thresholds. That is the same only where the
values that are compared are those the expression gives: through parentheses and the left sides of `and` and `unless`.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from watchman.rules.expression import TOKEN, parse_expression
from watchman.rules.selectors import Tree, own_words, shape, unwrapped

Compare = Callable[[float, float], bool]

_COMPARE: dict[str, Compare] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}
_TURNED = {">": "<", "<": ">", ">=": "<=", "<=": ">=", "==": "==", "!=": "!="}


@dataclass(frozen=True, slots=True)
class Threshold:
    """`rest` gives the values that are compared by `op` with `value`; the text before and after it for another one."""

    rest: str
    op: str
    value: float
    before: str
    after: str

    def passes(self, value: float, threshold: float) -> bool:
        """Does a value stay in the answer with this threshold?"""
        return _COMPARE[self.op](value, threshold)

    def expression(self, threshold: float) -> str:
        """The expression with another threshold."""
        return f"{self.before}{threshold!r}{self.after}"


def find_threshold(expr: str) -> Threshold | None:
    """The threshold of an expression; None if there is none that can be taken off."""
    tree = parse_expression(expr).tree
    node = _compared(tree)
    if node is None:
        return None
    number_is_left = _number(node.lhs) is not None
    value = _number(node.lhs) if number_is_left else _number(node.rhs)
    assert value is not None, "_compared finds comparisons with a number"
    wanted = _without(tree, node)
    for before, sign_op, after in _places(expr, str(node.op).strip(), value, number_is_left):
        rest = f"{before.rstrip(' ')} {after.lstrip(' ')}"
        left = parse_expression(rest).tree
        if left is not None and shape(left, {}) == wanted:
            head, tail = (f"{before} ", f" {sign_op} {after}") if number_is_left else (f"{before}{sign_op} ", after)
            return Threshold(rest.strip(), _TURNED[sign_op] if number_is_left else sign_op, value, head, tail)
    return None


def _compared(tree: Tree) -> Tree | None:
    """The first comparison with a number on the way that values go through unchanged."""
    node = unwrapped(tree)
    if type(node).__name__ != "BinaryExpr":
        return None
    op = str(node.op).strip()
    if op in ("and", "unless"):
        return _compared(node.lhs)
    if op not in _COMPARE or (node.modifier is not None and node.modifier.return_bool):
        return None
    return node if (_number(node.lhs) is None) != (_number(node.rhs) is None) else None


def _number(tree: Tree) -> float | None:
    node = unwrapped(tree)
    kind = type(node).__name__
    if kind == "NumberLiteral":
        return float(node.val)
    if kind == "UnaryExpr":
        value = _number(node.expr)
        return None if value is None else -value
    return None


def _without(tree: Tree, target: Tree) -> tuple[Any, ...]:
    """The shape of the expression with a comparison replaced by the side that is no number."""
    node = unwrapped(tree)
    if str(node.op).strip() in ("and", "unless"):
        return ("BinaryExpr", *own_words(node, "BinaryExpr"), _without(node.lhs, target), shape(node.rhs, {}))
    return shape(node.rhs if _number(node.lhs) is not None else node.lhs, {})


def _places(expr: str, op: str, value: float, number_is_left: bool) -> Iterator[tuple[str, str, str]]:
    """Every place where the operator stands beside the number: the text before both, the operator, the text after."""
    tokens = [token for token in TOKEN.finditer(expr) if not token[0].startswith("#")]
    for index, token in enumerate(tokens):
        if token[0] != op:
            continue
        around = tokens[max(0, index - 2) : index] if number_is_left else tokens[index + 1 : index + 3]
        for count in (1, 2):
            numbers = around[-count:] if number_is_left else around[:count]
            if len(numbers) == count and _reads_as("".join(one[0] for one in numbers), value):
                if number_is_left:
                    yield expr[: numbers[0].start()], op, expr[token.end() :]
                else:
                    yield expr[: token.start()], op, expr[numbers[-1].end() :]


def _reads_as(text: str, value: float) -> bool:
    if not re.fullmatch(r"-?[\w.]+", text):
        return False
    tree = parse_expression(text).tree
    return tree is not None and _number(tree) == value


def any_comparison(expr: str) -> tuple[int, int] | None:
    """Where the number of the first comparison with one stands in the text, wherever that is; None: there is none."""
    tokens = [token for token in TOKEN.finditer(expr) if not token[0].startswith("#")]
    for index, token in enumerate(tokens):
        if token[0] not in _COMPARE:
            continue
        for count in (1, 2):
            numbers = tokens[index + 1 : index + 1 + count]
            text = "".join(one[0] for one in numbers)
            tree = parse_expression(text).tree if re.fullmatch(r"-?[\w.]+", text) else None
            if tree is not None and _number(tree) is not None:
                return numbers[0].start(), numbers[-1].end()
    return None
