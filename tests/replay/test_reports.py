"""What a replay says: figures, budget, sweeps, suggestions, and the shapes they are told in."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree

import pytest
from replay_world import BERLIN, START, Table, group_of, ports, routing, rule, run, setting

from watchman.cli.replay_tables import print_replay
from watchman.errors import UsageError
from watchman.replay import replay
from watchman.replay.advice import advise
from watchman.replay.count import count
from watchman.replay.data import look, with_notes
from watchman.replay.measured import Line, Measured, measure
from watchman.replay.moments import read_range
from watchman.replay.page import make_page
from watchman.replay.picture import plot
from watchman.replay.shape import sweep_to_json, whole
from watchman.replay.sweep import read_sweeps, sweep
from watchman.replay.verdict import sentences, verdicts
from watchman.rules.threshold import Threshold

DAY = 1440
# Every day: from minute 100 on ten minutes hot, and then three times a minute of it with a minute between.
PATTERN = [*[{}] * 100, *[{"a": 7.0}] * 10, {}, {"a": 6.0}, {}, {"a": 6.0}, {}, {"a": 6.0}]


def days(number):
    return [*PATTERN, *[{}] * (DAY - len(PATTERN))] * number


def test_figures_count_firings_flaps_and_messages():
    found, _ = run(group_of(rule()), days(3), routing=routing(group_interval_s=10.0))
    figures = count(found, BERLIN)
    (one,) = figures.rules
    assert (one.fired, one.flaps, one.longest_s, one.firing_s) == (12, 9, 600.0, 3 * 780.0)
    assert one.messages == 24
    assert round(one.per_month) == 240
    (phone,) = figures.receivers
    assert (phone.messages, phone.within_budget) == (24, False)
    said = verdicts(found, figures)
    assert "above the budget of 50 a year" in said[0]
    assert '"T" speaks about 240 times a month' in said[1]


def test_a_quiet_month_is_within_the_budget_and_says_so():
    found, _ = run(group_of(rule()), [{}] * DAY * 2)
    assert verdicts(found, count(found, BERLIN)) == ["Nobody would have been told anything in 2 days."]


def test_less_than_a_day_is_not_extrapolated():
    found, _ = run(group_of(rule()), PATTERN)
    figures = count(found, BERLIN)
    assert figures.rules[0].per_month is None
    assert figures.receivers[0].within_budget is None
    assert "too little to say" in verdicts(found, figures)[0]


def test_a_flapping_rule_gets_the_least_changes_that_calm_it():
    group = group_of(rule(expr="m > 5"))
    rows = [{name: value for name, value in row.items() if value > 5} for row in days(2)]
    inner = [row or {"a": 4.8} for row in rows]
    table = Table(group, {"m > 5": rows, "m": inner})
    asked = setting(group, DAY * 2, routing=routing(group_interval_s=10.0))
    found = replay(asked, ports(table))
    advice = {one.kind: one for one in advise(found, asked, ports(table), BERLIN)}
    assert advice["keep_firing_for"].value == "5m"
    assert advice["keep_firing_for"].before.flaps == 6
    assert (advice["keep_firing_for"].after.fired, advice["keep_firing_for"].saved) == (2, 12)
    assert advice["for"].value == "1m"
    assert "saved 12 of 16 messages" in advice["keep_firing_for"].text


def test_hysteresis_is_tried_where_the_threshold_can_be_taken_off():
    group = group_of(rule(expr="m > 5"))
    level = [9.0 if minute == 100 else 4.7 if minute % 2 else 5.5 for minute in range(DAY)]
    inner = [{"a": one} if 100 <= minute < 160 else {"a": 1.0} for minute, one in enumerate(level)]
    rows = [row if row["a"] > 5 else {} for row in inner]
    table = Table(group, {"m > 5": rows, "m": inner})
    asked = setting(group, DAY, routing=routing(group_interval_s=10.0))
    found = {one.kind: one for one in advise(replay(asked, ports(table)), asked, ports(table), BERLIN)}
    assert found["hysteresis"].value == "> 5 until not > 4.5"
    assert found["hysteresis"].after.fired == 1


def test_a_sweep_of_thresholds_asks_once_and_gives_every_combination():
    group = group_of(rule(expr="m > 5 and n"))
    table = Table(group, {"m and n": [{"a": float(minute % 10)} for minute in range(120)]})
    values = read_sweeps(["threshold=5,7,20", "for=0s,2m"])
    tried = sweep(setting(group, 120), ports(table), values)
    assert table.asked.count(("range", "m and n")) == 1
    assert {expr for _, expr in table.asked} == {"m and n"}
    fired = {one.name: len(one.replay.rules[0].incidents) for one in tried}
    assert list(fired.values()) == [12, 12, 12, 0, 0, 0]
    shape = sweep_to_json(tried, BERLIN)
    assert shape["variants"][3]["values"] == {"threshold": 7.0, "for": "2m"}
    json.dumps(shape, allow_nan=False)


def test_a_swept_variant_is_what_a_replay_of_that_rule_gives():
    values = [float((minute * 37) % 11) for minute in range(300)]
    inner = [{"a": one} for one in values]
    (tried,) = sweep(
        setting(group_of(rule(expr="m > 5")), 300),
        ports(Table(group_of(rule(expr="m > 5")), {"m": inner})),
        {"threshold": [3.0], "for": [60.0], "keep_firing_for": [120.0]},
    )
    plain = group_of(rule(expr="m > 3", for_s=60.0, keep_firing_for_s=120.0))
    found, _ = run(plain, [row if row["a"] > 3 else {} for row in inner])
    assert tried.replay.rules[0].incidents == found.rules[0].incidents
    assert [one.message for one in tried.replay.told] == [one.message for one in found.told]


def test_a_threshold_inside_an_expression_is_asked_for_each_value():
    group = group_of(rule(expr="sum(m > 5)"))
    table = Table(group, {"sum(m > 1.0)": [{"": 1.0}] * 5, "sum(m > 2.0)": [{}] * 5})
    tried = sweep(setting(group, 5), ports(table), {"threshold": [1.0, 2.0]})
    assert [len(one.replay.rules[0].incidents) for one in tried] == [1, 0]
    with pytest.raises(UsageError, match="no threshold to sweep"):
        sweep(setting(group_of(rule()), 5), ports(table), {"threshold": [1.0]})


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["color=1"], "with KEY one of"),
        (["for"], "with KEY one of"),
        (["for=1m,x"], "'x' is not a duration"),
        (["threshold=much"], "not a number"),
        (["threshold=nan"], "not a number"),
        (["threshold=1,-inf"], "not a number"),
        (["for=1m", "for=2m"], "given twice"),
        (["threshold=" + ",".join("123456789"), "for=1m,2m,3m,4m,5m,6m,7m,8m"], "72 variants"),
    ],
)
def test_a_sweep_that_makes_no_sense_is_refused(texts, words):
    with pytest.raises(UsageError, match=words):
        read_sweeps(texts)


@pytest.mark.parametrize(
    ("since", "until", "words"),
    [
        ("yesterday", None, "not a time"),
        ("2101-01-01", None, "lies in the future"),
        ("1d", "2101-01-01", "lies in the future"),
        ("1d", "2d", "not before"),
        ("0", None, "not before"),
        ("99999d", None, "more than 10 years"),
        ("0001-01-01", None, "more than 10 years"),
    ],
)
def test_a_range_that_has_not_passed_is_refused(since, until, words):
    with pytest.raises(UsageError, match=words):
        read_range(since, until, START, BERLIN)


def test_a_range_is_read_as_people_write_it():
    assert read_range("30d", None, START, BERLIN) == (START - 30 * 86400, START)
    start, end = read_range("2023-11-01", "2023-11-02T00:00:00+01:00", START, BERLIN)
    assert end - start == 86400


def test_a_value_given_twice_is_tried_once():
    assert read_sweeps(["threshold=3,3.0,4", "for=60s,1m"]) == {"threshold": [3.0, 4.0], "for": [60.0]}


def test_ctrl_c_leaves_the_part_that_was_reached():
    group = group_of(rule())
    table = Table(group, {"m": [{"a": 1.0}] * 20_000})

    def pressed(done, _all):
        if done > 11_000:
            raise KeyboardInterrupt

    found = replay(setting(group, 20_000), ports(table, progress=pressed))
    assert found.is_partial
    assert round((found.reached - found.start) / 60) == pytest.approx(11_000, abs=2)
    assert "cancelled after 55% of the range" in verdicts(found, count(found, BERLIN))[0]


def test_a_rule_whose_series_are_missing_is_named():
    group = group_of(rule(selectors=("m",)), rule(name="Other", expr="n", selectors=("n", 'ALERTS{alertname="T"}')))
    table = Table(group, {"m": [{}] * DAY * 2, "n": [{}] * DAY * 2})
    asked = setting(group, DAY * 2)

    def range_query(expr, start, _end, _step_s):
        return [({}, [[start, "1"]])] if expr == "count(m)" else []

    recorded = look(asked, ports(table, range_query=range_query), [group])
    found = with_notes(replay(asked, ports(table)), recorded)
    said = sentences(found, count(found, BERLIN), [])
    assert '"Other" (g) reads ALERTS, which Prometheus did not record' in said[1]
    assert said[2] == "Could not fire, because Prometheus has none of the series they read in this range: Other."


def test_the_object_has_the_shape_programs_rely_on():
    found, _ = run(group_of(rule(annotations={"summary": "{{ $value }}"})), [{"a": float("nan")}] * 3)
    shape = whole(found, count(found, BERLIN), [], BERLIN)
    assert {"rules", "notifications", "start", "end", "interval_s"} <= shape.keys()
    (one,) = shape["rules"]
    assert {"group", "alertname", "evaluations", "errors", "incidents"} <= one.keys()
    assert set(one["incidents"][0]) >= {"labels", "pending", "firing", "resolved", "value", "annotations"}
    assert set(shape["notifications"][0]) >= {"at", "receiver", "status", "reason", "title", "alerts"}
    assert one["incidents"][0]["value"] == "NaN"
    json.dumps(shape, allow_nan=False)


def test_the_page_stands_alone_and_shows_no_foreign_markup():
    group = group_of(rule(name="T", expr="m > 5", annotations={"summary": "<script>alert(1)</script>"}))
    rows = days(3)
    table = Table(group, {"m > 5": rows})
    found = replay(setting(group, len(rows)), ports(table))

    def coarse(_expr, start, end, step_s):
        return [
            ({"i": "a"}, [[start + number * step_s, str(number % 9)] for number in range(int((end - start) / step_s))])
        ]

    measured = measure(found, ports(table, range_query=coarse))
    page = make_page("My <home>", found, count(found, BERLIN), [], measured, BERLIN)
    assert "<script>" not in page
    assert "My &lt;home&gt;" in page
    assert "http" not in page.replace("http-equiv", "")
    assert "prefers-color-scheme: dark" in page
    assert 'name="viewport"' in page
    pictures = [f"<svg{part.partition('</svg>')[0]}</svg>" for part in page.split("<svg")[1:] if "viewBox" in part[:12]]
    assert len(pictures) == 2
    for picture in pictures:
        ElementTree.fromstring(picture)
    assert pictures[1].count('class="fired"') == 12


@pytest.mark.parametrize("level", [0.0, 5.0, 1e-12, -1e18, 1e18, 1e300])
def test_a_level_line_of_any_size_can_be_drawn(level):
    group = group_of(rule(name="T", expr="m > -Inf"))
    rows = [{"a": level}] * 30
    found = replay(setting(group, len(rows)), ports(Table(group, {"m > -Inf": rows})))
    one = Measured("m", Threshold("m", ">", float("-inf"), "", ""), 60.0, [Line("", [(found.start + 60, level)])])
    ElementTree.fromstring(plot(found.rules[0], one, found, BERLIN))


def test_a_label_neither_paints_the_terminal_nor_is_read_as_markup(capsys):
    found, _ = run(group_of(rule(labels={"room": "\x1b[31m[bold]cellar[/bold]"})), [{"a": 1.0}] * 3)
    print_replay(found, count(found, BERLIN), [], BERLIN, every=True)
    printed = capsys.readouterr().out
    assert "\x1b[31m" not in printed
    assert "[bold]cellar[/bold]" in "".join(printed.split())
