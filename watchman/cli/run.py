"""`watchman run`."""

from __future__ import annotations

from pathlib import Path

import click

from watchman.cli.common import common_options


@click.command(epilog="Example: watchman run --config /etc/watchman/config.yaml")
@common_options
@click.option("--listen", metavar="HOST:PORT", help="Page and API; overrides web.listen.")
def run(config: Path, listen: str | None) -> None:
    """Watch the home: evaluate rules, tell phones, send digests, until SIGTERM.

    SIGHUP, or a POST to /-/reload, reads the configuration anew.
    """
    from watchman.app import run_daemon

    run_daemon(config, listen)
