"""Whether the series behind an alert still answer: the basis of `on_vanished`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from rule_helpers import every, failed, group_of, rule

from watchman.rules.engine import evaluate
from watchman.rules.presence import make_present
from watchman.series import Answer, Sample

if TYPE_CHECKING:
    from watchman.series import Labels

ALERT = {"alertname": "T", "severity": "critical", "host": "h", "sn": "1", "instance": "old:9422", "job": "sonnen"}
SERIES = {"__name__": "m", "host": "h", "sn": "1", "instance": "new:9422", "job": "exporter"}
RULE = rule(selectors=("m",), labels={"severity": "critical"}, on_vanished="hold")


class Server:
    """Answers selectors from a table of (selector, ts) -> label sets and remembers what it was asked."""

    def __init__(self, answers: dict[tuple[str, float], list[Labels]]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, float]] = []

    def query(self, expr: str, ts: float) -> Answer:
        self.asked.append((expr, ts))
        found = self.answers[expr, ts]
        return Answer("vector", [Sample(labels, 0.0) for labels in found])


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ([SERIES], True),
        ([{**SERIES, "sn": "2"}, SERIES], True),
        ([{"__name__": "m"}], True),
        ([], False),
        ([{**SERIES, "sn": "2"}], False),
        ([{**SERIES, "severity": "low"}], True),
        ([{"host": "h", "other": "x"}, {"host": "g"}], True),
    ],
    ids=[
        "under another address",
        "one of several",
        "no shared labels",
        "gone",
        "another battery",
        "the rule's own label does not count",
        "elements of different shapes",
    ],
)
def test_a_series_is_present_if_it_agrees_on_every_shared_label(now, expected) -> None:
    server = Server({("m", 60.0): now, ("m", 0.0): [SERIES]})
    assert make_present(RULE, server.query)(ALERT, 0.0, 60.0) is expected


@pytest.mark.parametrize(
    ("then", "now", "expected"),
    [
        ({"m": [SERIES], "n": []}, {"m": [SERIES], "n": []}, True),
        ({"m": [SERIES], "n": []}, {"m": [], "n": []}, False),
        ({"m": [SERIES], "n": [SERIES]}, {"m": [SERIES], "n": []}, False),
        ({"m": [], "n": [SERIES]}, {"m": [SERIES], "n": [SERIES]}, True),
    ],
    ids=["a side of `or` that never answered", "that side alone is left", "one of two is gone", "one came to it"],
)
def test_what_answered_when_the_alert_began_must_answer_now(then, now, expected) -> None:
    server = Server({(name, ts): found for ts, at in ((0.0, then), (60.0, now)) for name, found in at.items()})
    assert make_present(rule(selectors=("m", "n")), server.query)(ALERT, 0.0, 60.0) is expected


def test_a_rule_that_reads_nothing_is_always_believed() -> None:
    assert make_present(rule(), Server({}).query)(ALERT, 0.0, 60.0)


def test_an_end_that_cannot_be_checked_is_not_believed() -> None:
    def query(expr: str, ts: float) -> Answer:
        raise failed("connect")

    assert not make_present(RULE, query)(ALERT, 0.0, 60.0)


def test_a_beginning_that_cannot_be_checked_counts_as_answered() -> None:
    def query(expr: str, ts: float) -> Answer:
        if ts == 0.0:
            raise failed("bad_query")
        return Answer("vector", [])

    assert not make_present(RULE, query)(ALERT, 0.0, 60.0)


def test_a_thousand_alerts_cost_one_query_per_selector_and_time() -> None:
    server = Server({("m", 60.0): [], ("m", 0.0): [SERIES]})
    present = make_present(RULE, server.query)
    assert not any(present({**ALERT, "sn": "1"}, 0.0, 60.0) for _ in range(1000))
    assert server.asked == [("m", 60.0), ("m", 0.0)]


def test_a_power_cut_that_takes_the_router_along_is_not_over() -> None:
    """The switch dies with the grid: the series vanish, come back, and only then say that it is over."""
    one = rule(expr="on_grid == 0", selectors=("on_grid",), on_vanished="hold")
    series = {"__name__": "on_grid", "sn": "1"}
    off, gone, back = Answer("vector", [Sample(series, 0.0)]), Answer("vector", []), Answer("vector", [])
    there = {0.0: [series], 60.0: [], 120.0: [], 180.0: [series]}
    server = Server({("on_grid", ts): found for ts, found in there.items()})
    alerts: dict = {}
    states = []
    for ts, answer in every(60, [off, gone, gone, back]):
        evaluation = evaluate(one, group_of(one), alerts, answer, ts, None, make_present(one, server.query))
        alerts = evaluation.alerts
        states += [(str(alert.state), alert.held) for alert in alerts.values()]
    assert states == [("firing", False), ("firing", True), ("firing", True), ("inactive", False)]
