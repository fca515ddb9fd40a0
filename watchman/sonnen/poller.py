"""Asking one battery in the background, one request at a time; scrapes read the state it leaves."""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from watchman.sonnen.answers import Reading, read_answer
from watchman.sonnen.changes import changes
from watchman.sonnen.client import get
from watchman.sonnen.learn import Took, learn, moved, with_token
from watchman.sonnen.plan import Ask, State, first_state, is_offline, is_online, next_ask
from watchman.sonnen.status import Status
from watchman.sonnen.system import System
from watchman.sonnen.values import Failure

if TYPE_CHECKING:
    from watchman.sonnen.discover import Found

log = logging.getLogger(__name__)

MAX_PART = 64  # a single number

SEARCH_AFTER_S = 300.0  # longer than the restart of every night
SEARCH_EVERY_S = 900.0

Get = Callable[[str, str | None], bytes | Failure]
Find = Callable[[System], "Found | str"]
OnStatus = Callable[[tuple[str, str], Status, float], None]


class Poller:
    """One battery and the thread that asks it. `state` is replaced as a whole, so it may be read at any time."""

    def __init__(
        self, system: System, fetch: Get = get, on_status: OnStatus | None = None, find: Find | None = None
    ) -> None:
        self.state: State = first_state(system, time.monotonic())
        self.settled = threading.Event()  # set once it is known whether the battery answers
        self._fetch, self._on_status, self._find = fetch, on_status, find
        self._searched_s = float("-inf")
        self._searched_in_vain: tuple[float, str] | None = None  # since when it was gone, and what was logged
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
            self._renew_token()
            self._look_for_it(time.monotonic())
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
        if self._on_status and isinstance(outcome, Status):
            self._on_status((before.system.host, before.system.sn), outcome, took.unix)
        if is_online(self.state, took.finished_s) or is_offline(self.state):
            self.settled.set()
        for change in changes(before, self.state, took.finished_s):
            log.log(logging.WARNING if change.bad else logging.INFO, "%s: %s", before.system.host, change.message)

    def _renew_token(self) -> None:
        """While the token is refused, look whether another one has been put into its file."""
        if self.state.token_ok is not False or self.state.system.reread_token is None:
            return
        try:
            token = self.state.system.reread_token()
        except (OSError, ValueError) as error:
            log.debug("%s: cannot read the token again: %s", self.state.system.host, error)
            return
        renewed = with_token(self.state, token, time.monotonic())
        if renewed is not self.state:
            self.state = renewed
            log.info("%s: the token was read again from its file: it is another one", renewed.system.host)

    def _look_for_it(self, now_s: float) -> None:
        """After a while without an answer, look whether the battery has got another address."""
        state, gone_s = self.state, self.state.offline_since_s
        if self._find is None or not state.system.search or gone_s is None or now_s - gone_s < SEARCH_AFTER_S:
            return
        if now_s - self._searched_s < SEARCH_EVERY_S:
            return
        found = self._find(state.system)
        self._searched_s = time.monotonic()
        if isinstance(found, str):
            if self._searched_in_vain != (gone_s, found):
                log.info("%s: %s", state.system.host, found)
            self._searched_in_vain = gone_s, found
            return
        log.warning("%s: found at %s; put this address into the config file", state.system.host, found.url)
        self.state = moved(state, found.url, now_s)

    def _request(self, ask: Ask) -> Reading | Failure:
        body = self._ask_parts(ask) if ask.parts else self._ask(ask, ask.url)
        outcome = body if isinstance(body, Failure) else read_answer(ask.endpoint, body)
        if isinstance(outcome, Failure):
            log.debug("%s: %s: %s", self.state.system.host, ask.endpoint, outcome.message)
        return outcome

    def _ask(self, ask: Ask, url: str) -> bytes | Failure:
        return self._fetch(url, self.state.system.token if ask.with_token else None)

    def _ask_parts(self, ask: Ask) -> bytes | Failure:
        """The object that the parts of an answer make, asked one after the other. Any but the first may be unknown."""
        found: dict[str, object] = {}
        for part in ask.parts:
            body = self._ask(ask, f"{ask.url}/{part}")
            if isinstance(body, Failure) and (body.reason != "not_found" or part == ask.parts[0]):
                return body
            if isinstance(body, bytes):
                found[part] = body[:MAX_PART].decode("utf-8", "replace").strip().strip('"')
        return json.dumps(found).encode()
