"""What the household switches on and off over a day, by the clock on its wall."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

CAR_W = (2200, 7000)  # the slow cable and the fast one


@dataclass(frozen=True, slots=True)
class Load:
    """An appliance that takes `watts` in [start, end), unix seconds."""

    start: float
    end: float
    watts: float


def base_w(seed: int) -> float:
    """What the house takes when nothing is switched on: router, stand-by, ventilation."""
    return Random(f"{seed}/base").uniform(170, 240)  # noqa: S311


def day_loads(seed: int, day: int, zone: ZoneInfo) -> list[Load]:
    """The loads that begin on the calendar day with this number (days since 1970-01-01); some end on the next."""
    dice = Random(f"{seed}/loads/{day}")  # noqa: S311
    midnight = datetime.fromtimestamp(day * 86400, UTC).replace(tzinfo=zone)
    return [
        Load((midnight + timedelta(hours=hour)).timestamp(), (midnight + timedelta(hours=hour)).timestamp() + s, watts)
        for hour, s, watts in _day(dice)
    ]


def charges_car(loads: Iterable[Load]) -> bool:
    """Is the car among the loads?"""
    return any(load.watts in CAR_W for load in loads)


def _day(dice: Random) -> Iterator[tuple[float, float, float]]:
    """(local hour, seconds, watts) of one day."""
    yield from _cooling(dice, 85)
    yield from _cooling(dice, 70)
    yield from _lighting(dice)
    yield from _meals(dice)
    yield from _machines(dice)
    yield from _car(dice)


def _cooling(dice: Random, watts: float) -> Iterator[tuple[float, float, float]]:
    """A compressor: about a quarter of an hour on, half an hour off."""
    hour = dice.uniform(0, 0.5)
    while hour < 23.5:
        on = dice.uniform(0.22, 0.32)
        yield hour, on * 3600, watts
        hour += on + dice.uniform(0.4, 0.6)


def _lighting(dice: Random) -> Iterator[tuple[float, float, float]]:
    """Light, screens and a desk."""
    yield dice.uniform(6, 6.8), 3600 * dice.uniform(1, 2), 160
    yield 8.5, 3600 * 8.5, dice.choice((20, 60, 130))
    evening = dice.uniform(17, 18)
    yield evening, 3600 * (dice.uniform(22.5, 23.8) - evening), dice.uniform(220, 340)


def _meals(dice: Random) -> Iterator[tuple[float, float, float]]:
    breakfast = dice.uniform(6.6, 7.6)
    yield breakfast, 180, 2000
    yield breakfast + 0.1, 240, 900
    yield breakfast + 0.2, 300, 1200
    if dice.random() < 0.5:
        yield from _hob(dice, dice.uniform(12, 13))
    dinner = dice.uniform(17.5, 19)
    yield from _hob(dice, dinner)
    if dice.random() < 0.45:
        yield dinner, 720, 2300
        for turn in range(8):
            yield dinner + 0.2 + turn * 0.09, 130, 2300


def _hob(dice: Random, hour: float) -> Iterator[tuple[float, float, float]]:
    for turn in range(dice.randint(5, 10)):
        yield hour + turn * 0.06, 120, 1700


def _machines(dice: Random) -> Iterator[tuple[float, float, float]]:
    """Washing machine, dishwasher, the heat pump of the hot water tank."""
    if dice.random() < 0.45:
        hour = dice.uniform(9, 15)
        yield hour, 1080, 2050
        yield hour + 0.3, 2700, 220
        yield hour + 1.05, 480, 450
    if dice.random() < 0.65:
        hour = dice.uniform(19.8, 21.5)
        yield hour, 900, 1900
        yield hour + 0.25, 2400, 60
        yield hour + 0.92, 720, 1900
    yield dice.uniform(10.5, 13), 3600 * dice.uniform(2, 3.2), 520


def _car(dice: Random) -> Iterator[tuple[float, float, float]]:
    """On some evenings the car: a slow cable, or now and then the fast one. It may charge past midnight."""
    if dice.random() < 0.42:
        fast = dice.random() < 0.3
        hours = dice.uniform(0.8, 2) if fast else dice.uniform(2.5, 5)
        yield dice.uniform(18.5, 21), 3600 * hours, CAR_W[fast]
