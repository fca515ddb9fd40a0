"""What can go wrong, as types: the caller decides by type, the user reads one line with cause and mend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class WatchmanError(Exception):
    """Anything that ends a command with one line on stderr and exit code 1."""


class UsageError(WatchmanError):
    """The command was called wrongly: exit code 2."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault in a file the user wrote. Line and column count from 1; 0 means the whole file."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.message}"


class ConfigError(WatchmanError):
    """A config or rule file has faults; all of them are here, in reading order."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in faults))


class QueryError(WatchmanError):
    """Prometheus gave no usable answer.

    `reason` is one of timeout, connect, auth, bad_query, server, bad_answer: a metric label and the base of what the
    user is told. Alert state is left as it was.
    """

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason

    @property
    def is_away(self) -> bool:
        """True if Prometheus itself seems to be away, as opposed to a query it refused."""
        return self.reason in ("timeout", "connect", "auth", "bad_answer")


class DeliveryError(WatchmanError):
    """A message was not accepted by a service. `permanent`: the service said that trying again cannot help."""

    def __init__(self, message: str, *, permanent: bool = False, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after_s = retry_after_s


class StoreError(WatchmanError):
    """The state cannot be read or written (locked, full, read-only, newer schema)."""
