"""Quiet hours: what waits, what passes, and the one message in the morning. T0 is 05:40 in Berlin."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest
from notify_world import BERLIN, DAY, HOUR, T0, World, alert, routing

from watchman.notify.hours import QuietHours
from watchman.notify.matchers import parse_matchers
from watchman.notify.mute import Silence
from watchman.notify.plan import QUIET_KEY, DispatchState, HoldReason, Receiver
from watchman.notify.route import Route

NIGHT = QuietHours(time(22), time(7))
SEVEN_S = 80 * 60.0
EVENING_S = SEVEN_S + 15 * HOUR


def world(route: Route | None = None, hours: QuietHours | None = NIGHT) -> World:
    receivers = {name: Receiver(name) for name in ("mail", "other")} | {"phone": Receiver("phone", quiet_hours=hours)}
    return World(routing(route, receivers=receivers))


def moment(text: str, zone: ZoneInfo = BERLIN) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


@pytest.mark.parametrize(
    ("hours", "at", "until"),
    [
        (NIGHT, "2026-11-21T22:00", "2026-11-22T07:00"),
        (NIGHT, "2026-11-22T06:59:59", "2026-11-22T07:00"),
        (NIGHT, "2026-11-22T07:00", None),
        (NIGHT, "2026-11-21T21:59:59", None),
        (NIGHT, "2026-03-28T23:00", "2026-03-29T07:00"),
        (NIGHT, "2026-10-25T02:30", "2026-10-25T07:00"),
        (QuietHours(time(13), time(15)), "2026-11-21T14:00", "2026-11-21T15:00"),
        (QuietHours(time(13), time(15)), "2026-11-21T15:00", None),
        (QuietHours(time(22), time(0)), "2026-11-21T23:59", "2026-11-22T00:00"),
        (QuietHours(time(0), time(2, 30)), "2026-03-29T01:00", "2026-03-29T03:00"),
    ],
)
def test_quiet_hours_follow_the_local_clock(hours: QuietHours, at: str, until: str | None) -> None:
    assert hours.until(moment(at), BERLIN) == (None if until is None else moment(until))


def test_in_the_hour_that_comes_twice_they_end_once() -> None:
    hours = QuietHours(time(0), time(2, 30))
    first_end = datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN).timestamp()

    assert hours.until(first_end - 1, BERLIN) == first_end
    assert hours.until(first_end + HOUR - 60, BERLIN) is None


def test_one_alert_that_waits_is_told_in_the_morning_as_it_would_have_been() -> None:
    home, idle = world(), alert("Idle", at=0)
    home.put(idle)
    plan = home.run(40)
    assert [(held.reason, held.until) for held in plan.held] == [(HoldReason.QUIET_HOURS, T0 + SEVEN_S)]
    home.run_until(40, 2 * HOUR)

    assert home.told() == [(SEVEN_S, "first notification")]
    assert QUIET_KEY not in {key for key, _ in home.log}


def test_critical_passes_and_its_end_too() -> None:
    home, grid = world(), alert("GridDown", "critical", at=0)
    home.put(grid)
    home.run_until(0, 600)
    home.end(grid, at=700)
    home.run(700)

    assert home.told() == [(5, "first notification"), (700, "all alerts resolved")]


def test_a_severity_that_is_named_passes() -> None:
    home = world(hours=replace(NIGHT, passes=frozenset({"critical", "warning"})))
    home.put(alert("Idle", "warning", at=-60))
    home.run(0)

    assert home.told() == [(0, "first notification")]


def test_a_night_of_many_is_one_message_with_what_began_and_ended_meanwhile() -> None:
    home = world(Route("phone", group_by=("alertname",)))
    told_before = alert("Told", at=-9 * HOUR)
    home.put(told_before)
    home.run(-8 * HOUR)
    short, long, notice = alert("Short", at=0), alert("Long", at=100), alert("Reserve", "notice", at=200)
    home.put(short, long, notice)
    home.run(300)
    home.end(short, at=400)
    home.end(told_before, at=500)
    home.run(500)
    home.forget(short)
    home.run_until(600, 2 * HOUR)

    assert home.told() == [(-8 * HOUR, "first notification"), (SEVEN_S, "quiet hours are over")]
    message = home.sent[1][1]
    assert [one.name for one in message.firing] == ["Long", "Reserve"]
    assert [(one.name, one.ends_at) for one in message.resolved] == [("Told", T0 + 500), ("Short", T0 + 400)]
    assert message.new == {long.fingerprint, notice.fingerprint}
    home.end(long, at=3 * HOUR)
    home.end(notice, at=3 * HOUR)
    home.run(3 * HOUR)
    assert home.told()[2:] == [(3 * HOUR, "all alerts resolved")] * 2
    assert home.log == {}


def test_an_incident_that_is_over_is_told_in_the_morning() -> None:
    home, idle = world(), alert("Idle", at=0)
    home.put(idle)
    home.run(60)
    home.end(idle, at=600)
    home.run(600)
    home.forget(idle)
    home.run_until(700, 2 * HOUR)

    assert home.told() == [(SEVEN_S, "quiet hours are over")]
    assert [(one.name, one.ends_at) for one in home.sent[0][1].resolved] == [("Idle", T0 + 600)]
    assert home.log == {}


def test_each_incident_of_a_night_is_listed() -> None:
    home = world()
    for start in (0, 1000, 2000):
        home.put(alert("Idle", at=start))
        home.run(start + 60)
        home.end(alert("Idle", at=start), at=start + 300)
        home.run(start + 300)
    home.run_until(3000, 2 * HOUR)

    assert [round(one.starts_at - T0) for one in home.sent[0][1].resolved] == [0, 1000, 2000]


def test_a_critical_message_of_the_morning_stays_its_own() -> None:
    home = world(Route("phone", group_by=("alertname",)))
    home.put(alert("A", at=0), alert("B", at=0))
    home.run(60)
    home.put(alert("GridDown", "critical", at=SEVEN_S - 5))
    home.run(SEVEN_S)

    assert sorted(home.told()) == [(SEVEN_S, "first notification"), (SEVEN_S, "quiet hours are over")]


def test_the_end_of_one_told_before_is_told_in_the_morning() -> None:
    home, idle = world(), alert("Idle", at=-9 * HOUR)
    home.put(idle)
    home.run(-8 * HOUR)
    home.end(idle, at=0)
    home.run_until(0, 2 * HOUR)

    assert home.told() == [(-8 * HOUR, "first notification"), (SEVEN_S, "all alerts resolved")]


def test_a_daemon_that_slept_over_the_morning_tells_when_it_is_back() -> None:
    home, one, two = world(Route("phone", group_by=("alertname",))), alert("A", at=0), alert("B", at=0)
    home.put(one, two)
    home.run(60)
    home = World(home.routing, home.state, home.alerts, home.log, home.sent)
    home.run(5 * HOUR)

    assert home.told() == [(5 * HOUR, "quiet hours are over")]


def test_what_is_silenced_in_the_morning_is_left_out() -> None:
    home, idle = world(), alert("Idle", at=0)
    home.put(idle)
    home.run(60)
    home.end(idle, at=600)
    home.run(600)
    home.state = DispatchState(silences=[Silence("s", tuple(parse_matchers("alertname=Idle")), T0, T0 + DAY)])
    home.run_until(700, 3 * HOUR)

    assert home.told() == []
    assert home.log == {}


def test_repeats_wait_too() -> None:
    home = world(Route("phone", repeat_intervals_s=(HOUR,)))
    home.put(alert("Idle", at=EVENING_S - 2 * HOUR - 600))
    home.run_until(EVENING_S - 2 * HOUR, EVENING_S + 10 * HOUR)

    hours = [round((at - EVENING_S) / HOUR) for at, _ in home.told()]
    assert hours == [-2, -1, 9]


def test_quiet_hours_that_are_taken_out_of_the_config_end_at_once() -> None:
    home = world()
    home.put(alert("Idle", at=0))
    home.run(60)
    home.routing = world(hours=None).routing
    home.run(120)

    assert home.told() == [(120, "first notification")]
    assert QUIET_KEY not in {key for key, _ in home.log}


def test_a_receiver_that_is_gone_leaves_no_night() -> None:
    home = world()
    home.put(alert("Idle", at=0))
    home.run(60)
    home.routing = routing(Route("mail"), receivers={"mail": Receiver("mail")})
    home.run(120)

    assert {receiver for _, receiver in home.log} == {"mail"}
