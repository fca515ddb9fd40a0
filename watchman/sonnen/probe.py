"""`/probe?target=192.168.1.50`: batteries that are in no config file, in the manner of the blackbox exporter.

A target is polled in the background like any other battery, at its own pace and not at the scraper's, as long as it is
asked for. A target that is a configured system's host or URL is answered from that system.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from urllib.parse import parse_qs, urlsplit

from prometheus_client import Metric

from watchman.sonnen.allowed import ProbeSettings, is_allowed
from watchman.sonnen.collector import Build, collect
from watchman.sonnen.exposition import CONTENT_TYPE, render
from watchman.sonnen.pages import Answer
from watchman.sonnen.plan import is_online
from watchman.sonnen.poller import Poller
from watchman.sonnen.system import System, normal_url

WAIT_S = 4.0  # for the first answer; a scrape has 5 s at least
IDLE_S = 600.0
MAX_TARGETS = 64


class Probes:
    """The page `/probe`. Pollers begin with the first probe of a target and end IDLE_S after the last."""

    def __init__(
        self, settings: ProbeSettings, configured: Sequence[Poller], build: Build, start: Callable[[System], Poller]
    ) -> None:
        self._settings, self._configured, self._build, self._start = settings, configured, build, start
        self._lock = threading.Lock()
        self._pollers: dict[str, tuple[Poller, float]] = {}  # by URL, with when it was last asked for

    def __call__(self, query: str) -> Answer:
        started_s = time.perf_counter()
        try:
            target = parse_qs(query, max_num_fields=8).get("target", [""])[0]
        except ValueError:
            return Answer("too many parameters; ask for /probe?target=192.168.1.50\n", code=400)
        if not target:
            return Answer("target is missing; ask for /probe?target=192.168.1.50\n", code=400)
        poller = self._poller(target)
        if isinstance(poller, Answer):
            return poller
        poller.settled.wait(WAIT_S)
        return Answer(render(self._families(poller, started_s)), CONTENT_TYPE)

    def close(self) -> None:
        """Ask nothing more."""
        with self._lock:
            for poller, _ in self._pollers.values():
                poller.stop()

    def _poller(self, target: str) -> Poller | Answer:
        for poller in self._configured:
            if target in (poller.state.system.host, poller.state.system.url):
                return poller
        try:
            url = normal_url(target)
        except ValueError:
            return Answer("target is not a host or URL; write it as 192.168.1.50\n", code=400)
        if not is_allowed(url, self._settings.allowed):
            return Answer("target is not allowed; add it to allow under [probe] in the config file\n", code=403)
        return self._asked(url)

    def _asked(self, url: str) -> Poller | Answer:
        now_s = time.monotonic()
        with self._lock:
            self._forget(now_s)
            known = self._pollers.get(url)
            if known is None and len(self._pollers) >= MAX_TARGETS:
                return Answer(f"more than {MAX_TARGETS} targets are probed; start a second exporter\n", code=503)
            system = System(urlsplit(url).hostname or "", "", url, token=self._settings.token)
            poller = known[0] if known else self._start(system)
            self._pollers[url] = (poller, now_s)
            return poller

    def _forget(self, now_s: float) -> None:
        for url, (poller, asked_s) in list(self._pollers.items()):
            if now_s - asked_s > IDLE_S:
                poller.stop()
                del self._pollers[url]

    def _families(self, poller: Poller, started_s: float) -> list[Metric]:
        now_s = time.monotonic()
        families = collect([poller.state], self._build, now_s)
        success = Metric("probe_success", "1 if the target answers", "gauge")
        success.add_sample(success.name, {}, float(is_online(poller.state, now_s)))
        taken = Metric("probe_duration_seconds", "How long this probe took", "gauge")
        taken.add_sample(taken.name, {}, time.perf_counter() - started_s)
        return [*families, success, taken]
