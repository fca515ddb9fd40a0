"""The whole demo, as a person starts it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from watchman.demo.processes import python, python_env

LIMIT_S = 240


def left_behind(folder: str) -> list[str]:
    """Command lines of running processes that name the demo's folder."""
    lines = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                lines.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
            except OSError:
                continue  # it ended while we looked
    return [line for line in lines if folder in line]


@pytest.mark.integration
def test_the_demo_shows_the_alert_and_the_digest_and_leaves_nothing() -> None:
    command = python("watchman", "demo", "--for", "120s", "--headless")
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, env=python_env(), check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    story = done.stdout.splitlines()
    for step in ("cut", "pending", "firing", "push", "alertmanager", "digest"):
        assert re.search(rf"\b{step} \d\d:\d\d:\d\d", done.stdout), story
    assert re.search(r"yesterday by mail: Sun \d+\.\d kWh", done.stdout)
    assert "WRONG" not in done.stdout
    folder = story[0].split()[5].rstrip(",")
    assert not Path(folder).exists()
    assert left_behind(folder) == []


@pytest.mark.integration
def test_ctrl_c_ends_everything() -> None:
    with subprocess.Popen(
        python("watchman", "demo"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=python_env()
    ) as demo:
        assert demo.stdout is not None
        assert demo.stderr is not None
        folder = demo.stdout.readline().split()[5].rstrip(",")
        while "Ctrl-C ends everything" not in (line := demo.stdout.readline()):
            assert line, demo.stderr.read()
        assert len(left_behind(folder)) >= 4
        demo.send_signal(signal.SIGINT)
        assert demo.wait(20) == 0
        assert demo.stderr.read() == "demo: ended; everything is stopped\n"
    assert not Path(folder).exists()
    assert left_behind(folder) == []


def test_without_prometheus_the_demo_says_what_to_install_and_starts_nothing() -> None:
    env = {**python_env(), "PATH": "/nowhere"}
    done = subprocess.run(
        [sys.executable, "-m", "watchman.demo"], capture_output=True, text=True, timeout=30, env=env, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("demo: prometheus is not on PATH: run `sudo apt-get install")
    assert done.stderr.count("\n") == 1


def test_a_wrong_duration_is_wrong_usage() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "watchman.demo", "--for", "soon"],
        capture_output=True,
        text=True,
        timeout=30,
        env=python_env(),
        check=False,
    )
    assert done.returncode == 2
    assert "write it like 90s or 2m" in done.stderr
