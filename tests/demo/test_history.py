"""The backfilled month: true to the home, accepted by promtool, one with what the live exporter gives."""

from __future__ import annotations

import json
import shutil
import urllib.parse
from collections.abc import Callable
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from servers import Server as RealServer
from servers import wait_for

from watchman.demo.history import SCRAPE_S, Labels, Samples, create_blocks, record, write_openmetrics
from watchman.demo.processes import Family, answers, fetch, free_ports, python, python_env
from watchman.errors import WatchmanError
from watchman.localtime import local_day
from watchman.sonnen.device import Device, Server
from watchman.sonnen.simulator import Home, Settings

HOME = Settings(seed=3)
ZONE = ZoneInfo(HOME.timezone)
END = datetime(2026, 11, 22, 18, 0, tzinfo=UTC).timestamp()
START = END - 4 * 86400
LABELS = Labels(host="sonnen-demo", sn="demo-1", job="sonnen", instance="127.0.0.1:9422")


@pytest.fixture(scope="module")
def samples() -> Samples:
    return record(Home(HOME, START), HOME, START, END)


def integrate_wh(samples: Samples, name: str, begin: float, end: float, sign: int) -> float:
    """The plain trapezoid of the positive part (sign 1) or the negative part (sign -1)."""
    points = [
        (ts, max(sign * value, 0.0))
        for ts, value in zip(samples.stamps, samples.columns[name], strict=True)
        if value is not None and begin <= ts <= end
    ]
    return sum((right[0] - left[0]) * (left[1] + right[1]) / 2 for left, right in pairwise(points)) / 3600


@pytest.mark.parametrize(
    ("name", "sign", "flow"),
    [
        ("sonnen_production_watts", 1, "production_wh"),
        ("sonnen_consumption_watts", 1, "consumption_wh"),
        ("sonnen_grid_feed_in_watts", -1, "grid_import_wh"),
        ("sonnen_grid_feed_in_watts", 1, "grid_export_wh"),
        ("sonnen_discharge_watts", -1, "battery_charge_wh"),
        ("sonnen_discharge_watts", 1, "battery_discharge_wh"),
    ],
    ids=str,
)
def test_what_was_scraped_adds_up_to_what_truly_flowed(samples: Samples, name: str, sign: int, flow: str) -> None:
    begin, end = local_day(date(2026, 11, 21), ZONE)
    true_wh = getattr(samples.truth(begin, end), flow)
    assert integrate_wh(samples, name, begin, end, sign) == pytest.approx(true_wh, rel=0.005, abs=50)


def test_the_flows_are_scraped_every_15_s_but_for_the_silent_minutes_and_lost_scrapes(samples: Samples) -> None:
    assert [later - sooner for sooner, later in pairwise(samples.stamps)] == [SCRAPE_S] * (len(samples.stamps) - 1)
    power = samples.columns["sonnen_consumption_watts"]
    holes = power.count(None) / len(power)
    assert 0.001 < holes < 0.01
    online = samples.columns["sonnen_online"]
    assert {0, 1} <= set(online)
    assert all(value is None for value, here in zip(power, online, strict=True) if here == 0)
    assert samples.columns["up"].count(0) > 10


def test_every_midnight_has_its_sum(samples: Samples) -> None:
    midnights = [local_day(date(2026, 11, day), ZONE)[0] for day in (19, 20, 21, 22)]
    assert sorted(samples.sums) == midnights


def test_the_text_is_grouped_by_family_and_closed(samples: Samples, tmp_path: Path) -> None:
    file = tmp_path / "history.om"
    count = write_openmetrics(samples, LABELS, file)
    lines = file.read_text().splitlines()
    families = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    assert len(families) == len(set(families)) == len(samples.columns)
    assert lines[-1] == "# EOF"
    assert count == len(lines) - len(families) - 1
    assert lines[1].startswith(
        'sonnen_production_watts{host="sonnen-demo",instance="127.0.0.1:9422",job="sonnen",sn="demo-1"} '
    )
    assert any(line.startswith('up{instance="127.0.0.1:9422",job="sonnen"} 1 ') for line in lines)


def test_the_live_exporter_gives_every_series_of_the_history(samples: Samples) -> None:
    """Else a graph would break where the history ends."""
    device = Server(("127.0.0.1", 0), Device(Home(HOME, END), lambda: END + 5))
    device.start()
    with Family(keep=False) as family:
        config = f'[[systems]]\nhost = "{LABELS.host}"\nsn = "{LABELS.sn}"\nurl = "{device.url}"\n'
        (family.folder / "exporter.toml").write_text(config)
        listen = f"127.0.0.1:{free_ports(1)[0]}"
        arguments = ("--config", str(family.folder / "exporter.toml"), "--listen", listen)
        family.start("exporter", python("watchman.sonnen", *arguments), python_env())
        wait_for(lambda: answers(f"http://{listen}/metrics"), what="the exporter")
        wanted = {f'{name}{{host="{LABELS.host}",sn="{LABELS.sn}"}}' for name in samples.columns if name != "up"}

        def given() -> set[str]:
            text = fetch(f"http://{listen}/metrics").decode()
            return {line.rpartition(" ")[0] for line in text.splitlines() if not line.startswith("#")}

        wait_for(lambda: wanted <= given(), limit_s=10, what=f"{sorted(wanted)}")
    device.close()


@pytest.mark.integration
def test_prometheus_serves_the_history(
    samples: Samples, tmp_path: Path, run_prometheus: Callable[..., RealServer]
) -> None:
    text = tmp_path / "history.om"
    write_openmetrics(samples, LABELS, text)
    create_blocks(str(shutil.which("promtool")), text, tmp_path / "prometheus" / "data")
    server = run_prometheus(directory=tmp_path / "prometheus")
    query = urllib.parse.urlencode({"query": "count_over_time(sonnen_production_watts[4d])", "time": END})
    (element,) = json.loads(fetch(f"{server.url}/api/v1/query?{query}"))["data"]["result"]
    scraped = [value for value in samples.columns["sonnen_production_watts"] if value is not None]
    assert int(element["value"][1]) == len(scraped)
    assert element["metric"] == {"host": "sonnen-demo", "instance": "127.0.0.1:9422", "job": "sonnen", "sn": "demo-1"}


@pytest.mark.integration
def test_what_promtool_refuses_is_told_in_one_line(tmp_path: Path) -> None:
    text = tmp_path / "history.om"
    text.write_text("sonnen_production_watts{ 5\n# EOF\n")
    with pytest.raises(WatchmanError, match="promtool did not take the history: ") as refused:
        create_blocks(str(shutil.which("promtool")), text, tmp_path / "data")
    assert "\n" not in str(refused.value)
