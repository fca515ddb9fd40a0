"""The image's health check: asks the daemon or the exporter, whichever this container runs, at its own address.

Exit 0 means healthy, 1 not. WATCHMAN_HEALTH_URL takes the place of what is found out here.
"""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

DAEMON_PORT = "9424"
EXPORTER_PORT = "9422"
TIMEOUT_S = 4.0


def health_url(arguments: list[str]) -> str:
    """The address to ask, from the command line that the container's first process was started with."""
    port = EXPORTER_PORT if "exporter" in arguments else DAEMON_PORT
    for before, argument in zip(["", *arguments], arguments, strict=False):
        if before == "--listen" or argument.startswith("--listen="):
            port = argument.rpartition(":")[2]
    return f"http://127.0.0.1:{port}/-/healthy"


def is_healthy(url: str) -> bool:
    """True if the address answers 200 in time."""
    # A proxy from the environment has no say about an address inside the container.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=TIMEOUT_S) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError, ValueError):
        return False


def main() -> int:
    """Ask once."""
    arguments = Path("/proc/1/cmdline").read_bytes().decode(errors="replace").split("\0")
    url = os.environ.get("WATCHMAN_HEALTH_URL") or health_url(arguments)
    if is_healthy(url):
        return 0
    sys.stderr.write(f"no healthy answer from {url}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
