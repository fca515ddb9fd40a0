"""Asking the rules of a group together, and falling apart where that fails so that every rule has its own error."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from watchman.context import Context
from watchman.errors import QueryError
from watchman.jobs.query import TIMEOUTS_IN_A_ROW, ask
from watchman.rules.batch import Memory, Question, cut, joined, parted
from watchman.rules.rule import Group
from watchman.series import Answer

Answers = dict[int, Answer | QueryError]
"""By the number of the rule in its group."""

# The fault is in what was asked, or the answer was too large: a part of it may be well.
_DIVISIBLE = ("bad_query", "bad_answer")


@dataclass(slots=True)
class _Asking:
    """One evaluation's batches. A rule that fails alone is named; three time-outs in a row end the asking."""

    context: Context
    group: Group
    ts: float
    memory: Memory
    answers: Answers = field(default_factory=dict)
    timeouts: int = 0

    def ask(self, batch: Sequence[Question]) -> bool:
        """Get every question answered; True if one query was enough."""
        if len(batch) == 1 or self.timeouts >= TIMEOUTS_IN_A_ROW:
            return self._ask_each(batch)
        try:
            self.answers.update(parted(batch, ask(self.context, joined(batch), self.ts)))
        except KeyError:
            # Somebody between Prometheus and us drops the marker.
            return self._ask_each(batch)
        except QueryError as error:
            return self._fall_apart(batch, error)
        return True

    def went_well(self, batch: Iterable[Question]) -> bool:
        """Whether no rule of a batch failed."""
        return all(isinstance(self.answers[question.number], Answer) for question in batch)

    def _fall_apart(self, batch: Sequence[Question], error: QueryError) -> bool:
        if error.reason == "timeout":
            # Halves would wait as long again; which rule is the slow one only asking it alone tells.
            return self._ask_each(batch)
        if error.reason in _DIVISIBLE:
            middle = len(batch) // 2
            for part in (batch[:middle], batch[middle:]):
                self.ask(part)
        else:
            self.answers.update(dict.fromkeys((question.number for question in batch), error))
        return False

    def _ask_each(self, batch: Iterable[Question]) -> bool:
        for question in batch:
            self._ask_alone(question)
        return False

    def _ask_alone(self, question: Question) -> None:
        if self.timeouts >= TIMEOUTS_IN_A_ROW:
            text = f"not asked: {self.timeouts} queries in a row took longer than prometheus.timeout"
            self.answers[question.number] = QueryError(text, "timeout")
            return
        try:
            self.answers[question.number] = ask(self.context, self.group.rules[question.number].query, self.ts)
        except QueryError as error:
            self.answers[question.number] = error
            self.timeouts = self.timeouts + 1 if error.reason == "timeout" else 0
            self.memory.spoilt(question)
        else:
            self.timeouts = 0


def ask_together(context: Context, group: Group, operands: Sequence[str | None], slot: float) -> Answers:
    """The answers to the rules that may share a query; a rule that is not in it is to be asked alone, in its turn."""
    max_rules = context.wiring.config.prometheus.max_rules_per_query
    memory = context.batches.setdefault(group.key, Memory({}, max_rules))
    memory.step()
    questions = [
        Question(number, text) for number, text in enumerate(operands) if text is not None and text not in memory.alone
    ]
    asking = _Asking(context, group, round(slot - group.query_offset_s, 3), memory)
    if len(questions) < 2 or max_rules < 2:
        return asking.answers
    for batch in cut(questions, memory.limit(max_rules)):
        if not asking.ask(batch) and asking.went_well(batch):
            memory.too_large(batch)
    return asking.answers
