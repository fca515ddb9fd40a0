"""`watchman energy backfill`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from watchman.cli.common import common_options
from watchman.errors import UsageError

if TYPE_CHECKING:
    from watchman.energy.settle import OnProgress


@click.command(
    epilog="Examples: watchman energy backfill; watchman energy backfill --since 2026-01-01; may be stopped at any time"
)
@common_options
@click.option("--since", metavar="D", help="Ask again for every day from this local date on: samples came late.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout: first, days, written.")
def backfill(config: Path, since: str | None, as_json: bool) -> None:
    """Fill the ledger with all that Prometheus has and the ledger lacks, daemon running or not."""
    from watchman.clock import Clock, use_utc
    from watchman.config import load_config
    from watchman.prometheus import Prometheus
    from watchman.store import open_store
    from watchman.wiring import prometheus_settings, state_url
    from watchman.worker import backfill as fill
    from watchman.worker_process import make_ports

    use_utc()
    loaded, clock = load_config(config), Clock()
    day = _date(since, clock.now(), loaded.site.timezone) if since else None
    store = open_store(state_url(loaded))
    prometheus = Prometheus(prometheus_settings(loaded.prometheus))
    ports = make_ports(loaded, store, prometheus, clock.now, lambda _line: None)
    with _progress() as on_progress:
        first, done = fill(ports, day, again=day is not None, on_progress=on_progress)
    found = {"first": first.isoformat() if first else None, "days": done.days, "written": done.written}
    click.echo(json.dumps(found) if as_json else _say(first, done.days, done.written))


def _say(first: date | None, days: int, written: int) -> str:
    if first is None:
        return "Prometheus has no samples of the configured metrics; watchman check --query tells more"
    if days == 0:
        return f"nothing to do: every day since {first} was asked for already; --since asks again"
    return f"{days} {'day' if days == 1 else 'days'} since {first} asked for, {written} rows written"


def _date(text: str, now: float, zone: ZoneInfo) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--since {text!r} is not a date: write it as 2026-01-31") from None
    if day > datetime.fromtimestamp(now, zone).date():
        raise UsageError(f"--since {text} lies ahead")
    return day


@contextmanager
def _progress() -> Iterator[OnProgress]:
    """A bar with the time left on a terminal, else one line per day; says what is kept if it is stopped."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    words = TextColumn("filling the ledger"), TextColumn("days,")
    columns = words[0], BarColumn(), MofNCompleteColumn(), words[1], TimeRemainingColumn()
    at = (0, 0)
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("days", total=None)

        def tell(done: int, total: int) -> None:
            nonlocal at
            at = done, total
            bar.update(task, completed=done, total=max(total, 1))
            if not console.is_terminal and done:
                click.echo(f"settled {done} of {total} days", err=True)

        try:
            yield tell
            return
        except KeyboardInterrupt:
            pass
    click.echo(f"stopped; {at[0]} of {at[1]} days are in the ledger, the next run goes on", err=True)
    raise click.exceptions.Exit(130)
