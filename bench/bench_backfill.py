"""What filling the ledger costs: 30 days of six series, a sample every 5 s, from an HTTP server on this machine.

Beside it the same requests are made and their JSON decoded, and nothing else: what a program that reads these samples
must at least do. Each run has a process of its own; processor and wall time are taken around the work, after the
imports. The figures are the medians of three runs of either kind, one after the other.
"""

from __future__ import annotations

import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

DAYS, STEP_S, RUNS = 30, 5, 3
START = 1_793_491_200  # 1 November 2026, 0:00 UTC
NOW = START + DAYS * 86400
METRICS = ("production", "consumption", "grid_feed_in", "battery_discharge", "state_of_charge", "backup_buffer")
CONFIG = """
prometheus: {{url: "{url}"}}
site: {{name: bench, timezone: UTC}}
metrics: {{{metrics}}}
receivers: [{{name: nobody, apprise: []}}]
route: {{receiver: nobody}}
reports: []
state: {{url: "sqlite:///{folder}/state.sqlite"}}
"""


# --- the server ------------------------------------------------------------------------------------------------------


@cache
def answer(metric: str, first: int, last: int) -> bytes:
    """A day of samples as Prometheus writes them: stamps off by milliseconds, tenths of watts, whole percents."""
    chance = random.Random(f"{metric}{first}")
    pairs, low = [], -5000 if metric in METRICS[2:4] else 0
    for at in range(max(first, START), min(last, NOW), STEP_S):
        value = chance.randrange(0, 100) if metric in METRICS[4:] else chance.randrange(low * 10, 50000) / 10
        pairs.append(f'[{at + chance.randrange(1000) / 1000:.3f},"{value:g}"]')
    series = f'{{"metric":{{"__name__":"{metric}","host":"10.0.0.2","sn":"1"}},"values":[{",".join(pairs)}]}}'
    return f'{{"status":"success","data":{{"resultType":"matrix","result":[{series}]}}}}'.encode()


class Handler(BaseHTTPRequestHandler):
    """Answers the raw queries of a backfill, and whether there are samples before a moment."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """One request."""
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/api/v1/series":
            there = b"{}" if float(asked["end"]) > START else b""
            body = b'{"status":"success","data":[%s]}' % there
        else:
            metric, _, window = asked["query"].partition("[")
            last = float(asked["time"])
            body = answer(metric, int(last - float(window.removesuffix("ms]")) / 1000), int(last))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Says nothing."""


def serve() -> None:
    """Serve until killed; the port is on the first line of standard output."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


# --- what is measured ------------------------------------------------------------------------------------------------


def backfill(url: str) -> None:
    """Fill an empty ledger and tell what it took."""
    from watchman.config import load_config
    from watchman.prometheus import Prometheus
    from watchman.store import open_store
    from watchman.wiring import prometheus_settings, state_url
    from watchman.worker import run_job
    from watchman.worker_process import make_ports

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "config.yaml"
        file.write_text(CONFIG.format(url=url, folder=folder, metrics=", ".join(f"{name}: {name}" for name in METRICS)))
        config = load_config(file)
        prometheus = Prometheus(prometheus_settings(config.prometheus))
        ports = make_ports(config, open_store(state_url(config)), prometheus, lambda: float(NOW), lambda _line: None)
        began = clocks()
        done = run_job({"kind": "backfill"}, ports)
        tell(began)
        if done["days"] != DAYS:
            raise SystemExit(f"{done['days']} days instead of {DAYS}")


def decode(url: str) -> None:
    """Make the same requests, decode the JSON, forget it."""
    import requests

    session, margin_s = requests.Session(), 1800
    session.trust_env = False
    began = clocks()
    for day in range(DAYS):
        last = START + (day + 1) * 86400 + margin_s
        window_ms = (86400 + 2 * margin_s) * 1000 + 2
        for metric in METRICS:
            params = {"query": f"{metric}[{window_ms}ms]", "time": f"{last:.3f}"}
            found = json.loads(session.get(f"{url}/api/v1/query", params=params).content)
            if len(found["data"]["result"]) != 1:
                raise SystemExit("no samples")
    tell(began)


def clocks() -> tuple[float, float]:
    """Processor and wall time of this process in s."""
    return time.process_time(), time.perf_counter()


def tell(began: tuple[float, float]) -> None:
    """Processor s, wall s, and the peak of this process' memory in MiB."""
    cpu, wall = (now - then for now, then in zip(clocks(), began, strict=True))
    print(json.dumps([cpu, wall, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))


# --- the measurement -------------------------------------------------------------------------------------------------


def run(what: str, url: str) -> list[float]:
    """One run in a process of its own."""
    done = subprocess.run([sys.executable, __file__, what, url], stdout=subprocess.PIPE, text=True, check=True)
    return list(map(float, json.loads(done.stdout)))


def main() -> None:
    """Print the figures."""
    with subprocess.Popen([sys.executable, __file__, "serve"], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
            run("decode", url)  # has the server make its answers
            runs = [(run("backfill", url), run("decode", url)) for _ in range(RUNS)]
        finally:
            server.kill()
    filled, decoded = (
        [statistics.median(column) for column in zip(*kind, strict=True)] for kind in zip(*runs, strict=True)
    )
    figures = {
        "30 days, processor": (filled[0], "s"),
        "30 days, wall": (filled[1], "s"),
        "decoding alone, processor": (decoded[0], "s"),
        "decoding alone, wall": (decoded[1], "s"),
        "processor, times decoding alone": (filled[0] / decoded[0], ""),
        "wall, times decoding alone": (filled[1] / decoded[1], ""),
        "peak memory": (filled[2], "MiB"),
        "peak memory, decoding alone": (decoded[2], "MiB"),
    }
    for figure, (value, unit) in figures.items():
        print(json.dumps({"figure": figure, "value": round(value, 4), "unit": unit}))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        {"serve": lambda _url: serve(), "backfill": backfill, "decode": decode}[sys.argv[1]]((*sys.argv, "")[2])
    else:
        main()
