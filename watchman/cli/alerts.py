"""`watchman alerts`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from watchman.cli.common import common_options

if TYPE_CHECKING:
    from watchman.notify.noisy import NoisyRule
    from watchman.store.history import Past


@click.command(epilog="Examples: watchman alerts; watchman alerts --since 30d --top; watchman alerts --since 1d --json")
@common_options
@click.option("--since", default="7d", show_default=True, metavar="T",
              help="A duration such as 30d, a date, or an RFC 3339 time.")  # fmt: skip
@click.option("--top", is_flag=True, help="Who alerts most, and what would make it quieter.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout.")
def alerts(config: Path, since: str, top: bool, as_json: bool) -> None:
    """What has alerted: how long it lasted, who was told, what kept it back. Kept for 400 days."""
    from watchman.clock import Clock
    from watchman.config import load_config
    from watchman.errors import UsageError
    from watchman.notify.noisy import who_alerts_most
    from watchman.pasts import as_firings, past_object
    from watchman.quieter import replayed
    from watchman.replay.moments import read_moment
    from watchman.store import open_store
    from watchman.store.history import history
    from watchman.wiring import state_url

    loaded = load_config(config)
    zone, now = loaded.site.timezone, Clock().now()
    start = read_moment("--since", since, now, zone)
    if start > now:
        raise UsageError(f"--since {since} lies in the future: only what has been is kept")
    store = open_store(state_url(loaded))
    with store.read() as connection:
        pasts = history(connection, start, now)
    store.close()
    noisy = who_alerts_most(as_firings(pasts, start), now)
    if as_json:
        top_rules = [_noisy(one) for one in replayed(noisy, loaded, start, now)]
        shape = {"incidents": [past_object(past, now, zone) for past in pasts], "top": top_rules}
        click.echo(json.dumps(shape, indent=2, ensure_ascii=False))
    elif top:
        _print_noisy(replayed(noisy, loaded, start, now))
    else:
        _print(pasts, now, zone)


def _print(pasts: Sequence[Past], now: float, zone: ZoneInfo) -> None:
    from watchman.pasts import past_line

    for past in pasts:
        click.echo(past_line(past, now, zone))
    if not pasts:
        click.echo("nothing has alerted")


def _print_noisy(noisy: Sequence[NoisyRule]) -> None:
    from watchman.pasts import noisy_line

    for rule in noisy:
        click.echo(noisy_line(rule))
    if not noisy:
        click.echo("no rule alerted often")


def _noisy(rule: NoisyRule) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(rule)
