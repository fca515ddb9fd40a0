"""What to tell whom, now: pure. Alerts, configuration and memory go in; messages and the new memory come out.

Nothing is told twice: what was told is in the log, and log and messages are written together. Nothing told stays open:
an alert that is in the log and no longer fires is over, even if nobody remembers it. An alert that is held back
(silence, inhibition, time interval) keeps its place in the log, so its end is told once the hold is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from watchman.notify.dedup import LogEntry, Reason, decide, wants_over
from watchman.notify.group import (
    STRICTLY_AFTER_S,
    Batch,
    collect,
    fires,
    follow,
    interval_due_at,
    new_due_at,
    repeat_s,
)
from watchman.notify.hold import Gate, Hold, make_gate
from watchman.notify.message import ActiveAlert
from watchman.notify.plan import DispatchState, GroupView, Held, LogKey, Notification, Plan, Routing
from watchman.notify.route import match_routes
from watchman.notify.severity import rank, severity_of


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of one batch."""

    entry: LogEntry | None
    notification: Notification | None
    held: tuple[Held, ...]
    due: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class _Sorted:
    """The alerts of a batch by what may be said of them."""

    firing: tuple[ActiveAlert, ...]
    unseen: tuple[ActiveAlert, ...]
    new: tuple[ActiveAlert, ...]
    over: tuple[ActiveAlert, ...]
    still_open: dict[str, ActiveAlert]
    held: tuple[Held, ...]
    until: tuple[float, ...]


def dispatch(now: float, alerts: Sequence[ActiveAlert], routing: Routing, state: DispatchState) -> Plan:
    """Decide what to send at `now`.

    `alerts` are all alerts of all sources; resolved ones tell the true end of what was told and may be left out. An
    alert that two sources know fires while one of them says so. Called again with its own log written it decides
    nothing new.
    """
    records = _one_each(alerts, now)
    firing = [alert for alert in records.values() if fires(alert, now)]
    routes = {alert.fingerprint: match_routes(routing.root, alert.labels) for alert in firing}
    gate = make_gate(now, firing, routing, state)
    to_tell = [alert for alert in firing if alert.fingerprint not in state.elsewhere]
    batches = collect(now, to_tell, routes, state.log, routing)
    outcomes = {batch.log_key: _settle(batch, records, gate) for batch in batches}
    ends = [alert.ends_at for alert in firing if alert.ends_at is not None]
    return Plan(
        notifications=_in_order(outcomes.values()),
        log=_changes(state.log, {key: outcome.entry for key, outcome in outcomes.items()}),
        held=_held_only(outcomes.values()),
        next_due=min([*ends, *(due for outcome in outcomes.values() for due in outcome.due)], default=None),
        groups=tuple(_view(batch) for batch in batches if batch.firing),
        statuses={alert.fingerprint: gate.status(alert, routes[alert.fingerprint]) for alert in firing},
    )


def _one_each(alerts: Iterable[ActiveAlert], now: float) -> dict[str, ActiveAlert]:
    """One record per fingerprint: firing before resolved, then the earlier start, then the later end."""
    order = sorted(alerts, key=lambda alert: (not fires(alert, now), alert.starts_at, -(alert.ends_at or 0.0)))
    records: dict[str, ActiveAlert] = {}
    for alert in order:
        records.setdefault(alert.fingerprint, alert)
    return records


def _settle(batch: Batch, records: Mapping[str, ActiveAlert], gate: Gate) -> _Outcome:
    """Decide on one group: send now, or when to look again."""
    parts = _sort(batch, records, gate)
    repeat = repeat_s(batch, parts.unseen)
    due = _due(batch, parts, repeat, gate.now)
    reason = Reason.NOTHING
    if any(at <= gate.now for at in due):
        reason = _reason(batch, parts, gate.now, repeat)
    if reason is Reason.NOTHING:
        entry = _entry(batch, {**parts.still_open, **_by_fingerprint(parts.over)}, batch.sent_at or 0.0, batch.repeats)
        return _Outcome(entry, None, parts.held, (*due, *parts.until))
    return _send(batch, parts, reason, gate.now)


def _sort(batch: Batch, records: Mapping[str, ActiveAlert], gate: Gate) -> _Sorted:
    firing, new, held, until = [], [], [], []
    for alert in batch.firing.values():
        hold = _hold(batch, alert, gate)
        if hold is None:
            firing.append(alert)
            new += [] if alert.fingerprint in batch.told else [alert]
            continue
        until += _known_end(hold)
        if alert.fingerprint not in batch.told:
            held.append(Held(alert.fingerprint, batch.receiver, hold.reason, hold.until, alert))
    over, still_open, over_until = _sort_told(batch, records, gate)
    unseen = tuple(alert for alert in firing if not gate.is_acknowledged(alert))
    return _Sorted(tuple(firing), unseen, tuple(new), over, still_open, tuple(held), (*until, *over_until))


def _sort_told(
    batch: Batch, records: Mapping[str, ActiveAlert], gate: Gate
) -> tuple[tuple[ActiveAlert, ...], dict[str, ActiveAlert], list[float]]:
    """The ends that may be told; the told alerts that stay open or whose end has to wait; until when."""
    over: list[ActiveAlert] = []
    still_open: dict[str, ActiveAlert] = {}
    until: list[float] = []
    send_resolved = gate.routing.receivers[batch.receiver].send_resolved if batch.told else True
    for fingerprint, told in batch.told.items():
        alert = follow(told, records.get(fingerprint), gate.now)
        if alert.ends_at is None:
            still_open[fingerprint] = alert
        elif wants_over(alert, send_resolved):
            hold = gate.told(alert, batch.node)
            if hold is None:
                over.append(alert)
            else:
                still_open[fingerprint] = alert
                until += _known_end(hold)
    return tuple(over), still_open, until


def _hold(batch: Batch, alert: ActiveAlert, gate: Gate) -> Hold | None:
    assert batch.node is not None, "only a route puts firing alerts into a batch"
    if alert.fingerprint in batch.told:
        return gate.told(alert, batch.node)
    return gate.untold(alert, batch.node)


def _known_end(hold: Hold) -> list[float]:
    return [] if hold.until is None else [hold.until]


def _due(batch: Batch, parts: _Sorted, repeat: float | None, now: float) -> tuple[float, ...]:
    """When this group has something to say: new alerts, ends, a repeat."""
    due: list[float] = []
    if parts.new and batch.node is not None:
        due.append(new_due_at(batch, batch.node, parts.new, now))
    if parts.over:
        due.append(interval_due_at(batch))
    if repeat is not None and parts.unseen and batch.told and batch.sent_at is not None:
        due.append(batch.sent_at + repeat + STRICTLY_AFTER_S)
    return tuple(due)


def _reason(batch: Batch, parts: _Sorted, now: float, repeat: float | None) -> Reason:
    return decide(
        batch.entry(),
        [alert.fingerprint for alert in parts.firing],
        [alert.fingerprint for alert in parts.over],
        now,
        repeat if parts.unseen else None,
        still_open=any(alert.ends_at is None for alert in parts.still_open.values()),
    )


def _send(batch: Batch, parts: _Sorted, reason: Reason, now: float) -> _Outcome:
    # What somebody has seen is not repeated, but stays in the picture when there is something new.
    shown = parts.unseen if reason is Reason.REPEAT else parts.firing
    repeats = {Reason.REPEAT: batch.repeats + 1, Reason.SOME_RESOLVED: batch.repeats}.get(reason, 0)
    notification = Notification(
        receiver=batch.receiver,
        group_key=batch.key,
        group_labels=batch.labels,
        reason=reason,
        firing=tuple(sorted(shown, key=lambda alert: (rank(severity_of(alert.labels)), alert.starts_at))),
        resolved=parts.over,
        new=frozenset(alert.fingerprint for alert in parts.new),
        at=now,
        repeats=repeats,
        previous_at=batch.sent_at if batch.told else None,
    )
    entry = _entry(batch, {**parts.still_open, **_by_fingerprint(parts.new)}, now, repeats)
    batch.repeats = repeats
    again = repeat_s(batch, parts.unseen)
    due = () if again is None or not parts.unseen else (now + again + STRICTLY_AFTER_S,)
    return _Outcome(entry, notification, parts.held, (*due, *parts.until))


def _entry(batch: Batch, told: dict[str, ActiveAlert], sent_at: float, repeats: int) -> LogEntry | None:
    """The log entry of a group; the order of its alerts is kept so that an unchanged entry stays equal."""
    order = [name for name in batch.told if name in told] + [name for name in told if name not in batch.told]
    return LogEntry(tuple(told[name] for name in order), sent_at, repeats) if told else None


def _by_fingerprint(alerts: Iterable[ActiveAlert]) -> dict[str, ActiveAlert]:
    return {alert.fingerprint: alert for alert in alerts}


def _changes(old: Mapping[LogKey, LogEntry], new: Mapping[LogKey, LogEntry | None]) -> dict[LogKey, LogEntry | None]:
    changed = {key: entry for key, entry in new.items() if entry != old.get(key)}
    return changed | {key: None for key in old if key not in new}


def _in_order(outcomes: Iterable[_Outcome]) -> tuple[Notification, ...]:
    found = [outcome.notification for outcome in outcomes if outcome.notification is not None]
    return tuple(sorted(found, key=lambda notification: rank(notification.severity)))


def _held_only(outcomes: Iterable[_Outcome]) -> tuple[Held, ...]:
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
