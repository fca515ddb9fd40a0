"""The exporter as a process beside simulated batteries: scrapes, memory, start-up, load on a battery, growth.

Latencies are of `/metrics` over HTTP, as a scraper sees them: the median and the 95th percentile. Twenty scrapers are
twenty threads that scrape without a pause. The week is the one battery's, played by a clock of its own through the same
functions that the exporter polls with; growth is what the process gained after the first simulated day.
"""

from __future__ import annotations

import gc
import http.client
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from watchman.sonnen.answers import read_answer
from watchman.sonnen.collector import Build, collect
from watchman.sonnen.exposition import render
from watchman.sonnen.learn import Took, learn
from watchman.sonnen.plan import first_state, next_ask
from watchman.sonnen.simulator import Home, Settings
from watchman.sonnen.simulator.generations import GENERATIONS
from watchman.sonnen.system import System

SCRAPES = 40
WATCHED_S = 20.0
WEEK_S = 7 * 86400
WEEK_POLL_S = 900.0  # every answer of the week is another one; polling it faster only takes longer
MIB = 1024 * 1024


def tell(figure: str, value: float, unit: str) -> None:
    """One line for the table."""
    sys.stdout.write(json.dumps({"figure": figure, "value": round(value, 4), "unit": unit}) + "\n")
    sys.stdout.flush()


@contextmanager
def running(*command: str) -> Iterator[subprocess.Popen[str]]:
    """A process of this Python, ended at the end."""
    with subprocess.Popen(
        [sys.executable, "-m", *command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(10)


def line_with(process: subprocess.Popen[str], pattern: str) -> str:
    """What the pattern's group holds in the first line it is found in."""
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.search(pattern, line):
            return found[1]
    raise AssertionError(f"the process ended without a line with {pattern}")


@contextmanager
def exporter_of(count: int, folder: Path) -> Iterator[tuple[subprocess.Popen[str], int, float]]:
    """An exporter of `count` batteries, the port it serves on, and how long it took until it served."""
    with running("watchman.sonnen.device", "--listen", "127.0.0.1:0", "--batteries", str(count)) as batteries:
        urls = [line_with(batteries, r"on (http://\S+),") for _ in range(count)]
        tables = [f'[[systems]]\nhost = "b{n}"\nurl = "{url}"\ntoken = "t"\n' for n, url in enumerate(urls)]
        config = folder / f"{count}.toml"
        config.write_text("\n".join(tables))
        started = time.perf_counter()
        with running("watchman.sonnen", str(config), "--listen", "127.0.0.1:0") as exporter:
            port = int(line_with(exporter, r"listening on port (\d+)"))
            yield exporter, port, time.perf_counter() - started


def scrape(port: int) -> tuple[float, str]:
    """Seconds until the whole answer was there, and the answer."""
    started = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    finally:
        connection.close()
    return time.perf_counter() - started, text


def latencies(port: int, scrapers: int) -> list[float]:
    """What each of the scrapers measured, all of them at once."""
    found: list[float] = []

    def run() -> None:
        found.extend(scrape(port)[0] for _ in range(max(SCRAPES // scrapers, 5)))

    threads = [threading.Thread(target=run) for _ in range(scrapers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(found)


def resident_mib(pid: int) -> float:
    """Memory of a process that is in RAM."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MIB


def requests_of(text: str, host: str) -> float:
    """How often a battery has been asked so far."""
    lines = (
        line for line in text.splitlines() if line.startswith("sonnen_requests_total{") and f'host="{host}"' in line
    )
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def measure(count: int, folder: Path) -> None:
    """Every figure of an exporter with so many batteries."""
    word = "1 battery" if count == 1 else f"{count} batteries"
    with exporter_of(count, folder) as (process, port, start_s):
        tell(f"start-up, {word}", start_s, "s")
        time.sleep(2)
        scrape(port)
        tell(f"resident memory, {word}", resident_mib(process.pid), "MiB")
        for scrapers in (1, 20):
            found = latencies(port, scrapers)
            who = "1 scraper" if scrapers == 1 else f"{scrapers} scrapers"
            tell(f"scrape median, {word}, {who}", statistics.median(found) * 1000, "ms")
            tell(f"scrape 95 %, {word}, {who}", found[int(len(found) * 0.95)] * 1000, "ms")
        if count == 1:
            before, began = requests_of(scrape(port)[1], "b0"), time.monotonic()
            while time.monotonic() - began < WATCHED_S:
                latencies(port, 20)
            asked = requests_of(scrape(port)[1], "b0") - before
            tell(
                "requests at the battery, 20 scrapers without a pause", asked / (time.monotonic() - began) * 60, "1/min"
            )
        tell(f"resident memory, {word}, after 20 scrapers", resident_mib(process.pid), "MiB")


def week() -> None:
    """Polls and scrapes of a week: what the objects that are kept gain after the first day."""
    system = System("home", "1", "http://battery", token="t", poll_s=WEEK_POLL_S)
    home, build, paths = Home(Settings(), 1_780_000_000.0), Build("", "", ""), GENERATIONS["v2"]
    state, now_s, grown = first_state(system, 0.0), 0.0, 0
    tracemalloc.start()
    day = None
    while now_s < WEEK_S:
        ask = next_ask(state, now_s)
        now_s = max(now_s, ask.at_s)
        reading = home.advance(1_780_000_000.0 + now_s)
        answer = read_answer(ask.endpoint, json.dumps(paths[f"/api/v2/{ask.endpoint}"](reading)).encode())
        state = learn(state, ask, answer, Took(now_s, now_s, 1_780_000_000.0 + now_s), 0.5)
        if ask.endpoint == "latestdata":
            render(collect([state], build, now_s))
        if day is None and now_s >= 86400:
            gc.collect()
            day = tracemalloc.get_traced_memory()[0]
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - (day or 0)
    tell("growth over a simulated week", grown / 1024, "KiB")


def main() -> None:
    """All figures."""
    with tempfile.TemporaryDirectory() as folder:
        measure(1, Path(folder))
        measure(50, Path(folder))
    week()


if __name__ == "__main__":
    main()
