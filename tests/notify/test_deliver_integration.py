"""Real deliveries on loopback: an HTTP sink that speaks ntfy's JSON and misbehaves in every way, a real SMTP server."""

from __future__ import annotations

import base64
import email
import email.policy
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from watchman.errors import DeliveryError
from watchman.notify.message import Attachment, Message
from watchman.notify.sender import Sender

pytestmark = pytest.mark.integration

NOW = 1_763_700_000.0
MESSAGE = Message("Power cut", "Since 05:40. Größe: 62 %", severity="critical")
# A one-pixel PNG.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@dataclass
class Sink:
    """An ntfy that answers as it is told to."""

    status: int = 200
    body: bytes = b'{"id": "x"}'
    behaviour: str = "answer"
    received: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""
    release: threading.Event = field(default_factory=threading.Event)

    def fails(self, status: int, code: int, error: str) -> None:
        """Answer as ntfy does when it refuses."""
        self.status, self.body = status, json.dumps({"code": code, "http": status, "error": error}).encode()


@pytest.fixture
def sink() -> Iterator[Sink]:
    found = Sink()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            is_json = self.headers.get("Content-Type") == "application/json"
            found.received.append(
                {"path": self.path, "headers": dict(self.headers), "json": json.loads(content) if is_json else None}
            )
            if found.behaviour == "hang":
                found.release.wait(30)
            if found.behaviour in ("hang", "drop"):
                self.close_connection = True
                return
            self.send_response(found.status)
            self.send_header("Content-Length", str(len(found.body) + (100 if found.behaviour == "half" else 0)))
            self.end_headers()
            self.wfile.write(found.body)
            self.close_connection = found.behaviour == "half"

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    found.url = f"ntfy://tk_secretx@127.0.0.1:{server.server_port}/secrettopic"
    yield found
    found.release.set()
    server.shutdown()
    server.server_close()
    thread.join()


def deliver(url: str, message: Message = MESSAGE, timeout_s: float = 10.0) -> str:
    return Sender(lambda: NOW).deliver(url, message, timeout_s, "row-1")


def failed(url: str, message: Message = MESSAGE, timeout_s: float = 10.0) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        deliver(url, message, timeout_s)
    for secret in ("secretx", "secrettopic", "secretpass"):
        assert secret not in str(caught.value)
    return caught.value


def test_ntfy_gets_title_text_and_priority(sink: Sink) -> None:
    assert deliver(sink.url) == "accepted by ntfy"

    [request] = sink.received
    assert request["json"] == {"topic": "secrettopic", "title": MESSAGE.title, "message": MESSAGE.text}
    assert request["headers"]["X-Priority"] == "max"
    assert request["headers"]["Authorization"] == "Bearer tk_secretx"


@pytest.mark.parametrize(
    ("status", "code", "error", "permanent", "retry_after_s"),
    [
        (401, 40101, "unauthorized", True, None),
        (403, 40301, "forbidden", True, None),
        (404, 40401, "page not found", True, None),
        (429, 42901, "limit reached", False, 60.0),
        (500, 50001, "internal server error", False, None),
        (503, 50301, "overloaded", False, None),
    ],
)
def test_refusals_of_ntfy_are_told_apart(
    sink: Sink, status: int, code: int, error: str, permanent: bool, retry_after_s: float | None
) -> None:
    sink.fails(status, code, error)

    found = failed(sink.url)
    assert (found.permanent, found.retry_after_s) == (permanent, retry_after_s)
    assert error in str(found)


@pytest.mark.parametrize("body", [b"", b"<html>proxy</html>", b"[1]", b"\xff\xfe"])
def test_a_refusal_that_is_no_json_is_a_failure_all_the_same(sink: Sink, body: bytes) -> None:
    sink.status, sink.body = 401, body

    assert failed(sink.url).permanent is True


@pytest.mark.parametrize(("behaviour", "words"), [("drop", "broke off"), ("half", "broke off")])
def test_an_answer_that_breaks_off_is_tried_again(sink: Sink, behaviour: str, words: str) -> None:
    sink.behaviour = behaviour

    found = failed(sink.url)
    assert found.permanent is False
    assert words in str(found)


def test_a_service_that_hangs_is_a_failure_within_the_time_limit(sink: Sink) -> None:
    sink.behaviour = "hang"

    found = failed(sink.url, timeout_s=1.5)
    assert found.permanent is False
    assert "in time" in str(found) or "within" in str(found)


def test_a_closed_port_is_a_refused_connection(sink: Sink) -> None:
    found = failed("ntfy://127.0.0.1:1/secrettopic")

    assert (found.permanent, "connection refused" in str(found)) == (False, True)


def test_a_picture_goes_along_and_a_server_that_takes_none_still_gets_the_text(sink: Sink) -> None:
    picture = Message("t", "text", attachments=(Attachment("chart.png", "image/png", PNG),))
    assert deliver(sink.url, picture) == "accepted by ntfy"
    assert sink.received[0]["json"] is None
    assert "filename=chart.png" in sink.received[0]["path"]

    sink.received.clear()
    sink.fails(400, 40014, "attachments not allowed")
    failed(sink.url, picture)
    assert [request["json"] is None for request in sink.received] == [True, False]


def test_a_plugin_that_hangs_for_good_is_left_behind_a_few_times_only(sink: Sink) -> None:
    sender = Sender(lambda: NOW)
    sink.behaviour = "hang"
    url = sink.url + "?rto=60"
    for _ in range(3):
        with pytest.raises(DeliveryError, match="no answer within"):
            sender.deliver(url, MESSAGE, 0.3)
    with pytest.raises(DeliveryError, match="still hang"):
        sender.deliver(url, MESSAGE, 0.3)
    assert len(sink.received) == 3


@pytest.mark.parametrize(("result", "words"), [(None, "no reason"), (False, "no reason"), (ValueError("secretx"), "")])
def test_a_plugin_that_returns_nothing_or_raises_is_a_failed_attempt(
    sink: Sink, monkeypatch: pytest.MonkeyPatch, result: object, words: str
) -> None:
    from apprise.plugins.ntfy import NotifyNtfy

    def send(*args: object, **kwargs: object) -> object:
        if isinstance(result, Exception):
            raise result
        return result

    monkeypatch.setattr(NotifyNtfy, "send", send)

    found = failed(sink.url)
    assert found.permanent is False
    assert words in str(found)


def test_a_url_nobody_can_use_is_a_permanent_failure() -> None:
    assert failed("nosuch://secretx").permanent is True


class Post:
    """What an SMTP server took, and whom it refuses."""

    def __init__(self) -> None:
        self.mails: list[Any] = []
        self.recipients: list[str] = []
        self.refuse: dict[str, str] = {}
        self.answer = "250 2.0.0 queued as ABC123"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        self.recipients += envelope.rcpt_tos
        return self.answer


@pytest.fixture
def post_office() -> Iterator[Callable[..., tuple[Post, str]]]:
    started: list[Controller] = []

    def start(password: str | None = None) -> tuple[Post, str]:
        post = Post()
        login = {} if password is None else _login(password)
        controller = Controller(post, hostname="127.0.0.1", port=0, **login)
        # The library asks its own port whether it is up, which needs a number chosen beforehand.
        controller.port = _free_port()
        controller.start()
        started.append(controller)
        return post, f"127.0.0.1:{controller.port}"

    yield start
    for controller in started:
        controller.stop()


def _login(password: str) -> dict[str, Any]:
    def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        good = isinstance(data, LoginPassword) and data.password == password.encode()
        return AuthResult(success=good, handled=good, message=None if good else "535 5.7.8 authentication failed")

    return {"authenticator": check, "auth_require_tls": False, "auth_required": True}


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


FROM = "from=Home<home@example.org>&to=jo@example.net"


def test_a_digest_arrives_with_its_own_text_and_its_pictures(post_office: Callable) -> None:
    post, place = post_office()
    html = '<h1>Größe</h1><img src="cid:flows.png"><img src="cid:bars.png">'
    pictures = tuple(Attachment(name, "image/png", PNG) for name in ("flows.png", "bars.png"))
    answer = deliver(
        f"mailto://{place}/?{FROM}", Message("Home, Sat 21 Nov", "Sun 27.4 kWh\n", html, "notice", pictures)
    )

    assert answer == "250 2.0.0 queued as ABC123"
    [mail] = post.mails
    assert (mail["Subject"], mail["From"], mail["To"]) == (
        "Home, Sat 21 Nov",
        "Home <home@example.org>",
        "jo@example.net",
    )
    assert mail.get_body(("plain",)).get_content().strip() == "Sun 27.4 kWh"
    assert "Größe" in mail.get_body(("html",)).get_content()
    images = [part for part in mail.walk() if part.get_content_maintype() == "image"]
    assert [(part["Content-ID"], part.get_content()) for part in images] == [("<flows.png>", PNG), ("<bars.png>", PNG)]


def test_copies_are_sent_and_blind_ones_are_not_shown(post_office: Callable) -> None:
    post, place = post_office()
    deliver(f"mailto://{place}/?{FROM}&cc=kim@example.net&bcc=lee@example.net")

    assert post.recipients == ["jo@example.net", "kim@example.net", "lee@example.net"]
    assert "lee@example.net" not in post.mails[0].as_string()


@pytest.mark.parametrize(("answer", "permanent"), [("550 no such user", True), ("451 greylisted", False)])
def test_a_refused_recipient_is_named(post_office: Callable, answer: str, permanent: bool) -> None:
    post, place = post_office()
    post.refuse = {"jo@example.net": answer}

    found = failed(f"mailto://{place}/?{FROM}")
    assert found.permanent is permanent
    assert f"jo@example.net refused: {answer}" in str(found)
    assert post.mails == []


def test_one_refused_of_two_gets_the_other_the_mail_and_no_quick_repeat(post_office: Callable) -> None:
    post, place = post_office()
    post.refuse = {"kim@example.net": "450 mailbox busy"}

    found = failed(f"mailto://{place}/?{FROM}&cc=kim@example.net")
    assert (found.permanent, found.retry_after_s) == (False, 600.0)
    assert "kim@example.net refused" in str(found)
    assert post.recipients == ["jo@example.net"]


@pytest.mark.parametrize(("answer", "permanent"), [("554 spam", True), ("452 disk full", False)])
def test_a_refused_message_carries_the_servers_words(post_office: Callable, answer: str, permanent: bool) -> None:
    post, place = post_office()
    post.answer = answer

    found = failed(f"mailto://{place}/?{FROM}")
    assert found.permanent is permanent
    assert answer in str(found)


def test_the_right_password_is_taken_and_a_wrong_one_is_permanent(post_office: Callable) -> None:
    post, place = post_office(password="rightpass")
    deliver(f"mailto://home:rightpass@{place}/?{FROM}")
    assert len(post.mails) == 1

    found = failed(f"mailto://home:secretpass@{place}/?{FROM}")
    assert found.permanent is True
    assert "535" in str(found)


def test_a_mail_server_that_is_down_is_tried_again() -> None:
    found = failed(f"mailto://127.0.0.1:1/?{FROM}")

    assert (found.permanent, "connection refused" in str(found)) == (False, True)


def test_a_server_without_starttls_is_not_spoken_to_in_the_clear(post_office: Callable) -> None:
    post, place = post_office()

    failed(f"mailtos://home:secretpass@{place}/?{FROM}&mode=starttls")
    assert post.mails == []


def test_a_thousand_odd_characters_pass_unharmed(post_office: Callable) -> None:
    post, place = post_office()
    odd = "x" * 3000 + "\n.\n..dots\nÄÖ" + "\u2603" * 500
    deliver(f"mailto://{place}/?{FROM}", Message("t\r\nBcc: evil@example.org", odd))

    assert post.mails[0].get_content().replace("\r\n", "\n").strip() == odd
    assert post.mails[0]["Subject"] == "t Bcc: evil@example.org"
    assert post.recipients == ["jo@example.net"]
