"""`watchman backup`."""

from __future__ import annotations

from pathlib import Path

import click

from watchman.cli.common import common_options
from watchman.errors import UsageError, WatchmanError


@click.command(epilog="Example: watchman backup watchman-$(date +%F).sqlite")
@common_options
@click.argument("file", type=click.Path(path_type=Path))
def backup(config: Path, file: Path) -> None:
    """Copy the whole state into FILE, consistent while the daemon runs.

    To restore: stop watchman, put FILE in the place of its state, start watchman.
    """
    from watchman.config import load_config
    from watchman.store import open_store
    from watchman.wiring import state_url

    if file.exists():
        raise UsageError(f"{file} exists already; name a new file")
    store = open_store(state_url(load_config(config)))
    try:
        size_bytes = store.copy_to(file)
    except OSError as error:
        raise WatchmanError(f"cannot write {file}: {error.strerror}; check folder and free space") from error
    click.echo(f"{file}: {size_bytes / 1024:.0f} KiB")
