"""Ten thousand alerts in one post: how long until they are safe, until the messages are, and what that costs.

A real daemon in a process of its own, a real HTTP post to /api/v2/alerts, a receiver that takes everything. The alerts
are 100 names of 100 instances each, so 100 messages. Beside it, in the same run, the bare cost of the same rows:
json.loads and one transaction of sqlite3 with the same pragmas. CPU and memory are the daemon's, from /proc.
"""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).parents[1]
ALERTS, NAMES = 10_000, 100
RUNS = 3
LIMIT_S = 60.0


class Taker(BaseHTTPRequestHandler):
    """A phone service that takes everything."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


class Watched:
    """A daemon, its state and its /proc."""

    def __init__(self, folder: Path, taker_port: int) -> None:
        self.port, self.state = free_port(), folder / "watchman.sqlite"
        config = folder / "config.yaml"
        config.write_text(f"""\
prometheus: {{url: "http://127.0.0.1:9"}}
site: {{name: home, timezone: UTC}}
rule_files: []
receivers: [{{name: phone, apprise: ["ntfy://127.0.0.1:{taker_port}/home"]}}]
route: {{receiver: phone, group_wait: 0s, group_by: [alertname]}}
web: {{listen: "127.0.0.1:{self.port}"}}
""")
        command = [sys.executable, "-m", "watchman", "run", "--config", str(config)]
        self.log = (folder / "log").open("wb")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, cwd=ROOT)
        wait_until(self.is_ready)

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def post(self, alerts: bytes) -> float:
        """Seconds until the 200."""
        url, kind = f"http://127.0.0.1:{self.port}/api/v2/alerts", {"Content-Type": "application/json"}
        began = time.perf_counter()
        with urllib.request.urlopen(urllib.request.Request(url, alerts, kind), timeout=LIMIT_S) as answer:
            answer.read()
        return time.perf_counter() - began

    def messages(self) -> int:
        """Rows in the outbox."""
        with closing(sqlite3.connect(f"file:{self.state}?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT count(*) FROM outbox").fetchone()[0])

    def cpu_s(self) -> float:
        """User and system time so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mib(self, what: str) -> float:
        """VmRSS (now) or VmHWM (peak)."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(what)) / 1024

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(20)
        self.log.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + LIMIT_S
    while not condition():
        if time.monotonic() > end:
            raise SystemExit("the daemon did not get there")
        time.sleep(0.005)


def make_alerts() -> list[dict[str, object]]:
    return [
        {
            "labels": {"alertname": f"Alert{n % NAMES}", "instance": f"host-{n}:9100", "severity": "warning"},
            "annotations": {"summary": f"Something is wrong with host-{n}", "description": "Value 1.2, limit 1.0."},
            "startsAt": "2026-11-22T10:00:00Z",
            "generatorURL": "http://prometheus:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1",
        }
        for n in range(ALERTS)
    ]


def bare_s(folder: Path, body: bytes) -> float:
    """The same rows through json and sqlite3 alone."""
    with closing(sqlite3.connect(folder / "bare.sqlite", isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE posted (fingerprint TEXT PRIMARY KEY, labels TEXT, annotations TEXT, at REAL)")
        began = time.perf_counter()
        rows = [
            (str(n), json.dumps(one["labels"]), json.dumps(one["annotations"]), 0.0)
            for n, one in enumerate(json.loads(body))
        ]
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO posted VALUES (?, ?, ?, ?)", rows)
        connection.execute("COMMIT")
        return time.perf_counter() - began


def one_run(taker_port: int, body: bytes) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bare = bare_s(folder, body)
        watched = Watched(folder, taker_port)
        try:
            idle_mib, before_s = watched.memory_mib("VmRSS"), watched.cpu_s()
            began = time.perf_counter()
            to_200 = watched.post(body)
            wait_until(lambda: watched.messages() >= NAMES)
            to_outbox = time.perf_counter() - began
            cpu = watched.cpu_s() - before_s
            peak_mib = watched.memory_mib("VmHWM")
            again = watched.post(body)
        finally:
            watched.close()
    return {
        "bare json and sqlite3 insert": bare,
        "post, until answered 200": to_200,
        "post, until 100 messages are committed": to_outbox,
        "CPU for it": cpu,
        "the same post again": again,
        "idle memory": idle_mib,
        "memory at the peak": peak_mib,
    }


def main() -> None:
    body = json.dumps(make_alerts()).encode()
    taker = ThreadingHTTPServer(("127.0.0.1", 0), Taker)
    threading.Thread(target=taker.serve_forever, daemon=True).start()
    runs = [one_run(taker.server_port, body) for _ in range(RUNS)]
    for figure in runs[0]:
        unit = "MiB" if "memory" in figure else "s"
        value = statistics.median(run[figure] for run in runs)
        print(json.dumps({"figure": f"10,000 alerts: {figure}", "value": round(value, 4), "unit": unit}))
    taker.shutdown()


if __name__ == "__main__":
    main()
