"""Reading from a socket with a deadline for the whole exchange and a limit on bytes.

A timeout on a socket counts from byte to byte: a peer that sends one byte a second would never be given up.
"""

from __future__ import annotations

import io
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class TooMuchError(OSError):
    """The peer sent more bytes than allowed."""


class BoundedReader(io.RawIOBase):
    """The receiving side of a socket. After `deadline_s` on `clock` every read is a TimeoutError."""

    def __init__(self, sock: socket.socket, deadline_s: float, limit: int, clock: Callable[[], float]) -> None:
        super().__init__()
        self._sock, self._deadline_s, self._left, self._clock = sock, deadline_s, limit, clock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        self._sock.settimeout(remaining(self._deadline_s, self._clock))
        count = self._sock.recv_into(buffer)
        self._left -= count
        if self._left < 0:
            raise TooMuchError("the peer sent too many bytes")
        return count


class BoundedSocket:
    """As much of a socket as an HTTP client needs, bounded as a whole."""

    def __init__(self, sock: socket.socket, deadline_s: float, limit: int, clock: Callable[[], float]) -> None:
        self._sock, self._deadline_s, self._clock = sock, deadline_s, clock
        self._reader = BoundedReader(sock, deadline_s, limit, clock)

    def sendall(self, data: bytes) -> None:
        self._sock.settimeout(remaining(self._deadline_s, self._clock))
        self._sock.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        assert mode == "rb"
        return io.BufferedReader(self._reader)

    def close(self) -> None:
        """Nothing: http.client closes its socket while the answer is still being read. Who opened it closes it."""


def remaining(deadline_s: float, clock: Callable[[], float]) -> float:
    """Seconds until the deadline; TimeoutError once it has passed."""
    left_s = deadline_s - clock()
    if left_s <= 0:
        raise TimeoutError("timed out")
    return left_s
