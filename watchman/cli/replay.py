"""`watchman replay`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from watchman.cli.common import common_options

if TYPE_CHECKING:
    from watchman.replay import Replay


@click.command(
    epilog="Examples: watchman replay --since 30d; watchman replay --since 30d --rule GridImportSpike --json"
)
@common_options
@click.option("--since", required=True, metavar="T", help="A duration such as 30d, a date, or an RFC 3339 time.")
@click.option("--until", metavar="T", help="The same; left out: now.")
@click.option("--rule", metavar="NAME", help="Only the alerting rules of this name.")
@click.option("--json", "as_json", is_flag=True, help="Everything as one JSON object on stdout.")
def replay(config: Path, since: str, until: str | None, rule: str | None, as_json: bool) -> None:
    """Try the rules on the past: when each would have fired, and which messages would have reached whom."""
    from watchman.clock import Clock, use_utc
    from watchman.config import load_config
    from watchman.replay.moments import read_range
    from watchman.replay.shape import to_json
    from watchman.replaying import named_groups, replay_rules
    from watchman.wiring import wire

    use_utc()
    wiring = wire(load_config(config))
    zone = wiring.config.site.timezone
    start, end = read_range(since, until, Clock().now(), zone)
    done = replay_rules(wiring, named_groups(wiring.groups, rule), start, end)
    if as_json:
        click.echo(json.dumps(to_json(done, zone), indent=2, ensure_ascii=False))
    else:
        _print_table(done)


def _print_table(done: Replay) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("group", "rule", "fired", "errors", box=None, pad_edge=False)
    for rule in done.rules:
        table.add_row(rule.group.name, rule.rule.name, str(len(rule.incidents)), str(rule.errors))
    Console().print(table)
