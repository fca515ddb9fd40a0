"""`watchman schema`."""

from __future__ import annotations

import json

import click

from watchman.cli.common import common_options


@click.command(epilog="Example: watchman schema > config.schema.json")
@common_options
def schema(config: object) -> None:  # noqa: ARG001 - every command takes --config
    """Print the JSON schema of config.yaml, for editors."""
    from watchman.config.model import Config

    click.echo(json.dumps(Config.model_json_schema(mode="validation"), indent=2))
