"""Rules and series made at random: what our engine decides is what promtool's unit tests find, step for step.

For each combination ALERTS and ALERTS_FOR_STATE are expected at every minute, and labels and annotations of what fires.
Where our engine says that an evaluation fails, promtool must say so at that minute and in those words; it stops there.
"""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from made_rules import LOOK_BACK_S, MADE, Made
from rule_helpers import expand, never_asked
from servers import binary

from watchman.rules.alert import AlertState
from watchman.rules.engine import evaluate
from watchman.series import Labels, label_key

if TYPE_CHECKING:
    from collections.abc import Sequence

MINUTES = 18
BATCH = 25
ERROR = re.compile(r"rule: A(\d+), time: (\S+), err: (.*)")


class Recorded:
    """The series a rule leaves in the TSDB: what a query at a later time finds of them."""

    def __init__(self) -> None:
        self.series: dict[Any, tuple[int, float, Labels]] = {}
        self.written: set[Any] = set()

    def write(self, ts: int, samples: Sequence[tuple[Labels, float]]) -> None:
        """The samples of a good evaluation; what it no longer gives is marked stale."""
        now = {label_key(labels): (ts, value, labels) for labels, value in samples}
        for key in self.written - now.keys():
            self.series.pop(key, None)
        self.series |= now
        self.written = set(now)

    def at(self, ts: int) -> list[dict[str, Any]]:
        return [
            {"labels": promql(labels), "value": value}
            for written, value, labels in self.series.values()
            if ts - written <= LOOK_BACK_S
        ]


def promql(labels: Labels) -> str:
    return "{" + ",".join(f"{name}={json.dumps(text)}" for name, text in sorted(labels.items())) + "}"


def decide(made: Made, number: int) -> tuple[list[list[dict[str, Any]]], list[list[dict[str, Any]]], Any]:
    """Our engine over all minutes: the samples to be found and the alerts that fire at each, and the first error."""
    rule, group = made.rule(number)
    recorded, found, fires = Recorded(), [], []
    alerts: Any = {}
    for minute in range(MINUTES):
        ts = minute * 60
        one = evaluate(rule, group, alerts, made.answer(f"m{number}", ts), ts, expand, never_asked)
        alerts = one.alerts
        if one.error:
            return found, fires, (minute, one.error)
        active = [alert for alert in alerts.values() if alert.state != AlertState.INACTIVE]
        states = [({**a.labels, "__name__": "ALERTS", "alertstate": str(a.state)}, 1.0) for a in active]
        since = [({**a.labels, "__name__": "ALERTS_FOR_STATE"}, a.active_at) for a in active]
        recorded.write(ts, states + since)
        found.append(recorded.at(ts))
        fires.append(
            [
                {"exp_labels": without_name(a.labels), "exp_annotations": dict(a.annotations)}
                for a in active
                if a.state == AlertState.FIRING
            ]
        )
    return found, fires, None


def without_name(labels: Any) -> Labels:
    return {name: text for name, text in labels.items() if name != "alertname"}


def compare(batch: Sequence[Made]) -> None:
    """One promtool call for a batch: all good ones in one document, each failing one in its own."""
    with tempfile.TemporaryDirectory() as folder:
        good: list[dict[str, Any]] = []
        files, errors = [], {}
        for number, made in enumerate(batch):
            found, fires, error = decide(made, number)
            if error is None:
                good.append({"number": number, "made": made, "found": found, "fires": fires})
                continue
            errors[number] = (f"{error[0]}m" if error[0] else "0s", error[1])
            rules = write(folder, f"rules{number}.yaml", {"groups": [made.group_document(number)]})
            files.append(write(folder, f"test{number}.yaml", document(rules, made.series_documents(number), [], [])))
        rules = write(folder, "rules.yaml", {"groups": [one["made"].group_document(one["number"]) for one in good]})
        series = [text for one in good for text in one["made"].series_documents(one["number"])]
        files.append(write(folder, "test.yaml", document(rules, series, sample_tests(good), alert_tests(good))))
        output = promtool(files)
    said = {int(n): (shorter(time), text.strip()) for n, time, text in ERROR.findall(output)}
    assert said == errors, output
    assert output.count("FAILED") == len(errors), output


def shorter(time: str) -> str:
    """`2m0s` as `2m`."""
    return re.sub(r"(?<=m)0s$", "", time)


def sample_tests(good: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "expr": '{__name__=~"ALERTS|ALERTS_FOR_STATE"}',
            "eval_time": f"{minute}m",
            "exp_samples": [sample for one in good for sample in one["found"][minute]],
        }
        for minute in range(MINUTES)
    ]


def alert_tests(good: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"eval_time": f"{minute}m", "alertname": f"A{one['number']}", "exp_alerts": one["fires"][minute]}
        for one in good
        for minute in range(MINUTES)
    ]


def document(rules: Path, series: Any, samples: Any, alerts: Any) -> dict[str, Any]:
    test = {"interval": "1m", "input_series": series, "promql_expr_test": samples, "alert_rule_test": alerts}
    if not samples:
        # Without an expectation at a later time promtool would evaluate nothing.
        test["promql_expr_test"] = [{"expr": "vector(1)", "eval_time": f"{MINUTES}m", "exp_samples": [ONE]}]
    return {"rule_files": [rules.name], "evaluation_interval": "1m", "tests": [test]}


ONE = {"labels": "{}", "value": 1}


def write(folder: str, name: str, content: Any) -> Path:
    path = Path(folder) / name
    path.write_text(json.dumps(content))
    return path


def promtool(files: Sequence[Path]) -> str:
    run = subprocess.run(
        [binary("promtool"), "test", "rules", *map(str, files)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return run.stdout + run.stderr


def compare_many(batches: int) -> int:
    compared = 0

    # Not shrunk: promtool's words name the rule, and shrinking batches takes minutes.
    @settings(max_examples=batches, phases=[Phase.generate], suppress_health_check=list(HealthCheck), deadline=None)
    @given(st.lists(MADE, min_size=BATCH, max_size=BATCH))
    def law(batch: list[Made]) -> None:
        nonlocal compared
        compare(batch)
        compared += len(batch)

    law()
    return compared


@pytest.mark.integration
def test_five_hundred_made_rules_live_as_promtool_says() -> None:
    assert compare_many(24) >= 500


@pytest.mark.soak
def test_thousands_of_made_rules_live_as_promtool_says() -> None:
    assert compare_many(200) >= 4000
