"""Small words for rule tests: rules, answers and runs over time."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from watchman.errors import QueryError
from watchman.rules.alert import Alert, AlertState
from watchman.rules.engine import Evaluation, evaluate
from watchman.rules.rule import Group, Rule
from watchman.rules.template import make_expander
from watchman.series import Answer, Sample

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

LETTERS = {AlertState.PENDING: "P", AlertState.FIRING: "F", AlertState.INACTIVE: "-"}


def rule(**fields: Any) -> Rule:
    return Rule(**{"name": "T", "expr": "m > 0", **fields})


def group_of(*rules: Rule, **fields: Any) -> Group:
    return Group(**{"name": "g", "file": "f.yaml", "rules": rules, **fields})


def vector(*elements: str | tuple[str, float]) -> Answer:
    """`vector("a", ("b", 2.0))`: elements with the label i; "" is the element without labels."""
    pairs = [(element, 1.0) if isinstance(element, str) else element for element in elements]
    return Answer("vector", [Sample({"i": name} if name else {}, value) for name, value in pairs])


def no_templates(text: str, labels: Mapping[str, str], value: float, ts: float, *, name: str = "") -> str:
    raise AssertionError(f"{text} has no template and must not be expanded")


def never_asked(labels: Mapping[str, str], since: float, ts: float) -> bool:
    raise AssertionError("presence is asked only for rules with on_vanished")


expand = make_expander(lambda expr, ts: Answer("vector", []), {}, "http://watchman")


def step(one: Rule, alerts: Any, answer: Answer | QueryError, ts: float, **other: Any) -> Evaluation:
    group = other.pop("group", None) or group_of(one)
    return evaluate(one, group, alerts, answer, ts, other.pop("expand", expand), other.pop("present", never_asked))


def run(one: Rule, answers: Iterable[tuple[float, Answer | QueryError]], **other: Any) -> list[Evaluation]:
    """The evaluations of `one` over the answers, each on the alerts the one before left."""
    alerts: Any = {}
    steps = []
    for ts, answer in answers:
        steps.append(step(one, alerts, answer, ts, **other))
        alerts = steps[-1].alerts
    return steps


def every(interval_s: float, answers: Sequence[Answer | QueryError]) -> list[tuple[float, Answer | QueryError]]:
    return [(index * interval_s, answer) for index, answer in enumerate(answers)]


def letter(alert: Alert | None) -> str:
    """P, F or -, and K where only keep_firing_for keeps it, H where it is held."""
    if alert is None:
        return "-"
    if alert.held:
        return "H"
    return "K" if alert.state == AlertState.FIRING and alert.keep_since is not None else LETTERS[alert.state]


def timelines(steps: Iterable[Evaluation]) -> dict[str, str]:
    """Timeline of each alert by its label set without alertname, written as PromQL does."""
    found: dict[str, list[str]] = {}
    steps = list(steps)
    for index, one in enumerate(steps):
        for alert in one.alerts.values():
            found.setdefault(shown(alert.labels), ["-"] * len(steps))[index] = letter(alert)
    return {labels: "".join(letters) for labels, letters in found.items()}


def shown(labels: Mapping[str, str]) -> str:
    pairs = (f'{name}="{text}"' for name, text in sorted(labels.items()) if name != "alertname")
    return "{" + ",".join(pairs) + "}"


def failed(reason: str = "timeout") -> QueryError:
    return QueryError(f"query failed: {reason}", reason)


def from_json(fields: dict[str, Any]) -> Alert:
    return Alert(**{**fields, "state": AlertState(fields["state"])})


def to_json(alert: Alert) -> dict[str, Any]:
    return asdict(alert)
