"""`watchman exporter` and `watchman simulate`: the battery's side."""

from __future__ import annotations

import sys

import click

PASS_ON = {"ignore_unknown_options": True, "help_option_names": []}


@click.command(context_settings=PASS_ON, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def exporter(arguments: tuple[str, ...]) -> None:
    """Export a Sonnen battery's values for Prometheus."""
    from watchman.sonnen.__main__ import main

    sys.exit(main(list(arguments)))


@click.command(context_settings=PASS_ON, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def simulate(arguments: tuple[str, ...]) -> None:
    """Answer like a Sonnen battery, for tries and tests."""
    from watchman.sonnen.device import main

    sys.exit(main(list(arguments)))
