"""`watchman silence`."""

from __future__ import annotations

import getpass
import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from watchman.cli.common import common_options
from watchman.errors import UsageError

if TYPE_CHECKING:
    from watchman.config import Config
    from watchman.notify.matchers import Matcher
    from watchman.notify.mute import Silence
    from watchman.silencing import Keeper

OWN = "In watchman's own state, although there is an Alertmanager."


@click.group(epilog="Examples: watchman silence add alertname=GridDown --until tomorrow; watchman silence list")
def silence() -> None:
    """Silences: alerts that are not told for a while. They are the Alertmanager's where the config names one."""


@silence.command(
    epilog="Examples: watchman silence add GridDown host=home; watchman silence add 'alertname=~\"Battery.*\"' -d 3d"
)
@common_options
@click.option("-d", "--duration", default=None, metavar="D", help="How long, such as 90m or 3d.  [default: 1h]")
@click.option("--until", default=None, metavar="T",
              help="Until when: tomorrow (7 in the morning), 18:30, 2026-12-24, an RFC 3339 time.")  # fmt: skip
@click.option("--start", default=None, metavar="T", help="When it begins, written as for --until.  [default: now]")
@click.option("-c", "--comment", default="", help="Why.")
@click.option("-a", "--author", default=None, metavar="NAME", help="Who.  [default: the name you are logged in with]")
@click.option("--own", is_flag=True, help=OWN)
@click.option("--json", "as_json", is_flag=True, help='The answer of the API: {"silenceID": ...}.')
@click.argument("matchers", nargs=-1, required=True)
def add(config: Path, duration: str | None, until: str | None, start: str | None, comment: str,
        author: str | None, own: bool, as_json: bool, matchers: Sequence[str]) -> None:  # fmt: skip
    """Silence the alerts that all MATCHERS match: label=value, !=, =~, !~. A first word alone is an alert's name."""
    from watchman.notify.mute import Silence

    loaded, keeper, now = _open(config, own)
    starts_at = _moment(start, now, loaded) if start else now
    if duration and until:
        raise UsageError("give --duration or --until, not both")
    ends_at = _moment(until, now, loaded) if until else starts_at + _seconds(duration or "1h")
    wanted = Silence("", tuple(_matchers(matchers)), starts_at, ends_at, comment, author or _who())
    made = keeper.add(wanted, now)
    click.echo(json.dumps({"silenceID": made}) if as_json else made)


@silence.command(name="list")
@common_options
@click.option("--expired", is_flag=True, help="Also those that are over; they are kept for 5 days.")
@click.option("--own", is_flag=True, help=OWN)
@click.option("--json", "as_json", is_flag=True, help="The silences as GET /api/v2/silences gives them.")
def list_silences(config: Path, expired: bool, own: bool, as_json: bool) -> None:
    """List silences: active ones by their end, then those that have not begun."""
    from watchman.notify.silences import SilenceState, in_order, state_of
    from watchman.web.shapes_v2 import silence_object

    loaded, keeper, now = _open(config, own)
    shown = [one for one in in_order(keeper.every(), now) if expired or state_of(one, now) is not SilenceState.EXPIRED]
    if as_json:
        click.echo(json.dumps([silence_object(one, now) for one in shown], indent=2))
        return
    for one in shown:
        click.echo(_line(one, now, loaded))
    if not shown:
        click.echo("nothing is silenced")


@silence.command()
@common_options
@click.option("--own", is_flag=True, help=OWN)
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
def expire(config: Path, own: bool, ids: Sequence[str]) -> None:
    """End silences now, by their ids."""
    _, keeper, now = _open(config, own)
    for silence_id in ids:
        keeper.expire(silence_id, now)


def _open(config: Path, own: bool) -> tuple[Config, Keeper, float]:
    from watchman.clock import Clock
    from watchman.config import load_config
    from watchman.silencing import make_keeper

    loaded = load_config(config)
    return loaded, make_keeper(loaded, own=own), Clock().now()


def _line(one: Silence, now: float, config: Config) -> str:
    from watchman.notify.matchers import matchers_text
    from watchman.notify.silences import state_of

    start, end = (_clock(at, config) for at in (one.starts_at, one.ends_at))
    said = ": ".join(part for part in (one.created_by, one.comment) if part)
    return f"{one.id}  {state_of(one, now).value:8} {start} to {end}  {matchers_text(one.matchers)}  {said}".rstrip()


def _clock(at: float, config: Config) -> str:
    try:
        return datetime.fromtimestamp(at, config.site.timezone).strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError):
        # The last day of the calendar has no tomorrow in the east.
        return "always"


def _matchers(words: Sequence[str]) -> list[Matcher]:
    from watchman.notify.matchers import MatcherError, Op, make_matcher, parse_matchers

    found: list[Matcher] = []
    for index, word in enumerate(words):
        if index == 0 and "=" not in word and "!~" not in word:
            found.append(make_matcher("alertname", Op.EQUAL, word))
            continue
        try:
            found += parse_matchers(word)
        except MatcherError as error:
            raise UsageError(f'no matcher: "{word}" ({error}); write label=value, !=, =~ or !~') from error
    return found


def _moment(text: str, now: float, config: Config) -> float:
    from watchman.notify.until import parse_until

    try:
        return parse_until(text, now, config.site.timezone)
    except ValueError as error:
        raise UsageError(str(error)) from error


def _seconds(text: str) -> float:
    from watchman.durations import parse_duration

    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(f"--duration: {error}; write it like 90m or 3d") from error


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container's user often has no name.
        return "watchman silence"
