"""A group shares queries: with one bad rule in it, with a slow one, with a server that refuses large ones."""

from __future__ import annotations

import re

import pytest
from world import CONFIG

from watchman.errors import QueryError
from watchman.rules.batch import MARKER
from watchman.series import Answer, Sample

RULES = """\
groups:
  - name: g
    interval: 60s
    rules:
"""
PART = re.compile(rf'label_replace\(\(\n(.*?)\n\), "{MARKER}", "(\d+)", "", ""\)', re.DOTALL)
BAD = QueryError("many-to-many matching not allowed", "bad_query")
AWAY = QueryError("cannot be reached", "connect")
SLOW = QueryError("did not answer within 10 s", "timeout")


class Server:
    """Answers joined queries as Prometheus does: one bad expression spoils the whole."""

    def __init__(self, values, errors=(), most=1000):
        self.values, self.errors, self.most = values, dict(errors), most
        self.asked = []

    def query(self, expr, ts):
        parts = PART.findall(expr) or [(expr, "")]
        self.asked.append(len(parts))
        for text, _ in parts:
            if text in self.errors:
                raise self.errors[text]
        samples = [self.sample(text, number) for text, number in parts if self.values.get(text) is not None]
        if len(samples) > self.most:
            raise QueryError("query processing would load too many samples", "bad_query")
        return Answer("vector", samples)

    def sample(self, text, number):
        labels = {"host": "h", MARKER: number} if number else {"host": "h"}
        return Sample(labels, self.values[text])

    def close(self):
        pass


@pytest.fixture
def make(make_world):
    def build(count, server, max_rules=100):
        rules = RULES + "".join(f"      - {{alert: R{n}, expr: m{n} > 0}}\n" for n in range(count))
        config = CONFIG.replace("max_rules_per_query: 1", f"max_rules_per_query: {max_rules}")
        world = make_world(config=config, rules=rules)
        world.prometheus.query = server.query
        return world

    return build


def firing(world):
    names = [alert.labels["alertname"] for alert in world.context.book.every_alert()]
    return sorted(name for name in names if name != "RuleFailing")


def failing(world):
    plan = world.context.wiring.plan(world.context.wiring.groups[0])
    healths = {rule.name: world.context.book.health(key) for rule, key in zip(plan.group.rules, plan.keys, strict=True)}
    return {name: health.error for name, health in healths.items() if health.error}


def test_forty_rules_are_one_query(make):
    server = Server({"m3 > 0": 5.0, "m7 > 0": 6.0})
    world = make(40, server)
    world.tick(0)
    assert server.asked == [40]
    assert firing(world) == ["R3", "R7"]
    assert {alert.labels["alertname"]: alert.value for alert in world.context.book.every_alert()} == {
        "R3": 5.0,
        "R7": 6.0,
    }
    assert all(MARKER not in alert.labels for alert in world.context.book.every_alert())


def test_one_bad_rule_has_its_error_and_the_others_their_answers(make):
    server = Server({"m3 > 0": 5.0}, {"m17 > 0": BAD})
    world = make(40, server)
    world.tick(0)
    assert failing(world) == {"R17": str(BAD)}
    assert firing(world) == ["R3"]
    assert len(server.asked) < 14


def test_a_bad_rule_is_asked_alone_from_then_on_until_it_is_tried_again(make):
    server = Server({"m3 > 0": 5.0}, {"m17 > 0": BAD})
    world = make(40, server)
    world.tick(0)
    server.asked.clear()
    world.tick(1)
    assert server.asked == [39, 1]
    assert failing(world) == {"R17": str(BAD)}
    server.errors.clear()
    for minute in range(2, 25):
        server.asked.clear()
        world.tick(minute)
    assert server.asked == [40]
    assert failing(world) == {}


def test_when_prometheus_is_away_every_rule_says_so_and_nobody_asks_twice(make):
    server = Server({}, {f"m{n} > 0": AWAY for n in range(40)})
    world = make(40, server)
    world.tick(0)
    assert server.asked == [40]
    assert set(failing(world).values()) == {str(AWAY)}


def test_one_slow_rule_is_found_and_kept_apart(make):
    server = Server({"m3 > 0": 5.0}, {"m17 > 0": SLOW})
    world = make(40, server)
    world.tick(0)
    assert failing(world) == {"R17": str(SLOW)}
    assert firing(world) == ["R3"]
    server.asked.clear()
    world.tick(1)
    assert server.asked == [39, 1]


def test_a_prometheus_that_is_slow_for_everybody_is_not_waited_for_forty_times(make):
    server = Server({}, {f"m{n} > 0": SLOW for n in range(40)})
    world = make(40, server)
    world.tick(0)
    assert server.asked == [40, 1, 1, 1]
    assert set(failing(world)) == {f"R{n}" for n in range(40)}
    assert "not asked: 3 queries in a row" in failing(world)["R39"]


def test_a_server_that_loads_fewer_samples_at_once_gets_smaller_queries(make):
    server = Server({f"m{n} > 0": 1.0 for n in range(40)}, most=12)
    world = make(40, server)
    world.tick(0)
    assert failing(world) == {}
    assert len(firing(world)) == 40
    world.tick(1)
    world.tick(2)
    server.asked.clear()
    world.tick(3)
    assert server.asked == [10, 10, 10, 10]


def test_a_server_that_drops_the_marker_is_asked_rule_by_rule(make):
    server = Server({"m3 > 0": 5.0})
    server.sample = lambda text, number: Sample({"host": "h"}, server.values[text])
    world = make(3, server, max_rules=100)
    world.tick(0)
    assert failing(world) == {}
    server.values = {"m1 > 0": 5.0}
    world.tick(1)
    assert firing(world) == ["R1"]


def test_the_switch_turns_it_off(make):
    server = Server({"m3 > 0": 5.0})
    world = make(4, server, max_rules=1)
    world.tick(0)
    assert server.asked == [1, 1, 1, 1]
    assert firing(world) == ["R3"]
