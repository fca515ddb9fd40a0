"""What happened while nobody watched: after a long outage it is in the history and the digest, and wakes nobody."""

from __future__ import annotations

import pytest
from world import CONFIG, RULES, Answers, World

from watchman import jobs
from watchman.errors import QueryError
from watchman.series import Series

HOUR = 60


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
    assert home.context.missed is None
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
    assert home.context.missed is None


def test_while_prometheus_is_away_the_past_waits(home):
    heat(home, (120, 140))
    home.tick(0)
    sleep(home, 10 * HOUR)
    home.prometheus.error = QueryError("does not answer", "connect")
    home.tick(10 * HOUR)
    jobs.make_up_history(home.context)
    assert home.context.missed is not None
    home.prometheus.error = None
    home.tick(10 * HOUR + 1)
    jobs.make_up_history(home.context)
    assert len(home.incidents()) == 1
