"""The 36 state cases: their rules, their series in a real Prometheus, its answers, and the timelines they give.

Run this file to write `tests/cases/answers.json` anew (needs prometheus on PATH):

    PYTHONPATH=tests .venv/bin/python tests/rules/state_cases.py
"""

from __future__ import annotations

import json
import re
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from remote_write import STALE, remote_write
from rule_helpers import expand, group_of, never_asked
from servers import is_ready, start_prometheus, wait_for

from watchman.durations import parse_duration
from watchman.errors import QueryError
from watchman.rules.alert import AlertState
from watchman.rules.engine import Evaluation, evaluate, evaluate_record
from watchman.rules.rule import Rule
from watchman.series import Answer, LabelKey, Labels, Sample, Series, label_key

CASES = Path(__file__).parents[1] / "cases" / "alert_state_cases.yaml"
ANSWERS = CASES.with_name("answers.json")
APART_S = 7200
"""Cases lie so far apart in time that no look-back reaches from one into the next."""


@dataclass(frozen=True)
class Case:
    """One case: all rules of its group in order, the one under test is called T."""

    id: str
    spec: dict[str, Any]

    @property
    def rules(self) -> list[Rule]:
        one = {**_DEFAULTS, **self.spec, "alert": "T"}
        return [_rule(fields) for fields in [*self.spec.get("before", []), one, *self.spec.get("after", [])]]

    @property
    def interval_s(self) -> float:
        return parse_duration({**_DEFAULTS, **self.spec}["eval"])

    @property
    def sample_s(self) -> float:
        return parse_duration({**_DEFAULTS, **self.spec}["sample"])

    @property
    def steps(self) -> int:
        if "error" in self.spec:
            return 2
        return len(self.spec.get("expect_any") or next(iter(self.spec["expect"].values())))

    @property
    def series(self) -> dict[str, list[float | None]]:
        return {name: _values(text) for name, text in self.spec["series"].items()}


_SPEC = yaml.safe_load(CASES.read_text())
_DEFAULTS = _SPEC["defaults"]


def all_cases() -> list[Case]:
    return [Case(spec["id"], spec) for spec in _SPEC["cases"]]


def fold(case: Case, base: float, ask: Any, write: Any) -> list[Evaluation]:
    """Evaluates the case's group step by step as the daemon does; gives the evaluations of T.

    `ask(rule name, step, expr, ts)` answers a query, `write(ts, samples, gone)` makes results visible to later ones.
    """
    rules = case.rules
    group = group_of(*rules, interval_s=case.interval_s, limit=case.spec.get("limit", 0))
    states: dict[str, Any] = {rule.name: {} for rule in rules}
    written: dict[str, dict[LabelKey, Labels]] = {rule.name: {} for rule in rules}
    steps = []
    for number in range(case.steps):
        ts = base + number * case.interval_s
        for rule in rules:
            answer = ask(rule.name, number, rule.expr, ts)
            if rule.record:
                samples = evaluate_record(rule, group, answer)
            else:
                one = evaluate(rule, group, states[rule.name], answer, ts, expand, never_asked)
                states[rule.name] = one.alerts
                samples = _alerts_series(one)
                if rule.name == "T":
                    steps.append(one)
            now = {label_key(sample.labels): sample.labels for sample in samples}
            write(ts, samples, [labels for key, labels in written[rule.name].items() if key not in now])
            written[rule.name] = now
    return steps


def play(base_url: str, case: Case, base: float) -> tuple[list[Evaluation], dict[str, list[Any]]]:
    """Folds a case over a live Prometheus; also gives every answer, as JSON, by rule."""
    recorded: dict[str, list[Any]] = {}

    def ask(name: str, number: int, expr: str, ts: float) -> Answer | QueryError:
        raw = _query(base_url, expr, ts)
        recorded.setdefault(name, []).append(raw)
        return answer_of(raw)

    def write(ts: float, samples: list[Sample], gone: list[Labels]) -> None:
        series = [Series(sample.labels, [ts], [sample.value]) for sample in samples]
        remote_write(base_url, [*series, *(Series(labels, [ts], [STALE]) for labels in gone)])

    remote_write(base_url, [_series(name, values, case.sample_s, base) for name, values in case.series.items()])
    return fold(case, base, ask, write), recorded


def replay(case: Case, recorded: dict[str, list[Any]]) -> list[Evaluation]:
    """Folds a case over recorded answers."""
    return fold(case, 0.0, lambda name, number, _expr, _ts: answer_of(recorded[name][number]), lambda *_: None)


def answer_of(raw: dict[str, Any]) -> Answer | QueryError:
    if "error" in raw:
        return QueryError(raw["error"], "bad_query")
    return Answer(raw["kind"], [Sample(one["labels"], float(one["value"])) for one in raw["samples"]])


def _alerts_series(evaluation: Evaluation) -> list[Sample]:
    return [
        Sample({**alert.labels, "__name__": "ALERTS", "alertstate": str(alert.state)}, 1.0)
        for alert in evaluation.alerts.values()
        if alert.state != AlertState.INACTIVE
    ]


def _rule(fields: dict[str, Any]) -> Rule:
    return Rule(
        name=fields.get("alert") or fields["record"],
        expr=fields["expr"],
        labels=fields.get("labels", {}),
        for_s=parse_duration(fields.get("for", "0s")),
        keep_firing_for_s=parse_duration(fields.get("keep_firing_for", "0s")),
        record="record" in fields,
    )


def _values(text: str) -> list[float | None]:
    values: list[float | None] = []
    for word in text.split():
        value, times, count = word.partition("x")
        one = None if value == "_" else STALE if value == "stale" else float(value)
        # promtool's notation: `10x5` is a value and five more, `_x8` eight gaps.
        values += [one] * (1 if not times else int(count) + (one is not None))
    return values


def _series(name: str, values: list[float | None], step_s: float, base: float) -> Series:
    metric, _, rest = name.partition("{")
    labels = {"__name__": metric, **dict(re.findall(r'(\w+)="([^"]*)"', rest))}
    kept = [(base + index * step_s, value) for index, value in enumerate(values) if value is not None]
    return Series(labels, [at for at, _ in kept], [value for _, value in kept])


def _query(base_url: str, expr: str, ts: float) -> dict[str, Any]:
    url = f"{base_url}/api/v1/query?{urllib.parse.urlencode({'query': expr, 'time': ts})}"
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            data = json.load(response)["data"]
    except urllib.error.HTTPError as error:
        return {"error": json.load(error)["error"]}
    kind, result = data["resultType"], data["result"]
    if kind == "vector":
        samples = [{"labels": one["metric"], "value": one["value"][1]} for one in result]
        return {"kind": kind, "samples": sorted(samples, key=lambda one: sorted(one["labels"].items()))}
    return {"kind": kind, "samples": [{"labels": {}, "value": result[1]}] if kind == "scalar" else []}


def first_base(now: float) -> float:
    """When the first case begins, so that the last one is still in the past."""
    return now // 60 * 60 - APART_S * (len(all_cases()) + 1)


def main() -> None:
    """Writes the answers of a real Prometheus to all cases."""
    with tempfile.TemporaryDirectory() as folder:
        server = start_prometheus(Path(folder))
        try:
            wait_for(lambda: is_ready(server.url))
            base = first_base(time.time())
            plays = {
                case.id: play(server.url, case, base + index * APART_S)[1] for index, case in enumerate(all_cases())
            }
        finally:
            server.stop()
    ANSWERS.write_text(json.dumps(plays, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
