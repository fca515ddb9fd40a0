"""A daemon without its threads: real config, store, rules, notification; Prometheus' answers and the clock are given.

`tick(minute)` evaluates every group at that slot and dispatches what is due, as the running daemon would. `restart()`
throws all memory away and reads the state from the disk again, as after kill -9.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from watchman import jobs
from watchman.app import make_context
from watchman.config import load_config
from watchman.errors import QueryError
from watchman.rules.builtin import BUILT_IN_GROUP
from watchman.rules.slots import slot_at, slot_offset
from watchman.series import Answer, Sample, Series
from watchman.store import open_store, outbox_views
from watchman.store.alerts import incidents_between
from watchman.wiring import state_url, wire

CONFIG = """\
prometheus: {url: "http://127.0.0.1:9", max_rules_per_query: 1}
site: {name: home, timezone: America/Los_Angeles, battery: {capacity_wh: 16000}}
rule_files: [rules.yaml]
receivers:
  - {name: phone, apprise: ["ntfy://127.0.0.1:9/home"]}
  - {name: mail, apprise: ["mailto://127.0.0.1:9/?from=a@example.org&to=b@example.org"]}
route: {receiver: phone, group_wait: 0s}
"""
RULES = """\
groups:
  - name: g
    interval: 60s
    rules:
      - alert: Hot
        expr: heat > 0
        for: 2m
        labels: {severity: critical}
        annotations: {summary: "It is hot: {{ $value }}"}
"""


@dataclass
class Clock:
    """A clock that stands until it is set."""

    at: float = 0.0

    def now(self):
        return self.at

    def monotonic(self):
        return self.at


@dataclass
class Answers:
    """Prometheus as a table: expression -> {ts: value}; a missing time is no element, an error is raised."""

    values: dict[str, dict[float, float]] = field(default_factory=dict)
    error: QueryError | None = None
    labels: dict[str, str] = field(default_factory=lambda: {"host": "h"})

    def query(self, expr, ts):
        if self.error:
            raise self.error
        value = self.values.get(expr, {}).get(ts)
        return Answer("vector", [] if value is None else [Sample(self.labels, value)])

    def range(self, expr, start, end, step_s):
        if self.error:
            raise self.error
        inside = {ts: value for ts, value in self.values.get(expr, {}).items() if start <= ts <= end}
        return [Series(self.labels, list(inside), list(inside.values()))] if inside else []

    def close(self):
        pass


class Recorded(Answers):
    """What Prometheus recorded all the time, whoever asked; `up` was always scraped."""

    def query(self, expr, ts):
        return super().query(expr, round(ts, 3))

    def range(self, expr, start, end, step_s):
        if expr.startswith("count("):
            steps = round((end - start) / step_s)
            times = [round(start + number * step_s, 3) for number in range(steps + 1)]
            return [Series({}, times, [1.0] * len(times))]
        return super().range(expr, start, end, step_s)

    def matrix(self, expr, start, end, step_s):
        found = self.range(expr, start - 0.001, end + 0.001, step_s)
        return [
            (one.labels, sorted([ts, repr(value)] for ts, value in zip(one.times, one.values, strict=True)))
            for one in found
        ]


class World:
    """One home over several lives of its daemon."""

    def __init__(self, folder, config=CONFIG, rules=RULES):
        self.folder = folder
        self.clock = Clock(1_000_000.0)
        self.prometheus = Answers()
        (folder / "config.yaml").write_text(config)
        (folder / "rules.yaml").write_text(rules)
        self.context = None
        self.restart()
        group = self.context.wiring.groups[0]
        self.start = slot_at(1_000_000.0, 60.0, slot_offset(group.key, 60.0))

    def restart(self):
        if self.context is not None:
            self.context.store.close()
        wiring = replace(wire(load_config(self.folder / "config.yaml", {})), prometheus=self.prometheus)
        self.context = make_context(self.clock, open_store(state_url(wiring.config)), wiring)

    def minute(self, number):
        """The slot of a minute after the start."""
        return round(self.start + 60 * number, 3)

    def tick(self, minute):
        """One slot; returns the messages put into the outbox since the last one: receiver and title."""
        ts = self.minute(minute)
        before = len(self.messages())
        while self.context.next_dispatch_at < ts and self.context.next_dispatch_at > self.clock.at:
            self.clock.at = self.context.next_dispatch_at
            jobs.dispatch(self.context)
        self.clock.at = ts
        for group in (*self.context.wiring.groups, BUILT_IN_GROUP):
            jobs.evaluate_group(self.context, group, ts, 0)
        if self.context.dispatch_wanted.is_set() or ts >= self.context.next_dispatch_at:
            jobs.dispatch(self.context)
        return self.messages()[before:]

    def messages(self):
        with self.context.store.begin() as connection:
            return [(line.receiver, line.title) for line in reversed(outbox_views.lines(connection, limit=1000))]

    def incidents(self):
        """When each began, fired and ended, in seconds after the start."""
        with self.context.store.begin() as connection:
            found = incidents_between(connection, 0, 1e12)
        return [
            tuple(None if at is None else round(at - self.start) for at in (i.started, i.fired, i.ended)) for i in found
        ]

    def states(self):
        return [(alert.labels["alertname"], alert.state.value) for alert in self.context.book.every_alert()]
