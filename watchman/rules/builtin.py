"""Rules about watchman itself. PromQL cannot tell that Prometheus is gone, so their elements are made here.

They run through the same engine as every other rule: `for`, resolution, restart and notification are alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from watchman.rules.rule import Group, Rule
from watchman.series import Answer, Sample

STUCK_AFTER_S = 1800.0

BLIND = Rule(
    name="WatchmanBlind",
    expr="watchman_prometheus_up == 0",
    for_s=600,
    labels={"severity": "warning", "error": ""},
    annotations={
        "summary": "watchman cannot see your home",
        "description": "Prometheus does not answer: {{ $labels.error }}\nAll rules are on hold. Check that it runs.",
    },
)
FAILING = Rule(
    name="RuleFailing",
    expr="watchman_rule_failing_seconds > 0",
    for_s=600,
    labels={"severity": "warning", "error": ""},
    annotations={
        "summary": "A rule cannot be evaluated",
        "description": "{{ $labels.rule }} fails: {{ $labels.error }}",
    },
)
STUCK = Rule(
    name="MessagesStuck",
    expr=f"watchman_outbox_oldest_seconds > {STUCK_AFTER_S:.0f}",
    labels={"severity": "warning", "error": ""},
    annotations={
        "summary": "Messages to {{ $labels.receiver }} do not get through",
        "description": "{{ $labels.error }}\nWaiting: {{ $value }}. See `watchman outbox list`.",
    },
)

BUILT_IN_GROUP = Group(name="watchman", file="built-in", rules=(BLIND, FAILING, STUCK), interval_s=15.0)


@dataclass(frozen=True, slots=True)
class Stuck:
    """Messages of one receiver that wait too long or were given up: how many, and the service's last answer."""

    receiver: str
    waiting: int
    error: str


@dataclass(frozen=True, slots=True)
class Condition:
    """The daemon's own condition at one instant."""

    blind_error: str = ""
    failing_rules: Mapping[str, str] = field(default_factory=dict)
    stuck: tuple[Stuck, ...] = ()


def builtin_answer(rule: Rule, condition: Condition) -> Answer:
    """The elements of a built-in rule. The error is a label that the rule blanks: it changes, the identity does not."""
    if rule is BLIND:
        samples = [Sample({"error": condition.blind_error}, 1.0)] if condition.blind_error else []
    elif rule is FAILING:
        # While Prometheus is away every rule fails, and one message says why.
        failing = {} if condition.blind_error else condition.failing_rules
        samples = [Sample({"rule": name, "error": error}, 1.0) for name, error in sorted(failing.items())]
    else:
        samples = [Sample({"receiver": s.receiver, "error": s.error}, float(s.waiting)) for s in condition.stuck]
    return Answer("vector", samples)
