"""Who alerts most is told what a replay of that time would have made quieter."""

from __future__ import annotations

import time

import pytest

from watchman.config.load import load_config
from watchman.notify.noisy import NoisyRule
from watchman.quieter import replayed
from watchman.series import Series

RULES = """\
groups:
  - name: g
    interval: 1m
    rules:
      - {alert: Flap, expr: load > 10, labels: {severity: warning}, annotations: {summary: much}}
"""
CONFIG = """\
prometheus: {{url: "{url}"}}
site: {{name: home, timezone: Europe/Berlin}}
rule_files: [rules.yaml]
receivers: [{{name: phone, apprise: ["ntfy://127.0.0.1:9/home"]}}]
route: {{receiver: phone, group_wait: 0s, group_interval: 1m}}
flapping: {{starts: 0}}
"""
NOISY = [NoisyRule("Elsewhere", "", 9, 9, 600.0, "a stricter threshold"), NoisyRule("Flap", "", 40, 40, 600.0, "guess")]


def _config(folder, url):
    (folder / "rules.yaml").write_text(RULES)
    (folder / "config.yaml").write_text(CONFIG.format(url=url))
    return load_config(folder / "config.yaml", {})


@pytest.mark.integration
def test_a_rule_that_flaps_gets_the_suggestion_of_the_replay_and_a_foreign_one_keeps_its_own(tmp_path, run_prometheus):
    now = time.time() // 60 * 60
    times = [now - 86400 + 60 * number for number in range(1440)]
    load = Series({"__name__": "load", "host": "h"}, times, [20.0 * (number % 20 < 3) for number in range(1440)])
    config = _config(tmp_path, run_prometheus(history=[load]).url)

    elsewhere, flap = replayed(NOISY, config, now - 80000, now)

    assert elsewhere == NOISY[0]
    assert flap.suggestion.startswith(("keep_firing_for: ", "for: "))
    assert "messages less in a replay of that time" in flap.suggestion


def test_while_prometheus_is_away_the_incidents_speak(tmp_path):
    assert replayed(NOISY, _config(tmp_path, "http://127.0.0.1:9"), 1000.0, 90000.0) == NOISY
