"""From outbox to services: the store's side of the send queue, and the step that keeps it going."""

from __future__ import annotations

import logging
import random
from collections.abc import Collection, Mapping
from concurrent.futures import Executor

from watchman.context import Context
from watchman.notify.outbox import OutboxRow
from watchman.notify.queue import DestinationKey, Outcome, SendQueue
from watchman.notify.sender import Sender
from watchman.store import Store, outbox
from watchman.wiring import Wiring

log = logging.getLogger(__name__)

# Commands put messages into the outbox too (`notify`, `report --send`), so it is looked into now and then.
LOOK_EVERY_S = 2.0


class StoreOutbox:
    """The outbox as the send queue wants it: each call one transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def lease_due(self, now: float, limit: int, lease_s: float, busy: Collection[str]) -> list[OutboxRow]:
        """Take due rows."""
        with self._store.begin() as connection:
            return outbox.lease_due(connection, now, lease_s, limit, busy)

    def mark_sent(self, row_id: int, now: float, answer: str) -> None:
        """The service took it."""
        with self._store.begin() as connection:
            outbox.mark_sent(connection, row_id, now, answer)

    def mark_failed(self, row_id: int, now: float, error: str, due_at: float | None) -> None:
        """It did not."""
        with self._store.begin() as connection:
            outbox.mark_failed(connection, row_id, now, error, due_at)

    def mark_dropped(self, row_id: int, now: float, why: str) -> None:
        """Nobody needs it any more."""
        with self._store.begin() as connection:
            outbox.mark_dropped(connection, row_id, now, why)


def make_queue(context: Context, pool: Executor) -> SendQueue:
    """The daemon's send queue."""
    return SendQueue(
        StoreOutbox(context.store),
        Sender(context.clock.now).deliver,
        pool,
        context.clock.now,
        random.random,
        on_outcome=lambda outcome: _note(context, outcome),
        wake=context.want_delivery,
    )


def deliver(context: Context, queue: SendQueue) -> None:
    """Start what is due, and learn when the next message is."""
    context.delivery_wanted.clear()
    look_again_at = context.next_delivery_at = context.clock.now() + LOOK_EVERY_S
    queue.step(destination_urls(context.wiring))
    with context.store.begin() as connection:
        due_at = outbox.next_due_at(connection)
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
    elif word == "sent":
        log.info("message %d to %s was accepted%s", row.id, row.receiver, " at last" if row.attempts else "")
