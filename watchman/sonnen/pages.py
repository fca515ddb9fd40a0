"""A small HTTP server for a few read-only pages, bounded against slow and many clients."""

from __future__ import annotations

import gzip
import io
import logging
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any, cast

from watchman.sonnen.bounded import BoundedReader

MAX_CLIENTS = 32
CLIENT_S = 10.0  # for a whole request, however it trickles in
MAX_REQUEST = 16 * 1024

_BUSY = b"HTTP/1.0 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\n\r\n"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a path answers."""

    body: str
    content_type: str = "text/plain; charset=utf-8"
    code: int = 200


Pages = Mapping[str, Callable[[], Answer]]
Queries = Mapping[str, Callable[[str], Answer]]  # pages that read what follows the question mark


class Server(ThreadingHTTPServer):
    """Serves `pages`, to at most MAX_CLIENTS at a time; the next one gets a 503 at once."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, family: int, address: tuple[str, int], pages: Pages, queries: Queries) -> None:
        self.address_family = family
        self.pages, self.queries = pages, queries
        self.encode = _Encoder()
        self._places = threading.BoundedSemaphore(MAX_CLIENTS)
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        # HTTPServer would ask the DNS for our own name here, which takes seconds where there is none.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "", self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._places.acquire(blocking=False):
            super().process_request(request, client_address)
            return
        request.setblocking(False)
        try:
            request.send(_BUSY)
        except OSError:
            log.debug("a client did not wait for its 503")
        self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the base class's signature
        # A client that went away in the middle of an answer is no news; anything else is a fault of ours.
        level = logging.DEBUG if isinstance(sys.exc_info()[1], OSError) else logging.ERROR
        log.log(level, "the request of %s failed", client_address[0], exc_info=True)


class _Encoder:
    """The bytes of an answer. Those of the last one are kept: scrapers that share a page share its compression, whose
    buffers would otherwise stay with every thread that ever served."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last: tuple[Answer, bool] | None = None
        self._bytes = b""

    def __call__(self, page: Answer, *, zipped: bool) -> bytes:
        with self._lock:
            if self._last is None or self._last[0] is not page or self._last[1] is not zipped:
                body = page.body.encode()
                self._bytes = gzip.compress(body, compresslevel=1, mtime=0) if zipped else body
                self._last = page, zipped
            return self._bytes


class _Handler(BaseHTTPRequestHandler):
    timeout = CLIENT_S
    server_version = "watchman"
    sys_version = ""

    def setup(self) -> None:
        super().setup()
        reader = BoundedReader(self.connection, time.monotonic() + CLIENT_S, MAX_REQUEST, time.monotonic)
        self.rfile = io.BufferedReader(reader)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        log.debug(format, *args)

    def _answer(self, *, with_body: bool) -> None:
        server = cast("Server", self.server)
        page = _find(server, self.path)
        zipped = _takes_gzip(self.headers.get("Accept-Encoding", ""))
        body = server.encode(page, zipped=zipped)
        self.send_response(page.code)
        self.send_header("Content-Type", page.content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Vary", "Accept-Encoding")
        self.send_header("X-Content-Type-Options", "nosniff")
        if zipped:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        if with_body:
            self.connection.settimeout(CLIENT_S)
            self.wfile.write(body)


def open_server(host: str | None, port: int, pages: Pages, queries: Queries | None = None) -> Server:
    """A server bound to an address; None means all addresses, with IPv6 where the machine has it. Raises OSError."""
    if host is None:
        try:
            return Server(socket.AF_INET6, ("::", port), pages, queries or {})
        except OSError:
            host = "0.0.0.0"  # noqa: S104 - all addresses was asked for; this machine has no IPv6
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, address = found[0]
    return Server(family, (str(address[0]), port), pages, queries or {})


def _find(server: Server, target: str) -> Answer:
    path, _, query = target.partition("?")
    if make := server.pages.get(path):
        return make()
    if ask := server.queries.get(path):
        return ask(query)
    return Answer("404 not found\n", code=404)


def _takes_gzip(accepted: str) -> bool:
    for entry in accepted.lower().split(","):
        coding, _, quality = entry.strip().partition(";")
        if coding.strip() == "gzip":
            return quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False
