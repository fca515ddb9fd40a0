"""The dead man's switch, both ways: tell somebody else that all this works, and notice when Prometheus' own goes."""

from __future__ import annotations

import logging

import requests

from watchman.book import rule_keys
from watchman.context import Context
from watchman.jobs.upkeep import ALIVE
from watchman.rules.rule import Group
from watchman.store import posted
from watchman.store.facts import set_fact

log = logging.getLogger(__name__)

HEARTBEAT_LIMIT_S = 10.0
# A group may miss some slots, of a slow Prometheus or a busy computer.
MISSED_SLOTS = 3
SLACK_S = 60.0


def heartbeat(context: Context) -> None:
    """Ask the URL while rules evaluate, messages get through and the state can be written.

    Otherwise stay silent: silence is the alarm.
    """
    settings = context.wiring.config.heartbeat
    trouble = why_silent(context)
    if trouble != context.silent_because:
        context.silent_because = trouble
        if settings is not None:
            log.warning("the heartbeat is silent: %s", trouble) if trouble else log.info("the heartbeat goes on")
    if settings is None or settings.url is None or trouble:
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


def why_silent(context: Context) -> str:
    """What is wrong, so that nobody may be told that all is well; empty if nothing is."""
    if context.prometheus_error:
        return "Prometheus does not answer"
    if context.stuck:
        return f"messages to {context.stuck[0].receiver} do not get through"
    for one in context.given_up:
        if not one.mended:
            return f"messages to {one.receiver} were given up"
    stalled = next((group for group in context.wiring.groups if _is_stalled(context, group)), None)
    return f"rule group {stalled.key} is not evaluated" if stalled else ""


def _is_stalled(context: Context, group: Group) -> bool:
    """True if the group's slots pass without an evaluation."""
    if not group.rules:
        return False
    latest = max(context.book.health(key).evaluated_at for key in rule_keys(group))
    since = max(latest, context.started_at, context.wired_at)
    return context.clock.now() - since > MISSED_SLOTS * group.interval_s + SLACK_S


def look_for_watchdog(context: Context) -> None:
    """When the alert that always fires came last."""
    watchdog = context.wiring.watchdog
    if watchdog is None:
        return
    with context.store.read() as connection:
        seen_at = posted.last_seen(connection, watchdog.matchers)
    if seen_at is not None:
        # A clock that was set back must not hide that it has gone.
        context.watchdog_seen_at = min(seen_at, context.clock.now())
