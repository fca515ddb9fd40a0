"""What an acknowledgement stops, and what it does not. Times are seconds after T0."""

from __future__ import annotations

from dataclasses import replace

import pytest
from notify_world import HOUR, T0, World, alert

from watchman.notify.ack import Ack, ack_of
from watchman.notify.message import ActiveAlert
from watchman.notify.plan import DispatchState


def seen(one: ActiveAlert, at: float = 60.0) -> DispatchState:
    return DispatchState(acks=[Ack(one.fingerprint, one.starts_at, "phone", T0 + at)])


@pytest.mark.parametrize(
    ("fired_at", "expected"), [(T0, True), (T0 + 0.4, True), (T0 - 0.4, True), (T0 + 1, False), (T0 - 300, False)]
)
def test_an_acknowledgement_is_for_one_incident(fired_at: float, expected: bool) -> None:
    grid = alert(at=0)

    assert (ack_of([Ack(grid.fingerprint, fired_at, "phone", T0)], grid) is not None) is expected
    assert ack_of([Ack("0" * 16, fired_at, "phone", T0)], grid) is None


def test_it_stops_repeats_and_the_end_is_told_all_the_same() -> None:
    world, grid = World(), alert(severity="critical", at=-60)
    world.put(grid)
    world.run_until(0, 1000)
    world.state = seen(grid)
    world.run_until(1000, 24 * HOUR)
    world.end(grid, at=24 * HOUR)
    world.run(24 * HOUR)

    assert [reason for _, reason in world.told()] == [
        "first notification",
        "repeat interval elapsed",
        "all alerts resolved",
    ]


def test_the_next_incident_is_told_and_repeated_again() -> None:
    world, grid = World(), alert(severity="critical", at=-60)
    world.put(grid)
    world.run(0)
    world.state = seen(grid)
    world.end(grid, at=1000)
    world.run(1000)
    world.put(replace(grid, starts_at=T0 + 2000))
    world.run_until(2000, 2000 + 1000)

    assert world.told()[2:] == [(2005, "first notification"), (2905, "repeat interval elapsed")]


def test_a_repeat_names_only_what_nobody_has_seen() -> None:
    world = World()
    one, two = alert("X", "critical", at=-60, i="1"), alert("X", "critical", at=-60, i="2")
    world.put(one, two)
    world.run(0)
    world.state = seen(one)
    world.run_until(1, 1000)

    assert [alert.fingerprint for alert in world.sent[-1][1].firing] == [two.fingerprint]
    assert world.told()[-1] == (900, "repeat interval elapsed")


def test_something_new_shows_what_was_seen_too() -> None:
    world = World()
    one, two = alert("X", "critical", at=-60, i="1"), alert("X", "critical", at=500, i="2")
    world.put(one)
    world.run(0)
    world.state = seen(one)
    world.put(two)
    world.run_until(500, 600)

    assert world.told()[-1] == (505, "new alerts added")
    assert {alert.fingerprint for alert in world.sent[-1][1].firing} == {one.fingerprint, two.fingerprint}


def test_its_status_names_who_has_seen_it() -> None:
    world, grid = World(), alert(at=-60)
    world.put(grid)
    world.state = seen(grid)

    assert world.run(0).statuses[grid.fingerprint].acknowledged_by == "phone"
