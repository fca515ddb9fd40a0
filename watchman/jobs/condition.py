"""How the daemon itself is: what its built-in rules look at, and what /metrics shows of it."""

from __future__ import annotations

import shutil

from watchman.book import rules_with_keys
from watchman.context import Context
from watchman.notify.watchdog import missing_s
from watchman.rules.builtin import Condition

MEMBER_AWAY_S = 300.0


def condition(context: Context) -> Condition:
    """How the daemon itself is, as the built-in rules see it."""
    failing = {
        rule.name: health.error
        for key, _, rule in rules_with_keys(context.wiring.groups)
        if (health := context.book.health(key)).failing_since is not None
    }
    return Condition(
        blind_error=context.prometheus_error,
        failing_rules=failing,
        stuck=context.stuck,
        given_up=context.given_up,
        watchdog_silent_s=watchdog_silent_s(context),
        clock_behind_s=clock_behind_s(context),
        free_bytes=free_bytes(context),
        alertmanager_error=_alertmanager_error(context),
    )


def watchdog_silent_s(context: Context) -> float | None:
    """For how long the alert that always fires has not come, if that is too long."""
    return missing_s(
        context.wiring.watchdog,
        context.watchdog_seen_at,
        max(context.started_at, context.wired_at),
        context.clock.now(),
    )


def _alertmanager_error(context: Context) -> str:
    """What a person should know: alerts are told from here, or a member has been away for a while."""
    cluster, now = context.cluster, context.clock.now()
    if context.silent_reason:
        errors = "; ".join(cluster.errors.values())
        return f"{errors or 'Alertmanager: ' + context.silent_reason}.\nwatchman tells its alerts itself."
    away = (error for url, error in cluster.errors.items() if now - cluster.failing_since[url] >= MEMBER_AWAY_S)
    return "; ".join(away)


def clock_behind_s(context: Context) -> float:
    """How far the clock is behind a moment that has surely passed; 0 if it may be right.

    A small computer without a battery for its clock starts with an old time until NTP has set it.
    """
    return max(0.0, context.not_before - context.clock.now())


def free_bytes(context: Context) -> float | None:
    """Room on the disk with the state; None for a state that is not in a file."""
    if context.store.path is None:
        return None
    try:
        return float(shutil.disk_usage(context.store.path.parent).free)
    except OSError:
        return None
