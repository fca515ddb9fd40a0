"""Sets the stage: starts every part of the demo in its order and tells how long each took."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import count
from pathlib import Path
from zoneinfo import ZoneInfo

from watchman.demo import config, history, story
from watchman.demo.config import TOKEN, Ports
from watchman.demo.history import Samples
from watchman.demo.processes import Family, fetch, find_program, free_ports, python, python_env
from watchman.errors import WatchmanError
from watchman.localtime import day_of, local_day
from watchman.sonnen.simulator import STEP_S, Energy, Home, Settings
from watchman.sonnen.simulator.loads import charges_car, day_loads
from watchman.sonnen.simulator.weather import day_kind

HISTORY_DAYS = 30
_READY_S = 45.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Programs:
    """The programs of others that the demo runs."""

    prometheus: str
    promtool: str
    alertmanager: str


@dataclass(frozen=True, slots=True)
class Stage:
    """What every step of setting up needs."""

    family: Family
    programs: Programs
    ports: Ports
    home: Settings
    say: Say


def find_programs() -> Programs:
    """Prometheus, promtool and Alertmanager. Raises WatchmanError with what to install."""
    return Programs(
        prometheus=find_program(("prometheus",), "prometheus"),
        promtool=find_program(("promtool",), "prometheus"),
        alertmanager=find_program(("prometheus-alertmanager", "alertmanager"), "prometheus-alertmanager"),
    )


def choose_ports(smtp: int, phone: int) -> Ports:
    """Free ports for what is still to start; the catchers have theirs."""
    device, exporter, prometheus, alertmanager, watchman = free_ports(5)
    return Ports(device, exporter, prometheus, alertmanager, watchman, smtp=smtp, phone=phone)


def choose_home(now: float) -> Settings:
    """A home whose yesterday has a tale: sun and clouds, and the car on that evening and the one before."""
    home = Settings()
    zone = ZoneInfo(home.timezone)
    yesterday = (day_of(now, zone) - date(1970, 1, 1)).days - 1

    def tells(seed: int) -> bool:
        evenings = (day_loads(seed, day, zone) for day in (yesterday - 1, yesterday))
        return day_kind(seed, yesterday) == "mixed" and all(map(charges_car, evenings))

    return replace(home, seed=next(filter(tells, count(1))))


def set_up(stage: Stage, now: float) -> Energy:
    """Start all but watchman; returns, when it answers, what truly flowed yesterday. Raises WatchmanError."""
    stage.say(f"the home is in {stage.home.timezone}, where it is {story.clock_in(ZoneInfo(stage.home.timezone))(now)}")
    end = now // history.SCRAPE_S * history.SCRAPE_S
    start = end - HISTORY_DAYS * 86400
    _write_configs(stage, now)
    _start_alertmanager(stage)
    samples = history.record(Home(stage.home, start), stage.home, start, end)
    _start_device(stage, end, samples.charge_percent)
    _backfill(stage, samples)
    _start_prometheus(stage)
    _start_exporter(stage)
    stage.say("Prometheus, Alertmanager, battery and exporter answer")
    zone = ZoneInfo(stage.home.timezone)
    return samples.truth(*local_day(day_of(end, zone) - timedelta(days=1), zone))


def start_watchman(stage: Stage) -> None:
    """Start the daemon and wait until it answers."""
    command = python("watchman", "run", "--config", str(_path(stage, "config.yaml")))
    stage.family.start("watchman", command, python_env())
    stage.family.wait_ready("watchman", f"{stage.ports.url('watchman')}/-/ready", _READY_S)
    stage.say("watchman answers, all is up")


def cut_grid(ports: Ports, at: float) -> float:
    """Schedule the power cut; the moment at which it begins."""
    start = _step(at)
    _script(ports, {"grid_outage": {"start": start}})
    return start


def restore_grid(ports: Ports, at: float) -> float:
    """Schedule the end of the power cut; the moment at which it ends."""
    end = _step(at)
    _script(ports, {"grid_returns": {"at": end}})
    return end


def _write_configs(stage: Stage, now: float) -> None:
    local = datetime.fromtimestamp(now, ZoneInfo(stage.home.timezone))
    state_file = str(stage.family.folder / "watchman.sqlite")
    digest_at = config.digest_time(local.time())
    texts = {
        "exporter.toml": config.exporter_toml(stage.ports),
        "prometheus.yml": config.prometheus_yaml(stage.ports),
        "alertmanager.yml": config.alertmanager_yaml(),
        "config.yaml": config.watchman_yaml(stage.ports, stage.home, digest_at, state_file),
    }
    for name, text in texts.items():
        _path(stage, name).write_text(text, encoding="utf-8")


def _start_device(stage: Stage, since: float, charge_percent: float) -> None:
    """The battery goes on where the history ends."""
    home = ("--seed", str(stage.home.seed), "--since", str(since), "--charge", str(charge_percent))
    address = ("--listen", f"127.0.0.1:{stage.ports.device}", "--token", TOKEN)
    stage.family.start("battery", python("watchman.sonnen.device", *address, *home), python_env())


def _backfill(stage: Stage, samples: Samples) -> None:
    """Write the history into Prometheus' data."""
    text = _path(stage, "history.om")
    written = history.write_openmetrics(samples, config.labels(stage.ports), text)
    stage.say(f"{HISTORY_DAYS} days of the home simulated, {written / 1e6:.1f} million samples")
    history.create_blocks(stage.programs.promtool, text, _path(stage, "prometheus-data"))
    text.unlink()
    stage.say("promtool made Prometheus blocks of them")


def _start_alertmanager(stage: Stage) -> None:
    files = (str(_path(stage, "alertmanager.yml")), str(_path(stage, "alertmanager-data")))
    command = [stage.programs.alertmanager, *config.alertmanager_arguments(stage.ports, *files)]
    stage.family.start("alertmanager", command)


def _start_prometheus(stage: Stage) -> None:
    files = (str(_path(stage, "prometheus.yml")), str(_path(stage, "prometheus-data")))
    command = [stage.programs.prometheus, *config.prometheus_arguments(stage.ports, *files)]
    stage.family.start("prometheus", command)
    for name in ("prometheus", "alertmanager"):
        stage.family.wait_ready(name, f"{stage.ports.url(name)}/-/ready", _READY_S)


def _start_exporter(stage: Stage) -> None:
    family, ports = stage.family, stage.ports
    family.wait_ready("battery", f"{ports.url('device')}/api/v2/status", _READY_S)
    arguments = ("--config", str(_path(stage, "exporter.toml")), "--listen", f"127.0.0.1:{ports.exporter}")
    family.start("exporter", python("watchman.sonnen", *arguments), python_env())
    family.wait_ready("exporter", f"{ports.url('exporter')}/metrics", _READY_S)


def _path(stage: Stage, name: str) -> Path:
    return stage.family.folder / name


def _script(ports: Ports, wish: Mapping[str, object]) -> None:
    try:
        fetch(f"{ports.url('device')}/simulation", json.dumps(wish).encode())
    except OSError as error:
        raise WatchmanError(f"the simulated battery does not take the script: {error}") from error


def _step(ts: float) -> float:
    return math.ceil(ts / STEP_S) * STEP_S
