"""One evaluation of a rule group: ask Prometheus, let the engine decide, write down what changed."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from functools import partial

from sqlalchemy import Connection

from watchman.book import RuleHealth, rule_key, true_end
from watchman.context import Context
from watchman.errors import QueryError
from watchman.jobs.catch_up import catch_up
from watchman.jobs.condition import condition
from watchman.jobs.query import ask
from watchman.jobs.recording import record
from watchman.rules.alert import Alert
from watchman.rules.builtin import BUILT_IN_GROUP, builtin_answer
from watchman.rules.engine import Evaluation, RuleError, evaluate, evaluate_record
from watchman.rules.presence import make_present
from watchman.rules.rule import Group, Rule
from watchman.series import Answer, fingerprint
from watchman.store.alerts import Incident, close_incident, open_incident, save_alerts

log = logging.getLogger(__name__)


def evaluate_group(context: Context, group: Group, slot: float, missed: int) -> None:
    """Evaluate the rules of a group in file order for `slot`; wants a dispatch if an alert changed."""
    started = context.clock.monotonic()
    context.metrics.iterations.labels(group.key).inc(1 + missed)
    context.metrics.missed.labels(group.key).inc(missed)
    changed = [_evaluate_rule(context, group, index, slot) for index in range(len(group.rules))]
    context.metrics.group_seconds.labels(group.key).set(context.clock.monotonic() - started)
    if any(changed):
        context.want_dispatch()
        context.want_forward()


def _evaluate_rule(context: Context, group: Group, index: int, slot: float) -> bool:
    """Evaluate one rule; True if an alert changed its state."""
    rule, key = group.rules[index], rule_key(group, index)
    started = context.clock.monotonic()
    outcome = _outcome(context, group, rule, slot)
    if not rule.record and isinstance(outcome, Answer):
        _make_up_for_missed_slots(context, group, rule, key, slot)
    evaluation = _decide(context, group, rule, key, outcome, slot)
    if evaluation.changed:
        with context.store.begin() as connection:
            save_alerts(connection, key, evaluation.alerts.values())
            write_incidents(connection, evaluation, slot)
    tell(evaluation)
    old = context.book.health(key)
    failing_since = None if evaluation.health == "ok" else old.failing_since or slot
    duration_s = context.clock.monotonic() - started
    health = RuleHealth(evaluation.health, evaluation.error or "", slot, duration_s, failing_since)
    context.book.put(key, dict(evaluation.alerts), health)
    _note_health(context, group, rule, old, health)
    record(context, group, rule, key, evaluation, slot)
    return evaluation.changed


def _outcome(context: Context, group: Group, rule: Rule, slot: float) -> Answer | QueryError:
    if group is BUILT_IN_GROUP:
        return builtin_answer(rule, condition(context))
    try:
        answer = ask(context, rule.query, slot - group.query_offset_s)
    except QueryError as error:
        return error
    limit = context.wiring.config.max_elements_per_rule
    if len(answer.samples) > limit:
        text = f"the expression gives {len(answer.samples)} elements, more than max_elements_per_rule ({limit})"
        return QueryError(f"{text}: aggregate or narrow it, or raise the limit", "bad_query")
    return answer


def _decide(
    context: Context, group: Group, rule: Rule, key: str, outcome: Answer | QueryError, slot: float
) -> Evaluation:
    if not rule.record:
        present = make_present(rule, lambda expr, ts: ask(context, expr, ts))
        return evaluate(
            rule,
            group,
            context.book.alerts(key),
            outcome,
            slot,
            partial(context.wiring.expand, name=rule.name),
            present,
        )
    try:
        if isinstance(outcome, QueryError):
            raise outcome
        return Evaluation("ok", None, {}, changed=False, samples=evaluate_record(rule, group, outcome))
    except (QueryError, RuleError) as error:
        return Evaluation("err", str(error), {}, changed=False)


def _make_up_for_missed_slots(context: Context, group: Group, rule: Rule, key: str, slot: float) -> None:
    """Once after a start: what happened since the last process was alive is asked back and decides first."""
    if group is BUILT_IN_GROUP or key in context.restored or context.alive_before is None:
        return
    restored = catch_up(context, group, rule, context.book.alerts(key), context.alive_before, slot)
    if any(step.changed for _, step in restored.steps):
        with context.store.begin() as connection:
            save_alerts(connection, key, restored.alerts.values())
            for ts, step in restored.steps:
                write_incidents(connection, step, ts)
    for _, step in restored.steps:
        tell(step)
    context.book.put(key, dict(restored.alerts), context.book.health(key))
    context.restored.add(key)


def write_incidents(connection: Connection, evaluation: Evaluation, ts: float) -> None:
    """Open an incident for every alert that began to fire, and end those that are over."""
    for alert in evaluation.resolved:
        ended = true_end(alert)
        close_incident(connection, fingerprint(alert.labels), ts if ended is None else ended)
    for alert in evaluation.dropped:
        close_incident(connection, fingerprint(alert.labels), ts)
    for alert in evaluation.fired:
        open_incident(connection, _incident(alert))


def tell(evaluation: Evaluation) -> None:
    """One log line for each alert that began or ended."""
    for what, alerts in _changes(evaluation):
        for alert in alerts:
            labels = ", ".join(f"{name}={value}" for name, value in alert.labels.items() if name != "alertname")
            log.info("alert %s %s (%s)", alert.labels["alertname"], what, labels)


def _changes(evaluation: Evaluation) -> Iterable[tuple[str, Iterable[Alert]]]:
    return ("fires", evaluation.fired), ("is over", evaluation.resolved), ("was thrown away", evaluation.dropped)


def _incident(alert: Alert) -> Incident:
    return Incident(
        fingerprint=fingerprint(alert.labels),
        labels=alert.labels,
        annotations=alert.annotations,
        source="rules",
        started=alert.active_at,
        fired=alert.active_at if alert.fired_at is None else alert.fired_at,
        value=alert.value,
    )


def _note_health(context: Context, group: Group, rule: Rule, old: RuleHealth, new: RuleHealth) -> None:
    """Count failures; say once that a rule fails and once that it works again."""
    if new.health != "ok":
        context.metrics.rule_failures.labels(group.key).inc()
        if old.health != new.health and not context.prometheus_error:
            log.warning("rule %s of %s fails: %s", rule.name, group.key, new.error)
    elif old.failing_since is not None:
        log.info("rule %s of %s works again", rule.name, group.key)
