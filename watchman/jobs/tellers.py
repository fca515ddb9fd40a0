"""Who tells of an alert, watchman's own routes or an Alertmanager's webhook: one of the two, until its end is told.

Whoever told it first. Before that: what only an Alertmanager knows its webhook brings; mode before, also alerts of own
rules, as long as Alertmanager does its part; all else is for the own routes.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection

from watchman.context import Context
from watchman.modes import Mode
from watchman.notify.message import ActiveAlert, Source
from watchman.rules.alert import AlertState
from watchman.rules.builtin import BUILT_IN_GROUP
from watchman.series import fingerprint
from watchman.store import notices, relayed

BUILT_IN = frozenset(rule.name for rule in BUILT_IN_GROUP.rules)


def told_elsewhere(context: Context, connection: Connection, alerts: Iterable[ActiveAlert]) -> frozenset[str]:
    """Which alerts are not for the own routes: a webhook brought them, or mode before is to bring them."""
    known = list(alerts)
    names = {alert.fingerprint for alert in known if alert.source is Source.ALERTMANAGER}
    names -= {alert.fingerprint for alert in known if alert.source is not Source.ALERTMANAGER}
    names |= relayed.known(connection) | _left_to_alertmanager(context, known)
    return frozenset(names - notices.told(connection))


def told_here(context: Context, connection: Connection, firing: Iterable[ActiveAlert]) -> frozenset[str]:
    """Which alerts a webhook brings in vain: the own routes have told them or are going to."""
    known = list(firing)
    names = {alert.fingerprint for alert in known if alert.source is not Source.ALERTMANAGER}
    if context.wiring.mode is Mode.BEFORE:
        # Both know what Prometheus posts to both; whoever is first tells it.
        names -= {alert.fingerprint for alert in known if alert.source is Source.PROMETHEUS} - context.taken_over
        names -= _left_to_alertmanager(context, known)
    return frozenset((names - relayed.known(connection)) | notices.told(connection))


def is_for_alertmanager(alert: ActiveAlert) -> bool:
    """True if mode before leaves the alert to Alertmanager: what is about watchman itself is always told from here."""
    return alert.source is Source.RULES and alert.name not in BUILT_IN


def ends_known_here(context: Context, alerts: Iterable[ActiveAlert], now: float) -> dict[str, float]:
    """When alerts ended (unix seconds) that another source than an Alertmanager knows and none reports any more."""
    known = [alert for alert in alerts if alert.source is not Source.ALERTMANAGER]
    firing = {alert.fingerprint for alert in known if alert.firing}
    ended = {alert.fingerprint: alert.ends_at or now for alert in known if alert.fingerprint not in firing}
    for alert in context.book.every_alert():
        # One that is pending again had its end before.
        if alert.state is AlertState.PENDING and (name := fingerprint(alert.labels)) not in firing:
            ended[name] = now
    return ended


def _left_to_alertmanager(context: Context, alerts: Iterable[ActiveAlert]) -> set[str]:
    if context.wiring.mode is not Mode.BEFORE:
        return set()
    return {alert.fingerprint for alert in alerts if is_for_alertmanager(alert)} - context.taken_over
