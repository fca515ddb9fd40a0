"""What `watchman replay` and whoever else asks "what would have been" has from the configuration: ports and setting."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace as changed

from watchman.book import as_active
from watchman.errors import QueryError, UsageError
from watchman.prometheus import Prometheus
from watchman.replay import Ports, Replay, Setting, replay
from watchman.replay.run import Progress
from watchman.replay.source import MAX_STEPS
from watchman.rules.rule import Group
from watchman.rules.template import make_expander
from watchman.wiring import Wiring, prometheus_settings

RANGE_TIMEOUT_S = 60.0
"""A month at once takes longer than one slot: `prometheus.timeout` counts only where it is longer."""
MOST_RESPONSE_BYTES = 12 * 1024 * 1024
_TICKS = 2.5


def replay_rules(
    wiring: Wiring, groups: Sequence[Group], start: float, end: float, progress: Progress | None = None
) -> Replay:
    """The alerting rules of `groups` over [start, end], told as this configuration tells. Raises QueryError."""
    ports = make_ports(wiring, progress)
    return replay(make_setting(wiring, groups, start, end, ports), ports)


def make_ports(wiring: Wiring, progress: Progress | None = None) -> Ports:
    """Prometheus with time for ranges, and the daemon's own texts."""
    config = wiring.config
    settings = prometheus_settings(config.prometheus)
    prometheus = Prometheus(
        changed(
            settings,
            timeout_s=max(settings.timeout_s, RANGE_TIMEOUT_S),
            max_response_bytes=min(settings.max_response_bytes, MOST_RESPONSE_BYTES),
        )
    )
    external_url = config.web.external_url or f"http://{config.web.listen}"
    return Ports(
        range_query=prometheus.matrix,
        query=prometheus.query,
        expand=make_expander(prometheus.query, dict(config.external_labels), external_url),
        as_active=as_active,
        render=wiring.render,
        progress=progress or (lambda _done, _all: None),
    )


def make_setting(wiring: Wiring, groups: Sequence[Group], start: float, end: float, ports: Ports) -> Setting:
    """The configuration's routing over a range, with the times in which Prometheus was away."""
    setting = Setting(
        groups=groups,
        routing=wiring.routing,
        start=start,
        end=end,
        max_elements=wiring.config.max_elements_per_rule,
    )
    return changed(setting, away=away_times(ports, setting.lead_start, end))


def named_groups(groups: Sequence[Group], name: str | None) -> list[Group]:
    """The groups with only the alerting rules of that name; raises UsageError if there is none."""
    if name is None:
        return list(groups)
    chosen = [
        changed(group, rules=tuple(rule for rule in group.rules if rule.name == name and not rule.record))
        for group in groups
    ]
    chosen = [group for group in chosen if group.rules]
    if not chosen:
        known = sorted({rule.name for group in groups for rule in group.rules if not rule.record})
        raise UsageError(f'no alerting rule is called "{name}"; there are {", ".join(known) or "none"}')
    return chosen


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
    return [(_last_scrape(ports, first, window_s), _first_scrape(ports, last, step_s)) for first, last in holes]


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
