"""One rule through its evaluations, written as the life of an alert: P pending, F firing, K kept, H held, - over."""

from __future__ import annotations

import math

import pytest
from rule_helpers import (
    every,
    failed,
    group_of,
    letter,
    never_asked,
    no_templates,
    rule,
    run,
    step,
    timelines,
    vector,
)

from watchman.rules.alert import AlertState
from watchman.rules.engine import RESOLVED_RETENTION_S, RuleError, evaluate_record
from watchman.series import Answer, Sample, label_key

A, NONE = vector("a"), vector()


def lives(one, answers, **other) -> str:
    return timelines(run(one, every(60, answers), **other))['{i="a"}']


@pytest.mark.parametrize(
    ("fields", "answers", "life"),
    [
        ({}, [A, A, NONE, A], "FF-F"),
        ({"for_s": 120}, [A, A, A, NONE], "PPF-"),
        ({"for_s": 61}, [A, A, A], "PPF"),
        ({"for_s": 60, "keep_firing_for_s": 60}, [A, A, NONE, A, NONE, NONE], "PFKFK-"),
        ({"for_s": 120}, [A, failed(), A], "PPF"),
        ({"for_s": 120}, [A, Answer("matrix", []), A], "PPF"),
        ({"keep_firing_for_s": 60}, [A, NONE, failed(), NONE], "FKK-"),
    ],
    ids=[
        "without for",
        "for is inclusive",
        "for is rounded up to an evaluation",
        "kept, back, kept, over",
        "an error leaves the clock running",
        "so does an answer of the wrong kind",
        "the keep clock runs through errors",
    ],
)
def test_an_alert_lives_as_in_prometheus(fields, answers, life) -> None:
    assert lives(rule(**fields), answers) == life


def test_for_holds_at_slots_that_are_fractions_of_a_second() -> None:
    start = 1_700_000_000.1
    steps = run(rule(for_s=0.3), [(start, A), (start + 0.3, A)])
    assert timelines(steps) == {'{i="a"}': "PF"}


def test_labels_are_the_elements_with_the_rules_over_them() -> None:
    one = rule(labels={"severity": "high", "zone": "", "sum": "{{ $labels.i }}{{ $value }}", "alertname": "x"})
    answer = Answer("vector", [Sample({"__name__": "m", "i": "a", "severity": "low", "zone": "z"}, 2.0)])
    (alert,) = step(one, {}, answer, 0.0).alerts.values()
    assert alert.labels == {"alertname": "T", "i": "a", "severity": "high", "sum": "a2"}


def test_templates_see_the_element_with_its_name_and_not_the_rules_labels() -> None:
    one = rule(labels={"severity": "high"}, annotations={"summary": "{{ .Labels.__name__ }}|{{ $labels.severity }}"})
    answer = Answer("vector", [Sample({"__name__": "m"}, 1.0)])
    (alert,) = step(one, {}, answer, 0.0).alerts.values()
    assert alert.annotations == {"summary": "m|"}


def test_a_label_whose_template_expands_to_nothing_is_removed() -> None:
    (alert,) = step(rule(labels={"i": "{{ $labels.none }}"}), {}, A, 0.0).alerts.values()
    assert alert.labels == {"alertname": "T"}


def test_texts_without_templates_are_not_expanded() -> None:
    one = rule(labels={"severity": "low"}, annotations={"summary": "too much"})
    (alert,) = step(one, {}, A, 0.0, expand=no_templates).alerts.values()
    assert (alert.labels["severity"], alert.annotations) == ("low", {"summary": "too much"})


def test_value_and_annotations_follow_the_element_and_freeze_when_it_is_gone() -> None:
    one = rule(annotations={"summary": "{{ $value }}"}, keep_firing_for_s=300)
    steps = run(one, every(60, [vector(("a", 1.0)), vector(("a", 2.0)), NONE]))
    shown = [(alert.value, alert.annotations["summary"]) for each in steps for alert in each.alerts.values()]
    assert shown == [(1.0, "1"), (2.0, "2"), (2.0, "2")]


def test_another_value_alone_is_nothing_to_write_down() -> None:
    steps = run(rule(), every(60, [vector(("a", 1.0)), vector(("a", 2.0)), vector(("a", 2.0)), NONE]))
    assert [each.changed for each in steps] == [True, False, False, True]


def test_an_unchanged_alert_is_the_same_object() -> None:
    steps = run(rule(), every(60, [A, A]))
    assert next(iter(steps[0].alerts.values())) is next(iter(steps[1].alerts.values()))


def test_the_given_alerts_are_not_changed() -> None:
    before = dict(step(rule(), {}, A, 0.0).alerts)
    copy = dict(before)
    step(rule(), before, vector("b"), 60.0)
    assert before == copy


def test_an_evaluation_names_what_began_and_what_ended() -> None:
    steps = run(rule(for_s=60), every(60, [vector("a", "b"), vector("a", "b"), vector("b")]))
    told = [([a.labels["i"] for a in each.fired], [a.labels["i"] for a in each.resolved]) for each in steps]
    assert told == [([], []), (["a", "b"], []), ([], ["a"])]


def test_a_resolved_alert_is_remembered_for_its_repeats_and_then_forgotten() -> None:
    steps = run(rule(), [(0.0, A), (60.0, NONE), (60.0 + RESOLVED_RETENTION_S, NONE), (961.0, NONE)])
    assert [len(each.alerts) for each in steps] == [1, 1, 1, 0]
    assert steps[-1].changed


def test_an_alert_that_comes_back_is_a_new_one() -> None:
    last = run(rule(for_s=60), every(60, [A, A, NONE, A]))[-1]
    (alert,) = last.alerts.values()
    assert (alert.state, alert.active_at, alert.fired_at, alert.resolved_at) == (AlertState.PENDING, 180.0, None, None)


def test_the_true_end_of_a_kept_alert_is_remembered() -> None:
    (alert,) = run(rule(keep_firing_for_s=90), every(60, [A, NONE, NONE, NONE]))[-1].alerts.values()
    assert (alert.keep_since, alert.resolved_at) == (60.0, 180.0)


def test_a_raised_for_makes_a_firing_alert_pending_again_and_names_it() -> None:
    before = step(rule(), {}, A, 0.0).alerts
    after = step(rule(for_s=300), before, A, 60.0)
    (alert,) = after.alerts.values()
    assert (alert.state, alert.active_at, alert.fired_at) == (AlertState.PENDING, 0.0, None)
    assert [one.fired_at for one in after.dropped] == [0.0]


def test_a_scalar_is_one_element_without_labels() -> None:
    (alert,) = step(rule(), {}, Answer("scalar", [Sample({}, 1.0)]), 0.0).alerts.values()
    assert alert.labels == {"alertname": "T"}


@pytest.mark.parametrize(
    ("fields", "limit", "answer", "error"),
    [
        ({"labels": {"i": "x"}}, 0, vector("a", "b"), "vector contains metrics with the same labelset after applying"),
        ({}, 1, vector("a", "b"), "exceeded limit of 1 with 2 alerts"),
        ({}, 0, Answer("string", []), "rule result is not a vector or scalar"),
        ({}, 0, Answer("matrix", []), "rule result is not a vector or scalar"),
        ({}, 0, failed("server"), "query failed: server"),
    ],
    ids=["duplicates", "limit", "string", "range vector", "query"],
)
def test_what_cannot_be_evaluated_is_an_error_of_the_rule(fields, limit, answer, error) -> None:
    one = rule(**fields)
    evaluation = step(one, {}, answer, 0.0, group=group_of(one, limit=limit))
    assert (evaluation.health, dict(evaluation.alerts), evaluation.changed) == ("err", {}, False)
    assert error in (evaluation.error or "")


@pytest.mark.parametrize("answer", [failed(), Answer("string", []), vector("a", "a")], ids=["query", "kind", "twins"])
def test_an_error_leaves_the_very_same_alerts(answer) -> None:
    before = run(rule(for_s=60), every(60, [A, A]))[-1].alerts
    evaluation = step(rule(for_s=60), before, answer, 120.0)
    assert evaluation.alerts is before
    assert not evaluation.changed


def test_a_limit_counts_kept_alerts_and_not_resolved_ones() -> None:
    kept = rule(keep_firing_for_s=300)
    steps = run(kept, every(60, [A, vector("b")]), group=group_of(kept, limit=1))
    assert steps[-1].error == "exceeded limit of 1 with 2 alerts"
    steps = run(rule(), every(60, [A, vector("b")]), group=group_of(limit=1))
    assert [each.error for each in steps] == [None, None]


class TestOnVanished:
    """`on_vanished: hold`: the series are gone, so nobody knows that it is over."""

    def test_a_firing_alert_is_held_while_its_series_are_gone_and_ends_when_they_answer_again(self) -> None:
        answers = {0: True, 60: False, 120: False, 180: True}
        one = rule(on_vanished="hold")
        steps = run(one, every(60, [A, NONE, NONE, NONE]), present=lambda labels, since, ts: answers[ts])
        assert timelines(steps) == {'{i="a"}': "FHH-"}
        (over,) = steps[-1].resolved
        assert (over.resolved_at, over.keep_since, over.held) == (180.0, None, False)

    def test_keep_firing_for_starts_when_the_series_answer_again(self) -> None:
        present = {60: False, 120: False, 180: True}
        one = rule(on_vanished="hold", keep_firing_for_s=90)
        steps = run(one, every(60, [A, *[NONE] * 5]), present=lambda labels, since, ts: present[ts])
        assert timelines(steps) == {'{i="a"}': "FHHKK-"}

    def test_what_was_seen_to_end_is_not_held_when_its_series_vanish_afterwards(self) -> None:
        present = {60: True}
        one = rule(on_vanished="hold", keep_firing_for_s=90)
        steps = run(one, every(60, [A, NONE, NONE, NONE]), present=lambda labels, since, ts: present[ts])
        assert timelines(steps) == {'{i="a"}': "FKK-"}

    def test_a_held_alert_whose_element_is_back_fires_on_as_the_same_alert(self) -> None:
        steps = run(rule(on_vanished="hold"), every(60, [A, NONE, A]), present=lambda *_: False)
        assert timelines(steps) == {'{i="a"}': "FHF"}
        (alert,) = steps[-1].alerts.values()
        assert (alert.fired_at, alert.keep_since) == (0.0, None)

    def test_presence_is_compared_with_the_moment_the_alert_began_to_fire_as_it_was_queried(self) -> None:
        asked = []

        def present(labels, since, ts) -> bool:
            asked.append((dict(labels), since, ts))
            return True

        one = rule(on_vanished="hold", for_s=60)
        run(one, every(60, [A, A, NONE]), present=present, group=group_of(one, query_offset_s=5.0))
        assert asked == [({"alertname": "T", "i": "a"}, 55.0, 115.0)]

    @pytest.mark.parametrize(("policy", "life"), [("resolve", "P---"), ("hold", "P---"), ("fire", "PHHH")])
    def test_only_fire_lets_a_pending_alert_whose_series_vanish_go_on_to_fire(self, policy, life) -> None:
        steps = run(rule(on_vanished=policy, for_s=120), every(60, [A, *[NONE] * 3]), present=lambda *_: False)
        assert timelines(steps) == {'{i="a"}': life}
        assert bool([alert for each in steps for alert in each.fired]) == (policy == "fire")

    def test_a_rule_without_the_policy_never_asks(self) -> None:
        assert lives(rule(), [A, NONE], present=never_asked) == "F-"


class TestOnError:
    """`on_error: fire`: a rule that cannot be evaluated is an alert itself."""

    def test_a_failing_query_fires_with_the_rules_own_labels(self) -> None:
        one = rule(
            on_error="fire", labels={"severity": "critical"}, annotations={"summary": "{{ $value }}", "url": "u"}
        )
        evaluation = step(one, {}, failed("connect"), 0.0)
        (alert,) = evaluation.alerts.values()
        assert (evaluation.health, evaluation.error) == ("err", "query failed: connect")
        assert (alert.state, alert.labels) == (AlertState.FIRING, {"alertname": "T", "severity": "critical"})
        assert alert.annotations == {
            "summary": "T cannot be evaluated",
            "description": "query failed: connect",
            "url": "u",
        }
        assert math.isnan(alert.value)
        assert evaluation.changed

    def test_it_waits_for_for_and_ends_with_the_first_good_answer(self) -> None:
        one = rule(on_error="fire", for_s=60)
        steps = run(one, every(60, [failed(), failed(), failed(), NONE]))
        assert timelines(steps) == {"{}": "PFF-"}
        assert [each.changed for each in steps] == [True, True, False, True]

    def test_the_other_alerts_stay_as_they_are(self) -> None:
        steps = run(rule(on_error="fire"), every(60, [A, failed()]))
        assert timelines(steps) == {'{i="a"}': "FF", "{}": "-F"}


class TestRecordingRule:
    """`evaluate_record`: what Prometheus would write."""

    def test_samples_get_the_records_name_and_the_rules_labels(self) -> None:
        one = rule(name="r:m", record=True, labels={"site": "home", "i": ""})
        answer = Answer("vector", [Sample({"__name__": "m", "i": "a", "site": "x", "z": "1"}, 2.0)])
        assert evaluate_record(one, group_of(), answer) == [Sample({"__name__": "r:m", "site": "home", "z": "1"}, 2.0)]

    @pytest.mark.parametrize(
        ("labels", "limit", "answer", "error"),
        [
            ({"i": "x"}, 0, vector("a", "b"), "vector contains metrics with the same labelset after applying rule"),
            ({}, 1, vector("a", "b"), "exceeded limit of 1 with 2 series"),
            ({}, 0, Answer("string", []), "rule result is not a vector or scalar"),
        ],
        ids=["duplicates", "limit", "string"],
    )
    def test_what_cannot_be_recorded_is_an_error(self, labels, limit, answer, error) -> None:
        with pytest.raises(RuleError, match=error):
            evaluate_record(rule(record=True, labels=labels), group_of(limit=limit), answer)


def test_the_key_of_an_alert_is_the_key_of_its_labels() -> None:
    ((key, alert),) = step(rule(labels={"b": "1"}), {}, A, 0.0).alerts.items()
    assert key == label_key(alert.labels)
    assert letter(alert) == "F"
