"""`watchman energy`: the group; each command has a module of its own."""

from __future__ import annotations

import click

from watchman.cli.energy_backfill import backfill
from watchman.cli.energy_meter import meter
from watchman.cli.energy_show import export, show


@click.group(epilog="Examples: watchman energy show --by month; watchman energy meter add grid_import 12345.6")
def energy() -> None:
    """The energy ledger: a row per quarter of an hour and flow, kept for years."""


energy.add_command(show)
energy.add_command(export)
energy.add_command(backfill)
energy.add_command(meter)
