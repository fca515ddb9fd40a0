"""The exporter over real HTTP: its pages, its limits, and what a scrape shows of a battery that misbehaves."""

from __future__ import annotations

import gzip
import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from watchman.errors import WatchmanError
from watchman.sonnen import pages
from watchman.sonnen.exporter import Exporter, close, start
from watchman.sonnen.pages import MAX_CLIENTS, Answer, open_server
from watchman.sonnen.settings import Listen, Settings
from watchman.sonnen.system import System

Fetch = Callable[..., tuple[int, dict[str, str], bytes]]
HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


@pytest.fixture
def running(battery) -> Iterator[Callable[..., Exporter]]:
    """Starts an exporter that asks the scripted battery, and ends it."""
    started: list[Exporter] = []

    def make(**system: object) -> Exporter:
        systems = (System("sonnen-a", "1", battery.url, **system),)  # type: ignore[arg-type]
        started.append(start(Settings(systems, Listen("127.0.0.1", 0))))
        return started[-1]

    yield make
    for exporter in started:
        close(exporter)


def fetch(port: int, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return response.status, dict(response.getheaders()), response.read()
    finally:
        connection.close()


def wait_for(port: int, series: str) -> str:
    """The first scrape that holds a series, at most 5 s from now."""
    until_s = time.monotonic() + 5
    while time.monotonic() < until_s:
        text = fetch(port, "/metrics")[2].decode()
        if series in text:
            return text
        threading.Event().wait(0.02)
    raise AssertionError(f"{series} never came:\n{text}")


def test_a_battery_that_answers_is_on_the_first_scrape(battery, running) -> None:
    battery.answer = HEAD + b'{"Consumption_W": 512, "RSOC": 50}'
    code, headers, body = fetch(running().port, "/metrics")

    assert code == 200
    assert headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert b'sonnen_consumption_watts{host="sonnen-a",sn="1"} 512\n' in body
    assert b'sonnen_online{host="sonnen-a",sn="1"} 1\n' in body
    assert b"process_resident_memory_bytes " in body
    assert b"sonnen_scrape_duration_seconds 0.0" in body


def test_pages(battery, running) -> None:
    port = running().port
    landing = fetch(port, "/")
    missing = fetch(port, "/favicon.ico")

    assert landing[0] == 200
    assert landing[1]["Content-Type"] == "text/html; charset=utf-8"
    assert b"<h1>Sonnen Exporter</h1>" in landing[2]
    assert b'<a href="/metrics">Metrics</a>' in landing[2]
    assert fetch(port, "/-/healthy")[2] == b"OK\n"
    assert (missing[0], missing[2]) == (404, b"404 not found\n")
    assert fetch(port, "/metrics?x=1")[0] == 200
    assert fetch(port, "/metrics", "POST")[0] == 501


def test_head_has_the_headers_and_no_body(battery, running) -> None:
    port = running().port
    code, headers, body = fetch(port, "/", "HEAD")

    assert (code, body) == (200, b"")
    assert int(headers["Content-Length"]) == len(fetch(port, "/")[2])


@pytest.mark.parametrize(
    ("accepted", "zipped"),
    [("gzip", True), ("deflate, gzip;q=1.0", True), ("gzip;q=0", False), ("identity", False), ("", False)],
)
def test_gzip_if_asked(battery, running, accepted: str, zipped: bool) -> None:
    _, headers, body = fetch(running().port, "/metrics", Accept_Encoding=accepted)

    assert (headers.get("Content-Encoding") == "gzip") is zipped
    assert b"sonnen_online" in (gzip.decompress(body) if zipped else body)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        pytest.param(b"HTTP/1.1 401 X\r\n\r\n" + b'{"error":"Unauthorized"}', "unauthorized", id="401"),
        pytest.param(b"HTTP/1.1 404 X\r\n\r\n<html>Page not found</html>", "not_found", id="html 404"),
        pytest.param(b"HTTP/1.1 302 X\r\nLocation: http://evil.example/\r\n\r\n", "redirect", id="redirect"),
        pytest.param(HEAD + b"<html>hello</html>", "bad_json", id="html"),
        pytest.param(HEAD + b"[" * 5000, "bad_json", id="deep json"),
        pytest.param(b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"RSOC":', "bad_json", id="half a body"),
        pytest.param(HEAD + b"x" * 100_000, "bad_shape", id="long body"),
        pytest.param(HEAD + b'{"RSOC": null}', "bad_shape", id="nulls"),
        pytest.param(HEAD + b"true", "bad_shape", id="a boolean"),
        pytest.param(b"", "connect", id="hangs up"),
    ],
)
def test_nonsense_is_offline_with_a_reason_and_no_values(battery, running, answer: bytes, reason: str) -> None:
    battery.answer = answer
    text = wait_for(running(api="v2").port, f'reason="{reason}",sn="1"}} 1\n')

    assert 'sonnen_online{host="sonnen-a",sn="1"} 0\n' in text
    assert "sonnen_consumption_watts" not in text
    assert "sonnen_state_of_charge_percent" not in text


def test_a_silent_battery_delays_no_scrape(battery, running) -> None:
    hold = threading.Event()

    def silent(_: bytes) -> bytes:
        hold.wait(20)
        return b""

    battery.answer = silent
    port = running().port
    started_s = time.monotonic()
    text = fetch(port, "/metrics")[2]

    assert b'sonnen_online{host="sonnen-a",sn="1"} 0\n' in text
    assert time.monotonic() - started_s < 1
    hold.set()


def test_many_scrapers_do_not_multiply_the_requests_to_the_battery(battery, running) -> None:
    battery.answer = HEAD + b'{"RSOC": 50}'
    port = running(api="v2").port
    for _ in range(30):
        fetch(port, "/metrics")

    assert len(battery.requests) <= 2


def test_a_token_is_on_no_page_and_in_no_log(battery, running, caplog) -> None:
    battery.answer = b"HTTP/1.1 401 X\r\n\r\n"
    with caplog.at_level("DEBUG", "watchman.sonnen"):
        port = running(token="s3cret").port
        shown = [fetch(port, path)[2] for path in ("/", "/metrics", "/-/healthy")]

    assert b"s3cret" not in b"".join(shown)
    assert "s3cret" not in caplog.text


def test_a_port_in_use_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = Settings((System("b", "", "http://127.0.0.1:1"),), Listen("127.0.0.1", port))

        with pytest.raises(WatchmanError, match=f"cannot listen on 127.0.0.1:{port}: address already in use; choose"):
            start(settings)


@pytest.fixture
def small() -> Iterator[int]:
    """The port of a server with one page."""
    server = open_server(None, 0, {"/": lambda: Answer("hello\n")})
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def test_all_addresses_include_ipv4(small: int) -> None:
    assert fetch(small, "/")[2] == b"hello\n"


def test_a_client_that_trickles_is_let_go(small: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "CLIENT_S", 0.2)
    with socket.create_connection(("127.0.0.1", small), timeout=5) as client:
        client.sendall(b"GET / HT")

        assert client.recv(100) == b""


def test_a_client_that_never_ends_its_head_is_let_go(small: int) -> None:
    with socket.create_connection(("127.0.0.1", small), timeout=5) as client:
        client.sendall(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 5000)
        try:
            answer = client.recv(1000)
        except ConnectionResetError:
            answer = b""

        assert b"200" not in answer


def test_one_client_too_many_gets_a_503_at_once(small: int) -> None:
    waiting = [socket.create_connection(("127.0.0.1", small)) for _ in range(MAX_CLIENTS)]
    try:
        with socket.create_connection(("127.0.0.1", small), timeout=5) as late:
            assert late.recv(100).startswith(b"HTTP/1.0 503 ")
    finally:
        for client in waiting:
            client.close()
