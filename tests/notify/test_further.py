"""Who else is told: escalation without acknowledgement, and further people while nobody is at home."""

from __future__ import annotations

from dataclasses import replace

import pytest
from notify_world import DAY, HOUR, MINUTE, T0, World, alert, routing

from watchman.notify.ack import Ack
from watchman.notify.plan import AwayPlan, DispatchState
from watchman.notify.route import Escalation, Route

LADDER = Route("phone", escalations=(Escalation(15 * MINUTE, "mail"), Escalation(HOUR, "other")), repeat_intervals_s=())


def sent(world: World) -> list[tuple[int, str, str]]:
    return [(round(at), note.receiver, note.reason.value) for at, note in world.sent]


def test_nobody_acknowledges_so_the_next_is_told_and_the_one_after() -> None:
    world, grid = World(routing(LADDER)), alert(at=-60)
    world.put(grid)
    world.run_until(0, DAY)

    assert sent(world) == [
        (0, "phone", "first notification"),
        (900, "mail", "first notification"),
        (3600, "other", "first notification"),
    ]
    world.end(grid, at=2 * DAY)
    world.run(2 * DAY)
    assert {receiver for _, receiver, reason in sent(world)[3:] if reason == "all alerts resolved"} == {
        "phone",
        "mail",
        "other",
    }
    assert world.log == {}


@pytest.mark.parametrize(("acknowledged_at", "told"), [(60, ["phone"]), (1000, ["phone", "mail"])])
def test_an_acknowledgement_stops_the_escalation(acknowledged_at: float, told: list[str]) -> None:
    world, grid = World(routing(LADDER)), alert(at=-60)
    world.put(grid)
    world.run_until(0, acknowledged_at)
    world.state = DispatchState(acks=[Ack(grid.fingerprint, grid.starts_at, "phone", T0 + acknowledged_at)])
    world.run_until(acknowledged_at, DAY)

    assert [receiver for _, receiver, _ in sent(world)] == told
    world.end(grid, at=2 * DAY)
    world.run(2 * DAY)
    assert sorted(receiver for at, receiver, _ in sent(world) if at == 2 * DAY) == sorted(told)


def test_an_alert_that_ends_in_time_is_not_escalated() -> None:
    world, grid = World(routing(LADDER)), alert(at=-60)
    world.put(grid)
    world.run(0)
    world.end(grid, at=800)
    world.run_until(800, DAY)

    assert [receiver for _, receiver, _ in sent(world)] == ["phone", "phone"]


def test_the_time_counts_from_the_first_message_and_a_restart_does_not_move_it() -> None:
    world, grid = World(routing(LADDER)), alert(at=-DAY)
    world.put(grid)
    world.run(0)
    world = World(world.routing, world.state, world.alerts, world.log, world.sent)
    world.run_until(500, 1000)

    assert sent(world)[-1] == (900, "mail", "first notification")


def test_a_child_inherits_the_escalation_and_an_empty_list_ends_it() -> None:
    child = Route("mail", group_by=("x",))
    quiet = Route("mail", escalations=())
    for route, receivers in ((child, ["mail", "other"]), (quiet, ["mail"])):
        world = World(routing(replace(LADDER, routes=(route,))))
        world.put(alert(at=-60))
        world.run_until(0, DAY)
        assert [receiver for _, receiver, _ in sent(world)] == receivers


def test_an_escalated_alert_is_repeated_to_both_until_somebody_has_seen_it() -> None:
    world = World(routing(Route("phone", escalations=(Escalation(600.0, "mail"),), repeat_intervals_s=(HOUR,))))
    grid = alert(at=-60)
    world.put(grid)
    world.run_until(0, 2 * HOUR + 1)
    assert [(round(at), note.receiver) for at, note in world.sent] == [
        (0, "phone"),
        (600, "mail"),
        (3600, "phone"),
        (4200, "mail"),
        (7200, "phone"),
    ]


def test_while_away_a_second_person_hears_of_the_worst_and_of_its_end_when_back() -> None:
    world = World(routing(Route("phone"), away=AwayPlan(("mail",))), DispatchState(is_away=True))
    grid, idle = alert("GridDown", "critical", at=-60), alert("Idle", "warning", at=-60)
    world.put(grid, idle)
    world.run(0)

    assert sorted((note.receiver, note.firing[0].name) for _, note in world.sent) == [
        ("mail", "GridDown"),
        ("phone", "GridDown"),
        ("phone", "Idle"),
    ]
    world.state = DispatchState()
    world.run(100)
    world.end(grid, at=500)
    world.run(500)
    assert {note.receiver for at, note in world.sent if at == 500} == {"phone", "mail"}
    assert {receiver for _, receiver in world.log} == {"phone"}


def test_who_hears_of_it_anyway_is_not_told_twice_while_away() -> None:
    world = World(routing(Route("phone"), away=AwayPlan(("phone",))), DispatchState(is_away=True))
    world.put(alert("GridDown", "critical", at=-60))
    world.run(0)

    assert [note.receiver for _, note in world.sent] == ["phone"]
