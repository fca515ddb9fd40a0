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


def test_a_spell_that_ends_in_silence_has_no_known_end() -> None:
    told = story(state_of_charge=lambda m: 50 if m < 60 else 10 if m < 200 else None)

    assert told.spells[0].ended is False


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


def test_clouds_are_quick_falls_and_their_swing_is_told() -> None:
    told = story(production=lambda m: 600 if 900 <= m < 1000 and m // 6 % 2 else hump(m))

    assert told.clouds is not None
    assert minute(told.clouds.start) == pytest.approx(900, abs=8)
    assert minute(told.clouds.end) == pytest.approx(1000, abs=25)
    assert told.clouds.low_w == pytest.approx(600)


@pytest.mark.parametrize(
    "production",
    [
        pytest.param(hump, id="a clear day"),
        pytest.param(lambda m: hump(m) * 0.1, id="a dull, smooth day"),
        pytest.param(lambda m: hump(m) if m < 700 else 0, id="an outage at noon"),
        pytest.param(lambda m: hump(m) * (0.5 if 700 < m < 900 else 1), id="half of the roof for hours"),
        pytest.param(lambda m: 0.0, id="no sun"),
        pytest.param(lambda m: None, id="no data"),
        pytest.param(lambda m: min(hump(m), 3000), id="clipped by the inverter"),
    ],
)
def test_no_clouds_are_claimed_where_nothing_swings(production) -> None:
    assert story(production=production).clouds is None


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
