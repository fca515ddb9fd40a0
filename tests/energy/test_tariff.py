"""Prices by quarter of an hour: time of use, seasons, holidays, dates of validity, and the days clocks change."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchman.energy.tariff import Prices, Rate, Standing, entry_of, flat, holes, overlap, slot_prices, standing_charge
from watchman.localtime import local_day

BERLIN, CALIFORNIA, LORD_HOWE = (
    ZoneInfo("Europe/Berlin"),
    ZoneInfo("America/Los_Angeles"),
    ZoneInfo("Australia/Lord_Howe"),
)
WORKDAYS, WEEKEND = frozenset(range(5)), frozenset((5, 6))
PEAK = Rate(0.62, frozenset((6, 7, 8, 9)), WORKDAYS, ((16 * 60, 21 * 60),))
NIGHT = Rate(0.20, minutes=((0, 360), (1320, 1440)))
TOU = Prices(per_kwh=0.35, rates=(PEAK,))


def at(local: str, zone: ZoneInfo = CALIFORNIA) -> int:
    return int(datetime.fromisoformat(local).replace(tzinfo=zone).timestamp())


def price(entries: tuple[Prices, ...], local: str, zone: ZoneInfo = CALIFORNIA, **more: object) -> float | None:
    start = at(local, zone) // 900 * 900
    return slot_prices(entries, start, start + 900, zone, **more).get(start)


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("2026-07-01T16:00", 0.62),
        ("2026-07-01T20:59", 0.62),
        ("2026-07-01T15:59", 0.35),
        ("2026-07-01T21:00", 0.35),
        ("2026-07-04T17:00", 0.35),
        ("2026-10-01T17:00", 0.35),
        ("2026-06-01T17:00", 0.62),
    ],
    ids=["first minute", "last minute", "before", "after", "Saturday", "out of season", "first day of the season"],
)
def test_a_rate_holds_at_its_times_on_the_sites_clock(local, expected) -> None:
    assert price((TOU,), local) == expected


def test_a_holiday_counts_as_a_sunday() -> None:
    assert price((TOU,), "2026-09-07T17:00", holidays=[date(2026, 9, 7)]) == 0.35
    assert price((TOU,), "2026-09-07T17:00") == 0.62


def test_a_new_price_holds_from_its_local_midnight_on() -> None:
    entries = (Prices(per_kwh=0.31), Prices(date(2026, 3, 29), per_kwh=0.35))

    assert price(entries, "2026-03-28T23:45", BERLIN) == 0.31
    assert price(entries, "2026-03-29T00:00", BERLIN) == 0.35


def test_before_the_first_date_there_is_no_price() -> None:
    entries = (Prices(date(2026, 1, 1), per_kwh=0.31),)

    assert price(entries, "2025-12-31T23:45", BERLIN) is None
    assert entry_of(entries, date(2025, 12, 31)) is None


def test_a_series_of_prices_has_its_factor_and_addition_and_may_be_negative() -> None:
    start = at("2026-05-01T13:00", BERLIN)
    entries = (Prices(series=True, factor=1.19, add=0.15),)

    found = slot_prices(entries, start, start + 2700, BERLIN, values={start: -0.50, start + 1800: 0.10})

    assert found == {start: pytest.approx(-0.445), start + 1800: pytest.approx(0.269)}


@pytest.mark.parametrize(
    ("zone", "day", "cheap", "quarters"),
    [
        (BERLIN, date(2026, 3, 29), 28, 92),
        (BERLIN, date(2026, 10, 25), 36, 100),
        (LORD_HOWE, date(2026, 4, 5), 34, 98),
        (LORD_HOWE, date(2026, 10, 4), 30, 94),
        (BERLIN, date(2026, 6, 1), 32, 96),
    ],
    ids=["23 h", "25 h", "24.5 h", "23.5 h", "24 h"],
)
def test_a_night_rate_is_an_hour_shorter_or_longer_when_clocks_change(zone, day, cheap, quarters) -> None:
    found = slot_prices((Prices(per_kwh=0.3, rates=(NIGHT,)),), *local_day(day, zone), zone)

    assert (sum(value == 0.20 for value in found.values()), len(found)) == (cheap, quarters)


@given(st.floats(0, 1), st.floats(0, 1), st.integers(1, 27), st.integers(1, 27))
def test_a_price_change_never_alters_earlier_days(old, new, day, looked_at) -> None:
    before = (Prices(per_kwh=old, rates=(PEAK,)),)
    changed = (*before, Prices(date(2026, 7, day), per_kwh=new))
    start, end = local_day(date(2026, 7, looked_at), CALIFORNIA)

    same = slot_prices(changed, start, end, CALIFORNIA) == slot_prices(before, start, end, CALIFORNIA)

    assert same or looked_at >= day


def test_rates_that_leave_no_time_out_have_no_hole() -> None:
    day = Rate(0.3, minutes=((360, 1320),))

    assert holes([NIGHT, day]) == ""
    assert overlap(NIGHT, day) == ""


@pytest.mark.parametrize(
    ("rates", "words"),
    [
        ([NIGHT], "Mondays in January, 06:00 to 22:00"),
        ([Rate(0.3, weekdays=WORKDAYS)], "Saturdays in January, 00:00 to 24:00"),
        ([Rate(0.3, months=frozenset(range(1, 12)))], "Mondays in December, 00:00 to 24:00"),
        ([NIGHT, Rate(0.3, minutes=((360, 1305),))], "Mondays in January, 21:45 to 22:00"),
    ],
    ids=["the day", "the weekend", "a month", "a quarter of an hour"],
)
def test_the_first_hole_is_named(rates, words) -> None:
    assert holes(rates) == words


def test_the_first_overlap_is_named() -> None:
    assert overlap(PEAK, Rate(0.5, minutes=((1200, 1440),))) == "Mondays in June, 20:00 to 21:00"
    assert overlap(PEAK, Rate(0.5, weekdays=WEEKEND)) == ""


@given(
    st.lists(st.tuples(st.integers(0, 95), st.integers(1, 96)), max_size=4),
    st.sets(st.integers(0, 6), min_size=1),
    st.integers(0, 95),
)
def test_a_moment_has_a_hole_an_overlap_or_one_price(spans, weekdays, quarter) -> None:
    rates = [
        Rate(float(n), weekdays=frozenset(weekdays), minutes=((a * 15, b * 15),))
        for n, (a, b) in enumerate(spans)
        if a < b
    ]
    holding = [rate for rate in rates if rate.holds(1, min(weekdays), quarter * 15)]

    if not holding:
        assert holes(rates)
    if len(holding) > 1:
        assert overlap(holding[0], holding[1])


@pytest.mark.parametrize(
    ("charge", "day", "amount"),
    [
        (Standing(0.40, "day"), date(2026, 3, 29), 0.40),
        (Standing(12.40, "month"), date(2026, 10, 25), 0.40),
        (Standing(14.00, "month"), date(2026, 2, 3), 0.50),
        (Standing(146.00, "year"), date(2026, 6, 1), 0.40),
        (Standing(146.40, "year"), date(2028, 6, 1), 0.40),
    ],
    ids=["a day of 23 h", "a month's part on a day of 25 h", "February", "a year's part", "a leap year"],
)
def test_a_day_bears_its_part_of_a_standing_charge(charge, day, amount) -> None:
    assert standing_charge([charge], *local_day(day, BERLIN), BERLIN) == pytest.approx(amount)


def test_a_new_standing_charge_holds_from_its_day_on() -> None:
    charges = [Standing(0.30, "day"), Standing(0.50, "day", date(2026, 5, 2))]
    start, end = local_day(date(2026, 5, 1), BERLIN)[0], local_day(date(2026, 5, 3), BERLIN)[1]

    assert standing_charge(charges, start, end, BERLIN) == pytest.approx(0.30 + 0.50 + 0.50)
    assert standing_charge([], start, end, BERLIN) == 0


@given(st.integers(0, 96 * 60), st.integers(0, 96 * 60), st.integers(0, 96 * 60))
def test_standing_charges_of_parts_add_up(a, b, c) -> None:
    first, middle, last = (local_day(date(2026, 10, 1), BERLIN)[0] + 900 * n for n in sorted((a, b, c)))
    charges = [Standing(12, "month"), Standing(15, "month", date(2026, 11, 1))]

    parts = standing_charge(charges, first, middle, BERLIN) + standing_charge(charges, middle, last, BERLIN)

    assert parts == pytest.approx(standing_charge(charges, first, last, BERLIN))


def test_a_flat_tariff_holds_ever_since() -> None:
    tariff = flat(0.32, 0.08, "USD")
    long_ago = int(datetime(1999, 1, 1, tzinfo=UTC).timestamp())

    assert slot_prices(tariff.bought, long_ago, long_ago + 900, BERLIN) == {long_ago: 0.32}
    assert slot_prices(tariff.sold, long_ago, long_ago + 1800, BERLIN) == {long_ago: 0.08, long_ago + 900: 0.08}
