"""The law of the replay: skipping slots gives what evaluating each of them gives, whatever series and rules do."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import example, given, settings
from replay_world import BERLIN, INTERVAL_S, Table, group_of, ports, routing, rule, setting

from watchman.book import as_active, true_end
from watchman.errors import QueryError
from watchman.notify.dispatch import dispatch
from watchman.notify.message import Source
from watchman.notify.plan import DispatchState
from watchman.notify.render import make_renderer
from watchman.replay import replay
from watchman.replay.desk import History
from watchman.replay.result import Incident
from watchman.rules.engine import evaluate
from watchman.rules.presence import make_present
from watchman.rules.template import make_expander

FAILED = QueryError("says: execution: many-to-many", "bad_query")
TEMPLATES = {"summary": "{{ $labels.i }} is {{ $value }}", "description": '{{ query "other" | len }} others'}


class Dense:
    """A daemon without shortcuts: every slot evaluated, dispatch asked whenever something changed or is due."""

    def __init__(self, group, table, route):
        self.group, self.table, self.route = group, table, route
        self.expand = make_expander(table.query, {}, "http://watchman")
        self.render = make_renderer(BERLIN)
        self.states = [{} for _ in group.rules]
        self.errors = [0 for _ in group.rules]
        self.incidents = [[] for _ in group.rules]
        self.history, self.log, self.told, self.held, self.due = History(), {}, [], {}, float("inf")

    def tell(self, now):
        alerts = [as_active(alert, Source.RULES) for state in self.states for alert in state.values()]
        state = DispatchState(log=self.log, last_end=self.history.last_end)
        plan = dispatch(now, [alert for alert in alerts if alert], self.route, state)
        self.log = {key: entry for key, entry in {**self.log, **plan.log}.items() if entry is not None}
        for one in plan.notifications:
            message = self.render(one)
            self.told.append((one.at, one.receiver, one.reason, message.title, message.text))
        for one in plan.held:
            self.held.setdefault((one.fingerprint, one.receiver, one.alert.starts_at), (now, one.reason))
        self.due = float("inf") if plan.next_due is None else max(plan.next_due, now + 0.001)

    def evaluate(self, index, ts):
        one = self.group.rules[index]
        try:
            answer = self.table.query(one.query, round(ts - self.group.query_offset_s, 3))
        except QueryError as error:
            answer = error
        present = make_present(one, self.table.query)
        done = evaluate(one, self.group, self.states[index], answer, ts, self.expand, present)
        self.states[index] = done.alerts
        self.errors[index] += done.health != "ok"
        for alert in done.resolved:
            self.history.close(alert, ts, true_end(alert))
        for alert in done.dropped:
            self.history.close(alert, ts, ts)
        for alert in done.fired:
            incident = Incident(alert.labels, alert.active_at, alert.fired_at, alert.value, alert.annotations)
            self.history.open(alert, incident)
            self.incidents[index].append(incident)
        return done.changed

    def run(self, slots):
        for number in range(slots):
            ts = self.table.time(number)
            while self.due < ts:
                self.tell(self.due)
            changed = [self.evaluate(index, ts) for index in range(len(self.group.rules))]
            if any(changed) or self.due <= ts:
                self.tell(ts)
        while self.due <= ts + 0.5:
            self.tell(self.due)
        return self


def agree(group, rows, route=None):
    table = Table(group, rows)
    slots = max(map(len, rows.values()))
    route = route or routing(group_interval_s=300.0)
    plain = Dense(group, table, route).run(slots)
    found = replay(setting(group, slots, routing=route), ports(table))
    assert [list(one.incidents) for one in found.rules] == plain.incidents
    assert [one.errors for one in found.rules] == plain.errors
    assert [one.evaluations for one in found.rules] == [slots] * len(group.rules)
    assert [
        (one.notification.at, one.notification.receiver, one.notification.reason, one.message.title, one.message.text)
        for one in found.told
    ] == plain.told
    assert [(one.at, one.held.reason) for one in found.kept_back] == list(plain.held.values())
    return found


values = st.sampled_from([0.0, 1.0, 2.0, 80.0])
element = st.dictionaries(st.sampled_from(["a", "b", "c"]), values, max_size=3)
row = st.one_of(element, element, element, st.just(FAILED))
stretch = st.tuples(row, st.integers(1, 9))


def unrolled(stretches):
    return [row for row, times in stretches for _ in range(times)]


histories = st.lists(stretch, min_size=1, max_size=14).map(unrolled)
seconds = st.sampled_from([0.0, 10.0, 60.0, 90.0, 120.0, 300.0])
rules = st.builds(
    rule,
    for_s=seconds,
    keep_firing_for_s=seconds,
    annotations=st.sampled_from([{}, {"summary": "plain"}, TEMPLATES, {**TEMPLATES, "news_after": "5m"}]),
    labels=st.sampled_from([{}, {"severity": "critical"}, {"severity": "info"}, {"i": "same"}, {"v": "{{ $value }}"}]),
    on_error=st.sampled_from(["hold", "hold", "fire"]),
    on_vanished=st.sampled_from(["resolve", "resolve", "hold", "fire"]),
    selectors=st.just(("seen",)),
)


whole_rules = given(
    history=histories, presence=histories, one=rules, limit=st.sampled_from([0, 0, 1, 2]), offset=seconds
)


@pytest.mark.soak
@whole_rules
@settings(max_examples=1000)
def test_over_many_histories_what_is_skipped_changes_nothing(history, presence, one, limit, offset):
    skipped(history, presence, one, limit, offset)


@whole_rules
@settings(max_examples=12)
@example(
    history=[{"a": 1.0, "b": 1.0}, {"b": 1.0}, {"b": 1.0}, {"b": 1.0}],
    presence=[{}],
    one=rule(keep_firing_for_s=120.0),
    limit=1,
    offset=0.0,
)
def test_what_is_skipped_changes_nothing(history, presence, one, limit, offset):
    skipped(history, presence, one, limit, offset)


def skipped(history, presence, one, limit, offset):
    group = group_of(one, limit=limit, query_offset_s=offset)
    agree(group, {one.query: history, "seen": presence[: len(history)], "other": presence[: len(history)]})


@given(first=histories, second=histories, route=st.sampled_from([None, 0.0, 30.0, 1200.0]))
@settings(max_examples=5)
def test_rules_of_a_group_are_told_together_as_the_daemon_tells_them(first, second, route):
    one = rule(name="A", expr="a", for_s=60.0, annotations=TEMPLATES)
    two = rule(name="B", expr="b", keep_firing_for_s=120.0, annotations=TEMPLATES, labels={"severity": "critical"})
    own = routing(group_by=("none",), group_wait_s=20.0, group_interval_s=route or 300.0)
    agree(group_of(one, two), {"a": first, "b": second}, own)


@pytest.mark.parametrize("times", [1, 10])
def test_a_long_alert_costs_hardly_any_evaluation(times):
    quiet = [{}] * (60 * times)
    group = group_of(rule(for_s=120.0, annotations=TEMPLATES))
    found = agree(group, {"m": [*quiet, *[{"a": 1.0}] * (60 * times), *quiet]})
    assert len(found.rules[0].incidents) == 1
    assert found.rules[0].incidents[0].firing - found.rules[0].incidents[0].pending == 2 * INTERVAL_S
