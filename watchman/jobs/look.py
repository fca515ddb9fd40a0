"""A look at the home for the page: the present value of every role. Only while somebody looks at the page."""

from __future__ import annotations

from watchman.context import Context, HomeNow
from watchman.errors import QueryError
from watchman.jobs.query import ask

WATCHED_S = 30.0
_GAUGES = ("state_of_charge", "backup_buffer")


def look_at_home(context: Context) -> None:
    """Read every role: the sum over several batteries, the mean of their states of charge, None where it is gone."""
    now = context.clock.now()
    if now - context.page_asked_at > WATCHED_S:
        return
    values: dict[str, float | None] = {}
    try:
        for role, expr in context.wiring.config.metrics.roles().items():
            samples = ask(context, expr, now).samples
            total = sum(sample.value for sample in samples)
            values[role] = None if not samples else total / len(samples) if role in _GAUGES else total
    except QueryError:
        return
    known = any(value is not None for value in values.values())
    context.home = HomeNow(values, now if known else context.home.at)
