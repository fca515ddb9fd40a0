"""`watchman replay` of 30 days x 20 rules at 30 s, against the same range queries, decoded and nothing else.

Both in the same run, in turn, on a Prometheus with a month of a home in blocks. Figures: wall time, processor time of
this process, the ratio of each (median of pairs), and how far memory grew over 3 and over 30 days.
"""

from __future__ import annotations

import dataclasses
import json
import math
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from servers import start_prometheus

from watchman.config import load_config
from watchman.replay import Replay, replay
from watchman.replaying import make_ports, make_setting
from watchman.series import Matrix, Series
from watchman.wiring import Wiring, wire

Asked = tuple[str, float, float, float]

DAYS = 30
DAY_S = 86400.0
STEP_S = 30.0
PAIRS = 3

CONFIG = """\
prometheus: {{url: "{url}"}}
site: {{name: home, timezone: Europe/Berlin}}
rule_files: [rules.yaml]
receivers: [{{name: phone, apprise: ["ntfy://127.0.0.1:9/home"]}}]
route: {{receiver: phone}}
"""
# What homes watch: most rules find nothing, some fire every day, one every night for hours, one flaps.
EXPRESSIONS = (
    "production > 20000",
    "avg_over_time(consumption[10m]) > 15000",
    "-feed_in > 12000",
    "-avg_over_time(feed_in[15m]) > 4500",
    "charge <= 10",
    "max_over_time(charge[10m]) <= 11",
    "charge < 2",
    "abs(discharge) > 9000",
    "max_over_time(production[3h]) < 1 and hour() > 10 and hour() < 14",
    "absent_over_time(consumption[10m])",
    "changes(consumption[20m]) == 0",
    "consumption > 6000",
    "min_over_time(consumption[30m]) > 5000",
    "max_over_time(consumption[30m]) < 50",
    "discharge > 100 and feed_in > 500",
    "production - consumption - feed_in > 9000",
    "delta(charge[1h]) < -60",
    "up == 0",
    "quantile_over_time(0.9, consumption[1h]) > 9000",
    "-min_over_time(feed_in[5m]) > 7500",
)


def rules() -> str:
    """Twenty rules in one group."""
    lines = ["groups:", "  - name: home", "    interval: 30s", "    rules:"]
    for number, expr in enumerate(EXPRESSIONS):
        lines += [
            f"      - alert: R{number}",
            f"        expr: {expr}",
            "        for: 2m",
            "        labels: {severity: warning}",
            '        annotations: {summary: "{{ $value }} of {{ $labels.host }}"}',
        ]
    return "\n".join(lines) + "\n"


def history(end: float) -> Iterator[Series]:
    """A month of a home at 30 s."""
    noise = random.Random(7)
    times = [end - DAYS * DAY_S + number * STEP_S for number in range(int(DAYS * DAY_S / STEP_S))]
    sun = [max(0.0, 8000 * math.sin((at % DAY_S - 21600) / 43200 * math.pi)) for at in times]
    sun = [value * noise.uniform(0.7, 1.0) for value in sun]
    house = [300 + 200 * noise.random() + (5000 if (at % DAY_S) // 3600 in (11, 19) else 0) for at in times]
    charge, level = [], 50.0
    for made, used in zip(sun, house, strict=True):
        level = min(100.0, max(10.0, level + (made - used) * STEP_S / 3600 / 160))
        charge.append(round(level, 1))
    battery = [
        0.0 if level in (10.0, 100.0) else used - made for level, made, used in zip(charge, sun, house, strict=True)
    ]
    grid = [made + out - used for made, out, used in zip(sun, battery, house, strict=True)]
    named = {"production": sun, "consumption": house, "charge": charge, "discharge": battery, "feed_in": grid}
    for name, values in named.items():
        yield Series({"__name__": name, "host": "battery", "sn": "1"}, times, [round(value, 1) for value in values])
    yield Series({"__name__": "up", "job": "battery"}, times, [1.0] * len(times))


class Measured:
    """Wall and processor seconds of a call."""

    def __init__(self, work: Callable[[], object]) -> None:
        wall, own = time.perf_counter(), time.process_time()
        self.result = work()
        self.wall_s, self.cpu_s = time.perf_counter() - wall, time.process_time() - own


def peak_mib() -> float:
    """The most memory this process has had."""
    # Not getrusage: that also counts what the parent had when it made this process.
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def tell(figure: str, value: float, unit: str) -> None:
    """One line for bench/run.py."""
    print(json.dumps({"figure": figure, "value": round(value, 4), "unit": unit}))


def main() -> None:
    """Make the month, then measure in processes of their own: the memory of making it must not count."""
    if len(sys.argv) > 1:
        {"memory": memory, "speed": measure}[sys.argv[1]](*make_wiring(Path(sys.argv[2])), float(sys.argv[3]))
        return
    now = math.floor(time.time() / 60) * 60.0
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        server = start_prometheus(place / "prometheus", history=history(now))
        (place / "rules.yaml").write_text(rules())
        (place / "config.yaml").write_text(CONFIG.format(url=server.url))
        try:
            for work in ("memory", "speed"):
                subprocess.run([sys.executable, __file__, work, place, f"{now:.0f}"], check=True)
        finally:
            server.stop()


def make_wiring(place: Path) -> tuple[Wiring]:
    """The configuration of the month."""
    return (wire(load_config(place / "config.yaml")),)


def memory(wiring: Wiring, now: float) -> None:
    """How far the process grows over a short and a long range."""
    replayed(wiring, now, 1)
    before = peak_mib()
    replayed(wiring, now, 4)
    tell("memory grown by 4 days (one piece a rule)", peak_mib() - before, "MiB")
    replayed(wiring, now, DAYS)
    tell("memory grown by 30 days", peak_mib() - before, "MiB")
    tell("memory at most", peak_mib(), "MiB")


def replayed(wiring: Wiring, now: float, days: float, asked: list[Asked] | None = None) -> Replay:
    """A replay; notes its range queries in `asked`."""
    ports = make_ports(wiring)
    if asked is not None:
        plain, notes = ports.range_query, asked

        def noted(expr: str, start: float, end: float, step_s: float) -> Matrix:
            notes.append((expr, start, end, step_s))
            return plain(expr, start, end, step_s)

        ports = dataclasses.replace(ports, range_query=noted)
    return replay(make_setting(wiring, wiring.groups, now - days * DAY_S, now, ports), ports)


def measure(wiring: Wiring, now: float) -> None:
    """Replay and bare queries in turn."""
    asked: list[Asked] = []
    result = replayed(wiring, now, DAYS, asked)
    bare = make_ports(wiring)
    expressions = {rule.query for group in wiring.groups for rule in group.rules}
    rule_queries = [query for query in asked if query[0] in expressions]

    def decoded() -> None:
        for query in rule_queries:
            bare.range_query(*query)

    pairs = [(Measured(lambda: replayed(wiring, now, DAYS)), Measured(decoded)) for _ in range(PAIRS)]
    tell("replay, wall", statistics.median(one.wall_s for one, _ in pairs), "s")
    tell("the same queries decoded, wall", statistics.median(other.wall_s for _, other in pairs), "s")
    tell("replay / queries, wall", statistics.median(one.wall_s / other.wall_s for one, other in pairs), "x")
    tell("replay, own CPU", statistics.median(one.cpu_s for one, _ in pairs), "s")
    tell("the same queries decoded, own CPU", statistics.median(other.cpu_s for _, other in pairs), "s")
    tell("replay / queries, own CPU", statistics.median(one.cpu_s / other.cpu_s for one, other in pairs), "x")
    tell("queries", len(rule_queries), "")
    tell("incidents", sum(len(rule.incidents) for rule in result.rules), "")
    tell("messages", len(result.told), "")


if __name__ == "__main__":
    main()
