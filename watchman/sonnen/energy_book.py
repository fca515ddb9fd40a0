"""The energy sums on disk: read at the start, written every few minutes and at the end.

Series show what was written, not more: after a power cut the counters go on where they were shown last, and Prometheus
never sees one fall. The sums since the last writing are not lost if the exporter is back within five minutes.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from watchman.sonnen.energy import Battery, Energies, Sums, counted, read_sums, write_sums
from watchman.sonnen.status import Status

SAVE_S = 240.0  # 360 small writes a day, which an SD card bears for decades

log = logging.getLogger(__name__)


class EnergyBook:
    """The sums of all batteries of one exporter. Methods may be called from any thread."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._path, self._clock = path, clock
        self._lock = threading.Lock()
        self._sums = self._load()
        self._shown: dict[Battery, Energies] = {battery: sums.energy_j for battery, sums in self._sums.items()}
        self._due_s = float("-inf")
        self._works = True

    def add(self, battery: Battery, status: Status, unix: float) -> None:
        """Count one status that arrived at `unix`, and write if it is time."""
        with self._lock:
            self._sums[battery] = counted(self._sums.get(battery, Sums()), status, unix)
            if (self._works and battery not in self._shown) or self._clock() >= self._due_s:
                self._save()

    def shown(self) -> Mapping[Battery, Energies]:
        """The energies to show, in J by flow."""
        return dict(self._shown)

    def save(self) -> None:
        """Write now."""
        with self._lock:
            self._save()

    def _save(self) -> None:
        self._due_s = self._clock() + SAVE_S
        try:
            _write(self._path, write_sums(self._sums))
        except OSError as error:
            if self._works:
                log.warning("cannot write %s: %s; energy counters stand still", self._path, error.strerror or error)
            self._works = False
            return
        if not self._works:
            log.info("%s can be written again", self._path)
        self._works = True
        self._shown = {battery: sums.energy_j for battery, sums in self._sums.items()}

    def _load(self) -> dict[Battery, Sums]:
        try:
            return read_sums(self._path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            aside = self._path.with_name(f"{self._path.name}.broken")
            log.warning(
                "cannot use %s: %s; energy counters begin at 0, the file is kept as %s", self._path, error, aside
            )
            _move(self._path, aside)
            return {}


def _write(path: Path, text: str) -> None:
    """Replace the file in one step: after a power cut it is the old one or the new one."""
    fresh = path.with_name(f"{path.name}.new")
    with fresh.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _move(path: Path, aside: Path) -> None:
    try:
        path.replace(aside)
    except OSError as error:
        log.warning("cannot rename %s: %s", path, error.strerror)
