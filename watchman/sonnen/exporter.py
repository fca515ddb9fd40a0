"""The exporter: a poller per battery, and the pages Prometheus and people read."""

from __future__ import annotations

import html
import logging
import platform
import signal
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client import Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from watchman import __version__
from watchman.errors import WatchmanError
from watchman.sonnen.collector import Build, collect
from watchman.sonnen.energy_book import EnergyBook
from watchman.sonnen.exposition import CONTENT_TYPE, render
from watchman.sonnen.pages import Answer, Server, open_server
from watchman.sonnen.poller import Poller
from watchman.sonnen.probe import Probes
from watchman.sonnen.settings import Settings
from watchman.sonnen.system import System

if TYPE_CHECKING:
    from watchman.sonnen.discover import Found

FIRST_ANSWERS_S = 0.5
SHARED_S = 0.1  # no series changes faster than batteries are polled

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Exporter:
    """A running exporter. `port` is the one it listens on."""

    pollers: tuple[Poller, ...]
    server: Server
    port: int
    energies: EnergyBook | None = None
    probes: Probes | None = None


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; must be called in the main thread. Raises WatchmanError if it cannot listen."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    exporter = start(settings)
    stop.wait()
    close(exporter)
    log.info("stopped")


def start(settings: Settings) -> Exporter:
    """Bind, begin to poll, then serve in threads of their own.

    The batteries get a moment to answer first, so that a restart does not put a false `sonnen_online 0` on record.
    """
    for warning in settings.warnings:
        log.warning("%s", warning)
    energies = EnergyBook(settings.energy_file) if settings.energy_file else None
    build = Build(__version__, settings.revision, platform.python_version())
    pollers = _pollers(settings, energies)
    probes = Probes(settings.probe, pollers, build, _start_poller)
    server = _bind(settings, pollers, _Metrics(pollers, build, energies), probes)
    for poller in pollers:
        poller.start()
    until_s = time.monotonic() + FIRST_ANSWERS_S
    for poller in pollers:
        poller.settled.wait(max(0.0, until_s - time.monotonic()))
    threading.Thread(target=server.serve_forever, args=(0.1,), name="http", daemon=True).start()
    log.info("listening on port %d, batteries: %s", server.server_port, _names(pollers))
    return Exporter(pollers, server, server.server_port, energies, probes)


def close(exporter: Exporter) -> None:
    """Stop asking and serving. A request that waits for a battery is left to end by itself."""
    for poller in exporter.pollers:
        poller.stop()
    exporter.server.shutdown()
    exporter.server.server_close()
    if exporter.probes:
        exporter.probes.close()
    if exporter.energies:
        exporter.energies.save()


def _pollers(settings: Settings, energies: EnergyBook | None) -> tuple[Poller, ...]:
    """A poller per battery. One that has lost its battery knows which addresses the others hold."""
    pollers: list[Poller] = []

    def find(system: System) -> Found | str:
        from watchman.sonnen.discover import find_again

        others = [poller.state for poller in pollers if _label(poller.state.system) != _label(system)]
        taken = {url for other in others for url in (other.system.url, other.known.base if other.known else "")}
        return find_again(system, taken)

    on_status = energies.add if energies else None
    pollers += [Poller(system, on_status=on_status, find=find) for system in settings.systems]
    return tuple(pollers)


def _label(system: System) -> tuple[str, str]:
    return system.host, system.sn


def _start_poller(system: System) -> Poller:
    poller = Poller(system)
    poller.start()
    return poller


def _bind(settings: Settings, pollers: tuple[Poller, ...], metrics: _Metrics, probes: Probes) -> Server:
    pages: dict[str, Callable[[], Answer]] = {
        "/": lambda: _landing(pollers),
        "/metrics": metrics,
        "/-/healthy": lambda: _health(pollers),
    }
    try:
        return open_server(settings.listen.host, settings.listen.port, pages, {"/probe": probes})
    except (OSError, UnicodeError) as error:
        cause = (getattr(error, "strerror", None) or "that is no address").lower()
        raise WatchmanError(f"cannot listen on {settings.listen}: {cause}; choose another with --listen") from error


class _Metrics:
    """The text of a scrape. Scrapers that come together share one, so that many are little more work than one."""

    def __init__(self, pollers: tuple[Poller, ...], build: Build, energies: EnergyBook | None) -> None:
        self._pollers, self._build, self._energies = pollers, build, energies
        self._process, self._python = ProcessCollector(registry=None), PlatformCollector(registry=None)
        self._lock = threading.Lock()
        self._made_s = float("-inf")
        self._page = Answer("")

    def __call__(self) -> Answer:
        with self._lock:
            if time.monotonic() - self._made_s > SHARED_S:
                self._page = Answer(render(self._families()), CONTENT_TYPE)
                self._made_s = time.monotonic()
            return self._page

    def _families(self) -> list[Metric]:
        started_s = time.perf_counter()
        shown = self._energies.shown() if self._energies else {}
        families = collect((poller.state for poller in self._pollers), self._build, time.monotonic(), shown)
        families += [*self._process.collect(), *self._python.collect()]
        taken = Metric("sonnen_scrape_duration_seconds", "How long it took to collect these metrics", "gauge")
        taken.add_sample(taken.name, {}, time.perf_counter() - started_s)
        return [*families, taken]


def _landing(pollers: Iterable[Poller]) -> Answer:
    return Answer(
        "<!DOCTYPE html>\n"
        '<html lang="en">\n<head><meta charset="utf-8"><title>Sonnen Exporter</title></head>\n'
        "<body>\n<h1>Sonnen Exporter</h1>\n"
        f"<p>Batteries: {html.escape(_names(pollers))}</p>\n"
        '<p><a href="/metrics">Metrics</a></p>\n'
        f"<p>watchman {__version__}</p>\n</body>\n</html>\n",
        "text/html; charset=utf-8",
    )


def _health(pollers: Iterable[Poller]) -> Answer:
    """Whether this process works; a battery that is gone is no fault of it."""
    ended = [poller.state.system.host for poller in pollers if not poller.alive()]
    return Answer(f"poller ended: {', '.join(ended)}\n", code=503) if ended else Answer("OK\n")


def _names(pollers: Iterable[Poller]) -> str:
    return ", ".join(f"{poller.state.system.host} ({poller.state.system.url})" for poller in pollers)
