"""Receivers as they are in bad times: they fail, delay, drop the connection, and answer after nobody listens any more.

Each keeps a copy of every message it took, with the time, and whether the sender can have heard of it.
"""

from __future__ import annotations

import asyncio
import email
import email.policy
import json
import random
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from aiosmtpd.controller import Controller
from servers import free_port

# The sender's patience in these tests is a second (`?rto=1`).
AFTER_THE_CUT_S = 1.5
DELAY_S = 0.3
FINE, FAILS, DELAYS, DROPS, DROPS_AFTER, LATE = "fine", "fails", "delays", "drops", "drops after taking", "late"
MOODS = (FINE, FINE, FINE, FINE, FAILS, DELAYS, DROPS, DROPS_AFTER, LATE)
LIES = (DROPS_AFTER, LATE)


@dataclass(frozen=True)
class Copy:
    """One message as a receiver took it; `lied`: the sender cannot know that it was taken."""

    title: str
    at: float
    lied: bool


class Moody:
    """What both kinds of receivers have: moods by chance, and the copies they took."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.moody = True
        self.lock = threading.Lock()
        self.copies = []
        self.refusals = 0

    def mood(self):
        """The next mood."""
        with self.lock:
            mood = self.chance.choice(MOODS) if self.moody else FINE
            self.refusals += mood in (FAILS, DROPS)
            return mood

    def take(self, title, mood):
        """Keep a copy."""
        with self.lock:
            self.copies.append(Copy(title, time.time(), mood in LIES))

    def taken(self):
        """The copies, in order."""
        with self.lock:
            return list(self.copies)


class MoodyPhone(Moody):
    """An ntfy server."""

    def __init__(self, seed):
        super().__init__(seed)
        phone = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                mood = phone.mood()
                if mood not in (FAILS, DROPS):
                    phone.take(message.get("title") or message["message"], mood)
                time.sleep({DELAYS: DELAY_S, LATE: AFTER_THE_CUT_S}.get(mood, 0))
                if mood in (DROPS, DROPS_AFTER):
                    self.close_connection = True
                    return
                body = b'{"error":"no"}' if mood == FAILS else b'{"id":"x"}'
                try:
                    self.send_response(503 if mood == FAILS else 200)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:
                    # Nobody listens any more.
                    self.close_connection = True

            def log_message(self, *_args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"ntfy://127.0.0.1:{self.server.server_port}/home?rto=1&cto=1"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class MoodyPost(Moody):
    """A mail server."""

    def __init__(self, seed):
        super().__init__(seed)
        self.port = free_port()
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self.controller.start()

    async def handle_DATA(self, server, _session, envelope):  # noqa: N802 - aiosmtpd's name
        mood = self.mood()
        if mood == FAILS:
            return "451 try again"
        if mood == DROPS:
            server.transport.abort()
            return "451 never heard"
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.take(str(mail["Subject"]), mood)
        await asyncio.sleep({DELAYS: DELAY_S, LATE: AFTER_THE_CUT_S}.get(mood, 0))
        if mood == DROPS_AFTER:
            server.transport.abort()
        return "250 taken"

    @property
    def url(self):
        return f"mailto://127.0.0.1:{self.port}/?from=watchman@example.org&to=me@example.org&rto=1"

    def close(self):
        self.controller.stop()
