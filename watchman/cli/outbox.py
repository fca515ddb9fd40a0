"""`watchman outbox`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from watchman.cli.common import common_options
from watchman.errors import UsageError, WatchmanError

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from watchman.store.outbox_views import DeliveryLine


@click.group(epilog="Examples: watchman outbox list; watchman outbox log --since 1d; watchman outbox retry 17")
def outbox() -> None:
    """Messages on their way: which wait, which were given up, what the services said."""


@outbox.command(name="list")
@common_options
@click.option("--all", "show_all", is_flag=True, help="Also what was sent or dropped.")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(min=1), metavar="N",
              help="At most so many.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="The messages as a JSON list.")
def list_rows(config: Path, show_all: bool, limit: int, as_json: bool) -> None:
    """List the newest messages that wait or were given up."""
    from watchman.store import outbox as rows
    from watchman.store import outbox_views

    store, zone = _open(config)
    with store.read() as connection:
        lines = outbox_views.lines(connection, states=() if show_all else (rows.DUE, rows.DEAD), limit=limit)
    if as_json:
        click.echo(json.dumps([asdict(line) for line in lines], indent=2))
        return
    for line in lines:
        at = datetime.fromtimestamp(line.created_at, zone).strftime("%Y-%m-%d %H:%M:%S")
        answer = f" - {line.answer}" if line.answer else ""
        click.echo(f"{line.id:6} {line.state:8} {at}  {line.receiver}: {line.title} ({line.attempts} tries){answer}")
    if not lines:
        click.echo("nothing waits")


@outbox.command(
    name="log",
    epilog="Was it sent? watchman outbox log --since 1d; watchman outbox log --receiver phone; outbox log 17",
)
@common_options
@click.argument("ids", nargs=-1, type=int)
@click.option("--since", default="7d", show_default=True, metavar="D", help="Attempts of the last D, such as 12h.")
@click.option("--receiver", default=None, metavar="NAME", help="Only this one's.")
@click.option("--limit", default=200, show_default=True, type=click.IntRange(min=1), metavar="N",
              help="The newest N.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="The attempts as a JSON list, with their full text.")
def show_log(config: Path, ids: Sequence[int], since: str, receiver: str | None, limit: int, as_json: bool) -> None:
    """Every attempt to deliver of the last 90 days: time, number, receiver, attempt, what the service said, text."""
    from watchman.durations import parse_duration
    from watchman.store import outbox_views

    try:
        begin = 0.0 if ids else _now() - parse_duration(since)
    except ValueError as error:
        raise UsageError(f"--since: {error}") from error
    store, zone = _open(config)
    with store.read() as connection:
        found = outbox_views.delivery_log(connection, since=begin, receiver=receiver, ids=ids, limit=limit)
    if as_json:
        click.echo(json.dumps([_attempt(line, zone) for line in found], indent=2, ensure_ascii=False))
        return
    for line in found:
        at = datetime.fromtimestamp(line.at, zone).strftime("%Y-%m-%d %H:%M:%S")
        word = "accepted" if line.accepted else "NOT accepted"
        click.echo(f"{at} {line.id:6} {line.receiver}: attempt {line.attempt} {word}: {line.answer} - {line.title}")
    if not found:
        click.echo("no attempts", err=True)


@outbox.command()
@common_options
@click.argument("ids", nargs=-1, type=int)
@click.option("--all", "everything", is_flag=True, help="Every message that waits or was given up.")
def retry(config: Path, ids: Sequence[int], everything: bool) -> None:
    """Try messages again now, by their numbers. Exit 1 if one does not wait, or is still not accepted."""
    from watchman.store import outbox as rows
    from watchman.store import outbox_views

    if not ids and not everything:
        raise UsageError("name the messages by their numbers (watchman outbox list), or give --all")
    store, _ = _open(config)
    with store.begin() as connection:
        _must_wait(connection, ids)
        chosen = list(ids) or [
            line.id for line in outbox_views.lines(connection, states=(rows.DUE, rows.DEAD), limit=10_000)
        ]
        count = rows.revive(connection, chosen, _now()) if chosen else 0
    _deliver(config, store, chosen)
    if not chosen:
        click.echo("nothing waits")
        return
    with store.read() as connection:
        missing = [number for number, state in rows.known_states(connection, chosen).items() if state != rows.SENT]
    click.echo(f"{count - len(missing)} of {count} messages were accepted")
    if missing:
        raise WatchmanError(f"not accepted: {_numbers(missing)}; watchman outbox log says why")


@outbox.command()
@common_options
@click.argument("ids", nargs=-1, required=True, type=int)
def drop(config: Path, ids: Sequence[int]) -> None:
    """Drop messages that wait or were given up, by their numbers; nobody will get them. Exit 1 if one does not wait."""
    from watchman.store import outbox as rows

    store, _ = _open(config)
    with store.begin() as connection:
        _must_wait(connection, ids)
        count = sum(rows.mark_dropped(connection, number, _now(), "dropped by hand") for number in ids)
    click.echo(f"{count} messages dropped")


def _must_wait(connection: Any, ids: Sequence[int]) -> None:
    """Raises WatchmanError for numbers that are not those of messages that wait or were given up: none is touched."""
    from watchman.store import outbox as rows

    states = rows.known_states(connection, ids)
    wrong = [f"{number} ({states.get(number, 'unknown')})" for number in ids
             if states.get(number) not in (rows.DUE, rows.DEAD)]  # fmt: skip
    if wrong:
        raise WatchmanError(f"neither waits nor was given up: {', '.join(wrong)}; see watchman outbox list --all")


def _numbers(ids: Sequence[int]) -> str:
    shown = ", ".join(str(number) for number in ids[:10])
    return shown if len(ids) <= 10 else f"{shown} and {len(ids) - 10} more"


def _attempt(line: DeliveryLine, zone: ZoneInfo) -> dict[str, Any]:
    from watchman.localtime import iso_local
    from watchman.notify.outbox import message_from_json

    try:
        text = message_from_json(line.message).text
    except ValueError:
        text = ""
    return {
        "at": iso_local(line.at, zone),
        "number": line.id,
        "receiver": line.receiver,
        "destination": line.destination,
        "kind": line.kind,
        "attempt": line.attempt,
        "accepted": line.accepted,
        "answer": line.answer,
        "title": line.title,
        "text": text,
    }


def _open(config: Path) -> tuple[Any, Any]:
    from watchman.config import load_config
    from watchman.store import open_store
    from watchman.wiring import state_url

    loaded = load_config(config)
    return open_store(state_url(loaded)), loaded.site.timezone


def _deliver(config: Path, store: Any, ids: Sequence[int]) -> None:
    from watchman.clock import Clock
    from watchman.config import load_config
    from watchman.posting import deliver_and_wait
    from watchman.wiring import wire

    if ids:
        deliver_and_wait(store, wire(load_config(config)), Clock(), list(ids))


def _now() -> float:
    from watchman.clock import Clock

    return Clock().now()
