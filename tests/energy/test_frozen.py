"""Values that stand still were not measured: what counts as standing still, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from watchman.energy.curve import measure_all
from watchman.energy.frozen import frozen_spans, thawed
from watchman.energy.slots import Role
from watchman.energy.tracks import Track
from watchman.series import Series

START = 1_800_000_000
STEP_S = 15
Watts = Callable[[int], float]

PRODUCTION, CONSUMPTION = Role.PRODUCTION, Role.CONSUMPTION
GRID, BATTERY, CHARGE = Role.GRID_FEED_IN, Role.BATTERY_DISCHARGE, Role.STATE_OF_CHARGE


def moving(second: int) -> float:
    return 300.0 + second // STEP_S % 7


def zero(_second: int) -> float:
    return 0.0


def hourly(second: int) -> float:
    return 300.0 + second // 3600


def still(first_minute: int, last_minute: int) -> Watts:
    """Moves, but repeats one value from the first to the last of these minutes."""
    return lambda second: moving(min(second, first_minute * 60) if second <= last_minute * 60 else second)


def track(watts: Watts, hours: int = 4, *, offset: int = 0, step_s: int = STEP_S, without: Sequence[int] = ()) -> Track:
    seconds = [s for s in range(offset, hours * 3600, step_s) if not without or not without[0] < s // 60 < without[1]]
    return Track(np.array([float(START + s) for s in seconds]), np.array([float(watts(s)) for s in seconds]))


def minutes(spans: Sequence[tuple[float, float]]) -> list[tuple[int, int]]:
    return [(round((first - START) / 60), round((last - START) / 60)) for first, last in spans]


ALL = (PRODUCTION, CONSUMPTION, GRID, BATTERY)


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        pytest.param(dict.fromkeys(ALL, moving), [], id="all move"),
        pytest.param(dict.fromkeys(ALL, moving) | {PRODUCTION: zero}, [], id="a night: only the roof rests"),
        pytest.param(
            dict.fromkeys(ALL, zero) | {CONSUMPTION: moving, GRID: moving},
            [],
            id="at the reserve: roof and battery rest",
        ),
        pytest.param(dict.fromkeys(ALL, zero) | {CONSUMPTION: moving}, [], id="only the house moves"),
        pytest.param(dict.fromkeys(ALL, still(60, 120)), [(60, 120)], id="all four stand still for an hour"),
        pytest.param(
            dict.fromkeys(ALL, still(60, 120)) | {PRODUCTION: zero}, [(60, 120)], id="all four stand still at night"
        ),
        pytest.param(dict.fromkeys(ALL, still(60, 80)), [(60, 80)], id="twenty minutes"),
        pytest.param(dict.fromkeys(ALL, still(60, 79)), [], id="nineteen minutes"),
        pytest.param(
            dict.fromkeys(ALL, still(60, 120)) | {GRID: still(90, 180)}, [(90, 120)], id="only together it counts"
        ),
        pytest.param({CONSUMPTION: still(60, 120), GRID: still(60, 120)}, [(60, 120)], id="house and grid are enough"),
        pytest.param({CONSUMPTION: still(60, 120)}, [], id="one meter alone may be a coarse one"),
        pytest.param({PRODUCTION: zero, BATTERY: zero}, [], id="without the house nothing is known to move"),
        pytest.param(dict.fromkeys(ALL, hourly), [], id="a profile of hourly means never moves"),
        pytest.param(dict.fromkeys(ALL, zero), [], id="a constant home never moves"),
        pytest.param({}, [], id="no roles"),
    ],
)
def test_only_a_stretch_in_which_every_power_stands_still_is_frozen(roles, expected) -> None:
    assert minutes(frozen_spans({role: [track(watts)] for role, watts in roles.items()})) == expected


@pytest.mark.parametrize(("moves", "expected"), [(False, []), (True, [(0, 240)])])
def test_a_day_that_stands_still_from_end_to_end_is_frozen_if_the_house_is_known_to_move(moves, expected) -> None:
    found = {role: [track(zero)] for role in ALL}

    assert minutes(frozen_spans(found, moves=lambda: moves)) == expected


def test_a_role_without_samples_does_not_hide_the_rest() -> None:
    found = {role: [track(still(60, 120))] for role in (CONSUMPTION, GRID)} | {PRODUCTION: []}

    assert minutes(frozen_spans(found)) == [(60, 120)]


def test_stamps_of_the_roles_need_not_agree() -> None:
    found = {CONSUMPTION: [track(still(60, 120))], GRID: [track(still(60, 120), offset=7)]}

    assert minutes(frozen_spans(found)) == [(60, 120)]


def test_one_battery_of_two_that_moves_keeps_the_stretch() -> None:
    found = {role: [track(still(60, 120))] for role in (CONSUMPTION, GRID)}
    found[BATTERY] = [track(still(60, 120)), track(moving)]

    assert frozen_spans(found) == ()


def test_a_silence_between_two_equal_values_is_not_time_that_stood_still() -> None:
    found = {role: [track(still(60, 120), without=(75, 110))] for role in ALL}

    assert frozen_spans(found) == ()


def test_a_sample_every_five_minutes_is_judged_too() -> None:
    found = {role: [track(still(60, 120), step_s=300)] for role in ALL}

    assert minutes(frozen_spans(found)) == [(60, 120)]


def test_the_first_sample_of_a_stretch_was_measured() -> None:
    kept = thawed(Track(np.array([0.0, 15.0, 30.0, 45.0]), np.array([5.0, 5.0, 5.0, 6.0])), [(0.0, 30.0)])

    assert (kept.times.tolist(), kept.values.tolist()) == ([0.0, 45.0], [5.0, 6.0])


def series(watts: Watts) -> list[Series]:
    own = track(watts)
    return [Series({}, own.times, own.values)]


@pytest.mark.parametrize(
    ("last", "measured_s", "estimated_s"),
    [
        pytest.param(150, 9000, 0, id="an hour and a half is left out"),
        pytest.param(85, 4 * 3600 - 1500, 1500, id="25 minutes are bridged and called estimated"),
    ],
)
def test_what_stood_still_is_not_measured_in_any_role(last, measured_s, estimated_s) -> None:
    roles = dict.fromkeys(ALL, still(60, last)) | {CHARGE: lambda _second: 50.0}

    curve = measure_all({role: series(watts) for role, watts in roles.items()}, START, START + 4 * 3600)

    assert minutes(curve.frozen) == [(60, last)]
    for bins in curve.roles.values():
        assert sum(bins.measured_s) == pytest.approx(measured_s, abs=2 * STEP_S)
        assert sum(bins.estimated_s) == pytest.approx(estimated_s, abs=2 * STEP_S)
