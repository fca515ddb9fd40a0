"""What is decided on a group that an Alertmanager tells: which of its alerts are for it to tell, and which are doubted.

Each alert has one teller until its end is told. All is read, decided and written in one transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape

from sqlalchemy import Connection

from watchman.context import Context
from watchman.jobs.dispatching import memory as recollect
from watchman.jobs.dispatching import merged_alerts, postings
from watchman.jobs.identity import listed_there
from watchman.jobs.tellers import ends_known_here, told_here
from watchman.notify.hold import Gate, make_gate
from watchman.notify.message import ActiveAlert, Message, Source
from watchman.notify.plan import Held, Notification, Plan
from watchman.notify.posted import PostedAlert
from watchman.notify.relay import Doors, GroupKey, GroupMemory, Post, relay
from watchman.notify.route import Node
from watchman.store import notices, outbox, posted, relayed

ECHO_S = 360.0
"""So long after an end "it fires" may be an echo: one group_interval; then Alertmanager has told the end again."""


@dataclass(frozen=True, slots=True)
class Desk:
    """All that deciding on a group needs, read in one transaction; `groups` change, `stored` is how they were.

    `ours`: alerts that are dispatch's to tell; `fires_here`: those that another source than an Alertmanager says fire.

    `over`: when alerts ended (unix seconds) that another source knows and no other source reports any more; `closed`:
    those of a webhook that are over.
    """

    now: float
    connection: Connection
    gate: Gate
    stored: Mapping[GroupKey, GroupMemory]
    groups: dict[GroupKey, GroupMemory]
    ours: frozenset[str]
    fires_here: frozenset[str]
    over: Mapping[str, float]
    closed: Mapping[str, PostedAlert]


Done = tuple[Notification | None, Sequence[Held]]
"""What is told, and what is held back and was not noted before."""


def make_desk(context: Context, connection: Connection, now: float) -> Desk:
    """Read all that deciding needs."""
    theirs = posted.load(connection)
    alerts = merged_alerts(context, theirs, now)
    firing = [alert for alert in alerts if alert.firing]
    gate = make_gate(now, firing, context.wiring.routing, recollect(context, connection, now))
    ours = told_here(context, connection, firing)
    groups, over = relayed.load(connection), ends_known_here(context, alerts, now)
    closed = {row.fingerprint: row for row in theirs if row.source is Source.ALERTMANAGER and not row.is_open}
    here = frozenset(alert.fingerprint for alert in firing if alert.source is not Source.ALERTMANAGER)
    return Desk(now, connection, gate, groups, dict(groups), ours, here, over, closed)


def _is_echo(alert: ActiveAlert, row: PostedAlert | None) -> bool:
    """True if an alert is said to fire whose end was told.

    A second member of a cluster looks at its alerts, then waits for the first one to tell, and does not look again.
    """
    return alert.firing and row is not None and not row.is_open and (row.ends_at or 0.0) > alert.starts_at


def may_be_echo(alert: ActiveAlert, row: PostedAlert | None, now: float) -> bool:
    """True for what is said now and may have been seen before the end."""
    return row is not None and _is_echo(alert, row) and now - row.updated_at < ECHO_S


def is_old_end(alert: ActiveAlert, row: PostedAlert | None) -> bool:
    """True for the end of what has begun anew meanwhile."""
    return alert.ends_at is not None and row is not None and row.is_open and alert.ends_at < row.starts_at


def adopt(desk: Desk, key: GroupKey, names: set[str]) -> None:
    """What the same receiver knows of these alerts from other groups goes into this one: it tells of them now."""
    for other, memory in list(desk.groups.items()):
        if other == key or other.receiver != key.receiver:
            continue
        moved = [alert for alert in memory.told if alert.fingerprint in names]
        rest = replace(
            memory,
            told=tuple(alert for alert in memory.told if alert.fingerprint not in names),
            waiting=tuple(alert for alert in memory.waiting if alert.fingerprint not in names),
        )
        if rest != memory:
            desk.groups[other] = rest
            relayed.save(desk.connection, other, rest, desk.now)
            own = desk.groups[key]
            sent_at = max(own.sent_at, memory.sent_at)
            desk.groups[key] = replace(own, told=(*own.told, *moved), sent_at=sent_at)


def for_group(desk: Desk, key: GroupKey, heard: Iterable[ActiveAlert]) -> Post:
    """What of a webhook is for this group to tell."""
    told = {alert.fingerprint for alert in desk.groups[key].told}
    firing, over = [], []
    for alert in heard:
        if not alert.firing and alert.fingerprint in desk.fires_here:
            # It heard nothing of it for a while and takes it for over; who told it knows better.
            continue
        if not alert.firing:
            over.append(alert)
        elif alert.fingerprint not in desk.ours and (alert.fingerprint in told or not _is_past(desk, alert)):
            firing.append(alert)
    # One alert may be there twice, with and without the labels that we add: it fires while one of them does.
    fires = {alert.fingerprint for alert in firing}
    return Post(tuple(firing), tuple(alert for alert in over if alert.fingerprint not in fires))


def decide(context: Context, desk: Desk, key: GroupKey, post: Post | None, note: str) -> Done:
    """Work out what to tell a group now, and write it and what is known then; `note` is added to the message."""
    memory, receiver = desk.groups[key], context.wiring.routing.receivers.get(key.receiver)
    if receiver is None or not receiver.destinations:
        # There is nobody (any more) who could be told.
        relayed.save(desk.connection, key, GroupMemory(), desk.now)
        return None, ()
    node = _node(key)
    doors = Doors(
        untold=lambda alert: desk.gate.untold(alert, node) is not None or _is_doubted(context, desk, alert),
        told=lambda alert: desk.gate.told(alert, node, key.receiver) is not None,
        acknowledged=desk.gate.is_acknowledged,
        send_resolved=receiver.send_resolved,
    )
    after, notification = relay(desk.now, key, memory, post, doors)
    desk.groups[key] = after
    if after != desk.stored.get(key):
        relayed.save(desk.connection, key, after, desk.now)
    held = notices.add_held(desk.connection, _held(desk, key, after, node), desk.now)
    if notification is not None:
        again = [desk.closed[name] for name in sorted(notification.new) if name in desk.closed]
        posted.put(desk.connection, [replace(row, ends_at=None, updated_at=desk.now) for row in again], desk.now)
        rows = postings(context, Plan((notification,), {}, (), None), desk.connection)
        noted = (replace(row, message=_with_note(row.message, note)) for row in rows)
        outbox.add(desk.connection, noted, desk.now)
    return notification, held


def _is_doubted(context: Context, desk: Desk, alert: ActiveAlert) -> bool:
    """True while nobody knows whether an alert fires again or is an echo: the members' lists tell, or time does."""
    row = desk.closed.get(alert.fingerprint)
    if row is None or not _is_echo(alert, row):
        return False
    if not context.wiring.members or context.cluster.down_since is not None:
        return desk.now - row.updated_at < ECHO_S
    return context.cluster.looked_at <= row.updated_at or listed_there(context, alert) is None


def _is_past(desk: Desk, alert: ActiveAlert) -> bool:
    """True if who told the Alertmanager of it has said meanwhile that it is over."""
    return desk.over.get(alert.fingerprint, -1.0) >= alert.starts_at


def _held(desk: Desk, key: GroupKey, memory: GroupMemory, node: Node) -> Iterator[Held]:
    for alert in memory.waiting:
        hold = desk.gate.untold(alert, node)
        if hold is not None:
            yield Held(alert.fingerprint, key.receiver, hold.reason, hold.until, alert)


def _node(key: GroupKey) -> Node:
    """The route that Alertmanager walked: it waits for nothing and repeats nothing here."""
    return Node(
        key=key.group,
        receiver=key.receiver,
        group_by=(),
        group_wait_s=0.0,
        group_interval_s=0.0,
        repeat_intervals_s=(),
        matchers=(),
        continue_=False,
        mute_time_intervals=(),
        active_time_intervals=(),
        selects_info=False,
        children=(),
    )


def _with_note(message: Message, note: str) -> Message:
    if not note:
        return message
    html = message.html
    if html is not None:
        body, end, tail = html.rpartition("</body>")
        html = f"{body}<p>{escape(note)}</p>{end}{tail}" if end else f"{html}<p>{escape(note)}</p>"
    return replace(message, text=f"{message.text}\n{note}", html=html)
