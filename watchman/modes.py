"""Who does what where an Alertmanager stands beside watchman, before it, or nowhere: the table the jobs go by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    """Where the Alertmanager stands, seen from watchman."""

    BESIDE = "beside"
    BEFORE = "before"
    INSTEAD = "instead"


class Part(StrEnum):
    """Who does a thing."""

    WATCHMAN = "watchman"
    ALERTMANAGER = "Alertmanager"
    PROMETHEUS = "Prometheus"


@dataclass(frozen=True, slots=True)
class Duties:
    """Who does what in one mode. "Own" is of watchman's rules, "others'" is of rules that Prometheus evaluates."""

    evaluates_own: Part
    evaluates_others: Part
    others_go_to: Part
    groups_own: Part
    groups_others: Part
    sends_own: Part
    sends_others: Part
    owns_silences: Part


DUTIES: Mapping[Mode, Duties] = {
    Mode.BESIDE: Duties(
        evaluates_own=Part.WATCHMAN,
        evaluates_others=Part.PROMETHEUS,
        others_go_to=Part.ALERTMANAGER,
        groups_own=Part.WATCHMAN,
        groups_others=Part.ALERTMANAGER,
        sends_own=Part.WATCHMAN,
        sends_others=Part.ALERTMANAGER,
        owns_silences=Part.ALERTMANAGER,
    ),
    Mode.BEFORE: Duties(
        evaluates_own=Part.WATCHMAN,
        evaluates_others=Part.PROMETHEUS,
        others_go_to=Part.ALERTMANAGER,
        groups_own=Part.ALERTMANAGER,
        groups_others=Part.ALERTMANAGER,
        sends_own=Part.WATCHMAN,
        sends_others=Part.WATCHMAN,
        owns_silences=Part.ALERTMANAGER,
    ),
    Mode.INSTEAD: Duties(
        evaluates_own=Part.WATCHMAN,
        evaluates_others=Part.PROMETHEUS,
        others_go_to=Part.WATCHMAN,
        groups_own=Part.WATCHMAN,
        groups_others=Part.WATCHMAN,
        sends_own=Part.WATCHMAN,
        sends_others=Part.WATCHMAN,
        owns_silences=Part.WATCHMAN,
    ),
}

QUESTIONS: Mapping[str, str] = {
    "evaluates_own": "evaluates watchman's rules",
    "evaluates_others": "evaluates the other rules",
    "others_go_to": "gets the alerts of the other rules",
    "groups_own": "groups and routes watchman's alerts",
    "groups_others": "groups and routes the others",
    "sends_own": "sends watchman's alerts",
    "sends_others": "sends the others",
    "owns_silences": "owns the silences",
}
"""How the documents ask for each field of Duties."""


def table() -> list[tuple[str, ...]]:
    """The table of the documents: a row for each question, a column for each mode."""
    return [(question, *(str(getattr(DUTIES[mode], field)) for mode in Mode)) for field, question in QUESTIONS.items()]
