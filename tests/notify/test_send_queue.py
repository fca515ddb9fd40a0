"""The sender loop: one message per destination at once, every outcome written down, nobody held up by another."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import pytest

from watchman.errors import DeliveryError, StoreError
from watchman.notify.message import Message
from watchman.notify.outbox import OutboxRow, message_to_json
from watchman.notify.queue import Outcome, SendQueue

URLS = {("phone", "p"): "ntfy://h/p", ("mail", "m"): "mailto://h"}
WAIT_S = 10.0


@dataclass
class Box:
    """An outbox in memory."""

    rows: list[OutboxRow]
    due_at: dict[int, float] = field(default_factory=dict)
    written: list[tuple] = field(default_factory=list)
    broken: bool = False

    def lease_due(self, now: float, limit: int, lease_s: float, busy: frozenset[str]) -> list[OutboxRow]:
        due = [row for row in self.rows if self.due_at.get(row.id, 0.0) <= now and row.destination not in busy]
        self.due_at |= {row.id: now + lease_s for row in due[:limit]}
        return due[:limit]

    def mark_sent(self, row_id: int, now: float, answer: str) -> None:
        self._write(row_id, ("sent", row_id, answer))

    def mark_failed(self, row_id: int, now: float, error: str, due_at: float | None) -> None:
        self._write(row_id, ("failed", row_id, error, due_at), due_at)

    def mark_dropped(self, row_id: int, now: float, why: str) -> None:
        self._write(row_id, ("dropped", row_id, why))

    def _write(self, row_id: int, line: tuple, due_at: float | None = None) -> None:
        if self.broken:
            raise StoreError("database is locked")
        self.written.append(line)
        self.due_at[row_id] = due_at if due_at is not None else float("inf")
        self.rows = [replace(row, attempts=row.attempts + 1) if row.id == row_id else row for row in self.rows]


def row(number: int, receiver: str = "phone", destination: str = "p", **fields: object) -> OutboxRow:
    data = message_to_json(Message(f"message {number}", "text"))
    return replace(OutboxRow(number, receiver, destination, "alert", data, "first", 1000.0), **fields)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as executor:
        yield executor


def queue(box: Box, deliver: Callable, pool: ThreadPoolExecutor, **more: object) -> SendQueue:
    return SendQueue(box, deliver, pool, lambda: 1000.0, lambda: 0.0, **more)


def accept(url: str, message: Message, timeout_s: float, identity: str) -> str:
    return f"{url} took {message.title}"


def fail(error: Exception) -> Callable:
    def deliver(url: str, message: Message, timeout_s: float, identity: str) -> str:
        raise error

    return deliver


def test_due_messages_are_delivered_and_marked_with_the_answer(pool: ThreadPoolExecutor) -> None:
    box, outcomes = Box([row(1), row(2, "mail", "m")]), list[Outcome]()
    sender = queue(box, accept, pool, on_outcome=outcomes.append)

    assert sender.step(URLS) == 2
    assert sender.join(WAIT_S)
    assert sorted(box.written) == [
        ("sent", 1, "ntfy://h/p took message 1"),
        ("sent", 2, "mailto://h took message 2"),
    ]
    assert {outcome.row.id for outcome in outcomes} == {1, 2}
    assert sender.step(URLS) == 0


@pytest.mark.parametrize(
    ("error", "due_at", "words"),
    [
        (DeliveryError("busy"), 1001.0, "busy"),
        (DeliveryError("slow down", retry_after_s=60.0), 1060.0, "slow down"),
        (DeliveryError("401", permanent=True), None, "401"),
        (RuntimeError("secret"), 1001.0, "RuntimeError"),
    ],
)
def test_a_failure_is_written_with_its_next_time(
    pool: ThreadPoolExecutor, error: Exception, due_at: float | None, words: str
) -> None:
    box = Box([row(1)])
    sender = queue(box, fail(error), pool)
    sender.step(URLS)
    assert sender.join(WAIT_S)

    [(state, number, text, at)] = box.written
    assert (state, number, at) == ("failed", 1, due_at)
    assert words in text
    assert "secret" not in text


def test_a_destination_that_hangs_holds_only_itself(pool: ThreadPoolExecutor) -> None:
    release, entered = threading.Event(), threading.Event()

    def deliver(url: str, message: Message, timeout_s: float, identity: str) -> str:
        if url.startswith("ntfy"):
            entered.set()
            assert release.wait(WAIT_S)
        return "ok"

    told = threading.Event()
    box = Box([row(1)])
    sender = queue(box, deliver, pool, wake=told.set)
    sender.step(URLS)
    assert entered.wait(WAIT_S)
    box.rows += [row(2), row(3, "mail", "m")]

    assert sender.step(URLS) == 1
    assert told.wait(WAIT_S)
    assert box.written == [("sent", 3, "ok")]
    assert sender.busy() == {"p"}

    release.set()
    assert sender.join(WAIT_S)
    assert sender.step(URLS) == 1
    assert sender.join(WAIT_S)
    assert [line[1] for line in box.written] == [3, 1, 2]


def test_a_destination_that_is_down_is_tried_once_per_step(pool: ThreadPoolExecutor) -> None:
    box = Box([row(1), row(2)])
    sender = queue(box, fail(DeliveryError("down")), pool)
    sender.step(URLS)
    assert sender.join(WAIT_S)

    assert [line[1] for line in box.written] == [1]


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (row(1, not_after=999.0), ("dropped", 1, "too late to be of use")),
        (row(1, "gone", "x"), ("failed", 1, "receiver gone has no such destination any more", None)),
        (row(1, message=b"rubbish"), ("failed", 1, "the stored message cannot be read", None)),
    ],
)
def test_what_cannot_be_sent_is_not_tried(pool: ThreadPoolExecutor, one: OutboxRow, expected: tuple) -> None:
    box = Box([one])
    sender = queue(box, fail(AssertionError("must not be called")), pool)
    sender.step(URLS)
    assert sender.join(WAIT_S)

    assert box.written == [expected]


def test_an_outcome_that_cannot_be_written_is_written_later_and_not_sent_again(pool: ThreadPoolExecutor) -> None:
    calls: list[str] = []

    def deliver(url: str, message: Message, timeout_s: float, identity: str) -> str:
        calls.append(identity)
        return "ok"

    box = Box([row(1)], broken=True)
    sender = queue(box, deliver, pool)
    sender.step(URLS)
    assert sender.join(WAIT_S)
    assert box.written == []

    box.broken = False
    sender.step(URLS)
    assert box.written == [("sent", 1, "ok")]
    assert calls == ["1-1000.0"]
