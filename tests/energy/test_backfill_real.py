"""Filling the ledger from a real Prometheus, by the command a user types."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import pytest

from watchman.series import Series
from watchman.store import open_store
from watchman.store.ledger import read_slots

pytestmark = pytest.mark.integration

DAY_S = 86400
CONFIG = """
prometheus: {{url: "{url}"}}
site: {{name: home, timezone: Europe/Berlin}}
metrics: {{production: sun_watts, grid_feed_in: -grid_watts}}
receivers: [{{name: nobody, apprise: []}}]
route: {{receiver: nobody}}
reports: [{{name: daily, receivers: [nobody]}}]
"""


def watchman(folder, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "watchman", *arguments, "--config", str(folder / "config.yaml")]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def test_backfill_finds_the_first_day_asks_once_and_gives_the_exact_energies(tmp_path, run_prometheus) -> None:
    now = int(time.time()) // 900 * 900
    start = now - 3 * DAY_S
    stamps = [ts + 0.25 for ts in range(start, now, 15)]
    powers = {"sun_watts": 1000.0, "grid_watts": 400.0}
    server = run_prometheus(
        history=[Series({"__name__": name}, stamps, [watts] * len(stamps)) for name, watts in powers.items()]
    )
    (tmp_path / "config.yaml").write_text(CONFIG.format(url=server.url))

    first = watchman(tmp_path, "energy", "backfill", "--json")
    second = watchman(tmp_path, "energy", "backfill")

    done = json.loads(first.stdout)
    store = open_store(f"sqlite:///{tmp_path}/watchman.sqlite")
    with store.begin() as connection:
        rows = read_slots(connection, "home", start + 900, now - 900)
    by_flow = {flow: sum(row.wh for row in rows if row.flow == flow) for flow in ("production", "grid_import")}
    hours = (now - start - 1800) / 3600
    assert (done["days"], first.stderr.count("settled")) == (4, 4)
    assert by_flow == pytest.approx({"production": 1000 * hours, "grid_import": 400 * hours})
    assert second.stdout.startswith(("1 day ", "2 days")), "only what is younger than a day is asked for again"


def test_a_backfill_that_is_interrupted_keeps_its_days_and_goes_on(tmp_path, run_prometheus) -> None:
    now = int(time.time())
    stamps = [float(ts) for ts in range(now - 20 * DAY_S, now, 120)]
    server = run_prometheus(history=[Series({"__name__": "sun_watts"}, stamps, [500.0] * len(stamps))])
    (tmp_path / "config.yaml").write_text(CONFIG.format(url=server.url))
    command = [sys.executable, "-m", "watchman", "energy", "backfill", "--config", str(tmp_path / "config.yaml")]

    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        first_line = running.stderr.readline()
        running.send_signal(signal.SIGINT)
        rest = running.stderr.read()
    again = watchman(tmp_path, "energy", "backfill", "--json")

    assert (running.returncode, first_line[:13]) == (130, "settled 1 of ")
    assert "the next run goes on" in rest.splitlines()[-1]
    assert "Traceback" not in rest
    assert 0 < json.loads(again.stdout)["days"] <= 21


@pytest.mark.parametrize(
    ("since", "says"), [("tomorrow", "not a date: write it as 2026-01-31"), ("2999-01-01", "lies ahead")]
)
def test_a_wrong_date_is_one_clear_line(tmp_path, since, says) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG.format(url="http://127.0.0.1:9"))

    done = watchman(tmp_path, "energy", "backfill", "--since", since)

    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_prometheus_that_is_away_is_one_clear_line(tmp_path) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG.format(url="http://127.0.0.1:9"))

    done = watchman(tmp_path, "energy", "backfill")

    assert done.returncode == 1
    assert done.stderr.startswith("watchman: ")
    assert done.stderr.count("\n") == 1
