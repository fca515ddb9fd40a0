"""`watchman replay`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from watchman.cli.common import common_options
from watchman.errors import UsageError, WatchmanError

if TYPE_CHECKING:
    from watchman.replay import Replay
    from watchman.replay.advice import Suggestion
    from watchman.replay.run import Progress
    from watchman.replay.sweep import Tried
    from watchman.replaying import Prepared
    from watchman.wiring import Wiring


@click.command(
    epilog="Examples: watchman replay --since 30d; watchman replay --since 30d --output month.html;"
    " watchman replay --since 30d --rule GridImportSpike --sweep threshold=2000,3000,4000 --sweep for=1m,5m"
)
@common_options
@click.option("--since", required=True, metavar="T", help="A duration such as 30d, a date, or an RFC 3339 time.")
@click.option("--until", metavar="T", help="The same; left out: now.")
@click.option("--rule", metavar="NAME", help="Only the alerting rules of this name.")
@click.option("--sweep", "sweeps", multiple=True, metavar="KEY=V,V", help="Values of threshold, for or keep_firing_for"
              " to try on the rule of --rule; several times for several keys.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Everything as one JSON object on stdout.")
@click.option("--output", metavar="FILE.html", help="A page with a timeline, to look at or to send.")
def replay(
    config: Path,
    since: str,
    until: str | None,
    rule: str | None,
    sweeps: tuple[str, ...],
    as_json: bool,
    output: str | None,
) -> None:
    """Try the rules on the past: when each would have fired, and which messages would have reached whom.

    Nothing is sent and nothing is stored. Ctrl-C ends it early with what is known by then, and exit code 1.
    """
    from watchman.clock import Clock, use_utc
    from watchman.config import load_config
    from watchman.replay.moments import read_range
    from watchman.replay.sweep import read_sweeps
    from watchman.replaying import named_groups
    from watchman.wiring import wire

    use_utc()
    if output is not None:
        _check_output(Path(output))
    if sweeps and (rule is None or output):
        raise UsageError(
            "--sweep needs --rule NAME" if rule is None else "--sweep makes a table, no page: leave --output"
        )
    values = read_sweeps(sweeps)
    wiring = wire(load_config(config))
    start, end = read_range(since, until, Clock().now(), wiring.config.site.timezone)
    groups = named_groups(wiring.groups, rule)
    with _progress() as progress:
        ports, prepared = _prepare(wiring, groups, start, end, progress)
        if values:
            tried = _sweep(prepared, ports, values)
        else:
            done, suggestions = _replay(wiring, prepared, ports)
    if values:
        _tell_sweep(tried, wiring, as_json=as_json)
        return
    if output is not None:
        _write_page(output, done, suggestions, ports, wiring)
    if as_json:
        _print_json(done, suggestions, wiring)
    elif output is None:
        _print_tables(done, suggestions, wiring, every=rule is not None)
    _end(done)


def _check_output(output: Path) -> None:
    """A month of work must not end at a file that cannot be written."""
    if output.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"cannot write {output}: name it .html")
    if not output.parent.is_dir():
        raise UsageError(f"cannot write {output}: there is no directory {output.parent}")
    if output.is_dir() or not os.access(output if output.exists() else output.parent, os.W_OK):
        raise UsageError(f"cannot write {output}: permission denied")


def _prepare(wiring: Wiring, groups: Any, start: float, end: float, progress: Progress) -> tuple[Any, Prepared]:
    from watchman.replaying import make_ports, prepare

    ports = make_ports(wiring, progress)
    return ports, prepare(wiring, groups, start, end, ports)


def _replay(wiring: Wiring, prepared: Prepared, ports: Any) -> tuple[Replay, list[Suggestion]]:
    from watchman.replay import replay as run
    from watchman.replay.advice import advise
    from watchman.replaying import complete

    done = complete(run(prepared.setting, ports), prepared)
    return done, [] if done.is_partial else advise(done, prepared.setting, ports, wiring.config.site.timezone)


def _sweep(prepared: Prepared, ports: Any, values: Any) -> list[Tried]:
    from watchman.replay.sweep import sweep

    return sweep(prepared.setting, ports, values)


@contextmanager
def _progress() -> Iterator[Progress]:
    """A bar with the time left on stderr, where somebody looks at it."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("asking Prometheus", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _print_json(done: Replay, suggestions: list[Suggestion], wiring: Wiring) -> None:
    from watchman.replay.count import count
    from watchman.replay.shape import whole

    zone = wiring.config.site.timezone
    click.echo(json.dumps(whole(done, count(done, zone), suggestions, zone), indent=2, ensure_ascii=False))


def _print_tables(done: Replay, suggestions: list[Suggestion], wiring: Wiring, *, every: bool) -> None:
    from watchman.cli.replay_tables import print_replay
    from watchman.replay.count import count

    zone = wiring.config.site.timezone
    print_replay(done, count(done, zone), suggestions, zone, every=every)


def _write_page(output: str, done: Replay, suggestions: list[Suggestion], ports: Any, wiring: Wiring) -> None:
    from watchman.replay.count import count
    from watchman.replay.measured import measure
    from watchman.replay.page import make_page

    zone = wiring.config.site.timezone
    measured = {} if done.is_partial else measure(done, ports)
    page = make_page(wiring.config.site.name, done, count(done, zone), suggestions, measured, zone)
    try:
        Path(output).write_text(page, encoding="utf-8")
    except OSError as error:
        raise WatchmanError(f"cannot write {output}: {error.strerror}") from error
    click.echo(f"written to {output}", err=True)


def _tell_sweep(tried: list[Tried], wiring: Wiring, *, as_json: bool) -> None:
    from watchman.cli.replay_tables import print_sweep
    from watchman.replay.shape import sweep_to_json

    zone = wiring.config.site.timezone
    if as_json:
        click.echo(json.dumps(sweep_to_json(tried, zone), indent=2, ensure_ascii=False))
    else:
        print_sweep(tried, zone)
    for one in tried:
        _end(one.replay)


def _end(done: Replay) -> None:
    """Exit code 1 where the work was not done whole."""
    if done.is_partial:
        raise WatchmanError("cancelled: what is shown is a part of the range")
    broken = [one.rule.name for one in done.rules if one.errors > one.away and one.errors == one.evaluations]
    if broken:
        raise WatchmanError(f"{', '.join(broken)}: fails at every step, so nothing is known about it")
