"""The only place that reads time. Composition roots make a Clock and hand it down."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """Wall time for slots and stamps (unix seconds), monotonic time for waiting."""

    def now(self) -> float:
        """Unix seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds that never jump."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


def use_utc() -> None:
    """Put the process into UTC: the schedule library keeps naive local times, which stall for an hour in autumn."""
    os.environ["TZ"] = "UTC"
    time.tzset()
