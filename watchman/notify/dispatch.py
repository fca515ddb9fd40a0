"""What to tell whom, now: pure. Alerts, configuration and memory go in; messages and the new memory come out.

Nothing is told twice: what was told is in the log, and log and messages are written together. Nothing told stays open:
an alert that is in the log and no longer fires is over, even if nobody remembers it. An alert that is held back
(silence, inhibition, time interval, quiet hours) keeps its place in the log, so its end is told once the hold is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from watchman.notify.dedup import LogEntry
from watchman.notify.further import away_nodes, escalate, escalation_nodes, escalations_due
from watchman.notify.group import Batch, collect, fires
from watchman.notify.hold import make_gate
from watchman.notify.message import ActiveAlert
from watchman.notify.night import end_nights, open_nights
from watchman.notify.plan import DispatchState, GroupView, Held, LogKey, Notification, Plan, Routing
from watchman.notify.route import Node, match_routes
from watchman.notify.settle import Outcome, settle
from watchman.notify.severity import rank


def dispatch(now: float, alerts: Sequence[ActiveAlert], routing: Routing, state: DispatchState) -> Plan:
    """Decide what to send at `now`.

    `alerts` are all alerts of all sources; resolved ones tell the true end of what was told and may be left out. An
    alert that two sources know fires while one of them says so. Called again with its own log written it decides
    nothing new.
    """
    records = _one_each(alerts, now)
    firing = [alert for alert in records.values() if fires(alert, now)]
    routes = {alert.fingerprint: _nodes(alert, routing, state) for alert in firing}
    gate = make_gate(now, firing, routing, state)
    to_tell = [alert for alert in firing if alert.fingerprint not in state.elsewhere]
    batches = collect(now, to_tell, routes, state, routing, lambda alert: _homes(alert, routing, state))
    escalate(batches, gate)
    nights = open_nights(state, records, gate)
    for batch in batches.values():
        batch.hurry = batch.receiver in nights and nights[batch.receiver].until is None
    settled = {key: settle(batch, records, gate) for key, batch in batches.items()}
    outcomes = end_nights(nights, settled, gate)
    due = [alert.ends_at for alert in firing if alert.ends_at is not None]
    due += [at for outcome in outcomes.values() for at in outcome.due]
    due += [at for key, batch in batches.items() for at in escalations_due(batch, outcomes[key].entry, now)]
    return Plan(
        notifications=_in_order(outcomes.values()),
        log=_changes(state.log, {key: outcome.entry for key, outcome in outcomes.items()}),
        held=_held_only(outcomes.values()),
        next_due=min(due, default=None),
        groups=tuple(_view(batch) for batch in batches.values() if batch.firing),
        statuses={alert.fingerprint: gate.status(alert, routes[alert.fingerprint]) for alert in firing},
    )


def _nodes(alert: ActiveAlert, routing: Routing, state: DispatchState) -> list[Node]:
    """The routes an alert takes now."""
    nodes = match_routes(routing.root, alert.labels)
    return nodes + away_nodes(alert, nodes, routing) if state.is_away else nodes


def _homes(alert: ActiveAlert, routing: Routing, state: DispatchState) -> list[Node]:
    """The routes by which a told alert can have come to its reader."""
    nodes = _nodes(alert, routing, state)
    return nodes + escalation_nodes(nodes)


def _one_each(alerts: Iterable[ActiveAlert], now: float) -> dict[str, ActiveAlert]:
    """One record per fingerprint: firing before resolved, then the earlier start, then the later end."""
    order = sorted(alerts, key=lambda alert: (not fires(alert, now), alert.starts_at, -(alert.ends_at or 0.0)))
    records: dict[str, ActiveAlert] = {}
    for alert in order:
        records.setdefault(alert.fingerprint, alert)
    return records


def _changes(old: Mapping[LogKey, LogEntry], new: Mapping[LogKey, LogEntry | None]) -> dict[LogKey, LogEntry | None]:
    changed = {key: entry for key, entry in new.items() if entry != old.get(key)}
    return changed | {key: None for key in old if key not in new}


def _in_order(outcomes: Iterable[Outcome]) -> tuple[Notification, ...]:
    found = [outcome.notification for outcome in outcomes if outcome.notification is not None]
    return tuple(sorted(found, key=lambda notification: rank(notification.severity)))


def _held_only(outcomes: Iterable[Outcome]) -> tuple[Held, ...]:
    """What is held back, except where the same receiver hears of the alert by another route."""
    known = list(outcomes)
    heard = {
        (alert.fingerprint, notification.receiver)
        for outcome in known
        if (notification := outcome.notification) is not None
        for alert in notification.firing
    }
    return tuple(held for outcome in known for held in outcome.held if (held.fingerprint, held.receiver) not in heard)


def _view(batch: Batch) -> GroupView:
    return GroupView(batch.key, batch.receiver, batch.labels, tuple(batch.firing.values()))
