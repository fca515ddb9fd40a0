"""`watchman away`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from watchman.cli.common import common_options


@click.command(epilog="Examples: watchman away on; watchman away")
@common_options
@click.argument("switch", required=False, type=click.Choice(["on", "off"]))
def away(config: Path, switch: str | None) -> None:
    """Say that nobody is at home (on), or that somebody is again (off); without a word, tell how it stands."""
    from watchman.clock import Clock
    from watchman.config import load_config
    from watchman.store import open_store
    from watchman.store.away import get_away, set_away
    from watchman.wiring import state_url

    loaded = load_config(config)
    store = open_store(state_url(loaded))
    with store.begin() as connection:
        if switch is not None:
            set_away(connection, switch == "on", Clock().now())
        known = get_away(connection)
    store.close()
    since = ""
    if known.since is not None:
        since = f" since {datetime.fromtimestamp(known.since, loaded.site.timezone):%Y-%m-%d %H:%M}"
    click.echo(f"away is {'on' if known.on else 'off'}{since}")
    if loaded.site.away and not known.on:
        click.echo("site.away in the config says that nobody is at home; that holds", err=True)
