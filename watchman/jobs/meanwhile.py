"""What happened meanwhile: after a long outage the time nobody watched is replayed into the history, told to nobody.

The last hour is made up for by the rules themselves (`catch_up`), before they decide anything. What lies further back
would only be late: it goes into the incidents, and from there into the next digest.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace as changed

from sqlalchemy import Connection

from watchman.book import as_active, rule_keys
from watchman.context import Context, Missed
from watchman.errors import QueryError
from watchman.jobs.catch_up import LOOK_BACK_S
from watchman.notify.plan import Receiver, Routing
from watchman.notify.route import Route, build_tree
from watchman.notify.words import duration
from watchman.replay import Ports, Replay, RuleReplay, Setting, replay
from watchman.replay.away import away_times
from watchman.replay.result import Incident as Replayed
from watchman.rules.alert import AlertState
from watchman.rules.rule import Group
from watchman.series import fingerprint, label_key
from watchman.store.alerts import Incident
from watchman.store.past import add_past, begin_earlier, end_earlier

log = logging.getLogger(__name__)

MOST_S = 30 * 86400.0


def missed_time(context: Context) -> Missed | None:
    """The time nobody watched without what `catch_up` asks back; None if there is none. To be asked at the start."""
    if context.alive_before is None:
        return None
    end = context.started_at - LOOK_BACK_S
    start = max(context.alive_before, end - MOST_S)
    if start >= end:
        return None
    keys = [key for key, _, _ in _places(context)]
    return Missed(start, end, {key: dict(context.book.alerts(key)) for key in keys})


def make_up_history(context: Context) -> None:
    """Once after a long outage, as soon as Prometheus answers and every rule has made up for its last hour."""
    missed = context.missed
    if missed is None or context.prometheus_error or not _all_restored(context):
        return
    try:
        done = _replayed(context, missed)
    except QueryError as error:
        if not error.is_away:
            context.missed = None
        log.warning("what happened in the outage cannot be made up for now: %s", error)
        return
    with context.store.begin() as connection:
        added = sum(_write(context, connection, rule, missed) for rule in done.rules)
    context.missed = None
    log.info("looked at %s without watchman: %d incidents for the history", duration(missed.end - missed.start), added)


def _places(context: Context) -> Iterator[tuple[str, Group, int]]:
    """Every alerting rule: its key, its group and its place in it."""
    for group in context.wiring.groups:
        for index, key in enumerate(rule_keys(group)):
            if not group.rules[index].record:
                yield key, group, index


def _all_restored(context: Context) -> bool:
    return all(
        key in context.restored or context.book.health(key).failing_since is not None for key, _, _ in _places(context)
    )


def _replayed(context: Context, missed: Missed) -> Replay:
    prometheus = context.wiring.prometheus
    ports = Ports(
        range_query=prometheus.matrix,
        query=prometheus.query,
        expand=context.wiring.expand,
        as_active=as_active,
        render=context.wiring.render,
    )
    nobody = Routing(
        build_tree(Route(receiver="nobody")),
        {"nobody": Receiver("nobody", destinations=0)},
        context.wiring.routing.zone,
    )
    before = {(group.key, index): missed.alerts.get(key, {}) for key, group, index in _places(context)}
    setting = Setting(
        groups=context.wiring.groups,
        routing=nobody,
        start=missed.start,
        end=missed.end,
        max_elements=context.wiring.config.max_elements_per_rule,
        alerts=before,
        not_before=missed.start,
    )
    return replay(_with_away(setting, ports), ports)


def _with_away(setting: Setting, ports: Ports) -> Setting:
    return changed(setting, away=away_times(ports, setting.start, setting.end))


def _write(context: Context, connection: Connection, rule: RuleReplay, missed: Missed) -> int:
    """Put a rule's incidents into the history; returns how many were not known."""
    firing = {label_key(alert.labels) for alert in context.book.every_alert() if alert.state is AlertState.FIRING}
    added = 0
    for one in rule.incidents:
        found = _incident(one)
        if end_earlier(connection, found):
            continue
        if one.resolved is None:
            # The condition reached into the hour that the rule has made up for.
            seen = missed.end, missed.end + 2 * rule.group.interval_s
            if begin_earlier(connection, found, seen):
                continue
            if label_key(one.labels) not in firing:
                found = _incident(one, ended=missed.end)
        add_past(connection, found)
        added += 1
    return added


def _incident(one: Replayed, ended: float | None = None) -> Incident:
    return Incident(
        fingerprint=fingerprint(one.labels),
        labels=one.labels,
        annotations=one.annotations,
        source="rules",
        started=one.pending,
        fired=one.firing,
        ended=one.ended if ended is None else ended,
        value=one.value,
    )
