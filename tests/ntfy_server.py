"""An ntfy server on loopback, of the shape its documentation gives: publish, replace, delete, subscribe.

Import from a test as `from ntfy_server import NtfyServer`.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit


class NtfyServer:
    """Topics in memory. `status` other than 200 refuses; `shown(topic)` is what a phone would show, oldest first."""

    def __init__(self, token: str = "") -> None:
        self.requests: list[dict[str, Any]] = []
        self.messages: list[dict[str, Any]] = []
        self.status, self.token = 200, token
        self.subscribers = 0
        self.closed = False
        self.changed = threading.Condition()
        self._server = _HttpServer(("127.0.0.1", 0), _Handler)
        self._server.ntfy = self
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    def shown(self, topic: str) -> list[dict[str, Any]]:
        """A later message of a sequence takes the place of the earlier one; a deleted one is gone."""
        found: dict[str, dict[str, Any]] = {}
        for message in self.messages:
            if message["topic"] != topic:
                continue
            if message["event"] == "message_delete":
                found.pop(message["sequence_id"], None)
            else:
                found[message["sequence_id"] or message["id"]] = message
        return list(found.values())

    def publish(self, topic: str, message: str, **fields: Any) -> dict[str, Any]:
        with self.changed:
            number = len(self.messages) + 1
            entry = {"id": f"m{number:06}", "time": 1_763_700_000 + number, "event": "message", "topic": topic}
            entry |= {"message": message, "title": "", "sequence_id": "", **fields}
            self.messages.append(entry)
            self.changed.notify_all()
        return entry

    def drop_subscribers(self) -> None:
        """End every stream, as a router that restarts does."""
        with self.changed:
            self.closed = True
            self.changed.notify_all()
            assert self.changed.wait_for(lambda: self.subscribers == 0, 30)
            self.closed = False

    def close(self) -> None:
        with self.changed:
            self.closed = True
            self.changed.notify_all()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True
    ntfy: NtfyServer


class _Handler(BaseHTTPRequestHandler):
    """The HTTP side of one NtfyServer."""

    server: _HttpServer

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlsplit(self.path).path.strip("/")
        given: dict[str, Any] = {name: unquote(found[0]) for name, found in self._query().items()}
        if not path:
            given |= json.loads(content)
        elif "filename" not in given:
            given["message"] = content.decode()
        headers = {name.lower(): text for name, text in self.headers.items()}
        self.server.ntfy.requests.append({"method": "POST", "path": self.path, "headers": headers, "body": content})
        if self._refused():
            return
        known = {name: given[name] for name in ("title", "filename") if given.get(name)}
        sequence = headers.get("x-sequence-id", "")
        actions = json.loads(headers.get("x-actions", "[]"))
        entry = self.server.ntfy.publish(
            path or given["topic"],
            given.get("message", ""),
            sequence_id=sequence,
            actions=actions,
            click=headers.get("x-click", ""),
            priority=headers.get("x-priority", "default"),
            **known,
        )
        self._answer(entry)

    def do_DELETE(self) -> None:
        topic, _, sequence = self.path.strip("/").partition("/")
        self.server.ntfy.requests.append({"method": "DELETE", "path": self.path})
        if not self._refused():
            self._answer(self.server.ntfy.publish(topic, "", event="message_delete", sequence_id=sequence))

    def do_GET(self) -> None:
        topic = urlsplit(self.path).path.strip("/").partition("/")[0]
        self.server.ntfy.requests.append({"method": "GET", "path": self.path, "headers": dict(self.headers)})
        if self._refused():
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson; charset=utf-8")
        self.end_headers()
        self._stream(topic, self._query().get("since", [""])[0])

    def _stream(self, topic: str, since: str) -> None:
        with self.server.ntfy.changed:
            self.server.ntfy.subscribers += 1
            self.server.ntfy.changed.notify_all()
            sent = len(self.server.ntfy.messages) if not since else self._after(since)
        try:
            self._line({"id": "o", "event": "open", "topic": topic})
            while True:
                with self.server.ntfy.changed:
                    self.server.ntfy.changed.wait_for(
                        lambda seen=sent: self.server.ntfy.closed or len(self.server.ntfy.messages) > seen, 60
                    )
                    fresh, sent = self.server.ntfy.messages[sent:], len(self.server.ntfy.messages)
                    if self.server.ntfy.closed:
                        return
                for message in fresh:
                    if message["topic"] == topic:
                        self._line(message)
        except OSError:
            return
        finally:
            with self.server.ntfy.changed:
                self.server.ntfy.subscribers -= 1
                self.server.ntfy.changed.notify_all()

    def _after(self, since: str) -> int:
        ids = [message["id"] for message in self.server.ntfy.messages]
        times = [message["time"] for message in self.server.ntfy.messages]
        if since in ids:
            return ids.index(since) + 1
        return sum(time < int(since) for time in times) if since.isdigit() else 0

    def _line(self, message: dict[str, Any]) -> None:
        self.wfile.write(json.dumps(message).encode() + b"\n")
        self.wfile.flush()

    def _refused(self) -> bool:
        status = self.server.ntfy.status
        if self.server.ntfy.token and self.headers.get("Authorization") != f"Bearer {self.server.ntfy.token}":
            status = 403
        if status == 200:
            return False
        body = json.dumps({"code": status * 100 + 1, "http": status, "error": "refused for a test"}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        return True

    def _answer(self, entry: dict[str, Any]) -> None:
        body = json.dumps(entry).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.path).query)

    def log_message(self, *_: object) -> None:
        pass
