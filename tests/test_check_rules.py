"""`watchman check --query`: what Prometheus accepts, and which selectors find nothing, now and in the last day."""

from __future__ import annotations

import time

import pytest
from remote_write import remote_write

from watchman.checks import check_rules
from watchman.errors import QueryError
from watchman.prometheus import Prometheus, PrometheusSettings
from watchman.rules.loader import Defaults, load_rules
from watchman.rules.records import put_in_records
from watchman.rules.template import check_template
from watchman.series import Answer, Sample, Series

RULES = """\
groups:
  - name: g
    rules:
      - {alert: A, expr: checked_now > 1 or checked_before > 1 or checked_never > 1}
      - {alert: B, expr: 'rate(checked_before[5m]) > 1 and checked_before offset 2h'}
      - {record: "r:checked", expr: checked_now * 2}
      - {alert: C, expr: r:checked > 1}
"""
B_BEFORE = (
    'rules.yaml:5: group "g", "B": matches no series now (it did in the last day): count_over_time(checked_before[5m])'
)


def groups():
    return put_in_records(load_rules({"rules.yaml": RULES}, Defaults(check_template=check_template)))


def test_selectors_that_find_nothing_are_told_apart_by_what_they_found_in_the_last_day() -> None:
    full = ("checked_now", "checked_before)[1d", "(checked_before[5m]))[1d", "offset 2h")

    def query(expr: str, _ts: float) -> Answer:
        return Answer("vector", [Sample({}, 1.0)] if any(part in expr for part in full) else [])

    assert [(finding.text, finding.serious) for finding in check_rules(groups(), query, 0.0)] == [
        ('rules.yaml:4: group "g", "A": matches no series now (it did in the last day): checked_before', False),
        ('rules.yaml:4: group "g", "A": matches no series now nor in the last day: checked_never', False),
        (
            B_BEFORE,
            False,
        ),
    ]


def test_what_prometheus_does_not_take_is_its_own_error_and_serious() -> None:
    def query(expr: str, _ts: float) -> Answer:
        raise QueryError("Prometheus at http://p says: unknown function", "bad_query")

    found = list(check_rules(groups(), query, 0.0))

    assert [finding.serious for finding in found] == [True] * 4
    assert found[0].text == 'rules.yaml:4: group "g", "A": Prometheus at http://p says: unknown function'


@pytest.mark.integration
def test_a_real_prometheus_gives_the_same_answers(run_prometheus) -> None:
    now = round(time.time())
    hours_ago = [now - 7200.0 - 60 * minute for minute in range(10, -1, -1)]
    server = run_prometheus(history=[Series({"__name__": "checked_before"}, hours_ago, [1.0] * 11)])
    remote_write(server.url, [Series({"__name__": "checked_now"}, [now - 1.0], [1.0])])
    client = Prometheus(PrometheusSettings(server.url))

    found = [finding.text.partition("matches ")[2] for finding in check_rules(groups(), client.query, now)]

    assert found == [
        "no series now (it did in the last day): checked_before",
        "no series now nor in the last day: checked_never",
        "no series now (it did in the last day): count_over_time(checked_before[5m])",
    ]
    client.close()
