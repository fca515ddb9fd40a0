"""Thirty days of the simulated home as Prometheus would have scraped them, turned into blocks by promtool."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

from watchman.errors import WatchmanError
from watchman.localtime import day_of, local_day
from watchman.sonnen.simulator import Energy, Home, Reading, Settings

SCRAPE_S = 30
_SLOW_S = 60  # what hardly ever changes is written once a minute, well within Prometheus' look-back
_LOST = 8 * SCRAPE_S / 86400  # a home network loses some eight scrapes a day

_FAST: dict[str, Callable[[Reading], int]] = {
    "sonnen_production_watts": lambda reading: reading.production_w,
    "sonnen_consumption_watts": lambda reading: reading.consumption_w,
    "sonnen_grid_feed_in_watts": lambda reading: reading.grid_feed_in_w,
    "sonnen_discharge_watts": lambda reading: reading.discharge_w,
    "sonnen_state_of_charge_percent": lambda reading: reading.rsoc_percent,
    "sonnen_user_state_of_charge_percent": lambda reading: reading.usoc_percent,
}
_SLOW: dict[str, Callable[[Reading], float]] = {
    "sonnen_backup_buffer_percent": lambda reading: reading.settings.reserve_percent,
    "sonnen_on_grid": lambda reading: int(reading.on_grid),
    "sonnen_operating_mode": lambda _: 2,
    "sonnen_frequency_inverter": lambda reading: reading.frequency_hz,
    "sonnen_inverter_ac_volts": lambda reading: round(reading.ac_volts),
}


@dataclass(frozen=True, slots=True)
class Labels:
    """What identifies the series: the exporter's `host` and `sn`, the scrape's `job` and `instance`."""

    host: str
    sn: str
    job: str
    instance: str

    def battery(self) -> str:
        """The labels of a series about the battery."""
        return f'{{host="{self.host}",instance="{self.instance}",job="{self.job}",sn="{self.sn}"}}'

    def target(self) -> str:
        """The labels of a series about the scrape."""
        return f'{{instance="{self.instance}",job="{self.job}"}}'


@dataclass(slots=True)
class Samples:
    """What one run of the home left behind: values by series name, with their scrape times; None was not scraped.

    `sums` holds what had truly flowed at each local midnight, `charge_percent` is the battery's at the end.
    """

    stamps: list[float] = field(default_factory=list)
    columns: dict[str, list[float | None]] = field(default_factory=dict)
    sums: dict[float, Energy] = field(default_factory=dict)
    charge_percent: float = 0.0

    def truth(self, begin: float, end: float) -> Energy:
        """What truly flowed between two of those midnights."""
        return self.sums[end] - self.sums[begin]


def record(home: Home, settings: Settings, start: float, end: float) -> Samples:
    """Scrape the home from `start` to `end`. The device's nightly silence and lost scrapes leave holes.

    `start` is a multiple of SCRAPE_S, so that every local midnight is a scrape time.
    """
    samples = Samples(columns={name: [] for name in (*_FAST, *_SLOW, "sonnen_online", "up")})
    dice = Random(f"{settings.seed}/scrapes")  # noqa: S311
    midnights = _midnights(start, end, ZoneInfo(settings.timezone))
    for index in range(int((end - start) // SCRAPE_S)):
        ts = start + index * SCRAPE_S
        reading = home.advance(ts)
        lost = dice.random() < _LOST
        seen = not (lost or reading.silent)
        samples.stamps.append(ts)
        if ts in midnights:
            samples.sums[ts] = reading.energy
        for name, read in _FAST.items():
            samples.columns[name].append(read(reading) if seen else None)
        _record_slow(samples.columns, reading, seen, lost, index % (_SLOW_S // SCRAPE_S) == 0)
    samples.charge_percent = home.advance(end).charge_percent
    return samples


def _record_slow(columns: dict[str, list[float | None]], reading: Reading, seen: bool, lost: bool, due: bool) -> None:
    for name, read in _SLOW.items():
        columns[name].append(read(reading) if seen and due else None)
    columns["sonnen_online"].append(int(not reading.silent) if due and not lost else None)
    columns["up"].append(int(not lost) if due or lost else None)


def write_openmetrics(samples: Samples, labels: Labels, path: Path) -> int:
    """Write the samples as OpenMetrics text, family by family; how many there are."""
    count = 0
    with path.open("w", encoding="ascii") as file:
        for name, values in samples.columns.items():
            identity = name + (labels.target() if name == "up" else labels.battery())
            lines = [
                f"{identity} {value:g} {ts:.3f}\n"
                for value, ts in zip(values, samples.stamps, strict=True)
                if value is not None
            ]
            file.write(f"# TYPE {name} gauge\n")
            file.writelines(lines)
            count += len(lines)
        file.write("# EOF\n")
    return count


def create_blocks(promtool: str, text: Path, directory: Path) -> None:
    """Turn the text into blocks in Prometheus' data directory. Raises WatchmanError with promtool's words.

    A month to a block: promtool reads the whole text once per block, so two-hour blocks would take minutes.
    """
    command = [promtool, "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=744h"]
    done = subprocess.run([*command, str(text), str(directory)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise WatchmanError(f"promtool did not take the history: {' '.join(last)}")


def _midnights(start: float, end: float, zone: ZoneInfo) -> set[float]:
    first, days = day_of(start, zone), int((end - start) // 86400) + 2
    return {local_day(first + timedelta(days=day), zone)[0] for day in range(days)}
