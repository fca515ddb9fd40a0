"""The state machine on the recorded answers of a real Prometheus: what each case expects was checked with promtool."""

from __future__ import annotations

import json
import re

import pytest
from rule_helpers import letter, shown, timelines
from state_cases import ANSWERS, Case, all_cases, replay

RECORDED = json.loads(ANSWERS.read_text())
CASES = all_cases()


def assert_as_expected(case: Case, steps: list) -> None:
    if "error" in case.spec:
        assert [step.health for step in steps] == ["err", "err"]
        assert all(case.spec["error"] in (step.error or "") for step in steps)
        assert all(not step.alerts for step in steps)
        return
    assert [step.error for step in steps] == [None] * case.steps
    if "expect_any" in case.spec:
        letters = ["".join(letter(alert) for alert in step.alerts.values()) for step in steps]
        assert "".join(letters) == case.spec["expect_any"]
    else:
        found = {labels: line for labels, line in timelines(steps).items() if line.strip("-")}
        assert found == {sorted_labels(text): line for text, line in case.spec["expect"].items() if line.strip("-")}


def sorted_labels(text: str) -> str:
    return shown(dict(re.findall(r'(\w+)="([^"]*)"', text)))


def test_every_case_is_recorded() -> None:
    assert len(CASES) == 36
    assert sorted(RECORDED) == sorted(case.id for case in CASES)


@pytest.mark.parametrize("case", CASES, ids=[f"{case.id} {case.spec['title']}" for case in CASES])
def test_a_recorded_case_gives_the_timeline_prometheus_gives(case: Case) -> None:
    assert_as_expected(case, replay(case, RECORDED[case.id]))


def test_a_failing_label_template_becomes_the_text_prometheus_shows() -> None:
    (case,) = (case for case in CASES if case.id == "C30")
    (alert,) = replay(case, RECORDED["C30"])[-1].alerts.values()
    start, end = "<error expanding template: error executing template __alert_T: template: __alert_T:1:", " elements>"
    assert alert.labels["x"].startswith(start)
    assert alert.labels["x"].endswith("at <first>: error calling first: first() called on vector with no" + end)
