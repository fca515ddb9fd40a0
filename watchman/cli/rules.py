"""`watchman rules`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from watchman.cli.common import common_options


@click.command(epilog="Example: watchman rules --json | jq '.groups[].rules[] | select(.state == \"firing\")'")
@common_options
@click.option("--json", "as_json", is_flag=True, help="The data of /api/v1/rules.")
def rules(config: Path, as_json: bool) -> None:
    """Evaluate every rule once, now: its state and value. `for` is not waited for, nothing is sent or stored."""
    from watchman.clock import Clock
    from watchman.config import load_config
    from watchman.once import evaluate_once
    from watchman.web.api_v1 import rules_data
    from watchman.wiring import wire

    wiring = wire(load_config(config))
    clock = Clock()
    statuses = evaluate_once(wiring, clock.now(), clock.monotonic)
    if as_json:
        click.echo(json.dumps(rules_data(statuses), indent=2))
    else:
        _print_table(statuses)
    if any(status.health == "err" for status in statuses):
        raise SystemExit(1)


def _print_table(statuses: list) -> None:  # type: ignore[type-arg]
    from rich.console import Console
    from rich.table import Table

    table = Table("group", "rule", "now", "value", box=None, pad_edge=False)
    for status in statuses:
        if status.error:
            table.add_row(status.group.name, status.rule.name, "error", status.error)
        for alert in status.alerts:
            labels = ", ".join(f"{name}={value}" for name, value in alert.labels.items() if name != "alertname")
            table.add_row(status.group.name, status.rule.name, alert.state.value, f"{alert.value:g} ({labels})")
        if not status.error and not status.alerts:
            table.add_row(status.group.name, status.rule.name, "inactive", "")
    Console().print(table)
