"""The night of a receiver with quiet hours: what may wait is kept, and in the morning it is told in one message."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from watchman.notify.ack import SAME_INCIDENT_S
from watchman.notify.dedup import LogEntry, Reason
from watchman.notify.hold import Gate
from watchman.notify.message import ActiveAlert
from watchman.notify.plan import QUIET_KEY, DispatchState, LogKey, Notification
from watchman.notify.settle import Outcome
from watchman.notify.severity import CRITICAL, rank, severity_of

Outcomes = dict[LogKey, Outcome]


@dataclass(frozen=True, slots=True)
class Night:
    """What waits for the end of a receiver's quiet hours: alerts it does not know of, each with its end if it is over.

    A night without alerts says that only ends of told ones wait. `until`: None once the quiet hours are over.
    """

    waiting: tuple[ActiveAlert, ...]
    since: float
    until: float | None


def open_nights(state: DispatchState, records: Mapping[str, ActiveAlert], gate: Gate) -> dict[str, Night]:
    """The night of every receiver for whom something waits."""
    return {
        receiver: Night(_as_they_are(entry.told, records, gate.now), entry.sent_at, gate.quiet_until(receiver))
        for (key, receiver), entry in state.log.items()
        if key == QUIET_KEY and receiver in gate.routing.receivers
    }


def end_nights(nights: Mapping[str, Night], outcomes: Outcomes, gate: Gate) -> Outcomes:
    """The outcomes with those of the nights: a longer list of what waits, or one message in the place of many."""
    hushed = {key[1] for key, outcome in outcomes.items() if outcome.hushed or outcome.hushed_end}
    found = dict(outcomes)
    for receiver in sorted(hushed | set(nights)):
        night = nights.get(receiver) or Night((), gate.now, gate.quiet_until(receiver))
        mine = {key: outcome for key, outcome in outcomes.items() if key[1] == receiver}
        found |= _morning(receiver, night, mine, gate) if night.until is None else _sleep(receiver, night, mine)
    return found


def _sleep(receiver: str, night: Night, mine: Outcomes) -> Outcomes:
    told = {alert.fingerprint for notification in _notifications(mine) for alert in notification.firing}
    more = [alert for outcome in mine.values() for alert in outcome.hushed]
    waiting = [alert for alert in _with_more(night.waiting, more) if alert.fingerprint not in told]
    due = () if night.until is None else (night.until,)
    return {(QUIET_KEY, receiver): Outcome(LogEntry(tuple(waiting), night.since), None, (), due)}


def _morning(receiver: str, night: Night, mine: Outcomes, gate: Gate) -> Outcomes:
    """A critical message keeps its own place; all others become one, if there is more than one to tell."""
    over = [alert for alert in night.waiting if _is_over(alert, gate.now) and not gate.told(alert, None, receiver)]
    parts = [part for part in _notifications(mine) if part.severity != CRITICAL]
    if not over and len(parts) < 2:
        return {}
    merged = {
        key: replace(outcome, notification=None) if outcome.notification in parts else outcome
        for key, outcome in mine.items()
    }
    return {**merged, (QUIET_KEY, receiver): Outcome(None, _summary(receiver, parts, over, gate.now), (), ())}


def _summary(receiver: str, parts: Sequence[Notification], over: Sequence[ActiveAlert], now: float) -> Notification:
    firing = {alert.fingerprint: alert for part in parts for alert in part.firing}
    resolved = [*(alert for part in parts for alert in part.resolved), *over]
    return Notification(
        receiver=receiver,
        group_key=QUIET_KEY,
        group_labels={},
        reason=Reason.QUIET,
        firing=tuple(sorted(firing.values(), key=lambda alert: (rank(severity_of(alert.labels)), alert.starts_at))),
        resolved=tuple(sorted(resolved, key=lambda alert: alert.starts_at)),
        new=frozenset(name for part in parts for name in part.new),
        at=now,
        flapping=frozenset(name for part in parts for name in part.flapping),
    )


def _notifications(outcomes: Outcomes) -> list[Notification]:
    return [outcome.notification for outcome in outcomes.values() if outcome.notification is not None]


def _as_they_are(
    kept: Iterable[ActiveAlert], records: Mapping[str, ActiveAlert], now: float
) -> tuple[ActiveAlert, ...]:
    return tuple(_as_it_is(alert, records.get(alert.fingerprint), now) for alert in kept)


def _as_it_is(kept: ActiveAlert, record: ActiveAlert | None, now: float) -> ActiveAlert:
    if kept.ends_at is not None and kept.ends_at <= now:
        return kept
    if record is None or not _same_incident(kept, record):
        return replace(kept, ends_at=now)
    return record


def _with_more(waiting: Sequence[ActiveAlert], more: Sequence[ActiveAlert]) -> list[ActiveAlert]:
    found = list(waiting)
    for alert in more:
        if not any(_same_incident(alert, other) for other in found):
            found.append(alert)
    return found


def _same_incident(one: ActiveAlert, other: ActiveAlert) -> bool:
    return one.fingerprint == other.fingerprint and abs(one.starts_at - other.starts_at) < SAME_INCIDENT_S


def _is_over(alert: ActiveAlert, now: float) -> bool:
    return alert.ends_at is not None and alert.ends_at <= now
