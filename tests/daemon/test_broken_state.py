"""A state that cannot be read: page and metrics go on with all they know otherwise."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager

import pytest
from sqlalchemy import event
from test_lives import hot
from world import RULES

from watchman.errors import StoreError
from watchman.jobs.delivering import StoreOutbox, destination_urls
from watchman.notify.outbox import Outcome
from watchman.notify.queue import SendQueue
from watchman.views import is_ready, overview


@pytest.fixture
def world(make_world):
    world = make_world()
    hot(world, 0, 1, 2)
    for minute in range(3):
        world.tick(minute)
    return world


def test_another_process_that_writes_for_long_holds_neither_page_nor_metrics_up(world):
    with sqlite3.connect(world.context.store.path, isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert [one.title for one in overview(world.context).deliveries] == ["It is hot: 7"]
        assert b'watchman_outbox_rows{receiver="phone",state="due"} 1.0' in world.context.metrics.render()


def test_a_damaged_state_is_told_on_the_page_and_leaves_the_other_metrics(world):
    store = world.context.store
    with store.begin() as connection:
        connection.exec_driver_sql("DROP TABLE outbox")
    view = overview(world.context)
    assert view.firing[0].name == "Hot"
    assert view.problems[0].startswith(f"the state {store.path}: no such table: outbox")
    metrics = world.context.metrics.render()
    assert b'ALERTS{alertname="Hot"' in metrics
    assert b"watchman_outbox_rows" not in metrics
    assert is_ready(world.context)


@contextmanager
def pragmas(world, *statements):
    """Every connection gets these while the block runs."""
    engine = world.context.store._engine

    def set_pragmas(connection, *_):
        for statement in statements:
            connection.execute(f"PRAGMA {statement}")

    event.listen(engine, "checkout", set_pragmas)
    try:
        yield
    finally:
        event.remove(engine, "checkout", set_pragmas)
        engine.dispose()


@contextmanager
def full(world):
    """Not a page more fits on the disk."""
    with world.context.store.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE ballast (content)")
        connection.exec_driver_sql("DROP TABLE ballast")
        connection.exec_driver_sql("CREATE TRIGGER no_room BEFORE INSERT ON outbox BEGIN"
                                   " INSERT INTO facts VALUES ('ballast', hex(zeroblob(200000)), 0); END")  # fmt: skip
    pages = page_count(world)
    with pragmas(world, f"max_page_count={pages}"):
        yield
    with world.context.store.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER no_room")


def page_count(world):
    with world.context.store.begin() as connection:
        return connection.exec_driver_sql("PRAGMA page_count").scalar()


@contextmanager
def locked(world):
    """Another process writes and does not end."""
    with closing(sqlite3.connect(world.context.store.path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pragmas(world, "busy_timeout=50"):
            yield


@contextmanager
def read_only(world):
    """The file system was mounted anew after a fault."""
    with pragmas(world, "query_only=ON"):
        yield
    with world.context.store.begin() as connection:
        connection.exec_driver_sql("PRAGMA query_only=OFF")


TROUBLES = [
    pytest.param(full, "the disk is full; free some space", id="full"),
    pytest.param(locked, "another process holds it; end that or wait", id="locked"),
    pytest.param(read_only, "it cannot be written; check owner and mount", id="read-only"),
]


@pytest.mark.parametrize(("trouble", "words"), TROUBLES)
def test_in_trouble_the_error_is_one_clear_line_and_afterwards_the_alert_is_told_once(make_world, trouble, words):
    world = make_world(rules=RULES.replace("for: 2m", "for: 0s"))
    world.tick(0)
    hot(world, *range(1, 30))
    with trouble(world):
        for minute in (1, 2):
            with pytest.raises(StoreError, match=words) as caught:
                world.tick(minute)
            assert "\n" not in str(caught.value)
        assert overview(world.context).deliveries == []
    told = [title for minute in range(3, 12) for _, title in world.tick(minute)]
    assert told == ["It is hot: 7"]


@pytest.mark.parametrize(("trouble", "words"), [TROUBLES[1], TROUBLES[2]])
def test_what_was_sent_in_trouble_is_noted_afterwards_and_not_sent_again(world, trouble, words):
    sent, outcomes, stack = [], list[Outcome](), ExitStack()

    def accept(_url, message, _timeout_s, _identity):
        sent.append(message.title)
        stack.enter_context(trouble(world))
        return "ok"

    urls = destination_urls(world.context.wiring)
    with ThreadPoolExecutor(1) as pool:
        box, now = StoreOutbox(world.context.store), world.context.clock.now
        queue = SendQueue(box, accept, pool, now, lambda: 0.0, on_outcome=outcomes.append)
        assert queue.step(urls) == 1
        assert queue.join(60.0)
        assert (sent, outcomes) == (["It is hot: 7"], [])
        stack.close()
        world.clock.at += 3600
        queue.step(urls)
    assert [outcome.error for outcome in outcomes] == [None]
    assert sent == ["It is hot: 7"]
