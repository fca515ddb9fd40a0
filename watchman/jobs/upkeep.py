"""What is done now and then: the heartbeat, forgetting old rows, remembering to be alive."""

from __future__ import annotations

import logging

import requests

from watchman.actions import KEEP_CASES_S
from watchman.book import rules_with_keys
from watchman.context import Context
from watchman.jobs.recording import end_removed
from watchman.notify.silences import RETENTION_S
from watchman.rules.builtin import BUILT_IN_GROUP, STUCK_AFTER_S, Stuck
from watchman.series import fingerprint
from watchman.store import notices, outbox, outbox_views, posted, silences
from watchman.store.acks import forget_acks
from watchman.store.alerts import close_incident, forget_incidents, forget_rules
from watchman.store.cases import forget_cases
from watchman.store.facts import set_fact
from watchman.store.reports import forget_reports

log = logging.getLogger(__name__)

ALIVE = "alive_at"
DAY_S = 86400.0
KEEP_HISTORY_S = 400 * DAY_S
KEEP_MESSAGES_S = 90 * DAY_S
KEEP_ENDED_S = 3600.0
HEARTBEAT_LIMIT_S = 10.0


def heartbeat(context: Context) -> None:
    """Ask the URL while rules evaluate, messages get through and the state can be written.

    Otherwise stay silent: silence is the alarm.
    """
    settings = context.wiring.config.heartbeat
    if settings is None or settings.url is None or context.prometheus_error or context.stuck:
        return
    now = context.clock.now()
    # Without a state nobody is told of anything: StoreError ends this job, and the log says why.
    with context.store.begin() as connection:
        set_fact(connection, ALIVE, now, now)
    try:
        # The body is not read: it could come for ever.
        with requests.get(settings.url.get_secret_value(), timeout=HEARTBEAT_LIMIT_S, stream=True) as answer:
            answer.raise_for_status()
    except requests.RequestException as error:
        log.warning("the heartbeat was not taken: %s", type(error).__name__)


def housekeeping(context: Context) -> None:
    """Remember to be alive, look for messages that are stuck, forget what is old."""
    now = context.clock.now()
    with context.store.begin() as connection:
        set_fact(connection, ALIVE, now, now)
        forget_incidents(connection, now - KEEP_HISTORY_S)
        notices.forget_held(connection, now - KEEP_HISTORY_S)
        notices.forget_told(connection, now - KEEP_HISTORY_S)
        forget_cases(connection, now - KEEP_CASES_S)
        forget_acks(connection, now - KEEP_HISTORY_S)
        forget_reports(connection, now - KEEP_HISTORY_S)
        outbox.forget(connection, now - KEEP_MESSAGES_S)
        silences.forget(connection, now - RETENTION_S)
        posted.forget(connection, now - KEEP_ENDED_S)


def look_for_stuck(context: Context) -> None:
    """Which receivers have messages that wait too long or were given up in the last day."""
    now = context.clock.now()
    with context.store.begin() as connection:
        found = outbox_views.backlogs(connection, now - DAY_S)
    context.stuck = tuple(
        Stuck(backlog.receiver, backlog.due + backlog.dead, backlog.answer or "no answer yet")
        for backlog in found
        if backlog.dead or (backlog.oldest_at is not None and now - backlog.oldest_at > STUCK_AFTER_S)
    )


def forget_removed_rules(context: Context) -> None:
    """After a reload: alerts of rules that are gone are over."""
    now = context.clock.now()
    names = {key: rule.name for key, _, rule in rules_with_keys((*context.wiring.groups, BUILT_IN_GROUP))}
    keys = list(names)
    # A rule that is new has no past to make up for.
    context.restored.update(keys)
    gone = context.book.keep_only(keys)
    with context.store.begin() as connection:
        forget_rules(connection, keys)
        for alert in gone:
            close_incident(connection, fingerprint(alert.labels), now)
    end_removed(context, names)
    context.want_dispatch()
    context.want_forward()
