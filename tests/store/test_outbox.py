"""The outbox as a table: what is due, for whom, in which order, and what is kept of every attempt."""

import pytest

from watchman.notify.message import Message
from watchman.notify.outbox import Outcome
from watchman.store import open_store, outbox, outbox_views

NOW = 1_000_000.0


@pytest.fixture
def connection(tmp_path):
    store = open_store(f"sqlite:///{tmp_path}/watchman.sqlite")
    with store.begin() as open_connection:
        yield open_connection
    store.close()


def posting(key, destination="p", kind="alert", severity="warning", receiver="phone"):
    message = Message(f"title {key}", f"text {key}", severity=severity)
    return outbox.Posting(receiver, destination, kind, key, message, "first")


def titles(rows):
    return [row.message.split(b'"')[3].decode().removeprefix("title ") for row in rows]


def lease(connection, now=NOW, destinations=("p",)):
    return outbox.lease(connection, destinations, now, 45.0, 100)


def test_one_key_is_one_row_however_often_it_is_put_in(connection):
    assert outbox.add(connection, [posting("a"), posting("b"), posting("a")], NOW) == 2
    assert outbox.add(connection, [posting("b"), posting("c")], NOW) == 1
    assert outbox.add(connection, [], NOW) == 0


def test_least_tried_come_first_then_the_most_urgent_then_the_oldest(connection):
    rows = [posting("report", kind="report"), posting("tried"), posting("warning"), posting("test", kind="test")]
    outbox.add(connection, [*rows, posting("critical", severity="critical")], NOW)
    (tried,) = [row for row in lease(connection) if titles([row]) == ["tried"]]
    outbox.write(connection, Outcome(tried, NOW, "", "no", NOW + 1))
    assert titles(lease(connection)) == ["critical", "warning", "report", "test", "tried"]


def test_the_destination_of_the_most_urgent_row_comes_first(connection):
    rows = [posting("a", "slow", kind="report"), posting("b", "phone"), posting("c", "siren", severity="critical")]
    outbox.add(connection, rows, NOW)
    assert [key for _, key in outbox.due_destinations(connection, NOW)] == ["siren", "phone", "slow"]


def test_what_is_leased_is_not_due_until_the_lease_ends(connection):
    outbox.add(connection, [posting("a")], NOW)
    lease(connection)
    assert outbox.due_destinations(connection, NOW + 44) == []
    assert outbox.next_due_at(connection, NOW) == NOW + 45
    assert outbox.next_due_at(connection, NOW, ["p"]) is None
    assert outbox.due_destinations(connection, NOW + 45) == [("phone", "p")]


def test_a_row_put_off_further_than_any_is_one_is_from_before_the_clock_was_set_back(connection):
    outbox.add(connection, [posting("a")], NOW)
    lease(connection)
    assert outbox.due_destinations(connection, NOW - 4000) == [("phone", "p")]
    outbox.hurry(connection, NOW - 100)
    assert outbox.due_destinations(connection, NOW - 100) == [("phone", "p")]


def test_every_attempt_is_in_the_log_with_its_answer(connection):
    outbox.add(connection, [posting("a"), posting("b", "m", receiver="mail")], NOW)
    (row,) = lease(connection)
    outbox.write(connection, Outcome(row, NOW + 1, "", "connection refused", NOW + 2))
    (row,) = lease(connection, NOW + 2)
    outbox.write(connection, Outcome(row, NOW + 3, "accepted by ntfy"))
    (other,) = lease(connection, NOW + 2, ["m"])
    outbox.write(connection, Outcome(other, NOW + 4, "", "550 no such user"))

    log = outbox_views.delivery_log(connection)
    assert [(line.at - NOW, line.receiver, line.attempt, line.accepted, line.answer) for line in log] == [
        (1, "phone", 1, False, "connection refused"),
        (3, "phone", 2, True, "accepted by ntfy"),
        (4, "mail", 1, False, "550 no such user"),
    ]
    assert [line.at for line in outbox_views.delivery_log(connection, since=NOW + 3)] == [NOW + 3, NOW + 4]
    assert [line.at for line in outbox_views.delivery_log(connection, receiver="mail")] == [NOW + 4]
    assert [line.at for line in outbox_views.delivery_log(connection, ids=[row.id], limit=1)] == [NOW + 3]
    assert outbox_views.last_accepted(connection) == {"phone": NOW + 3}


def test_what_waits_and_what_was_given_up_is_told_with_the_last_answer(connection):
    outbox.add(connection, [posting("a"), posting("b")], NOW)
    outbox.add(connection, [posting("c")], NOW + 5)
    first, second, _ = lease(connection)
    outbox.write(connection, Outcome(first, NOW + 1, "", "401 unauthorized"))
    outbox.write(connection, Outcome(second, NOW + 1, "", "connection refused", NOW + 2))
    (backlog,) = outbox_views.backlogs(connection, NOW)
    assert backlog == outbox_views.Backlog(
        "phone", 2, 1, NOW, NOW, answer="connection refused", dead_answer="401 unauthorized"
    )


def test_a_row_that_is_tried_again_by_hand_begins_its_schedule_anew_and_keeps_its_age(connection):
    outbox.add(connection, [posting("a")], NOW)
    (row,) = lease(connection)
    outbox.write(connection, Outcome(row, NOW + 1, "", "401 unauthorized"))
    assert outbox.revive(connection, [row.id], NOW + 900) == 1
    assert outbox.revive(connection, [row.id + 1], NOW + 900) == 0
    (again,) = lease(connection, NOW + 900)
    assert (again.created_at, again.first_at, again.attempts) == (NOW, NOW + 900, 0)


def test_a_row_nobody_tried_is_given_up_without_an_attempt(connection):
    outbox.add(connection, [posting("a")], NOW)
    (row,) = lease(connection)
    outbox.write(connection, Outcome(row, NOW + 1, "", "too late", tried=False))
    assert outbox_views.delivery_log(connection) == []
    assert [(line.state, line.attempts) for line in outbox_views.lines(connection)] == [("dead", 0)]


def test_what_is_finished_for_long_is_forgotten_with_its_log_and_what_waits_is_not(connection):
    outbox.add(connection, [posting("a"), posting("b")], NOW)
    first, second = lease(connection)
    outbox.write(connection, Outcome(first, NOW + 1, "ok"))
    outbox.write(connection, Outcome(second, NOW + 1, "", "no", NOW + 2))
    outbox.forget(connection, NOW + 2)
    assert [line.state for line in outbox_views.lines(connection)] == ["due"]
    assert [line.accepted for line in outbox_views.delivery_log(connection)] == [False]
