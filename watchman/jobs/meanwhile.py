"""What happened meanwhile: after a long outage the time nobody watched is replayed into the history, told to nobody.

The last hour is made up for by the rules themselves (`catch_up`), before they decide anything. What lies further back
would only be late: it goes into the incidents, and from there into the next digest. Until then it is kept in the store.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace as changed
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from watchman.book import rule_keys
from watchman.context import Context, Missed
from watchman.errors import QueryError
from watchman.jobs.catch_up import LOOK_BACK_S
from watchman.jobs.upkeep import ALIVE
from watchman.notify.words import duration
from watchman.rules.rule import Group
from watchman.series import label_key
from watchman.store.alerts import alert_from_json, alert_to_json
from watchman.store.facts import get_fact, set_fact

if TYPE_CHECKING:
    from watchman.replay import RuleReplay

log = logging.getLogger(__name__)

MOST_S = 30 * 86400.0
MISSED = "missed"


def missed_times(context: Context) -> tuple[Missed, ...]:
    """The times nobody watched that are still to be made up for, oldest first, kept until they are.

    To be asked at the start, before anything is evaluated: what `catch_up` asks back is left out.
    """
    with context.store.begin() as connection:
        oldest = context.started_at - LOOK_BACK_S - MOST_S
        kept = [one for one in map(_from_json, get_fact(connection, MISSED) or ()) if one.end > oldest]
        fresh = _just_missed(context)
        if fresh is not None and kept and kept[-1].end > fresh.start:
            # The process before ended before it had evaluated anything.
            kept[-1] = changed(kept[-1], end=fresh.end)
        elif fresh is not None:
            kept.append(fresh)
        if fresh is not None:
            _keep(connection, kept, context.started_at)
    return tuple(kept)


def make_up_history(context: Context) -> None:
    """After a long outage, as soon as Prometheus answers and every rule has made up for its last hour."""
    while context.missed and not context.prometheus_error and _all_restored(context):
        if not _make_up(context, context.missed[0]):
            return


def alerting_rules(context: Context) -> Iterator[tuple[str, Group, int]]:
    """Every alerting rule: its key, its group and its place in it."""
    for group in context.wiring.groups:
        for index, key in enumerate(rule_keys(group)):
            if not group.rules[index].record:
                yield key, group, index


def _make_up(context: Context, missed: Missed) -> bool:
    """Put one missed time into the history; False if it is to be tried again."""
    # Most lives need none of it: it would only cost memory.
    from watchman.jobs.past import StoppedError, replayed, write_down

    rules: tuple[RuleReplay, ...] = ()
    try:
        rules = replayed(context, missed).rules
    except StoppedError:
        return False
    except QueryError as error:
        log.warning("what happened in the outage cannot be made up for now: %s", error)
        if error.is_away:
            return False
    with context.store.begin() as connection:
        added = sum(write_down(context, connection, rule, missed) for rule in rules)
        now = context.clock.now()
        _keep(connection, context.missed[1:], now)
        # A crash from here on must not find the same time again.
        set_fact(connection, ALIVE, now, now)
    context.missed = context.missed[1:]
    if rules:
        log.info(
            "looked at %s without watchman: %d incidents for the history", duration(missed.end - missed.start), added
        )
    return True


def _just_missed(context: Context) -> Missed | None:
    """The time since the process before was alive, without the hour that the rules make up for; None: there is none."""
    if context.alive_before is None:
        return None
    end = context.started_at - LOOK_BACK_S
    start = max(context.alive_before, end - MOST_S)
    if start >= end:
        return None
    return Missed(start, end, {key: dict(context.book.alerts(key)) for key, _, _ in alerting_rules(context)})


def _all_restored(context: Context) -> bool:
    return all(
        key in context.restored or context.book.health(key).failing_since is not None
        for key, _, _ in alerting_rules(context)
    )


def _keep(connection: Connection, missed: Sequence[Missed], now: float) -> None:
    set_fact(connection, MISSED, [_to_json(one) for one in missed], now)


def _to_json(missed: Missed) -> dict[str, Any]:
    alerts = {key: [alert_to_json(alert) for alert in known.values()] for key, known in missed.alerts.items() if known}
    return {"start": missed.start, "end": missed.end, "alerts": alerts}


def _from_json(kept: dict[str, Any]) -> Missed:
    alerts = {}
    for key, texts in kept["alerts"].items():
        known = [alert_from_json(text) for text in texts]
        alerts[key] = {label_key(alert.labels): alert for alert in known}
    return Missed(kept["start"], kept["end"], alerts)
