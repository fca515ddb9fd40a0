"""`watchman notify`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from watchman.cli.common import common_options
from watchman.errors import UsageError

if TYPE_CHECKING:
    from watchman.previewing import Preview
    from watchman.wiring import Wiring


@click.command(epilog='Example: watchman notify --receiver phone "Can you hear me?"')
@common_options
@click.option("--receiver", metavar="NAME", help="A name of the config's receivers.")
@click.option("--preview", metavar="ALERT", help="Show the messages about a rule or a firing alert; send nothing.")
@click.option("--title", default="Test from watchman", show_default=True, help="The first line of the message.")
@click.option("--severity", default="notice", show_default=True,
              type=click.Choice(["critical", "warning", "notice", "info"]),
              help="Becomes the service's priority.")  # fmt: skip
@click.argument("text", required=False)
def notify(
    config: Path, receiver: str | None, preview: str | None, title: str, severity: str, text: str | None
) -> None:
    """Send TEXT to a receiver and tell for each of its URLs what the service answered. Exit 1 if one refused."""
    if preview is not None:
        _show(config, preview, receiver or "")
        return
    if receiver is None or text is None:
        raise UsageError("give --receiver NAME and a TEXT, or --preview ALERT")
    from watchman.notify.message import Message
    from watchman.posting import post

    post(config, [receiver], "test", "test message", lambda _url: Message(title, text, severity=severity))


def _show(config: Path, name: str, receiver: str) -> None:
    from watchman.clock import Clock
    from watchman.config import load_config
    from watchman.previewing import preview
    from watchman.store import open_store
    from watchman.wiring import state_url, wire

    wiring = wire(load_config(config))
    source, previews = preview(wiring, open_store(state_url(wiring.config)), Clock().now(), name, receiver)
    click.echo(f"values: {source}", err=True)
    for one in previews:
        _print_preview(wiring, one)


def _print_preview(wiring: Wiring, one: Preview) -> None:
    from watchman.notify.destination import MAIL_SCHEMES, redact, scheme_of

    message, urls = one.message, list(wiring.destinations[one.receiver].values())
    places = ", ".join(redact(url) for url in urls) or "no address"
    click.echo(f"--- {one.receiver} ({places}), {one.what}, severity {message.severity or 'none'}")
    click.echo(f"{message.title}\n\n{message.text}\n")
    if message.chart is not None:
        hours = (message.chart.end - message.chart.start) / 3600
        click.echo(f"[chart of {message.chart.expr}, {hours:.0f} h]\n")
    if message.choices is not None:
        click.echo("".join(f"[{action.label}] " for action in message.choices.actions).rstrip() + "\n")
    if message.html is not None and any(scheme_of(url) in MAIL_SCHEMES for url in urls):
        click.echo(f"--- {one.receiver}, {one.what}, as HTML\n{message.html}\n")
    for fault in message.template_faults:
        click.echo(f"the template of {one.receiver} failed, watchman's own words stand in: {fault}", err=True)
