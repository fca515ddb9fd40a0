"""The energy ledger is filled from what Prometheus still has, and kept up to date, by a worker in the background."""

from __future__ import annotations

import logging
from functools import partial

from watchman.context import Context
from watchman.errors import WatchmanError
from watchman.jobs.query import answers
from watchman.jobs.reporting import run_worker

log = logging.getLogger(__name__)

LEDGER_EVERY_S = 6 * 3600.0
# A year at a sample a second takes hours on a small machine. What is done stays done in any case.
LEDGER_LIMIT_S = 12 * 3600.0
_TELL_EVERY_S = 60.0


def fill_ledger(context: Context) -> None:
    """Ask the worker for every day Prometheus has and the ledger lacks: all at the first start, then those since.

    Progress is on the page, and in the log once a minute.
    """
    started = context.clock.now()
    if started - context.ledger_at < LEDGER_EVERY_S or not answers(context):
        return
    try:
        done = run_worker(context, {"kind": "backfill"}, LEDGER_LIMIT_S, on_line=partial(_tell, context))
    except WatchmanError as error:
        if not context.stopping():
            log.warning("the energy ledger could not be filled, it goes on in ten minutes: %s", error)
        return
    finally:
        context.ledger_progress = ""
    context.ledger_at = started
    if done["written"]:
        log.info("the energy ledger has %s more rows, of %s days", done["written"], done["days"])


def _tell(context: Context, line: str) -> None:
    if not line.startswith("settled "):
        return
    context.ledger_progress = f"energy ledger: {line}"
    now = context.clock.monotonic()
    if now - context.ledger_told_at >= _TELL_EVERY_S:
        context.ledger_told_at = now
        log.info("the energy ledger is filled from what Prometheus has: %s", line)
