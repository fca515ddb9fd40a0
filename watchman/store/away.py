"""The switch that says nobody is at home; page and command set it, `site.away` of the config sets it for good."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from watchman.store.facts import get_fact, set_fact

_NAME = "away"


@dataclass(frozen=True, slots=True)
class AwaySwitch:
    """Where the switch stands, and since when (unix seconds; None: it was never touched)."""

    on: bool
    since: float | None


def set_away(connection: Connection, on: bool, now: float) -> None:
    """Turn the switch; setting it to where it stands does not change since when."""
    if get_away(connection).on != on:
        set_fact(connection, _NAME, {"on": on, "since": now}, now)


def get_away(connection: Connection) -> AwaySwitch:
    """Where the switch stands."""
    known = get_fact(connection, _NAME)
    return AwaySwitch(bool(known["on"]), float(known["since"])) if isinstance(known, dict) else AwaySwitch(False, None)
