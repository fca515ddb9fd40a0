"""A home's day drawn by straight lines, so that its energies are known exactly without any of the code under test.

It follows a real day of a 16 kWh battery: a car empties it in the evening, from 00:50 it stands at its reserve of 10 %
with a jittering gauge and short grid pulses, the sun peaks with 5.7 kW at 11:45, the battery is full at 13:40, clouds
swing the production from 15:00, and eight scrapes are lost.
"""

from __future__ import annotations

import sys
from bisect import bisect_right
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import pytest

from watchman.energy.slots import Role
from watchman.energy.tariff import flat
from watchman.localtime import local_day
from watchman.report.site import Site
from watchman.series import Series

sys.path.insert(0, str(Path(__file__).parent))

STEP_S = 5
ROLES = (
    Role.PRODUCTION,
    Role.CONSUMPTION,
    Role.GRID_FEED_IN,
    Role.BATTERY_DISCHARGE,
    Role.STATE_OF_CHARGE,
)
SELECTORS = {role: f"home_{role.value}" for role in ROLES}
Knots = list[tuple[int, int]]
"""(seconds since midnight, value in W): straight lines between them."""


def at(clock: str) -> int:
    """`-20:10` is ten past eight the evening before."""
    hours, minutes = clock.lstrip("-").split(":")
    return int(hours) * 3600 + int(minutes) * 60 - (86400 if clock.startswith("-") else 0)


def steps(*pieces: tuple[str, str, int], base: int) -> Knots:
    """A base value with plateaus; each edge is a ramp of five seconds."""
    knots = [(at("-10:00"), base)]
    for start, end, value in pieces:
        level = knots[-1][1]
        knots += [(at(start), level), (at(start) + STEP_S, value), (at(end), value), (at(end) + STEP_S, base)]
    return [*knots, (at("26:00"), base)]


def clouds() -> Knots:
    """Six dips from 4 kW to 0.5 kW, a quarter of an hour apart."""
    knots = []
    for n in range(6):
        start = at("15:00") + n * 900
        knots += [(start, 4000), (start + 180, 500), (start + 600, 500), (start + 780, 4000)]
    return knots


PRODUCTION: Knots = [
    (at("-10:00"), 3000), (at("-14:00"), 3000), (at("-17:00"), 0), (at("07:10"), 0), (at("11:45"), 5700),
    (at("13:40"), 5000), (at("14:55"), 4600), *clouds(), (at("16:35"), 900), (at("17:00"), 0), (at("26:00"), 0),
]  # fmt: skip
CONSUMPTION = steps(("-20:10", "02:00", 2200), ("18:00", "19:30", 2600), base=500)
BATTERY: Knots = [
    (at("-10:00"), 0), (at("-17:00"), 0), (at("-17:00") + 5, 500), (at("-20:10"), 500), (at("-20:10") + 5, 1700),
    (at("00:50"), 1700), (at("00:50") + 5, 0),
    *[knot for hour in (2, 3, 4, 5) for knot in (
        (hour * 3600 + 600, 0), (hour * 3600 + 605, -800), (hour * 3600 + 720, -800), (hour * 3600 + 725, 0))],
    (at("07:30"), 0), (at("11:45"), -4400), (at("13:40"), -2200), (at("13:40") + 5, 0), (at("16:40"), 0),
    (at("17:00"), 500), (at("18:00"), 500), (at("18:00") + 5, 2600), (at("19:30"), 2600), (at("19:30") + 5, 500),
    (at("26:00"), 500),
]  # fmt: skip
CHARGE_PERCENT: Knots = [
    (at("-10:00"), 80), (at("-20:10"), 60), (at("00:50"), 10), (at("07:30"), 10), (at("11:45"), 60), (at("13:40"), 100),
    (at("17:00"), 100), (at("26:00"), 65),
]  # fmt: skip


def value(knots: Knots, second: int) -> Fraction:
    """The exact value of the lines at a second."""
    index = min(bisect_right(knots, (second, 10**9)), len(knots) - 1)
    (t0, v0), (t1, v1) = knots[index - 1], knots[index]
    return Fraction(v0) + Fraction(v1 - v0, t1 - t0) * (second - t0)


def exact_wh(curves: list[tuple[int, Knots]], start: int, end: int) -> tuple[Fraction, Fraction]:
    """Exact energies above and below zero of a signed sum of lines over [start, end) seconds, in Wh."""
    stamps = sorted({start, end, *(t for _, knots in curves for t, _ in knots if start < t < end)})
    above = below = Fraction(0)
    for t0, t1 in pairwise(stamps):
        v0, v1 = (sum(sign * value(knots, t) for sign, knots in curves) for t in (t0, t1))
        cuts = [Fraction(t0), Fraction(t1)]
        if v0 * v1 < 0:
            cuts.insert(1, t0 + (t1 - t0) * v0 / (v0 - v1))
        for left, right in pairwise(cuts):
            middle = v0 + (v1 - v0) * ((left + right) / 2 - t0) / (t1 - t0)
            area = middle * (right - left) / 3600
            above, below = above + max(area, Fraction(0)), below + max(-area, Fraction(0))
    return above, below


@lru_cache
def samples(role: Role) -> dict[int, float]:
    """What the exporter shows every five seconds; the gauge of the battery is a whole number that jitters."""
    seconds = range(at("-10:00"), at("26:00") + 1, STEP_S)
    if role is Role.STATE_OF_CHARGE:
        night = range(at("00:50") + 1, at("07:30"))
        return {s: int(line(CHARGE_PERCENT, s)) - (s in night and s // 300 % 3 == 0) for s in seconds}
    signs = {
        Role.PRODUCTION: [(1, PRODUCTION)],
        Role.CONSUMPTION: [(1, CONSUMPTION)],
        Role.BATTERY_DISCHARGE: [(1, BATTERY)],
        Role.GRID_FEED_IN: [(1, PRODUCTION), (1, BATTERY), (-1, CONSUMPTION)],
    }[role]
    return {s: sum(sign * line(knots, s) for sign, knots in signs) for s in seconds}


def line(knots: Knots, second: int) -> float:
    index = min(bisect_right(knots, (second, 10**9)), len(knots) - 1)
    (t0, v0), (t1, v1) = knots[index - 1], knots[index]
    return v0 + (v1 - v0) * (second - t0) / (t1 - t0)


SITE = Site(
    name="home",
    timezone="America/Los_Angeles",
    roles=ROLES,
    capacity_wh=16000,
    reserve_percent=10,
    tariff=flat(0.32, 0.08, "USD"),
)


@dataclass
class Home:
    """A site, its samples as Prometheus would give them, and the day they belong to."""

    day: date = date(2026, 11, 21)
    site: Site = SITE
    lost: set[int] = field(default_factory=lambda: {at(t) + 15 for t in (
        "01:07", "03:31", "06:02", "09:45", "12:20", "14:05", "20:11", "22:48")})  # fmt: skip
    outage: tuple[int, int] | None = None
    fetched: list[tuple[str, float, float]] = field(default_factory=list)

    @property
    def midnight(self) -> float:
        return local_day(self.day, self.site.zone)[0]

    def fetch_raw(self, selector: str, start: float, end: float) -> list[Series]:
        """Samples every five seconds, from fourteen hours before the day to two hours after it."""
        self.fetched.append((selector, start, end))
        role = next(role for role, name in SELECTORS.items() if name == selector)
        midnight = self.midnight
        first, last = max(at("-10:00"), int(start - midnight)), min(at("26:00"), int(end - midnight))
        seconds = [s for s in range(first + -first % STEP_S, last + 1, STEP_S) if self.scraped(s)]
        if not seconds:
            return []
        labels = {"__name__": selector, "host": "battery", "sn": "1"}
        return [Series(labels, [midnight + s for s in seconds], [samples(role)[s] for s in seconds])]

    def scraped(self, second: int) -> bool:
        return second not in self.lost and not (self.outage and self.outage[0] < second < self.outage[1])

    def with_site(self, **changes: object) -> Home:
        return replace(self, site=replace(self.site, **changes), fetched=[])


@pytest.fixture
def home() -> Home:
    return Home()


@pytest.fixture
def exact() -> dict[str, float]:
    """The day's energies in Wh by exact rational arithmetic on the lines."""
    day = (0, 86400)
    grid = exact_wh([(1, PRODUCTION), (1, BATTERY), (-1, CONSUMPTION)], *day)
    battery = exact_wh([(1, BATTERY)], *day)
    return {
        "production": float(exact_wh([(1, PRODUCTION)], *day)[0]),
        "consumption": float(exact_wh([(1, CONSUMPTION)], *day)[0]),
        "grid_export": float(grid[0]),
        "grid_import": float(grid[1]),
        "battery_discharge": float(battery[0]),
        "battery_charge": float(battery[1]),
    }
