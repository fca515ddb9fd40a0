"""An Alertmanager's webhook on its way to a phone.

Messages, what was told and what is known of the alert are one commit, and only then is the webhook answered: an
Alertmanager that hears no 200 posts again.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from watchman.alertmanager.webhook import Webhook, WebhookAlert, WebhookError, read_webhook
from watchman.book import as_active
from watchman.context import Context
from watchman.jobs.identity import own_labels
from watchman.jobs.relay_desk import Done, adopt, decide, for_group, is_old_end, make_desk, may_be_echo
from watchman.notify.message import ActiveAlert, Source
from watchman.notify.posted import PostedAlert
from watchman.notify.relay import GroupKey, GroupMemory, Post
from watchman.notify.watchdog import without_watchdog
from watchman.series import fingerprint
from watchman.store import posted, relayed

log = logging.getLogger(__name__)


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
    known_here = {fingerprint(alert.labels) for alert in context.book.every_alert()}
    with context.store.begin() as connection:
        rows = {row.fingerprint: row for row in posted.load(connection, source=Source.ALERTMANAGER)}
        alerts = [alert for alert, _ in heard if not is_old_end(alert, rows.get(alert.fingerprint))]
        fresh = [alert for alert in alerts if not may_be_echo(alert, rows.get(alert.fingerprint), now)]
        theirs = [
            _posted(alert, links[alert.fingerprint], now) for alert in fresh if alert.fingerprint not in known_here
        ]
        news = posted.put(connection, theirs, now).news
        desk = make_desk(context, connection, now)
        desk.groups.setdefault(key, GroupMemory(hook.group_labels))
        adopt(desk, key, {alert.fingerprint for alert in alerts})
        done = decide(
            context, desk, key, for_group(desk, key, without_watchdog(context.wiring.watchdog, alerts)), _note(hook)
        )
    context.brought.update(alert.fingerprint for alert, _ in heard if alert.firing)
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
        desk = make_desk(context, connection, context.clock.now())
        done = [decide(context, desk, key, None, "") for key in list(desk.groups)]
    for one in done:
        _tell(context, one)


def close(context: Context, ended: Mapping[str, float], note: str) -> None:
    """Tell the end of alerts whose end no webhook tells: by fingerprint, unix seconds."""
    with context.store.begin() as connection:
        now = context.clock.now()
        known = [row for row in posted.load(connection, source=Source.ALERTMANAGER) if row.fingerprint in ended]
        rows = [replace(row, ends_at=ended[row.fingerprint], updated_at=now) for row in known if row.is_open]
        posted.put(connection, rows, now)
        desk, done = make_desk(context, connection, now), []
        for key, memory in list(desk.groups.items()):
            over = [one for one in (*memory.told, *memory.waiting) if one.fingerprint in ended]
            if over:
                post = Post(over=tuple(replace(one, ends_at=ended[one.fingerprint]) for one in over))
                done.append(decide(context, desk, key, post, note))
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


def _note(hook: Webhook) -> str:
    lost = []
    if hook.truncated:
        lost.append(f"Alertmanager cut off {hook.truncated} more (max_alerts).")
    if hook.unreadable:
        lost.append(f"{hook.unreadable} could not be read.")
    return " ".join(lost)


def _tell(context: Context, done: Done) -> None:
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
