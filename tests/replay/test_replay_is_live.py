"""The hour a daemon lived through, with outages, errors and restarts, replayed: the same alerts and messages.

A real Prometheus holds the hour. The daemon is stepped through it slot by slot, with instant queries at the time, its
own store on the disk and its catching up after a restart; the replay sees the hour afterwards.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest
from remote_write import STALE, remote_write

sys.path.insert(0, str(Path(__file__).parents[1] / "daemon"))

from world import World

from watchman.config import load_config
from watchman.errors import QueryError
from watchman.prometheus import Prometheus, PrometheusSettings
from watchman.replaying import replay_rules
from watchman.rules.slots import slot_at, slot_offset
from watchman.series import Series
from watchman.store.alerts import incidents_between
from watchman.wiring import wire

MINUTES = 62
CONFIG = """\
prometheus: {{url: "{url}"}}
site: {{name: home, timezone: Europe/Berlin}}
rule_files: [rules.yaml]
receivers:
  - {{name: phone, apprise: ["ntfy://127.0.0.1:9/home"]}}
  - {{name: mail, apprise: ["mailto://127.0.0.1:9/?from=a@example.org&to=b@example.org"]}}
route:
  receiver: phone
  group_wait: 0s
  routes: [{{receiver: mail, matchers: ['alertname="Low"'], group_wait: 70s}}]
"""
RULES = """\
groups:
  - name: g
    interval: 60s
    rules:
      - alert: Hot
        expr: heat > 50
        for: 2m
        labels: {severity: critical}
        annotations: {summary: '{{ $value }} degrees, {{ query "count(up)" | first | value }} scraped'}
      - alert: Low
        expr: level < 10
        keep_firing_for: 3m
        labels: {severity: warning}
        annotations: {summary: "Only {{ $value }} left", on_vanished: hold}
      - alert: Match
        expr: left * on (host) right > 0
        labels: {severity: warning}
        annotations: {summary: "They match: {{ $value }}"}
      - alert: News
        expr: heat > 70
        labels: {severity: warning}
        annotations: {summary: "Very hot: {{ $value }}", news_after: 20m}
"""
# Minutes [from, to) in which nothing is recorded because Prometheus is away; in which watchman is not running.
AWAY = (30, 38)
DOWN = [(21, 26), (50, 52)]


class Switch:
    """The real Prometheus, as long as it is not away."""

    def __init__(self, url):
        self.real = Prometheus(PrometheusSettings(url))
        self.away = False

    def __getattr__(self, name):
        def ask(*arguments):
            if self.away:
                raise QueryError("does not answer", "connect")
            return getattr(self.real, name)(*arguments)

        return ask

    def close(self):
        pass


def heat(minute):
    hot = 3 <= minute < 11 or 12 <= minute < 13 or 20 <= minute < 29 or 33 <= minute < 47 or 49 <= minute < 55
    return (80.0 if 22 <= minute < 28 or 40 <= minute < 44 else 60.0) if hot else 20.0


def hour(start):
    """The series; samples every 15 s, from 5 s before each slot."""
    ticks = [-5.0 + 15 * number for number in range(-8, MINUTES * 4)]
    ticks = [at for at in ticks if not AWAY[0] * 60 - 20 < at < (AWAY[1] - 1) * 60 + 20]

    def series(name, value, host="h", **labels):
        kept = [(start + at, value((at + 5) / 60)) for at in ticks]
        kept = [(at, one) for at, one in kept if one is not None]
        return Series({"__name__": name, "host": host, **labels}, [at for at, _ in kept], [one for _, one in kept])

    def level(minute):
        if 40 <= minute < 48:
            return STALE if minute < 40.2 else None
        return 5.0 if 14 <= minute < 16 or 39 <= minute < 51 else 50.0

    return [
        series("up", lambda _minute: 1.0, job="home"),
        series("heat", heat),
        series("level", level),
        series("left", lambda minute: 1.0 if 5 <= minute < 20 else 0.0),
        series("right", lambda _minute: 2.0, i="1"),
        series("right", lambda minute: 3.0 if 10 <= minute < 13 else STALE if 13 <= minute < 13.2 else None, i="2"),
    ]


def live(world):
    """Steps the daemon through the hour."""
    for minute in range(MINUTES):
        if any(first <= minute < last for first, last in DOWN):
            continue
        if any(minute == last for _, last in DOWN):
            world.clock.at = world.minute(minute) - 1
            world.restart()
        world.prometheus.away = AWAY[0] <= minute < AWAY[1]
        world.tick(minute)
        world.prometheus.away = False
        with world.context.store.begin() as connection:
            from watchman import jobs
            from watchman.store.facts import set_fact

            set_fact(connection, jobs.ALIVE, world.clock.at, world.clock.at)
    with world.context.store.begin() as connection:
        return incidents_between(connection, 0, 1e12)


@pytest.mark.integration
def test_the_replay_of_an_hour_is_what_the_daemon_lived_through(tmp_path, run_prometheus):
    server = run_prometheus()
    world = World(tmp_path, CONFIG.format(url=server.url), RULES)
    group = world.context.wiring.groups[0]
    world.start = slot_at(time.time() - 7200, 60.0, slot_offset(group.key, 60.0))
    remote_write(server.url, hour(world.start))
    world.prometheus = Switch(server.url)
    world.clock.at = world.start - 30
    world.restart()

    lived = live(world)
    wiring = wire(load_config(tmp_path / "config.yaml", {}))
    done = replay_rules(wiring, wiring.groups, world.minute(0) - 1, world.minute(MINUTES - 1) + 1)

    def since(at):
        return None if at is None else round((at - world.start) / 60, 2)

    replayed = [(one.labels["alertname"], one) for rule in done.rules for one in rule.incidents]
    found = sorted((name, since(one.pending), since(one.firing), since(one.ended)) for name, one in replayed)
    assert found == sorted(
        (one.labels["alertname"], since(one.started), since(one.fired), since(one.ended)) for one in lived
    )
    assert [name for name, *_ in found].count("Hot") == 4
    texts = {(name, one.firing): dict(one.annotations) for name, one in replayed}
    assert texts == {(one.labels["alertname"], one.fired): dict(one.annotations) for one in lived}
    told = sorted((one.notification.receiver, one.message.title) for one in done.told)
    assert told == sorted(world.messages())
    assert len(told) >= 10
    failed = {rule.rule.name: rule.errors - rule.away for rule in done.rules}
    assert failed == {"Hot": 0, "Low": 0, "Match": 3, "News": 0}
    assert {rule.away for rule in done.rules} == {AWAY[1] - AWAY[0]}
    assert done.kept_back
    world.prometheus.real.close()
    world.context.store.close()
