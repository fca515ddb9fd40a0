"""The end of what a webhook brought and no webhook ends: over under a silence, or forgotten by a new Alertmanager."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from watchman.context import Context
from watchman.durations import format_duration
from watchman.jobs.dispatching import merged_alerts
from watchman.jobs.identity import listed_there
from watchman.jobs.relaying import close
from watchman.jobs.tellers import ends_known_here
from watchman.notify.message import ActiveAlert, Source
from watchman.notify.posted import PostedAlert
from watchman.notify.posted import as_active as posted_as_active
from watchman.store import posted, relayed

log = logging.getLogger(__name__)

PATIENCE_S = 600.0
"""Alertmanager tells an end at its next group_interval, 5 min if nobody sets it; so long it is left to do so."""
EXPIRES_S = 86400.0


@dataclass(frozen=True, slots=True)
class _End:
    """When an alert ended (unix seconds), and what its reader is told of that."""

    at: float
    note: str = ""


def close_what_is_gone(context: Context) -> None:
    """Tell ends that nobody tells."""
    now = context.clock.now()
    with context.store.read() as connection:
        theirs = posted.load(connection)
        told = [one for memory in relayed.load(connection).values() for one in (*memory.told, *memory.waiting)]
    rows = {row.fingerprint: row for row in theirs if row.source is Source.ALERTMANAGER and row.is_open}
    alerts = {name: posted_as_active(row, now) for name, row in rows.items()}
    alerts |= {alert.fingerprint: alert for alert in told}
    alerts = {name: alert for name, alert in alerts.items() if alert.firing}
    context.gone_since = {name: at for name, at in context.gone_since.items() if name in alerts}
    if not alerts:
        return
    known = [alert for alert in merged_alerts(context, theirs, now) if alert.source is not Source.ALERTMANAGER]
    firing = {alert.fingerprint for alert in known if alert.firing}
    over = ends_known_here(context, known, now)
    closing: dict[str, dict[str, float]] = {}
    for name, alert in alerts.items():
        if name in firing:
            continue
        end = _known_end(context, over[name], now) if name in over else _end(context, alert, rows.get(name), now)
        if end is not None:
            closing.setdefault(end.note, {})[name] = end.at
    for note, ended in closing.items():
        log.info("closed, since no webhook tells the end: %s", ", ".join(alerts[name].name for name in ended))
        close(context, ended, note)
        context.want_dispatch()


def _known_end(context: Context, ended_at: float, now: float) -> _End | None:
    """Who told Alertmanager of it says that it is over: Alertmanager has its time to pass that on, if it is there."""
    waits = bool(context.wiring.members) and context.cluster.down_since is None
    return None if waits and now - ended_at < PATIENCE_S else _End(ended_at)


def _end(context: Context, alert: ActiveAlert, row: PostedAlert | None, now: float) -> _End | None:
    """The end of an alert that only Alertmanagers know of."""
    settings = context.wiring.config.alertmanager
    if context.cluster.alerts is not None and context.cluster.down_since is None:
        if listed_there(context, alert) is not None:
            context.gone_since.pop(alert.fingerprint, None)
            return None
        since = context.gone_since.setdefault(alert.fingerprint, now)
        return _End(since, "Closed: Alertmanager does not know it any more.") if now - since >= PATIENCE_S else None
    expires_s = settings.webhook_expires if settings else EXPIRES_S
    heard_at = row.updated_at if row else alert.starts_at
    if now - heard_at < expires_s:
        return None
    return _End(heard_at, f"Closed: Alertmanager has said nothing of it for {format_duration(expires_s)}.")
