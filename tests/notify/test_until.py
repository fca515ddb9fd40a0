"""The end of a silence in people's words."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from watchman.notify.until import parse_until

ZONE = ZoneInfo("America/Los_Angeles")
NOW = datetime(2026, 10, 31, 22, 30, tzinfo=ZONE).timestamp()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tomorrow", "2026-11-01T07:00:00-08:00"),
        ("Tomorrow", "2026-11-01T07:00:00-08:00"),
        ("23:15", "2026-10-31T23:15:00-07:00"),
        ("6:00", "2026-11-01T06:00:00-08:00"),
        ("22:30", "2026-11-01T22:30:00-08:00"),
        ("2026-12-24", "2026-12-24T00:00:00-08:00"),
        ("2026-12-24 18:05", "2026-12-24T18:05:00-08:00"),
        ("2026-12-24T18:05", "2026-12-24T18:05:00-08:00"),
        ("2026-12-24T18:05:00Z", "2026-12-24T10:05:00-08:00"),
        ("2026-12-24T18:05:00+02:00", "2026-12-24T08:05:00-08:00"),
        ("12h", "2026-11-01T09:30:00-08:00"),
    ],
)
def test_what_people_write(text: str, expected: str) -> None:
    assert datetime.fromtimestamp(parse_until(text, NOW, ZONE), ZONE).isoformat() == expected


@pytest.mark.parametrize(
    "text", ["", "later", "25:00", "2026-13-01", "2026-12-24 25:00", "12:60", "0001-01-01T00:00:00+10:00"]
)
def test_other_words_are_refused_with_the_valid_forms(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a time: .*; write tomorrow, 18:30"):
        parse_until(text, NOW, ZONE)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-11-03T00:30:00-08:00", "2026-11-03T07:00:00-08:00"),
        ("2026-11-03T03:59:00-08:00", "2026-11-03T07:00:00-08:00"),
        ("2026-11-03T04:00:00-08:00", "2026-11-04T07:00:00-08:00"),
        ("2026-11-03T23:59:00-08:00", "2026-11-04T07:00:00-08:00"),
    ],
)
def test_who_is_up_at_night_means_the_coming_morning(now: str, expected: str) -> None:
    moment = parse_until("tomorrow", datetime.fromisoformat(now).timestamp(), ZONE)

    assert datetime.fromtimestamp(moment, ZONE).isoformat() == expected
