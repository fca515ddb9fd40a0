"""`watchman check --query`: the powers and prices a real Prometheus has, and what is said of them."""

from __future__ import annotations

import time

import pytest

from watchman.checks import check_prices, check_roles
from watchman.energy.beside import Wanted
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
