"""Evaluation slots: the instants `k * interval + offset`, the same over restarts and spread over the groups."""

from __future__ import annotations

import hashlib


def slot_offset(key: str, interval_s: float) -> float:
    """Seconds in [0, interval) by which the slots of the group `key` are moved: a stable hash of its file and name."""
    digest = hashlib.blake2b(key.encode(errors="replace"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % _ms(interval_s) / 1000


def slot_at(now: float, interval_s: float, offset_s: float) -> float:
    """The slot at or before `now`."""
    interval, offset = _ms(interval_s), _whole_ms(offset_s)
    return ((_whole_ms(now) - offset) // interval * interval + offset) / 1000


def next_slot(now: float, interval_s: float, offset_s: float) -> float:
    """The first slot after `now`."""
    return (_whole_ms(slot_at(now, interval_s, offset_s)) + _ms(interval_s)) / 1000


def missed_slots(last_slot: float, now: float, interval_s: float) -> int:
    """How many slots passed between the last one evaluated and the one that is due at `now`; they are not made up for.

    0 while the next slot is not due yet, and when the clock went back.
    """
    return max(0, (_whole_ms(now) - _whole_ms(last_slot)) // _ms(interval_s) - 1)


def _ms(interval_s: float) -> int:
    return max(1, _whole_ms(interval_s))


def _whole_ms(seconds: float) -> int:
    # Whole milliseconds keep the slots exact: Prometheus takes no finer times.
    return round(seconds * 1000)
