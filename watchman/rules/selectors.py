"""What an expression reads and what it gives, from its syntax tree."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import promql_parser

Tree = Any
"""A node of promql_parser; the library has no useful types."""


def selectors(tree: Tree) -> tuple[str, ...]:
    """Every vector selector as an instant expression, in reading order and each once; none if `absent` is asked for.

    A range selector `m[5m] offset 1h` becomes `count_over_time(m[5m])`: what must answer now for it to know anything.
    """
    found: dict[str, None] = {}
    for node in walk(tree):
        kind = type(node).__name__
        if kind == "Call" and node.func.name in {"absent", "absent_over_time"}:
            return ()
        if kind == "VectorSelector":
            found.setdefault(_selector_text(node) + _modifiers(node))
        elif kind == "MatrixSelector":
            window = promql_parser.display_duration(node.range)
            found.setdefault(f"count_over_time({_selector_text(node.vector_selector)}[{window}])")
    return tuple(found)


def stored_series(expr: str) -> tuple[str, ...]:
    """Every selector in an expression's text without its range and its shift in time; none if it cannot be read."""
    try:
        tree = promql_parser.parse(expr)
    except ValueError:
        return ()
    found: dict[str, None] = {}
    for node in walk(tree):
        inner = node.vector_selector if type(node).__name__ == "MatrixSelector" else node
        if type(inner).__name__ == "VectorSelector":
            found.setdefault(_selector_text(inner))
    return tuple(found)


def result_kind(tree: Tree) -> str:
    """What the expression gives: `string`, `range vector` or, for all a rule can use, `vector`."""
    node = unwrapped(tree)
    return {
        "StringLiteral": "string",
        "MatrixSelector": "range vector",
        "SubqueryExpr": "range vector",
    }.get(type(node).__name__, "vector")


def never_empties(tree: Tree) -> bool:
    """True if the outermost comparison has `bool`: it gives 0 or 1 and drops nothing, so the alert always fires."""
    node = unwrapped(tree)
    if type(node).__name__ != "BinaryExpr":
        return False
    if str(node.op) == "or":
        return never_empties(node.lhs) or never_empties(node.rhs)
    return bool(node.modifier is not None and node.modifier.return_bool)


def walk(tree: Tree) -> list[Tree]:
    """All nodes in reading order, a range selector as one. The library's own walk takes cubic time."""
    nodes, waiting = [], [tree]
    while waiting:
        node = waiting.pop()
        nodes.append(node)
        waiting.extend(reversed(children(node)))
    return nodes


def children(node: Tree) -> list[Tree]:
    """The nodes directly below; a range selector has none."""
    kind = type(node).__name__
    if kind == "BinaryExpr":
        return [node.lhs, node.rhs]
    if kind in {"ParenExpr", "UnaryExpr", "SubqueryExpr"}:
        return [node.expr]
    if kind == "AggregateExpr":
        return [node.expr] if node.param is None else [node.param, node.expr]
    return list(node.args) if kind == "Call" else []


def is_scalar(tree: Tree) -> bool:
    """True if the expression gives a scalar, which a rule takes as one element without labels."""
    node = unwrapped(tree)
    kind = type(node).__name__
    if kind == "NumberLiteral":
        return True
    if kind == "Call":
        return str(node.func.return_type).endswith("Scalar")
    if kind == "BinaryExpr":
        return is_scalar(node.lhs) and is_scalar(node.rhs)
    return kind == "UnaryExpr" and is_scalar(node.expr)


def shape(tree: Tree, instead: Mapping[str, tuple[Any, ...]]) -> tuple[Any, ...]:
    """The expression as nested tuples, parentheses left out: equal if and only if two texts mean the same tree.

    A selector of nothing but a name in `instead` counts as the shape given there.
    """
    node = unwrapped(tree)
    kind = type(node).__name__
    if kind == "VectorSelector":
        text = _selector_text(node) + _modifiers(node)
        return instead.get(text) or (kind, text)
    if kind == "MatrixSelector":
        inner = node.vector_selector
        return (kind, _selector_text(inner) + _modifiers(inner), str(node.range))
    below = tuple(shape(child, instead) for child in children(node))
    return (kind, *own_words(node, kind), *below)


def own_words(node: Tree, kind: str) -> tuple[str, ...]:
    """What a node says itself, besides its children."""
    if kind == "BinaryExpr":
        said = node.modifier
        if said is None:
            return (str(node.op),)
        return (str(node.op), str(said.card), str(said.matching), str(said.group_labels), str(said.return_bool))
    if kind == "AggregateExpr":
        return (str(node.op), str(node.modifier), str(node.param is None))
    if kind == "SubqueryExpr":
        return (str(node.range), str(node.step), _modifiers(node))
    if kind == "Call":
        return (str(node.func.name),)
    return (repr(node.val),) if kind in {"NumberLiteral", "StringLiteral"} else ()


def unwrapped(tree: Tree) -> Tree:
    while type(tree).__name__ == "ParenExpr":
        tree = tree.expr
    return tree


_MATCH_OPS = {"Equal": "=", "NotEqual": "!=", "Re": "=~", "NotRe": "!~"}


def _selector_text(node: Tree) -> str:
    # The library's own text forgets to escape quotes and backslashes.
    matchers = [
        f"{matcher.name}{_MATCH_OPS[str(matcher.op).rpartition('.')[2]]}{_quoted(matcher.value)}"
        for matcher in node.matchers.matchers
    ]
    name = node.name or ""
    if name and not re.fullmatch(r"[a-zA-Z_:][a-zA-Z0-9_:]*", name):
        matchers.insert(0, _quoted(name))
        name = ""
    return name + ("{" + ",".join(matchers) + "}" if matchers else "")


def _modifiers(node: Tree) -> str:
    at = ""
    if node.at is not None:
        at = {"Start": " @ start()", "End": " @ end()"}.get(str(node.at.type).rpartition(".")[2], "")
        at = at or f" @ {node.at.at.timestamp():.3f}"
    if not node.offset:
        return at
    sign = "-" if node.offset.total_seconds() < 0 else ""
    return f"{at} offset {sign}{promql_parser.display_duration(abs(node.offset))}"


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
