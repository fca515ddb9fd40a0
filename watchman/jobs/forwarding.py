"""Telling the Alertmanagers: when somebody was told, what they were told last, and whether they can be told."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import asdict
from urllib.parse import quote_plus, urlsplit, urlunsplit

from watchman.alertmanager.forward import Outcome
from watchman.alertmanager.forward import forward as tell_members
from watchman.alertmanager.model import PostableAlert
from watchman.book import rules_with_keys
from watchman.context import Context
from watchman.modes import Mode
from watchman.rules.builtin import BUILT_IN_GROUP
from watchman.rules.handover import Told, due_states, is_news, remember, state_of
from watchman.rules.sending import ends_at
from watchman.series import fingerprint, label_key
from watchman.store.facts import get_fact, set_fact

log = logging.getLogger(__name__)

TOLD = "told_alertmanagers"


def forward(context: Context) -> None:
    """Tell every Alertmanager what fires and what ended: at once what is new, the rest again after `resend_delay`."""
    context.forward_wanted.clear()
    now, config = context.clock.now(), context.wiring.config
    if context.told is None:
        with context.store.begin() as connection:
            known = [Told(**fields) for fields in get_fact(connection, TOLD) or ()]
        context.told = {label_key(one.labels): one for one in known}
    due = due_states(_states(context), context.told, now, config.resend_delay)
    if not due:
        return
    alerts = [_postable(state, now, config.resend_delay, config.prometheus.url) for state in due.values()]
    outcomes = tell_members(context.wiring.members, alerts, config.external_labels)
    _note_refused(context, alerts, outcomes)
    for outcome in outcomes:
        context.metrics.forwards.labels("ok" if outcome.ok else "failed").inc()
    if any(not outcome.error for outcome in outcomes):
        news, context.told = is_news(context.told, due), remember(context.told, due, now)
        # Repetitions are not written: a disk has better things to do.
        if news:
            with context.store.begin() as connection:
                set_fact(connection, TOLD, [asdict(one) for one in context.told.values()], now)
    _tell_errors(context, [outcome.error for outcome in outcomes if outcome.error])


def _states(context: Context) -> Iterator[Told]:
    # Mode before, what is about watchman itself must not come back by a webhook: it is told from here.
    built_in = () if context.wiring.mode is Mode.BEFORE else (BUILT_IN_GROUP,)
    for key, group, rule in rules_with_keys((*context.wiring.groups, *built_in)):
        for alert in context.book.alerts(key).values():
            state = state_of(alert, group.interval_s, rule.expr)
            if state is not None:
                yield state


def _note_refused(context: Context, alerts: list[PostableAlert], outcomes: list[Outcome]) -> None:
    """Remember which alerts no member takes, those it was not asked for this time included."""
    external = context.wiring.config.external_labels
    answered = [outcome for outcome in outcomes if not outcome.error]
    if not answered:
        return
    refused = [{label_key(one.labels) for one in outcome.refused} for outcome in answered]
    bad = set.intersection(*refused)
    asked = {fingerprint(alert.labels) for alert in alerts}
    now_bad = {fingerprint(one.labels) for one in alerts if label_key({**external, **one.labels}) in bad}
    if now_bad - context.refused:
        reason = next(one.error for outcome in answered for one in outcome.refused)
        log.warning("%d alerts are refused: %s", len(now_bad - context.refused), reason)
    context.refused = frozenset((context.refused - asked) | now_bad)


def _postable(state: Told, now: float, delay_s: float, prometheus_url: str) -> PostableAlert:
    over = state.resolved_at
    return PostableAlert(
        labels=state.labels,
        annotations=state.annotations,
        starts_at=state.starts_at,
        ends_at=ends_at(now, state.interval_s, delay_s) if over is None else over,
        generator_url=generator_url(prometheus_url, state.expr),
    )


def generator_url(prometheus_url: str, expr: str) -> str:
    """The page of Prometheus that shows a rule's expression; user and password of its address are left out."""
    parts = urlsplit(prometheus_url)
    base = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))
    return f"{base}/graph?g0.expr={quote_plus(expr)}&g0.tab=1"


def _tell_errors(context: Context, errors: list[str]) -> None:
    """Say once that an Alertmanager cannot be told, and once that it can again."""
    now_error = "; ".join(errors)
    if now_error and not context.forward_error:
        log.warning("an Alertmanager cannot be told: %s", now_error)
    if context.forward_error and not now_error:
        log.info("all Alertmanagers can be told again")
    context.forward_error = now_error
