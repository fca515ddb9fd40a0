"""What happened while nobody watched: after a long outage it is in the history and the digest, and wakes nobody."""

from __future__ import annotations

import pytest
from world import CONFIG, RULES, Recorded, World

from watchman import jobs
from watchman.errors import QueryError

HOUR = 60


@pytest.fixture
def home(tmp_path):
    world = World(tmp_path, CONFIG, RULES)
    world.prometheus = Recorded()
    world.restart()
    yield world
    world.context.store.close()


def heat(world, *spans):
    """It is hot from minute to minute."""
    minutes = (minute for first, last in spans for minute in range(first, last + 1))
    world.prometheus.values["heat > 0"] = {world.minute(minute): 1.0 for minute in minutes}


def sleep(world, until):
    """Nobody runs until that minute; then the daemon starts."""
    with world.context.store.begin() as connection:
        from watchman.store.facts import set_fact

        set_fact(connection, jobs.ALIVE, world.clock.at, world.clock.at)
    world.clock.at = world.minute(until) - 10
    world.restart()


def sleep_again(world, until):
    """The daemon starts again before it had written down that it lives."""
    world.clock.at = world.minute(until) - 10
    world.restart()


def test_an_outage_is_made_up_for_in_the_history_and_nobody_is_told(home):
    heat(home, (120, 140), (300, 310), (301 + HOUR, 305 + HOUR))
    home.tick(0)
    sleep(home, 12 * HOUR)
    assert home.tick(12 * HOUR) == []
    assert home.incidents() == []
    jobs.make_up_history(home.context)
    minutes = [tuple(at / 60 for at in one) for one in home.incidents()]
    assert minutes == [(120, 122, 141), (300, 302, 311), (361, 363, 366)]
    assert home.tick(12 * HOUR + 1) == []
    assert not home.context.missed
    jobs.make_up_history(home.context)
    assert len(home.incidents()) == 3


def test_what_fired_when_the_lights_went_out_gets_the_end_it_had(home):
    heat(home, (0, 30), (100, 110))
    for minute in range(4):
        home.tick(minute)
    assert [title for _, title in home.messages()] == ["It is hot: 1"]
    sleep(home, 10 * HOUR)
    home.tick(10 * HOUR)
    jobs.make_up_history(home.context)
    minutes = [tuple(at / 60 for at in one) for one in home.incidents()]
    assert minutes == [(0, 2, 31), (100, 102, 111)]
    home.tick(10 * HOUR + 10)
    assert [title for _, title in home.messages()] == ["It is hot: 1", "Over: It is hot: 1"]


def test_what_began_in_the_outage_and_goes_on_is_told_once_and_has_its_true_beginning(home):
    heat(home, (200, 20 * HOUR))
    home.tick(0)
    sleep(home, 10 * HOUR)
    assert len(home.tick(10 * HOUR)) == 1
    jobs.make_up_history(home.context)
    (incident,) = home.incidents()
    assert incident[0] == 200 * 60
    assert incident[2] is None


def test_a_short_outage_needs_nothing_of_it(home):
    home.tick(0)
    sleep(home, 50)
    assert not home.context.missed


def test_while_prometheus_is_away_the_past_waits(home):
    heat(home, (120, 140))
    home.tick(0)
    sleep(home, 10 * HOUR)
    home.prometheus.error = QueryError("does not answer", "connect")
    home.tick(10 * HOUR)
    jobs.make_up_history(home.context)
    assert home.context.missed
    home.prometheus.error = None
    home.tick(10 * HOUR + 1)
    jobs.make_up_history(home.context)
    assert len(home.incidents()) == 1


def test_a_restart_before_the_past_is_made_up_for_loses_none_of_it(home):
    heat(home, (0, 30), (100, 110), (400, 410))
    for minute in range(4):
        home.tick(minute)
    sleep(home, 5 * HOUR)
    assert [one.end for one in home.context.missed] == [home.clock.at - 3600]
    # It ends at once, then lives for a while without Prometheus, then is away for hours again.
    sleep_again(home, 5 * HOUR + 1)
    home.prometheus.error = QueryError("does not answer", "connect")
    home.tick(5 * HOUR + 1)
    jobs.make_up_history(home.context)
    sleep(home, 10 * HOUR)
    assert len(home.context.missed) == 2
    home.prometheus.error = None
    home.tick(10 * HOUR)
    jobs.make_up_history(home.context)
    assert not home.context.missed
    minutes = [tuple(at / 60 for at in one) for one in home.incidents()]
    assert minutes == [(0, 2, 31), (100, 102, 111), (400, 402, 411)]
    home.restart()
    assert not home.context.missed  # it lived until now


def test_a_stop_does_not_wait_for_the_past_and_it_is_not_lost(home):
    heat(home, (120, 140))
    home.tick(0)
    sleep(home, 10 * HOUR)
    home.tick(10 * HOUR)
    home.context.stopping = lambda: True
    jobs.make_up_history(home.context)
    assert home.incidents() == []
    home.restart()
    home.tick(10 * HOUR + 1)
    jobs.make_up_history(home.context)
    assert len(home.incidents()) == 1
