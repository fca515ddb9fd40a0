"""Are the series behind an alert still there? Asked only for a rule with `on_vanished`, when an element has gone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from watchman.errors import QueryError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchman.rules.engine import Present
    from watchman.rules.rule import Rule
    from watchman.series import Labels, Query

# A target may come back under another address, and aggregations drop these first.
_NOT_COMPARED = frozenset({"alertname", "__name__", "instance", "job"})


@dataclass(slots=True)
class _Elements:
    """What one selector answered at one time, indexed by the values of the labels it is asked about."""

    labels: list[Labels]
    index: dict[tuple[frozenset[str], tuple[str, ...]], set[tuple[str, ...]]] = field(default_factory=dict)

    def agree_with(self, wanted: Mapping[str, str]) -> bool:
        """True if an element has the same value for every label it shares with `wanted`."""
        return any(self._group_agrees(names, wanted) for names in {frozenset(labels) for labels in self.labels})

    def _group_agrees(self, names: frozenset[str], wanted: Mapping[str, str]) -> bool:
        shared = tuple(sorted(names & wanted.keys()))
        values = self.index.get((names, shared))
        if values is None:
            alike = (labels for labels in self.labels if labels.keys() == names)
            values = self.index[names, shared] = {tuple(labels[name] for name in shared) for labels in alike}
        return tuple(wanted[name] for name in shared) in values


def make_present(rule: Rule, query: Query) -> Present:
    """A `present` for one evaluation of `rule`: at most one query per selector and time, however many alerts ask.

    A selector that answered when the alert began must answer now; one that did not (the other side of an `or`, what
    `unless` takes away) is not waited for. A query that fails counts as "not there": an end that cannot be checked
    is not believed.
    """
    cache: dict[tuple[str, float], _Elements | None] = {}
    # A rule's own labels say nothing about series.
    ignored = _NOT_COMPARED | rule.labels.keys()

    def ask(selector: str, ts: float) -> _Elements | None:
        if (selector, ts) not in cache:
            try:
                cache[selector, ts] = _Elements([sample.labels for sample in query(selector, ts).samples])
            except QueryError:
                cache[selector, ts] = None
        return cache[selector, ts]

    def present(labels: Mapping[str, str], since: float, ts: float) -> bool:
        wanted = {name: value for name, value in labels.items() if name not in ignored}
        for selector in rule.selectors:
            now = ask(selector, ts)
            if now is not None and now.agree_with(wanted):
                continue
            then = ask(selector, since)
            if now is None or then is None or then.agree_with(wanted):
                return False
        return True

    return present
