"""The 36 state cases through a replay, on the recorded answers of a real Prometheus."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from replay_world import START, Table, group_of, ports
from rule_helpers import expand
from state_cases import ANSWERS, all_cases, answer_of
from test_state_cases import assert_as_expected

from watchman.replay.grid import grid_of
from watchman.replay.source import Source
from watchman.replay.texts import Texts
from watchman.replay.track import Track
from watchman.rules.presence import make_present

RECORDED = json.loads(ANSWERS.read_text())
CASES = all_cases()


def states(case, recorded):
    """What the replay holds of rule T after every slot, looked at or not."""
    (one,) = (rule for rule in case.rules if rule.name == "T")
    group = group_of(one, interval_s=case.interval_s, limit=case.spec.get("limit", 0))
    table = Table(group, {one.expr: [answer_of(raw) for raw in recorded["T"]]})
    asked = ports(table)
    grid = grid_of(group, START, START + (case.steps - 1) * case.interval_s + case.interval_s * 0.99)
    source = Source(one.expr, grid, 0.0, asked.range_query, asked.query)
    track = Track(one, group, source, Texts(one, expand), lambda rule: make_present(rule, asked.query), 10_000)
    for number in range(case.steps):
        while track.next_at() <= grid.at(number):
            track.step()
        track.refresh(grid.at(number))
        error = track.last_error if track.health != "ok" else None
        yield SimpleNamespace(alerts=track.alerts, health=track.health, error=error)


@pytest.mark.parametrize("case", CASES, ids=[f"{case.id} {case.spec['title']}" for case in CASES])
def test_a_replayed_case_gives_the_timeline_prometheus_gives(case):
    assert_as_expected(case, list(states(case, RECORDED[case.id])))
