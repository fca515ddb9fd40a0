"""What goes dark is not over: the shipped rules that hold, through our engine, on a real Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from promtool import RULES

from watchman.prometheus import Prometheus, PrometheusSettings
from watchman.rules.alert import AlertState
from watchman.rules.engine import evaluate
from watchman.rules.loader import Defaults, load_rules
from watchman.rules.presence import make_present
from watchman.rules.template import check_template, make_expander
from watchman.series import Series

if TYPE_CHECKING:
    from collections.abc import Callable

    from servers import Server

    from watchman.rules.engine import Alerts
    from watchman.rules.rule import Group, Rule

pytestmark = pytest.mark.integration

START = 1_699_999_200.0


def track(step_s: float, *parts: tuple[float, int], **labels: str) -> Series:
    """(value, count) after each other; the name is the label `name`."""
    values = [value for value, count in parts for _ in range(count)]
    named = {"__name__": labels.pop("name"), "host": "h", "sn": "1", "instance": "e:9422", "job": "sonnen", **labels}
    return Series(named, [START + step_s * n for n in range(len(values))], values)


def live(client: Prometheus, name: str, step_s: float, seconds: float) -> list[tuple[float, AlertState]]:
    """(seconds since the start, state) at each change of the one alert of rule `name`."""
    texts = {path.name: path.read_text() for path in RULES.glob("*.yaml")}
    groups = load_rules(texts, Defaults(check_template=check_template))
    group, rule = next((group, rule) for group in groups for rule in group.rules if rule.name == name)
    alerts: Alerts = {}
    changes: list[tuple[float, AlertState]] = []
    for n in range(int(seconds / step_s) + 1):
        alerts = _evaluated(client, rule, group, alerts, START + n * step_s)
        states = [alert.state for alert in alerts.values()]
        if states and (not changes or changes[-1][1] != states[0]):
            changes.append((n * step_s, states[0]))
    return changes


def _evaluated(client: Prometheus, rule: Rule, group: Group, alerts: Alerts, ts: float) -> Alerts:
    expand = make_expander(client.query, {}, "")
    answer = client.query(rule.expr, ts)
    return evaluate(rule, group, alerts, answer, ts, expand, make_present(rule, client.query)).alerts


def test_a_power_cut_in_which_the_router_dies_is_not_over(run_prometheus: Callable[..., Server]) -> None:
    history = [
        track(5, (1, 21), (0, 36), name="sonnen_on_grid"),
        track(5, (0, 21), (1, 36), name="sonnen_system_status_state", status="off_grid"),
    ]
    client = Prometheus(PrometheusSettings(run_prometheus(history=history).url))

    changes = live(client, "GridDown", 5, 1800)

    assert changes == [(105, AlertState.PENDING), (110, AlertState.FIRING)]


def test_a_power_cut_is_over_when_the_grid_is_back(run_prometheus: Callable[..., Server]) -> None:
    history = [
        track(5, (1, 21), (0, 36), (1, 100), name="sonnen_on_grid"),
        track(5, (0, 21), (1, 36), (0, 100), name="sonnen_system_status_state", status="off_grid"),
    ]
    client = Prometheus(PrometheusSettings(run_prometheus(history=history).url))

    changes = live(client, "GridDown", 5, 600)

    assert changes == [(105, AlertState.PENDING), (110, AlertState.FIRING), (465, AlertState.INACTIVE)]


def test_a_dead_roof_whose_exporter_dies_is_not_repaired(run_prometheus: Callable[..., Server]) -> None:
    day = 144
    history = [
        track(600, (2000, 60), (0, day + 30), name="sonnen_production_watts"),
        track(600, (5000, 4 * day), name="watchman_solar_usual_peak_watts", host="", sn=""),
    ]
    client = Prometheus(PrometheusSettings(run_prometheus(history=history).url))

    changes = live(client, "SolarOutage", 600, 3.5 * 86400)

    assert [state for _, state in changes] == [AlertState.FIRING]


def test_a_roof_that_works_again_is_over(run_prometheus: Callable[..., Server]) -> None:
    day = 144
    history = [
        track(600, (2000, 60), (0, day + 30), (2000, 30), name="sonnen_production_watts"),
        track(600, (5000, 4 * day), name="watchman_solar_usual_peak_watts", host="", sn=""),
    ]
    client = Prometheus(PrometheusSettings(run_prometheus(history=history).url))

    changes = live(client, "SolarOutage", 600, 260 * 600)

    assert [state for _, state in changes] == [AlertState.FIRING, AlertState.INACTIVE]
