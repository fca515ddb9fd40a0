"""The sender loop, one step at a time: take what is due, one destination in one thread, write down what came.

A destination that hangs holds only itself; a receiver with many of them holds a few threads at most. The step never
waits; the deliveries run in a pool. Where a destination takes nothing the rest of its messages is put off, not tried.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass, field
from typing import Protocol

from watchman.errors import DeliveryError, StoreError
from watchman.notify.combine import Unit, units
from watchman.notify.message import Message
from watchman.notify.outbox import OutboxRow, Outcome, message_from_json
from watchman.notify.retry import is_given_up, next_attempt

LEASE_MARGIN_S = 15.0
# After so many failures in a row within a step the destination is down, and not one message the cause.
PROBES = 2
MOST_PER_RECEIVER = 8
LONGEST_REST_S = 3600.0
CLOCK_STEP_S = 5.0

Deliver = Callable[[str, Message, float, str], str]
"""`deliver(url, message, timeout_s, identity)` returns the answer or raises DeliveryError."""

Combine = Callable[[Sequence[tuple[OutboxRow, Message]], float], Message]
"""`combine(rows with their messages, now)`: the one message that is sent for them."""

DestinationKey = tuple[str, str]
"""Receiver name and `url_key`."""


class Outbox(Protocol):
    """The store's side of the queue. Every method is one transaction and may raise StoreError."""

    def due(self, now: float) -> Iterable[DestinationKey]:
        """Destinations with something due, the most urgent first."""

    def lease(self, destinations: Collection[str], now: float, lease_s: float, limit: int) -> Iterable[OutboxRow]:
        """Take what waits for them, at most `limit` rows each, in the order in which to try them."""

    def write(self, outcomes: Sequence[Outcome]) -> None:
        """Write down what came of some rows."""

    def put_off(self, ids: Sequence[int], due_at: float) -> None:
        """Give rows back untried."""

    def hurry(self, now: float) -> None:
        """Make everything that waits due."""


@dataclass(slots=True)
class _Health:
    """How a destination fares: failed attempts in a row, and until when it asked to be left alone."""

    failures: int = 0
    rest_until: float = 0.0

    def rests(self, now: float) -> bool:
        """True while it is to be left alone; a rest that seems longer than any is from before a clock step."""
        return 0 < self.rest_until - now <= LONGEST_REST_S


@dataclass(slots=True)
class _Memory:
    """What the threads share, under one lock."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    running: dict[str, Future[None]] = field(default_factory=dict)
    receivers: dict[str, str] = field(default_factory=dict)
    unwritten: list[tuple[Outcome, ...]] = field(default_factory=list)
    health: dict[str, _Health] = field(default_factory=dict)


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
        combine: Combine = lambda unit, _now: unit[-1][1],
        timeout_s: float = 30.0,
        on_outcome: Callable[[Outcome], None] = lambda _outcome: None,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._outbox, self._deliver, self._pool = outbox, deliver, pool
        self._now, self._random, self._timeout_s = now, random, timeout_s
        self._combine, self._on_outcome, self._wake = combine, on_outcome, wake
        self._memory = _Memory()
        self._stepped_at = 0.0

    def step(self, destinations: Mapping[DestinationKey, str], limit: int = 500) -> int:
        """Start what is due; returns how many rows were taken. Raises StoreError if the outbox cannot be read."""
        self._write_again()
        now = self._now()
        if now < self._stepped_at - CLOCK_STEP_S:
            self._outbox.hurry(now)
        self._stepped_at = now
        chosen = self._choose(self._outbox.due(now), now)
        if not chosen:
            return 0
        work: dict[str, list[OutboxRow]] = {}
        for row in self._outbox.lease(chosen, now, self._timeout_s + LEASE_MARGIN_S, limit):
            work.setdefault(row.destination, []).append(row)
        for destination, rows in work.items():
            self._start(destination, rows, destinations)
        return sum(len(rows) for rows in work.values())

    def resting(self, now: float) -> frozenset[str]:
        """Destinations that take nothing now: a delivery is in flight, or they asked to be left alone."""
        with self._memory.lock:
            unwritten = {outcome.row.destination for outcomes in self._memory.unwritten for outcome in outcomes}
            asleep = {destination for destination, health in self._memory.health.items() if health.rests(now)}
            return frozenset({*self._memory.running, *unwritten, *asleep})

    def join(self, timeout_s: float) -> bool:
        """Wait for what is in flight; True if all of it ended."""
        with self._memory.lock:
            running = list(self._memory.running.values())
        return not wait(running, timeout_s).not_done

    def _choose(self, due: Iterable[DestinationKey], now: float) -> list[str]:
        """Destinations to begin with, so that no receiver holds more than its share of the threads."""
        resting = self.resting(now)
        with self._memory.lock:
            held = Counter(self._memory.receivers.values())
        chosen: dict[str, None] = {}
        for receiver, destination in due:
            if destination not in resting and destination not in chosen and held[receiver] < MOST_PER_RECEIVER:
                held[receiver] += 1
                chosen[destination] = None
        return list(chosen)

    def _start(self, destination: str, rows: list[OutboxRow], urls: Mapping[DestinationKey, str]) -> None:
        # The lock is held until the future is noted, so that a delivery cannot end before it is known to run.
        with self._memory.lock:
            self._memory.receivers[destination] = rows[0].receiver
            self._memory.running[destination] = self._pool.submit(self._run, destination, rows, urls)

    def _run(self, destination: str, rows: list[OutboxRow], urls: Mapping[DestinationKey, str]) -> None:
        try:
            self._deliver_all(destination, rows, urls)
        finally:
            with self._memory.lock:
                self._memory.running.pop(destination, None)
                self._memory.receivers.pop(destination, None)
            self._wake()

    def _deliver_all(self, destination: str, rows: list[OutboxRow], urls: Mapping[DestinationKey, str]) -> None:
        started, failed = self._now(), 0
        health = self._health(destination)
        waiting = units(rows, started)
        while waiting:
            if failed >= PROBES or health.rests(self._now()):
                self._put_off(destination, waiting)
                return
            if not 0 <= self._now() - started < LEASE_MARGIN_S:
                # What the lease no longer covers is taken anew, for others may take it too.
                self._give_back([row for unit in waiting for row in unit], self._now())
                return
            outcomes = self._attempt(waiting.pop(0), urls, health)
            failed = failed + 1 if any(outcome.due_at is not None for outcome in outcomes) else 0
            self._write(tuple(outcomes))

    def _attempt(self, unit: Unit, urls: Mapping[DestinationKey, str], health: _Health) -> list[Outcome]:
        """One attempt for all rows of a unit; rows that cannot be sent at all are left out of it."""
        url = urls.get((unit[-1].receiver, unit[-1].destination))
        done, sendable = [], []
        for row in unit:
            outcome, message = self._look(row, url)
            done += [outcome] if outcome else []
            sendable += [(row, message)] if message else []
        return done if url is None or not sendable else done + self._send(url, sendable, health)

    def _look(self, row: OutboxRow, url: str | None) -> tuple[Outcome | None, Message | None]:
        """The row's message, or what became of a row that has none to send."""
        now = self._now()
        if row.not_after is not None and now > row.not_after:
            return Outcome(row, now, "", "too late to be of use", dropped=True, tried=False), None
        if url is None:
            return Outcome(row, now, "", f"receiver {row.receiver} has no such destination any more"), None
        try:
            return None, message_from_json(row.message)
        except ValueError:
            return Outcome(row, now, "", "the stored message cannot be read"), None

    def _send(self, url: str, unit: list[tuple[OutboxRow, Message]], health: _Health) -> list[Outcome]:
        newest = unit[-1][0]
        try:
            message = self._combine(unit, self._now())
            answer = self._deliver(url, message, self._timeout_s, f"{newest.id}-{newest.created_at!r}")
        except DeliveryError as error:
            return self._failed(unit, error, health)
        except Exception as error:
            # Not a service's doing; the text may hold anything, so only the kind is kept.
            inside = DeliveryError(f"delivery failed inside watchman ({type(error).__name__})")
            return self._failed(unit, inside, health)
        health.failures = 0
        now = self._now()
        in_one = f"{answer} (in one message with number {newest.id})"
        return [Outcome(row, now, answer if row is newest else in_one) for row, _ in unit]

    def _failed(self, unit: list[tuple[OutboxRow, Message]], error: DeliveryError, health: _Health) -> list[Outcome]:
        now = self._now()
        if error.permanent:
            return [Outcome(row, now, "", str(error)) for row, _ in unit]
        health.failures += 1
        rest_s = min(error.retry_after_s or 0.0, LONGEST_REST_S)
        health.rest_until = now + rest_s if rest_s else 0.0
        return [Outcome(row, now, "", str(error), self._due_at(row, row.attempts + 1, rest_s)) for row, _ in unit]

    def _due_at(self, row: OutboxRow, attempts: int, rest_s: float = 0.0) -> float | None:
        now = self._now()
        if is_given_up(row.first_at, attempts, now):
            return None
        return max(next_attempt(row.first_at, attempts, now, self._random()), now + rest_s)

    def _put_off(self, destination: str, waiting: Sequence[Unit]) -> None:
        """The destination is down: the rest is due when its turn may come again, or has waited long enough."""
        rows = [row for unit in waiting for row in unit]
        health, now = self._health(destination), self._now()
        given_up = [row for row in rows if is_given_up(row.first_at, max(row.attempts, health.failures), now)]
        why = "the service took nothing all the time"
        if given_up:
            self._write(tuple(Outcome(row, now, "", why, tried=False) for row in given_up))
        kept = [row for row in rows if row not in given_up]
        if kept:
            soonest = min(next_attempt(row.first_at, health.failures, now, self._random()) for row in kept)
            self._give_back(kept, health.rest_until if health.rests(now) else soonest)

    def _give_back(self, rows: Sequence[OutboxRow], due_at: float) -> None:
        try:
            self._outbox.put_off([row.id for row in rows], due_at)
        except StoreError:
            # They are due again when their lease ends.
            return

    def _health(self, destination: str) -> _Health:
        with self._memory.lock:
            return self._memory.health.setdefault(destination, _Health())

    def _write(self, outcomes: tuple[Outcome, ...]) -> None:
        try:
            self._outbox.write(outcomes)
        except StoreError:
            # Not written down it would be sent again after the lease: keep it and write it at the next step.
            with self._memory.lock:
                self._memory.unwritten.append(outcomes)
            return
        for outcome in outcomes:
            self._on_outcome(outcome)

    def _write_again(self) -> None:
        with self._memory.lock:
            waiting, self._memory.unwritten = self._memory.unwritten, []
        for outcomes in waiting:
            self._write(outcomes)
