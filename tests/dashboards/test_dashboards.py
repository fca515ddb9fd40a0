"""Every query of every panel, asked of a real Prometheus that the simulated battery and the exporter have filled."""

from __future__ import annotations

import json
import time
import urllib.parse
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from servers import Server, start_prometheus, wait_for

from watchman.series import Series
from watchman.sonnen.answers import read_answer
from watchman.sonnen.collector import Build, collect
from watchman.sonnen.device import Device
from watchman.sonnen.device import Server as Simulation
from watchman.sonnen.energy import Sums, counted
from watchman.sonnen.exporter import close, start
from watchman.sonnen.learn import Took, learn
from watchman.sonnen.plan import Ask, endpoints_of, first_state
from watchman.sonnen.settings import Listen, Settings
from watchman.sonnen.simulator import Home
from watchman.sonnen.simulator import Settings as HomeSettings
from watchman.sonnen.simulator.generations import GENERATIONS
from watchman.sonnen.status import Status
from watchman.sonnen.system import System, Target

FOLDER = Path(__file__).parents[2] / "deploy/grafana/provisioning/dashboards"
FILES = sorted(FOLDER.glob("*.json"))
HISTORY_S = 27 * 3600  # a day and the one before it, for what compares them
STEP_S = 240
SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def dashboard(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text()))


def seconds(text: str) -> int:
    return int(text[:-1]) * SECONDS[text[-1]]


def span_s(board: dict[str, Any], panel: dict[str, Any]) -> int:
    return seconds(panel.get("timeFrom") or board["time"]["from"].removeprefix("now-"))


QUERIES = [
    pytest.param(panel, target, span_s(board, panel), id=f"{board['title']}: {panel['title']} {target['refId']}")
    for board in map(dashboard, FILES)
    for panel in board["panels"]
    for target in panel["targets"]
]  # fmt: skip


def history(home: Home, system: System, now: float) -> list[Series]:
    """What Prometheus would have kept of a battery that was asked every few minutes."""
    target = Target(system.url, "v2")
    state, sums = first_state(system, 0.0), Sums()
    times: dict[tuple[tuple[str, str], ...], list[float]] = defaultdict(list)
    values: dict[tuple[tuple[str, str], ...], list[float]] = defaultdict(list)
    for step in range(HISTORY_S // STEP_S):
        ts = now - HISTORY_S + step * STEP_S
        reading = home.advance(ts)
        for endpoint in ("status", *endpoints_of(system, target)[1:]):
            answer = read_answer(endpoint, json.dumps(GENERATIONS["v2"][f"/api/v2/{endpoint}"](reading)).encode())
            state = learn(state, Ask(endpoint, target, endpoint != "status", ts), answer, Took(ts, ts, ts), 0.0)
            if isinstance(answer, Status):
                sums = counted(sums, answer, ts)
        for family in collect([state], Build("", "", ""), ts, {("home", "1"): sums.energy_j}):
            for sample in family.samples:
                key = tuple(sorted({**sample.labels, "__name__": sample.name}.items()))
                times[key].append(ts)
                values[key].append(sample.value)
    return [Series(dict(key), times[key], values[key]) for key in times]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A Prometheus with a day of history that goes on scraping a live exporter, and an alert that fires."""
    folder = tmp_path_factory.mktemp("dashboards")
    now = time.time()
    home = Home(HomeSettings(), now - HISTORY_S - 3600, 40)
    system = System("home", "1", "http://battery", token="t")
    past = history(home, system, now)
    battery = Simulation(("127.0.0.1", 0), Device(home, time.time, "t", "v2"))
    battery.start()
    live = System("home", "1", battery.url, token="t", poll_s=2.0)
    exporter = start(Settings((live,), Listen("127.0.0.1", 0), energy_file=folder / "energy.json"))
    rules = folder / "rules.yml"
    rule = {"alert": "AnyData", "expr": "max(sonnen_online) >= 0", "labels": {"severity": "notice"}}
    rules.write_text(yaml.safe_dump({"groups": [{"name": "g", "rules": [rule]}]}))
    job = {"job_name": "sonnenexporter", "static_configs": [{"targets": [f"127.0.0.1:{exporter.port}"]}]}
    config = {"scrape_configs": [job], "rule_files": [str(rules)]}
    prometheus = start_prometheus(folder / "prometheus", config=config, history=past)
    wait_for(lambda: ask(prometheus, "query", query='count_over_time(up[1m]) > 2 and on() ALERTS{alertstate="firing"}'))
    yield prometheus
    prometheus.stop()
    close(exporter)
    battery.close()


def ask(prometheus: Server, kind: str, **words: object) -> list[dict[str, Any]]:
    url = f"{prometheus.url}/api/v1/{kind}?{urllib.parse.urlencode(words)}"
    with urllib.request.urlopen(url, timeout=30) as answer:
        return list(json.loads(answer.read())["data"]["result"])


def filled_in(expr: str, span: int, step: int) -> str:
    """The expression as Grafana sends it."""
    return expr.replace("$__range", f"{span}s").replace("$__interval", f"{step}s")


@pytest.mark.integration
@pytest.mark.parametrize(("panel", "target", "span"), QUERIES)
def test_every_query_of_every_panel_returns_data(
    filled: Server, panel: dict[str, Any], target: dict[str, Any], span: int
) -> None:
    now = time.time()
    step = max(seconds(target["interval"]), span // 500)
    expr = filled_in(target["expr"], span, step)
    if target.get("instant"):
        found = ask(filled, "query", query=expr, time=now)
        numbers = [float(one["value"][1]) for one in found]
    else:
        found = ask(filled, "query_range", query=expr, start=now - span // step * step, end=now, step=step)
        numbers = [float(value) for one in found for _, value in one["values"]]

    assert numbers, f"{panel['title']}: {expr} returns nothing"
    assert not all(number != number for number in numbers), f"{panel['title']}: {expr} returns NaN only"


@pytest.mark.integration
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_alerts_are_marked_on_every_dashboard(filled: Server, file: Path) -> None:
    (marks,) = dashboard(file)["annotations"]["list"]
    found = ask(filled, "query", query=marks["expr"])
    assert [one["metric"]["alertname"] for one in found] == ["AnyData"]


@pytest.mark.integration
def test_the_bars_of_a_day_agree_with_the_mean_power(filled: Server) -> None:
    (panel,) = (one for one in dashboard(FOLDER / "energy.json")["panels"] if one["title"] == "Energy per day")
    expr = next(target["expr"] for target in panel["targets"] if target["legendFormat"] == "Consumption")
    end = time.time() - 600  # before the live exporter came
    (bar,) = ask(filled, "query", query=expr, time=end)
    (mean,) = ask(filled, "query", query="sum(avg_over_time(sonnen_consumption_watts[1d]))", time=end)

    assert float(bar["value"][1]) == pytest.approx(24 * float(mean["value"][1]), rel=0.02)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_dashboard_is_provisioned_as_it_is(file: Path) -> None:
    board = dashboard(file)
    panels = board["panels"]
    places = {
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    }
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len(places) == sum(panel["gridPos"]["w"] * panel["gridPos"]["h"] for panel in panels), "panels overlap"
    assert max(x for x, _ in places) < 24
    assert all(panel["description"] and panel["title"] for panel in panels)
    assert board["templating"]["list"] == [], "dockprom has nobody to fill variables in"
    assert all(
        "$" not in target["expr"].replace("$__range", "").replace("$__interval", "")
        for panel in panels
        for target in panel["targets"]
    )
    assert "id" not in board, "an id of another Grafana would overwrite a dashboard there"


def test_every_dashboard_has_a_name_of_its_own() -> None:
    boards = [dashboard(file) for file in FILES]
    assert len({board["uid"] for board in boards}) == len({board["title"] for board in boards}) == len(FILES)
    assert {"power", "energy", "battery", "alerts", "exporter"} <= {file.stem for file in FILES}
