"""After a restart: what was missed is made up for, and time nobody watched does not count."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_helpers import expand, failed, group_of, never_asked, rule, run, step, vector

from watchman.rules.alert import AlertState
from watchman.rules.restore import Restored, restore

A, NONE = vector("a"), vector()


def restarted(one, before, missed, last_ts=0.0) -> Restored:
    return restore(one, group_of(one), before, last_ts, missed, expand, never_asked)


def pending(one: Any) -> Any:
    return step(one, {}, A, 0.0).alerts


def test_with_all_history_there_it_is_as_if_nothing_had_happened() -> None:
    one = rule(for_s=120)
    restored = restarted(one, pending(one), [(60.0, A), (120.0, A)])
    (alert,) = restored.alerts.values()
    assert (alert.state, alert.active_at, alert.fired_at) == (AlertState.FIRING, 0.0, 120.0)
    assert [ts for ts, _ in restored.steps] == [60.0, 120.0]


@pytest.mark.parametrize(
    ("missed", "active_at"),
    [
        ([], 0.0),
        ([(60.0, None), (120.0, None)], 120.0),
        ([(60.0, A), (120.0, None), (180.0, A)], 60.0),
        ([(60.0, None), (120.0, failed())], 60.0),
        ([(3600.0, A)], 3540.0),
        ([(3600.0, None)], 3600.0),
    ],
    ids=[
        "nothing missed",
        "no data at all",
        "a hole in the data",
        "an error lets the clock run",
        "longer down than asked back",
        "longer down and no data",
    ],
)
def test_the_for_clock_stands_still_while_there_is_no_data(missed, active_at) -> None:
    one = rule(for_s=7200)
    (alert,) = restarted(one, pending(one), missed).alerts.values()
    assert (alert.state, alert.active_at) == (AlertState.PENDING, active_at)


def test_an_alert_that_ended_meanwhile_ends_at_the_slot_it_ended() -> None:
    one = rule()
    restored = restarted(one, pending(one), [(60.0, A), (120.0, NONE), (180.0, NONE)])
    (over,) = [alert for _, each in restored.steps for alert in each.resolved]
    assert over.resolved_at == 120.0


def test_an_alert_that_ended_long_ago_is_still_told_by_its_step() -> None:
    one = rule()
    restored = restarted(one, pending(one), [(60.0 * number, NONE) for number in range(1, 60)])
    assert dict(restored.alerts) == {}
    assert [alert.resolved_at for _, each in restored.steps for alert in each.resolved] == [60.0]


def test_a_whole_incident_during_the_downtime_is_told() -> None:
    one = rule(for_s=60)
    restored = restarted(one, {}, [(60.0, A), (120.0, A), (180.0, NONE)])
    told = [(len(each.fired), len(each.resolved)) for _, each in restored.steps]
    assert told == [(0, 0), (1, 0), (0, 1)]


def test_a_firing_alert_keeps_its_beginning_over_a_downtime_without_data() -> None:
    one = rule()
    restored = restarted(one, pending(one), [(60.0, None), (120.0, None)])
    (alert,) = restored.alerts.values()
    assert (alert.state, alert.fired_at) == (AlertState.FIRING, 0.0)
    assert restored.steps == ()


def test_the_keep_clock_runs_on_over_a_downtime() -> None:
    one = rule(keep_firing_for_s=300)
    kept = run(one, [(0.0, A), (60.0, NONE)])[-1].alerts
    restored = restarted(one, kept, [(600.0, NONE)], last_ts=60.0)
    (alert,) = restored.alerts.values()
    assert (alert.state, alert.keep_since, alert.resolved_at) == (AlertState.INACTIVE, 60.0, 600.0)


answers = st.one_of(st.sampled_from([A, NONE, vector("b"), vector("a", "b")]), st.just(failed()))


@given(
    st.lists(answers, min_size=1, max_size=20), st.integers(min_value=0, max_value=20), st.sampled_from([0.0, 120.0])
)
def test_a_restart_with_full_history_equals_no_restart(history, at, for_s) -> None:
    one = rule(for_s=for_s, keep_firing_for_s=60)
    timed = [(number * 60.0, answer) for number, answer in enumerate(history)]
    at = min(at, len(timed))
    before = run(one, timed[:at])
    alerts = before[-1].alerts if before else {}
    restored = restarted(one, alerts, timed[at:], last_ts=(at - 1) * 60.0)
    assert restored.alerts == run(one, timed)[-1].alerts
