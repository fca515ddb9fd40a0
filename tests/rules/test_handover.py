"""What Alertmanagers are told beyond Prometheus: no silence while queries fail, and every end is told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_helpers import failed, group_of, rule, step, vector

from watchman.rules.handover import Told, due_states, is_news, remember, state_of
from watchman.rules.sending import ends_at

RESEND_S = 60


def play(one, answers, *, limit=0, every_s=60, until=None):
    """What is told at each minute, as "name firing|resolved startsAt endsAt"."""
    group = group_of(one, limit=limit, interval_s=every_s)
    alerts: Any = {}
    told: dict[Any, Told] = {}
    sends: dict[float, list[str]] = {}
    for number in range(until or len(answers)):
        ts = number * every_s
        answer = answers[number] if number < len(answers) else answers[-1]
        alerts = dict(step(one, alerts, answer, ts, group=group).alerts)
        states = [state for alert in alerts.values() if (state := state_of(alert, every_s, one.expr)) is not None]
        due = due_states(states, told, ts, RESEND_S)
        told = remember(told, due, ts)
        if due:
            sends[ts] = sorted(shown(state, ts, every_s) for state in due.values())
    return sends


def shown(state, ts, interval_s):
    over = state.resolved_at is not None
    end = state.resolved_at if over else ends_at(ts, interval_s, RESEND_S)
    return f"{state.labels['i']} {'resolved' if over else 'firing'} {state.starts_at:.0f} {end:.0f}"


def test_d10_a_firing_alert_is_told_again_while_its_query_fails() -> None:
    sends = play(rule(), [vector("a"), *[failed()] * 5, vector("a")])

    assert sends == {0: ["a firing 0 240"], 120: ["a firing 0 360"], 240: ["a firing 0 480"], 360: ["a firing 0 600"]}


def test_d08_a_resolution_is_repeated_though_the_alert_is_pending_again() -> None:
    one = rule(for_s=60)
    sends = play(one, [vector("a"), vector("a"), vector(), vector("a"), vector()], until=20)

    assert sends[60] == ["a firing 60 300"]
    repeats = [ts for ts, lines in sends.items() if lines == ["a resolved 60 120"]]
    assert repeats == [120, 240, 360, 480, 600, 720, 840, 960]


def test_d11_what_a_limit_throws_away_is_resolved() -> None:
    sends = play(rule(), [vector("a"), vector("a", "b"), vector("a")], limit=1)

    assert sends == {0: ["a firing 0 240"], 60: ["a resolved 0 60"], 120: ["a firing 120 360"]}


def test_d16_the_limit_counts_what_is_kept_and_its_end_is_told_and_repeated() -> None:
    one = rule(keep_firing_for_s=300)
    sends = play(one, [vector("a"), vector("b"), vector("b", "c")], limit=1, until=20)

    repeats = [ts for ts, lines in sends.items() if lines == ["a resolved 0 60"]]
    assert repeats == [60, 180, 300, 420, 540, 660, 780, 900]
    assert set(sends) == {0, *repeats}


def test_an_alert_that_fires_again_is_told_at_once_and_its_old_end_no_more() -> None:
    sends = play(rule(), [vector("a"), vector(), vector("a"), vector("a")])

    assert sends == {0: ["a firing 0 240"], 60: ["a resolved 0 60"], 120: ["a firing 120 360"]}


def test_what_was_never_told_as_firing_is_not_ended_by_a_limit() -> None:
    assert play(rule(for_s=600), [vector("a"), vector("a", "b"), vector()], limit=1) == {}


def test_a_rule_that_is_gone_ends_its_alerts() -> None:
    told = {(("i", "a"),): Told({"i": "a"}, 10.0, 60.0, told_at=50.0)}

    (due,) = due_states([], told, 55.0, RESEND_S).values()

    assert (due.resolved_at, due.starts_at) == (55.0, 10.0)


def test_of_two_rules_with_one_label_set_the_one_that_fires_is_heard() -> None:
    over = Told({"i": "a"}, 0.0, 60.0, resolved_at=50.0)
    later, fires = Told({"i": "a"}, 5.0, 60.0, resolved_at=70.0), Told({"i": "a"}, 20.0, 60.0)

    for states, expected in [((over, fires), fires), ((fires, over), fires), ((over, later), later)]:
        (due,) = due_states(states, {}, 80.0, RESEND_S).values()
        assert (due.starts_at, due.resolved_at) == (expected.starts_at, expected.resolved_at)


def test_a_repetition_is_no_news() -> None:
    state = Told({"i": "a"}, 0.0, 60.0)
    told = remember({}, due_states([state], {}, 0.0, RESEND_S), 0.0)

    again = due_states([state], told, 61.0, RESEND_S)

    assert again
    assert not is_news(told, again)
    assert is_news({}, again)
    assert is_news(told, due_states([], told, 61.0, RESEND_S))


STEPS = st.lists(
    st.one_of(
        st.sets(st.sampled_from("abc")).map(lambda names: vector(*sorted(names))), st.just(failed()), st.just(failed())
    ),
    min_size=1,
    max_size=40,
)


@given(answers=STEPS, for_s=st.sampled_from([0, 60, 120]), keep=st.sampled_from([0, 60, 180]), limit=st.integers(0, 2))
def test_whoever_heard_that_it_fires_hears_that_it_is_over(answers, for_s, keep, limit) -> None:
    one = rule(for_s=for_s, keep_firing_for_s=keep)
    sends = play(one, [*answers, vector()], limit=limit, until=len(answers) + 20)

    last: dict[str, tuple[str, float]] = {}
    heard_at: dict[str, float] = {}
    for ts, lines in sends.items():
        for line in lines:
            name, state, _, end = line.split()
            if last.get(name, ("", 0))[0] == "firing":
                assert ts <= last[name][1], "the receiver would have taken it for over"
            last[name], heard_at[name] = (state, float(end)), ts
    assert {state for state, _ in last.values()} <= {"resolved"}


@pytest.mark.parametrize("state", ["firing", "resolved"])
def test_nothing_is_told_twice_within_the_delay(state) -> None:
    over = 30.0 if state == "resolved" else None
    one = Told({"i": "a"}, 0.0, 15.0, resolved_at=over)
    told = remember({}, due_states([one], {}, 30.0, RESEND_S), 30.0)

    assert [ts for ts in (45.0, 75.0, 90.0) if due_states([one], told, ts, RESEND_S)] == []
    assert due_states([one], told, 90.5, RESEND_S)
