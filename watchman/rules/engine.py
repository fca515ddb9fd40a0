"""One evaluation of a rule: the answer to its query in, its alerts afterwards out. Semantics of Prometheus 3.

What is added to Prometheus: `on_vanished` and `on_error` (both off by default), and `Evaluation` names the alerts that
began, ended or were thrown away, so that the caller can open and close incidents.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from watchman.errors import QueryError, WatchmanError
from watchman.rules.alert import Alert, AlertState
from watchman.rules.rule import Group, Rule
from watchman.series import Answer, LabelKey, Labels, Sample, label_key

RESOLVED_RETENTION_S = 900.0
"""A resolved alert is remembered so long, for its repeats: they must outlast a receiver's `resolve_timeout`."""

# Slots are whole milliseconds; a float near today's unix time is exact to a quarter of a microsecond.
_TOLERANCE_S = 0.0005

Alerts = Mapping[LabelKey, Alert]
Expand = Callable[[str, Labels, float, float], str]
"""`expand(template, labels of the element, value, ts)` -> text; an error is a text too."""
Present = Callable[[Mapping[str, str], float, float], bool]
"""`present(labels of the alert, since, ts)`: do the series the alert was made of at `since` still answer at `ts`?"""

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


def evaluate(  # noqa: PLR0917 - the order in which an evaluation is told
    rule: Rule,
    group: Group,
    alerts: Alerts,
    answer: Answer | QueryError,
    ts: float,
    expand: Expand,
    present: Present,
) -> Evaluation:
    """The alerts of `rule` after the evaluation at slot `ts`; `alerts` is not changed. Never raises for bad answers.

    On an error the alerts stay as they are, except that a limit throws all of them away, as in Prometheus.
    """
    try:
        elements = _elements(rule, _samples(answer), ts, expand)
    except (QueryError, RuleError) as error:
        return _failed(rule, alerts, error, ts, expand)
    after: dict[LabelKey, Alert] = {}
    for key, fresh in elements.items():
        after[key] = _seen(rule, alerts.get(key), fresh, ts)
    for key, alert in alerts.items():
        if key not in elements:
            left = _gone(rule, alert, ts, present)
            if left is not None:
                after[key] = left
    active = sum(alert.state != _INACTIVE for alert in after.values()) if group.limit > 0 else 0
    if active > group.limit:
        return _over_limit(group.limit, active, alerts)
    return _compared(alerts, after, answer)


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


def _elements(rule: Rule, samples: list[Sample], ts: float, expand: Expand) -> dict[LabelKey, Alert]:
    """Every element as the pending alert it would be if it were new."""
    fixed = {name: text for name, text in rule.labels.items() if text and "{{" not in text}
    other = {name: text for name, text in rule.labels.items() if name not in fixed}
    # A text without braces is itself: most rules' texts cost nothing per element.
    texts = {name: text for name, text in rule.annotations.items() if "{{" in text}
    plain = dict(rule.annotations)
    found: dict[LabelKey, Alert] = {}
    for sample in samples:
        labels = {**sample.labels, **fixed}
        labels.pop("__name__", None)
        if other:
            _set_labels(labels, other, sample, ts, expand)
        labels["alertname"] = rule.name
        key = tuple(sorted(labels.items()))
        if key in found:
            raise RuleError("vector contains metrics with the same labelset after applying alert labels")
        annotations = plain
        if texts:
            expanded = {name: expand(text, sample.labels, sample.value, ts) for name, text in texts.items()}
            annotations = {**plain, **expanded}
        found[key] = Alert(labels, _PENDING, ts, sample.value, annotations)
    return found


def _set_labels(labels: Labels, templates: Labels, sample: Sample, ts: float, expand: Expand) -> None:
    for name, template in templates.items():
        text = expand(template, sample.labels, sample.value, ts)
        if text:
            labels[name] = text
        else:
            labels.pop(name, None)


def _seen(rule: Rule, old: Alert | None, fresh: Alert, ts: float) -> Alert:
    """An alert whose element is in the answer."""
    if old is None or old.state == _INACTIVE:
        return _timed(rule, fresh, ts)
    if old.keep_since is None and not old.held and old.value == fresh.value and old.annotations == fresh.annotations:
        return _timed(rule, old, ts)
    kept = Alert(
        labels=old.labels,
        state=old.state,
        active_at=old.active_at,
        value=fresh.value,
        annotations=fresh.annotations,
        fired_at=old.fired_at,
        last_sent_at=old.last_sent_at,
    )
    return _timed(rule, kept, ts)


def _gone(rule: Rule, alert: Alert, ts: float, present: Present) -> Alert | None:
    """An alert whose element is not in the answer; None: it is forgotten."""
    if alert.state == _INACTIVE:
        forgotten = alert.resolved_at is None or ts - alert.resolved_at > RESOLVED_RETENTION_S + _TOLERANCE_S
        return None if forgotten else alert
    if _is_held(rule, alert, ts, present):
        return _timed(rule, replace(alert, held=True, keep_since=_first(alert.keep_since, ts)), ts)
    if alert.state == _PENDING:
        return None
    # What was held until now was not known to be over before: `keep_firing_for` starts here.
    since = ts if alert.held else _first(alert.keep_since, ts)
    if ts - since < rule.keep_firing_for_s - _TOLERANCE_S:
        return _timed(rule, replace(alert, held=False, keep_since=since), ts)
    ended = since if rule.keep_firing_for_s > 0 else None
    return replace(alert, state=_INACTIVE, resolved_at=ts, held=False, keep_since=ended)


def _is_held(rule: Rule, alert: Alert, ts: float, present: Present) -> bool:
    """True if `on_vanished` says not to believe the missing element, because the series behind it are gone as well."""
    if rule.on_vanished == "resolve" or (alert.state == _PENDING and rule.on_vanished != "fire"):
        return False
    if alert.keep_since is not None and not alert.held:
        return False  # its series answered when it ended
    since = _first(alert.fired_at, alert.active_at)
    return not present(alert.labels, since, ts)


def _timed(rule: Rule, alert: Alert, ts: float) -> Alert:
    """Pending becomes firing when `for` has passed; firing becomes pending again when a reload raised `for`."""
    lasted = ts - alert.active_at >= rule.for_s - _TOLERANCE_S
    if lasted and alert.state == _PENDING:
        return replace(alert, state=_FIRING, fired_at=ts)
    if not lasted and alert.state == _FIRING:
        return replace(alert, state=_PENDING, fired_at=None, last_sent_at=None, keep_since=None, held=False)
    return alert


def _failed(rule: Rule, alerts: Alerts, error: WatchmanError, ts: float, expand: Expand) -> Evaluation:
    unchanged = Evaluation("err", str(error), alerts, changed=False)
    if rule.on_error != "fire":
        return unchanged
    # `on_error: fire`: a rule that cannot be evaluated counts as one element without labels.
    labels: Labels = {}
    _set_labels(labels, dict(rule.labels), Sample({}, math.nan), ts, expand)
    labels["alertname"] = rule.name
    kept = {name: text for name, text in rule.annotations.items() if "{{" not in text}
    told = {"summary": f"{rule.name} cannot be evaluated", "description": str(error)}
    key = label_key(labels)
    alert = _seen(rule, alerts.get(key), Alert(labels, _PENDING, ts, math.nan, {**kept, **told}), ts)
    return replace(_compared(alerts, {**alerts, key: alert}, None), health="err", error=str(error))


def _over_limit(limit: int, active: int, alerts: Alerts) -> Evaluation:
    dropped = tuple(alert for alert in alerts.values() if alert.state == _FIRING)
    error = f"exceeded limit of {limit} with {active} alerts"
    return Evaluation("err", error, {}, changed=bool(alerts), dropped=dropped)


def _compared(before: Alerts, after: dict[LabelKey, Alert], answer: Answer | QueryError | None) -> Evaluation:
    fired, resolved, dropped = [], [], []
    changed = len(before) != len(after)
    for key, new in after.items():
        old = before.get(key)
        if old is new:
            continue
        was = None if old is None else old.state
        if old is None or was != new.state or old.keep_since != new.keep_since or old.held != new.held:
            changed = True
            if new.state == _FIRING and was != _FIRING:
                fired.append(new)
            elif was == _FIRING and new.state == _INACTIVE:
                resolved.append(new)
            elif was == _FIRING and new.state == _PENDING and old is not None:
                dropped.append(old)
    samples = answer.samples if isinstance(answer, Answer) else []
    return Evaluation("ok", None, after, changed, samples, tuple(fired), tuple(resolved), tuple(dropped))


def _first(first: float | None, other: float) -> float:
    return other if first is None else first
