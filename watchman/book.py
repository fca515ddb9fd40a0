"""What the daemon knows now: the alerts of every rule, how each rule fared, what was posted. Shared by its threads."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from watchman.notify.message import ActiveAlert, Source
from watchman.rules.alert import Alert, AlertState
from watchman.rules.rule import Group, Rule
from watchman.series import LabelKey, Sample, fingerprint, label_key


@dataclass(frozen=True, slots=True)
class RuleHealth:
    """How the last evaluation of a rule went. Times in unix seconds, `duration_s` the query included."""

    health: str = "unknown"
    error: str = ""
    evaluated_at: float = 0.0
    duration_s: float = 0.0
    failing_since: float | None = None


def rule_keys(group: Group) -> tuple[str, ...]:
    """What the rules' states are kept under over reloads and restarts: group, name and labels, as in Prometheus."""
    seen: Counter[str] = Counter()
    # Most rules share their labels with others, and a fingerprint costs more than all the rest here.
    prints: dict[LabelKey, str] = {}
    keys = []
    for rule in group.rules:
        labels = label_key(rule.labels)
        if labels not in prints:
            prints[labels] = fingerprint(rule.labels)
        key = f"{group.key};{rule.name};{prints[labels]}"
        keys.append(f"{key};{seen[key]}")
        seen[key] += 1
    return tuple(keys)


def rules_with_keys(groups: Iterable[Group]) -> Iterable[tuple[str, Group, Rule]]:
    """Every rule with its key and group, in file order."""
    for group in groups:
        for key, rule in zip(rule_keys(group), group.rules, strict=True):
            yield key, group, rule


NOT_YET = RuleHealth()
"""A rule that has not been evaluated."""


class Book:
    """Alert states and rule health by rule key. Each method is atomic."""

    def __init__(self, alerts: Mapping[str, Mapping[LabelKey, Alert]]) -> None:
        self._lock = threading.Lock()
        self._alerts: dict[str, dict[LabelKey, Alert]] = {key: dict(states) for key, states in alerts.items()}
        self._health: dict[str, RuleHealth] = {}
        self._recorded: dict[str, list[Sample]] = {}

    def alerts(self, key: str) -> dict[LabelKey, Alert]:
        """The alerts of one rule."""
        with self._lock:
            return self._alerts.get(key, {})

    def put(self, key: str, alerts: dict[LabelKey, Alert], health: RuleHealth) -> None:
        """Replace what is known of one rule."""
        with self._lock:
            self._alerts[key] = alerts
            self._health[key] = health

    def put_recorded(self, key: str, samples: list[Sample]) -> None:
        """Replace what a recording rule gives."""
        with self._lock:
            self._recorded[key] = samples

    def every_recorded(self) -> list[Sample]:
        """All samples of all recording rules."""
        with self._lock:
            return [sample for samples in self._recorded.values() for sample in samples]

    def health(self, key: str) -> RuleHealth:
        """How the rule's last evaluation went."""
        with self._lock:
            return self._health.get(key, NOT_YET)

    def keep_only(self, keys: Iterable[str]) -> list[Alert]:
        """Forget every other rule; returns its firing alerts, which are over because their rule is gone."""
        kept = set(keys)
        with self._lock:
            gone = [alerts for key, alerts in self._alerts.items() if key not in kept]
            self._alerts = {key: alerts for key, alerts in self._alerts.items() if key in kept}
            self._health = {key: health for key, health in self._health.items() if key in kept}
            self._recorded = {key: samples for key, samples in self._recorded.items() if key in kept}
        return [alert for alerts in gone for alert in alerts.values() if alert.state is AlertState.FIRING]

    def every_alert(self) -> list[Alert]:
        """All alerts of all rules, resolved ones that are remembered included."""
        with self._lock:
            return [alert for alerts in self._alerts.values() for alert in alerts.values()]


def as_active(alert: Alert, source: Source) -> ActiveAlert | None:
    """An alert as the notification side sees it; None for one that is pending."""
    if alert.state is AlertState.PENDING or alert.fired_at is None:
        return None
    return ActiveAlert(
        fingerprint=fingerprint(alert.labels),
        labels=alert.labels,
        annotations=alert.annotations,
        starts_at=alert.fired_at,
        ends_at=true_end(alert),
        value=alert.value,
        source=source,
        since=alert.active_at,
    )


def true_end(alert: Alert) -> float | None:
    """When the condition of a resolved alert ended: before `keep_firing_for` kept it; None while it fires."""
    if alert.state is not AlertState.INACTIVE or alert.resolved_at is None:
        return None
    return alert.resolved_at if alert.keep_since is None else alert.keep_since
