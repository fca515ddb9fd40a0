"""What services say when they refuse, from a real HTTP server through each real plugin: for good, or for now."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from watchman.errors import DeliveryError
from watchman.notify.message import Message
from watchman.notify.sender import Sender

pytestmark = pytest.mark.integration

TELEGRAM_TOKEN = "123456789:abcdefg_hijklmnop_secretx"


class Service:
    """Answers every request with `status` and `body`, and keeps what it was sent."""

    def __init__(self) -> None:
        self.status, self.body = 200, "{}"
        self.requests: list[tuple[str, bytes]] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                service.requests.append((self.path, content))
                self.send_response(service.status)
                self.send_header("Content-Length", str(len(service.body)))
                self.end_headers()
                self.wfile.write(service.body.encode())

            do_PUT = do_GET = do_POST  # noqa: N815 - http.server's names

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=lambda: self.server.serve_forever(0.01), daemon=True)
        self.thread.start()

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """A server on loopback that the plugins take for their services abroad too."""
    from apprise.plugins.pushover import NotifyPushover
    from apprise.plugins.telegram import NotifyTelegram

    found = Service()
    monkeypatch.setattr(NotifyTelegram, "notify_url", f"http://{found.place}/bot")
    monkeypatch.setattr(NotifyPushover, "notify_url", f"http://{found.place}/1/messages.json")
    yield found
    found.close()


URLS = {
    "ntfy": "ntfy://secretx:secretx@{place}/secrettopic",
    "json": "json://user:secretx@{place}/hook/secretx",
    "form": "form://{place}/hook/secretx",
    "xml": "xml://{place}/hook",
    "gotify": "gotify://{place}/secretxtoken",
    "telegram": f"tgram://{TELEGRAM_TOKEN}/12315544/",
    "pushover": f"pover://{'u' * 30}@{'t' * 30}",
    "mattermost": "mmost://{place}/3ccdd113474722377935511fc85d3dd4",
    "signal": "signal://{place}/+491234567890/+495678901234",
}
EVERYONE = sorted(URLS)


def url_of(name: str, service: Service) -> str:
    return URLS[name].format(place=service.place)


def failed(name: str, service: Service, status: int, body: str) -> DeliveryError:
    service.status, service.body = status, body
    with pytest.raises(DeliveryError) as caught:
        Sender(lambda: 0.0).deliver(url_of(name, service), Message("t", "text"), 10.0)
    assert "secretx" not in str(caught.value)
    assert service.requests, "the plugin asked somebody else"
    return caught.value


@pytest.mark.parametrize("status", [401, 403, 404, 410])
@pytest.mark.parametrize("name", EVERYONE)
def test_who_may_not_or_is_not_there_is_refused_for_good(service: Service, name: str, status: int) -> None:
    assert failed(name, service, status, "").permanent is True


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
@pytest.mark.parametrize("name", EVERYONE)
def test_a_service_in_trouble_is_tried_again(service: Service, name: str, status: int) -> None:
    assert failed(name, service, status, "<html>oops</html>").permanent is False


@pytest.mark.parametrize("name", EVERYONE)
def test_too_many_requests_asks_for_rest(service: Service, name: str) -> None:
    found = failed(name, service, 429, "")
    assert (found.permanent, found.retry_after_s) == (False, 60.0)


@pytest.mark.parametrize(
    ("name", "status", "body"),
    [
        ("telegram", 400, {"ok": False, "error_code": 400, "description": "Bad Request: chat not found"}),
        ("telegram", 403, {"ok": False, "error_code": 403, "description": "Forbidden: bot was blocked by the user"}),
        ("telegram", 401, {"ok": False, "error_code": 401, "description": "Unauthorized"}),
        ("pushover", 400, {"user": "invalid", "errors": ["user identifier is invalid"], "status": 0}),
        ("pushover", 400, {"token": "invalid", "errors": ["application token is invalid"], "status": 0}),
        ("ntfy", 400, {"code": 40024, "http": 400, "error": "invalid request: topic invalid"}),
    ],
)
def test_a_recipient_nobody_knows_is_refused_for_good(service: Service, name: str, status: int, body: dict) -> None:
    found = failed(name, service, status, json.dumps(body))
    assert found.permanent is True
    said = body.get("description") or body.get("error") or body["errors"][0]
    assert said.removeprefix("Bad Request: ") in str(found) or str(status) in str(found)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("ntfy", {"code": 40007, "http": 400, "error": "invalid request: priority invalid"}),
        ("telegram", {"ok": False, "error_code": 400, "description": "Bad Request: message is too long"}),
        ("json", {}),
    ],
)
def test_any_other_bad_request_is_tried_again_and_ends_in_three_days(service: Service, name: str, body: dict) -> None:
    assert failed(name, service, 400, json.dumps(body)).permanent is False


def test_an_answer_that_tells_a_secret_back_shows_none(service: Service) -> None:
    body = {"error": "token secretxtoken is not known here", "extra": "secretx"}
    assert "is not known here" in str(failed("gotify", service, 400, json.dumps(body)))


@pytest.mark.parametrize("name", EVERYONE)
def test_each_service_gets_text_within_its_limit(service: Service, name: str) -> None:
    service.body = json.dumps({"ok": True, "status": 1, "id": "x"})
    long = Message("Power cut", "word " * 20_000)
    Sender(lambda: 0.0).deliver(url_of(name, service), long, 10.0)
    content = service.requests[-1][1].decode(errors="replace")
    assert "word..." in content or "word.%2E" in content or "word%2E%2E%2E" in content
    assert len(content) < 80_000
