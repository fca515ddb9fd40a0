"""Asking Prometheus: counted, timed, and said once when it goes away and when it is back."""

from __future__ import annotations

import logging

from watchman.context import Context
from watchman.errors import QueryError
from watchman.series import Answer, Series

log = logging.getLogger(__name__)

# One slow query times out while the others are answered; so many in a row are Prometheus itself.
TIMEOUTS_IN_A_ROW = 3


def ask(context: Context, expr: str, ts: float) -> Answer:
    """One instant query. Raises QueryError."""
    with _Asking(context):
        return context.wiring.prometheus.query(expr, ts)


def ask_range(context: Context, expr: str, start: float, end: float, step_s: float) -> list[Series]:
    """One range query. Raises QueryError."""
    with _Asking(context):
        return context.wiring.prometheus.range(expr, start, end, step_s)


def answers(context: Context) -> bool:
    """Whether Prometheus answers now: asked before a worker is started for what it could not do."""
    try:
        ask(context, "vector(1)", context.clock.now())
    except QueryError:
        return False
    return True


class _Asking:
    """Counts and times the query in its block."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._started = context.clock.monotonic()

    def __enter__(self) -> None:
        self._context.metrics.queries.inc()

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        metrics = self._context.metrics
        metrics.query_seconds.observe(self._context.clock.monotonic() - self._started)
        if error is None:
            self._context.failed_in_a_row = 0
            note_prometheus(self._context, "")
        elif isinstance(error, QueryError):
            metrics.query_errors.labels(error.reason).inc()
            self._note_failure(error)

    def _note_failure(self, error: QueryError) -> None:
        if not error.is_away:
            return
        self._context.failed_in_a_row += 1
        if error.reason != "timeout" or self._context.failed_in_a_row >= TIMEOUTS_IN_A_ROW:
            note_prometheus(self._context, str(error))


def note_prometheus(context: Context, error: str) -> None:
    """Remember whether Prometheus answers, and say so when that changes."""
    context.metrics.prometheus_up.set(0 if error else 1)
    if error and not context.prometheus_error:
        log.warning("Prometheus does not answer, rules are on hold: %s", error)
    if not error and context.prometheus_error:
        log.info("Prometheus answers again")
    context.prometheus_error = error
