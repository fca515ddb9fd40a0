"""Reloads, signals and rules that go, at the worst moment."""

import logging
import signal
import threading
from dataclasses import replace

import pytest
from test_lives import hot
from world import CONFIG, RULES, Clock

from watchman import app, jobs
from watchman.config import load_config
from watchman.errors import StoreError
from watchman.wiring import wire

OTHER = RULES.replace("Hot", "Cold").replace("heat > 0", "cold > 0")


@pytest.fixture
def make_daemon(tmp_path):
    """`make_daemon(clock)`: a daemon on a free port that is not run."""
    daemons = []

    def make(clock):
        (tmp_path / "config.yaml").write_text(CONFIG)
        (tmp_path / "rules.yaml").write_text(RULES)
        daemons.append(app.Daemon(tmp_path / "config.yaml", clock, "127.0.0.1:0"))
        return daemons[-1]

    yield make
    for daemon in daemons:
        daemon._web._server.close()
        daemon.context.wiring.close()
        daemon.context.store.close()


def reload(world, rules):
    (world.folder / "rules.yaml").write_text(rules)
    wiring = wire(load_config(world.folder / "config.yaml", {}))
    world.context.wiring = replace(wiring, prometheus=world.prometheus)
    jobs.forget_removed_rules(world.context)


def test_a_rule_that_was_removed_while_nobody_ran_ends_its_alert(make_world):
    world = make_world()
    hot(world, *range(20))
    for minute in range(4):
        world.tick(minute)
    (world.folder / "rules.yaml").write_text(OTHER)
    world.restart()
    told = [message for minute in range(5, 15) for message in world.tick(minute)]
    assert told == [("phone", "Over: It is hot: 7")]
    assert world.states() == []
    assert world.incidents()[0][2] is not None


def test_a_rule_that_is_removed_while_it_is_evaluated_leaves_nothing_behind(make_world):
    world = make_world(rules=RULES.replace("for: 2m", "for: 0s"))
    hot(world, *range(20))
    answer, group = world.prometheus.query, world.context.wiring.groups[0]

    def answer_late(expr, ts):
        world.prometheus.query = answer
        reload(world, OTHER)
        return answer(expr, ts)

    world.prometheus.query = answer_late
    app.evaluate(world.context, group, world.minute(0), 0)
    assert world.states() == []
    assert [ended is not None for _, _, ended in world.incidents()] == [True]
    world.restart()
    assert world.states() == []


def test_two_reloads_at_once_schedule_every_job_once(make_daemon):
    class Meeting(Clock):
        """The first to schedule waits for another reload to pass it, as far as it can."""

        def now(self):
            if threading.current_thread().name == "first":
                second.start()
                threading.current_thread().name = "went on"
                second.join(0.2)
            return 1_000_000.0

    daemon = make_daemon(Meeting())
    daemon.reload()
    once = len(daemon._scheduler.jobs)
    first = threading.Thread(target=daemon.reload, name="first")
    second = threading.Thread(target=daemon.reload, name="second")
    first.start()
    first.join(10)
    second.join(10)
    assert len(daemon._scheduler.jobs) == once


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_signal_may_come_while_the_daemon_holds_its_lock(make_daemon, number):
    daemon = make_daemon(Clock(1_000_000.0))

    def interrupted():
        with daemon._busy_lock, daemon._stop._cond:
            daemon.on_signal(number)

    thread = threading.Thread(target=interrupted, daemon=True)
    thread.start()
    thread.join(5)
    assert not thread.is_alive()
    daemon._heed_signals()
    assert daemon._stop.is_set() == (number == signal.SIGTERM)


def test_a_fault_that_stays_is_told_every_five_minutes(make_daemon, caplog):
    clock = Clock(1_000_000.0)
    daemon = make_daemon(clock)
    with caplog.at_level(logging.ERROR):
        for _ in range(100):
            daemon._failed(StoreError("the disk is full"))
            daemon._failed(StoreError("another"))
            clock.at += 5
    assert caplog.messages.count("the disk is full") == 2
    assert caplog.messages.count("another") == 2


def test_a_fault_nobody_foresaw_is_told_each_time(make_daemon, caplog):
    daemon = make_daemon(Clock(1_000_000.0))
    for _ in range(2):
        daemon._failed(ValueError("odd"))
    assert len(caplog.messages) == 2
