"""A small web server for the demo's catchers: functions from a request to an answer."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

MAX_BODY = 20 << 20
_POLICY = "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; frame-src 'self'"


@dataclass(frozen=True, slots=True)
class Request:
    """`path` is decoded and has no slash at its end; header names are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back. Without a content type of its own it is a page."""

    body: bytes
    status: int = 200
    content_type: str = "text/html; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)


Respond = Callable[[Request], Answer | None]


class Site(ThreadingHTTPServer):
    """Serves `respond` on a free loopback port; None from it is a 404."""

    daemon_threads = True

    def __init__(self, respond: Respond) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.respond = respond

    @property
    def port(self) -> int:
        """The port it got."""
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Serve in a thread of its own."""
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        """Stop serving and free the port."""
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no error; anything else is shown."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30
    server: Site

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY:
            self.close_connection = True
            self._send(Answer(b"too large\n", 413, "text/plain"))
            return
        self._serve(self.rfile.read(int(length)))

    def do_DELETE(self) -> None:
        """A push that is taken away."""
        self.do_POST()

    def do_PUT(self) -> None:
        self.do_POST()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """The demo tells its own story."""

    def _serve(self, body: bytes) -> None:
        parts = urlsplit(self.path)
        request = Request(
            self.command,
            unquote(parts.path).rstrip("/"),
            dict(parse_qsl(parts.query)),
            {name.lower(): value for name, value in self.headers.items()},
            body,
        )
        self._send(self.server.respond(request) or Answer(b"not found\n", 404, "text/plain"))

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status)
        headers = {"Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff", **answer.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Type", answer.content_type)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)


def page(title: str, body: str, *, live: bool = True) -> Answer:
    """A page; `live` ones look again by themselves. `body` is HTML, `title` is text."""
    again = '<meta http-equiv="refresh" content="5">' if live else ""
    html = (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">{again}'
        '<meta name="viewport" content="width=device-width"><style>'
        "body{font:16px/1.4 system-ui,sans-serif;margin:2em auto;max-width:45em;padding:0 1em;color:#222}"
        "article{border:1px solid #ccc;border-radius:8px;padding:.8em 1em;margin:1em 0}"
        "h2{margin:0 0 .3em;font-size:1.1em}p{white-space:pre-wrap;margin:.4em 0}small{color:#666}"
        "img{max-width:100%}iframe{width:100%;height:75vh;border:1px solid #ccc}"
        f"</style><title>{escape(title)}</title></head><body><h1>{escape(title)}</h1>{body}</body></html>"
    )
    return Answer(html.encode())
