"""An Alertmanager's webhook on its way to a phone, and who of the two tells of an alert.

Each alert has one teller until its end is told: whoever told it first. Messages, what was told and what is known of
the alert are one commit, and only then is the webhook answered: an Alertmanager that hears no 200 posts again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any

from sqlalchemy import Connection

from watchman.alertmanager.webhook import Webhook, WebhookAlert, WebhookError, read_webhook
from watchman.book import as_active
from watchman.context import Context
from watchman.jobs.dispatching import memory as recollect
from watchman.jobs.dispatching import merged_alerts, postings
from watchman.jobs.identity import listed_there, own_labels
from watchman.jobs.tellers import ends_known_here, told_here
from watchman.notify.hold import Gate, make_gate
from watchman.notify.message import ActiveAlert, Message, Source
from watchman.notify.plan import Held, Notification, Plan
from watchman.notify.posted import PostedAlert
from watchman.notify.relay import Doors, GroupKey, GroupMemory, Post, relay
from watchman.notify.route import Node
from watchman.notify.watchdog import without_watchdog
from watchman.series import fingerprint
from watchman.store import notices, outbox, posted, relayed

log = logging.getLogger(__name__)

ECHO_S = 360.0
"""So long after an end "it fires" may be an echo: one group_interval; then Alertmanager has told the end again."""


@dataclass(frozen=True, slots=True)
class _Desk:
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


_Done = tuple[Notification | None, Sequence[Held]]


def take_webhook(context: Context, receiver: str | None, document: Any) -> None:
    """Take what an Alertmanager posts; the messages it makes are in the outbox when this returns.

    `receiver` is named by the path; else it is that of the same name as Alertmanager's, else that of the root route.
    Raises WebhookError, StoreError: then nothing is taken.
    """
    now = context.clock.now()
    hook = read_webhook(document, now)
    key = GroupKey(hook.group_key, hook.receiver, _receiver(context, receiver, hook.receiver))
    heard = _heard(context, hook, now)
    links = {alert.fingerprint: url for alert, url in heard}
    context.brought.update(alert.fingerprint for alert, _ in heard if alert.firing)
    known_here = {fingerprint(alert.labels) for alert in context.book.every_alert()}
    with context.store.begin() as connection:
        rows = {row.fingerprint: row for row in posted.load(connection, source=Source.ALERTMANAGER)}
        alerts = [alert for alert, _ in heard if not _is_old_end(alert, rows.get(alert.fingerprint))]
        fresh = [alert for alert in alerts if not _may_be_echo(alert, rows.get(alert.fingerprint), now)]
        theirs = [
            _posted(alert, links[alert.fingerprint], now) for alert in fresh if alert.fingerprint not in known_here
        ]
        news = posted.put(connection, theirs, now).news
        desk = _desk(context, connection, now)
        desk.groups.setdefault(key, GroupMemory(hook.group_labels))
        _adopt(desk, key, {alert.fingerprint for alert in alerts})
        done = _decide(
            context, desk, key, _post(desk, key, without_watchdog(context.wiring.watchdog, alerts)), _note(hook)
        )
    _tell(context, done)
    context.metrics.webhooks.labels("told" if done[0] else "nothing new").inc()
    if news:
        context.want_dispatch()


def relay_again(context: Context) -> None:
    """Tell what a silence, an inhibition or a mute held back of the groups, once that is over."""
    with context.store.read() as connection:
        if not any(_has_held(memory) for memory in relayed.load(connection).values()):
            return
    with context.store.begin() as connection:
        desk = _desk(context, connection, context.clock.now())
        done = [_decide(context, desk, key, None, "") for key in list(desk.groups)]
    for one in done:
        _tell(context, one)


def close(context: Context, ended: Mapping[str, float], note: str) -> None:
    """Tell the end of alerts whose end no webhook tells: by fingerprint, unix seconds."""
    with context.store.begin() as connection:
        now = context.clock.now()
        known = [row for row in posted.load(connection, source=Source.ALERTMANAGER) if row.fingerprint in ended]
        rows = [replace(row, ends_at=ended[row.fingerprint], updated_at=now) for row in known if row.is_open]
        posted.put(connection, rows, now)
        desk, done = _desk(context, connection, now), []
        for key, memory in list(desk.groups.items()):
            over = [one for one in (*memory.told, *memory.waiting) if one.fingerprint in ended]
            if over:
                post = Post(over=tuple(replace(one, ends_at=ended[one.fingerprint]) for one in over))
                done.append(_decide(context, desk, key, post, note))
    for one in done:
        _tell(context, one)


def _receiver(context: Context, by_path: str | None, theirs: str) -> str:
    receivers = context.wiring.routing.receivers
    if by_path is not None and by_path not in receivers:
        known = ", ".join(receivers)
        raise WebhookError(f'no receiver is called "{by_path[:100]}"; there is {known}', 404)
    return by_path or (theirs if theirs in receivers else context.wiring.routing.root.receiver)


def _heard(context: Context, hook: Webhook, now: float) -> list[tuple[ActiveAlert, str]]:
    """The alerts of a webhook, those of own rules in our own words, each with its link."""
    here = own_labels(context)
    own = (as_active(alert, Source.RULES) for alert in context.book.every_alert())
    known = {alert.fingerprint: alert for alert in own if alert is not None}
    return [(_active(alert, here(alert.labels), known, now), alert.generator_url) for alert in hook.alerts]


def _active(
    alert: WebhookAlert, labels: Mapping[str, str], known: Mapping[str, ActiveAlert], now: float
) -> ActiveAlert:
    name = fingerprint(labels)
    mine = known.get(name)
    if mine is not None:
        # Its Alertmanager decides when it is told as over; when it was over is known better here.
        return replace(mine, ends_at=None if alert.ends_at is None else mine.ends_at or alert.ends_at)
    starts_at = alert.ends_at or now if alert.starts_at is None else alert.starts_at
    return ActiveAlert(name, labels, alert.annotations, starts_at, alert.ends_at, source=Source.ALERTMANAGER)


def _posted(alert: ActiveAlert, generator_url: str, now: float) -> PostedAlert:
    return PostedAlert(
        fingerprint=alert.fingerprint,
        source=Source.ALERTMANAGER,
        labels=alert.labels,
        annotations=alert.annotations,
        starts_at=alert.starts_at,
        ends_at=alert.ends_at,
        updated_at=now,
        generator_url=generator_url,
    )


def _desk(context: Context, connection: Connection, now: float) -> _Desk:
    theirs = posted.load(connection)
    alerts = merged_alerts(context, theirs, now)
    firing = [alert for alert in alerts if alert.firing]
    gate = make_gate(now, firing, context.wiring.routing, recollect(context, connection, now))
    ours = told_here(context, connection, firing)
    groups, over = relayed.load(connection), ends_known_here(context, alerts, now)
    closed = {row.fingerprint: row for row in theirs if row.source is Source.ALERTMANAGER and not row.is_open}
    here = frozenset(alert.fingerprint for alert in firing if alert.source is not Source.ALERTMANAGER)
    return _Desk(now, connection, gate, groups, dict(groups), ours, here, over, closed)


def _is_echo(alert: ActiveAlert, row: PostedAlert | None) -> bool:
    """True if an alert is said to fire whose end was told.

    A second member of a cluster looks at its alerts, then waits for the first one to tell, and does not look again.
    """
    return alert.firing and row is not None and not row.is_open and (row.ends_at or 0.0) > alert.starts_at


def _may_be_echo(alert: ActiveAlert, row: PostedAlert | None, now: float) -> bool:
    """True for what is said now and may have been seen before the end."""
    return row is not None and _is_echo(alert, row) and now - row.updated_at < ECHO_S


def _is_old_end(alert: ActiveAlert, row: PostedAlert | None) -> bool:
    """True for the end of what has begun anew meanwhile."""
    return alert.ends_at is not None and row is not None and row.is_open and alert.ends_at < row.starts_at


def _is_doubted(context: Context, desk: _Desk, alert: ActiveAlert) -> bool:
    """True while nobody knows whether an alert fires again or is an echo: the members' lists tell, or time does."""
    row = desk.closed.get(alert.fingerprint)
    if row is None or not _is_echo(alert, row):
        return False
    if not context.wiring.members or context.cluster.down_since is not None:
        return desk.now - row.updated_at < ECHO_S
    return context.cluster.looked_at <= row.updated_at or listed_there(context, alert) is None


def _adopt(desk: _Desk, key: GroupKey, names: set[str]) -> None:
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


def _post(desk: _Desk, key: GroupKey, heard: Iterable[ActiveAlert]) -> Post:
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


def _is_past(desk: _Desk, alert: ActiveAlert) -> bool:
    """True if who told the Alertmanager of it has said meanwhile that it is over."""
    return desk.over.get(alert.fingerprint, -1.0) >= alert.starts_at


def _decide(context: Context, desk: _Desk, key: GroupKey, post: Post | None, note: str) -> _Done:
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


def _held(desk: _Desk, key: GroupKey, memory: GroupMemory, node: Node) -> Iterator[Held]:
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


def _note(hook: Webhook) -> str:
    lost = []
    if hook.truncated:
        lost.append(f"Alertmanager cut off {hook.truncated} more (max_alerts).")
    if hook.unreadable:
        lost.append(f"{hook.unreadable} could not be read.")
    return " ".join(lost)


def _with_note(message: Message, note: str) -> Message:
    if not note:
        return message
    html = message.html
    if html is not None:
        body, end, tail = html.rpartition("</body>")
        html = f"{body}<p>{escape(note)}</p>{end}{tail}" if end else f"{html}<p>{escape(note)}</p>"
    return replace(message, text=f"{message.text}\n{note}", html=html)


def _tell(context: Context, done: _Done) -> None:
    notification, held = done
    for one in held:
        context.metrics.held.labels(one.receiver, one.reason.value).inc()
        log.info("kept from %s: %s (%s)", one.receiver, one.alert.name, one.reason.value)
    if notification is not None:
        reason = notification.reason.value
        context.metrics.notifications.labels(notification.receiver, reason).inc()
        names = [alert.name for alert in notification.firing] + [f"{one.name} over" for one in notification.resolved]
        log.info("to %s from Alertmanager: %s (%s)", notification.receiver, ", ".join(names), reason)
        context.want_delivery()


def _has_held(memory: GroupMemory) -> bool:
    return bool(memory.waiting) or any(alert.ends_at is not None for alert in memory.told)
