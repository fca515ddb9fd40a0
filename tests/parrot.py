"""A server that says exactly the bytes a test gives it, whatever they are."""

from __future__ import annotations

import socket
import ssl
import threading


class Parrot:
    """Answers each connection's first request with `reply` and closes; `requests` holds what it was asked.

    `reply` None means: say no more than `start_of_reply` and keep the connection open.
    """

    def __init__(self, reply: bytes | None, tls: ssl.SSLContext | None = None) -> None:
        self.reply = reply
        self._tls = tls
        self.start_of_reply = b""
        self.requests: list[bytes] = []
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
                connection = self._tls.wrap_socket(connection, server_side=True) if self._tls else connection
            except ssl.SSLError:
                continue
            except OSError:
                return
            self.requests.append(self._read(connection))
            if self.reply is None:
                connection.sendall(self.start_of_reply)
                self._open.append(connection)
                continue
            connection.sendall(self.reply)
            connection.close()

    @staticmethod
    def _read(connection: socket.socket) -> bytes:
        got = b""
        while b"\r\n\r\n" not in got:
            piece = connection.recv(65536)
            if not piece:
                return got
            got += piece
        head, _, body = got.partition(b"\r\n\r\n")
        lengths = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
        while len(body) < (int(lengths[0]) if lengths else 0):
            body += connection.recv(65536)
        return head + b"\r\n\r\n" + body

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._open:
            connection.close()
        self._thread.join(5)
