"""Rules about watchman itself. PromQL cannot tell that Prometheus is gone, so their elements are made here.

They run through the same engine as every other rule: `for`, resolution, restart and notification are alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from watchman.rules.rule import Group, Rule
from watchman.series import Answer, Sample

STUCK_AFTER_S = 1800.0
DISK_FLOOR_BYTES = 200e6
CLOCK_SLACK_S = 60.0

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
    labels={"severity": "warning", "error": "", "since": ""},
    annotations={
        "summary": "Messages to {{ $labels.receiver }} do not get through",
        "description": "Since {{ $labels.since }}: {{ $labels.error }}\n"
        "Waiting: {{ $value }}. See `watchman outbox list`.",
    },
)
GIVEN_UP = Rule(
    name="MessagesGivenUp",
    expr='watchman_outbox_rows{state="dead"} > 0',
    labels={"severity": "warning", "error": ""},
    annotations={
        "summary": "Not delivered to {{ $labels.receiver }}: {{ $value }}",
        "description": "{{ $labels.error }}\nMend that, then `watchman outbox retry --all`, or drop them.",
    },
)
WATCHDOG = Rule(
    name="WatchdogMissing",
    expr="watchman_watchdog_silent_seconds > 0",
    labels={"severity": "warning"},
    annotations={
        "summary": "Prometheus' alerts do not arrive",
        "description": "The alert that always fires has not come for {{ humanizeDuration $value }}.\n"
        "Check that Prometheus runs, evaluates its rules and can reach watchman.",
    },
)

CLOCK = Rule(
    name="ClockNotSet",
    expr=f"watchman_clock_behind_seconds > {CLOCK_SLACK_S:.0f}",
    for_s=120,
    labels={"severity": "warning"},
    annotations={
        "summary": "The clock is not set",
        "description": "It is at least {{ humanizeDuration $value }} behind.\nRules and digests go by it: check NTP.",
    },
)
DISK = Rule(
    name="DiskFull",
    expr=f"watchman_state_free_bytes < {DISK_FLOOR_BYTES:.0f}",
    for_s=300,
    keep_firing_for_s=900,
    labels={"severity": "warning"},
    annotations={
        "summary": "The disk is full: {{ humanize $value }}B left",
        "description": "watchman keeps its state and messages there.\nMake room: without it nothing can be told.",
    },
)

AWAY = Rule(
    name="AlertmanagerAway",
    expr="watchman_alertmanager_up == 0",
    keep_firing_for_s=120,
    labels={"severity": "warning", "error": ""},
    annotations={"summary": "Alertmanager does not do its part", "description": "{{ $labels.error }}"},
)

BUILT_IN_GROUP = Group(
    name="watchman",
    file="built-in",
    rules=(BLIND, FAILING, STUCK, GIVEN_UP, WATCHDOG, CLOCK, DISK, AWAY),
    interval_s=15.0,
)


@dataclass(frozen=True, slots=True)
class Stuck:
    """Messages of one receiver that wait too long: how many, the service's last answer, since when (local time)."""

    receiver: str
    waiting: int
    error: str
    since: str = ""


@dataclass(frozen=True, slots=True)
class GivenUp:
    """Dead letters of one receiver: how many, why. `mended`: it has taken other messages since."""

    receiver: str
    count: int
    error: str
    mended: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """The daemon's own condition at one instant.

    `watchdog_silent_s`: for how long the expected alert has not come, None if it comes or none is expected;
    `free_bytes` of the disk with the state, None if not known.
    `alertmanager_error` says what the Alertmanagers have not done for a while, empty if all is well with them.
    """

    blind_error: str = ""
    failing_rules: Mapping[str, str] = field(default_factory=dict)
    stuck: tuple[Stuck, ...] = ()
    given_up: tuple[GivenUp, ...] = ()
    watchdog_silent_s: float | None = None
    clock_behind_s: float = 0.0
    free_bytes: float | None = None
    alertmanager_error: str = ""


def builtin_answer(rule: Rule, condition: Condition) -> Answer:
    """The elements of a built-in rule. The error is a label that the rule blanks: it changes, the identity does not."""
    if rule is BLIND:
        samples = [Sample({"error": condition.blind_error}, 1.0)] if condition.blind_error else []
    elif rule is FAILING:
        # While Prometheus is away every rule fails, and one message says why.
        failing = {} if condition.blind_error else condition.failing_rules
        samples = [Sample({"rule": name, "error": error}, 1.0) for name, error in sorted(failing.items())]
    elif rule is CLOCK:
        samples = [Sample({}, condition.clock_behind_s)] if condition.clock_behind_s > CLOCK_SLACK_S else []
    elif rule is AWAY:
        samples = [Sample({"error": condition.alertmanager_error}, 0.0)] if condition.alertmanager_error else []
    elif rule is DISK:
        free = condition.free_bytes
        samples = [Sample({}, free)] if free is not None and free < DISK_FLOOR_BYTES else []
    elif rule is WATCHDOG:
        # While Prometheus is away that is why, and one message says so.
        silent_s = None if condition.blind_error else condition.watchdog_silent_s
        samples = [] if silent_s is None else [Sample({}, silent_s)]
    elif rule is GIVEN_UP:
        samples = [Sample({"receiver": g.receiver, "error": g.error}, float(g.count)) for g in condition.given_up]
    else:
        samples = [
            Sample({"receiver": s.receiver, "error": s.error, "since": s.since}, float(s.waiting))
            for s in condition.stuck
        ]
    return Answer("vector", samples)
