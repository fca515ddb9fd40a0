"""Inhibition, silences, time intervals, news: what keeps an alert back."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from notify_world import DAY, T0, alert

from watchman.notify.inhibit import InhibitRule, make_inhibitor
from watchman.notify.matchers import parse_matchers
from watchman.notify.mute import Silence, TimeInterval, parse_time_interval, silenced_by
from watchman.notify.news import is_news

UTC = ZoneInfo("UTC")


def rule(source: str, target: str, *equal: str) -> InhibitRule:
    return InhibitRule(tuple(parse_matchers(source)), tuple(parse_matchers(target)), equal)


GRID = alert("GridDown", host="a")


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"alertname": "Import", "host": "a"}, True),
        ({"alertname": "Import", "host": "b"}, False),
        ({"alertname": "Import"}, False),
        ({"alertname": "Other", "host": "a"}, False),
    ],
)
def test_a_target_is_muted_by_a_source_with_equal_labels(labels: dict[str, str], expected: bool) -> None:
    inhibited_by = make_inhibitor([rule("alertname=GridDown", "alertname=Import", "host")], [GRID])

    assert bool(inhibited_by(labels)) is expected


def test_two_alerts_that_both_lack_the_equal_label_are_equal() -> None:
    inhibited_by = make_inhibitor([rule("alertname=GridDown", "alertname=Import", "rack")], [GRID])

    assert inhibited_by({"alertname": "Import"}) == (GRID.fingerprint,)


def test_alerts_that_match_both_sides_do_not_mute_each_other_or_themselves() -> None:
    both = rule('alertname=~".+"', 'alertname=~".+"')

    assert make_inhibitor([both], [GRID, alert("Fire")])(GRID.labels) == ()


def test_a_source_that_is_no_target_mutes_one_that_is_both() -> None:
    inhibited_by = make_inhibitor([rule('alertname=~"GridDown|Import"', "alertname=Import")], [GRID])

    assert inhibited_by({"alertname": "Import"}) == (GRID.fingerprint,)


@pytest.mark.parametrize(("now", "expected"), [(9.9, False), (10.0, True), (19.9, True), (20.0, False)])
def test_a_silence_holds_from_its_start_up_to_its_end(now: float, expected: bool) -> None:
    silence = Silence("s", tuple(parse_matchers("a=b")), 10.0, 20.0)

    assert bool(silenced_by([silence], {"a": "b"}, now)) is expected
    assert not silenced_by([silence], {"a": "c"}, now)


def at(text: str, zone: ZoneInfo = UTC) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


OFFICE = {"times": [{"start_time": "09:00", "end_time": "17:00"}]}
# A time without quotes is an integer to YAML.
EVENING = {"times": [{"start_time": "22:00", "end_time": "24:00"}]}
MONDAYS_OF_NOVEMBER = {"weekdays": ["monday"], "months": ["november"]}
ENDS_OF_MONTH = {"days_of_month": ["1:5", "-3:-1"]}


@pytest.mark.parametrize(
    ("interval", "inside", "outside"),
    [
        (OFFICE, ["2026-11-21T09:00", "2026-11-21T16:59"], ["2026-11-21T08:59", "2026-11-21T17:00"]),
        (EVENING, ["2026-11-21T22:00", "2026-11-21T23:59"], ["2026-11-21T21:59", "2026-11-21T00:00"]),
        ({"weekdays": ["monday:friday"]}, ["2026-11-20T12:00"], ["2026-11-21T12:00", "2026-11-22T12:00"]),
        ({"weekdays": ["Sunday", "saturday"]}, ["2026-11-21T12:00", "2026-11-22T12:00"], ["2026-11-20T12:00"]),
        (ENDS_OF_MONTH, ["2026-11-01", "2026-11-30", "2026-11-28"], ["2026-11-06", "2026-11-27"]),
        ({"days_of_month": ["29:31"]}, ["2028-02-29"], ["2026-02-28"]),
        ({"days_of_month": [5]}, ["2026-11-05"], ["2026-11-06"]),
        ({"months": ["1:3", "december"]}, ["2026-02-01", "2026-12-31"], ["2026-04-01"]),
        ({"years": ["2024:2026", 2030]}, ["2026-01-01", "2030-01-01"], ["2027-01-01"]),
        (MONDAYS_OF_NOVEMBER, ["2026-11-23"], ["2026-11-24", "2026-12-07"]),
    ],
)
def test_a_time_interval_holds_where_every_part_holds(
    interval: dict[str, object], inside: list[str], outside: list[str]
) -> None:
    parsed = parse_time_interval(interval)

    assert [parsed.contains(at(text), UTC) for text in inside] == [True] * len(inside)
    assert [parsed.contains(at(text), UTC) for text in outside] == [False] * len(outside)


def test_times_are_local_to_the_site_unless_the_interval_names_a_place() -> None:
    night = {"times": [{"start_time": "22:00", "end_time": "24:00"}]}
    berlin, moment = ZoneInfo("Europe/Berlin"), at("2026-11-21T22:30", ZoneInfo("Europe/Berlin"))

    assert parse_time_interval(night).contains(moment, berlin)
    assert not parse_time_interval({**night, "location": "America/Los_Angeles"}).contains(moment, berlin)


def test_local_times_follow_the_clock_change() -> None:
    morning = TimeInterval(times=((7 * 60, 8 * 60),))
    berlin = ZoneInfo("Europe/Berlin")

    assert morning.contains(at("2026-03-28T06:30"), berlin)
    assert morning.contains(at("2026-03-29T05:30"), berlin)
    assert not morning.contains(at("2026-03-29T06:30"), berlin)


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        ({"times": [{"start_time": "22:00", "end_time": "07:00"}]}, "write a night as two"),
        ({"times": [{"start_time": "25:00", "end_time": "26:00"}]}, "not a time of day"),
        ({"times": [{"start_time": 22, "end_time": "24:00"}]}, "not a time of day: 22"),
        ({"times": ["09:00"]}, "start_time and end_time"),
        ({"weekdays": ["friday:monday"]}, "write it as two"),
        ({"weekdays": ["noday"]}, "unknown weekday"),
        ({"weekdays": "monday"}, "must be a list"),
        ({"days_of_month": ["0:5"]}, "count from 1"),
        ({"days_of_month": ["5:1"]}, "after the last"),
        ({"days_of_month": ["-1:5"]}, "month's end"),
        ({"days_of_month": ["40"]}, "between"),
        ({"months": ["13"]}, "unknown month"),
        ({"years": ["soon"]}, "not a year"),
        ({"location": "Mars/North", "weekdays": ["monday"]}, "unknown location"),
        ({"hours": []}, "unknown key"),
        ({}, "would hold always"),
        ({"times": [], "location": "UTC"}, "would hold always"),
        ({"days_of_month": ["31"], "months": ["february"]}, "no such day"),
        ({"days_of_month": ["30:31"], "months": ["2"], "weekdays": ["monday"]}, "no such day"),
        ({"days_of_month": ["29"], "months": ["february"], "years": ["2025:2027"]}, "no such day"),
        ({"days_of_month": ["31"], "months": ["april", "june", "september", "november"]}, "no such day"),
        ({"days_of_month": ["25:-10"]}, "no such day"),
        ({"days_of_month": [24], "months": [12], "years": [2026], "weekdays": ["monday"]}, "no such day"),
    ],
)
def test_an_interval_that_can_never_be_is_refused(interval: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_time_interval(interval)


@pytest.mark.parametrize(
    "interval",
    [
        {"days_of_month": ["29"], "months": ["february"]},
        {"days_of_month": ["29"], "months": ["february"], "years": ["2025:2028"]},
        {"days_of_month": ["-31"]},
        {"days_of_month": [24], "months": [12], "years": [2026], "weekdays": ["thursday"]},
        {"years": ["2000:9999"], "weekdays": ["sunday"]},
    ],
)
def test_an_interval_that_comes_seldom_is_taken(interval: dict[str, object]) -> None:
    assert parse_time_interval(interval)


@pytest.mark.parametrize(
    ("last_end", "expected"),
    [(None, True), (T0 - 4 * DAY, True), (T0 - 3 * DAY, True), (T0 - 2 * DAY, False), (T0 - 60, False)],
)
def test_news_is_what_did_not_fire_within_the_time_before(last_end: float | None, expected: bool) -> None:
    reserve = alert("BatteryAtReserve", annotations={"news_after": "3d"})

    assert is_news(reserve, lambda fingerprint, before: last_end) is expected


@pytest.mark.parametrize("annotation", [{}, {"news_after": ""}, {"news_after": "soon"}])
def test_without_a_readable_news_after_everything_is_news(annotation: dict[str, str]) -> None:
    assert is_news(alert(annotations={"summary": "x", **annotation}), lambda fingerprint, before: T0 - 1)
