"""What a replay gives: per rule when its alerts fired, the messages in their order, what was kept back and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from watchman.notify.message import Message
from watchman.notify.plan import Held, Notification
from watchman.rules.rule import Group, Rule


@dataclass(slots=True)
class Incident:
    """One firing period of an alert. Times are unix seconds of slots.

    `pending`: its condition began; `firing`: it began to fire; `resolved`: it was over, None while it fires; `ended`:
    the true end of the condition, before `keep_firing_for` kept it. `value` and `annotations` are those of `firing`.
    """

    labels: Mapping[str, str]
    pending: float
    firing: float
    value: float
    annotations: Mapping[str, str]
    resolved: float | None = None
    ended: float | None = None


@dataclass(frozen=True, slots=True)
class RuleReplay:
    """One alerting rule over the range. `incidents` are those that touch it, by the time they fired.

    `errors` are evaluations that failed, `away` those of them for which Prometheus itself was away; `first_error` is of
    another one. `false_starts` counts alerts that were pending and never fired. `notes` say what limits the result.
    """

    group: Group
    rule: Rule
    evaluations: int
    errors: int
    away: int
    first_error: str
    incidents: tuple[Incident, ...]
    false_starts: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Told:
    """A message that would have been sent, in words."""

    notification: Notification
    message: Message


@dataclass(frozen=True, slots=True)
class KeptBack:
    """An incident that a receiver would not have heard of at first, with the first reason. Unix seconds."""

    at: float
    held: Held


@dataclass(frozen=True, slots=True)
class Replay:
    """The whole of it. [start, end] in unix seconds; `reached` is before `end` if it was cancelled."""

    start: float
    end: float
    reached: float
    rules: tuple[RuleReplay, ...]
    told: tuple[Told, ...]
    kept_back: tuple[KeptBack, ...]
    notes: tuple[str, ...] = field(default_factory=tuple)

    @property
    def is_partial(self) -> bool:
        """True if it ended before the range did."""
        return self.reached < self.end

    @property
    def interval_s(self) -> float:
        """The shortest interval of its groups."""
        return min((rule.group.interval_s for rule in self.rules), default=0.0)

    @property
    def errors(self) -> int:
        """Evaluations that failed."""
        return sum(rule.errors for rule in self.rules)
