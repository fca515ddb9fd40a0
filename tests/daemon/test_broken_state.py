"""A state that cannot be read: page and metrics go on with all they know otherwise."""

import sqlite3

import pytest
from test_lives import hot

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
