"""What PromQL cannot tell: a rule that keeps failing, a clock that is not set, a disk that is full."""

import shutil
from collections import namedtuple

import pytest
from world import RULES

from watchman.errors import QueryError
from watchman.jobs.condition import condition
from watchman.series import Answer
from watchman.views import overview

Usage = namedtuple("Usage", "total used free")


def told(world, first, last):
    return [title for minute in range(first, last) for _, title in world.tick(minute)]


def test_a_rule_that_keeps_failing_raises_its_own_alert_and_its_recovery_ends_it(make_world):
    world = make_world()

    def refuse(_expr, _ts):
        raise QueryError("many-to-many matching not allowed", "bad_query")

    world.prometheus.query = refuse
    assert told(world, 0, 10) == []
    assert told(world, 10, 13) == ["A rule cannot be evaluated"]
    (alert,) = [alert for alert in world.context.book.every_alert() if alert.state == "firing"]
    assert alert.annotations["description"] == "Hot fails: many-to-many matching not allowed"
    world.prometheus.query = lambda *_: Answer("vector", [])
    assert told(world, 13, 26) == ["Over: A rule cannot be evaluated"]


def test_a_clock_behind_what_has_surely_passed_is_told(make_world):
    world = make_world()
    world.context.not_before = world.minute(7)
    assert told(world, 0, 4) == ["The clock is not set"]
    assert "watchman_clock_behind_seconds 2" in world.context.metrics.render().decode()
    assert told(world, 4, 16) == ["Over: The clock is not set"]


@pytest.mark.parametrize(("free", "titles"), [(100e6, ["The disk is full: 100MB left"]), (201e6, [])])
def test_a_full_disk_is_told(make_world, monkeypatch, free, titles):
    world = make_world()
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Usage(1e9, 1e9 - free, free))
    assert told(world, 0, 8) == titles


def test_a_disk_that_does_not_answer_is_not_known_to_be_full(make_world, monkeypatch):
    world = make_world()

    def gone(_path):
        raise OSError("no such device")

    monkeypatch.setattr(shutil, "disk_usage", gone)
    assert condition(world.context).free_bytes is None
    assert told(world, 0, 8) == []


def test_rules_that_wait_for_what_is_usual_say_how_far_that_is(make_world):
    compares = "heat > on () watchman_house_usual_night_watts"
    world = make_world(rules=RULES.replace("heat > 0", compares))
    assert overview(world.context).learning == ["Hot: learning, 0 of 3 nights"]
    world.context.facts = {"usual_night_load_w": None, "full_nights": 2, "good_days": 0, "days_needed": 3}
    assert overview(world.context).learning == ["Hot: learning, 2 of 3 nights"]
    world.context.facts = {"usual_night_load_w": 200.0, "full_nights": 3, "good_days": 0, "days_needed": 3}
    assert overview(world.context).learning == []


def test_rules_that_wait_for_nothing_learn_nothing(make_world):
    assert overview(make_world().context).learning == []
