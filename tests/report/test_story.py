"""What the story claims, and what it does not claim."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest

from watchman.energy.curve import Curve
from watchman.energy.integrate import Bins, empty_bins
from watchman.energy.slots import Role
from watchman.report.story import Story, tell

START = 1_800_000_000.0
DAY = 1440
Minute = Callable[[int], float | None]


def bins(of: Minute, evening: int) -> Bins:
    made = empty_bins(START - evening * 60, START + DAY * 60, 60)
    for i in range(len(made)):
        value = of(i - evening)
        if value is not None:
            made.above_wh[i], made.below_wh[i] = max(value, 0) / 60, max(-value, 0) / 60
            made.measured_s[i] = 60
    return made


def story(evening: int = 0, until: int = DAY, **roles: Minute) -> Story:
    columns = {Role(name): bins(of, evening) for name, of in roles.items()}
    curve = Curve(START - evening * 60, START + DAY * 60, columns)
    return tell(curve, START, START + until * 60, tuple(columns), 10.0)


def minute(ts: float) -> int:
    return round((ts - START) / 60)


def hump(m: int) -> float:
    return max(0.0, 5000 * math.sin(math.pi * (m - 420) / 600)) if 420 < m < 1020 else 0.0


def test_a_jittering_gauge_is_one_spell() -> None:
    told = story(state_of_charge=lambda m: 50 if m < 60 else 9 + m // 7 % 3 if m < 450 else 30)

    [spell] = told.spells
    assert (minute(spell.start), spell.ended, spell.cause) == (pytest.approx(60, abs=7), True, None)
    assert minute(spell.end) == pytest.approx(450, abs=14)


def test_a_short_visit_at_the_reserve_is_no_spell() -> None:
    assert story(state_of_charge=lambda m: 10 if 100 <= m < 110 else 50).spells == ()


def test_the_load_that_emptied_the_battery_is_found_the_evening_before() -> None:
    told = story(
        evening=720,
        state_of_charge=lambda m: 10 if m >= 50 else 40,
        consumption=lambda m: 2400 if -230 <= m < 120 else 300,
        production=lambda m: 2000 if m < -400 else 0,
    )

    cause = told.spells[0].cause
    assert cause is not None
    assert (minute(cause.start), minute(cause.end), cause.big) == (-230, 50, True)
    assert (cause.wh, cause.mean_w) == pytest.approx((2400 * 280 / 60, 2400))


def test_a_load_by_daylight_is_not_blamed_for_the_night() -> None:
    told = story(
        evening=720,
        state_of_charge=lambda m: 10 if m >= 50 else 40,
        consumption=lambda m: 4000 if -700 <= m < -600 else 600,
        production=lambda m: 2000 if m < -400 else 0,
    )

    cause = told.spells[0].cause
    assert cause is not None
    assert (cause.big, minute(cause.start), cause.wh) == (False, -400, pytest.approx(450 * 10))


def test_a_battery_that_was_empty_from_the_first_minute_has_no_known_cause() -> None:
    told = story(state_of_charge=lambda _: 10, consumption=lambda m: 3000 if m < 100 else 200)

    assert told.spells[0].cause is None


@pytest.mark.parametrize(
    ("charge", "edges"),
    [
        pytest.param(lambda m: 50 if m < 60 else 10 if m < 200 else 30, (True, True), id="both ends were seen"),
        pytest.param(lambda m: 50 if m < 60 else 10 if m < 200 else None, (True, False), id="the data ended in it"),
        pytest.param(lambda m: None if m < 60 else 10 if m < 200 else 30, (False, True), id="the data began in it"),
    ],
)
def test_a_spell_knows_which_of_its_ends_were_seen(charge, edges) -> None:
    [spell] = story(state_of_charge=charge).spells

    assert (spell.began, spell.ended) == edges


@pytest.mark.parametrize(("lowest", "under"), [(10, None), (9, None), (6, 6)])
def test_a_battery_far_below_its_reserve_is_told(lowest, under) -> None:
    [spell] = story(state_of_charge=lambda m: 50 if m < 60 else lowest).spells

    assert spell.under_percent == under


def test_a_load_that_took_little_of_the_night_is_not_blamed() -> None:
    told = story(
        evening=720,
        state_of_charge=lambda m: 60 if m < -400 else 10 if m >= 50 else 40,
        consumption=lambda m: 2500 if -300 <= m < -270 else 800,
        production=lambda m: 2000 if m < -400 else 0,
    )

    cause = told.spells[0].cause
    assert cause is not None
    assert (cause.big, minute(cause.start), cause.from_percent) == (False, -400, 40)


@pytest.mark.parametrize(
    ("charge", "full"),
    [
        pytest.param(lambda m: min(100, m / 8), (792, True), id="it fills"),
        pytest.param(lambda m: 100, (None, True), id="it was full all day"),
        pytest.param(lambda m: min(98, m / 8), (None, True), id="it nearly fills"),
        pytest.param(lambda m: 40 if m < 600 else None if m < 700 else 100, (700, False), id="it filled in a hole"),
        pytest.param(lambda m: 99 if m // 10 % 2 else 98, (None, True), id="it only tops up"),
    ],
)
def test_when_the_battery_was_full(charge, full) -> None:
    told = story(state_of_charge=charge)

    assert (None if told.full_at is None else minute(told.full_at), told.full_exactly) == full


def test_the_sun_takes_over_where_production_crosses_the_house() -> None:
    told = story(production=hump, consumption=lambda _: 600)

    assert told.sun_takes_over_at is not None
    crossing = minute(told.sun_takes_over_at)
    assert hump(crossing) >= 600 > hump(crossing - 1)


@pytest.mark.parametrize(
    ("roles", "at"),
    [
        pytest.param({"production": lambda m: None if m < 600 else hump(m)}, None, id="it shone when the data began"),
        pytest.param({"production": lambda m: hump(m) if m < 500 else 0}, None, id="for an hour only"),
        pytest.param({"production": lambda m: hump(m) / 10}, None, id="never"),
        pytest.param({"production": lambda m: 0 if m < 700 else hump(m)}, 700, id="late"),
    ],
)
def test_the_sun_takes_over_only_where_that_was_seen_and_lasted(roles, at) -> None:
    told = story(consumption=lambda _: 700, **roles).sun_takes_over_at

    assert (None if told is None else minute(told)) == at


def test_a_big_load_is_told_a_kettle_is_not() -> None:
    told = story(consumption=lambda m: 3500 if 600 <= m < 660 else 2500 if 800 <= m < 805 else 300)

    [load] = told.loads
    assert (minute(load.start), minute(load.end), load.wh) == (600, 660, pytest.approx(3500))


def test_a_hole_names_the_roles_without_data() -> None:
    told = story(
        production=lambda m: None if 300 <= m < 500 else 100, consumption=lambda m: None if 400 <= m < 410 else 200
    )

    [hole] = told.holes
    assert (minute(hole.start), minute(hole.end), hole.roles) == (300, 500, (Role.PRODUCTION,))


def test_the_hours_to_come_are_no_hole() -> None:
    assert story(production=lambda m: 100 if m < 600 else None, until=600).holes == ()
