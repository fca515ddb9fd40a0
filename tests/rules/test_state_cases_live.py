"""The same cases with each answer fresh from a real Prometheus, fed by remote write."""

from __future__ import annotations

import json
import time

import pytest
from state_cases import ANSWERS, APART_S, all_cases, first_base, play
from test_state_cases import assert_as_expected


@pytest.mark.integration
def test_every_case_gives_its_timeline_on_a_live_prometheus_and_the_recorded_answers_still_hold(run_prometheus) -> None:
    server = run_prometheus()
    base, recorded = first_base(time.time()), json.loads(ANSWERS.read_text())
    for index, case in enumerate(all_cases()):
        steps, answers = play(server.url, case, base + index * APART_S)
        assert_as_expected(case, steps)
        assert _without_times(answers) == _without_times(recorded[case.id]), case.id


def _without_times(answers: dict) -> dict:
    """Errors name the time of the query."""
    return {
        rule: [{"error": "error"} if "error" in answer else answer for answer in all_of]
        for rule, all_of in answers.items()
    }
