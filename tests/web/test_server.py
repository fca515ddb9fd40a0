"""The server under connections that say nothing: many are held, and the page still answers."""

from __future__ import annotations

import socket
import time
import urllib.request
from collections.abc import Iterator

import pytest
from servers import free_port

from watchman.web.server import WebServer


@pytest.fixture
def url() -> Iterator[str]:
    def app(_environ, start_response):
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"here"]

    port = free_port()
    server = WebServer(app, f"127.0.0.1:{port}")
    server.start()
    yield f"http://127.0.0.1:{port}"
    server.close()


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHost:", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nx"])
def test_hundreds_of_half_open_connections_keep_nobody_out(url: str, said: bytes) -> None:
    host, port = url.removeprefix("http://").split(":")
    idle = []
    try:
        for _ in range(300):
            idle.append(socket.create_connection((host, int(port)), timeout=5))
            idle[-1].sendall(said)
        started = time.monotonic()
        with urllib.request.urlopen(url, timeout=10) as answer:
            assert answer.read() == b"here"
        assert time.monotonic() - started < 5
    finally:
        for one in idle:
            one.close()
