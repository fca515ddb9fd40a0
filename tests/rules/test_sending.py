"""What Alertmanagers are told and when: the 16 sending cases, most of them seen on a live Prometheus 2.42.

In four of them Prometheus loses or falsifies an end; what is told there instead stands in OTHERWISE.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from rule_helpers import every, failed, group_of, rule, run, step, vector

from watchman.rules.handover import Told, due_states, remember, state_of
from watchman.rules.sending import ends_at, is_repeat_due

SPEC = yaml.safe_load((Path(__file__).parents[1] / "cases" / "alert_send_cases.yaml").read_text())
CASES = SPEC["cases"]
OTHERWISE = {
    "D08": {60: ["a firing 60 300"], **{ts: ["a resolved 60 120"] for ts in (120, 240, 360)}},
    "D10": {0: ["a firing 0 240"], 120: ["a firing 0 360"], 240: ["a firing 0 480"], 360: ["a firing 0 600"]},
    "D11": {0: ["a firing 0 240"], 60: ["a resolved 0 60"], 120: ["a firing 120 360"]},
    "D16": {0: ["a firing 0 240"], 60: ["a resolved 0 60"]},
}


def play(case: dict[str, Any]) -> tuple[dict[float, list[str]], dict[float, dict[str, str]]]:
    """What is told, and the states, at each evaluation."""
    one = rule(for_s=case["for"], keep_firing_for_s=case.get("keep_firing_for", 0))
    group = group_of(one, limit=case.get("limit", 0), interval_s=case["interval"])
    alerts: Any = {}
    told: dict[Any, Told] = {}
    sends: dict[float, list[str]] = {}
    states: dict[float, dict[str, str]] = {}
    for given in case["steps"]:
        ts = given["t"]
        answer = failed(given["err"]) if "err" in given else vector(*given["r"])
        alerts = dict(step(one, alerts, answer, ts, group=group).alerts)
        states[ts] = {alert.labels["i"]: str(alert.state) for alert in alerts.values()}
        known = [
            state for alert in alerts.values() if (state := state_of(alert, case["interval"], one.expr)) is not None
        ]
        due = due_states([state for state in known if state], told, ts, case["resend_delay"])
        told = remember(told, due, ts)
        if due:
            sends[ts] = sorted(sent(state, ts, case) for state in due.values())
    return sends, states


def sent(state: Told, ts: float, case: dict[str, Any]) -> str:
    if state.resolved_at is None:
        end = ends_at(ts, case["interval"], case["resend_delay"])
        return f"{state.labels['i']} firing {state.starts_at:.0f} {end:.0f}"
    return f"{state.labels['i']} resolved {state.starts_at:.0f} {state.resolved_at:.0f}"


def test_there_are_sixteen_cases() -> None:
    assert [case["id"] for case in CASES] == [f"D{number:02}" for number in range(1, 17)]


@pytest.mark.parametrize("case", CASES, ids=[f"{case['id']} {case['title']}" for case in CASES])
def test_the_case_tells_what_prometheus_tells_or_better(case: dict[str, Any]) -> None:
    sends, states = play(case)
    assert sends == OTHERWISE.get(case["id"], case["sends"])
    for ts, expected in case.get("states", {}).items():
        assert states[ts] == expected


@pytest.mark.parametrize(
    ("for_s", "limit", "answers", "dropped"),
    [
        (0, 1, [vector("a"), vector("a", "b")], ["a"]),
        (300, 1, [vector("a"), vector("a", "b")], []),
        (0, 0, [vector("a"), vector("a", "b")], []),
        (0, 1, [vector("a"), failed()], []),
        (0, 1, [vector("a"), vector(), vector("b", "c")], []),
    ],
    ids=["firing", "only pending", "no limit", "a failed query", "already resolved"],
)
def test_an_evaluation_names_the_firing_alerts_a_limit_threw_away(for_s, limit, answers, dropped) -> None:
    one = rule(for_s=for_s)
    last = run(one, every(60, answers), group=group_of(one, limit=limit))[-1]
    assert [alert.labels["i"] for alert in last.dropped] == dropped
    assert not last.resolved


def test_a_repeat_is_due_strictly_later_than_the_delay_even_at_fractions_of_a_second() -> None:
    assert not is_repeat_due(1_700_000_000.1, 1_700_000_000.4, 0.3)
    assert is_repeat_due(1_700_000_000.1, 1_700_000_000.401, 0.3)
