"""The process that cleans up after the demo, however the demo ends.

It reads from its standard input what there is to clean: `group N` (a process group) and `folder PATH`. When the input
ends, because the demo closed it or was killed, it ends the groups and removes the folders. It needs no module of
watchman, so that it starts at once and stays small.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

PATIENCE_S = 9.0
_POLL_S = 0.05


def main() -> int:
    """Wait for the end of the demo, then clean."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups, folders = read(sys.stdin)
    end(groups, PATIENCE_S, time.monotonic, time.sleep)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def read(lines: Iterable[str]) -> tuple[list[int], list[str]]:
    """(process groups, folders) named by the lines, up to their end."""
    groups: list[int] = []
    folders: list[str] = []
    for line in lines:
        kind, _, value = line.rstrip("\n").partition(" ")
        if kind == "group":
            groups.append(int(value))
        elif kind == "folder":
            folders.append(value)
    return groups, folders


def end(groups: Sequence[int], patience_s: float, clock: Callable[[], float], sleep: Callable[[float], object]) -> None:
    """Ask the groups to end, and end for good those that have not after `patience_s`."""
    _send(groups, signal.SIGTERM)
    limit = clock() + patience_s
    while (left := _send(groups, 0)) and clock() < limit:
        sleep(_POLL_S)
    _send(left, signal.SIGKILL)


def _send(groups: Iterable[int], number: int) -> list[int]:
    """Signal the groups; those that still exist."""
    alive = []
    for group in groups:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)
            alive.append(group)
    return alive


if __name__ == "__main__":
    sys.exit(main())
