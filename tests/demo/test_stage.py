"""The choices the demo makes before it starts anything."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from watchman.config import load_config
from watchman.demo.config import Ports, digest_time, exporter_toml, watchman_yaml
from watchman.demo.stage import choose_home
from watchman.sonnen.settings import Options, load_settings
from watchman.sonnen.simulator import Settings
from watchman.sonnen.simulator.weather import day_kind

PORTS = Ports(device=1, exporter=2, prometheus=3, alertmanager=4, watchman=5, smtp=6, phone=7)


@pytest.mark.parametrize("day", [1, 9, 17, 25])
def test_yesterday_in_the_chosen_home_had_sun_and_clouds(day: int) -> None:
    now = datetime(2026, 11, day, 7, 30, tzinfo=ZoneInfo("America/Los_Angeles"))
    number = int(datetime(2026, 11, day, tzinfo=UTC).timestamp()) // 86400 - 1
    assert day_kind(choose_home(now.timestamp()).seed, number) == "mixed"


def test_the_daemons_config_is_valid(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(
        watchman_yaml(PORTS, Settings(), digest_time(datetime(2026, 1, 1, 9, 0, tzinfo=UTC).time()), "/x/s")
    )
    config = load_config(file, {})
    assert (config.prometheus.url, config.web.listen) == ("http://127.0.0.1:3", "127.0.0.1:5")
    assert [receiver.name for receiver in config.receivers] == ["phone", "mail"]
    assert config.rule_files is None


def test_the_exporters_config_is_valid() -> None:
    text = exporter_toml(PORTS)
    settings = load_settings(Options("exporter.toml", text, "127.0.0.1:2", "", ""), {}, lambda _: "")
    (system,) = settings.systems
    assert (system.host, system.sn, system.url, system.poll_s) == ("sonnen-demo", "demo-1", "http://127.0.0.1:1", 2)
    assert system.token == "demo-token"


@pytest.mark.parametrize(
    ("now", "due"), [("00:00", "00:00"), ("07:04", "00:00"), ("07:05", "07:05"), ("23:59", "07:05")]
)
def test_the_digest_is_always_due_at_once(now: str, due: str) -> None:
    assert f"{digest_time(datetime.fromisoformat(f'2026-01-01T{now}').time()):%H:%M}" == due
