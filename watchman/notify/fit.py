"""A message in the room a service gives it: what is too long ends at a word. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from watchman.notify.words import cut

Size = Callable[[str], int]


def in_bytes(text: str) -> int:
    """Length as UTF-8."""
    return len(text.encode("utf-8", "replace"))


@dataclass(frozen=True, slots=True)
class Room:
    """What a service takes. `title` 0: it has none, and the title stands in the first line of the text."""

    title: int
    text: int
    size: Size = len


def fit(title: str, text: str, tail: str, room: Room) -> tuple[str, str]:
    """Title and text that fit. `tail` (a link) is kept whole: the text before it gives way."""
    if not text and not tail:
        return "", shorten(title, room.text, room.size)
    head = shorten(title, room.title or room.text // 2, room.size)
    used = room.size(tail) + (0 if room.title else room.size(head) + 2)
    left = room.text - used
    return head, (shorten(text, left, room.size) if left > 3 else "") + tail


def shorten(text: str, limit: int, size: Size = len) -> str:
    """At most `limit` of whatever `size` counts, cut where a word ends."""
    room = min(limit, len(text))
    shown = text
    while size(shown) > limit and room > 3:
        shown = cut(text, room)
        room -= max(1, (size(shown) - limit) // 4)
    return shown
