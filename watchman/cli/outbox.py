"""`watchman outbox`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from watchman.cli.common import common_options
from watchman.errors import UsageError


@click.group(epilog="Examples: watchman outbox list; watchman outbox retry 17; watchman outbox drop 17 18")
def outbox() -> None:
    """Messages on their way: which wait, which were given up, what the services said."""


@outbox.command(name="list")
@common_options
@click.option("--all", "show_all", is_flag=True, help="Also what was sent or dropped.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(min=1), metavar="N",
              help="At most so many.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="The messages as a JSON list.")
def list_rows(config: Path, show_all: bool, limit: int, as_json: bool) -> None:
    """List the newest messages that wait or were given up."""
    from watchman.store import outbox as rows
    from watchman.store import outbox_views

    store, zone = _open(config)
    with store.begin() as connection:
        lines = outbox_views.lines(connection, states=() if show_all else (rows.DUE, rows.DEAD), limit=limit)
    if as_json:
        click.echo(json.dumps([asdict(line) for line in lines], indent=2))
        return
    for line in lines:
        at = datetime.fromtimestamp(line.created_at, zone).strftime("%Y-%m-%d %H:%M:%S")
        answer = f" - {line.answer}" if line.answer else ""
        click.echo(f"{line.id:6} {line.state:8} {at}  {line.receiver}: {line.title} ({line.attempts} tries){answer}")
    if not lines:
        click.echo("nothing waits")


@outbox.command()
@common_options
@click.argument("ids", nargs=-1, type=int)
@click.option("--all", "everything", is_flag=True, help="Every message that waits or was given up.")
def retry(config: Path, ids: Sequence[int], everything: bool) -> None:
    """Try messages again now, by their numbers."""
    from watchman.store import outbox as rows
    from watchman.store import outbox_views

    if not ids and not everything:
        raise UsageError("name the messages by their numbers (watchman outbox list), or give --all")
    store, _ = _open(config)
    with store.begin() as connection:
        chosen = list(ids) or [
            line.id for line in outbox_views.lines(connection, states=(rows.DUE, rows.DEAD), limit=10_000)
        ]
        count = rows.revive(connection, chosen, _now())
    _deliver(config, store, chosen)
    click.echo(f"{count} messages are due again")


@outbox.command()
@common_options
@click.argument("ids", nargs=-1, required=True, type=int)
def drop(config: Path, ids: Sequence[int]) -> None:
    """Drop messages that wait or were given up, by their numbers; nobody will get them."""
    from watchman.store import outbox as rows

    store, _ = _open(config)
    with store.begin() as connection:
        count = sum(rows.mark_dropped(connection, number, _now(), "dropped by hand") for number in ids)
    click.echo(f"{count} messages dropped")


def _open(config: Path) -> tuple[Any, Any]:
    from watchman.config import load_config
    from watchman.store import open_store
    from watchman.wiring import state_url

    loaded = load_config(config)
    return open_store(state_url(loaded)), loaded.site.timezone


def _deliver(config: Path, store: Any, ids: Sequence[int]) -> None:
    from watchman.clock import Clock
    from watchman.config import load_config
    from watchman.posting import deliver_and_wait
    from watchman.wiring import wire

    if ids:
        deliver_and_wait(store, wire(load_config(config)), Clock(), list(ids))


def _now() -> float:
    from watchman.clock import Clock

    return Clock().now()
