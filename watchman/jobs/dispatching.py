"""From alerts to outbox rows: decide, render, and write messages and log in one transaction."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

from sqlalchemy import Connection

from watchman.actions import choices_for
from watchman.book import as_active
from watchman.context import Context
from watchman.jobs.tellers import told_elsewhere
from watchman.notify.destination import MAIL_SCHEMES, scheme_of
from watchman.notify.dispatch import dispatch as decide
from watchman.notify.message import ActiveAlert, Message, Source
from watchman.notify.outbox import subjects_of
from watchman.notify.plan import DispatchState, Held, Notification, Plan
from watchman.notify.posted import PostedAlert
from watchman.notify.posted import as_active as posted_as_active
from watchman.notify.severity import CRITICAL
from watchman.notify.watchdog import without_watchdog
from watchman.store import notices, outbox, posted, silences
from watchman.store.acks import load_acks
from watchman.store.alerts import last_end, often_fired, recent_incidents
from watchman.store.cases import save_case

log = logging.getLogger(__name__)

NEVER = float("inf")
RETRY_S = 5.0
URGENT_S = 20.0


def dispatch(context: Context) -> None:
    """Decide what to tell whom, now; what is decided is in the outbox when this returns."""
    context.dispatch_wanted.clear()
    now = context.clock.now()
    # Holds if the store fails below: what changed must not wait for the next change.
    context.next_dispatch_at = now + RETRY_S
    with context.store.begin() as connection:
        posted.close_ended(connection, now)
        theirs = posted.load(connection)
        alerts = without_watchdog(context.wiring.watchdog, merged_alerts(context, theirs, now))
        elsewhere = told_elsewhere(context, connection, alerts)
        state = replace(memory(context, connection, now), elsewhere=elsewhere)
        plan = decide(now, alerts, context.wiring.routing, state)
        added = outbox.add(connection, postings(context, plan, connection), now)
        notices.save_log(connection, plan.log, now)
        notices.add_told(connection, plan.notifications, now)
        fresh = notices.add_held(connection, plan.held, now)
    _count(context, plan, fresh)
    ends = [alert.ends_at for alert in theirs if alert.is_open and alert.ends_at is not None]
    context.next_dispatch_at = min([*ends, NEVER if plan.next_due is None else plan.next_due])
    if any(notification.severity == CRITICAL for notification in plan.notifications):
        context.urgent_until = context.clock.monotonic() + URGENT_S
    if added:
        context.want_delivery()


def active_alerts(context: Context, connection: Connection) -> list[ActiveAlert]:
    """Every alert of every source that fires or has just ended."""
    return merged_alerts(context, posted.load(connection), context.clock.now())


def merged_alerts(context: Context, theirs: Iterable[PostedAlert], now: float) -> list[ActiveAlert]:
    """The alerts of own rules and those that others sent. One alert may be there twice, from two sources."""
    own = (as_active(alert, Source.RULES) for alert in context.book.every_alert())
    return [alert for alert in own if alert is not None] + [posted_as_active(alert, now) for alert in theirs]


def memory(context: Context, connection: Connection, now: float) -> DispatchState:
    """What decisions remember, own silences and those of the Alertmanager included."""
    told = notices.load_log(connection)
    flapping = context.wiring.routing.flapping
    suspects = {name for entry in told.values() for name in entry.flapping}
    if flapping is not None:
        suspects |= often_fired(connection, now - flapping.within_s)
    return DispatchState(
        log=told,
        silences=(*silences.load(connection, ends_after=now), *context.silences),
        last_end=partial(last_end, connection),
        acks=load_acks(connection),
        # Nearly no alert flaps: one question for all spares one for each.
        recent=lambda name, since: recent_incidents(connection, name, since) if name in suspects else (),
        is_away=context.is_away,
    )


def postings(context: Context, plan: Plan, connection: Connection) -> Iterator[outbox.Posting]:
    """One outbox row for each destination of each message, worst first; what their links are about is kept."""
    acks = load_acks(connection) if plan.notifications else ()
    for notification in plan.notifications:
        what = choices_for(context, notification)
        if what is not None:
            save_case(connection, what[0], notification.at)
        message = context.wiring.render(notification, what[1] if what else None, acks)
        _tell_faults(context, notification, message)
        thread = hashlib.sha256(f"{notification.group_key}|{notification.receiver}".encode()).hexdigest()[:32]
        subjects = subjects_of((*notification.firing, *notification.resolved), notification.at)
        for destination, url in context.wiring.destinations[notification.receiver].items():
            yield outbox.Posting(
                receiver=notification.receiver,
                destination=destination,
                kind="alert",
                dedup_key=f"{notification.identity}|{destination}",
                # Only mail shows HTML; elsewhere it would only fill the outbox.
                message=message if scheme_of(url) in MAIL_SCHEMES else replace(message, html=None),
                reason=notification.reason.value,
                thread=thread,
                subjects=subjects,
            )


def _tell_faults(context: Context, notification: Notification, message: Message) -> None:
    for fault in message.template_faults:
        part, _, what = fault.partition(": ")
        context.metrics.template_failures.labels(notification.receiver, part).inc()
        log.warning(
            "the %s template of receiver %s failed, watchman's own words went out: %s",
            part,
            notification.receiver,
            what,
        )


def is_urgent(context: Context) -> bool:
    """True while a critical message has just been decided on and is likely to be on its way."""
    return context.clock.monotonic() < context.urgent_until


def _count(context: Context, plan: Plan, held: list[Held]) -> None:
    for notification in plan.notifications:
        context.metrics.notifications.labels(notification.receiver, notification.reason.value).inc()
        log.info("to %s: %s (%s)", notification.receiver, _names(notification), notification.reason.value)
    for one in held:
        context.metrics.held.labels(one.receiver, one.reason.value).inc()
        log.info("kept from %s: %s (%s)", one.receiver, one.alert.name, one.reason.value)


def _names(notification: Notification) -> str:
    over = [f"{alert.name} over" for alert in notification.resolved]
    return ", ".join([alert.name for alert in notification.firing] + over)
