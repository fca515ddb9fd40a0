"""Silences made and ended at an Alertmanager, as its own clients do it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from watchman.alertmanager.client import Alertmanager, AlertmanagerError
from watchman.alertmanager.model import Silence

T = TypeVar("T")


def add_silence(members: Sequence[Alertmanager], document: dict[str, Any]) -> str:
    """Make a silence at the first member that answers, which tells the others; returns its id."""
    return _first(members, lambda member: member.add_silence(json.dumps(document).encode()))


def expire_silence(members: Sequence[Alertmanager], silence_id: str) -> None:
    """End a silence at the first member that answers."""
    _first(members, lambda member: member.expire_silence(silence_id))


def all_silences(members: Sequence[Alertmanager]) -> list[Silence]:
    """Every silence the first member that answers knows."""
    return _first(members, lambda member: member.silences())


def _first(members: Sequence[Alertmanager], ask: Callable[[Alertmanager], T]) -> T:
    """The first answer, a refusal included; AlertmanagerError if no member can be reached."""
    error: AlertmanagerError | None = None
    for member in members:
        try:
            return ask(member)
        except AlertmanagerError as fault:
            if fault.status is not None:
                raise
            error = error or fault
    assert error is not None, "there is at least one member"
    raise error
