"""The replay behind `meanwhile`: which incidents a time had that nobody watched. Loaded only when there was one."""

from __future__ import annotations

from dataclasses import replace as changed

from sqlalchemy import Connection

from watchman.book import as_active
from watchman.context import Context, Missed
from watchman.jobs.meanwhile import alerting_rules
from watchman.notify.plan import Receiver, Routing
from watchman.notify.route import Route, build_tree
from watchman.replay import Ports, Replay, RuleReplay, Setting, replay
from watchman.replay.away import away_times
from watchman.replay.result import Incident as Replayed
from watchman.rules.alert import AlertState
from watchman.series import fingerprint, label_key
from watchman.store.alerts import Incident
from watchman.store.past import add_past, begin_earlier, end_earlier


class StoppedError(Exception):
    """watchman is to end."""


def replayed(context: Context, missed: Missed) -> Replay:
    """The rules over a missed time, told to nobody. Raises QueryError, and StoppedError if watchman is to end."""
    prometheus = context.wiring.prometheus

    def progress(_done: int, _all: int) -> None:
        if context.stopping():
            raise StoppedError

    ports = Ports(
        range_query=prometheus.matrix,
        query=prometheus.query,
        expand=context.wiring.expand,
        as_active=as_active,
        render=context.wiring.render,
        progress=progress,
    )
    nobody = Routing(
        build_tree(Route(receiver="nobody")),
        {"nobody": Receiver("nobody", destinations=0)},
        context.wiring.routing.zone,
    )
    before = {(group.key, index): missed.alerts.get(key, {}) for key, group, index in alerting_rules(context)}
    setting = Setting(
        groups=context.wiring.groups,
        routing=nobody,
        start=missed.start,
        end=missed.end,
        max_elements=context.wiring.config.max_elements_per_rule,
        alerts=before,
        not_before=missed.start,
    )
    return replay(changed(setting, away=away_times(ports, setting.start, setting.end)), ports)


def write_down(context: Context, connection: Connection, rule: RuleReplay, missed: Missed) -> int:
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
