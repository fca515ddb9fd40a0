"""`watchman check --query`: the powers and prices a real Prometheus has, and what is said of them."""

from __future__ import annotations

import time

import pytest

from watchman.checks import check_counters, check_prices, check_roles
from watchman.energy.beside import Wanted
from watchman.energy.settle import CounterSource
from watchman.energy.slots import Flow
from watchman.errors import QueryError
from watchman.prometheus import Prometheus, PrometheusSettings
from watchman.series import Answer, Sample, Series

ROLES = {"production": "sun", "consumption": "house", "grid_feed_in": "grid", "battery_discharge": "battery"}


def no_range(*_args: object) -> list[Series]:
    return []


def test_a_role_without_a_series_is_named() -> None:
    found = check_roles(ROLES, lambda expr, _ts: Answer("vector", [Sample({}, 1.0)] * (expr != "grid")), no_range, 0.0)

    assert [(one.text, one.serious) for one in found] == [("metrics.grid_feed_in: matches no series now: grid", False)]


def test_a_refused_expression_fails_the_check() -> None:
    def query(_expr: str, _ts: float) -> Answer:
        raise QueryError("parse error", "bad_query")

    assert [one.serious for one in check_roles({"production": "sum("}, query, no_range, 0.0)] == [True]
    assert [one.serious for one in check_prices([Wanted("co2", "sum(")], query, 0.0)] == [True]


@pytest.mark.parametrize(("count", "said"), [(1, []), (0, ["no series"]), (3, ["3 series"])])
def test_a_price_must_be_one_series(count, said) -> None:
    found = list(
        check_prices([Wanted("import_price", "spot")], lambda *_: Answer("vector", [Sample({}, 1)] * count), 0)
    )

    assert [word in found[0].text for word in said] == [True] * len(said)
    assert len(found) == len(said)


@pytest.mark.parametrize(
    ("per_hour", "wh_per_unit", "said"),
    [
        pytest.param(2000.0, 1.0, [], id="agrees"),
        pytest.param(2000.0, 1000.0, ["is its unit Wh?"], id="Wh read as kWh"),
        pytest.param(
            2.0, 1.0, ["0.048 kWh counted where metrics.grid_feed_in has 48 kWh", "is its unit kWh?"], id="kWh"
        ),
        pytest.param(900.0, 1.0, ["does it count the same thing"], id="another thing"),
    ],
)
def test_a_counter_that_disagrees_with_its_power_is_named(per_hour, wh_per_unit, said) -> None:
    now = 1_800_000_000.0
    stamps = [now - 60.0 * n for n in range(1440, -1, -1)]
    series = {
        "grid": [Series({}, stamps, [-2000.0] * len(stamps))],
        "meter": [Series({}, stamps, [per_hour * n / 60 for n in range(len(stamps))])],
    }
    counters = {Flow.GRID_IMPORT: CounterSource("meter", wh_per_unit)}

    found = list(check_counters(counters, ROLES, lambda selector, *_: series[selector], now + 0.5))

    assert len(found) == bool(said)
    assert [word for word in said if word not in found[0].text] == []


def test_a_counter_without_samples_or_without_a_power_is_no_accident() -> None:
    counters = {Flow.PRODUCTION: CounterSource("meter", 1.0)}
    grown = [Series({}, [0.0, 60.0], [1.0, 2.0])]

    missing = list(check_counters(counters, ROLES, lambda *_: [], 90000.0))
    alone = list(check_counters(counters, {}, lambda *_: grown, 90000.0))

    assert [one.text for one in missing] == ["metrics.counters.production: matches no series in the last day: meter"]
    assert alone == []


@pytest.mark.integration
def test_a_turned_sign_in_a_real_prometheus_is_named(run_prometheus) -> None:
    now = time.time() // 60 * 60
    times = [now - 60.0 * n for n in range(300, 0, -1)]
    powers = {"sun": 3000.0, "house": 500.0, "grid": -2000.0, "battery": -500.0}
    history = [
        Series({"__name__": name, "n": str(half)}, times, [watts / 2 + half * n % 40 for n in range(300)])
        for name, watts in powers.items()
        for half in (0, 1)
    ]
    server = run_prometheus(history=history)
    client = Prometheus(PrometheusSettings(server.url))

    found = [one.text for one in check_roles(ROLES, client.query, client.range, now)]
    client.close()

    assert len(found) == 1
    assert "it adds up if the sign of grid_feed_in is turned" in found[0]
