"""When a message that was not accepted is tried again: often at first, patiently later, for three days."""

from __future__ import annotations

FIRST_RETRY_S = 1.0
EARLY_S = 300.0
EARLY_PAUSE_S = 10.0
LATE_PAUSE_S = 300.0
GIVE_UP_S = 3 * 86400.0
# A message that waited for days while the daemon was off still gets its attempts.
MIN_ATTEMPTS = 10


def next_attempt(first_at: float, attempts: int, now: float, random: float) -> float:
    """Unix seconds of the next attempt after `attempts` (>= 1) have failed.

    Pauses double from 1 s, are at most 10 s in the first five minutes after `first_at` and at most five minutes
    later. `random` in [0, 1) shortens a pause by up to a fifth, so that many messages do not come at one instant.
    """
    longest_s = EARLY_PAUSE_S if now - first_at < EARLY_S else LATE_PAUSE_S
    pause_s = min(longest_s, FIRST_RETRY_S * 2.0 ** max(0, min(attempts - 1, 20)))
    return now + pause_s * (1.0 - 0.2 * random)


def is_given_up(first_at: float, attempts: int, now: float) -> bool:
    """True if a message that has failed `attempts` times is not tried again: it is a dead letter."""
    return now - first_at >= GIVE_UP_S and attempts >= MIN_ATTEMPTS
