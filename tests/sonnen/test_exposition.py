"""The text format, printed as the Rust exporter prints it."""

from __future__ import annotations

import pytest
from prometheus_client import Metric

from watchman.sonnen.exposition import format_value, render
from watchman.sonnen.families import Families


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (64.0, "64"),
        (-25.0, "-25"),
        (0.0, "0"),
        (-0.0, "0"),
        (49.98, "49.98"),
        (36.25, "36.25"),
        (29244240000.0, "29244240000"),
        (1e15, "1000000000000000.0"),
        (float("inf"), "+Inf"),
        (float("-inf"), "-Inf"),
        (float("nan"), "NaN"),
        (1, "1"),
        (True, "1"),
    ],
)
def test_whole_numbers_have_no_fraction(value: float, expected: str) -> None:
    assert format_value(value) == expected


def test_families_samples_and_labels_are_sorted() -> None:
    page = Families()
    page.gauge("b_volts", "B", {"phase": "2", "host": "x"}, 2)
    page.gauge("b_volts", "B", {"phase": "1", "host": "x"}, 1)
    page.counter("a_total", "A", {}, 3)

    assert render(page.families.values()) == (
        "# HELP a_total A\n# TYPE a_total counter\na_total 3\n"
        '# HELP b_volts B\n# TYPE b_volts gauge\nb_volts{host="x",phase="1"} 1\nb_volts{host="x",phase="2"} 2\n'
    )


def test_labels_and_help_are_escaped() -> None:
    page = Families()
    page.gauge("a", 'one\ntwo \\ "three"', {"host": 'x"y\\z\n'}, 1)

    assert render(page.families.values()) == (
        '# HELP a one\\ntwo \\\\ "three"\n# TYPE a gauge\na{host="x\\"y\\\\z\\n"} 1\n'
    )


def test_a_family_without_samples_is_left_out_and_of_twins_the_first_stays() -> None:
    page = Families()
    page.gauge("nothing", "absent", {}, None)
    page.gauge("twice", "T", {"a": "1"}, 1)
    page.gauge("twice", "T", {"a": "1"}, 2)

    text = render([*page.families.values(), Metric("empty", "E", "gauge")])

    assert text == '# HELP twice T\n# TYPE twice gauge\ntwice{a="1"} 1\n'


def test_a_histogram_keeps_the_order_of_its_buckets() -> None:
    page = Families()
    page.histogram("took_seconds", "T", {"host": "x"}, {"0.5": 1, "10": 3, "+Inf": 4}, 12.5)

    assert render(page.families.values()).splitlines()[2:] == [
        'took_seconds_bucket{host="x",le="0.5"} 1',
        'took_seconds_bucket{host="x",le="10"} 3',
        'took_seconds_bucket{host="x",le="+Inf"} 4',
        'took_seconds_sum{host="x"} 12.5',
        'took_seconds_count{host="x"} 4',
    ]


def test_a_state_set_has_one_state_that_holds() -> None:
    page = Families()
    page.states("mode", "M", {}, "strange", label="mode", known=("on", "other"))
    page.states("none", "N", {}, None, label="mode", known=("on", "other"))

    assert render(page.families.values()).splitlines()[2:] == ['mode{mode="on"} 0', 'mode{mode="other"} 1']
