"""Flapping: told once, then quiet until it is calm, then one closing word. Times are seconds after T0."""

from __future__ import annotations

import pytest
from notify_world import HOUR, MINUTE, T0, World, alert, routing

from watchman.notify.flap import Flapping, Span, flaps_until
from watchman.notify.message import ActiveAlert
from watchman.notify.plan import DispatchState, HoldReason, Receiver
from watchman.notify.route import Route

FLAPPING = Flapping(starts=4, within_s=HOUR)


@pytest.mark.parametrize(
    ("spans", "known", "expected"),
    [
        ([(0, 60), (600, 660), (1200, 1260), (1800, None)], False, 1800 + HOUR),
        ([(0, 60), (600, 660), (1200, 1260)], False, None),
        ([(-HOUR, 60), (600, 660), (1200, 1260), (1800, None)], False, None),
        ([(600, 660)], True, 660 + HOUR),
        ([(-2 * HOUR, 660)], True, 660 + HOUR),
        ([(-2 * HOUR, None)], True, None),
        ([], True, None),
    ],
)
def test_four_starts_within_an_hour_flap_until_nothing_changed_for_an_hour(
    spans: list[Span], known: bool, expected: float | None
) -> None:
    assert flaps_until(FLAPPING, spans, 1800.0, known=known) == expected


class Flicker:
    """A world whose alert comes and goes; its incidents are remembered as the store would."""

    def __init__(self, severity: str = "warning", **fields: object) -> None:
        self.severity = severity
        self.annotations: dict[str, str] | None = None
        self.incidents: list[Span] = []
        self.world = World(
            routing(Route("phone", group_interval_s=30.0), flapping=FLAPPING, **fields),
            DispatchState(recent=lambda name, since: [(T0 + began, self._end(end)) for began, end in self.incidents]),
        )

    @staticmethod
    def _end(end: float | None) -> float | None:
        return None if end is None else T0 + end

    def fire(self, at: float, until: float | None) -> ActiveAlert:
        """One incident: dispatch runs when it begins, as often as it asks to, and when it ends."""
        one = alert("Flicker", self.severity, at=at, annotations=self.annotations)
        self.incidents.append((at, None))
        self.world.put(one)
        if until is not None:
            self.world.run_until(at, until - 1)
            self.incidents[-1] = (at, until)
            self.world.end(one, at=until)
            self.world.run(until)
        return one

    def told(self) -> list[tuple[float, str]]:
        return self.world.told()


def test_the_fourth_start_is_told_as_flapping_and_then_it_is_quiet_until_it_is_calm() -> None:
    flicker = Flicker()
    for number in range(7):
        flicker.fire(number * 600, number * 600 + 300)
    flicker.world.run_until(3900 + 1, 4 * HOUR)

    assert flicker.told() == [
        (30, "first notification"),
        (300, "all alerts resolved"),
        (630, "first notification"),
        (900, "all alerts resolved"),
        (1230, "first notification"),
        (1500, "all alerts resolved"),
        (1830, "flapping"),
        (3900 + HOUR, "all alerts resolved"),
    ]
    name = alert("Flicker").fingerprint
    assert flicker.world.sent[6][1].flapping == {name}
    assert flicker.world.sent[7][1].resolved[0].ends_at == T0 + 3900
    assert flicker.world.log == {}


def test_each_incident_while_it_flaps_is_held_with_that_reason() -> None:
    flicker = Flicker()
    for number in range(5):
        flicker.fire(number * 600, number * 600 + 300)
    flicker.fire(3000, None)

    held = flicker.world.run(3060).held
    assert [(one.reason, one.alert.starts_at, one.until) for one in held] == [
        (HoldReason.FLAPPING, T0 + 3000, T0 + 3000 + HOUR)
    ]


def test_one_that_settles_while_it_fires_is_told_so_once() -> None:
    flicker = Flicker("notice")
    for number in range(5):
        flicker.fire(number * 600, number * 600 + 300)
    last = flicker.fire(3000, None)
    flicker.world.run_until(3000, 9 * HOUR)

    assert flicker.told()[6:] == [(1830, "flapping"), (3000 + HOUR, "calm again")]
    assert flicker.world.sent[-1][1].firing[0].starts_at == last.starts_at
    assert flicker.world.sent[-1][1].flapping == frozenset()
    flicker.incidents[-1] = (3000, 10 * HOUR)
    flicker.world.end(last, at=10 * HOUR)
    flicker.world.run(10 * HOUR)
    assert flicker.told()[-1] == (10 * HOUR, "all alerts resolved")


def test_the_worst_is_repeated_while_it_fires_though_it_flaps() -> None:
    flicker = Flicker("critical")
    for number in range(4):
        flicker.fire(number * 600, number * 600 + 300)
    flicker.fire(2400, None)
    flicker.world.run_until(2400, 2400 + 30 * MINUTE)

    assert flicker.told()[6:] == [(1805, "flapping"), (1805 + 15 * MINUTE, "repeat interval elapsed")]


def test_flaps_that_the_group_interval_hid_are_told_as_flapping_too() -> None:
    flicker = Flicker()
    flicker.world.routing = routing(Route("phone"), flapping=FLAPPING)
    for number in range(5):
        flicker.fire(number * 60, number * 60 + 40)

    assert flicker.told() == [(30, "first notification"), (180, "flapping")]


def test_without_send_resolved_it_is_told_once_and_not_closed() -> None:
    flicker = Flicker()
    flicker.annotations = {"send_resolved": "false"}
    for number in range(7):
        flicker.fire(number * 600, number * 600 + 300)
    flicker.world.run_until(3901, 4 * HOUR)

    assert [reason for _, reason in flicker.told()] == ["first notification"] * 3 + ["flapping"]
    assert flicker.world.log == {}


def test_it_may_be_switched_off() -> None:
    flicker = Flicker()
    flicker.world.routing = routing(Route("phone", group_interval_s=30.0))
    for number in range(6):
        flicker.fire(number * 600, number * 600 + 300)

    assert {reason for _, reason in flicker.told()} == {"first notification", "all alerts resolved"}


def test_a_receiver_that_wants_no_ends_gets_no_closing_word() -> None:
    flicker = Flicker(receivers={"phone": Receiver("phone", send_resolved=False)})
    for number in range(6):
        flicker.fire(number * 600, number * 600 + 300)
    flicker.world.run_until(3400, 4 * HOUR)

    assert [reason for _, reason in flicker.told()] == ["first notification"] * 3 + ["flapping"]
