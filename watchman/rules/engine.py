"""One evaluation of a rule: the answer to its query in, its alerts afterwards out. Semantics of Prometheus 3.

What is added to Prometheus: `on_vanished` and `on_error` (both off by default), and `Evaluation` names the alerts that
began, ended or were thrown away, so that the caller can open and close incidents.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from watchman.errors import QueryError, WatchmanError
from watchman.rules.alert import Alert, AlertState
from watchman.rules.rule import Group, Rule
from watchman.rules.template import Expander
from watchman.series import Answer, LabelKey, Labels, Sample, label_key

RESOLVED_RETENTION_S = 900.0
"""A resolved alert is remembered so long, for its repeats: they must outlast a receiver's `resolve_timeout`."""

# Slots are whole milliseconds; a float near today's unix time is exact to a quarter of a microsecond.
_TOLERANCE_S = 0.0005

Alerts = Mapping[LabelKey, Alert]
Element = tuple[Labels, float, Mapping[str, str]]
"""Labels, value and annotations of an alert whose element is in the answer."""
Say = Callable[[str, Sample], str]
"""A template's text for one element, at the evaluation at hand."""
Present = Callable[[Mapping[str, str], float, float], bool]
"""`present(labels of the alert, since, ts)`: do the series the alert was made of at `since` still answer at `ts`?

Both are times to query at: the group's `query_offset` is taken off."""

_PENDING, _FIRING, _INACTIVE = AlertState.PENDING, AlertState.FIRING, AlertState.INACTIVE


class RuleError(WatchmanError):
    """The answer cannot be used by the rule: wrong kind, two elements with one identity, more than the limit."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A rule after an evaluation. `changed`: something happened that must be written down, not just another value.

    `fired`, `resolved`: alerts that began or ended firing now. `dropped`: alerts that were firing and are gone without
    an end of their own (a limit was exceeded, `for` was raised); nobody is told unless the caller closes them.
    """

    health: str
    error: str | None
    alerts: Alerts
    changed: bool
    samples: list[Sample] = field(default_factory=list)
    fired: tuple[Alert, ...] = ()
    resolved: tuple[Alert, ...] = ()
    dropped: tuple[Alert, ...] = ()


@dataclass(slots=True)
class _Steps:
    """The alerts after an evaluation as it goes on, and what happened to them."""

    after: dict[LabelKey, Alert] = field(default_factory=dict)
    known: int = 0
    changed: bool = False
    fired: list[Alert] = field(default_factory=list)
    resolved: list[Alert] = field(default_factory=list)
    dropped: list[Alert] = field(default_factory=list)

    def take(self, key: LabelKey, old: Alert | None, new: Alert | None) -> None:
        """Notes one alert; None is one that was or is not there."""
        if new is not None:
            self.after[key] = new
        if old is not None:
            self.known += 1
        if old is not new:
            self._compare(old, new)

    def evaluation(self, samples: list[Sample]) -> Evaluation:
        """The result of an evaluation that went well."""
        told = tuple(self.fired), tuple(self.resolved), tuple(self.dropped)
        return Evaluation("ok", None, self.after, self.changed, samples, *told)

    def _compare(self, old: Alert | None, new: Alert | None) -> None:
        if old is not None and new is not None and old.state == new.state:
            self.changed |= old.keep_since != new.keep_since or old.held != new.held
            return
        self.changed = True
        if new is not None and new.state == _FIRING:
            self.fired.append(new)
        elif old is not None and old.state == _FIRING:
            self._end(old, new)

    def _end(self, old: Alert, new: Alert | None) -> None:
        if new is not None and new.state == _INACTIVE:
            self.resolved.append(new)
        else:
            self.dropped.append(old)


def evaluate(
    rule: Rule,
    group: Group,
    alerts: Alerts,
    answer: Answer | QueryError,
    ts: float,
    expand: Expander,
    present: Present,
) -> Evaluation:
    """The alerts of `rule` after the evaluation at slot `ts`; `alerts` is not changed. Never raises for bad answers.

    On an error the alerts stay as they are, except that a limit throws all of them away, as in Prometheus.
    """
    if isinstance(answer, Answer) and answer.kind == "vector" and not answer.samples and not alerts:
        # Nearly all rules, nearly always.
        return Evaluation("ok", None, {}, changed=False)
    steps = _Steps()
    try:
        _seen_ones(rule, alerts, _elements(rule, _samples(answer), _speaker(rule, ts, expand)), ts, steps)
    except (QueryError, RuleError) as error:
        return _failed(rule, alerts, error, ts, expand)
    if steps.known < len(alerts):
        for key in [key for key in alerts if key not in steps.after]:
            steps.take(key, alerts[key], _gone(rule, group, alerts[key], ts, present))
    active = sum(alert.state != _INACTIVE for alert in steps.after.values()) if group.limit > 0 else 0
    if active > group.limit:
        return _over_limit(group.limit, active, alerts)
    return steps.evaluation(answer.samples if isinstance(answer, Answer) else [])


def evaluate_record(rule: Rule, group: Group, answer: Answer) -> list[Sample]:
    """The samples a recording rule gives at this evaluation; raises RuleError when Prometheus would record nothing."""
    found: dict[LabelKey, Sample] = {}
    for sample in _samples(answer):
        labels = {**sample.labels, "__name__": rule.name, **rule.labels}
        labels = {name: text for name, text in labels.items() if text}
        key = label_key(labels)
        if key in found:
            raise RuleError("vector contains metrics with the same labelset after applying rule labels")
        found[key] = Sample(labels, sample.value)
    if 0 < group.limit < len(found):
        raise RuleError(f"exceeded limit of {group.limit} with {len(found)} series")
    return list(found.values())


def _samples(answer: Answer | QueryError) -> list[Sample]:
    if isinstance(answer, QueryError):
        raise answer
    if answer.kind not in {"vector", "scalar"}:
        raise RuleError("rule result is not a vector or scalar")
    return answer.samples


def _speaker(rule: Rule, ts: float, expand: Expander) -> Say:
    return lambda text, sample: expand(text, sample.labels, sample.value, ts, name=rule.name)


def _elements(rule: Rule, samples: list[Sample], say: Say) -> Iterator[tuple[LabelKey, Element]]:
    """Every element with the identity, labels and texts its alert has."""
    fixed = {name: text for name, text in rule.labels.items() if text and "{{" not in text}
    other = {name: text for name, text in rule.labels.items() if name not in fixed}
    # A text without braces is itself: most rules' labels cost nothing per element.
    texts = {name: text for name, text in rule.annotations.items() if "{{" in text}
    annotations = dict(rule.annotations)
    for sample in samples:
        labels = {**sample.labels, **fixed}
        labels.pop("__name__", None)
        if other:
            _set_labels(labels, other, sample, say)
        labels["alertname"] = rule.name
        if texts:
            annotations = {**annotations, **{name: say(text, sample) for name, text in texts.items()}}
        yield tuple(sorted(labels.items())), (labels, sample.value, annotations)


def _seen_ones(
    rule: Rule, alerts: Alerts, elements: Iterable[tuple[LabelKey, Element]], ts: float, steps: _Steps
) -> None:
    for number, (key, element) in enumerate(elements, start=1):
        old = alerts.get(key)
        steps.take(key, old, _seen(rule, old, element, ts))
        if len(steps.after) < number:
            raise RuleError("vector contains metrics with the same labelset after applying alert labels")


def _set_labels(labels: Labels, templates: Mapping[str, str], sample: Sample, say: Say) -> None:
    for name, template in templates.items():
        text = say(template, sample)
        if text:
            labels[name] = text
        else:
            labels.pop(name, None)


def _seen(rule: Rule, old: Alert | None, element: Element, ts: float) -> Alert:
    """An alert whose element is in the answer; the same object if nothing is new."""
    labels, value, annotations = element
    if old is None or old.state == _INACTIVE:
        if rule.for_s > _TOLERANCE_S:
            return Alert(labels, _PENDING, ts, value, annotations)
        return Alert(labels, _FIRING, ts, value, annotations, fired_at=ts)
    lasted = _has_lasted(rule, old, ts)
    same = old.value == value and old.keep_since is None and not old.held and old.annotations == annotations
    if same and lasted == (old.state == _FIRING):
        return old
    if not lasted:
        return Alert(old.labels, _PENDING, old.active_at, value, annotations)
    fired_at = ts if old.state == _PENDING else old.fired_at
    return Alert(old.labels, _FIRING, old.active_at, value, annotations, fired_at)


def _gone(rule: Rule, group: Group, alert: Alert, ts: float, present: Present) -> Alert | None:
    """An alert whose element is not in the answer; None: it is forgotten."""
    if alert.state == _INACTIVE:
        forgotten = alert.resolved_at is None or ts - alert.resolved_at > RESOLVED_RETENTION_S + _TOLERANCE_S
        return None if forgotten else alert
    if _is_held(rule, group, alert, ts, present):
        return _timed(rule, replace(alert, held=True, keep_since=_first(alert.keep_since, ts)), ts)
    if alert.state == _PENDING:
        return None
    # What was held until now was not known to be over before: `keep_firing_for` starts here.
    since = ts if alert.held else _first(alert.keep_since, ts)
    if ts - since < rule.keep_firing_for_s - _TOLERANCE_S:
        return _timed(rule, replace(alert, held=False, keep_since=since), ts)
    return Alert(
        labels=alert.labels,
        state=_INACTIVE,
        active_at=alert.active_at,
        value=alert.value,
        annotations=alert.annotations,
        fired_at=alert.fired_at,
        resolved_at=ts,
        keep_since=since if rule.keep_firing_for_s > 0 else None,
    )


def _is_held(rule: Rule, group: Group, alert: Alert, ts: float, present: Present) -> bool:
    """True if `on_vanished` says not to believe the missing element, because the series behind it are gone as well."""
    if rule.on_vanished == "resolve" or (alert.state == _PENDING and rule.on_vanished != "fire"):
        return False
    if alert.keep_since is not None and not alert.held:
        return False  # its series answered when it ended
    since = _first(alert.fired_at, alert.active_at)
    return not present(alert.labels, since - group.query_offset_s, ts - group.query_offset_s)


def _timed(rule: Rule, alert: Alert, ts: float) -> Alert:
    """Pending becomes firing when `for` has passed; firing becomes pending again when a reload raised `for`."""
    lasted = _has_lasted(rule, alert, ts)
    if lasted and alert.state == _PENDING:
        return replace(alert, state=_FIRING, fired_at=ts)
    if not lasted and alert.state == _FIRING:
        return replace(alert, state=_PENDING, fired_at=None, keep_since=None, held=False)
    return alert


def _has_lasted(rule: Rule, alert: Alert, ts: float) -> bool:
    return ts - alert.active_at >= rule.for_s - _TOLERANCE_S


def _failed(rule: Rule, alerts: Alerts, error: WatchmanError, ts: float, expand: Expander) -> Evaluation:
    unchanged = Evaluation("err", str(error), alerts, changed=False)
    if rule.on_error != "fire":
        return unchanged
    # `on_error: fire`: a rule that cannot be evaluated counts as one element without labels.
    labels: Labels = {}
    _set_labels(labels, rule.labels, Sample({}, math.nan), _speaker(rule, ts, expand))
    labels["alertname"] = rule.name
    kept = {name: text for name, text in rule.annotations.items() if "{{" not in text}
    told = {"summary": f"{rule.name} cannot be evaluated", "description": str(error)}
    key = label_key(labels)
    alert = _seen(rule, alerts.get(key), (labels, math.nan, {**kept, **told}), ts)
    steps = _Steps(dict(alerts))
    steps.take(key, alerts.get(key), alert)
    return replace(steps.evaluation([]), health="err", error=str(error))


def _over_limit(limit: int, active: int, alerts: Alerts) -> Evaluation:
    dropped = tuple(alert for alert in alerts.values() if alert.state == _FIRING)
    error = f"exceeded limit of {limit} with {active} alerts"
    return Evaluation("err", error, {}, changed=bool(alerts), dropped=dropped)


def _first(first: float | None, other: float) -> float:
    return other if first is None else first
