"""Settling fetches what is lacking, writes it once, and goes on where it stopped."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from watchman.energy.figures import figures
from watchman.energy.settle import Memory, Source, settle
from watchman.energy.slots import Asked, Role, Slot
from watchman.energy.units import is_plain_selector
from watchman.errors import QueryError
from watchman.localtime import local_day
from watchman.series import Series

ROLES = {Role.PRODUCTION: "solar_watts", Role.GRID_FEED_IN: "grid_watts"}
BERLIN = ZoneInfo("Europe/Berlin")
DAY_S = 86400


class Ledger:
    """A dict of rows, and a Prometheus that has one sample a minute from `since` on."""

    def __init__(self, zone: ZoneInfo = BERLIN, since: float = 0.0) -> None:
        self.rows: dict[tuple[int, str], Slot] = {}
        self.remembered: dict[int, Asked] = {}
        self.writes = 0
        self.asked: list[tuple[str, float, float]] = []
        self.since = since
        self.broken_from = float("inf")
        self.source = Source("home", zone, ROLES, 10, self.fetch_raw, self.fetch_range)

    def fetch_raw(self, selector: str, start: float, end: float) -> list[Series]:
        if start >= self.broken_from:
            raise QueryError("connection refused", "connect")
        self.asked.append((selector, start, end))
        times = [float(t) for t in range(int(start // 60 * 60 + 60), int(end) + 1, 60) if t >= self.since]
        return [Series({}, times, [1200.0 if selector == "solar_watts" else -600.0] * len(times))] if times else []

    def fetch_range(self, expr: str, start: float, end: float, step_s: float) -> list[Series]:
        self.asked.append((expr, start, end))
        times = [start + n * step_s for n in range(int((end - start) / step_s) + 1)]
        return [Series({}, times, [900.0] * len(times))]

    def read(self, start: float, end: float, flows: Collection[str] = ()) -> list[Slot]:
        return [s for s in self.rows.values() if start <= s.start < end and (not flows or s.flow in flows)]

    def write(self, slots: list[Slot]) -> None:
        self.writes += 1
        self.rows.update({(slot.start, slot.flow): slot for slot in slots})

    def asked_before(self, start: float, end: float) -> dict[int, Asked]:
        return {at: asked for at, asked in self.remembered.items() if start <= at < end}

    def remember(self, asked: Asked) -> None:
        self.remembered[asked.start] = asked

    def settle(self, start: float, end: float, now: float, **more: object) -> int:
        memory = Memory(self.asked_before, self.remember)
        done = settle(start, end, now, self.source, read_slots=self.read, write_slots=self.write, memory=memory, **more)
        return done.written


def test_the_second_time_nothing_is_asked_and_nothing_is_written() -> None:
    ledger = Ledger()
    start, end = local_day(date(2026, 6, 1), BERLIN)

    first = ledger.settle(start, end, now=end + 2 * DAY_S)
    asked = len(ledger.asked)

    assert first == len(ledger.rows)
    assert ledger.settle(start, end, now=end + 2 * DAY_S) == 0
    assert len(ledger.asked) == asked == 2


def test_a_day_younger_than_a_day_is_asked_again_but_only_changes_are_written() -> None:
    ledger = Ledger()
    start, end = local_day(date(2026, 6, 1), BERLIN)
    ledger.settle(start, end, now=end + 60)

    ledger.settle(start, end, now=end + 3600)
    assert len(ledger.asked) == 4
    assert ledger.settle(start, end, now=end + 7200) == 0


def test_a_day_that_still_runs_is_settled_up_to_the_last_whole_quarter() -> None:
    ledger = Ledger()
    start, end = local_day(date(2026, 6, 1), BERLIN)

    ledger.settle(start, end, now=start + 3700)

    assert max(start for start, _ in ledger.rows) == start + 2700


def test_a_failure_keeps_the_days_before_it_and_the_next_run_goes_on() -> None:
    ledger = Ledger()
    days = [local_day(date(2026, 6, d), BERLIN) for d in (1, 2, 3)]
    ledger.broken_from = days[1][0] - 1800
    progress: list[tuple[int, int]] = []

    with pytest.raises(QueryError):
        ledger.settle(days[0][0], days[2][1], now=days[2][1] + 2 * DAY_S)
    assert {start // DAY_S for start, _ in ledger.rows} == {(days[0][0] + s) // DAY_S for s in (0, 80000)}

    ledger.broken_from = float("inf")
    asked = len(ledger.asked)
    ledger.settle(days[0][0], days[2][1], days[2][1] + 2 * DAY_S, on_progress=lambda *at: progress.append(at))
    assert len(ledger.asked) - asked == 4
    assert progress == [(0, 2), (1, 2), (2, 2)]


def test_what_prometheus_has_forgotten_stays_in_the_ledger() -> None:
    ledger = Ledger()
    start, end = local_day(date(2026, 6, 1), BERLIN)
    ledger.settle(start, end, now=end + 60)
    before = dict(ledger.rows)

    ledger.since = end
    ledger.settle(start, end, now=end + 120)

    assert ledger.rows == before


def test_late_samples_replace_a_hole() -> None:
    ledger = Ledger(since=local_day(date(2026, 6, 1), BERLIN)[0] + 43200)
    start, end = local_day(date(2026, 6, 1), BERLIN)
    ledger.settle(start, end, now=end + 60)
    half = figures(ledger.read(start, end), start, end, list(ROLES))

    ledger.since = 0
    ledger.settle(start, end, now=end + 120)

    whole = figures(ledger.read(start, end), start, end, list(ROLES))
    assert (half.complete, whole.complete) == (False, True)


def test_what_was_settled_before_it_was_seen_to_stand_still_gives_way() -> None:
    """At 10:15 nobody can tell yet that the values stopped at 10:00; at 11:00 everybody can."""
    start, end = local_day(date(2026, 6, 1), BERLIN)
    stop, now = start + 36000, start + 36900
    roles = {Role.PRODUCTION: "roof", Role.CONSUMPTION: "house", Role.GRID_FEED_IN: "grid"}

    def fetch(selector: str, first: float, last: float) -> list[Series]:
        times = [float(t) for t in range(int(first // 60 * 60), int(min(last, now)) + 1, 60)]
        return [Series({}, times, [1000.0 + min(t, stop) // 60 % 7 for t in times])]

    ledger = Ledger()
    ledger.source = replace(ledger.source, roles=roles, fetch_raw=fetch)

    ledger.settle(start, end, now)
    before = {slot.flow: slot for slot in ledger.read(stop, stop + 900)}
    now = start + 39600
    ledger.settle(start, end, now)
    after = {slot.flow: slot for slot in ledger.read(stop, stop + 900)}

    assert (before["production"].covered_s, before["solar_to_grid"].covered_s) == pytest.approx((900, 900), abs=60)
    assert (after["production"].covered_s, after["solar_to_grid"].covered_s) == (0, 0)
    assert ledger.read(stop - 900, stop)[0].covered_s == 900


@pytest.mark.parametrize(
    ("first_day", "covered"),
    [
        pytest.param(lambda t: 900.0 + t // 60 % 7, 0.0, id="the house moved the day before: frozen"),
        pytest.param(lambda t: 900.0, 1.0, id="it never moved: measured"),
    ],
)
def test_a_whole_day_that_stood_still_is_judged_by_the_days_before(first_day, covered) -> None:
    start, middle = local_day(date(2026, 6, 1), BERLIN)
    end = local_day(date(2026, 6, 2), BERLIN)[1]
    roles = {Role.CONSUMPTION: "house", Role.GRID_FEED_IN: "grid"}

    def fetch(selector: str, first: float, last: float) -> list[Series]:
        times = [float(t) for t in range(int(first // 60 * 60), int(last) + 1, 60)]
        return [Series({}, times, [first_day(t) if t < middle - 7200 else 900.0 for t in times])]

    ledger = Ledger()
    ledger.source = replace(ledger.source, roles=roles, fetch_raw=fetch)
    ledger.settle(start, end, now=end + 2 * DAY_S)

    assert figures(ledger.read(middle, end), middle, end, list(roles)).measured[Role.CONSUMPTION] == covered


def test_a_day_with_holes_is_not_asked_for_again() -> None:
    """A home that was off for half a day, or a role nobody measures, is known to be so."""
    start, end = local_day(date(2026, 6, 1), BERLIN)
    ledger = Ledger(since=start + 43200)
    ledger.settle(start, end, now=end + 2 * DAY_S)
    asked = len(ledger.asked)

    ledger.settle(start, end, now=end + 3 * DAY_S)

    assert len(ledger.asked) == asked


def test_again_asks_for_days_whose_samples_came_late() -> None:
    start, end = local_day(date(2026, 6, 1), BERLIN)
    ledger = Ledger(since=start + 43200)
    ledger.settle(start, end, now=end + 2 * DAY_S)

    ledger.since = 0
    ledger.settle(start, end, now=end + 3 * DAY_S, again=True)

    assert figures(ledger.read(start, end), start, end, list(ROLES)).complete


def test_a_changed_expression_has_its_days_worked_out_anew() -> None:
    start, end = local_day(date(2026, 6, 1), BERLIN)
    ledger = Ledger()
    ledger.settle(start, end, now=end + 2 * DAY_S)

    ledger.source = replace(ledger.source, roles={**ROLES, Role.GRID_FEED_IN: "solar_watts"})
    ledger.settle(start, end, now=end + 2 * DAY_S)

    period = figures(ledger.read(start, end), start, end, list(ROLES))
    assert (period.energy_wh["grid_export"], period.energy_wh["grid_import"]) == pytest.approx((1200 * 24, 0))
    assert "grid_to_load" not in period.energy_wh, "the split of before is undone"


def test_settling_in_any_pieces_gives_the_same_rows() -> None:
    start, end = local_day(date(2026, 6, 1), BERLIN)
    whole, pieces = Ledger(), Ledger()

    whole.settle(start, end, now=end + 2 * DAY_S)
    for part in range(1, 25):
        pieces.settle(start, end, now=start + part * 3600 + 400)
    pieces.settle(start, end, now=end + 2 * DAY_S)

    assert pieces.rows == whole.rows


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("America/Los_Angeles", date(2026, 3, 8), 23),
        ("America/Los_Angeles", date(2026, 11, 1), 25),
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("Asia/Kathmandu", date(2026, 6, 1), 24),
    ],
)
def test_days_of_every_length_hold_the_energy_of_their_hours(zone, day, hours) -> None:
    ledger = Ledger(ZoneInfo(zone))
    start, end = local_day(day, ZoneInfo(zone))

    ledger.settle(start, end, now=end + 2 * DAY_S)

    period = figures(ledger.read(start, end), start, end, list(ROLES))
    assert (period.hours, period.complete) == (hours, True)
    assert period.energy_wh["production"] == pytest.approx(1200 * hours)
    assert period.energy_wh["grid_import"] == pytest.approx(600 * hours)
    assert len(ledger.asked) == 2


@pytest.mark.parametrize(
    ("expr", "plain"),
    [
        ("sonnen_production_watts", True),
        ('sonnen_production_watts{host="a", sn=~"1.*"}', True),
        ('{__name__="x"}', True),
        ("sum(sonnen_production_watts)", False),
        ("-sonnen_grid_feed_in_watts", False),
        ("x / 1000", False),
        ("x offset 5m", False),
        ("x[5m]", False),
        ("not promql (", False),
    ],
)
def test_only_a_plain_selector_has_raw_samples(expr, plain) -> None:
    assert is_plain_selector(expr) is plain


def test_the_hour_that_comes_twice_counts_twice() -> None:
    """Berlin, 25 October 2026: 02:00 to 03:00 happens at 00:00 and at 01:00 UTC."""
    start, end = local_day(date(2026, 10, 25), BERLIN)
    ledger = Ledger()

    ledger.settle(start, end, now=end + 2 * DAY_S)

    rows = [slot for slot in ledger.read(start, end) if slot.flow == "production"]
    twos = [slot for slot in rows if datetime.fromtimestamp(slot.start, BERLIN).hour == 2]
    assert (len(rows), len(twos), sum(slot.wh for slot in twos)) == (100, 8, pytest.approx(2400))


def test_an_expression_is_asked_in_steps() -> None:
    ledger = Ledger()
    ledger.source = Source(
        "home", BERLIN, {Role.PRODUCTION: "sum(a) / 1000"}, None, ledger.fetch_raw, ledger.fetch_range
    )
    start, end = local_day(date(2026, 6, 1), BERLIN)

    ledger.settle(start, end, now=end + 2 * DAY_S)

    period = figures(ledger.read(start, end), start, end, [Role.PRODUCTION])
    assert period.energy_wh["production"] == pytest.approx(900 * 24)
