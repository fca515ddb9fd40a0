"""Alerts that others post: told, held by own silences, ended by time, over restarts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from watchman import jobs
from watchman.companion import take_alerts
from watchman.notify.matchers import parse_matchers
from watchman.notify.message import Source
from watchman.notify.mute import Silence
from watchman.notify.posted import PostedAlert
from watchman.series import fingerprint
from watchman.store import posted, silences

LABELS = {"alertname": "Leak", "severity": "warning"}


def leak(world, *, lasts_s=240.0, source=Source.PROMETHEUS):
    now = world.clock.at
    return PostedAlert(fingerprint(LABELS), source, LABELS, {"summary": "Water"}, now, now + lasts_s, now)


def post(world, alert):
    with world.context.store.begin() as connection:
        posted.put(connection, [replace(alert, updated_at=world.clock.at)], world.clock.at)
    jobs.dispatch(world.context)


def run_until(world, ts):
    """Dispatch whenever it wants to run until `ts`."""
    while world.context.next_dispatch_at <= ts:
        world.clock.at = max(world.clock.at, world.context.next_dispatch_at)
        jobs.dispatch(world.context)
    world.clock.at = ts


def silence(world, text, lasts_s):
    with world.context.store.begin() as connection:
        wanted = Silence("", tuple(parse_matchers(text)), world.clock.at, world.clock.at + lasts_s)
        return silences.save(connection, wanted, world.clock.at)


@pytest.fixture
def world(make_world):
    return make_world()


def test_a_posted_alert_is_told_and_so_is_its_end(world):
    alert = leak(world)
    post(world, alert)
    assert len(world.messages()) == 1
    start = world.clock.at
    run_until(world, start + 120)
    post(world, replace(alert, ends_at=start + 360))
    run_until(world, start + 359)
    assert len(world.messages()) == 1
    run_until(world, start + 361)
    (first, over) = world.messages()
    assert first[0] == over[0] == "phone"
    assert "over" in over[1].lower()


def test_two_sources_of_one_alert_are_one_message(world):
    post(world, leak(world))
    post(world, leak(world, source=Source.ALERTMANAGER))
    assert len(world.messages()) == 1
    assert len(world.incidents()) == 1


def test_a_restart_neither_ends_nor_repeats_what_goes_on(world):
    alert = leak(world)
    post(world, alert)
    world.clock.at += 3600
    world.restart()
    jobs.dispatch(world.context)
    assert len(world.messages()) == 1, "nobody could tell it again while watchman was away"
    post(world, replace(alert, ends_at=world.clock.at + 240))
    assert len(world.messages()) == 1
    world.clock.at += 3600
    world.restart()
    run_until(world, world.clock.at + 3600)
    assert len(world.messages()) == 2, "nobody told it again after the start either"


def test_what_ended_while_watchman_was_away_is_told_once(world):
    alert = leak(world)
    post(world, alert)
    ended = world.clock.at + 30
    world.clock.at += 600
    world.restart()
    jobs.dispatch(world.context)
    for _ in range(2):
        post(world, replace(alert, ends_at=ended))
    assert len(world.messages()) == 2


def test_an_own_silence_holds_until_it_ends(world):
    silence(world, "alertname=Leak", 600)
    start = world.clock.at
    post(world, leak(world, lasts_s=7200))
    assert world.messages() == []
    run_until(world, start + 599)
    assert world.messages() == []
    run_until(world, start + 600)
    assert len(world.messages()) == 1


def test_a_silence_ended_by_a_command_is_noticed(world):
    made = silence(world, "alertname=Leak", 6000)
    post(world, leak(world, lasts_s=7200))
    jobs.notice_silences(world.context)
    assert not world.context.dispatch_wanted.is_set()
    with world.context.store.begin() as connection:
        silences.expire(connection, made.id, world.clock.at + 1)
    world.clock.at += 2
    jobs.notice_silences(world.context)
    assert world.context.dispatch_wanted.is_set()
    jobs.dispatch(world.context)
    assert len(world.messages()) == 1


def test_what_is_long_over_is_forgotten(world):
    silence(world, "alertname=Leak", 10)
    post(world, leak(world, lasts_s=60))
    run_until(world, world.clock.at + 3 * 3600)
    jobs.housekeeping(world.context)
    with world.context.store.read() as connection:
        assert posted.load(connection) == []
        assert len(silences.load(connection)) == 1
    world.clock.at += 121 * 3600
    jobs.housekeeping(world.context)
    with world.context.store.read() as connection:
        assert silences.load(connection) == []


def test_what_a_stranger_posts_is_one_line_of_the_log(world, caplog):
    labels = {"alertname": "Leak", "text": "a\n2026-01-01T00:00:00Z error   all is lost"}
    with caplog.at_level("INFO"):
        take_alerts(world.context, [replace(leak(world), labels=labels)])
    (line,) = [record.getMessage() for record in caplog.records if "Leak" in record.getMessage()]
    assert "\n" not in line
    assert line.startswith("prometheus says: alert Leak fires (text=a 2026-01-01")
