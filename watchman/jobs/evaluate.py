"""One evaluation of a rule group: ask Prometheus, let the engine decide, write down what changed."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection

from watchman.book import RuleHealth, true_end
from watchman.context import Context
from watchman.errors import QueryError
from watchman.jobs.catch_up import catch_up
from watchman.jobs.condition import condition
from watchman.jobs.query import ask
from watchman.jobs.recording import record
from watchman.jobs.together import ask_together
from watchman.rules.alert import Alert
from watchman.rules.builtin import BUILT_IN_GROUP, builtin_answer
from watchman.rules.engine import Evaluation, RuleError, evaluate, evaluate_record
from watchman.rules.presence import make_present
from watchman.rules.rule import Group, Rule
from watchman.series import Answer, fingerprint
from watchman.store.alerts import Incident, close_incident, open_incident, save_alerts
from watchman.wiring import GroupPlan

log = logging.getLogger(__name__)

Outcome = Answer | QueryError


@dataclass(frozen=True, slots=True)
class _Step:
    """What one rule's evaluation decided, not yet written down. `duration_s`: what it took, a shared query left out."""

    rule: Rule
    key: str
    evaluation: Evaluation
    duration_s: float


def evaluate_group(context: Context, group: Group, slot: float, missed: int) -> None:
    """Evaluate the rules of a group in file order for `slot`; wants a dispatch if an alert changed."""
    started = context.clock.monotonic()
    context.metrics.iterations.labels(group.key).inc(1 + missed)
    context.metrics.missed.labels(group.key).inc(missed)
    plan = context.wiring.plan(group)
    known = _known_answers(context, plan, slot)
    changed, steps = False, list[_Step]()
    for number, (rule, key) in enumerate(zip(group.rules, plan.keys, strict=True)):
        if number not in known:
            # It may read what the rules before it gave, and nobody waits for its query to be told of them.
            changed |= _settle(context, group, steps, slot)
            steps.clear()
        steps.append(_evaluate_rule(context, group, rule, key, known.get(number), slot))
    changed |= _settle(context, group, steps, slot)
    context.group_took_s[group.key] = took_s = context.clock.monotonic() - started
    context.metrics.group_seconds.labels(group.key).set(took_s)
    if changed:
        context.want_dispatch()
        context.want_forward()


def _known_answers(context: Context, plan: GroupPlan, slot: float) -> Mapping[int, Outcome]:
    """What need not be asked rule by rule, by the rule's number."""
    if plan.group is BUILT_IN_GROUP:
        now = condition(context)
        return {number: builtin_answer(rule, now) for number, rule in enumerate(BUILT_IN_GROUP.rules)}
    return ask_together(context, plan.group, plan.operands, slot)


def _evaluate_rule(context: Context, group: Group, rule: Rule, key: str, known: Outcome | None, slot: float) -> _Step:
    started = context.clock.monotonic()
    outcome = _within_limit(context, _ask(context, group, rule, slot) if known is None else known)
    if not rule.record and isinstance(outcome, Answer):
        _make_up_for_missed_slots(context, group, rule, key, slot)
    evaluation = _decide(context, group, rule, key, outcome, slot)
    return _Step(rule, key, evaluation, context.clock.monotonic() - started)


def _settle(context: Context, group: Group, steps: Sequence[_Step], slot: float) -> bool:
    """Write down what was decided, in one transaction, then tell it; True if an alert changed its state."""
    changed = [step for step in steps if step.evaluation.changed]
    if changed:
        with context.store.begin() as connection:
            for step in changed:
                save_alerts(connection, step.key, step.evaluation.alerts.values())
                write_incidents(connection, step.evaluation, slot)
    for step in steps:
        _remember(context, group, step, slot)
    return bool(changed)


def _remember(context: Context, group: Group, step: _Step, slot: float) -> None:
    evaluation = step.evaluation
    tell(evaluation)
    old = context.book.health(step.key)
    failing_since = None if evaluation.health == "ok" else old.failing_since or slot
    health = RuleHealth(evaluation.health, evaluation.error or "", slot, step.duration_s, failing_since)
    context.book.put(step.key, dict(evaluation.alerts), health)
    _note_health(context, group, step.rule, old, health)
    record(context, group, step.rule, step.key, evaluation, slot)


def _ask(context: Context, group: Group, rule: Rule, slot: float) -> Outcome:
    try:
        return ask(context, rule.query, slot - group.query_offset_s)
    except QueryError as error:
        return error


def _within_limit(context: Context, answer: Outcome) -> Outcome:
    limit = context.wiring.config.max_elements_per_rule
    if isinstance(answer, QueryError) or len(answer.samples) <= limit:
        return answer
    text = f"the expression gives {len(answer.samples)} elements, more than max_elements_per_rule ({limit})"
    return QueryError(f"{text}: aggregate or narrow it, or raise the limit", "bad_query")


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
