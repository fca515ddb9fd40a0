"""What the client asks, and how it reads what the API documents."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from watchman.prometheus import Prometheus, PrometheusSettings
from watchman.prometheus.client import MAX_POINTS
from watchman.series import Answer, Sample

if TYPE_CHECKING:
    from collections.abc import Callable


def reply(document: dict) -> bytes:
    body = json.dumps(document).encode()
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def success(kind: str, result: object, **more: object) -> bytes:
    return reply({"status": "success", "data": {"resultType": kind, "result": result}, **more})


def asked(request: bytes) -> tuple[str, dict[str, list[str]], str]:
    """Method, parameters from wherever they are, and the whole head in lower case."""
    head, _, body = request.partition(b"\r\n\r\n")
    method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
    return method, parse_qs(body.decode() or urlsplit(target).query), head.decode().lower()


ANSWERS = {
    "vector": (
        success("vector", [{"metric": {"__name__": "up", "job": "x"}, "value": [1, "1"]}]),
        Answer("vector", [Sample({"__name__": "up", "job": "x"}, 1.0)]),
    ),
    "empty vector": (success("vector", []), Answer("vector", [])),
    "infinities": (
        success("vector", [{"metric": {}, "value": [1, "+Inf"]}, {"metric": {}, "value": [1, "-1e-05"]}]),
        Answer("vector", [Sample({}, float("inf")), Sample({}, -1e-05)]),
    ),
    "scalar": (success("scalar", [1, "2"]), Answer("scalar", [Sample({}, 2.0)])),
    "string": (success("string", [1, "text"]), Answer("string", [])),
    "matrix": (success("matrix", [{"metric": {}, "values": [[1, "2"]]}]), Answer("matrix", [])),
    "warnings and infos": (
        success("vector", [], warnings=["partial"], infos=["not a counter"]),
        Answer("vector", [], ("partial", "not a counter")),
    ),
    "native histogram": (
        success("vector", [{"metric": {}, "histogram": [1, {}]}]),
        Answer("vector", [], ("1 native histograms are left out",)),
    ),
}


@pytest.mark.parametrize(("body", "expected"), ANSWERS.values(), ids=ANSWERS.keys())
def test_an_answer_keeps_its_kind_and_warnings(parrot: Callable, body: bytes, expected: Answer) -> None:
    assert Prometheus(PrometheusSettings(parrot(body).url)).query("x", 1.0) == expected


def test_nan_is_a_value(parrot: Callable) -> None:
    body = success("vector", [{"metric": {}, "value": [1, "NaN"]}])

    (sample,) = Prometheus(PrometheusSettings(parrot(body).url)).query("x", 1.0).samples

    assert sample.value != sample.value


def test_a_query_says_expression_time_and_timeout_and_asks_for_plain_bytes_nearby(parrot: Callable) -> None:
    server = parrot(success("vector", []))

    Prometheus(PrometheusSettings(f"{server.url}/prefix/", timeout_s=2.5)).query('up{job="a&b"} > 1', 1700000000.5)

    method, params, head = asked(server.requests[0])
    assert (method, params) == (
        "GET",
        {"query": ['up{job="a&b"} > 1'], "time": ["1700000000.500"], "timeout": ["2.500"]},
    )
    assert "get /prefix/api/v1/query?" in head
    assert "accept-encoding: identity" in head
    assert "authorization" not in head


def test_a_long_query_travels_as_a_form(parrot: Callable) -> None:
    server = parrot(success("vector", []))
    expr = " or ".join(f'up{{job="{n}"}}' for n in range(500))

    Prometheus(PrometheusSettings(server.url)).query(expr, 1.0)

    method, params, head = asked(server.requests[0])
    assert (method, params["query"]) == ("POST", [expr])
    assert "content-type: application/x-www-form-urlencoded" in head


AUTH = {
    "basic": ({"username": "me", "password": "pw"}, "authorization: basic bwu6chc="),
    "bearer": ({"bearer_token": "TOKEN"}, "authorization: bearer token"),
    "header": ({"headers": {"X-Scope-OrgID": "7"}}, "x-scope-orgid: 7"),
}


@pytest.mark.parametrize(("settings", "line"), AUTH.values(), ids=AUTH.keys())
@pytest.mark.parametrize("ask", ["query", "range", "raw", "ready"])
def test_every_kind_of_request_carries_the_credentials(parrot: Callable, settings: dict, line: str, ask: str) -> None:
    server = parrot(success("matrix", []))
    client = Prometheus(PrometheusSettings(server.url, **settings))

    {
        "query": lambda: client.query("x", 1.0),
        "range": lambda: client.range("x", 1.0, 2.0, 1.0),
        "raw": lambda: client.raw("x", 1.0, 2.0),
        "ready": client.ready,
    }[ask]()

    assert line in asked(server.requests[0])[2]


def test_credentials_in_the_url_are_used(parrot: Callable) -> None:
    server = parrot(success("vector", []))

    Prometheus(PrometheusSettings(server.url.replace("//", "//me:pw@"))).query("x", 1.0)

    assert "authorization: basic bwu6chc=" in asked(server.requests[0])[2]


def test_environment_proxies_and_netrc_are_not_asked(parrot: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    assert Prometheus(PrometheusSettings(parrot(success("vector", [])).url)).query("x", 1.0).samples == []


NEAR = {
    "http://localhost:9090": True,
    "http://prometheus:9090": True,
    "http://192.168.1.5:9090": True,
    "http://[::1]:9090": True,
    "http://nas.fritz.box": True,
    "https://prometheus.example.org": False,
    "https://8.8.8.8": False,
}


@pytest.mark.parametrize(("url", "near"), NEAR.items(), ids=NEAR.keys())
def test_answers_are_packed_only_from_afar(url: str, near: bool) -> None:
    assert PrometheusSettings(url).is_near is near


def test_a_range_is_cut_at_the_servers_limit_without_double_or_missing_steps(parrot: Callable) -> None:
    server = parrot(success("matrix", []))
    start, step = 1_700_000_000.0, 15.0

    Prometheus(PrometheusSettings(server.url)).range("x", start, start + 25_000 * step, step)

    steps: list[float] = []
    for request in server.requests:
        params = asked(request)[1]
        first, last = float(params["start"][0]), float(params["end"][0])
        piece = [first + n * step for n in range(int((last - first) / step) + 1)]
        assert len(piece) <= MAX_POINTS
        steps += piece
    assert steps == [start + n * step for n in range(25_001)]


def test_raw_asks_for_the_selectors_own_samples_in_chunks(parrot: Callable) -> None:
    server = parrot(success("matrix", []))

    Prometheus(PrometheusSettings(server.url)).raw('x{a="}[{"}', 0.0, 10 * 3600.0)

    asked_for = [asked(request)[1] for request in server.requests]
    assert [(p["query"], p["time"]) for p in asked_for] == [
        (['x{a="}[{"}[21600002ms]'], ["21600.000"]),
        (['x{a="}[{"}[14400002ms]'], ["36000.000"]),
    ]


@pytest.mark.parametrize("expr", ["-x", "x + y", "sum(x)", "x offset 1h", "(x)", "x or y{a='b'}"])
def test_raw_reads_anything_but_a_selector_at_steps(parrot: Callable, expr: str) -> None:
    server = parrot(success("matrix", []))

    Prometheus(PrometheusSettings(server.url)).raw(expr, 0.0, 60.0)

    params = asked(server.requests[0])[1]
    assert (params["query"], params["step"]) == ([expr], ["15.000"])


def test_overlapping_chunks_give_each_sample_once_in_order(parrot: Callable) -> None:
    edge = [[21599.0, "1"], [21600.0, "2"], [21601.0, "3"], [50_000.0, "4"]]
    server = parrot(success("matrix", [{"metric": {"a": "b"}, "values": edge}]))

    (series,) = Prometheus(PrometheusSettings(server.url)).raw("x", 0.0, 43_200.0)

    assert (series.labels, series.times, series.values) == ({"a": "b"}, [21599.0, 21600.0, 21601.0], [1.0, 2.0, 3.0])


def test_nothing_is_asked_for_an_empty_window(parrot: Callable) -> None:
    server = parrot(b"")

    assert Prometheus(PrometheusSettings(server.url)).raw("x", 10.0, 5.0) == []
    assert server.requests == []


def test_a_connection_that_the_server_just_closed_is_opened_again(parrot: Callable) -> None:
    """The server closes after each answer without having said so: a pooled connection is dead when it is used again."""
    server = parrot(success("vector", []))
    client = Prometheus(PrometheusSettings(server.url))

    assert [client.query("x", 1.0).samples for _ in range(50)] == [[]] * 50
