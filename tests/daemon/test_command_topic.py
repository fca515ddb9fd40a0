"""Buttons from abroad: orders that come by an ntfy topic, over outages and restarts, and nothing else said there.

The server is a real HTTP server of ntfy's shape; its streams are real streams.
"""

from __future__ import annotations

import time

import pytest
from ntfy_server import NtfyServer
from test_links import Home
from world import CONFIG

from watchman.config import load_config
from watchman.errors import ConfigError, StoreError
from watchman.jobs.commands import CommandEar, take_command
from watchman.notify.ntfy import topic_of
from watchman.wiring import check_receivers

pytestmark = pytest.mark.integration

TOKEN = "tk_secret"


def eventually(condition, limit_s=30.0):
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def ntfy():
    server = NtfyServer(TOKEN)
    yield server
    server.close()


@pytest.fixture
def home(tmp_path, ntfy):
    # The server numbers its messages by time from here on; the home's clock stands long before it.
    return Home(tmp_path, CONFIG + f'commands: {{ntfy_url: "ntfy://{TOKEN}@{ntfy.host}/orders"}}\n')


@pytest.fixture
def ear(home):
    found = CommandEar()
    found.follow(home.context)
    yield found
    found.stop()


def button(home, name="acknowledge"):
    """What ntfy would post if the button were pressed: address and body."""
    choices = home.message().choices
    return next((choices.topic, action.command) for action in choices.actions if action.name == name)


def test_a_button_posts_its_order_to_the_topic_without_the_secret_of_the_topic(home, ntfy):
    address, order = button(home)

    assert address == f"http://{ntfy.host}/orders"
    assert TOKEN not in address + order
    assert home.message().choices.menu == ""


def test_an_order_on_the_topic_is_carried_out_once(home, ntfy, ear):
    _, order = button(home, "silence-8h")
    for _ in range(3):
        ntfy.publish("orders", order)

    eventually(lambda: b'watchman_orders_total{outcome="again",way="topic"} 2.0' in home.context.metrics.render())
    [silence] = home.silences()
    assert silence.ends_at - home.clock.at == 8 * 3600
    assert home.context.dispatch_wanted.is_set()


def test_a_replay_after_the_silence_is_over_does_not_make_it_again(home, ntfy, ear):
    _, order = button(home, "silence-1h")
    ntfy.publish("orders", order)
    eventually(lambda: len(home.silences()) == 1)
    home.clock.at += 2 * 3600

    ntfy.publish("orders", order)
    eventually(lambda: b'outcome="again",way="topic"} 1.0' in home.context.metrics.render())
    assert len(home.silences()) == 1


@pytest.mark.parametrize(
    "text", ["hello", "", "acknowledge", "x" * 10_000, "acknowledge." + "0" * 24 + ".9999999999999." + "A" * 32, "{}"]
)
def test_what_a_stranger_posts_is_counted_and_does_nothing(home, ntfy, ear, text):
    ntfy.publish("orders", text)

    eventually(lambda: b'watchman_orders_total{outcome="refused",way="topic"} 1.0' in home.context.metrics.render())
    assert (home.acks(), home.silences()) == ([], [])


def test_an_old_order_is_refused(home, ntfy, ear):
    _, order = button(home)
    home.clock.at += 7 * 86400
    ntfy.publish("orders", order)

    eventually(lambda: b'outcome="refused",way="topic"} 1.0' in home.context.metrics.render())
    assert home.acks() == []


def test_a_broken_stream_is_begun_again_and_nothing_is_missed(home, ntfy, ear):
    eventually(lambda: ntfy.subscribers == 1)
    ntfy.drop_subscribers()
    ntfy.publish("orders", button(home)[1])

    eventually(lambda: len(home.acks()) == 1)


def test_what_was_pressed_while_watchman_was_down_is_done_after_its_start(home, ntfy, ear):
    ntfy.publish("orders", "hello")
    eventually(lambda: b'outcome="refused"' in home.context.metrics.render())
    ear.stop()
    order = button(home)[1]
    home.restart()
    ntfy.publish("orders", order)
    second = CommandEar()
    second.follow(home.context)

    eventually(lambda: len(home.acks()) == 1)
    second.stop()
    assert [one["path"] for one in ntfy.requests][-1] == "/orders/json?since=m000001"


def test_a_refusing_server_is_asked_again_and_told_of_once(home, ntfy, caplog):
    ntfy.status = 503
    ear = CommandEar()
    ear.follow(home.context)
    eventually(lambda: len(ntfy.requests) >= 2)
    ntfy.status = 200
    ntfy.publish("orders", button(home)[1])

    eventually(lambda: len(home.acks()) == 1)
    ear.stop()
    assert sum("the server answers 503" in record.message for record in caplog.records) == 1
    assert TOKEN not in caplog.text


def test_a_reload_listens_to_the_new_topic_and_hears_the_old_one_no_more(home, ntfy, ear):
    eventually(lambda: ntfy.subscribers == 1)
    old, file = ear._listener, home.folder / "config.yaml"
    file.write_text(file.read_text().replace("/orders", "/other"))
    home.restart()
    ear.follow(home.context)
    eventually(lambda: ntfy.subscribers == 2)
    order = button(home)[1]
    ntfy.publish("orders", order)
    assert old.join(30)
    assert home.acks() == []

    ntfy.publish("other", order)
    eventually(lambda: len(home.acks()) == 1)


def test_a_state_that_cannot_be_written_leaves_the_order_for_later(home, monkeypatch):
    from watchman import actions

    def full(*_):
        raise StoreError("the disk is full")

    monkeypatch.setattr(actions, "perform", full)
    assert take_command(home.context, button(home)[1]) is False


def test_a_text_nobody_foresaw_does_not_end_the_listening(home, monkeypatch, caplog):
    from watchman import actions

    def odd(*_):
        raise KeyError("labels")

    monkeypatch.setattr(actions, "perform", odd)
    assert take_command(home.context, "x") is True
    assert "is passed over" in caplog.text


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mailto://h?to=a@b.cd", "it is no ntfy URL"),
        ("ntfys://h/one/two", "it must name one topic"),
        ("ntfys://ntfy.example.org/", "it must name one topic"),
        ("ntfys://secretx@h/a b", "it must name one topic"),
    ],
)
def test_a_url_that_is_no_topic_is_a_fault_without_its_secret(tmp_path, url, words):
    (tmp_path / "rules.yaml").write_text("groups: []\n")
    (tmp_path / "config.yaml").write_text(CONFIG + f'commands: {{ntfy_url: "{url}"}}\n')
    with pytest.raises(ConfigError) as caught:
        check_receivers(load_config(tmp_path / "config.yaml", {}))

    assert words in str(caught.value)
    assert "secretx" not in str(caught.value)


def test_the_topic_of_a_url_has_what_its_server_wants_to_see():
    assert topic_of("ntfys://tk_x@h:8443/orders").headers["Authorization"] == "Bearer tk_x"
    assert topic_of("ntfys://jo:pw@h/orders").auth == ("jo", "pw")
    assert topic_of("ntfys://orders").url == "https://ntfy.sh/orders"
    assert "tk_x" not in repr(topic_of("ntfys://tk_x@h:8443/orders"))
