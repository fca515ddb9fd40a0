"""`watchman energy`: the group; each command has a module of its own."""

from __future__ import annotations

import click

from watchman.cli.energy_meter import meter


@click.group(epilog="Examples: watchman energy meter add grid_import 12345.6; watchman energy meter list")
def energy() -> None:
    """The energy ledger: a row per quarter of an hour and flow, kept for years."""


energy.add_command(meter)
