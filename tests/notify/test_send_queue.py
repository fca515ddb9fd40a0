"""The sender loop: one message per destination at once, every outcome written down, nobody held up by another."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import pytest

from watchman.errors import DeliveryError, StoreError
from watchman.notify.message import Message
from watchman.notify.outbox import OutboxRow, Outcome, message_to_json
from watchman.notify.queue import MOST_PER_RECEIVER, SendQueue
from watchman.notify.retry import GIVE_UP_S, MIN_ATTEMPTS

URLS = {("phone", "p"): "ntfy://h/p", ("mail", "m"): "mailto://h"}
WAIT_S = 10.0


@dataclass
class Box:
    """An outbox in memory."""

    rows: list[OutboxRow]
    due_at: dict[int, float] = field(default_factory=dict)
    written: list[tuple] = field(default_factory=list)
    put_offs: list[tuple] = field(default_factory=list)
    broken: bool = False

    def due(self, now: float) -> list[tuple[str, str]]:
        return [(row.receiver, row.destination) for row in self.rows if self.due_at.get(row.id, 0.0) <= now]

    def lease(self, destinations: list[str], now: float, lease_s: float, limit: int) -> list[OutboxRow]:
        open_rows = [row for row in self.rows if self.due_at.get(row.id, 0.0) < float("inf")]
        taken = [row for row in open_rows if row.destination in destinations][:limit]
        taken.sort(key=lambda row: (row.attempts, row.id))
        self.due_at |= {row.id: now + lease_s for row in taken}
        return taken

    def write(self, outcomes: tuple[Outcome, ...]) -> None:
        for one in outcomes:
            number = one.row.id
            if one.dropped:
                self._write(number, ("dropped", number, one.error))
            elif one.error is not None:
                self._write(number, ("failed", number, one.error, one.due_at), one.due_at)
            else:
                self._write(number, ("sent", number, one.answer))

    def put_off(self, ids: list[int], due_at: float) -> None:
        self.put_offs.append((list(ids), due_at))
        self.due_at |= dict.fromkeys(ids, due_at)

    def hurry(self, now: float) -> None:
        self.due_at |= {number: now for number, at in self.due_at.items() if at < float("inf")}

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
    assert sender.resting(1000.0) == {"p"}

    release.set()
    assert sender.join(WAIT_S)
    assert sender.step(URLS) == 1
    assert sender.join(WAIT_S)
    assert [line[1] for line in box.written] == [3, 1, 2]


def test_a_destination_that_is_down_is_probed_and_the_rest_put_off_untried(pool: ThreadPoolExecutor) -> None:
    box = Box([row(1), row(2), row(3), row(4)])
    sender = queue(box, fail(DeliveryError("down")), pool)
    sender.step(URLS)
    assert sender.join(WAIT_S)

    assert [line[1] for line in box.written] == [1, 2]
    assert box.put_offs == [([3, 4], 1002.0)]


def test_a_message_that_is_refused_again_and_again_holds_no_other_up(pool: ThreadPoolExecutor) -> None:
    def deliver(url: str, message: Message, timeout_s: float, identity: str) -> str:
        if message.title in ("message 1", "message 2"):
            raise DeliveryError("too odd")
        return "ok"

    box = Box([row(number) for number in range(1, 6)])
    sender = queue(box, deliver, pool)
    sender.step(URLS)
    assert sender.join(WAIT_S)
    box.due_at |= dict.fromkeys((1, 2, 3, 4, 5), 0.0)
    sender.step(URLS)
    assert sender.join(WAIT_S)

    assert [line[1] for line in box.written if line[0] == "sent"] == [3, 4, 5]


def test_a_service_that_wants_rest_is_left_alone(pool: ThreadPoolExecutor) -> None:
    box = Box([row(1), row(2)])
    sender = queue(box, fail(DeliveryError("slow down", retry_after_s=60.0)), pool)
    sender.step(URLS)
    assert sender.join(WAIT_S)

    assert box.written == [("failed", 1, "slow down", 1060.0)]
    assert box.put_offs == [([2], 1060.0)]
    box.rows.append(row(3))
    assert sender.step(URLS) == 0
    assert sender.resting(1000.0) == {"p"}
    assert sender.resting(1061.0) == frozenset()


def test_one_receiver_holds_its_share_of_the_threads_at_most() -> None:
    release = threading.Event()

    def deliver(url: str, message: Message, timeout_s: float, identity: str) -> str:
        return "ok" if url.startswith("mailto") else str(release.wait(WAIT_S))

    urls = {**URLS, **{("many", f"d{number}"): "ntfy://h/p" for number in range(20)}}
    rows = [row(number + 10, "many", f"d{number}") for number in range(20)]
    told = threading.Event()
    with ThreadPoolExecutor(MOST_PER_RECEIVER + 1) as pool:
        box = Box([*rows, row(99, "mail", "m")])
        sender = queue(box, deliver, pool, wake=told.set)
        assert sender.step(urls) == MOST_PER_RECEIVER + 1
        assert told.wait(WAIT_S)
        assert box.written == [("sent", 99, "ok")]
        release.set()
        assert sender.join(WAIT_S)


def test_what_waits_of_one_alert_group_is_one_message(pool: ThreadPoolExecutor) -> None:
    identities: list[str] = []

    def deliver(url: str, message: Message, timeout_s: float, identity: str) -> str:
        identities.append(identity)
        return message.title

    box = Box([row(1, thread="a"), row(2, thread="b"), row(3, thread="a")])
    sender = queue(box, deliver, pool)
    sender.step(URLS)
    assert sender.join(WAIT_S)

    assert identities == ["3-1000.0", "2-1000.0"]
    assert box.written == [
        ("sent", 1, "message 3 (in one message with number 3)"),
        ("sent", 3, "message 3"),
        ("sent", 2, "message 2"),
    ]


def test_a_clock_that_is_set_back_makes_everything_due(pool: ThreadPoolExecutor) -> None:
    now = [5000.0]
    box = Box([row(1)], due_at={1: 5010.0})
    sender = SendQueue(box, accept, pool, lambda: now[0], lambda: 0.0)
    assert sender.step(URLS) == 0
    now[0] = 1000.0
    assert sender.step(URLS) == 1
    assert sender.join(WAIT_S)


def test_after_three_days_what_was_only_put_off_is_given_up_too(pool: ThreadPoolExecutor) -> None:
    old = 1000.0 - GIVE_UP_S
    rows = [row(number, created_at=old, attempts=MIN_ATTEMPTS) for number in (1, 2, 3)]
    box = Box(rows)
    sender = queue(box, fail(DeliveryError("down")), pool)
    sender.step(URLS)
    assert sender.join(WAIT_S)

    assert {line[1]: line[3] for line in box.written} == {1: None, 2: None, 3: None}


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
