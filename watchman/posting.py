"""Messages that a command puts into the outbox, delivered by the daemon, or by the command where none runs."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import click

from watchman.clock import Clock
from watchman.config import load_config
from watchman.errors import UsageError, WatchmanError
from watchman.jobs.delivering import StoreOutbox, destination_urls
from watchman.notify.combine import combine
from watchman.notify.message import Message
from watchman.notify.queue import SendQueue
from watchman.notify.sender import Sender, redact
from watchman.store import Store, open_store, outbox, outbox_views
from watchman.wiring import Wiring, state_url, wire

MakeMessage = Callable[[str], Message]
"""`make_message(url)`: the message as the service behind an Apprise URL shows it."""

DAEMON_LIMIT_S = 60.0
_POLL_S = 0.2


def post(config_file: Path, receivers: Iterable[str], kind: str, reason: str, make_message: MakeMessage) -> None:
    """Send a message to receivers and tell what each service answered. Raises WatchmanError if one did not take it."""
    wiring, clock = wire(load_config(config_file)), Clock()
    store = open_store(state_url(wiring.config))
    now = clock.now()
    postings = [
        outbox.Posting(receiver, key, kind, f"{kind}|{now!r}|{receiver}|{key}", make_message(url), reason)
        for receiver in receivers
        for key, url in _destinations(wiring, receiver).items()
    ]
    if not postings:
        raise UsageError("the receiver has no apprise URL: nothing can be sent")
    with store.begin() as connection:
        outbox.add(connection, postings, now)
        ids = outbox.ids_of(connection, [posting.dedup_key for posting in postings])
    lines = deliver_and_wait(store, wiring, clock, ids)
    _tell(wiring, lines)


def deliver_and_wait(store: Store, wiring: Wiring, clock: Clock, ids: list[int]) -> list[outbox_views.OutboxLine]:
    """Have rows delivered, here or by the daemon that holds the state; returns them as they are then."""
    if store.lock():
        with ThreadPoolExecutor(4) as pool:
            zone = wiring.config.site.timezone
            queue = SendQueue(
                StoreOutbox(store),
                Sender(clock.now).deliver,
                pool,
                clock.now,
                random.random,
                combine=lambda unit, now: combine(unit, now, zone),
            )
            queue.step(destination_urls(wiring))
            queue.join(DAEMON_LIMIT_S)
        return _lines(store, ids)
    deadline = clock.monotonic() + DAEMON_LIMIT_S
    while True:
        lines = _lines(store, ids)
        if all(line.state != outbox.DUE or line.attempts for line in lines) or clock.monotonic() > deadline:
            return lines
        clock.sleep(_POLL_S)


def _lines(store: Store, ids: list[int]) -> list[outbox_views.OutboxLine]:
    with store.begin() as connection:
        return outbox_views.lines(connection, ids=ids, limit=len(ids))


def _destinations(wiring: Wiring, receiver: str) -> Mapping[str, str]:
    if receiver not in wiring.destinations:
        known = ", ".join(wiring.destinations)
        raise UsageError(f'no receiver is called "{receiver}"; there is {known}')
    return wiring.destinations[receiver]


def _tell(wiring: Wiring, lines: list[outbox_views.OutboxLine]) -> None:
    urls = destination_urls(wiring)
    for line in sorted(lines, key=lambda line: line.id):
        where = redact(urls[line.receiver, line.destination])
        word = {outbox.SENT: "accepted"}.get(line.state, "NOT accepted")
        tail = f": {line.answer}" if line.answer else ""
        click.echo(f"{line.receiver} {where}: {word}{tail}")
    missing = sum(line.state != outbox.SENT for line in lines)
    if missing:
        kept = sum(line.state == outbox.DUE for line in lines)
        raise WatchmanError(f"{missing} of {len(lines)} messages were not accepted; {kept} of them wait in the outbox")
