"""The life of an alert through the whole daemon: from Prometheus' answer to the outbox, over restarts and outages."""

import pytest
from world import CONFIG, RULES

from watchman import jobs
from watchman.errors import QueryError
from watchman.notify.outbox import Outcome
from watchman.store import outbox

HOT = "heat > 0"
AWAY = QueryError("Prometheus cannot be reached", "connect")


def hot(world, *minutes):
    world.prometheus.values[HOT] = {world.minute(minute): 7.0 for minute in minutes}
    world.prometheus.values["count(heat)"] = {world.minute(minute): 1.0 for minute in range(60)}
    world.prometheus.values["heat"] = world.prometheus.values["count(heat)"]


def give_up(world, minute, answer):
    """The service refuses for good whatever waits."""
    now = world.minute(minute)
    with world.context.store.begin() as connection:
        keys = [key for _, key in outbox.due_destinations(connection, now)]
        for row in outbox.lease(connection, keys, now, 30.0, 10):
            outbox.write(connection, Outcome(row, now, "", answer))


def test_an_alert_is_pending_then_told_then_over(make_world):
    world = make_world()
    hot(world, 0, 1, 2, 3)
    assert [world.tick(minute) for minute in range(3)] == [[], [], [("phone", "It is hot: 7")]]
    assert world.tick(3) == []
    assert world.incidents() == [(0, 120, None)]
    over = [message for minute in range(4, 12) for message in world.tick(minute)]
    assert len(over) == 1
    assert over[0][1].startswith("Over: ")
    assert world.incidents() == [(0, 120, 240)]


def test_a_pending_alert_that_ends_says_nothing(make_world):
    world = make_world()
    hot(world, 0, 1)
    assert [message for minute in range(6) for message in world.tick(minute)] == []
    assert world.incidents() == []


@pytest.mark.parametrize("killed_after", range(9))
def test_a_kill_at_any_minute_neither_loses_nor_doubles_a_message(make_world, killed_after):
    world = make_world()
    hot(world, 0, 1, 2, 3)
    told = []
    for minute in range(16):
        told += world.tick(minute)
        jobs.housekeeping(world.context)
        if minute == killed_after:
            world.restart()
    assert told == [("phone", "It is hot: 7"), ("phone", "Over: It is hot: 7")]


def test_a_kill_between_evaluation_and_dispatch_is_made_up_for(make_world):
    world = make_world()
    hot(world, *range(20))
    for minute in range(3):
        world.clock.at = world.minute(minute)
        for group in world.context.wiring.groups:
            jobs.evaluate_group(world.context, group, world.minute(minute), 0)
    assert world.messages() == [], "dispatch did not run"
    world.restart()
    assert world.tick(3) == [("phone", "It is hot: 7")]


def test_while_prometheus_is_away_nothing_is_over_and_the_clock_runs_on(make_world):
    world = make_world()
    hot(world, 0, 3, 4)
    world.tick(0)
    world.prometheus.error = AWAY
    assert [world.tick(minute) for minute in (1, 2)] == [[], []]
    assert ("Hot", "pending") in world.states()
    world.prometheus.error = None
    assert world.tick(3) == [("phone", "It is hot: 7")]
    world.prometheus.error = AWAY
    assert [message for minute in range(5, 10) for message in world.tick(minute)] == []
    assert ("Hot", "firing") in world.states()


def test_that_prometheus_is_away_is_told_after_ten_minutes_and_its_return_too(make_world):
    world = make_world()
    world.prometheus.error = AWAY
    told = [message for minute in range(12) for message in world.tick(minute)]
    assert told == [("phone", "watchman cannot see your home")]
    world.prometheus.error = None
    told = [message for minute in range(12, 24) for message in world.tick(minute)]
    assert [title for _, title in told] == ["Over: watchman cannot see your home"]


def test_an_outage_of_watchman_is_asked_back_and_the_alert_keeps_its_clock(make_world):
    world = make_world()
    hot(world, *range(30))
    world.tick(0)
    jobs.housekeeping(world.context)
    world.restart()
    # Five minutes later: the alert had been firing since its second minute, had anybody looked.
    assert world.tick(5) == [("phone", "It is hot: 7")]
    assert world.incidents() == [(0, 120, None)]


def test_what_came_and_went_while_watchman_was_down_is_history_not_a_page(make_world):
    world = make_world()
    hot(world, *range(5, 12))
    world.tick(0)
    jobs.housekeeping(world.context)
    world.restart()
    assert world.tick(20) == []
    assert world.incidents() == [(300, 420, 720)]


def test_time_without_any_data_does_not_count_for_the_clock(make_world):
    world = make_world(rules=RULES.replace("for: 2m", "for: 10m"))
    hot(world, 0, 1, *range(20, 60))
    world.prometheus.values["heat"] = dict.fromkeys(world.prometheus.values[HOT], 1.0)
    world.prometheus.values["count(heat)"] = world.prometheus.values["heat"]
    for minute in (0, 1):
        world.tick(minute)
    jobs.housekeeping(world.context)
    world.restart()
    told = [minute for minute in range(20, 40) if world.tick(minute)]
    assert told == [28], "one minute of ten had passed before the outage of 19 minutes, of which one was a step"


def test_the_true_end_is_told_not_the_end_of_keep_firing_for(make_world):
    world = make_world(rules=RULES.replace("for: 2m", "for: 0s\n        keep_firing_for: 5m"))
    hot(world, 0, 1, 2)
    for minute in range(20):
        world.tick(minute)
    assert world.incidents() == [(0, 0, 180)]


def test_a_rule_that_is_removed_ends_its_alert(make_world):
    world = make_world()
    hot(world, *range(60))
    for minute in range(3):
        world.tick(minute)
    (world.folder / "rules.yaml").write_text("groups: []")
    world.restart()
    jobs.forget_removed_rules(world.context)
    told = [message for minute in range(3, 12) for message in world.tick(minute)]
    assert [title for _, title in told] == ["Over: It is hot: 7"]
    assert world.incidents()[0][2] is not None


def test_an_info_alert_stays_in_the_digest(make_world):
    world = make_world(rules=RULES.replace("critical", "info"))
    hot(world, *range(60))
    assert [message for minute in range(60) for message in world.tick(minute)] == []
    assert len(world.incidents()) == 1


def test_a_message_nobody_takes_is_told_to_the_others(make_world):
    world = make_world()
    hot(world, 0, 1, 2, 3)
    for minute in range(4):
        world.tick(minute)
    give_up(world, 3, "401 wrong password")
    jobs.look_for_stuck(world.context)
    told = [message for minute in range(4, 8) for message in world.tick(minute)]
    assert ("mail", "Not delivered to phone: 1") in told
    assert ("phone", "Not delivered to phone: 1") not in told


def test_a_tick_that_changes_nothing_writes_nothing(make_world):
    world = make_world()
    hot(world, *range(60))
    for minute in range(5):
        world.tick(minute)
    file = world.folder / "watchman.sqlite-wal"
    before = file.read_bytes()
    for minute in range(5, 10):
        world.tick(minute)
    assert before == file.read_bytes()


def test_a_policy_holds_for_rules_one_cannot_annotate(make_world):
    policies = "rule_policies: [{matchers: ['alertname=Hot'], news_after: 3d, on_vanished: hold}]\n"
    world = make_world(config=CONFIG + policies)
    (rule,) = world.context.wiring.groups[0].rules
    assert (rule.annotations["news_after"], rule.on_vanished) == ("3d", "hold")


def test_missed_slots_of_a_rule_that_reads_at_the_end_are_asked_back_one_by_one(make_world):
    """In a range query `@ end()` is the end of the range for every step."""
    expr = "heat @ end() > 0"
    world = make_world(rules=RULES.replace("heat > 0", expr))
    world.prometheus.values["count(heat @ end())"] = {world.minute(minute): 1.0 for minute in range(60)}
    world.prometheus.values[expr] = {world.minute(minute): 7.0 for minute in (1, 2, 3, 4)}
    answer = world.prometheus.range

    def as_a_range(asked, start, end, step_s):
        assert "end()" not in asked
        return answer(asked, start, end, step_s)

    world.prometheus.range = as_a_range
    world.tick(0)
    jobs.housekeeping(world.context)
    world.restart()
    world.tick(8)
    assert world.incidents() == [(60, 180, 300)]
