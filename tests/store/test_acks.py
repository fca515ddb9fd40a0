"""Acknowledgements in the state."""

import pytest

from watchman.notify.ack import Ack
from watchman.store import open_store
from watchman.store.acks import add_ack, forget_acks, load_acks


@pytest.fixture
def store(tmp_path):
    store = open_store(f"sqlite:///{tmp_path}/watchman.sqlite")
    yield store
    store.close()


def test_the_first_word_on_an_incident_stays_and_the_next_incident_needs_its_own(store):
    with store.begin() as connection:
        assert add_ack(connection, "f" * 16, 1000.25, "phone", 1100.0)
        assert not add_ack(connection, "f" * 16, 1000.0, "page", 1200.0)
        assert add_ack(connection, "f" * 16, 2000.0, "page", 2100.0)
    with store.read() as connection:
        assert load_acks(connection) == [
            Ack("f" * 16, 1000.25, "phone", 1100.0),
            Ack("f" * 16, 2000.0, "page", 2100.0),
        ]


def test_old_ones_are_forgotten(store):
    with store.begin() as connection:
        add_ack(connection, "a" * 16, 10.0, "x" * 500, 20.0)
        add_ack(connection, "b" * 16, 10.0, "phone", 50.0)
        forget_acks(connection, 50.0)
        assert [ack.fingerprint for ack in load_acks(connection)] == ["b" * 16]
