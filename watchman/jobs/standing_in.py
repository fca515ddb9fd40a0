"""For receivers that do not get their messages: their fallback is told, and everybody else that it is so."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from watchman.config.model import ReceiverConfig
from watchman.context import Context
from watchman.notify.fallback import for_fallback
from watchman.notify.outbox import OutboxRow, message_from_json
from watchman.notify.words import local_time
from watchman.rules.builtin import STUCK_AFTER_S, GivenUp, Stuck
from watchman.store import outbox, outbox_views

log = logging.getLogger(__name__)

DAY_S = 86400.0


def look_for_stuck(context: Context) -> None:
    """Which receivers have messages that wait too long, and which had some given up in the last day."""
    now = context.clock.now()
    with context.store.read() as connection:
        found = outbox_views.backlogs(connection, now - DAY_S)
        accepted = outbox_views.last_accepted(connection)
    zone = context.wiring.config.site.timezone
    context.stuck = tuple(
        Stuck(one.receiver, one.due, one.answer or "no answer yet", local_time(one.oldest_at, now, zone))
        for one in found
        if one.oldest_at is not None and now - one.oldest_at > STUCK_AFTER_S
    )
    context.given_up = tuple(
        GivenUp(one.receiver, one.dead, one.dead_answer, mended=accepted.get(one.receiver, 0.0) > one.dead_at)
        for one in found
        if one.dead_at is not None
    )


def stand_in(context: Context) -> None:
    """Put what a receiver was not told in time, or is not told at all, into the outbox for its fallback. Once each."""
    for receiver in context.wiring.config.receivers:
        if receiver.fallback is not None:
            _stand_in_for(context, receiver, receiver.fallback)


def _stand_in_for(context: Context, receiver: ReceiverConfig, fallback: str) -> None:
    now = context.clock.now()
    with context.store.read() as connection:
        # Almost always there is nothing: then nothing is written, and nobody who writes is waited for.
        if not outbox.untold(connection, receiver.name, now - receiver.fallback_after, now - DAY_S):
            return
    with context.store.begin() as connection:
        rows = outbox.untold(connection, receiver.name, now - receiver.fallback_after, now - DAY_S)
        outbox.add(connection, _postings(context, rows, fallback, now), now)
        outbox.note_fall_back(connection, [row.id for row, _ in rows], now)
    context.metrics.fallbacks.labels(receiver.name, fallback).inc(len(rows))
    log.warning("%d messages to %s do not get through, %s is told instead", len(rows), receiver.name, fallback)
    context.want_delivery()


def _postings(
    context: Context, rows: list[tuple[OutboxRow, str]], fallback: str, now: float
) -> Iterator[outbox.Posting]:
    zone = context.wiring.config.site.timezone
    for row, answer in rows:
        try:
            message = message_from_json(row.message)
        except ValueError:
            continue
        for destination in context.wiring.destinations[fallback]:
            yield outbox.Posting(
                receiver=fallback,
                destination=destination,
                kind="alert",
                dedup_key=f"fallback|{row.id}|{row.created_at!r}|{destination}",
                message=for_fallback(message, row.receiver, answer, row.created_at, now, zone),
                reason=f"instead of {row.receiver}"[:100],
                thread=row.thread,
                subjects=row.subjects,
            )
