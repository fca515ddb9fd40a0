"""The shipped rules' texts come out of our own template language as promtool says Prometheus writes them.

Each promtool unit test that expects an alert is repeated: its series go into a real Prometheus, the rule's expression
is asked at the same moment, and the annotations are expanded here.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from promtool import RULES

from watchman.durations import parse_duration
from watchman.prometheus import Prometheus, PrometheusSettings
from watchman.rules.template import make_expander
from watchman.series import Series

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers import Server

pytestmark = pytest.mark.integration

START = 1_699_999_200.0
"""When the series begin: a whole hour, so that subqueries step as they do from promtool's zero."""
_WORD = re.compile(
    r"(?P<gap>_)(?:x(?P<gaps>\d+))?|stale|(?P<base>-?[\d.]+)(?:(?P<add>[+-][\d.]+))?(?:x(?P<times>\d+))?"
)


def samples(notation: str, step_s: float) -> tuple[list[float], list[float]]:
    """Times and values of promtool's notation; a staleness marker is a gap here."""
    times: list[float] = []
    values: list[float] = []
    at = START
    for word in notation.split():
        match = _WORD.fullmatch(word)
        assert match, word
        if match["base"] is None:
            at += step_s * int(match["gaps"] or 1)
            continue
        for n in range(int(match["times"] or 0) + 1):
            times.append(at)
            values.append(float(match["base"]) + n * float(match["add"] or 0))
            at += step_s
    return times, values


def series_of(case: dict[str, Any]) -> list[Series]:
    step_s = parse_duration(case["interval"])
    found = []
    for one in case["input_series"]:
        name, _, matchers = one["series"].partition("{")
        labels = {"__name__": name, **dict(re.findall(r'(\w+)="([^"]*)"', matchers))}
        found.append(Series(labels, *samples(one["values"], step_s)))
    return found


def cases() -> list[Any]:
    """Each unit test file, with those of its tests that expect an alert."""
    found = []
    for path in sorted(Path(__file__).parent.glob("*_test.yaml")):
        for case in yaml.safe_load(path.read_text())["tests"]:
            checks = [one for one in case.get("alert_rule_test", []) if one.get("exp_alerts")]
            if checks:
                found.append(pytest.param(case, checks, id=f"{path.stem}: {case['name'][:50]}"))
    return found


def rules_of(alertname: str) -> list[dict[str, Any]]:
    files = (yaml.safe_load(path.read_text()) for path in sorted(RULES.glob("*.yaml")))
    return [rule for file in files for group in file["groups"] for rule in group["rules"] if rule["alert"] == alertname]


@pytest.mark.parametrize(("case", "checks"), cases())
def test_the_texts_are_the_same(
    run_prometheus: Callable[..., Server], case: dict[str, Any], checks: list[dict[str, Any]]
) -> None:
    client = Prometheus(PrometheusSettings(run_prometheus(history=series_of(case)).url))
    expand = make_expander(client.query, {}, "")
    compared = 0
    for check in checks:
        ts = START + parse_duration(check["eval_time"])
        expected = {str(sorted(one["exp_labels"].items())): one["exp_annotations"] for one in check["exp_alerts"]}
        for rule in rules_of(check["alertname"]):
            for element in client.query(rule["expr"], ts).samples:
                key = str(sorted({**element.labels, **rule["labels"]}.items()))
                texts = {
                    name: expand(text, element.labels, element.value, ts) for name, text in rule["annotations"].items()
                }
                # While only keep_firing_for keeps an alert, or while it is still pending, there is nothing to compare.
                if key in expected:
                    assert texts == expected[key]
                    compared += 1
    assert compared
