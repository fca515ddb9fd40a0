"""One GET over a real socket: every way a battery can fail has its reason, and none takes longer than allowed."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator

import pytest

from watchman.sonnen.client import MAX_BODY, Limits, get
from watchman.sonnen.values import Failure

SHORT = Limits(connect_s=0.3, total_s=0.4)
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"


def reason(answer: bytes | Failure) -> str:
    assert isinstance(answer, Failure), answer
    assert "\n" not in answer.message
    return answer.reason


def test_an_answer_is_its_body_whatever_its_content_type(battery) -> None:
    battery.answer = OK + b'Content-Length: 11\r\n\r\n{"RSOC":47}'

    assert get(f"{battery.url}/api/v2/status", None) == b'{"RSOC":47}'
    assert b"GET /api/v2/status HTTP/1.1" in battery.requests[0]
    assert b"Auth-Token" not in battery.requests[0]


def test_the_token_is_a_header(battery) -> None:
    battery.answer = OK + b"\r\n{}"

    assert get(f"{battery.url}/x", "s3cret") == b"{}"
    assert b"Auth-Token: s3cret\r\n" in battery.requests[0]


def test_chunks_and_a_body_without_a_length_are_read(battery) -> None:
    battery.answer = OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n[1\r\n1\r\n]\r\n0\r\n\r\n"
    chunked = get(battery.url, None)
    battery.answer = OK + b"\r\n[2]"

    assert (chunked, get(battery.url, None)) == (b"[1]", b"[2]")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (401, "unauthorized"),
        (403, "forbidden"),
        (404, "not_found"),
        (400, "http_4xx"),
        (429, "http_4xx"),
        (500, "http_5xx"),
        (502, "http_5xx"),
        (304, "redirect"),
        (204, "bad_shape"),
    ],
)
def test_status_codes_have_reasons(battery, code: int, expected: str) -> None:
    battery.answer = f"HTTP/1.1 {code} X\r\nContent-Length: 0\r\n\r\n".encode()

    assert reason(get(battery.url, None)) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(b"", "connect", id="hangs up"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", "bad_shape", id="no http"),
        pytest.param(b"HTTP/1.1 abc\r\n\r\n", "bad_shape", id="no status"),
        pytest.param(OK + b"Content-Length: 500\r\n\r\n{", "bad_json", id="half a body"),
        pytest.param(OK + b"Transfer-Encoding: chunked\r\n\r\nff\r\n{", "bad_json", id="half a chunk"),
        pytest.param(OK + b"\r\n" + b"x" * (MAX_BODY + 1), "bad_shape", id="long body"),
        pytest.param(OK + b"X: y\r\n" * 200 + b"\r\n{}", "bad_shape", id="many headers"),
        pytest.param(OK + b"X: " + b"y" * 70000 + b"\r\n\r\n{}", "bad_shape", id="long header"),
        pytest.param(b"HTTP/1.1 302 X\r\nLocation: http://other/\r\n\r\n", "redirect", id="to another host"),
        pytest.param(b"HTTP/1.1 302 X\r\nLocation: file:///etc/passwd\r\n\r\n", "redirect", id="to a file"),
        pytest.param(b"HTTP/1.1 302 X\r\nLocation: http://[\r\n\r\n", "redirect", id="to nonsense"),
        pytest.param(b"HTTP/1.1 302 X\r\nLocation: /again\r\n\r\n", "redirect", id="in a circle"),
    ],
)
def test_what_is_no_answer_has_a_reason(battery, answer: bytes, expected: str) -> None:
    battery.answer = answer

    assert reason(get(battery.url, None)) == expected


def test_a_redirect_on_the_same_host_is_followed(battery) -> None:
    def answer(request: bytes) -> bytes:
        if b"GET /old" in request:
            return b"HTTP/1.1 301 X\r\nLocation: /new/\r\nContent-Length: 0\r\n\r\n"
        return OK + b"Content-Length: 2\r\n\r\n{}"

    battery.answer = answer

    assert get(f"{battery.url}/old", "t") == b"{}"


def forever(piece: bytes, head: bytes = b"") -> Callable[[bytes], Iterator[bytes]]:
    def pieces(_: bytes) -> Iterator[bytes]:
        yield head
        while True:
            yield piece

    return pieces


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(forever(b""), "timeout", id="silent"),
        pytest.param(forever(b"H"), "timeout", id="head trickles"),
        pytest.param(forever(b" ", OK + b"\r\n"), "timeout", id="body trickles"),
        pytest.param(forever(b"x" * 65536, OK + b"\r\n"), "bad_shape", id="endless body"),
        pytest.param(forever(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000), "bad_shape", id="endless continue"),
    ],
)
def test_no_answer_takes_longer_than_the_limit(
    battery, answer: Callable[[bytes], Iterator[bytes]], expected: str
) -> None:
    battery.answer = answer
    started_s = time.monotonic()

    assert reason(get(battery.url, None, SHORT)) == expected
    assert time.monotonic() - started_s < 3


def test_a_closed_port_is_refused_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    assert reason(get(f"http://127.0.0.1:{port}", None, SHORT)) == "connect"


@pytest.mark.parametrize("host", ["no-such-battery.invalid", "a..b", "x" * 70])
def test_a_name_without_an_address_is_a_dns_failure(host: str) -> None:
    assert reason(get(f"http://{host}/", None, SHORT)) == "dns"


def test_a_full_listener_is_a_timeout_while_connecting() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(8)]
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(address)
        try:
            assert reason(get(f"http://127.0.0.1:{address[1]}", None, SHORT)) == "timeout"
        finally:
            for client in waiting:
                client.close()


def test_no_message_holds_the_token(battery) -> None:
    battery.answer = b"HTTP/1.1 401 X\r\n\r\n"
    answer = get(f"{battery.url}/api/v2/battery", "s3cret")

    assert isinstance(answer, Failure)
    assert "s3cret" not in answer.message
