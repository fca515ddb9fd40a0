"""The monthly test: every receiver, without a sound, on the first of the month, once."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from world import CONFIG

from watchman import jobs
from watchman.notify.outbox import Outcome
from watchman.store import outbox, outbox_views

ZONE = ZoneInfo("America/Los_Angeles")


def run(world, *moments):
    """Run the job at local times; returns how many messages each put into the outbox."""
    counts = []
    for moment in moments:
        world.clock.at = datetime.fromisoformat(moment).replace(tzinfo=ZONE).timestamp()
        before = len(world.messages())
        jobs.drill(world.context)
        counts.append(len(world.messages()) - before)
    return counts


@pytest.mark.parametrize(
    ("moments", "expected"),
    [
        (("2026-03-17T10:00", "2026-03-17T12:00"), [0, 0]),
        (("2026-03-17T10:00", "2026-04-01T11:59", "2026-04-01T12:00", "2026-04-01T12:05"), [0, 0, 2, 0]),
        (("2026-03-17T10:00", "2026-04-09T03:00", "2026-05-01T12:00"), [0, 2, 2]),
        (("2026-03-17T10:00", "2026-04-01T12:00", "1970-01-01T00:00", "2026-04-01T13:00"), [0, 2, 0, 0]),
        (("2026-03-17T10:00", "2031-01-05T00:00", "2026-04-01T12:00", "2026-05-01T12:00"), [0, 2, 0, 2]),
    ],
    ids=["a new home", "on the first at noon", "late, if nobody ran", "a clock that was not set", "a clock ahead"],
)
def test_every_receiver_is_tested_once_a_month(make_world, moments, expected):
    assert run(make_world(), *moments) == expected


def test_a_restart_does_not_repeat_it(make_world):
    world = make_world()
    run(world, "2026-03-17T10:00", "2026-04-01T12:00")
    world.restart()
    assert run(world, "2026-04-01T12:01") == [0]


def test_it_makes_no_noise(make_world):
    world = make_world()
    run(world, "2026-03-17T10:00", "2026-04-01T12:00")
    with world.context.store.begin() as connection:
        keys = [key for _, key in outbox.due_destinations(connection, world.clock.at)]
        rows = outbox.lease(connection, keys, world.clock.at, 30.0, 10)
    assert [b'"severity":"info"' in row.message for row in rows] == [True, True]


def test_it_can_be_switched_off_and_moved(make_world):
    off = make_world(config=CONFIG + "drill: {enabled: false}\n")
    assert run(off, "2026-03-17T10:00", "2026-04-01T12:00") == [0, 0]


def test_it_can_be_moved(make_world):
    early = make_world(config=CONFIG + 'drill: {at: "06:30"}\n')
    assert run(early, "2026-03-17T10:00", "2026-04-01T06:29", "2026-04-01T06:30") == [0, 0, 2]


def test_its_result_is_a_metric(make_world):
    world = make_world()
    run(world, "2026-03-17T10:00", "2026-04-01T12:00")
    now = world.clock.at
    with world.context.store.begin() as connection:
        keys = [key for _, key in outbox.due_destinations(connection, now)]
        for row in outbox.lease(connection, keys, now, 30.0, 10):
            error = None if row.receiver == "phone" else "550 no such user"
            outbox.write(connection, Outcome(row, now, "ok", error))
        assert outbox_views.drills(connection, "monthly test") == {"phone": True, "mail": False}
    text = world.context.metrics.render().decode()
    assert 'watchman_receiver_drill_passed{receiver="phone"} 1.0' in text
    assert 'watchman_receiver_drill_passed{receiver="mail"} 0.0' in text
    assert 'watchman_receiver_last_accepted_timestamp_seconds{receiver="phone"} 1.77507e+09' in text
