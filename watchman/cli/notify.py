"""`watchman notify`."""

from __future__ import annotations

from pathlib import Path

import click

from watchman.cli.common import common_options


@click.command(epilog='Example: watchman notify --receiver phone "Can you hear me?"')
@common_options
@click.option("--receiver", required=True, metavar="NAME", help="A name of the config's receivers.")
@click.option("--title", default="Test from watchman", show_default=True, help="The first line of the message.")
@click.option("--severity", default="notice", show_default=True,
              type=click.Choice(["critical", "warning", "notice", "info"]),
              help="Becomes the service's priority.")  # fmt: skip
@click.argument("text")
def notify(config: Path, receiver: str, title: str, severity: str, text: str) -> None:
    """Send TEXT to a receiver and tell for each of its URLs what the service answered. Exit 1 if one refused."""
    from watchman.notify.message import Message
    from watchman.posting import post

    post(config, [receiver], "test", "test message", lambda _url: Message(title, text, severity=severity))
