"""Whatever comes back instead of an answer is one QueryError: right reason, one line, a mend, no secret."""

from __future__ import annotations

import gzip
import json
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from servers import free_port

from watchman.errors import QueryError
from watchman.prometheus import Prometheus, PrometheusSettings

if TYPE_CHECKING:
    from collections.abc import Callable

SELF_SIGNED = Path(__file__).with_name("self_signed.pem")
SECRET = "s3cr3t-of-mine"


def http(status: str, body: bytes | str | dict, *headers: str) -> bytes:
    if isinstance(body, dict):
        body = json.dumps(body)
    if isinstance(body, str):
        body = body.encode()
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def ok(data: object) -> bytes:
    return http("200 OK", {"status": "success", "data": data})


def api_error(status: str, kind: str, text: str) -> bytes:
    return http(status, {"status": "error", "errorType": kind, "error": text})


def vector(*value: object) -> bytes:
    return ok({"resultType": "vector", "result": [{"metric": {}, "value": list(value)}]})


NONSENSE = {
    "HTML login page": (http("200 OK", "<!doctype html><title>Login</title>"), "bad_answer", "not JSON"),
    "empty body": (http("200 OK", ""), "bad_answer", "not JSON"),
    "JSON list": (http("200 OK", "[]"), "bad_answer", "not JSON"),
    "half an object": (http("200 OK", '{"status":"succ'), "bad_answer", "check prometheus.url"),
    "other JSON": (http("200 OK", {"hello": "world"}), "bad_answer", "check prometheus.url"),
    "binary": (http("200 OK", bytes(range(256))), "bad_answer", "not JSON"),
    "deep nesting": (http("200 OK", '{"a":' * 100_000), "bad_answer", "check prometheus.url"),
    "data is a list": (ok([]), "bad_answer", "check prometheus.url"),
    "data is null": (ok(None), "bad_answer", "check prometheus.url"),
    "result is null": (ok({"resultType": "vector", "result": None}), "bad_answer", "check prometheus.url"),
    "result is an object": (ok({"resultType": "vector", "result": {}}), "bad_answer", "no list"),
    "half a surrogate pair": (
        ok({"resultType": "vector", "result": [{"metric": {"a": "\ud800"}, "value": [1, "2"]}]}),
        "bad_answer",
        "check prometheus.url",
    ),
    "unknown result type": (ok({"resultType": "tensor", "result": []}), "bad_answer", "tensor"),
    "element without metric": (ok({"resultType": "vector", "result": [{"value": [1, "2"]}]}), "bad_answer", "metric"),
    "value is a number": (vector(1, 2.5), "bad_answer", "not text"),
    "value is a word": (vector(1, "two"), "bad_answer", "two"),
    "value has one part": (vector("2"), "bad_answer", "check prometheus.url"),
    "bare NaN": (http("200 OK", '{"status":"success","data":NaN}'), "bad_answer", "check prometheus.url"),
    "cut body": (http("200 OK", '{"status":"success"}')[:-5], "bad_answer", "cut off"),
    "not HTTP": (b"SSH-2.0-OpenSSH_9.2\r\n", "bad_answer", "not HTTP"),
    "nothing": (b"", "connect", "without an answer"),
    "broken gzip": (http("200 OK", "plain", "Content-Encoding: gzip"), "bad_answer", "cut off"),
    "401": (http("401 Unauthorized", "no"), "auth", "check username"),
    "403": (http("403 Forbidden", "<html>"), "auth", "check username"),
    "404": (http("404 Not Found", "404 page not found"), "bad_answer", "path prefix"),
    "redirect": (
        http("302 Found", "", "Location: https://u:p@sso.example.org/in?t=1"),
        "bad_answer",
        "https://sso.example.org/in:",
    ),
    "parse error": (api_error("400 Bad Request", "bad_data", "parse error: unexpected )"), "bad_query", "unexpected )"),
    "execution error": (
        api_error("422 Unprocessable Entity", "execution", "many-to-many"),
        "bad_query",
        "many-to-many",
    ),
    "other maker's error type": (api_error("422 Unprocessable Entity", "422", "bad arg"), "bad_query", "bad arg"),
    "query timeout": (api_error("503 Service Unavailable", "timeout", "query timed out"), "timeout", "timed out"),
    "starting up": (http("503 Service Unavailable", "Service Unavailable"), "server", "503"),
    "internal": (api_error("500 Internal Server Error", "internal", "disk"), "server", "disk"),
    "too many requests": (http("429 Too Many Requests", "slow down"), "server", "429"),
    "gateway timeout": (http("504 Gateway Timeout", ""), "timeout", "504"),
    "URL too long": (http("414 URI Too Long", ""), "bad_query", "414"),
    "unheard-of status": (http("418 I'm a teapot", "short\n\x1b[31mand stout"), "bad_answer", "418"),
    "error that repeats the secret": (http("500 Oops", f"bad header {SECRET}"), "server", "bad header ***"),
}


MATRIX_NONSENSE = {
    "result is text": ok({"resultType": "matrix", "result": "many"}),
    "no metric": ok({"resultType": "matrix", "result": [{"values": []}]}),
    "one number per sample": ok({"resultType": "matrix", "result": [{"metric": {}, "values": [1, 2]}]}),
    "time is a word": ok({"resultType": "matrix", "result": [{"metric": {}, "values": [["now", "1"]]}]}),
    "error with status 200": http("200 OK", {"status": "error", "error": "x"}),
    "HTML login page": NONSENSE["HTML login page"][0],
    "half an object": NONSENSE["half an object"][0],
}


def client_of(url: str, **settings: object) -> Prometheus:
    return Prometheus(PrometheusSettings(url, **{"username": "me", "password": SECRET, "timeout_s": 5, **settings}))


@pytest.mark.parametrize(("reply", "reason", "part"), NONSENSE.values(), ids=NONSENSE.keys())
def test_nonsense_is_one_error(parrot: Callable, reply: bytes, reason: str, part: str) -> None:
    client = client_of(parrot(reply).url)

    with pytest.raises(QueryError) as caught:
        client.query("up", 1000.0)

    text = str(caught.value)
    assert (reason, part in text) == (caught.value.reason, True), text
    assert SECRET not in text
    assert text.isprintable()
    assert len(text) < 400


@pytest.mark.parametrize("reply", MATRIX_NONSENSE.values(), ids=MATRIX_NONSENSE.keys())
@pytest.mark.parametrize("ask", ["range", "raw"])
def test_a_nonsensical_matrix_is_one_error(parrot: Callable, reply: bytes, ask: str) -> None:
    client = client_of(parrot(reply).url)

    with pytest.raises(QueryError) as caught:
        client.range("up", 0.0, 60.0, 15.0) if ask == "range" else client.raw("up", 0.0, 60.0)

    assert caught.value.reason == "bad_answer"


def test_flags_that_are_no_map_are_one_error(parrot: Callable) -> None:
    with pytest.raises(QueryError, match=r"check prometheus\.url"):
        client_of(parrot(ok(["web.listen-address"])).url).flags()


def test_a_server_that_never_answers_is_a_timeout(parrot: Callable) -> None:
    with pytest.raises(QueryError, match=r"did not answer within 0\.1 s") as caught:
        client_of(parrot(None).url, timeout_s=0.1).query("up", 1000.0)

    assert caught.value.reason == "timeout"


def test_a_body_that_stops_coming_is_a_timeout(parrot: Callable) -> None:
    server = parrot(None)
    server.start_of_reply = http("200 OK", '{"status":"success"}')[:-5]

    with pytest.raises(QueryError, match=r"did not answer within 0\.1 s") as caught:
        client_of(server.url, timeout_s=0.1).query("up", 1000.0)

    assert caught.value.reason == "timeout"


UNREACHABLE = {
    "nobody listens": ("http://127.0.0.1:{port}", "Connection refused"),
    "name not known": ("http://nowhere.invalid:9090", "cannot be reached"),
    "no scheme": ("localhost:9090", "cannot be reached"),
    "nonsense in the name": ("http://*." + "x" * 70 + ".example:9090", "cannot be reached"),
}


@pytest.mark.parametrize(("url", "part"), UNREACHABLE.values(), ids=UNREACHABLE.keys())
def test_a_server_that_cannot_be_reached(url: str, part: str) -> None:
    client = client_of(url.format(port=free_port()))

    with pytest.raises(QueryError) as caught:
        client.query("up", 1000.0)

    assert caught.value.reason == "connect"
    assert part in str(caught.value)
    assert not client.ready()


def test_a_ca_file_that_is_not_there_is_named() -> None:
    with pytest.raises(QueryError, match=r"/nowhere/ca\.pem") as caught:
        client_of("https://127.0.0.1:9", ca_file="/nowhere/ca.pem").query("up", 1000.0)

    assert caught.value.reason == "connect"


@pytest.mark.parametrize("headers", [(), ("Content-Encoding: gzip",)], ids=["plain", "packed"])
def test_an_answer_above_the_limit_is_not_taken_in(parrot: Callable, headers: tuple[str, ...]) -> None:
    body = b'{"status":"success","data":"' + b"x" * 3_000_000 + b'"}'
    reply = http("200 OK", gzip.compress(body) if headers else body, *headers)

    with pytest.raises(QueryError, match="more than 2000000 bytes") as caught:
        client_of(parrot(reply).url, max_response_bytes=2_000_000).query("up", 1000.0)

    assert caught.value.reason == "bad_answer"


def test_credentials_missing_and_credentials_refused_are_told_apart(parrot: Callable) -> None:
    with pytest.raises(QueryError, match="wants credentials"):
        Prometheus(PrometheusSettings(parrot(NONSENSE["401"][0]).url)).query("up", 1000.0)


def test_settings_do_not_show_secrets() -> None:
    settings = PrometheusSettings(
        f"http://me:{SECRET}@h:9090/p/", password=SECRET, bearer_token=SECRET, headers={"X-Key": SECRET}
    )

    assert settings.base_url == "http://h:9090/p"
    assert SECRET not in repr(settings)


@pytest.fixture
def tls_url(parrot: Callable) -> str:
    """A server with a certificate that nobody has signed but itself."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(SELF_SIGNED)
    server = parrot(ok({"resultType": "vector", "result": []}), context)
    return server.url.replace("http:", "https:")


def test_an_untrusted_certificate_names_the_mend(tls_url: str) -> None:
    with pytest.raises(QueryError, match=r"not trusted \(self.signed certificate\): set prometheus\.ca_file") as caught:
        client_of(tls_url).query("up", 1000.0)

    assert caught.value.reason == "connect"


@pytest.mark.parametrize(
    "settings", [{"ca_file": str(SELF_SIGNED)}, {"insecure_skip_verify": True}], ids=["ca_file", "insecure"]
)
def test_a_certificate_that_the_settings_accept_is_accepted(tls_url: str, settings: dict) -> None:
    assert client_of(tls_url, **settings).query("up", 1000.0).samples == []
