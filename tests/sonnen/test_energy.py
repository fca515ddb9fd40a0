"""Energy sums: right, never falling, kept over restarts and power cuts."""

from __future__ import annotations

import json
import logging
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchman.sonnen.answers import read_answer
from watchman.sonnen.device import Device
from watchman.sonnen.device import Server as Simulation
from watchman.sonnen.energy import FLOWS, Sums, area_j, counted, read_sums, write_sums
from watchman.sonnen.energy_book import SAVE_S, EnergyBook
from watchman.sonnen.simulator import Home, Settings, v2_status
from watchman.sonnen.status import Status

A = ("sonnen-a", "Psb12345")


def status(feed_in_w: float | None, discharge_w: float = 0.0) -> Status:
    fields = {
        "Production_W": 1000,
        "Consumption_W": 500,
        "GridFeedIn_W": feed_in_w,
        "Pac_total_W": discharge_w,
        "RSOC": 5,
    }
    found = read_answer("status", json.dumps(fields).encode())
    assert isinstance(found, Status)
    return found


@pytest.mark.parametrize(
    ("first_w", "last_w", "expected_j"),
    [(100, 100, 1000), (0, 100, 500), (-100, -1, 0), (100, -100, 250), (-100, 300, 1125), (0, 0, 0)],
)
def test_only_what_lies_above_zero_counts(first_w: float, last_w: float, expected_j: float) -> None:
    assert area_j(first_w, last_w, 10) == expected_j


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_in_and_out_together_are_the_whole(first_w: float, last_w: float) -> None:
    both = area_j(first_w, last_w, 60) - area_j(-first_w, -last_w, 60)
    assert both == pytest.approx((first_w + last_w) * 30, abs=1e-3)


@pytest.mark.parametrize(
    ("gap_s", "expected_j"), [(5, 5000), (300, 300000), (301, 0), (-5, 0), (0, 0)],
    ids=["a poll", "the longest gap", "too long", "clock set back", "the same moment"],
)  # fmt: skip
def test_a_gap_counts_up_to_five_minutes(gap_s: float, expected_j: float) -> None:
    sums = counted(counted(Sums(), status(1000), 1000.0), status(1000), 1000.0 + gap_s)
    assert sums.energy_j["grid_export"] == expected_j
    assert sums.energy_j["grid_import"] == 0


def test_a_power_that_is_missing_or_absurd_leaves_a_gap_of_its_own_flow_only() -> None:
    sums = Sums()
    for ts, watts in enumerate([1000, None, 1000, 1e300, 1000, 1000]):
        sums = counted(sums, status(watts), float(ts + 1))
    assert sums.energy_j["grid_export"] == 1000
    assert sums.energy_j["production"] == 5000


def test_a_simulated_day_is_counted_to_within_a_percent() -> None:
    home = Home(Settings(), 1_780_000_000.0)
    begin = home.advance(1_780_000_000.0).energy
    sums = Sums()
    for step in range(0, 86400, 5):
        reading = home.advance(1_780_000_000.0 + step)
        found = read_answer("status", json.dumps(v2_status(reading)).encode())
        assert isinstance(found, Status)
        sums = counted(sums, found, reading.ts)
    truth = home.advance(1_780_000_000.0 + 86395).energy - begin
    for flow in FLOWS:
        assert sums.energy_j[flow] / 3600 == pytest.approx(getattr(truth, f"{flow}_wh"), rel=0.01, abs=20), flow


def test_what_is_written_is_read_again() -> None:
    sums = {A: counted(counted(Sums(), status(10), 1.0), status(20), 6.0), ("b", ""): Sums()}
    assert read_sums(write_sums(sums)) == sums


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"format": 2, "batteries": []}', '{"format": 1}', '{"format": 1, "batteries": [5]}',
     '{"format": 1, "batteries": [{"host": "a", "sn": "", "unix": 1, "energy_j": {"production": -1}, "power_w": {}}]}',
     '{"format": 1, "batteries": [{"host": "a", "sn": "", "unix": 1, "energy_j": {"production": NaN}, "power_w": {}}]}',
     '{"format": 1, "batteries": [{"host": "a", "sn": "", "unix": 1, "energy_j": 7, "power_w": {}}]}'],
)  # fmt: skip
def test_a_broken_file_is_put_aside_and_counting_begins_anew(
    text: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "energy.json"
    path.write_text(text)
    with caplog.at_level(logging.WARNING):
        book = EnergyBook(path)

    assert book.shown() == {}
    assert (tmp_path / "energy.json.broken").read_text() == text
    assert "energy counters begin at 0" in caplog.text


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_series_show_what_is_on_disk_so_a_power_cut_never_makes_one_fall(tmp_path: Path) -> None:
    path, clock = tmp_path / "energy.json", Clock()
    book = EnergyBook(path, clock)
    seen: list[float] = []
    for ts in range(0, 1000, 5):
        clock.now_s = float(ts)
        book.add(A, status(1000), 1e9 + ts)
        seen.append(book.shown()[A]["grid_export"])
        if ts % 155 == 0:
            book = EnergyBook(path, clock)  # without a word: as after a power cut
            seen.append(book.shown()[A]["grid_export"])

    book.save()
    assert seen == sorted(seen)
    assert book.shown()[A]["grid_export"] == 995 * 1000, (
        "what was not written yet is bridged: every restart was a short one"
    )


def test_it_writes_seldom(tmp_path: Path) -> None:
    path, clock = tmp_path / "energy.json", Clock()
    book = EnergyBook(path, clock)
    written = set()
    for ts in range(0, 3600, 5):
        clock.now_s = float(ts)
        book.add(A, status(1000), 1e9 + ts)
        written.add(path.read_text())
    assert len(written) == 3600 / SAVE_S


def test_a_disk_that_cannot_be_written_is_said_once_and_no_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder, clock = tmp_path / "gone", Clock()
    book = EnergyBook(folder / "energy.json", clock)
    with caplog.at_level(logging.INFO):
        for ts in range(3):
            book.add(A, status(1000), 1e9 + ts)
        folder.mkdir()
        book.save()

    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "energy counters stand still" in caplog.records[0].getMessage()
    assert book.shown()[A]["grid_export"] == 2000


def wait_for(condition: Callable[[], object]) -> None:
    """Until the condition holds, at most 5 s."""
    until_s = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < until_s
        threading.Event().wait(0.02)


@pytest.fixture
def simulation() -> Iterator[Simulation]:
    home = Home(Settings(), 1_780_000_000.0, 60)
    server = Simulation(("127.0.0.1", 0), Device(home, lambda: 1_780_040_000.0))
    server.start()
    yield server
    server.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["asked to end", "killed"])
def test_the_process_goes_on_where_it_was(
    number: int, simulation: Simulation, tmp_path: Path, free_port_of: Callable[[subprocess.Popen[str]], int]
) -> None:
    path = tmp_path / "energy.json"
    path.write_text(write_sums({("home", ""): Sums({"grid_import": 5e6}, {}, 1.0)}))
    config = tmp_path / "config.toml"
    config.write_text(f'energy_file = "energy.json"\n[[systems]]\nhost = "home"\nurl = "{simulation.url}"\n')
    command = [sys.executable, "-m", "watchman.sonnen", str(config), "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            url = f"http://127.0.0.1:{free_port_of(process)}/metrics"
            with urllib.request.urlopen(url, timeout=5) as answer:
                text = answer.read().decode()
            process.send_signal(number)
            process.wait(5)
        finally:
            process.kill()

    assert 'sonnen_energy_joules_total{flow="grid_import",host="home",sn=""} 5000000\n' in text
    kept = read_sums(path.read_text())[("home", "")]
    assert kept.energy_j["grid_import"] == 5e6
    assert kept.power_w.keys() == set(FLOWS)
