"""From outbox to services: the store's side of the send queue, and the step that keeps it going."""

from __future__ import annotations

import logging
import random
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Any

from watchman.context import Context
from watchman.jobs.charts import Charts
from watchman.jobs.dispatching import is_urgent
from watchman.jobs.drill import DRILL_REASON
from watchman.jobs.reporting import run_child
from watchman.notify.combine import combine
from watchman.notify.message import Message
from watchman.notify.outbox import OutboxRow, Outcome
from watchman.notify.queue import Deliver, DestinationKey, SendQueue
from watchman.notify.sender import Sender
from watchman.series import Series
from watchman.store import Store, outbox
from watchman.wiring import Wiring

log = logging.getLogger(__name__)

# Commands put messages into the outbox too (`notify`, `report --send`), so it is looked into now and then.
LOOK_EVERY_S = 2.0


class StoreOutbox:
    """The outbox as the send queue wants it: each call one transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def due(self, now: float) -> list[DestinationKey]:
        """Destinations with something due. Reading waits for nobody who writes."""
        with self._store.read() as connection:
            return outbox.due_destinations(connection, now)

    def lease(self, destinations: Collection[str], now: float, lease_s: float, limit: int) -> list[OutboxRow]:
        """Take what waits for them."""
        with self._store.begin() as connection:
            return outbox.lease(connection, destinations, now, lease_s, limit)

    def write(self, outcomes: Sequence[Outcome]) -> None:
        """What came of some rows."""
        with self._store.begin() as connection:
            for outcome in outcomes:
                outbox.write(connection, outcome)

    def put_off(self, ids: Sequence[int], due_at: float) -> None:
        """Give rows back untried."""
        with self._store.begin() as connection:
            outbox.put_off(connection, ids, due_at)

    def hurry(self, now: float) -> None:
        """Make everything that waits due."""
        with self._store.begin() as connection:
            outbox.hurry(connection, now)


def make_queue(context: Context, pool: Executor) -> SendQueue:
    """The daemon's send queue. It alone holds the state, so what an earlier process had in flight is due at once."""
    box = StoreOutbox(context.store)
    box.hurry(context.clock.now())
    return SendQueue(
        box,
        _make_deliver(context),
        pool,
        context.clock.now,
        random.random,
        combine=lambda unit, now: combine(unit, now, context.wiring.config.site.timezone),
        on_outcome=lambda outcome: _note(context, outcome),
        wake=context.want_delivery,
    )


def _make_deliver(context: Context) -> Deliver:
    """The sender with charts: each message gets its own at the last moment."""
    sender = Sender(context.clock.now)
    charts = Charts(
        partial(_range, context),
        partial(_paint, context),
        context.clock.monotonic,
        lambda: is_urgent(context),
    )

    def deliver_with_chart(url: str, message: Message, timeout_s: float, identity: str) -> str:
        return sender.deliver(url, charts.illustrated(message, url), timeout_s, identity)

    return deliver_with_chart


def _range(context: Context, expr: str, start: float, end: float, step_s: float) -> list[Series]:
    # Looked up at each call: a reload changes the wiring.
    return context.wiring.prometheus.range(expr, start, end, step_s)


def _paint(context: Context, job: Mapping[str, Any], limit_s: float) -> Mapping[str, Any]:
    zone = context.wiring.config.site.timezone.key
    return run_child(context, ["watchman.chart_process"], {**job, "zone": zone}, limit_s, lambda: is_urgent(context))


def deliver(context: Context, queue: SendQueue) -> None:
    """Start what is due, and learn when the next message is."""
    context.delivery_wanted.clear()
    look_again_at = context.next_delivery_at = context.clock.now() + LOOK_EVERY_S
    queue.step(destination_urls(context.wiring))
    now = context.clock.now()
    with context.store.read() as connection:
        # A destination that is busy wakes the sender when it is done.
        due_at = outbox.next_due_at(connection, now, queue.resting(now))
    context.next_delivery_at = look_again_at if due_at is None else min(due_at, look_again_at)


def destination_urls(wiring: Wiring) -> Mapping[DestinationKey, str]:
    """Every URL by receiver and key."""
    return {(receiver, key): url for receiver, urls in wiring.destinations.items() for key, url in urls.items()}


def _note(context: Context, outcome: Outcome) -> None:
    """Count every attempt; one log line for the first failure of a message, its end, and a success after failures."""
    row = outcome.row
    word = "sent" if outcome.error is None else "dead" if outcome.due_at is None else "failed"
    context.metrics.deliveries.labels(row.receiver, word).inc()
    if word == "dead":
        log.error("message %d to %s is given up: %s", row.id, row.receiver, outcome.error)
    elif word == "failed" and row.attempts == 0:
        log.warning("message %d to %s was not accepted, it is tried again: %s", row.id, row.receiver, outcome.error)
    elif word == "sent" and row.reason == DRILL_REASON:
        log.info("monthly test: %s can be reached", row.receiver)
    elif word == "sent":
        log.info("message %d to %s was accepted%s", row.id, row.receiver, " at last" if row.attempts else "")
