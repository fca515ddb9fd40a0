"""One group: what may be said of its alerts now, whether a message is due, and what the log says afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from watchman.notify.dedup import LogEntry, Reason, decide, wants_over
from watchman.notify.group import STRICTLY_AFTER_S, Batch, follow, interval_due_at, new_due_at, repeat_s
from watchman.notify.hold import Gate, Hold
from watchman.notify.message import ActiveAlert
from watchman.notify.plan import Held, HoldReason, Notification
from watchman.notify.severity import CRITICAL, rank, severity_of


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one group. `hushed` are untold alerts, `hushed_end` told ones' ends, that quiet hours keep."""

    entry: LogEntry | None
    notification: Notification | None
    held: tuple[Held, ...]
    due: tuple[float, ...]
    hushed: tuple[ActiveAlert, ...] = ()
    hushed_end: bool = False


@dataclass(slots=True)
class _Sorted:
    """The alerts of a batch by what may be said of them.

    `unseen` fire and nobody has acknowledged them; `begun` begin to be told as flapping, `calm` no longer flap.
    """

    firing: list[ActiveAlert] = field(default_factory=list)
    unseen: list[ActiveAlert] = field(default_factory=list)
    new: list[ActiveAlert] = field(default_factory=list)
    over: list[ActiveAlert] = field(default_factory=list)
    still_open: dict[str, ActiveAlert] = field(default_factory=dict)
    held: list[Held] = field(default_factory=list)
    until: list[float] = field(default_factory=list)
    begun: set[str] = field(default_factory=set)
    calm: set[str] = field(default_factory=set)
    hushed: list[ActiveAlert] = field(default_factory=list)
    hushed_end: bool = False


def settle(batch: Batch, records: Mapping[str, ActiveAlert], gate: Gate) -> Outcome:
    """Decide on one group: send now, or when to look again. `records`: every known alert by fingerprint."""
    parts = _sort(batch, records, gate)
    repeat = repeat_s(batch, parts.unseen)
    due = _due(batch, parts, repeat, gate.now)
    reason = Reason.NOTHING
    if any(at <= gate.now for at in due):
        reason = _reason(batch, parts, gate.now, repeat)
    if reason is not Reason.NOTHING:
        return _send(batch, parts, reason, gate.now)
    told = {**parts.still_open, **{alert.fingerprint: alert for alert in parts.over}}
    entry = _entry(batch, parts, told, batch.sent_at or 0.0, batch.repeats)
    return _outcome(entry, None, parts, (*due, *parts.until))


def _outcome(
    entry: LogEntry | None, notification: Notification | None, parts: _Sorted, due: Iterable[float]
) -> Outcome:
    return Outcome(entry, notification, tuple(parts.held), tuple(due), tuple(parts.hushed), parts.hushed_end)


def _sort(batch: Batch, records: Mapping[str, ActiveAlert], gate: Gate) -> _Sorted:
    parts = _Sorted()
    for alert in batch.firing.values():
        _place_firing(batch, alert, gate, parts)
    send_resolved = gate.routing.receivers[batch.receiver].send_resolved if batch.told else True
    for fingerprint, told in batch.told.items():
        alert = follow(told, records.get(fingerprint), gate.now)
        if alert.ends_at is None:
            parts.still_open[fingerprint] = alert
        else:
            _place_over(batch, alert, gate, parts, wanted=wants_over(alert, send_resolved))
    parts.unseen = [alert for alert in parts.firing if not gate.is_acknowledged(alert)]
    return parts


def _place_firing(batch: Batch, alert: ActiveAlert, gate: Gate, parts: _Sorted) -> None:
    assert batch.node is not None, "only a route puts firing alerts into a batch"
    name = alert.fingerprint
    known = name in batch.told
    hold = gate.told(alert, batch.node, batch.receiver) if known else gate.untold(alert, batch.node)
    flagged = name in batch.flapping
    until = gate.flaps_until(name, known=flagged) if hold is None or flagged else None
    if hold is None and flagged and until is not None:
        # The reader knows that it comes and goes. The worst is repeated as long as it fires all the same.
        hold = None if severity_of(alert.labels) == CRITICAL else Hold(HoldReason.FLAPPING, until)
        _keep(parts, batch, alert, Hold(HoldReason.FLAPPING, until))
    elif hold is not None and not known:
        _keep(parts, batch, alert, hold)
    if hold is not None:
        parts.until += [] if hold.until is None else [hold.until]
        return
    parts.firing.append(alert)
    if not known:
        parts.new.append(alert)
    if not flagged and until is not None:
        parts.begun.add(name)
    if flagged and until is None:
        parts.calm.add(name)


def _keep(parts: _Sorted, batch: Batch, alert: ActiveAlert, hold: Hold) -> None:
    parts.held.append(Held(alert.fingerprint, batch.receiver, hold.reason, hold.until, alert))
    if hold.reason is HoldReason.QUIET_HOURS:
        parts.hushed.append(alert)


def _place_over(batch: Batch, alert: ActiveAlert, gate: Gate, parts: _Sorted, *, wanted: bool) -> None:
    """The end of a told alert: told now, kept for later, or of no interest to this reader."""
    hold = gate.told(alert, batch.node, batch.receiver) if wanted else None
    if alert.fingerprint in batch.flapping and hold is None:
        until = gate.flaps_until(alert.fingerprint, known=True)
        hold = None if until is None else Hold(HoldReason.FLAPPING, until)
    if hold is not None:
        parts.still_open[alert.fingerprint] = alert
        parts.until += [] if hold.until is None else [hold.until]
        parts.hushed_end |= hold.reason is HoldReason.QUIET_HOURS
    elif wanted:
        parts.over.append(alert)


def _due(batch: Batch, parts: _Sorted, repeat: float | None, now: float) -> tuple[float, ...]:
    """When this group has something to say: new alerts, ends, a repeat, flapping that begins or is over."""
    due: list[float] = []
    if parts.new and batch.node is not None:
        due.append(new_due_at(batch, batch.node, parts.new, now))
    if parts.over:
        due.append(interval_due_at(batch))
    if repeat is not None and parts.unseen and batch.told and batch.sent_at is not None:
        due.append(batch.sent_at + repeat + STRICTLY_AFTER_S)
    if parts.calm or parts.begun.intersection(batch.told):
        due.append(now)
    return tuple(due)


def _reason(batch: Batch, parts: _Sorted, now: float, repeat: float | None) -> Reason:
    reason = decide(
        batch.entry(),
        [alert.fingerprint for alert in parts.firing],
        [alert.fingerprint for alert in parts.over],
        now,
        repeat if parts.unseen else None,
        still_open=any(alert.ends_at is None for alert in parts.still_open.values()),
    )
    only_flapping = all(alert.fingerprint in parts.begun for alert in parts.new)
    if parts.begun and only_flapping and not parts.over:
        return Reason.FLAPPING
    if parts.calm and reason in (Reason.NOTHING, Reason.REPEAT):
        return Reason.CALM
    return reason


def _send(batch: Batch, parts: _Sorted, reason: Reason, now: float) -> Outcome:
    # What somebody has seen is not repeated, but stays in the picture when there is something new.
    shown = parts.unseen if reason is Reason.REPEAT else parts.firing
    repeats = {Reason.REPEAT: batch.repeats + 1, Reason.SOME_RESOLVED: batch.repeats}.get(reason, 0)
    notification = Notification(
        receiver=batch.receiver,
        group_key=batch.key,
        group_labels=batch.labels,
        reason=reason,
        firing=tuple(sorted(shown, key=lambda alert: (rank(severity_of(alert.labels)), alert.starts_at))),
        resolved=tuple(parts.over),
        new=frozenset(alert.fingerprint for alert in parts.new),
        at=now,
        repeats=repeats,
        previous_at=batch.sent_at if batch.told else None,
        flapping=frozenset((batch.flapping - parts.calm) | parts.begun),
    )
    told = {**parts.still_open, **{alert.fingerprint: alert for alert in parts.new}}
    entry = _entry(batch, parts, told, now, repeats)
    batch.repeats = repeats
    again = repeat_s(batch, parts.unseen)
    due = () if again is None or not parts.unseen else (now + again + STRICTLY_AFTER_S,)
    return _outcome(entry, notification, parts, (*due, *parts.until))


def _entry(batch: Batch, parts: _Sorted, told: dict[str, ActiveAlert], sent_at: float, repeats: int) -> LogEntry | None:
    """The log entry of a group; the order of its alerts is kept so that an unchanged entry stays equal."""
    order = [name for name in batch.told if name in told] + [name for name in told if name not in batch.told]
    if not order:
        return None
    flapping = frozenset((batch.flapping | parts.begun) - parts.calm) & frozenset(order)
    told_at = {name: batch.told_at.get(name, sent_at) for name in order}
    return LogEntry(tuple(told[name] for name in order), sent_at, repeats, told_at, flapping)
