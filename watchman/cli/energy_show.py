"""`watchman energy show` and `watchman energy export`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import click

from watchman.cli.common import common_options
from watchman.durations import parse_duration
from watchman.energy.buckets import SIZES
from watchman.errors import UsageError, WatchmanError

if TYPE_CHECKING:
    from rich.table import Table

    from watchman.energy.account import Account
    from watchman.energy.meters import Deviation

_DAYS_SHOWN = {"15m": 1, "hour": 2, "day": 14, "month": 365, "year": 3650}
_WIDE = 120
_LEFT_OUT = ("into battery", "out of it", "sun used here", "saved")
_SINCE_HELP = "A day, a time (local) or a length such as 30d; left out: as much as fits a screen."
_UNTIL_HELP = "A day (its end), a time or a length before now; left out: now."
_BY_HELP = "The length of a row, by the site's clock."


@dataclass(frozen=True, slots=True)
class Shown:
    """What was asked for: an account per row, one for all, and the meters that were read meanwhile."""

    site: str
    zone: ZoneInfo
    rows: list[Account]
    total: Account | None
    meters: list[Deviation]


@click.command(epilog="Examples: watchman energy show; watchman energy show --by month --since 2026-01-01 --json")
@common_options
@click.option("--since", metavar="T", help=_SINCE_HELP)
@click.option("--until", metavar="T", help=_UNTIL_HELP)
@click.option("--by", type=click.Choice(SIZES), default="day", show_default=True, help=_BY_HELP)
@click.option("--json", "as_json", is_flag=True, help="Every figure of every row as one JSON object.")
def show(config: Path, since: str | None, until: str | None, by: str, as_json: bool) -> None:
    """Show what the ledger holds, and how far it is from the meters that were read. Asks Prometheus for nothing."""
    shown = _read(config, by, since, until)
    if as_json:
        click.echo(json.dumps(_to_json(shown, by), indent=2, ensure_ascii=False))
        return
    if not any(one.period.known for one in shown.rows):
        click.echo("the ledger holds nothing of this time; fill it with: watchman energy backfill", err=True)
        return
    from rich.console import Console

    console = Console(highlight=False)
    # A pipe has no width to fit: nothing is cut.
    if not console.is_terminal:
        console = Console(highlight=False, width=160)
    console.print(_table(shown, by, narrow=console.width < _WIDE))
    for one in shown.meters:
        console.print(_meter_line(one, shown.zone))


@click.command(
    epilog="Examples: watchman energy export --since 2026-01-01 --output 2026.csv;"
    " watchman energy export --by 15m --since 7d --output week.parquet"
)
@common_options
@click.option("--since", metavar="T", help="A day, a time (local) or a length such as 30d; left out: all there is.")
@click.option("--until", metavar="T", help=_UNTIL_HELP)
@click.option("--by", type=click.Choice(SIZES), default="day", show_default=True, help=_BY_HELP)
@click.option("--output", metavar="FILE", help="FILE.csv, FILE.parquet, or - for CSV on stdout, as is the default.")
def export(config: Path, since: str | None, until: str | None, by: str, output: str | None) -> None:
    """Write the ledger's rows with every figure as CSV, or as Parquet (needs pyarrow: the extra `parquet`)."""
    from watchman.energy.rows import row

    suffix = Path(output).suffix.lower() if output not in (None, "-") else ".csv"
    if suffix not in (".csv", ".parquet"):
        raise UsageError(f"cannot write {output}: name it .csv or .parquet")
    shown = _read(config, by, since or "all", until)
    if not shown.rows:
        raise WatchmanError("the ledger holds nothing of this time; fill it with: watchman energy backfill")
    _write([row(one, shown.site) for one in shown.rows], None if output == "-" else output, suffix)


def _write(rows: list[dict[str, Any]], output: str | None, suffix: str) -> None:
    from watchman.energy.ledger import exported  # pandas costs a third of a second

    table = exported(rows)
    if output is None:
        text = StringIO()
        table.to_csv(text, index=False, lineterminator="\n")
        click.echo(text.getvalue(), nl=False)
        return
    try:
        if suffix == ".csv":
            table.to_csv(output, index=False, lineterminator="\n")
        else:
            table.to_parquet(output, index=False)
    except ImportError as error:
        raise WatchmanError("Parquet needs pyarrow: pip install 'watchman[parquet]'") from error
    except OSError as error:
        raise WatchmanError(f"cannot write {output}: {error.strerror or error}") from error
    click.echo(f"{len(rows)} rows written to {output}", err=True)


def _read(config: Path, by: str, since: str | None, until: str | None) -> Shown:
    from watchman.clock import Clock, use_utc
    from watchman.config import load_config
    from watchman.energy.rows import accounts
    from watchman.prometheus import Prometheus
    from watchman.store import open_store
    from watchman.store.ledger import first_slot
    from watchman.wiring import prometheus_settings, state_url
    from watchman.worker_process import make_ports

    use_utc()
    loaded, now = load_config(config), Clock().now()
    zone = loaded.site.timezone
    with (
        closing(open_store(state_url(loaded))) as store,
        closing(Prometheus(prometheus_settings(loaded.prometheus))) as p,
    ):
        ports = make_ports(loaded, store, p, lambda: now, lambda _line: None)
        with store.begin() as connection:
            oldest = first_slot(connection, loaded.site.name)
        end = min(now, moment(until, now, zone, end_of_day=True)) if until else now
        if oldest is None:
            return Shown(loaded.site.name, zone, [], None, [])
        start = _start(since, by, now, end, zone, oldest)
        rows, total = accounts(by, start, end, ports.site.plant, ports.read_slots, ports.values)
        meters = ports.deviations(rows[0].period.start, end) if rows else []
    return Shown(loaded.site.name, zone, rows, total, meters)


def _start(since: str | None, by: str, now: float, end: float, zone: ZoneInfo, oldest: float) -> float:
    """Where to begin: never before the ledger does."""
    if since is None:
        return max(oldest, end - _DAYS_SHOWN[by] * 86400)
    return float(oldest) if since == "all" else max(float(oldest), moment(since, now, zone))


def moment(text: str, now: float, zone: ZoneInfo, *, end_of_day: bool = False) -> float:
    """Unix seconds of a day, a time, or a length before now; `end_of_day` reads a day as its end."""
    from watchman.energy.meters import read_moment

    try:
        return now - parse_duration(text)
    except ValueError:
        pass
    try:
        if end_of_day and len(text.strip()) == len("2026-11-21"):
            return read_moment((date.fromisoformat(text.strip()) + timedelta(days=1)).isoformat(), zone)
        return read_moment(text, zone)
    except ValueError:
        raise UsageError(f'not a time: {text!r}; write it like 2026-11-21, "2026-11-21 07:30" or 30d') from None


def _to_json(shown: Shown, by: str) -> dict[str, Any]:
    from watchman.energy.rows import row
    from watchman.report.day import meter_json

    return {
        "site": shown.site,
        "by": by,
        "rows": [row(one, shown.site) for one in shown.rows],
        "total": row(shown.total, shown.site) if shown.total else None,
        "meters": [meter_json(one, shown.zone) for one in shown.meters],
    }


def _table(shown: Shown, by: str, *, narrow: bool) -> Table:
    """A line per row and the sum under it; on a narrow terminal without the battery and what was saved."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    priced = any(one.cost is not None for one in shown.rows)
    table = Table(
        title=f"{shown.site}, kWh", title_justify="left", show_footer=True, box=SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    names = ["", "sun", "house", "bought", "sold", "into battery", "out of it", "own power", "sun used here"]
    columns = [*names, *(["cost", "saved"] if priced else []), "measured"]
    footer = _cells(shown.total, "all", priced=priced) if shown.total else [""] * len(columns)
    kept = [index for index, name in enumerate(columns) if not (narrow and name in _LEFT_OUT)]
    for index in kept:
        table.add_column(columns[index], justify="right" if index else "left", footer=footer[index], no_wrap=True)
    for one in shown.rows:
        cells = _cells(one, _when(one, by), priced=priced)
        table.add_row(*(cells[index] for index in kept))
    return table


def _cells(one: Account, when: str, *, priced: bool) -> list[str]:
    from watchman.energy.slots import ENERGY_FLOWS
    from watchman.report.words import money, percent, share

    period = one.period
    energies = [period.energy_wh.get(flow) for flow in ENERGY_FLOWS]
    cells = [when, *("-" if wh is None else f"{wh / 1000:.2f}" for wh in energies)]
    cells += ["-" if ratio is None else percent(ratio) for ratio in (period.self_sufficiency, period.self_consumption)]
    if priced:
        amounts: Sequence[float | None] = (one.cost.net, one.cost.saved) if one.cost else (None, None)
        cells += ["-" if value is None or one.cost is None else money(value, one.cost.currency) for value in amounts]
    return [*cells, share(period.overall)]


def _when(one: Account, by: str) -> str:
    from datetime import datetime

    local = datetime.fromtimestamp(one.period.start, one.plant.zone)
    forms = {"15m": "%a %d %b %H:%M", "hour": "%a %d %b %H:%M", "day": "%a %d %b %Y", "month": "%b %Y", "year": "%Y"}
    return local.strftime(forms[by]) + (f" {local.tzname()}" if local.fold else "")


def _meter_line(one: Deviation, zone: ZoneInfo) -> str:
    from datetime import datetime

    from watchman.report.words import share

    first, last = (datetime.fromtimestamp(ts, zone).strftime("%Y-%m-%d %H:%M") for ts in (one.start, one.end))
    line = f"meter {one.counter.value}, {first} to {last}: {one.meter_wh / 1000:.2f} kWh"
    if one.ledger_wh is None:
        return f"{line}, not in the ledger"
    deviation = "" if one.ratio is None else f" ({one.ratio * 100:+.1f} %)"
    return f"{line}, ledger {one.ledger_wh / 1000:.2f}{deviation}, {share(one.coverage)} measured or bridged"
