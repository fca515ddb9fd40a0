"""The alert that Prometheus always fires: it is expected, it is no news, and its absence is."""

import pytest
from test_lives import hot
from world import CONFIG

from watchman import jobs
from watchman.errors import QueryError
from watchman.notify.message import Source
from watchman.notify.posted import PostedAlert
from watchman.series import fingerprint
from watchman.store import posted

WATCHED = CONFIG + "watchdog: {timeout: 10m}\n"
LABELS = {"alertname": "Watchdog", "severity": "none"}


def arrive(world, minute, labels=LABELS, lasts_s=240.0):
    """Prometheus tells that the alert fires, as it does every minute."""
    now = world.minute(minute)
    alert = PostedAlert(fingerprint(labels), Source.PROMETHEUS, labels, {}, world.start, now + lasts_s, now)
    with world.context.store.begin() as connection:
        posted.put(connection, [alert], now)


def live(world, first, last, *, arrives=False):
    """Minutes of a running daemon; returns the titles told."""
    told = []
    for minute in range(first, last):
        if arrives:
            arrive(world, minute)
        world.clock.at = world.minute(minute)
        jobs.look_for_watchdog(world.context)
        world.context.want_dispatch()
        told += [title for _, title in world.tick(minute)]
    return told


@pytest.fixture
def world(make_world):
    return make_world(config=WATCHED)


def test_while_it_comes_nobody_hears_of_it(world):
    assert live(world, 0, 30, arrives=True) == []


def test_when_it_stops_that_is_told_and_its_return_too(world):
    live(world, 0, 5, arrives=True)
    assert live(world, 5, 15) == []
    assert live(world, 15, 17) == ["Prometheus' alerts do not arrive"]
    assert live(world, 17, 30, arrives=True) == ["Over: Prometheus' alerts do not arrive"]


def test_one_that_never_came_is_missed_from_the_start(world):
    assert live(world, 0, 10) == []
    assert live(world, 10, 13) == ["Prometheus' alerts do not arrive"]


def test_after_a_restart_it_has_its_time_again(world):
    live(world, 0, 5, arrives=True)
    world.clock.at = world.minute(30)
    world.restart()
    assert live(world, 30, 40) == []
    assert live(world, 40, 43) == ["Prometheus' alerts do not arrive"]


def test_another_alert_is_not_taken_for_it(world):
    for minute in range(12):
        arrive(world, minute, {"alertname": "Other"})
        world.clock.at = world.minute(minute)
        jobs.look_for_watchdog(world.context)
    assert world.context.watchdog_seen_at is None


def test_a_clock_set_back_does_not_hide_that_it_went(world):
    live(world, 0, 5, arrives=True)
    with world.context.store.begin() as connection:
        connection.exec_driver_sql("UPDATE posted SET updated_at = updated_at + 86400, ends_at = ends_at + 86400")
    world.clock.at = world.minute(6)
    jobs.look_for_watchdog(world.context)
    assert world.context.watchdog_seen_at == world.minute(6)


def test_while_prometheus_itself_is_away_one_message_says_so(world):
    world.prometheus.error = QueryError("Prometheus cannot be reached", "connect")
    assert live(world, 0, 25) == ["watchman cannot see your home"]


def test_without_the_setting_it_is_an_alert_like_others(make_world):
    world = make_world()
    hot(world)
    arrive(world, 0)
    assert live(world, 0, 3, arrives=True) != []


def test_own_matchers_choose_it(make_world):
    world = make_world(config=CONFIG + "watchdog: {matchers: ['alertname=DeadMansSwitch'], timeout: 1m}\n")
    assert world.context.wiring.watchdog.timeout_s == 60.0
    arrive(world, 0, {"alertname": "DeadMansSwitch"})
    jobs.look_for_watchdog(world.context)
    assert world.context.watchdog_seen_at is not None
