"""The sidecar as a process: one line per fault, exit codes, a quick end, a small memory."""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from watchman.sonnen.__main__ import _parser as exporter_parser
from watchman.sonnen.__main__ import main
from watchman.sonnen.device import Device
from watchman.sonnen.device import Server as Simulation
from watchman.sonnen.device import _parser as simulate_parser
from watchman.sonnen.simulator import Home, Settings
from watchman.sonnen.system import APIS

Start = Callable[..., subprocess.Popen[str]]


@pytest.mark.parametrize(
    ("argv", "code", "line"),
    [
        ([], 2, "sonnen exporter: no battery to ask: give --url http://ADDRESS"),
        (["--nonsense"], 2, "sonnen exporter: unrecognized arguments: --nonsense; see --help"),
        (["--url", "http://b", "--listen", "x"], 2, "sonnen exporter: --listen 'x' is not HOST:PORT"),
        (["a.toml", "--config", "b.toml"], 2, "sonnen exporter: two config files are given; give one"),
        (["/no/such/config.toml"], 1, "sonnen exporter: cannot read /no/such/config.toml: no such file or directory"),
        (["--url", "http://b", "--listen", "..:1"], 1, "sonnen exporter: cannot listen on ..:1"),
        (["--url", "ftp://b"], 1, "sonnen exporter: command line and environment: url: has the scheme 'ftp'"),
    ],
)
def test_a_fault_is_one_line_and_an_exit_code(
    argv: list[str], code: int, line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SONNEN_URL", "SONNEN_TOKEN", "SONNEN_TOKEN_FILE", "SONNEN_HOST", "SONNEN_SN", "LISTEN"):
        monkeypatch.delenv(name, raising=False)

    assert main(argv) == code
    assert capsys.readouterr().err.startswith(line)


@pytest.mark.parametrize("argv", [["--help"], ["discover", "--help"]])
def test_it_calls_itself_as_it_was_called(
    argv: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SystemExit):
        main(argv)
    told = capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["watchman/sonnen/__main__.py", *argv])
    with pytest.raises(SystemExit):
        main()

    assert told.startswith("usage: watchman exporter ")
    assert capsys.readouterr().out.startswith("usage: python -m watchman.sonnen ")


@pytest.mark.parametrize(
    "parser", [exporter_parser("watchman exporter"), simulate_parser()], ids=["exporter", "simulate"]
)
def test_every_option_is_explained(parser: argparse.ArgumentParser) -> None:
    assert [action.dest for action in parser._actions if not action.help] == []


def test_the_help_names_every_api(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    assert f"# {', '.join(APIS)}" in capsys.readouterr().out


@pytest.mark.parametrize("key", ["token_file", "energy_file"])
def test_a_path_that_can_be_none_is_one_line(key: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, line = tmp_path / "config.toml", f'{key} = "a\\u0000b"'
    system = '[[systems]]\nurl = "http://b"\n'
    path.write_text(f"{line}\n{system}" if key == "energy_file" else f"{system}{line}\n")

    assert main([str(path)]) == 1
    assert f"{key}: " in capsys.readouterr().err


def test_a_config_that_is_no_text_is_a_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xff\xfe")

    assert main([str(path)]) == 1
    assert "it is not UTF-8 text" in capsys.readouterr().err


@pytest.fixture
def sidecar(tmp_path: Path) -> Iterator[Start]:
    """Starts the exporter as a process of its own and ends it."""
    processes: list[subprocess.Popen[str]] = []

    def make(*argv: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "watchman.sonnen", "--listen", "127.0.0.1:0", *argv]
        env = {name: value for name, value in os.environ.items() if not name.startswith("SONNEN_")}
        processes.append(subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=env))
        return processes[-1]

    yield make
    for process in processes:
        process.kill()
        process.communicate()


def line_with(process: subprocess.Popen[str], words: str) -> str:
    assert process.stderr is not None
    for line in process.stderr:
        if words in line:
            return line
    raise AssertionError(f"the process ended without saying {words!r}")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_ends_it_within_a_second_even_while_a_battery_is_silent(battery, sidecar: Start, number: int) -> None:
    def silent(_: bytes) -> Iterator[bytes]:
        while True:
            yield b""

    battery.answer = silent
    process = sidecar("--url", battery.url)
    line_with(process, "listening on port")
    started_s = time.monotonic()
    process.send_signal(number)

    assert process.wait(5) == 0
    assert time.monotonic() - started_s < 1


def test_the_rust_exporters_config_file_is_its_argument(battery, sidecar: Start, tmp_path: Path) -> None:
    battery.answer = b'HTTP/1.1 200 OK\r\n\r\n{"RSOC": 50}'
    config = tmp_path / "config.toml"
    config.write_text(f'[[systems]]\nhost = "sonnen-a"\nsn = "Psb12345"\nurl = "{battery.url}"\ncolor = "red"\n')
    process = sidecar(str(config), "--log-format", "json")
    first = json.loads(line_with(process, "color"))

    assert (first["level"], first["message"]) == ("warning", f"{config}: systems[0].color: unknown key, ignored")
    found = json.loads(line_with(process, "found the v2 API"))
    assert found["message"].startswith(f"sonnen-a: found the v2 API at {battery.url}")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", found["time"])


def test_it_imports_nothing_of_watchman_but_itself_and_no_large_library() -> None:
    code = (
        "import sys, watchman.sonnen.__main__;"
        "print([m for m in sys.modules if m.startswith('watchman') and not m.startswith('watchman.sonnen')]);"
        "print([m for m in ('requests', 'pandas', 'numpy', 'apprise', 'flask', 'sqlalchemy') if m in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert answer.stdout.splitlines() == ["['watchman', 'watchman.errors']", "[]"]


@pytest.mark.integration
def test_one_battery_takes_at_most_28_mib(sidecar: Start, free_port_of: Callable[[subprocess.Popen[str]], int]) -> None:
    home = Home(Settings(), 1_780_000_000.0, 60)
    battery = Simulation(("127.0.0.1", 0), Device(home, lambda: 1_780_040_000.0, "t"))
    battery.start()
    try:
        process = sidecar("--url", battery.url, "--token", "t")
        url = f"http://127.0.0.1:{free_port_of(process)}/metrics"
        text, until_s = "", time.monotonic() + 5
        while "sonnen_battery_cycles_total" not in text and time.monotonic() < until_s:
            threading.Event().wait(0.1)
            with urllib.request.urlopen(url, timeout=5) as answer:
                text = answer.read().decode()
    finally:
        battery.close()

    assert "sonnen_battery_cycles_total" in text, "all of the device is read"
    (line,) = (line for line in text.splitlines() if line.startswith("process_resident_memory_bytes "))
    assert float(line.split()[1]) / 2**20 <= 28
