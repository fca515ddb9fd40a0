"""`watchman demo`."""

from __future__ import annotations

import sys

import click


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []}, add_help_option=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def demo(arguments: tuple[str, ...]) -> None:
    """A whole home on this machine: battery, Prometheus, alert, mail."""
    from watchman.demo.main import main

    sys.exit(main(list(arguments)))
