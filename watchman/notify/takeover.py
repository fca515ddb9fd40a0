"""Mode before: when an alert of an own rule is told by watchman itself, because Alertmanager does not: pure."""

from __future__ import annotations

from dataclasses import dataclass

UNREACHABLE_S = 30.0
"""Without any member for so long nobody is going to post a webhook."""


@dataclass(frozen=True, slots=True)
class Watched:
    """An own alert that fires and that no webhook has brought, as far as is known. Times in unix seconds.

    `accepted`: a member took it. `held`: a member lists it as silenced, inhibited or muted. `elsewhere`: all its
    receivers there are known and none posts webhooks, so Alertmanager is meant to tell somebody else. `brought`: a
    webhook did bring it, when it was told from here already.
    """

    fires_since: float
    accepted: bool = False
    refused: bool = False
    held: bool = False
    elsewhere: bool = False
    brought: bool = False


def takeover_reason(watched: Watched, down_since: float | None, now: float, within_s: float) -> str:
    """Why watchman tells an alert itself; empty while that is Alertmanager's part."""
    age_s = now - watched.fires_since
    if watched.refused:
        return "it refuses an alert of watchman"
    if down_since is not None and min(age_s, now - down_since) >= UNREACHABLE_S:
        return "it cannot be reached"
    if watched.held or watched.elsewhere or watched.brought:
        return ""
    if age_s >= within_s:
        return "its webhook does not come" if watched.accepted else "it does not take an alert of watchman"
    return ""
