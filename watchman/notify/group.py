"""Groups: which alerts go into one message, and when that message may go.

Everything follows from the alerts and from what the log says was told, so a restart changes nothing: the first message
of a group waits `group_wait` from the start of its oldest untold alert, every further one comes `group_interval` after
the last at the earliest, a repeat as soon as its interval has passed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from watchman.notify import severity
from watchman.notify.dedup import LogEntry
from watchman.notify.message import ActiveAlert
from watchman.notify.plan import QUIET_KEY, DispatchState, LogKey, Routing
from watchman.notify.route import DEFAULT_GROUP_INTERVAL_S, Node, group_key, group_labels

# Alertmanager repeats strictly after the interval; a millisecond is the next instant at which that is true.
STRICTLY_AFTER_S = 0.001
# A log entry from further in the future than this was written before the clock was set back.
_CLOCK_STEP_S = 60.0


@dataclass(slots=True)
class Batch:
    """A group of one receiver while it is being decided on. `node` is None if no route leads here any more.

    `hurry`: nothing waits for company, as at the end of quiet hours. `told_at` and `flapping` are the log entry's.
    """

    key: str
    receiver: str
    node: Node | None
    labels: Mapping[str, str]
    firing: dict[str, ActiveAlert] = field(default_factory=dict)
    told: dict[str, ActiveAlert] = field(default_factory=dict)
    sent_at: float | None = None
    repeats: int = 0
    told_at: dict[str, float] = field(default_factory=dict)
    flapping: set[str] = field(default_factory=set)
    hurry: bool = False

    @property
    def log_key(self) -> LogKey:
        """What its log entry is kept under."""
        return self.key, self.receiver

    def entry(self) -> LogEntry | None:
        """What the receiver knows, as a log entry."""
        if not self.told:
            return None
        told_at, flapping = dict(self.told_at), frozenset(self.flapping)
        return LogEntry(tuple(self.told.values()), self.sent_at or 0.0, self.repeats, told_at, flapping)


def fires(alert: ActiveAlert, now: float) -> bool:
    """True if the alert has no end or one that has not come."""
    return alert.ends_at is None or alert.ends_at > now


def collect(
    now: float,
    alerts: Sequence[ActiveAlert],
    routes: Mapping[str, list[Node]],
    state: DispatchState,
    routing: Routing,
    homes: Callable[[ActiveAlert], list[Node]],
) -> dict[LogKey, Batch]:
    """Every group with a firing alert or with something told and not closed.

    `routes`: nodes by fingerprint; `homes`: the nodes by which a told alert can have come to its reader.
    """
    batches: dict[LogKey, Batch] = {}
    for alert in alerts:
        for node in routes[alert.fingerprint]:
            join(batches, node, alert)
    for (key, receiver), entry in state.log.items():
        if key != QUIET_KEY and receiver in routing.receivers and routing.receivers[receiver].destinations:
            for alert in entry.told:
                _put_told(_home(batches, key, receiver, alert, homes(alert)), alert, entry, now)
    return batches


def join(batches: dict[LogKey, Batch], node: Node, alert: ActiveAlert) -> None:
    """Put a firing alert into its group."""
    _batch(batches, node, alert).firing[alert.fingerprint] = alert


def follow(told: ActiveAlert, record: ActiveAlert | None, now: float) -> ActiveAlert:
    """A told alert as it is now: without an end while it fires, else with its end.

    An alert that is gone without a word ended when that was first seen. One that came back before its end was told is
    still the same story to its reader.
    """
    if record is not None and fires(record, now):
        return told if told.ends_at is None else replace(told, ends_at=None)
    if record is None:
        return told if told.ends_at is not None else replace(told, ends_at=now)
    if told.ends_at is not None and told.ends_at >= (record.ends_at or 0.0):
        return told
    return replace(record, starts_at=told.starts_at, since=told.since)


def new_due_at(batch: Batch, node: Node, new: Iterable[ActiveAlert], now: float) -> float:
    """When untold alerts may go: after group_wait; in a group that has been told of something also group_interval.

    A critical alert waits for neither longer than a few seconds, unless the route sets them itself.
    """
    if batch.hurry:
        return now
    alerts = list(new)
    worst = severity.worst(severity.severity_of(alert.labels) for alert in alerts)
    wait_s = severity.group_wait_s(worst) if node.group_wait_s is None else node.group_wait_s
    # A start in the future comes from a sender whose clock is wrong; it is not waited for.
    starts_at = min(alert.starts_at if alert.starts_at <= now else now - wait_s for alert in alerts)
    hurry = worst == severity.CRITICAL and node.group_interval_s is None
    return starts_at + wait_s if hurry else max(starts_at + wait_s, interval_due_at(batch))


def interval_due_at(batch: Batch) -> float:
    """When the group may send again; at once if it has told nothing that is still open."""
    if batch.sent_at is None or not batch.told or batch.hurry:
        return 0.0
    own = batch.node.group_interval_s if batch.node else None
    return batch.sent_at + (DEFAULT_GROUP_INTERVAL_S if own is None else own)


def repeat_s(batch: Batch, firing: Iterable[ActiveAlert]) -> float | None:
    """Seconds between the last message and its repeat, by the route or by the worst severity; None: no repeat."""
    ladder = batch.node.repeat_intervals_s if batch.node else ()
    if ladder is None:
        ladder = severity.repeats_s(severity.worst(severity.severity_of(alert.labels) for alert in firing))
    return severity.repeat_after_s(ladder, batch.repeats)


def _batch(batches: dict[LogKey, Batch], node: Node, alert: ActiveAlert) -> Batch:
    key = group_key(node, alert.labels)
    fresh = Batch(key, node.receiver, node, group_labels(node, alert.labels))
    return batches.setdefault(fresh.log_key, fresh)


def _home(batches: dict[LogKey, Batch], key: str, receiver: str, alert: ActiveAlert, homes: list[Node]) -> Batch:
    """Where a told alert belongs today: a reload may have moved it into another group of the same receiver."""
    nodes = [node for node in homes if node.receiver == receiver]
    same = [node for node in nodes if group_key(node, alert.labels) == key]
    if nodes:
        return _batch(batches, (same or nodes)[0], alert)
    return batches.setdefault((key, receiver), Batch(key, receiver, None, {}))


def _put_told(batch: Batch, alert: ActiveAlert, entry: LogEntry, now: float) -> None:
    batch.told[alert.fingerprint] = alert
    sent_at = entry.sent_at if entry.sent_at <= now + _CLOCK_STEP_S else 0.0
    batch.told_at[alert.fingerprint] = min(entry.told_at.get(alert.fingerprint, sent_at), now)
    if alert.fingerprint in entry.flapping:
        batch.flapping.add(alert.fingerprint)
    if batch.sent_at is None or sent_at >= batch.sent_at:
        batch.sent_at, batch.repeats = sent_at, entry.repeats
