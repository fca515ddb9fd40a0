"""Flapping: an alert that begins again and again is told as such once, and then only when it has calmed down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

Span = tuple[float, float | None]
"""One firing period in unix seconds; None: it goes on."""

Recent = Callable[[str, float], Sequence[Span]]
"""`recent(fingerprint, since)`: the incidents of an alert, the present one included, that began or ended after a
moment."""


@dataclass(frozen=True, slots=True)
class Flapping:
    """An alert flaps once it began `starts` times within `within_s`; it is calm after so long without a change."""

    starts: int = 4
    within_s: float = 3600.0


def flaps_until(flapping: Flapping, spans: Sequence[Span], now: float, *, known: bool) -> float | None:
    """When a flapping alert is calm if nothing changes any more (unix seconds); None if it does not flap.

    `known`: its receiver was told that it flaps, so it does until it is calm.
    """
    since = now - flapping.within_s
    starts = [began for began, _ in spans if since < began <= now]
    if not known and len(starts) < flapping.starts:
        return None
    ends = [ended for _, ended in spans if ended is not None and since < ended <= now]
    last = max([*starts, *ends], default=None)
    return None if last is None else last + flapping.within_s
