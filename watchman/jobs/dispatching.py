"""From alerts to outbox rows: decide, render, and write messages and log in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import partial

from watchman.book import as_active
from watchman.context import Context
from watchman.notify.dispatch import dispatch as decide
from watchman.notify.message import ActiveAlert, Source
from watchman.notify.plan import DispatchState, Held, Notification, Plan
from watchman.store import notices, outbox
from watchman.store.acks import load_acks
from watchman.store.alerts import last_end

log = logging.getLogger(__name__)

NEVER = float("inf")
RETRY_S = 5.0


def dispatch(context: Context) -> None:
    """Decide what to tell whom, now; what is decided is in the outbox when this returns."""
    context.dispatch_wanted.clear()
    now = context.clock.now()
    # Holds if the store fails below: what changed must not wait for the next change.
    context.next_dispatch_at = now + RETRY_S
    alerts = active_alerts(context)
    with context.store.begin() as connection:
        state = DispatchState(
            log=notices.load_log(connection),
            silences=context.silences,
            last_end=partial(last_end, connection),
            acks=load_acks(connection),
        )
        plan = decide(now, alerts, context.wiring.routing, state)
        added = outbox.add(connection, postings(context, plan), now)
        notices.save_log(connection, plan.log, now)
        fresh = notices.add_held(connection, plan.held, now)
    _count(context, plan, fresh)
    context.next_dispatch_at = NEVER if plan.next_due is None else plan.next_due
    if added:
        context.want_delivery()


def active_alerts(context: Context) -> list[ActiveAlert]:
    """Every alert of every source that fires or has just ended."""
    found = (as_active(alert, Source.RULES) for alert in context.book.every_alert())
    return [alert for alert in found if alert is not None]


def postings(context: Context, plan: Plan) -> Iterator[outbox.Posting]:
    """One outbox row for each destination of each message, worst first."""
    for notification in plan.notifications:
        message = context.wiring.render(notification)
        for destination in context.wiring.destinations[notification.receiver]:
            yield outbox.Posting(
                receiver=notification.receiver,
                destination=destination,
                kind="alert",
                dedup_key=f"{notification.identity}|{destination}",
                message=message,
                reason=notification.reason.value,
            )


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
