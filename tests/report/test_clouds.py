"""When clouds are claimed, and when not: drawn days, and simulated skies whose clouds are known."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from zoneinfo import ZoneInfo

import pytest

from watchman.energy.curve import Curve
from watchman.energy.integrate import Bins, empty_bins
from watchman.energy.slots import SLOT_S, Role
from watchman.localtime import local_day
from watchman.report.clouds import Clouds, clouds
from watchman.sonnen.simulator import Plane, Settings
from watchman.sonnen.simulator.day import make_day
from watchman.sonnen.simulator.weather import clearness, day_kind

START = 1_800_000_000.0
DAY = 1440
Minute = Callable[[int], float | None]


def bins(of: Minute) -> Bins:
    made = empty_bins(START, START + DAY * 60, 60)
    for i in range(DAY):
        value = of(i)
        if value is not None:
            made.above_wh[i], made.below_wh[i] = max(value, 0) / 60, max(-value, 0) / 60
            made.measured_s[i] = 60
    return made


def told(**roles: Minute) -> tuple[Clouds, ...]:
    return clouds(Curve(START, START + DAY * 60, {Role(name): bins(of) for name, of in roles.items()}), START)


def minute(ts: float) -> int:
    return round((ts - START) / 60)


def hump(m: int) -> float:
    return max(0.0, 5000 * math.sin(math.pi * (m - 420) / 600)) if 420 < m < 1020 else 0.0


def broken(first: int, last: int, every: int = 6) -> Minute:
    """A clear sky with clouds that come and go from one minute to another."""
    return lambda m: 0.2 * hump(m) if first <= m < last and m // every % 2 else hump(m)


@pytest.mark.parametrize(
    ("production", "expected"),
    [
        pytest.param(broken(470, 600), [(474, 600, True, False)], id="in the morning"),
        pytest.param(broken(660, 780), [(666, 780, False, False)], id="at noon"),
        pytest.param(broken(840, 1010), [(846, 1005, False, True)], id="from the afternoon on"),
        pytest.param(broken(430, 1010), [(475, 1005, True, True)], id="all day"),
        pytest.param(broken(430, 1010, every=25), [(475, 950, True, True)], id="big ones all day"),
        pytest.param(
            lambda m: broken(470, 600)(m) if m < 700 else broken(840, 1010)(m),
            [(474, 600, True, False), (846, 1005, False, True)],
            id="twice, with a clear noon",
        ),
        pytest.param(
            lambda m: broken(840, 1010)(m) if m < 940 else None, [(846, 940, False, False)], id="until the data ended"
        ),
    ],
)
def test_when_clouds_were_there(production, expected) -> None:
    found = [(minute(one.start), minute(one.end), one.since_dawn, one.to_dusk) for one in told(production=production)]

    assert [(dawn, dusk) for _, _, dawn, dusk in found] == [(dawn, dusk) for _, _, dawn, dusk in expected]
    for (start, end, _, _), (wanted_start, wanted_end, _, _) in zip(found, expected, strict=True):
        assert (start, end) == (pytest.approx(wanted_start, abs=15), pytest.approx(wanted_end, abs=26))


def test_the_swing_is_told() -> None:
    [one] = told(production=lambda m: 600 if 900 <= m < 1000 and m // 6 % 2 else hump(m))

    assert one.low_w == pytest.approx(600)
    assert one.high_w == pytest.approx(2700, rel=0.1)


@pytest.mark.parametrize(
    "production",
    [
        pytest.param(hump, id="a clear day"),
        pytest.param(lambda m: hump(m) * 0.1, id="a dull, smooth day"),
        pytest.param(lambda m: hump(m) if m < 700 else 0, id="an outage at noon"),
        pytest.param(lambda m: hump(m) * (0.5 if 700 < m < 900 else 1), id="half of the roof for hours"),
        pytest.param(lambda m: hump(m) * (0.3 if m in range(600, 610) else 1), id="one cloud"),
        pytest.param(lambda m: 0.0, id="no sun"),
        pytest.param(lambda m: None, id="no data"),
        pytest.param(lambda m: min(hump(m), 3000), id="clipped by the inverter"),
        pytest.param(lambda m: hump(m) * (1 - 0.5 * math.sin(m / 60) ** 2), id="thick and thin over the hours"),
    ],
)
def test_no_clouds_are_claimed_where_nothing_swings(production) -> None:
    assert told(production=production) == ()


def test_a_roof_that_follows_the_house_in_a_power_cut_is_no_cloud() -> None:
    def house(m: int) -> float:
        return 2500.0 if m // 10 % 2 else 400.0

    cut = range(600, 900)
    roles: dict[str, Minute] = {
        "production": lambda m: house(m) if m in cut else hump(m),
        "grid_feed_in": lambda m: 0 if m in cut else hump(m) - house(m),
        "battery_discharge": lambda m: 0,
        "state_of_charge": lambda m: 100,
    }

    assert told(**roles) == ()
    assert told(production=roles["production"]) != (), "the other flows tell it apart"


def test_quarters_of_an_hour_are_too_coarse_to_see_clouds() -> None:
    curve = Curve(START, START + DAY * 60, {Role.PRODUCTION: bins(broken(430, 1010, every=15))})

    assert clouds(curve, START) != ()
    assert clouds(replace(curve, step_s=SLOT_S), START) == ()


PLACES = {
    "california": Settings(),
    "berlin": Settings(latitude=52.5, longitude=13.4, timezone="Europe/Berlin", planes=(Plane(5200, 30, 180),)),
}


@pytest.mark.parametrize("place", PLACES)
def test_simulated_broken_skies_are_told_from_their_first_cloud_to_their_last(place) -> None:
    """Every clear and broken sky of forty homes and days; the sun must be above a fifth of its height to be judged."""
    for seed in range(1, 41):
        settings, day = replace(PLACES[place], seed=seed), (date(2026, 1, 5) - date(1970, 1, 1)).days + 9 * seed
        kind = day_kind(seed, day)
        if kind == "dull":
            continue
        laid = make_day(settings, day)
        start = laid.first * 5 // 60 * 60
        sun = [sum(laid.available_w[i * 12 : i * 12 + 12]) / 12 for i in range(DAY)]
        made = empty_bins(start, start + DAY * 60, 60)
        made.above_wh[:] = [watts / 60 for watts in sun]
        made.measured_s[:] = [60.0] * DAY
        found = clouds(Curve(start, start + DAY * 60, {Role.PRODUCTION: made}), start)
        lit = [i for i in range(DAY) if sun[i] > 0.2 * max(sun)]
        covered = [i for i in lit if clearness(seed, day)[i] < 0.5]
        if kind == "clear" or len(covered) < 60:
            assert kind == "mixed" or found == (), seed
            continue
        first, last = round((found[0].start - start) / 60), round((found[-1].end - start) / 60)
        assert first == pytest.approx(covered[0], abs=90), seed
        assert last == pytest.approx(covered[-1], abs=90), seed


def test_a_day_of_the_clock_change_is_told_in_its_own_hours() -> None:
    zone = ZoneInfo("America/Los_Angeles")
    start, end = local_day(date(2026, 11, 1), zone)
    made = empty_bins(start, end, 60)
    for i in range(len(made)):
        made.above_wh[i], made.measured_s[i] = (broken(840, 1010)(i - 60) or 0) / 60, 60

    [one] = clouds(Curve(start, end, {Role.PRODUCTION: made}), start)
    assert (one.start - start) / 60 == pytest.approx(60 + 846, abs=10)
