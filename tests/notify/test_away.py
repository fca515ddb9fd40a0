"""The sign of life while nobody is at home."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time

import pytest
from notify_world import BERLIN, DAY, alert

from watchman.notify.away import HomeLook, due_moment, sign_of_life

TIMES = (time(9), time(21))
LOOK = HomeLook(190.4, 84.0, 22_000.0)


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()


@pytest.mark.parametrize(
    ("now", "since", "expected"),
    [
        ("2026-11-21T20:59:59", None, None),
        ("2026-11-21T21:00:00", None, "2026-11-21T21:00"),
        ("2026-11-21T22:59:59", None, "2026-11-21T21:00"),
        ("2026-11-21T23:00:00", None, None),
        ("2026-11-21T09:30:00", None, "2026-11-21T09:00"),
        ("2026-11-21T09:30:00", "2026-11-21T09:10", None),
        ("2026-11-21T09:30:00", "2026-11-20T09:10", "2026-11-21T09:00"),
        ("2026-03-29T09:05:00", None, "2026-03-29T09:00"),
    ],
)
def test_it_is_due_at_its_times_and_not_when_it_would_be_stale(
    now: str, since: str | None, expected: str | None
) -> None:
    found = due_moment(at(now), TIMES, BERLIN, None if since is None else at(since))

    assert found == (None if expected is None else at(expected))


def test_late_in_the_evening_is_told_after_midnight() -> None:
    assert due_moment(at("2026-11-22T00:30"), (time(23),), BERLIN, None) == at("2026-11-21T23:00")
    assert due_moment(at("2026-11-22T00:30"), (), BERLIN, None) is None


def test_two_lines_say_that_all_is_well() -> None:
    moment = at("2026-11-21T21:00")
    message = sign_of_life("Home", moment, BERLIN, moment - 3 * DAY, LOOK, [])

    assert message.title == "Home 21:00: all well, 4th day away"
    assert message.text == "House 190 W, battery 84 %, sun 22.0 kWh today.\nNo alert fires, and this channel works."
    assert message.severity == "notice"


def test_what_fires_is_named_with_its_severity() -> None:
    moment = at("2026-11-21T21:00")
    fire = alert("HousePowerGone", "critical", annotations={"summary": "The house uses almost nothing"})
    message = sign_of_life("Home", moment, BERLIN, None, LOOK, [fire, alert("Idle")])

    assert message.title == "Home 21:00: 2 alerts, away"
    assert message.text.splitlines()[1] == "The house uses almost nothing, Idle"
    assert message.severity == "critical"


@pytest.mark.parametrize(
    ("look", "title", "line"),
    [
        (HomeLook(problem="Prometheus does not answer"), "Home 21:00: no data, away", "Prometheus does not answer"),
        (replace(LOOK, consumption_w=None), "Home 21:00: all well, away", "Battery 84 %, sun 22.0 kWh today."),
        (HomeLook(190.0), "Home 21:00: all well, away", "House 190 W."),
    ],
)
def test_what_is_not_known_is_left_out_and_no_data_is_said(look: HomeLook, title: str, line: str) -> None:
    message = sign_of_life("Home", at("2026-11-21T21:00"), BERLIN, None, look, [])

    assert (message.title, message.text.splitlines()[0]) == (title, line)


@pytest.mark.parametrize(
    ("days", "word"), [(0, "1st"), (1, "2nd"), (2, "3rd"), (10, "11th"), (12, "13th"), (20, "21st"), (110, "111th")]
)
def test_days_are_counted_as_people_count(days: int, word: str) -> None:
    moment = at("2026-06-21T21:00")

    assert f" {word} day away" in sign_of_life("H", moment, BERLIN, moment - days * DAY, LOOK, []).title


def test_it_stays_two_lines_whatever_an_alert_or_the_home_is_called() -> None:
    odd = alert("Hot", annotations={"summary": "one\ntwo\r\nthree \x1b[31m\ud800"})
    message = sign_of_life("My\nhome", at("2026-11-21T21:00"), BERLIN, None, HomeLook(problem="no\nanswer"), [odd])

    assert message.title == "My home 21:00: no data, away"
    assert message.text == "no answer\none two three [31m"
