"""A rule and its group as written in a rule file, checked and with defaults filled in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Rule:
    """One alerting or recording rule. Durations in seconds; `labels` holds the group's labels under the rule's own."""

    name: str
    expr: str
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    for_s: float = 0.0
    keep_firing_for_s: float = 0.0
    record: bool = False
    line: int = 0
    on_vanished: str = "resolve"
    """resolve (as Prometheus), hold or fire: what a firing alert does when the series it reads are gone."""
    on_error: str = "hold"
    """hold (as Prometheus) or fire: what a firing alert does when its query fails."""
    selectors: tuple[str, ...] = ()
    """Every vector selector of `query` as an instant expression: what must answer for the rule to know anything."""
    asked: str = ""
    """`expr` with the expressions of earlier records of the group put in; empty if it reads none."""

    @property
    def query(self) -> str:
        """What Prometheus is asked."""
        return self.asked or self.expr


@dataclass(frozen=True, slots=True)
class Group:
    """A rule group: its rules run in file order at every slot of `interval_s`. `limit` 0 means none."""

    name: str
    file: str
    rules: tuple[Rule, ...]
    interval_s: float = 60.0
    query_offset_s: float = 0.0
    limit: int = 0

    @property
    def key(self) -> str:
        """What a group is known by over reloads and restarts, as in Prometheus."""
        return f"{self.file};{self.name}"
