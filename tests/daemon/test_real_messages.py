"""A message from the running daemon with a real Prometheus: its buttons pressed, its chart drawn by a real process."""

import base64
from dataclasses import replace

import pytest
import requests
from house import Daemon, Phone
from ntfy_server import NtfyServer
from servers import wait_for
from world import CONFIG

from watchman.clock import Clock
from watchman.config import load_config
from watchman.errors import WatchmanError
from watchman.jobs.reporting import run_child
from watchman.wiring import wire

pytestmark = pytest.mark.integration

HANG = ("timeit", "-n", "1", "import time; time.sleep(60)")
RULES = """\
groups:
  - name: g
    interval: 1s
    rules:
      - alert: GridImportSpike
        expr: vector(7012) > 0
        labels: {severity: warning}
        annotations: {summary: Unusual import, unit: W}
"""


@pytest.fixture
def ntfy():
    server = NtfyServer()
    yield server
    server.close()


def test_the_buttons_of_a_push_work(tmp_path, run_prometheus, ntfy, phone, post):
    prometheus = run_prometheus()
    daemon = Daemon(tmp_path, prometheus.url, Phone(), post)
    (tmp_path / "rules.yaml").write_text(RULES)
    text = daemon.config.read_text().replace(f"127.0.0.1:{daemon.phone.port}/home", f"{ntfy.host}/home")
    address = f"http://127.0.0.1:{daemon.port}"
    daemon.config.write_text(
        text.replace(f'"127.0.0.1:{daemon.port}"', f'"127.0.0.1:{daemon.port}", external_url: "{address}"')
    )
    try:
        daemon.start()
        wait_for(lambda: ntfy.shown("home"), what="the push")
        [shown] = ntfy.shown("home")
        assert shown["title"] == "Unusual import"

        acknowledge = shown["actions"][0]
        assert acknowledge["label"] == "Acknowledge"
        # As ntfy's app on the phone asks: no origin, no body.
        done = [requests.post(acknowledge["url"], timeout=10) for _ in range(2)]
        assert [one.status_code for one in done] == [200, 200]
        assert "not repeated until it is over" in done[0].text
        assert "done already" in done[1].text
        assert "Silence 8 h" in requests.get(shown["click"], timeout=10).text
    finally:
        daemon.kill()


def test_a_chart_is_drawn_by_a_process_of_its_own_from_what_prometheus_answers(tmp_path, run_prometheus, make_world):
    prometheus = run_prometheus()
    world = make_world(config=CONFIG.replace("http://127.0.0.1:9", prometheus.url, 1))
    context = replace(world.context, wiring=wire(load_config(world.folder / "config.yaml", {})), clock=Clock())
    now = context.clock.now()
    found = context.wiring.prometheus.range("vector(7012)", now - 3600, now, 60.0)
    job = {"series": [[one.labels, one.times, one.values] for one in found], "expr": "x_watts", "unit": ""}

    # On a busy machine it may take longer than the ten seconds a message waits.
    made = run_child(
        context,
        ["watchman.chart_process"],
        {**job, "start": now - 3600, "end": now, "since": now - 600, "step_s": 60.0, "zone": "Europe/Berlin"},
        limit_s=120.0,
    )
    picture = base64.b64decode(made["png_base64"])
    assert picture.startswith(b"\x89PNG")
    assert len(picture) < 20_000
    context.wiring.close()


@pytest.mark.parametrize("unwanted", [False, True], ids=["too long", "nobody waits any more"])
def test_a_process_that_takes_too_long_is_ended(make_world, unwanted):
    context = replace(make_world().context, clock=Clock())
    words = "ended with -9" if unwanted else "ended after 1 s"
    with pytest.raises(WatchmanError, match=words):
        run_child(
            context,
            ["timeit", "-n", "1", "import time; time.sleep(60)"],
            {},
            30.0 if unwanted else 1.0,
            lambda: unwanted,
        )
