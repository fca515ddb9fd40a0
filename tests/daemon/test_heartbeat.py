"""The heartbeat: it beats while all works, and only then."""

import logging

import pytest
from parrot import Parrot
from world import CONFIG

from watchman import jobs
from watchman.errors import StoreError
from watchman.rules.builtin import Stuck

FINE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
ENDLESS = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nand so on"


@pytest.fixture
def make_watched(make_world):
    """`make_watched(reply)`: a home and the server its heart beats for."""
    servers = []

    def make(reply=FINE):
        servers.append(Parrot(reply))
        return make_world(config=CONFIG + f'heartbeat: {{url: "{servers[-1].url}/secret"}}\n'), servers[-1]

    yield make
    for server in servers:
        server.close()


def test_it_beats_while_all_works(make_watched):
    world, server = make_watched()
    jobs.heartbeat(world.context)
    assert [request.split()[1] for request in server.requests] == [b"/secret"]


@pytest.mark.parametrize(
    "trouble", [{"prometheus_error": "away"}, {"stuck": (Stuck("phone", 1, "no"),)}], ids=["Prometheus", "messages"]
)
def test_it_is_silent_in_trouble(make_watched, trouble):
    world, server = make_watched()
    for name, value in trouble.items():
        setattr(world.context, name, value)
    jobs.heartbeat(world.context)
    assert server.requests == []


def test_it_is_silent_while_the_state_cannot_be_written(make_watched):
    world, server = make_watched()
    with world.context.store.begin() as connection:
        connection.exec_driver_sql("CREATE TRIGGER full BEFORE INSERT ON facts BEGIN SELECT RAISE(ABORT, 'full'); END")
    with pytest.raises(StoreError, match="the disk is full"):
        jobs.heartbeat(world.context)
    assert server.requests == []


@pytest.mark.parametrize("reply", [b"HTTP/1.1 500 Oops\r\n\r\n", b"nonsense", b""], ids=["500", "nonsense", "nothing"])
def test_a_refusal_is_said_without_the_url(make_watched, caplog, reply):
    world, _ = make_watched(reply)
    with caplog.at_level(logging.WARNING):
        jobs.heartbeat(world.context)
    assert caplog.messages[0].startswith("the heartbeat was not taken: ")
    assert "secret" not in caplog.text


def test_an_answer_that_never_ends_holds_nothing_up(make_watched):
    world, server = make_watched(None)
    server.start_of_reply = ENDLESS
    jobs.heartbeat(world.context)
    assert len(server.requests) == 1
