"""`watchman report`."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import click

from watchman.cli.common import common_options
from watchman.errors import UsageError, WatchmanError

FORMATS = {".html": "page", ".htm": "page", ".txt": "text"}


@click.command(
    epilog="Examples: watchman report day; watchman report day --date 2026-11-21 --output day.html;"
    " watchman report day --send"
)
@common_options
@click.argument("period", type=click.Choice(["day"]))
@click.option("--date", "date", metavar="D", help="A local date such as 2026-11-21; left out: yesterday.")
@click.option("--output", metavar="FILE", help="FILE.html, FILE.txt, or - for stdout; left out: text on stdout.")
@click.option("--json", "as_json", is_flag=True, help="The figures as one JSON object on stdout.")
@click.option("--send", is_flag=True, help="Send it to the receivers of the configured reports.")
def report(config: Path, period: str, date: str | None, output: str | None, as_json: bool, send: bool) -> None:
    """Make a digest of the PERIOD that contains a date; settles what the ledger lacks, daemon running or not."""
    from watchman.clock import Clock, use_utc
    from watchman.config import load_config
    from watchman.prometheus import Prometheus
    from watchman.store import open_store
    from watchman.wiring import prometheus_settings, state_url
    from watchman.worker import run_job
    from watchman.worker_process import make_ports

    use_utc()
    loaded, clock = load_config(config), Clock()
    wanted = _format(output, as_json)
    store = open_store(state_url(loaded))
    prometheus = Prometheus(prometheus_settings(loaded.prometheus))
    ports = make_ports(loaded, store, prometheus, clock.now, lambda line: click.echo(line, err=True))
    day = date or _yesterday(clock.now(), loaded.site.timezone)
    formats = ["text", "push", "html"] if send else [wanted] if wanted != "json" else []
    made = run_job({"kind": "report", "period": period, "date": day, "formats": sorted({*formats, "text"})}, ports)
    if as_json or wanted == "json":
        click.echo(json.dumps(made["report"], indent=2, ensure_ascii=False))
    elif not send or output:
        _write(made[wanted], output)
    if send:
        _send(config, day, made)


def _format(output: str | None, as_json: bool) -> str:
    if output in (None, "-"):
        return "json" if as_json else "text"
    suffix = Path(str(output)).suffix.lower()
    if suffix not in FORMATS:
        raise UsageError(f"cannot write {output}: name it .html or .txt")
    return FORMATS[suffix]


def _yesterday(now: float, zone: Any) -> str:
    return (datetime.fromtimestamp(now, zone).date() - timedelta(days=1)).isoformat()


def _write(text: str, output: str | None) -> None:
    if output in (None, "-"):
        click.echo(text)
        return
    try:
        Path(str(output)).write_text(text, encoding="utf-8")
    except OSError as error:
        raise WatchmanError(f"cannot write {output}: {error.strerror}") from error
    click.echo(f"written to {output}", err=True)


def _send(config: Path, day: str, made: dict[str, Any]) -> None:
    from watchman.config import load_config
    from watchman.jobs.reporting import message_for
    from watchman.posting import post

    receivers = [name for report in load_config(config).reports for name in report.receivers]
    if not receivers:
        raise UsageError("no report is configured, so nobody is named to send it to; add reports to the config")
    post(config, dict.fromkeys(receivers), "report", f"report day {day} on demand", partial(message_for, made=made))
