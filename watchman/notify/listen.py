"""Listening to an ntfy topic: one request that never ends, begun again when it breaks off. A thread of its own.

What was posted while nobody listened is caught up with from the server's cache, from the last message that was seen.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import requests

from watchman.notify.orders import Topic

log = logging.getLogger(__name__)

# ntfy says that it is alive every 45 s.
SILENT_S = 120.0
CONNECT_S = 10.0
MOST_PAUSE_S = 300.0
STEADY_S = 60.0
_MOST_LINE = 16_384

OnMessage = Callable[[str], bool]
"""`on_message(text)`: true if it is done with, false if it has to come again. Must not raise."""


class Listener:
    """Listens until it is stopped. `since` is the id to go on from, or unix seconds as text; `remember(id)` keeps it.

    `monotonic` gives seconds.
    """

    def __init__(
        self,
        topic: Topic,
        since: str,
        on_message: OnMessage,
        remember: Callable[[str], None],
        monotonic: Callable[[], float],
    ) -> None:
        self._topic, self._since = topic, since
        self._on_message, self._remember, self._monotonic = on_message, remember, monotonic
        self._stopped = threading.Event()
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="commands", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def stop(self) -> None:
        """End soon: with the next line that comes. Nothing is done any more from now on."""
        self._stopped.set()

    def join(self, timeout_s: float) -> bool:
        """Wait for the end; True if it came."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        pause_s = 0.5
        while not self._stopped.is_set():
            began = self._monotonic()
            problem = self._listen()
            if self._stopped.is_set():
                return
            # A stream that held for a while broke off by chance; one that never stands is left alone for longer.
            pause_s = 1.0 if self._monotonic() - began > STEADY_S else min(pause_s * 2, MOST_PAUSE_S)
            self._tell(problem)
            self._stopped.wait(pause_s)

    def _listen(self) -> str:
        """One stream, to its end; returns why it ended."""
        try:
            with requests.get(
                f"{self._topic.url}/json",
                params={"since": self._since},
                headers=dict(self._topic.headers),
                auth=self._topic.auth,
                verify=self._topic.verify,
                timeout=(CONNECT_S, SILENT_S),
                stream=True,
            ) as answer:
                if answer.status_code != requests.codes.ok:
                    return f"the server answers {answer.status_code}"
                return self._read(answer)
        except (requests.RequestException, OSError, ValueError) as error:
            return type(error).__name__

    def _read(self, answer: requests.Response) -> str:
        for line in _lines(answer):
            if self._stopped.is_set():
                return ""
            if not self._take(line):
                return "what was read could not be kept"
        return "the stream ended"

    def _take(self, line: bytes) -> bool:
        try:
            event: Any = json.loads(line)
            kind, number, text = event["event"], event["id"], event.get("message", "")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return True
        if kind == "open" and self._failing:
            self._failing = False
            log.info("the command topic is listened to again")
        if kind != "message" or not isinstance(text, str) or not isinstance(number, str):
            return True
        if not self._on_message(text):
            return False
        self._since = number
        self._remember(number)
        return True

    def _tell(self, problem: str) -> None:
        """Once for each time it fails, not once for each attempt."""
        if not self._failing:
            self._failing = True
            log.warning("the command topic cannot be listened to, it is tried again: %s", problem)


def _lines(answer: requests.Response) -> Iterator[bytes]:
    """Lines as they come; of one that is too long only the end, which is then no JSON."""
    line = bytearray()
    for byte in answer.iter_content(chunk_size=1):
        if byte == b"\n":
            yield bytes(line)
            line.clear()
        else:
            line += byte
        if len(line) > _MOST_LINE:
            line.clear()
