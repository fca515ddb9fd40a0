"""What is done now and then: forgetting old rows, remembering to be alive."""

from __future__ import annotations

from watchman.actions import KEEP_CASES_S
from watchman.book import rules_with_keys
from watchman.context import Context
from watchman.jobs.recording import end_removed
from watchman.notify.silences import RETENTION_S
from watchman.rules.builtin import BUILT_IN_GROUP
from watchman.series import fingerprint
from watchman.store import notices, outbox, posted, silences
from watchman.store.acks import forget_acks
from watchman.store.alerts import close_incident, forget_incidents, forget_rules
from watchman.store.cases import forget_cases
from watchman.store.facts import set_fact
from watchman.store.reports import forget_reports

ALIVE = "alive_at"
DAY_S = 86400.0
KEEP_HISTORY_S = 400 * DAY_S
KEEP_MESSAGES_S = 90 * DAY_S
KEEP_ENDED_S = 3600.0


def housekeeping(context: Context) -> None:
    """Remember to be alive, forget what is old."""
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
