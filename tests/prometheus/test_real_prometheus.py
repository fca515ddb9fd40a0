"""The client against a real Prometheus."""

from __future__ import annotations

import math
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from remote_write import STALE, remote_write

from watchman.errors import QueryError
from watchman.prometheus import Prometheus, PrometheusSettings
from watchman.series import Sample, Series

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from servers import Server

pytestmark = pytest.mark.integration


@pytest.fixture
def client(prometheus: Server) -> Iterator[Prometheus]:
    one = Prometheus(PrometheusSettings(prometheus.url))
    yield one
    one.close()


def test_kinds_of_results(client: Prometheus) -> None:
    assert client.query("vector(2)", 1000.0).samples == [Sample({}, 2.0)]
    assert (client.query("1 + 1", 1000.0).kind, client.query("1 + 1", 1000.0).samples) == ("scalar", [Sample({}, 2.0)])
    assert client.query('"text"', 1000.0).kind == "string"
    assert client.query("up[5m]", 1000.0).kind == "matrix"
    assert client.query("vector(1)", 1000.0).warnings == ()
    assert math.isnan(client.query("vector(0) / 0", 1000.0).samples[0].value)


ERRORS = {
    "parse error": ("up{", "bad_query", "unexpected end of input"),
    "unknown function": ("nosuch(up)", "bad_query", "unknown function"),
    "execution": (
        "vector(1) + on () (label_replace(vector(1),'a','b','','') or vector(1))",
        "bad_query",
        "many-to-many",
    ),
}


@pytest.mark.parametrize(("expr", "reason", "part"), ERRORS.values(), ids=ERRORS.keys())
def test_the_servers_own_words_are_kept(client: Prometheus, expr: str, reason: str, part: str) -> None:
    with pytest.raises(QueryError, match=part) as caught:
        client.query(expr, 1000.0)

    assert caught.value.reason == reason


def test_a_query_that_is_too_heavy_ends_on_the_server(prometheus: Server) -> None:
    client = Prometheus(PrometheusSettings(prometheus.url, timeout_s=0.2))
    # The server looks at its clock between the parts of an expression, not within one.
    heavy = " + ".join(f"max_over_time(vector({n})[3d:1s])" for n in range(20))

    with pytest.raises(QueryError, match="timed out") as caught:
        client.query(heavy, time.time())

    assert caught.value.reason == "timeout"


def test_raw_gives_what_was_written(client: Prometheus, prometheus: Server) -> None:
    start = time.time() // 1 - 3500
    times = [start + 5.003 * n for n in range(680)]
    written = Series({"__name__": "raw_watts", "sn": "1"}, times, [float(n) for n in range(680)])
    gone = Series({"__name__": "raw_watts", "sn": "2"}, [start, start + 5, start + 10], [1.0, STALE, 3.0])
    remote_write(prometheus.url, [written, gone])

    first, second = client.raw("raw_watts", start, start + 3600)

    assert first.times == pytest.approx(times, abs=0.0006)
    assert first.values == written.values
    assert (second.times, second.values) == ([start, start + 10], [1.0, 3.0])


def test_raw_over_days_equals_the_history_at_every_edge(run_prometheus: Callable[..., Server]) -> None:
    start = (time.time() - 5 * 86400) // 86400 * 86400
    times = [start + 900.0 * n for n in range(2 * 96 + 1)]
    server = run_prometheus(history=[Series({"__name__": "edge_watts"}, times, times)])

    (series,) = Prometheus(PrometheusSettings(server.url)).raw("edge_watts", times[0], times[-1])

    assert series == Series({"__name__": "edge_watts"}, times, times)


def test_a_long_range_is_whole(client: Prometheus) -> None:
    end = time.time() // 1
    start = end - 30_000 * 15

    (series,) = client.range("vector(time())", start, end, 15.0)

    assert series.times == [start + 15.0 * n for n in range(30_001)]
    assert series.values == series.times


def test_one_client_serves_many_threads(client: Prometheus) -> None:
    with ThreadPoolExecutor(32) as threads:
        answers = list(threads.map(lambda n: client.query(f"vector({n})", 1000.0).samples[0].value, range(300)))

    assert answers == list(range(300))


def test_flags_and_readiness(client: Prometheus) -> None:
    assert client.ready()
    assert client.flags()["web.enable-lifecycle"] == "true"


def test_a_wrong_path_prefix_is_named(prometheus: Server) -> None:
    with pytest.raises(QueryError, match="path prefix") as caught:
        Prometheus(PrometheusSettings(f"{prometheus.url}/prometheus")).query("up", 1000.0)

    assert caught.value.reason == "bad_answer"
