"""`watchman replay` on a real Prometheus: what it prints, and how it ends."""

from __future__ import annotations

import json
import math
import time
from datetime import datetime

import pytest
from click.testing import CliRunner

from watchman.cli.replay import replay
from watchman.errors import UsageError, WatchmanError
from watchman.series import Series

RULES = """\
groups:
  - name: g
    interval: 1m
    rules:
      - alert: Wave
        expr: wave > 0.5
        for: 2m
        labels: {severity: warning}
        annotations: {summary: "Wave {{ $value }}"}
      - {alert: Never, expr: wave > 2}
      - {alert: Broken, expr: 'wave * on () twins'}
"""
CONFIG = """\
prometheus: {{url: "{url}"}}
site: {{name: home, timezone: Europe/Berlin}}
rule_files: [rules.yaml]
receivers: [{{name: phone, apprise: ["ntfy://127.0.0.1:9/home"]}}]
route: {{receiver: phone}}
"""


@pytest.fixture
def home(tmp_path, run_prometheus):
    """Two days of a wave of six hours that rises through zero now.

    `watchman replay` with these arguments gives (exit or error, output).
    """
    now = time.time() // 60 * 60
    times = [now - 2 * 86400 + 60 * number for number in range(2 * 1440)]
    wave = Series(
        {"__name__": "wave", "host": "h"}, times, [math.sin((at - now) / 21600 * 2 * math.pi) for at in times]
    )
    twins = [Series({"__name__": "twins", "i": name}, times, [1.0] * len(times)) for name in "ab"]
    server = run_prometheus(history=[wave, *twins])
    (tmp_path / "rules.yaml").write_text(RULES)
    (tmp_path / "config.yaml").write_text(CONFIG.format(url=server.url))

    def run(*arguments):
        done = CliRunner().invoke(replay, ["--config", str(tmp_path / "config.yaml"), *arguments])
        return done.exception or 0, done.stdout

    return run


@pytest.mark.integration
def test_a_replay_from_the_command_line(home, tmp_path):
    ended, printed = home("--since", "36h", "--rule", "Wave", "--json")
    assert ended == 0
    shape = json.loads(printed)
    (one,) = shape["rules"]
    assert one["fired"] in (6, 7)
    assert shape["notifications"][0]["title"].startswith("Wave 0.5")

    ended, printed = home("--since", "36h", "--rule", "Never")
    assert ended == 0
    assert "Nobody would have been told anything" in printed

    ended, printed = home("--since", "30d", "--rule", "Wave", "--json")
    assert ended == 0
    shape = json.loads(printed)
    assert "the replay begins there" in shape["notes"][0]
    begins = datetime.fromisoformat(shape["start"]).timestamp()
    assert begins == pytest.approx(time.time() - 2 * 86400, abs=300)

    ended, printed = home("--since", "1d", "--rule", "Wave", "--sweep", "threshold=0.5,0.9,3", "--json")
    assert ended == 0
    assert [one["fired"] > 0 for one in json.loads(printed)["variants"]] == [True, True, False]

    ended, _ = home("--since", "1d", "--rule", "Wave", "--output", str(tmp_path / "page.html"))
    assert ended == 0
    assert "<svg" in (tmp_path / "page.html").read_text()


REFUSED = [
    (["--since", "2h", "--rule", "Broken"], WatchmanError, "fails at every step"),
    (["--since", "30d", "--until", "20d"], WatchmanError, "Prometheus has nothing of what the rules read"),
    (["--since", "1d", "--until", "2999-01-01"], UsageError, "lies in the future"),
    (["--since", "1d", "--rule", "Nobody"], UsageError, "there are Broken, Never, Wave"),
    (["--since", "1d", "--output", "page.png"], UsageError, "name it .html"),
    (["--since", "1d", "--output", "/not/there/page.html"], UsageError, "there is no directory /not/there"),
    (["--since", "1d", "--sweep", "for=1m"], UsageError, "--sweep needs --rule"),
]


@pytest.mark.integration
def test_what_cannot_be_replayed_is_said_in_one_sentence(home):
    for arguments, kind, words in REFUSED:
        ended, _ = home(*arguments)
        assert type(ended) is kind, arguments
        assert words in str(ended)
