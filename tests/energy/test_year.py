"""A year of samples every 5 s with outages, against the exact integral of the lines they were taken from.

The home is drawn by straight lines whose knots lie on samples, so its energies are known in exact numbers. What an
outage of more than 30 minutes hid is taken out of the truth: it was not measured and must not be made up.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from datetime import date
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from watchman.energy.settle import Memory, Source, settle
from watchman.energy.slots import Asked, Flow, Role, Slot, roll_up
from watchman.localtime import local_day
from watchman.series import Series

BERLIN = ZoneInfo("Europe/Berlin")
STEP_S = 5
SELECTORS = {Role.PRODUCTION: "sun", Role.GRID_FEED_IN: "grid"}


def drawn(start: float, days: int) -> tuple[list[float], dict[str, list[float]]]:
    """Knots every ten minutes: sun by day under clouds, and a grid whose sign changes all the time."""
    chance = random.Random(days)
    times = [start + 600.0 * n for n in range(days * 144 + 1)]
    sun = [max(0.0, 5000 * np.sin((ts % 86400) / 86400 * 2 * np.pi - 1.5)) * chance.random() for ts in times]
    grid = [watts - 300 - 2500 * chance.random() for watts in sun]
    return times, {"sun": [round(watts) for watts in sun], "grid": [round(watts) for watts in grid]}


def outages(start: float, days: int) -> list[tuple[float, float]]:
    """One every few days, from half a minute to nine hours; knots are not in their way."""
    chance, found, ts = random.Random(1), [], start + 7200.0
    while ts < start + days * 86400 - 86400:
        length = chance.choice((30, 90, 400, 1500, 7200, 32400))
        first = ts // 600 * 600 + 5
        found.append((first, first + length // STEP_S * STEP_S))
        ts = first + length + chance.randrange(3600, 4 * 86400)
    return found


def exact_wh(times: list[float], watts: list[float], lost: list[tuple[float, float]]) -> tuple[float, float]:
    """Energies above and below zero of the lines that the samples which are left span, long gaps left out."""
    holes = [(first, last) for first, last in lost]
    starts = [first for first, _ in holes]
    inside = {ts for ts in times if (i := bisect_left(starts, ts) - 1) >= 0 and ts < holes[i][1]}
    edges = [edge for first, last in holes for edge in (first, last)]
    stamps = sorted({*times, *edges} - inside)
    values = np.interp(stamps, times, watts).tolist()
    long = {first for first, last in holes if last - first > 1800}
    above = below = 0.0
    for (t0, v0), (t1, v1) in pairwise(zip(stamps, values, strict=True)):
        if t0 in long:
            continue
        width = (t1 - t0) / 3600
        if v0 * v1 < 0:
            part = v0 / (v0 - v1)
            areas = abs(v0) * part * width / 2, abs(v1) * (1 - part) * width / 2
            above, below = above + areas[v0 < 0], below + areas[v0 > 0]
        else:
            area = (v0 + v1) / 2 * width
            above, below = above + max(area, 0.0), below + max(-area, 0.0)
    return above, below


def lived(days: int) -> None:
    """Settle so many days and compare."""
    start = local_day(date(2026, 1, 1), BERLIN)[0]
    times, curves = drawn(start, days)
    lost = outages(start, days)
    rows: dict[tuple[int, str], Slot] = {}
    asked: dict[int, Asked] = {}

    def fetch(selector: str, first: float, last: float) -> list[Series]:
        stamps = np.arange(max(first, start) // STEP_S * STEP_S, min(last, times[-1]) + 1, STEP_S)
        for begin, end in lost:
            stamps = stamps[(stamps <= begin) | (stamps >= end)]
        return [Series({}, stamps.tolist(), np.interp(stamps, times, curves[selector]).tolist())]

    source = Source("home", BERLIN, SELECTORS, None, fetch, lambda *_: [])
    settle(
        start,
        times[-1],
        times[-1],
        source,
        read_slots=lambda a, b, flows=(): [],
        write_slots=lambda slots: rows.update({(slot.start, slot.flow): slot for slot in slots}),
        memory=Memory(lambda a, b: asked, lambda one: asked.update({one.start: one})),
    )

    totals = roll_up(rows.values())
    sun, _ = exact_wh(times, curves["sun"], lost)
    sold, bought = exact_wh(times, curves["grid"], lost)
    assert totals[Flow.PRODUCTION].wh == pytest.approx(sun, rel=1e-3)
    assert (totals[Flow.GRID_EXPORT].wh, totals[Flow.GRID_IMPORT].wh) == pytest.approx((sold, bought), rel=1e-3)
    hidden_s = sum(last - first for first, last in lost if last - first > 1800)
    assert totals[Flow.PRODUCTION].covered_s == pytest.approx(times[-1] - start - hidden_s, abs=1)


def test_ten_days_of_samples_with_outages_are_within_a_thousandth() -> None:
    lived(10)


@pytest.mark.soak
def test_a_year_of_samples_with_outages_is_within_a_thousandth() -> None:
    lived(365)
