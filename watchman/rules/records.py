"""Records read by later rules of their group: their expressions are put in where that is provably the same.

Prometheus writes a record before the next rule runs. Whoever only asks Prometheus cannot, so an instant selector of an
earlier record is replaced by the record's expression at the same instant. Everything else (ranges, offsets, label
matchers, records of other groups) sees what Prometheus has of the record by then. So does a record that itself reads
what is written between it and its reader: asked a second time it would give something else.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

import re2

from watchman.rules.expression import TOKEN, parse_expression
from watchman.rules.rule import Group, Rule
from watchman.rules.selectors import Tree, children, is_scalar, selectors, shape

MAX_LENGTH = 20_000
"""A longer expression than this is not made: records that double themselves would end nowhere."""

_OF_ALERTS = frozenset({"ALERTS", "ALERTS_FOR_STATE"})
"""What every alerting rule writes."""


@dataclass(frozen=True, slots=True)
class RecordUse:
    """A rule that reads a record. `problem` says why its expression could not be put in; empty: it was."""

    group: Group
    rule: Rule
    record: str
    problem: str


@dataclass(frozen=True, slots=True)
class _Selector:
    """A place of an expression where records are read."""

    node: Tree
    records: tuple[str, ...]
    problem: str


def put_in_records(groups: Sequence[Group], *, written: bool = False) -> list[Group]:
    """The groups with `asked` (and `selectors`) of every rule that reads an earlier record of its group.

    `written`: Prometheus has what a rule gives before the next one is asked. An expression that reads such a series
    is then not the same any more later in the same evaluation.
    """
    return [group for group, _ in _resolved(groups, written)]


def record_uses(groups: Sequence[Group], *, written: bool = False) -> list[RecordUse]:
    """Every rule that reads a record, in file order."""
    return [use for _, uses in _resolved(groups, written) for use in uses]


def _resolved(groups: Sequence[Group], written: bool) -> Iterator[tuple[Group, list[RecordUse]]]:
    counts = Counter(rule.name for group in groups for rule in group.rules if rule.record)
    for group in groups:
        earlier: dict[str, Rule] = {}
        unsteady: set[str] = set()
        rules, uses = [], []
        for rule in group.rules:
            new, problems = _put_in(rule, group, earlier, counts, unsteady)
            rules.append(new)
            uses += [RecordUse(group, rule, record, problem) for record, problem in problems.items()]
            if rule.record:
                if written and reads(rule, _unsettled(counts, earlier)):
                    unsteady.add(rule.name)
                earlier[rule.name] = new
        yield replace(group, rules=tuple(rules)), uses


def _unsettled(counts: Mapping[str, int], earlier: Mapping[str, Rule]) -> set[str]:
    """What may be written between a rule and the rules after it: all but what this group alone has written already."""
    return {name for name, count in counts.items() if count > 1 or name not in earlier} | _OF_ALERTS


def reads(rule: Rule, names: Iterable[str]) -> bool:
    """Whether the expression of a rule reads one of these series by its name."""
    tree = parse_expression(rule.expr).tree
    return tree is not None and any(_places(tree, names))


def _put_in(
    rule: Rule,
    group: Group,
    earlier: Mapping[str, Rule],
    counts: Mapping[str, int],
    unsteady: AbstractSet[str],
) -> tuple[Rule, dict[str, str]]:
    """The rule as it is to be asked, and for each record it reads why that was not put in ("" if it was)."""
    tree = parse_expression(rule.expr).tree if counts else None
    places = list(_places(tree, counts)) if tree is not None else []
    problems: dict[str, str] = {}
    for place in places:
        for record in place.records:
            problem = place.problem or _record_problem(record, group, earlier, counts, unsteady)
            problems[record] = problems.get(record) or problem
    wanted = {record: _as_read(earlier[record]) for record, problem in problems.items() if not problem}
    if not wanted:
        return rule, problems
    asked = _replaced(rule.expr, tree, wanted)
    if asked is None:
        return rule, {**problems, **dict.fromkeys(wanted, "the expression cannot be taken apart safely")}
    return replace(rule, asked=asked, selectors=selectors(parse_expression(asked).tree)), problems


def _places(tree: Tree, names: Iterable[str]) -> Iterator[_Selector]:
    """Every selector that reads one of `names`, in reading order."""
    known = frozenset(names)
    waiting: list[tuple[Tree, str]] = [(tree, "")]
    while waiting:
        node, around = waiting.pop()
        kind = type(node).__name__
        if kind in {"VectorSelector", "MatrixSelector"}:
            selector = node if kind == "VectorSelector" else node.vector_selector
            found = _names_read(selector, known)
            if found:
                yield _Selector(node, found, around or _place_problem(node, selector))
            continue
        inside = "it is read over time" if kind == "SubqueryExpr" else around
        waiting += [(child, inside) for child in reversed(children(node))]


def _names_read(selector: Tree, names: frozenset[str]) -> tuple[str, ...]:
    if selector.name:
        return (selector.name,) if selector.name in names else ()
    for matcher in selector.matchers.matchers:
        if matcher.name == "__name__":
            return tuple(sorted(name for name in names if _matches(matcher, name)))
    # A selector without a name reads whatever has its labels; nobody means a record by that.
    return ()


def _matches(matcher: Tree, name: str) -> bool:
    operator = str(matcher.op).rpartition(".")[2]
    if operator in {"Equal", "NotEqual"}:
        return bool((matcher.value == name) == (operator == "Equal"))
    return bool((re2.fullmatch(matcher.value, name) is not None) == (operator == "Re"))


def _place_problem(node: Tree, selector: Tree) -> str:
    if node is not selector:
        return "it is read over time"
    if selector.offset or selector.at is not None:
        return "it is read at another time"
    if not selector.name or selector.matchers.matchers:
        return "it is selected by labels"
    return ""


def _record_problem(
    record: str,
    group: Group,
    earlier: Mapping[str, Rule],
    counts: Mapping[str, int],
    unsteady: AbstractSet[str],
) -> str:
    if counts[record] > 1:
        return "more than one rule records it"
    if record not in earlier:
        return "it is not recorded earlier in this group"
    if group.limit > 0:
        return "the group has a limit"
    if earlier[record].labels:
        return "the record sets labels"
    if record in unsteady:
        return "its expression reads what other rules write meanwhile"
    checked = parse_expression(earlier[record].query).tree is not None
    return "" if checked else "the record's expression could not be checked here"


def _as_read(record: Rule) -> str:
    """The record's elements with the name they are recorded under."""
    expr = record.query.strip()
    # A comment at the end would swallow the parenthesis.
    inner = f"({expr}\n)" if "#" in expr else f"({expr})"
    if is_scalar(parse_expression(expr).tree):
        inner = f"vector{inner}"
    return f'label_replace({inner}, "__name__", "{record.name}", "", "")'


def _replaced(expr: str, tree: Tree, wanted: Mapping[str, str]) -> str | None:
    """The text with every selector of `wanted` replaced; None unless its tree is the old one with just that done."""
    pieces, end = [], 0
    for token in TOKEN.finditer(expr):
        if token[0] in wanted:
            pieces += [expr[end : token.start()], wanted[token[0]]]
            end = token.end()
    asked = "".join([*pieces, expr[end:]])
    new = parse_expression(asked).tree if len(asked) <= MAX_LENGTH else None
    shapes = {record: shape(parse_expression(text).tree, {}) for record, text in wanted.items()}
    return asked if new is not None and shape(new, {}) == shape(tree, shapes) else None
