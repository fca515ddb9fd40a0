"""Many rules in one query: how expressions are joined so that the answer is the same as when each is asked alone.

Every expression is marked with the number of its rule and the marked ones are joined by `or`. What is not provably the
same stays alone. Measured on Prometheus 2.42, 3.5 and VictoriaMetrics: labels and values of 1,000 expressions that all
give data are equal in every form and order; 50 to 200 expressions a query cost the least.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from watchman.rules.expression import parse_expression
from watchman.rules.records import reads
from watchman.rules.rule import Group, Rule
from watchman.rules.selectors import is_scalar, result_kind
from watchman.series import Answer, Sample

MARKER = "__watchman_rule__"
"""Prometheus scrapes no label that begins with two underscores."""

MAX_BYTES = 14_000
"""VictoriaMetrics refuses a query of more than 16,384 bytes."""

AGAIN_AFTER = 20
"""Evaluations after which a rule that spoilt a batch is tried in one again."""

_OF_ALERTS = frozenset({"ALERTS", "ALERTS_FOR_STATE"})


@dataclass(frozen=True, slots=True)
class Question:
    """One rule's place in its group and its expression, ready to be joined with others."""

    number: int
    operand: str


def operand(query: str) -> str | None:
    """The expression as a part of a joined query; None if it has to be asked alone."""
    tree = parse_expression(query).tree
    # What the parser does not know may be valid only between the parentheses of a batch, or fail for all.
    if tree is None or MARKER in query or result_kind(tree) != "vector":
        return None
    return f"vector({query}\n)" if is_scalar(tree) else query


def operands(group: Group, *, written: bool) -> tuple[str | None, ...]:
    """The operand of every rule of a group, None where it has to be asked alone and in its turn.

    `written`: what a rule gives is in Prometheus before the next is asked, so a rule that reads it has to wait.
    """
    found: list[str | None] = []
    earlier: set[str] = set()
    for rule in group.rules:
        waits = written and _may_read(rule, earlier)
        found.append(None if waits else operand(rule.query))
        earlier |= {rule.name} if rule.record else _OF_ALERTS
    return tuple(found)


def _may_read(rule: Rule, written: AbstractSet[str]) -> bool:
    # A selector without a name may read anything; it begins with a brace.
    return any("{" in one and not one[0].isalpha() for one in rule.selectors) or reads(rule, written)


def cut(questions: Iterable[Question], max_rules: int) -> Iterator[tuple[Question, ...]]:
    """The questions in batches of at most `max_rules` and MAX_BYTES, in their order."""
    batch: list[Question] = []
    size = 0
    for question in questions:
        length = len(question.operand.encode()) + len(MARKER) + 50
        if batch and (len(batch) >= max_rules or size + length > MAX_BYTES):
            yield tuple(batch)
            batch, size = [], 0
        batch.append(question)
        size += length
    if batch:
        yield tuple(batch)


def joined(batch: Sequence[Question]) -> str:
    """One query for all. A balanced tree: in a chain each `or` goes through all that came before it."""
    if len(batch) == 1:
        # A comment at the end would swallow the parenthesis, hence the line break.
        return f'label_replace((\n{batch[0].operand}\n), "{MARKER}", "{batch[0].number}", "", "")'
    middle = len(batch) // 2
    return f"({joined(batch[:middle])}\nor\n{joined(batch[middle:])})"


def parted(batch: Sequence[Question], answer: Answer) -> Mapping[int, Answer]:
    """The answer to each question by its number. Warnings say nothing of their rule, so every rule has them.

    Takes the marker out of the samples of `answer`. Raises KeyError for one without it.
    """
    found: dict[int, list[Sample]] = {question.number: [] for question in batch}
    for sample in answer.samples:
        found[int(sample.labels.pop(MARKER))].append(sample)
    return {number: Answer("vector", samples, answer.warnings) for number, samples in found.items()}


@dataclass(slots=True)
class Memory:
    """What a group's batches taught: rules that spoilt one are asked alone, too large ones are cut, for a while."""

    alone: dict[str, int]
    size: int
    size_for: int = 0

    def step(self) -> None:
        """One evaluation later."""
        self.alone = {text: left - 1 for text, left in self.alone.items() if left > 1}
        self.size_for = max(0, self.size_for - 1)

    def spoilt(self, question: Question) -> None:
        """A rule failed and took its batch with it."""
        self.alone[question.operand] = AGAIN_AFTER

    def too_large(self, batch: Sequence[Question]) -> None:
        """A batch failed of which every part is well."""
        self.size, self.size_for = max(1, len(batch) // 2), AGAIN_AFTER

    def limit(self, max_rules: int) -> int:
        """How many rules may be asked together now."""
        return min(max_rules, self.size) if self.size_for else max_rules
