"""Numbers, times and money in words."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from watchman.report import words

ZONE = ZoneInfo("America/Los_Angeles")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (words.kwh(27_400), "27.4"),
        (words.kwh(312_345), "312"),
        (words.kwh(99_960), "100"),
        (words.kwh(0), "0"),
        (words.kwh(20), "0"),
        (words.kwh(-20), "0"),
        (words.watts(187), "190 W"),
        (words.watts(2240), "2.2 kW"),
        (words.watts(949), "950 W"),
        (words.watts(951), "1.0 kW"),
        (words.percent(0.654), "65 %"),
        (words.share(0.9996), "99.9 %"),
        (words.share(1.0), "100 %"),
        (words.duration(25 * 60), "25 min"),
        (words.duration(3 * 3600 + 600), "3 h 10"),
        (words.duration(7200), "2 h"),
        (words.duration(52 * 3600), "2 d 4 h"),
        (words.money(1.534, "USD"), "$1.53"),
        (words.money(-0.4, "EUR"), "-€0.40"),
        (words.money(-0.001, "EUR"), "€0.00"),
        (words.money(12, "SEK"), "12.00 SEK"),
        (words.price(0.32, "USD"), "$0.32"),
        (words.price(0.0786, "EUR"), "€0.0786"),
        (words.price(0.1, "EUR"), "€0.10"),
        (words.price(1.5, "SEK"), "1.50 SEK"),
        (words.short_day(date(2026, 11, 21)), "Sat 21 Nov"),
        (words.long_day(date(2026, 3, 1)), "Sunday 1 March"),
    ],
)
def test_words(text, expected) -> None:
    assert text == expected


@pytest.mark.parametrize(
    ("hour_utc", "expected"), [(7, "00:30"), (8, "01:30"), (9, "01:30 PST"), (10, "02:30")], ids=str
)
def test_the_hour_that_happens_twice_is_told_apart(hour_utc, expected) -> None:
    assert words.clock(datetime(2026, 11, 1, hour_utc, 30, tzinfo=UTC).timestamp(), ZONE) == expected
