"""`watchman exporter` and `watchman simulate`: the battery's side."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from watchman.errors import UsageError

PASS_ON = {"ignore_unknown_options": True, "help_option_names": []}


@click.command(context_settings=PASS_ON, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def exporter(arguments: tuple[str, ...]) -> None:
    """Export a Sonnen battery's values for Prometheus."""
    from watchman.sonnen.__main__ import main

    sys.exit(main([_own_config(argument) for argument in arguments]))


def _own_config(argument: str) -> str:
    """A config.yaml stands for the config.toml its `exporter` section names; anything else for itself."""
    option, separator, value = argument.rpartition("=")
    if not value.endswith((".yaml", ".yml")):
        return argument
    from watchman.config import load_config

    config = load_config(Path(value))
    if config.exporter is None:
        raise UsageError(f"{value} has no exporter section; give it exporter: {{config_file: config.toml}}")
    return f"{option}{separator}{config.folder / config.exporter.config_file}"


@click.command(context_settings=PASS_ON, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def simulate(arguments: tuple[str, ...]) -> None:
    """Answer like a Sonnen battery, for tries and tests."""
    from watchman.sonnen.device import main

    sys.exit(main(list(arguments)))
