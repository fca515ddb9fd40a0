"""The life of an alert as its receiver hears it. Times are seconds after T0."""

from __future__ import annotations

from dataclasses import replace

import pytest
from notify_world import DAY, HOUR, T0, World, alert, routing

from watchman.notify.inhibit import InhibitRule
from watchman.notify.matchers import parse_matchers
from watchman.notify.message import Source
from watchman.notify.mute import Silence, TimeInterval
from watchman.notify.plan import DispatchState, HoldReason, Maintenance, Receiver
from watchman.notify.route import Route


def matchers(text: str) -> tuple:
    return tuple(parse_matchers(text))


def reasons(world: World) -> list[str]:
    return [reason for _, reason in world.told()]


def holds(world: World, at: float) -> list[tuple[str, str]]:
    return [(held.receiver, held.reason.value) for held in world.run(at).held]


def test_it_waits_group_wait_then_tells_then_tells_the_end() -> None:
    world, grid = World(), alert(at=0)
    world.put(grid)

    assert world.run(1).next_due == T0 + 30
    assert world.told() == []
    world.run(30)
    world.end(grid, at=400)
    world.run(400)

    assert world.told() == [(30, "first notification"), (400, "all alerts resolved")]
    assert world.sent[1][1].resolved[0].ends_at == T0 + 400
    assert world.log == {}


def test_an_old_alert_does_not_wait() -> None:
    world = World()
    world.put(alert(at=-3600))
    world.run(0)

    assert world.told() == [(0, "first notification")]


def test_an_alert_that_ends_inside_group_wait_is_never_told() -> None:
    world, grid = World(), alert(at=0)
    world.put(grid)
    world.run(1)
    world.end(grid, at=10)
    world.run_until(10, HOUR)

    assert world.told() == []
    assert world.log == {}


def test_a_new_alert_joins_after_group_interval_and_the_message_says_which_is_new() -> None:
    world = World(routing(Route("phone", group_by=("alertname",))))
    one, two = alert("X", at=0, host="a"), alert("X", at=60, host="b")
    world.put(one)
    world.run(30)
    world.put(two)
    world.run_until(60, 400)

    assert world.told() == [(30, "first notification"), (330, "new alerts added")]
    message = world.sent[1][1]
    assert {one.fingerprint for one in message.firing} == {one.fingerprint, two.fingerprint}
    assert message.new == {two.fingerprint}


def test_different_group_labels_make_different_messages() -> None:
    world = World(routing(Route("phone", group_by=("host",))))
    world.put(alert("X", host="a"), alert("Y", host="a"), alert("X", host="b"))
    world.run(30)

    assert sorted(len(notification.firing) for _, notification in world.sent) == [1, 2]


def test_some_resolved_then_all() -> None:
    world = World()
    one, two = alert("X", at=0, i="1"), alert("X", at=0, i="2")
    world.put(one, two)
    world.run(30)
    world.end(one, at=40)
    world.run_until(40, 400)
    world.end(two, at=1000)
    world.run(1000)

    assert world.told() == [(30, "first notification"), (330, "some alerts resolved"), (1000, "all alerts resolved")]


@pytest.mark.parametrize(
    ("severity", "expected_hours"),
    [
        ("critical", [0.25, 1.25, 5.25, 9.25, 13.25, 17.25, 21.25, 25.25]),
        ("warning", [24.0]),
        ("notice", []),
        ("", [4.0, 8.0, 12.0, 16.0, 20.0, 24.0]),
    ],
)
def test_repeats_follow_the_severity_to_the_second(severity: str, expected_hours: list[float]) -> None:
    world = World()
    world.put(alert(severity=severity, at=-60))
    world.run_until(0, 26 * HOUR)

    assert [round(at / HOUR, 2) for at, _ in world.told()[1:]] == expected_hours
    assert set(reasons(world)[1:]) <= {"repeat interval elapsed"}


def test_a_repeat_interval_of_the_route_beats_the_severity() -> None:
    world = World(routing(Route("phone", repeat_intervals_s=(3 * HOUR,))))
    world.put(alert(severity="notice", at=-60))
    world.run_until(0, 10 * HOUR)

    assert [round(at / HOUR) for at, _ in world.told()] == [0, 3, 6, 9]


def test_a_new_alert_starts_the_ladder_again() -> None:
    world = World()
    world.put(alert("X", "critical", at=-60, i="1"))
    world.run_until(0, 2 * HOUR)
    world.put(alert("X", "critical", at=2 * HOUR, i="2"))
    world.run_until(2 * HOUR, 2 * HOUR + 1000)

    assert world.told()[-2:] == [(7205, "new alerts added"), (7205 + 900, "repeat interval elapsed")]


def test_a_critical_alert_is_told_within_seconds_even_in_a_group_that_just_spoke() -> None:
    world = World(routing(Route("phone", group_by=())))
    world.put(alert("Idle", "warning", at=-60))
    world.run(0)
    world.put(alert("GridDown", "critical", at=20))
    world.run_until(20, 60)

    assert world.told() == [(0, "first notification"), (25, "new alerts added")]


def test_a_configured_group_wait_and_interval_hold_for_critical_too() -> None:
    world = World(routing(Route("phone", group_by=(), group_wait_s=10.0, group_interval_s=120.0)))
    world.put(alert("Idle", "warning", at=-60))
    world.run(0)
    world.put(alert("GridDown", "critical", at=20))
    world.run_until(20, 200)

    assert world.told() == [(0, "first notification"), (120, "new alerts added")]


def test_critical_messages_come_first() -> None:
    world = World()
    world.put(alert("A", "notice", at=-60), alert("B", "critical", at=-60), alert("C", "warning", at=-60))
    plan = world.run(0)

    assert [notification.severity for notification in plan.notifications] == ["critical", "warning", "notice"]


@pytest.mark.parametrize("restart_at", [0, 10, 30, 31, 200, 330, 399, 400, 700])
def test_a_restart_changes_nothing(restart_at: float) -> None:
    """The log is all that is remembered, so a world that begins again from it goes on alike."""

    def live(restart: float | None) -> list[tuple[float, str]]:
        world = World()
        one, two = alert("X", at=0, i="1"), alert("X", at=50, i="2")
        for at in (0, 10, 30, 31, 50, 200, 330, 399, 400, 700, 1001):
            world.put(one, two)
            if at < 50:
                world.forget(two)
            if at >= 200:
                world.end(one, at=200)
            if at >= 700:
                world.end(two, at=700)
            if at == restart:
                world = World(log=world.log, sent=world.sent, alerts=world.alerts)
            world.run(at)
        return world.told()

    assert live(restart_at) == live(None)
    assert live(None)[-1][1] == "all alerts resolved"


def test_an_alert_that_nobody_remembers_is_over() -> None:
    world, grid = World(), alert(at=-60)
    world.put(grid)
    world.run(0)
    world.forget(grid)
    world.run_until(100, HOUR)

    assert world.told() == [(0, "first notification"), (300, "all alerts resolved")]
    assert world.sent[1][1].resolved[0].ends_at == T0 + 100


def test_an_alert_that_comes_back_before_its_end_was_told_is_the_same_story() -> None:
    world, grid = World(), alert(at=-60)
    world.put(grid)
    world.run(0)
    world.end(grid, at=50)
    world.run(50)
    world.put(replace(grid, starts_at=T0 + 100, since=T0 + 100))
    world.run_until(100, 1000)
    world.end(replace(grid, starts_at=T0 + 100), at=2000)
    world.run(2000)

    assert reasons(world) == ["first notification", "all alerts resolved"]
    assert world.sent[1][1].resolved[0].starts_at == grid.starts_at


@pytest.mark.parametrize("by", ["receiver", "alert"])
def test_without_send_resolved_the_end_is_not_told_and_the_next_firing_is_news(by: str) -> None:
    receivers = {"phone": Receiver("phone", send_resolved=by != "receiver")}
    world = World(routing(receivers=receivers))
    grid = alert(at=-60, annotations={"summary": "x", "send_resolved": "false" if by == "alert" else ""})
    world.put(grid)
    world.run(0)
    world.end(grid, at=50)
    world.run_until(50, 400)

    assert reasons(world) == ["first notification"]
    assert world.log == {}
    world.put(replace(grid, starts_at=T0 + 500))
    world.run_until(500, 600)
    assert reasons(world) == ["first notification"] * 2


def test_a_silence_holds_back_and_its_end_tells() -> None:
    silence = Silence("s", matchers("alertname=GridDown"), T0, T0 + 1000)
    world = World(state=DispatchState(silences=[silence]))
    world.put(alert(at=0))

    plan = world.run(100)
    assert [(held.reason, held.until) for held in plan.held] == [(HoldReason.SILENCED, T0 + 1000)]
    assert plan.statuses[alert(at=0).fingerprint].silenced_by == ("s",)
    world.run_until(100, 2000)

    assert world.told() == [(1000, "first notification")]


def test_an_alert_that_ends_while_silenced_is_closed_when_the_silence_ends() -> None:
    world, grid = World(), alert(at=-60)
    world.put(grid)
    world.run(0)
    world.state = DispatchState(silences=[Silence("s", matchers("alertname=GridDown"), T0 + 10, T0 + 5000)])
    world.end(grid, at=100)
    world.run(100)
    world.forget(grid)
    world.run_until(2000, 6000)

    assert world.told() == [(0, "first notification"), (5000, "all alerts resolved")]
    assert world.sent[1][1].resolved[0].ends_at == T0 + 100


def test_a_silenced_alert_goes_on_and_is_not_told_twice() -> None:
    world, grid = World(), alert("GridDown", "notice", at=-60)
    world.put(grid)
    world.run(0)
    world.state = DispatchState(silences=[Silence("s", matchers("alertname=GridDown"), T0 + 10, T0 + 5000)])
    world.run_until(10, 6000)
    world.end(grid, at=7000)
    world.run(7000)

    assert reasons(world) == ["first notification", "all alerts resolved"]


def test_inhibition_holds_the_target_and_lets_it_go_with_the_source() -> None:
    rule = InhibitRule(matchers("alertname=GridDown"), matchers("alertname=Import"), ("host",))
    world = World(routing(inhibit_rules=(rule,)))
    source, target = alert("GridDown", at=-60, host="a"), alert("Import", at=-60, host="a")
    world.put(source, target)
    plan = world.run(0)

    assert [(held.alert.name, held.reason) for held in plan.held] == [("Import", HoldReason.INHIBITED)]
    assert plan.statuses[target.fingerprint].state == "suppressed"
    world.end(source, at=100)
    world.run(100)
    names = [[one.name for one in notification.firing] for _, notification in world.sent]
    assert ["Import"] in names


NIGHT = (TimeInterval(times=((22 * 60, 24 * 60),)), TimeInterval(times=((0, 7 * 60),)))
# T0 is 05:40 in Berlin.
SEVEN_S = 80 * 60


def test_a_muted_route_tells_when_the_interval_ends() -> None:
    child = Route(matchers=matchers("severity=warning"), mute_time_intervals=("night",))
    world = World(routing(Route("phone", routes=(child,)), time_intervals={"night": NIGHT}))
    world.put(alert(at=-60))

    assert holds(world, 0) == [("phone", "mute time interval")]
    world.run_until(0, 2 * HOUR)
    assert world.told() == [(SEVEN_S, "first notification")]


def test_an_active_interval_mutes_all_other_times() -> None:
    child = Route(matchers=matchers("severity=warning"), active_time_intervals=("night",))
    world = World(routing(Route("phone", routes=(child,)), time_intervals={"night": NIGHT}))
    world.put(alert(at=SEVEN_S + 60))

    assert holds(world, SEVEN_S + 60) == [("phone", "outside active time interval")]
    world.run_until(SEVEN_S + 60, 20 * HOUR)
    assert [at for at, _ in world.told()] == [SEVEN_S + 15 * HOUR]


@pytest.mark.parametrize(
    ("source", "route", "expected"),
    [
        (Source.RULES, Route("phone"), 0),
        (Source.RULES, Route("phone", routes=(Route(matchers=matchers("severity=info")),)), 1),
        (Source.RULES, Route("phone", routes=(Route(matchers=matchers("alertname=X")),)), 0),
        (Source.PROMETHEUS, Route("phone"), 1),
        (Source.ALERTMANAGER, Route("phone"), 1),
    ],
)
def test_info_of_our_own_rules_is_for_the_digest_unless_a_route_asks_for_it(
    source: Source, route: Route, expected: int
) -> None:
    world = World(routing(route))
    world.put(alert("X", "info", at=-60, source=source))
    plan = world.run(0)

    assert len(plan.notifications) == expected
    assert [held.reason for held in plan.held] == [HoldReason.DIGEST_ONLY] * (1 - expected)


def test_a_receiver_without_destination_is_told_nothing_and_logs_nothing() -> None:
    world = World(routing(Route("nobody")))
    world.put(alert(at=-60))

    assert holds(world, 0) == [("nobody", "no destination")]
    assert world.log == {}


def test_continue_tells_two_receivers_and_one_being_held_does_not_touch_the_other() -> None:
    first = Route("mail", continue_=True, mute_time_intervals=("night",))
    world = World(routing(Route("phone", routes=(first, Route("other"))), time_intervals={"night": NIGHT}))
    world.put(alert(at=-60))
    world.run(0)

    assert [notification.receiver for _, notification in world.sent] == ["other"]
    world.run(SEVEN_S)
    assert [notification.receiver for _, notification in world.sent] == ["other", "mail"]


def test_a_regrouping_reload_tells_nothing_twice_and_still_closes() -> None:
    world, grid = World(), alert(at=-60, host="a")
    world.put(grid)
    world.run(0)
    world.routing = routing(Route("phone", group_by=("host",)))
    world.run(100)
    world.end(grid, at=500)
    world.run(500)

    assert reasons(world) == ["first notification", "all alerts resolved"]


def test_an_alert_that_is_routed_elsewhere_by_a_reload_is_closed_where_it_was_told() -> None:
    world, grid = World(), alert(at=-60)
    world.put(grid)
    world.run(0)
    world.routing = routing(Route("mail"))
    world.run(100)
    world.end(grid, at=500)
    world.run(500)

    ends = [(notification.receiver, notification.reason.value) for _, notification in world.sent[2:]]
    assert sorted(ends) == [("mail", "all alerts resolved"), ("phone", "all alerts resolved")]


def test_a_receiver_that_is_gone_leaves_no_log() -> None:
    world = World()
    world.put(alert(at=-60))
    world.run(0)
    world.routing = routing(Route("mail"), receivers={"mail": Receiver("mail")})
    world.run(1)

    assert {receiver for _, receiver in world.log} == {"mail"}


def test_a_clock_that_was_a_year_ahead_does_not_silence_a_group() -> None:
    world, grid = World(), alert(at=-60)
    world.put(replace(grid, starts_at=T0 + 365 * DAY - 60))
    world.run(365 * DAY)
    world.put(grid)
    world.run(0)
    world.end(grid, at=10)
    world.run_until(10, 400)

    assert world.told()[1:] == [(0, "repeat interval elapsed"), (300, "all alerts resolved")]


def test_a_start_in_the_future_is_not_waited_for() -> None:
    world = World()
    world.put(alert(at=90 * DAY))
    world.run(0)

    assert world.told() == [(0, "first notification")]


def test_an_end_in_the_future_is_waited_for() -> None:
    world = World()
    world.put(alert(at=-60, end=5000.0))

    assert world.run(0).next_due == T0 + 5000
    world.run(5000)
    assert reasons(world) == ["first notification", "all alerts resolved"]


def test_two_sources_of_one_alert_are_one_and_it_fires_while_one_says_so() -> None:
    grid = alert(at=-60)
    over = replace(grid, ends_at=T0 - 1, source=Source.PROMETHEUS)
    world = World()
    world.alerts = {"a": grid, "b": over}
    world.run(0)

    assert reasons(world) == ["first notification"]


def test_a_winter_of_nights_at_the_reserve_gives_few_messages() -> None:
    """Ninety nights: every night in December and January, single nights after pauses of four days."""
    nights = [*range(62), 66, 70, 74, 75, 76, 82]
    ends: list[float] = []
    world = World(
        state=DispatchState(last_end=lambda fingerprint, before: max((e for e in ends if e < before), default=None))
    )
    held = 0
    for night in nights:
        start = night * DAY
        reserve = alert(
            "BatteryAtReserve",
            "notice",
            at=start,
            annotations={"summary": "reserve", "news_after": "3d", "send_resolved": "false"},
        )
        world.put(reserve)
        world.run_until(start, start + HOUR)
        held += len(world.run(start + HOUR).held)
        world.end(reserve, at=start + 6 * HOUR)
        world.run_until(start + 6 * HOUR, start + 7 * HOUR)
        ends.append(T0 + start + 6 * HOUR)

    assert [round(at // DAY) for at, _ in world.told()] == [0, 66, 70, 74, 82]
    assert held == len(nights) - 5


def test_ten_thousand_alerts_are_decided_quickly_and_once() -> None:
    world = World(routing(Route("phone", group_by=("alertname",))))
    world.put(*(alert(f"A{i % 50}", at=-60, i=str(i)) for i in range(10_000)))
    world.run(0)

    assert len(world.sent) == 50
    assert world.run(1).notifications == ()


@pytest.mark.parametrize("where", ["receiver", "route", "parent"])
def test_digest_only_pushes_nothing_not_even_the_worst(where: str) -> None:
    child = Route(matchers=matchers("severity=critical"), digest_only=True if where == "route" else None)
    root = Route("phone", routes=(child,), digest_only=True if where == "parent" else None)
    world = World(routing(root, receivers={"phone": Receiver("phone", digest_only=where == "receiver")}))
    world.put(alert("GridDown", "critical", at=-60))

    assert holds(world, 0) == [("phone", "digest only")]
    assert world.told() == []


def test_a_maintenance_window_holds_what_it_matches_and_lets_go_afterwards() -> None:
    # T0 is a Friday, 05:40 in Berlin.
    window = Maintenance("nas restarts", matchers("host=nas"), (TimeInterval(times=((300, 420),), weekdays=((5, 5),)),))
    world = World(routing(Route("phone", group_by=("host",)), maintenance=(window,)))
    nas, other = alert("Down", at=-60, host="nas"), alert("Down", at=-60, host="b")
    world.put(nas, other)
    plan = world.run(0)

    assert [(held.alert.labels["host"], held.reason) for held in plan.held] == [("nas", HoldReason.MAINTENANCE)]
    assert plan.statuses[nas.fingerprint].muted_by == ("nas restarts",)
    world.run_until(0, 2 * HOUR)
    assert world.told() == [(0, "first notification"), (SEVEN_S, "first notification")]


def test_the_end_of_what_was_told_before_a_maintenance_window_is_told_after_it() -> None:
    window = Maintenance("restart", matchers("host=nas"), (TimeInterval(times=((300, 420),)),))
    world = World(routing(maintenance=(window,)))
    nas = alert("Down", at=-3 * HOUR, host="nas")
    world.put(nas)
    world.run(-2 * HOUR)
    world.end(nas, at=100)
    world.run_until(100, 2 * HOUR)

    assert world.told() == [(-2 * HOUR, "first notification"), (SEVEN_S, "all alerts resolved")]
