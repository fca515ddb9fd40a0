"""When Prometheus itself was away: a daemon got no answer then, and the recorded series alone do not show it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from watchman.errors import QueryError
from watchman.replay.run import Ports
from watchman.replay.source import MAX_STEPS

_TICKS = 2.5
"""So many scrape intervals without any scrape, and nobody was scraping."""


def away_times(ports: Ports, start: float, end: float) -> list[tuple[float, float]]:
    """When Prometheus scraped nothing at all, although it did before and does now: [last scrape, next scrape).

    A daemon got no answer then; what the recorded series say about such a time is only their look-back.
    """
    interval_s = _scrape_interval_s(ports, end)
    if interval_s is None:
        return []
    step_s = max(5.0, round(2 * interval_s))
    window_s = math.ceil(_TICKS * interval_s)
    bad = _steps(ports, f"absent_over_time(up[{window_s}s])", start, end, step_s)
    holes = [(first, last) for first, last in _joined(bad, step_s) if first >= start + step_s / 2]
    return [
        (_last_scrape(ports, first, window_s), min(end, _first_scrape(ports, last, step_s))) for first, last in holes
    ]


def _steps(ports: Ports, expr: str, start: float, end: float, step_s: float) -> list[float]:
    """The steps at which an expression gives something."""
    found, at = [], start
    while at <= end:
        last = min(end, at + (MAX_STEPS - 1) * step_s)
        for _, pairs in ports.range_query(expr, at, last, step_s):
            found += [float(ts) for ts, _ in pairs]
        at = last + step_s
    return found


def _joined(steps: Sequence[float], step_s: float) -> list[tuple[float, float]]:
    """Runs of steps as their first and last one."""
    runs: list[tuple[float, float]] = []
    for ts in steps:
        if runs and ts - runs[-1][1] < 1.5 * step_s:
            runs[-1] = runs[-1][0], ts
        else:
            runs.append((ts, ts))
    return runs


def _last_scrape(ports: Ports, first: float, window_s: float) -> float:
    samples = ports.query("max(timestamp(up))", first).samples
    return samples[0].value if samples else first - window_s


def _first_scrape(ports: Ports, last: float, step_s: float) -> float:
    """The first whole second after `last` at which there is a scrape that is not older than `last`."""
    matrix = ports.range_query(f"max(timestamp(up)) > {last:.3f}", last, last + step_s, 1.0)
    return min((float(pairs[0][0]) for _, pairs in matrix), default=last + step_s)


def _scrape_interval_s(ports: Ports, end: float) -> float | None:
    """How often the target that is scraped most often is; None if nothing is scraped."""
    try:
        samples = ports.query("600 / max(count_over_time(up[10m]))", end).samples
    except QueryError as error:
        if error.is_away:
            raise
        return None
    return samples[0].value if samples else None
