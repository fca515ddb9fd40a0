"""What holds for every rule and every history of answers and errors."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from rule_helpers import expand, failed, from_json, group_of, rule, run, step, to_json, vector

from watchman.errors import QueryError
from watchman.rules.alert import AlertState
from watchman.rules.engine import Evaluation
from watchman.rules.rule import Rule
from watchman.series import Answer, label_key

INTERVAL_S = 60.0

elements = st.sets(st.sampled_from(["a", "b", "c"])).map(lambda names: vector(*sorted(names)))
errors = st.sampled_from([failed(), failed("server"), Answer("string", []), vector("a", "a")])
histories = st.lists(st.one_of(elements, elements, elements, errors), min_size=1, max_size=25)
durations = st.sampled_from([0.0, 30.0, 60.0, 90.0, 180.0])
rules = st.builds(
    rule,
    for_s=durations,
    keep_firing_for_s=durations,
    on_vanished=st.sampled_from(["resolve", "hold", "fire"]),
    on_error=st.sampled_from(["hold", "hold", "fire"]),
    annotations=st.sampled_from([{}, {"summary": "{{ $labels.i }} {{ $value }}"}]),
)
presences = st.lists(st.booleans(), min_size=25, max_size=25)
limits = st.sampled_from([0, 0, 1, 2])


def evaluations(one: Rule, history: list, presence: list[bool], limit: int) -> list[Evaluation]:
    timed = [(number * INTERVAL_S, answer) for number, answer in enumerate(history)]
    return run(one, timed, group=group_of(one, limit=limit), present=present_of(presence))


def present_of(presence: list[bool]) -> Any:
    return lambda labels, since, ts: presence[round(ts / INTERVAL_S)]


@given(rules, histories, presences, limits)
def test_nothing_fires_before_for_has_passed(one, history, presence, limit) -> None:
    for number, evaluation in enumerate(evaluations(one, history, presence, limit)):
        for alert in evaluation.alerts.values():
            if alert.state == AlertState.FIRING:
                assert alert.fired_at is not None
                assert alert.active_at + one.for_s <= alert.fired_at <= number * INTERVAL_S


@given(rules, histories, presences, limits)
def test_a_failed_query_changes_nothing_unless_the_rule_asks_for_it(one, history, presence, limit) -> None:
    before: Any = {}
    for answer, evaluation in zip(history, evaluations(one, history, presence, limit), strict=True):
        if one.on_error == "hold" and (isinstance(answer, QueryError) or answer.kind == "string"):
            assert dict(evaluation.alerts) == dict(before)
            assert (evaluation.health, evaluation.changed) == ("err", False)
            assert (evaluation.fired, evaluation.resolved, evaluation.dropped) == ((), (), ())
        before = evaluation.alerts


@given(rules, histories, presences, limits)
def test_the_same_answers_give_the_same_alerts(one, history, presence, limit) -> None:
    first, second = (evaluations(one, history, presence, limit) for _ in range(2))
    assert [told(each) for each in first] == [told(each) for each in second]


@given(rules, histories, presences, limits, st.integers(min_value=0, max_value=24))
def test_a_restart_between_two_evaluations_makes_no_difference(one, history, presence, limit, at) -> None:
    steps = evaluations(one, history, presence, limit)
    at = min(at, len(history) - 1)
    stored = [from_json(json.loads(json.dumps(to_json(alert)))) for alert in steps[at].alerts.values()]
    alerts: Any = {label_key(alert.labels): alert for alert in stored}
    group, present = group_of(one, limit=limit), present_of(presence)
    for number in range(at + 1, len(history)):
        evaluation = step(one, alerts, history[number], number * INTERVAL_S, group=group, present=present)
        assert told(evaluation) == told(steps[number])
        alerts = evaluation.alerts


@given(rules, histories, presences, limits)
def test_every_incident_that_begins_ends_once_or_goes_on(one, history, presence, limit) -> None:
    open_now: set[Any] = set()
    for evaluation in evaluations(one, history, presence, limit):
        for alert in [*evaluation.resolved, *evaluation.dropped]:
            open_now.remove(label_key(alert.labels))
        for alert in evaluation.fired:
            assert label_key(alert.labels) not in open_now
            open_now.add(label_key(alert.labels))
        firing = {key for key, alert in evaluation.alerts.items() if alert.state == AlertState.FIRING}
        assert firing == open_now


@given(rules, histories, presences, limits)
def test_what_is_not_called_changed_differs_in_value_and_texts_only(one, history, presence, limit) -> None:
    before: Any = {}
    for evaluation in evaluations(one, history, presence, limit):
        if not evaluation.changed:
            assert stored_part(before) == stored_part(evaluation.alerts)
        before = evaluation.alerts


@given(st.text(max_size=20), st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=3), st.floats())
def test_no_text_and_no_value_breaks_an_evaluation(template, labels, value) -> None:
    one = rule(labels={"x": template}, annotations={"y": template})
    evaluation = step(one, {}, vector(("a", value)), 0.0, expand=expand)
    assert (evaluation.health, len(evaluation.alerts)) == ("ok", 1)


def stored_part(alerts: Any) -> Any:
    return {key: (a.state, a.active_at, a.fired_at, a.resolved_at, a.keep_since, a.held) for key, a in alerts.items()}


def told(evaluation: Evaluation) -> Any:
    """An evaluation as text: NaN equals itself there."""
    return repr(
        (
            evaluation.health,
            evaluation.error,
            sorted(evaluation.alerts.items()),
            evaluation.changed,
            evaluation.fired,
            evaluation.resolved,
            evaluation.dropped,
        )
    )
