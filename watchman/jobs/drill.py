"""Once a month a test message that makes no noise: that a receiver works is known before it is needed."""

from __future__ import annotations

import logging
from datetime import date

from watchman.context import Context
from watchman.localtime import day_of, local_moment
from watchman.notify.message import Message
from watchman.notify.severity import INFO
from watchman.store import outbox
from watchman.store.facts import get_fact, set_fact

log = logging.getLogger(__name__)

DRILL = "drill"
DRILL_REASON = "monthly test"
_MESSAGE = Message("Monthly test", "watchman can reach you here. Nothing to do.", severity=INFO)


def drill(context: Context) -> None:
    """On the first of the month, or as soon after it as watchman runs, test every receiver; once a month."""
    settings, now = context.wiring.config.drill, context.clock.now()
    if not settings.enabled:
        return
    zone = context.wiring.config.site.timezone
    today = day_of(now, zone)
    month = f"{today:%Y-%m}"
    with context.store.read() as connection:
        done = get_fact(connection, DRILL)
    begins_at = local_moment(date(today.year, today.month, 1), settings.at, zone)
    if done == month or (done is not None and done < month and now < begins_at):
        return
    # A home that is new this month has just been tried out. A month to come was noted by a clock that was wrong.
    is_due = done is not None and done < month
    with context.store.begin() as connection:
        set_fact(connection, DRILL, month, now)
        added = outbox.add(connection, _postings(context, month), now) if is_due else 0
    if added:
        log.info("monthly test of every receiver: %d messages", added)
        context.want_delivery()


def _postings(context: Context, month: str) -> list[outbox.Posting]:
    return [
        outbox.Posting(receiver, key, "test", f"{DRILL}|{month}|{receiver}|{key}", _MESSAGE, DRILL_REASON)
        for receiver, urls in context.wiring.destinations.items()
        for key in urls
    ]
