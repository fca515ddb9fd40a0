"""Every rule evaluated once, now, without memory: what a person asks with `watchman rules`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from watchman.errors import QueryError
from watchman.rules.engine import RuleError, evaluate, evaluate_record
from watchman.rules.presence import make_present
from watchman.rules.rule import Group, Rule
from watchman.series import Answer
from watchman.web.api_v1 import RuleStatus
from watchman.wiring import Wiring


def evaluate_once(wiring: Wiring, now: float, monotonic: Callable[[], float]) -> list[RuleStatus]:
    """The status of every configured rule at `now` (unix seconds); a rule with `for` is pending at most."""
    return [_status(wiring, group, rule, now, monotonic) for group in wiring.groups for rule in group.rules]


def _status(wiring: Wiring, group: Group, rule: Rule, now: float, monotonic: Callable[[], float]) -> RuleStatus:
    started = monotonic()
    try:
        answer: Answer | QueryError = wiring.prometheus.query(rule.expr, now - group.query_offset_s)
    except QueryError as error:
        answer = error
    if rule.record:
        error_text, alerts = _record_error(rule, group, answer), ()
        health = "err" if error_text else "ok"
        return RuleStatus(group, rule, alerts, health, error_text, now, monotonic() - started)
    present = make_present(rule, wiring.prometheus.query)
    done = evaluate(rule, group, {}, answer, now, partial(wiring.expand, name=rule.name), present)
    return RuleStatus(
        group, rule, tuple(done.alerts.values()), done.health, done.error or "", now, monotonic() - started
    )


def _record_error(rule: Rule, group: Group, answer: Answer | QueryError) -> str:
    if isinstance(answer, QueryError):
        return str(answer)
    try:
        evaluate_record(rule, group, answer)
    except RuleError as error:
        return str(error)
    return ""
