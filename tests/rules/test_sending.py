"""What is handed to a notifier and when: the 16 sending cases, most of them seen on a live Prometheus 2.42."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from rule_helpers import every, failed, group_of, rule, run, step, vector

from watchman.rules.alert import Alert, AlertState
from watchman.rules.sending import due_to_send, ends_at, mark_sent

SPEC = yaml.safe_load((Path(__file__).parents[1] / "cases" / "alert_send_cases.yaml").read_text())
CASES = SPEC["cases"]


def play(case: dict[str, Any]) -> tuple[dict[float, list[str]], dict[float, dict[str, str]]]:
    """What is sent, and the states, at each evaluation; as Prometheus, nothing is sent after a failed one."""
    one = rule(for_s=case["for"], keep_firing_for_s=case.get("keep_firing_for", 0))
    group = group_of(one, limit=case.get("limit", 0), interval_s=case["interval"])
    alerts: Any = {}
    sends: dict[float, list[str]] = {}
    states: dict[float, dict[str, str]] = {}
    for given in case["steps"]:
        ts = given["t"]
        answer = failed(given["err"]) if "err" in given else vector(*given["r"])
        evaluation = step(one, alerts, answer, ts, group=group)
        alerts = dict(evaluation.alerts)
        states[ts] = {alert.labels["i"]: str(alert.state) for alert in alerts.values()}
        for key, alert in alerts.items():
            if evaluation.health == "ok" and due_to_send(alert, ts, case["resend_delay"]):
                sends.setdefault(ts, []).append(sent(alert, ts, case))
                alerts[key] = mark_sent(alert, ts)
    return {ts: sorted(lines) for ts, lines in sends.items()}, states


def sent(alert: Alert, ts: float, case: dict[str, Any]) -> str:
    if alert.state == AlertState.FIRING:
        end = ends_at(ts, case["interval"], case["resend_delay"])
        return f"{alert.labels['i']} firing {alert.fired_at:.0f} {end:.0f}"
    return f"{alert.labels['i']} resolved {alert.fired_at:.0f} {alert.resolved_at:.0f}"


def test_there_are_sixteen_cases() -> None:
    assert [case["id"] for case in CASES] == [f"D{number:02}" for number in range(1, 17)]


@pytest.mark.parametrize("case", CASES, ids=[f"{case['id']} {case['title']}" for case in CASES])
def test_the_case_sends_what_prometheus_sends(case: dict[str, Any]) -> None:
    sends, states = play(case)
    assert sends == case["sends"]
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


def test_an_alert_is_due_strictly_later_than_the_delay_even_at_fractions_of_a_second() -> None:
    alert = Alert({"alertname": "T"}, AlertState.FIRING, 0.0, 1.0, fired_at=0.0, last_sent_at=1_700_000_000.1)
    assert not due_to_send(alert, 1_700_000_000.4, 0.3)
    assert due_to_send(alert, 1_700_000_000.401, 0.3)


def test_a_resolution_is_due_at_once_and_only_once_per_delay() -> None:
    alert = Alert({}, AlertState.INACTIVE, 0.0, 1.0, fired_at=0.0, resolved_at=60.0, last_sent_at=59.0)
    assert due_to_send(alert, 60.0, 3600)
    assert not due_to_send(mark_sent(alert, 60.0), 120.0, 3600)
