"""A thousand rules every 15 s: the daemon beside vmalert, each with a Prometheus of its own, in the same cycles.

The rules: 500 comparisons of a selector, 200 of `[5m]`, 100 aggregations, 100 joins, 50 `absent`, 50 of `[1h]` and
subqueries, over 200 series at 5 s; `for: 1m`, one label, two templated annotations; some 50 of them fire. CPU is the
process clock of client and Prometheus, the median of the cycles; nobody is notified. `one by one` is the daemon with
`max_rules_per_query: 1`. vmalert asks for gzip as it is installed; where it knows `-datasource.headers`, a second one
asks for identity. PATH decides which Prometheus and vmalert run; the words "storm" and "cycles=N" on the command line
make every rule give data and take N cycles.
"""

from __future__ import annotations

import json
import math
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from remote_write import remote_write
from servers import free_port, start_prometheus, wait_for

from watchman.series import Series

RULES = 1000
INTERVAL_S = 15
SCRAPE_S = 5
METRICS, INSTANCES = 20, 10
HISTORY_S = 3600
MIB = 1024 * 1024
UNASKED = "nobody"


def expressions(count: int, *, storm: bool) -> Iterator[str]:
    """The mix; about one in twenty fires, in a storm all but the absent ones."""
    for number in range(count):
        metric, other = f"bench_gauge_{number % METRICS}", f"bench_gauge_{(number + 7) % METRICS}"
        counter = f"bench_gauge_{number % METRICS}"
        limit = -1 if storm or number % 20 == 0 else 1000 + number
        part = number * 20 // count
        if part < 10:
            yield f'{metric}{{instance="host{number % INSTANCES}"}} > {limit}'
        elif part < 14:
            yield f"avg_over_time({counter}[5m]) > {limit}"
        elif part < 16:
            yield f"sum by (job) ({metric}) > {limit * 10}"
        elif part < 18:
            yield f"{metric} * on (instance) group_left {other} > {limit * 100}"
        elif part < 19:
            yield f'absent({metric}{{instance="gone{number}"}}) == {2 if not storm else 1}'
        else:
            yield f"max_over_time({metric}[1h]) > {limit}"


def rule_file(count: int, *, storm: bool) -> str:
    """The rules as every contender reads them, in one group."""
    rules = [
        {
            "alert": f"Bench{number}",
            "expr": expr,
            "for": "1m",
            "labels": {"severity": "warning"},
            "annotations": {
                "summary": "{{ $labels.instance }} is at {{ $value }}",
                "description": "{{ $labels.job }} on {{ $labels.instance }} is above its limit",
            },
        }
        for number, expr in enumerate(expressions(count, storm=storm))
    ]
    return yaml.safe_dump({"groups": [{"name": "bench", "interval": f"{INTERVAL_S}s", "rules": rules}]})


def series(first: float, last: float) -> list[Series]:
    """Every series from `first` to `last`, a sample each SCRAPE_S seconds."""
    times = [first + SCRAPE_S * n for n in range(int((last - first) // SCRAPE_S) + 1)]
    return [
        Series(
            {"__name__": f"bench_gauge_{metric}", "instance": f"host{instance}", "job": "bench"},
            times,
            [100 + 10 * math.sin(at / 300 + metric + instance) for at in times],
        )
        for metric in range(METRICS)
        for instance in range(INSTANCES)
    ]


def cpu_s(pid: int) -> float:
    """Processor seconds of a process so far."""
    return time.clock_gettime(((~pid) << 3) | 2)


def resident_mib(pid: int) -> float:
    """Resident memory of a process."""
    fields = Path(f"/proc/{pid}/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") / MIB


@dataclass(slots=True)
class Contender:
    """A client and the Prometheus it asks; `own` and `theirs` are their CPU seconds by cycle."""

    name: str
    client: subprocess.Popen[bytes]
    prometheus_pid: int
    prometheus_url: str
    own: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)
    resident: float = 0.0

    def clocks(self) -> tuple[float, float]:
        """Both CPU clocks."""
        return cpu_s(self.client.pid), cpu_s(self.prometheus_pid)


class _TakesAll(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def notifier() -> Iterator[str]:
    """An address that takes every alert; vmalert does not start without one."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _TakesAll)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()


@contextmanager
def running(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process, ended at the end."""
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(15)


def watchman(folder: Path, url: str, rules: Path, max_rules: int) -> list[str]:
    """The daemon's command."""
    folder.mkdir()
    config = {
        "prometheus": {"url": url, "max_rules_per_query": max_rules},
        "site": {"name": "bench", "timezone": "UTC"},
        "rule_files": [str(rules)],
        "receivers": [{"name": "nobody", "apprise": []}],
        "route": {"receiver": "nobody"},
        "web": {"listen": f"127.0.0.1:{free_port()}"},
    }
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return [sys.executable, "-m", "watchman", "run", "--config", str(folder / "config.yaml")]


def vmalert(url: str, rules: Path, sink: str, *more: str) -> list[str]:
    """vmalert's command."""
    listen = f"-httpListenAddr=127.0.0.1:{free_port()}"
    return ["vmalert", f"-rule={rules}", f"-datasource.url={url}", f"-notifier.url={sink}", listen, *more]


def knows_headers() -> bool:
    """Whether this vmalert can be told not to ask for gzip."""
    told = subprocess.run(["vmalert", "-help"], capture_output=True, text=True, check=False)
    return "-datasource.headers" in told.stdout + told.stderr


def contenders(folder: Path, rules: Path, stack: ExitStack) -> Iterator[Contender]:
    """Everybody, running."""
    sink = stack.enter_context(notifier())
    kinds: dict[str, Callable[[str], list[str]]] = {
        UNASKED: lambda _url: ["sleep", "3600"],
        "watchman": lambda url: watchman(folder / "together", url, rules, 100),
        "watchman one by one": lambda url: watchman(folder / "single", url, rules, 1),
    }
    if shutil.which("vmalert"):
        kinds["vmalert"] = lambda url: vmalert(url, rules, sink)
        if knows_headers():
            plain = "-datasource.headers=Accept-Encoding: identity"
            kinds["vmalert identity"] = lambda url: vmalert(url, rules, sink, plain)
    for name, command in kinds.items():
        server = start_prometheus(folder / f"prometheus {name}")
        stack.callback(server.stop)
        now = time.time() // SCRAPE_S * SCRAPE_S
        for part in range(6):
            first = now - HISTORY_S + part * 600
            remote_write(server.url, series(first, first + 600 - SCRAPE_S))
        client = stack.enter_context(running(command(server.url), folder / f"{name}.log"))
        yield Contender(name, client, server.process.pid, server.url)


def feed(found: list[Contender], stop: threading.Event) -> None:
    """A scrape of every series, every SCRAPE_S seconds, into each Prometheus."""
    while not stop.wait(SCRAPE_S - time.time() % SCRAPE_S):
        now = time.time() // SCRAPE_S * SCRAPE_S
        for one in found:
            remote_write(one.prometheus_url, series(now, now))


def measure(found: list[Contender], cycles: int) -> None:
    """The CPU of every cycle; the first two fill caches and are left out."""
    begun = time.monotonic()
    before = {one.name: one.clocks() for one in found}
    for cycle in range(1, cycles + 3):
        time.sleep(max(0.0, begun + cycle * INTERVAL_S - time.monotonic()))
        for one in found:
            own, theirs = one.clocks()
            if cycle > 2:
                one.own.append(own - before[one.name][0])
                one.theirs.append(theirs - before[one.name][1])
                one.resident = max(one.resident, resident_mib(one.client.pid))
            before[one.name] = own, theirs


def tell(figure: str, value: float, unit: str) -> None:
    """One line for the table."""
    print(json.dumps({"figure": figure, "value": round(value, 4), "unit": unit}), flush=True)


def report(found: list[Contender], unasked: Contender) -> None:
    """Ratios first, then what they are made of, without what a Prometheus that nobody asks needs for its samples."""
    own = {one.name: statistics.median(one.own) * 1000 for one in found}
    idle = statistics.median(unasked.theirs) * 1000
    both = {one.name: own[one.name] + statistics.median(one.theirs) * 1000 - idle for one in found}
    for name, cpu in both.items():
        if name.startswith("vmalert"):
            tell(f"CPU with Prometheus, watchman / {name}", both["watchman"] / cpu, "ratio")
            tell(f"own CPU, watchman / {name}", own["watchman"] / own[name], "ratio")
    for one in found:
        tell(f"{one.name}: own CPU a cycle", own[one.name], "ms")
        tell(f"{one.name}: CPU with Prometheus a cycle", both[one.name], "ms")
        tell(f"{one.name}: resident", one.resident, "MiB")
    tell("Prometheus that nobody asks: CPU a cycle", idle, "ms")


def main(words: list[str]) -> None:
    storm = "storm" in words
    cycles = next((int(word.partition("=")[2]) for word in words if word.startswith("cycles=")), 8)
    with tempfile.TemporaryDirectory(prefix="bench-rules-") as name, ExitStack() as stack:
        folder = Path(name)
        rules = folder / "rules.yaml"
        rules.write_text(rule_file(RULES, storm=storm))
        found = list(contenders(folder, rules, stack))
        stop = threading.Event()
        feeder = threading.Thread(target=feed, args=(found, stop), daemon=True)
        feeder.start()
        try:
            wait_for(lambda: all(one.client.poll() is None for one in found), what="every contender to run")
            measure(found, cycles)
        finally:
            stop.set()
            feeder.join()
        report([one for one in found if one.name != UNASKED], next(one for one in found if one.name == UNASKED))


if __name__ == "__main__":
    main(sys.argv[1:])
