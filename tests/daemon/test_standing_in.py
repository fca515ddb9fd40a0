"""A receiver that does not get its messages: its fallback gets them, everybody else hears that it is so, each once."""

import pytest
from test_lives import give_up, hot
from world import CONFIG

from watchman import jobs
from watchman.notify.message import Message
from watchman.notify.outbox import Outcome
from watchman.store import outbox, outbox_views

FALLBACK = CONFIG.replace('127.0.0.1:9/home"]', '127.0.0.1:9/home"], fallback: mail, fallback_after: 5m')


def rows(world, receiver):
    with world.context.store.begin() as connection:
        return [line for line in reversed(outbox_views.lines(connection)) if line.receiver == receiver]


def fail(world, minute, answer, due_in_s=300.0):
    """The service does not take whatever waits."""
    now = world.minute(minute)
    with world.context.store.begin() as connection:
        keys = [key for _, key in outbox.due_destinations(connection, now)]
        for row in outbox.lease(connection, keys, now, 30.0, 10):
            outbox.write(connection, Outcome(row, now, "", answer, now + due_in_s))


def stand_in(world, minute):
    world.clock.at = world.minute(minute)
    jobs.look_for_stuck(world.context)
    jobs.stand_in(world.context)


@pytest.fixture
def world(make_world):
    world = make_world(config=FALLBACK)
    hot(world, *range(60))
    for minute in range(3):
        world.tick(minute)
    return world


def test_what_waits_too_long_goes_to_the_fallback_once_and_marked(world):
    fail(world, 2, "connection refused")
    stand_in(world, 6)
    assert rows(world, "mail") == []
    for minute in (7, 8, 60):
        stand_in(world, minute)
    (line,) = rows(world, "mail")
    assert (line.title, line.reason, line.kind) == ("For phone: It is hot: 7", "instead of phone", "alert")
    with world.context.store.begin() as connection:
        (row,) = outbox.lease(connection, [line.destination], world.minute(60), 30.0, 10)
    assert b"phone has not got this message of" in row.message
    assert b"connection refused" in row.message
    assert [line.state for line in rows(world, "phone")] == ["due"], "it is tried all the same"


def test_a_message_that_is_refused_for_good_goes_to_the_fallback_at_once(world):
    give_up(world, 2, "401 wrong password")
    stand_in(world, 2)
    assert [line.title for line in rows(world, "mail")] == ["For phone: It is hot: 7"]


def test_a_restart_changes_nothing(world):
    give_up(world, 2, "401 wrong password")
    stand_in(world, 2)
    world.restart()
    stand_in(world, 3)
    assert len(rows(world, "mail")) == 1


def test_what_was_given_up_days_ago_is_not_dug_out_for_a_fallback_that_is_new(world):
    give_up(world, 2, "401 wrong password")
    stand_in(world, 3 * 24 * 60)
    assert rows(world, "mail") == []


def test_tests_and_digests_have_no_fallback(world):
    with world.context.store.begin() as connection:
        message = Message("ping", "pong")
        posting = outbox.Posting("phone", "key", "test", "k", message, "test message")
        outbox.add(connection, [posting], world.minute(3))
    stand_in(world, 30)
    assert "For phone: ping" not in [line.title for line in rows(world, "mail")]


def test_nobody_stands_in_without_a_fallback(make_world):
    world = make_world()
    hot(world, 0, 1, 2)
    for minute in range(3):
        world.tick(minute)
    stand_in(world, 59)
    assert rows(world, "mail") == []


def test_that_messages_wait_is_told_to_the_others_with_since_when_and_its_end_too(make_world):
    world = make_world()
    hot(world, *range(60))
    for minute in range(3):
        world.tick(minute)
    fail(world, 2, "connection refused", due_in_s=3000.0)
    told = []
    for minute in range(3, 40):
        world.clock.at = world.minute(minute)
        jobs.look_for_stuck(world.context)
        told += world.tick(minute)
    assert [title for receiver, title in told if receiver == "mail"] == ["Messages to phone do not get through"]
    (alert,) = [one for one in world.context.book.every_alert() if one.labels["alertname"] == "MessagesStuck"]
    assert alert.annotations["description"].startswith("Since ")
    assert "connection refused" in alert.annotations["description"]
    key = rows_key(world)
    with world.context.store.begin() as connection:
        for row in outbox.lease(connection, [key], world.minute(40), 30.0, 10):
            outbox.write(connection, Outcome(row, world.minute(40), "ok"))
    for minute in range(40, 60):
        world.clock.at = world.minute(minute)
        jobs.look_for_stuck(world.context)
        told += world.tick(minute)
    assert ("mail", "Over: Messages to phone do not get through") in told


def rows_key(world):
    return next(line.destination for line in rows(world, "phone"))


def test_a_dead_letter_keeps_the_heart_silent_until_the_receiver_takes_something(world):
    give_up(world, 2, "401 wrong password")
    stand_in(world, 3)
    assert [(one.receiver, one.mended) for one in world.context.given_up] == [("phone", False)]
    key = rows_key(world)
    with world.context.store.begin() as connection:
        posting = outbox.Posting("phone", key, "test", "k", Message("ping", "pong"), "test message")
        outbox.add(connection, [posting], world.minute(3))
        (row,) = outbox.lease(connection, [key], world.minute(3), 30.0, 10)
        outbox.write(connection, Outcome(row, world.minute(3), "ok"))
    stand_in(world, 4)
    assert [(one.receiver, one.mended) for one in world.context.given_up] == [("phone", True)]
