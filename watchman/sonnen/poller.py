"""Asking one battery in the background, one request at a time; scrapes read the state it leaves."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable

from watchman.sonnen.answers import Reading, read_answer
from watchman.sonnen.changes import changes
from watchman.sonnen.client import get
from watchman.sonnen.learn import Took, learn
from watchman.sonnen.plan import Ask, State, first_state, is_offline, is_online, next_ask
from watchman.sonnen.system import System
from watchman.sonnen.values import Failure

log = logging.getLogger(__name__)

Get = Callable[[str, str | None], bytes | Failure]


class Poller:
    """One battery and the thread that asks it. `state` is replaced as a whole, so it may be read at any time."""

    def __init__(self, system: System, fetch: Get = get) -> None:
        self.state: State = first_state(system, time.monotonic())
        self.settled = threading.Event()  # set once it is known whether the battery answers
        self._fetch = fetch
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"sonnen {system.host}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask nothing more. A request under way is not waited for: it ends with the process."""
        self._stop.set()

    def alive(self) -> bool:
        return self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.is_set():
            now_s = time.monotonic()
            ask = next_ask(self.state, now_s)
            if ask.at_s <= now_s:
                self._step(ask)
            else:
                self._stop.wait(ask.at_s - now_s)

    def _step(self, ask: Ask) -> None:
        started_s = time.monotonic()
        outcome = self._request(ask)
        took = Took(started_s, time.monotonic(), time.time())
        before = self.state
        self.state = learn(before, ask, outcome, took, random.random())  # noqa: S311 - spreads retries, no secret
        if is_online(self.state, took.finished_s) or is_offline(self.state):
            self.settled.set()
        for change in changes(before, self.state, took.finished_s):
            log.log(logging.WARNING if change.bad else logging.INFO, "%s: %s", before.system.host, change.message)

    def _request(self, ask: Ask) -> Reading | Failure:
        body = self._fetch(ask.url, self.state.system.token if ask.with_token else None)
        outcome = body if isinstance(body, Failure) else read_answer(ask.endpoint, body)
        if isinstance(outcome, Failure):
            log.debug("%s: %s: %s", self.state.system.host, ask.endpoint, outcome.message)
        return outcome
