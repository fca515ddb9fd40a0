"""Does Prometheus scrape watchman? Some rules read its series and sleep silently where it does not."""

from __future__ import annotations

import logging

from watchman.context import Context
from watchman.errors import QueryError
from watchman.jobs.query import ask

log = logging.getLogger(__name__)

OWN = "watchman_"
# Time for Prometheus to find a daemon that has just started.
GRACE_S = 120.0


def check_scraped(context: Context) -> None:
    """Say once, loudly, that rules wait for series of watchman that Prometheus does not have; and once that it has."""
    now = context.clock.now()
    asleep = sorted({rule.name for group in context.wiring.groups for rule in group.rules if OWN in rule.expr})
    if not asleep or now - context.started_at < GRACE_S:
        return
    try:
        found = ask(context, "count(watchman_build_info)", now).samples
    except QueryError:
        return
    problem = ""
    if not found:
        problem = (
            f"Prometheus does not scrape watchman, so these rules sleep: {', '.join(asleep)}."
            " Add a scrape job for its /metrics."
        )
    if problem and not context.scrape_problem:
        log.warning("%s", problem)
    if context.scrape_problem and not problem:
        log.info("Prometheus scrapes watchman")
    context.scrape_problem = problem
