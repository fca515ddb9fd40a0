"""A mail server that takes everything and delivers nothing: enough of RFC 5321 for any client."""

from __future__ import annotations

import re
import socketserver
import sys
import threading
from collections.abc import Callable
from typing import Any

MAX_MESSAGE = 20 << 20
_MAX_LINE = 4096
_MAX_RECIPIENTS = 100
_PATH = re.compile(r"(?:FROM|TO):\s*<(?P<address>[^<>\s]*)>", re.IGNORECASE)

Keep = Callable[[str, tuple[str, ...], bytes], None]
"""`keep(sender, recipients, message)`: the message as it was sent, dots undone. Called before the client's 250."""


class SmtpServer(socketserver.ThreadingTCPServer):
    """Listens on a free loopback port; every complete message goes to `keep`."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, keep: Keep) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.keep = keep

    @property
    def port(self) -> int:
        """The port it got."""
        return int(self.server_address[1])

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


class _Session(socketserver.StreamRequestHandler):
    timeout = 60
    server: SmtpServer

    def setup(self) -> None:
        super().setup()
        self._sender: str | None = None
        self._recipients: list[str] = []

    def handle(self) -> None:
        self._say("220 demo ESMTP")
        while True:
            line = self.rfile.readline(_MAX_LINE)
            if not line.endswith(b"\n"):
                if line:
                    self._say("500 line too long")
                return
            verb, _, rest = line.decode("latin-1").strip().partition(" ")
            if verb.upper() == "QUIT":
                self._say("221 bye")
                return
            self._say(self._command(verb.upper(), rest))

    def _command(self, verb: str, rest: str) -> str:
        match verb:
            case "EHLO":
                self._reset()
                return f"250-demo\r\n250-SIZE {MAX_MESSAGE}\r\n250-8BITMIME\r\n250 PIPELINING"
            case "HELO" | "RSET" | "NOOP":
                if verb != "NOOP":
                    self._reset()
                return "250 ok"
            case "VRFY":
                return "252 send it and see"
            case "MAIL" | "RCPT":
                return self._envelope(verb, rest)
            case "DATA":
                return self._data() if self._recipients else "503 RCPT comes first"
            case _:
                return "502 not known here"

    def _envelope(self, verb: str, rest: str) -> str:
        found = _PATH.match(rest)
        if found is None:
            return "501 give an address in angle brackets"
        if verb == "MAIL":
            self._reset()
            self._sender = found["address"]
        elif self._sender is None:
            return "503 MAIL comes first"
        elif len(self._recipients) >= _MAX_RECIPIENTS:
            return "452 too many recipients"
        else:
            self._recipients.append(found["address"])
        return "250 ok"

    def _data(self) -> str:
        """Read up to the lone dot. A connection that breaks before it leaves nothing behind."""
        self._say("354 end with a dot alone")
        lines: list[bytes] = []
        size = 0
        while (line := self.rfile.readline(MAX_MESSAGE)) not in (b".\r\n", b".\n"):
            if not line:
                raise ConnectionError("the client hung up within a message")
            size += len(line)
            if size <= MAX_MESSAGE:
                lines.append(line[1:] if line.startswith(b".") else line)
        sender, recipients = self._sender or "", tuple(self._recipients)
        self._reset()
        if size > MAX_MESSAGE:
            return "552 message too large"
        self.server.keep(sender, recipients, b"".join(lines))
        return "250 taken"

    def _reset(self) -> None:
        self._sender, self._recipients = None, []

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode("latin-1", "replace"))
