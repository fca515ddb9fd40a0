"""The sender loop, one step at a time: take what is due, one message per destination at once, write down what came.

A destination that hangs holds only itself. The step never waits; the deliveries run in a pool.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass
from typing import Protocol

from watchman.errors import DeliveryError, StoreError
from watchman.notify.message import Message
from watchman.notify.outbox import OutboxRow, message_from_json
from watchman.notify.retry import next_attempt

LEASE_MARGIN_S = 15.0

Deliver = Callable[[str, Message, float, str], str]
"""`deliver(url, message, timeout_s, identity)` returns the answer or raises DeliveryError."""

DestinationKey = tuple[str, str]
"""Receiver name and `url_key`."""


class Outbox(Protocol):
    """The store's side of the queue. Every method is one transaction and may raise StoreError."""

    def lease_due(self, now: float, limit: int, lease_s: float, busy: Collection[str]) -> Iterable[OutboxRow]:
        """Take due rows, critical and oldest first; none for a destination in `busy`."""

    def mark_sent(self, row_id: int, now: float, answer: str) -> None:
        """The service took the message."""

    def mark_failed(self, row_id: int, now: float, error: str, due_at: float | None) -> None:
        """It did not; again at `due_at`, or never (None: a dead letter)."""

    def mark_dropped(self, row_id: int, now: float, why: str) -> None:
        """Nobody needs the message any more; it was not tried."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt. `due_at` None with an error: a dead letter, or dropped as too late."""

    row: OutboxRow
    at: float
    answer: str
    error: str | None = None
    due_at: float | None = None
    dropped: bool = False


class SendQueue:
    """Drains the outbox. `step` is called by one thread, whenever something may be due and after `wake`."""

    def __init__(
        self,
        outbox: Outbox,
        deliver: Deliver,
        pool: Executor,
        now: Callable[[], float],
        random: Callable[[], float],
        *,
        timeout_s: float = 30.0,
        on_outcome: Callable[[Outcome], None] = lambda _outcome: None,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._outbox, self._deliver, self._pool = outbox, deliver, pool
        self._now, self._random, self._timeout_s = now, random, timeout_s
        self._on_outcome, self._wake = on_outcome, wake
        self._lock = threading.Lock()
        self._running: dict[str, Future[None]] = {}
        self._unwritten: list[Outcome] = []

    def step(self, destinations: Mapping[DestinationKey, str], limit: int = 50) -> int:
        """Start what is due; returns how many deliveries began. Raises StoreError if the outbox cannot be read."""
        self._write_again()
        now = self._now()
        with self._lock:
            busy = set(self._running)
        work: dict[str, list[OutboxRow]] = {}
        for row in self._outbox.lease_due(now, limit=limit, lease_s=self._timeout_s + LEASE_MARGIN_S, busy=busy):
            work.setdefault(row.destination, []).append(row)
        for destination, rows in work.items():
            self._start(destination, rows, destinations)
        return sum(len(rows) for rows in work.values())

    def busy(self) -> frozenset[str]:
        """Destinations with a delivery in flight."""
        with self._lock:
            return frozenset(self._running)

    def join(self, timeout_s: float) -> bool:
        """Wait for what is in flight; True if all of it ended."""
        with self._lock:
            running = list(self._running.values())
        return not wait(running, timeout_s).not_done

    def _start(self, destination: str, rows: list[OutboxRow], urls: Mapping[DestinationKey, str]) -> None:
        # The lock is held until the future is noted, so that a delivery cannot end before it is known to run.
        with self._lock:
            self._running[destination] = self._pool.submit(self._run, destination, rows, urls)

    def _run(self, destination: str, rows: list[OutboxRow], urls: Mapping[DestinationKey, str]) -> None:
        try:
            for row in rows:
                outcome = self._attempt(row, urls.get((row.receiver, destination)))
                self._write(outcome)
                if outcome.due_at is not None:
                    # It is down: the other rows come back when their lease ends, none of them waits in this thread.
                    break
        finally:
            with self._lock:
                self._running.pop(destination, None)
            self._wake()

    def _attempt(self, row: OutboxRow, url: str | None) -> Outcome:
        if row.not_after is not None and self._now() > row.not_after:
            return Outcome(row, self._now(), "", "too late to be of use", dropped=True)
        if url is None:
            return Outcome(row, self._now(), "", f"receiver {row.receiver} has no such destination any more")
        try:
            message = message_from_json(row.message)
            answer = self._deliver(url, message, self._timeout_s, f"{row.id}-{row.created_at!r}")
        except DeliveryError as error:
            return self._failed(row, error)
        except ValueError:
            return Outcome(row, self._now(), "", "the stored message cannot be read")
        except Exception as error:
            # Not a service's doing; the text may hold anything, so only the kind is kept.
            return self._failed(row, DeliveryError(f"delivery failed inside watchman ({type(error).__name__})"))
        return Outcome(row, self._now(), answer)

    def _failed(self, row: OutboxRow, error: DeliveryError) -> Outcome:
        now = self._now()
        if error.permanent:
            return Outcome(row, now, "", str(error))
        due_at = next_attempt(row.created_at, row.attempts + 1, now, self._random())
        if due_at is not None and error.retry_after_s is not None:
            due_at = max(due_at, now + error.retry_after_s)
        return Outcome(row, now, "", str(error), due_at)

    def _write(self, outcome: Outcome) -> None:
        try:
            if outcome.error is None:
                self._outbox.mark_sent(outcome.row.id, outcome.at, outcome.answer)
            elif outcome.dropped:
                self._outbox.mark_dropped(outcome.row.id, outcome.at, outcome.error)
            else:
                self._outbox.mark_failed(outcome.row.id, outcome.at, outcome.error, outcome.due_at)
        except StoreError:
            # Not written down it would be sent again after the lease: keep it and write it at the next step.
            with self._lock:
                self._unwritten.append(outcome)
            return
        self._on_outcome(outcome)

    def _write_again(self) -> None:
        with self._lock:
            waiting, self._unwritten = self._unwritten, []
        for outcome in waiting:
            self._write(outcome)
