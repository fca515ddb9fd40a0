"""`watchman outbox`: was it sent, try it again, drop it; a number that is wrong changes nothing."""

import json
import sys

import pytest
from servers import free_port

from watchman import cli
from watchman.notify.message import Message
from watchman.notify.outbox import Outcome
from watchman.store import open_store, outbox

NOW = 1_790_000_000.0


@pytest.fixture
def config(tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text(f"""\
prometheus: {{url: "http://127.0.0.1:9"}}
site: {{name: home, timezone: Europe/Berlin}}
receivers: [{{name: phone, apprise: ["ntfy://127.0.0.1:{free_port()}/home"]}}, {{name: mail}}]
route: {{receiver: phone}}
""")
    return file


@pytest.fixture
def store(tmp_path):
    store = open_store(f"sqlite:///{tmp_path}/watchman.sqlite")
    yield store
    store.close()


@pytest.fixture
def call(monkeypatch, capsys, config):
    """`call(*arguments)`: exit code, stdout and stderr of `watchman outbox`."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["watchman", "outbox", *arguments, "--config", str(config)])
        try:
            cli.main()
        except SystemExit as ended:
            return ended.code, *capsys.readouterr()
        return 0, *capsys.readouterr()

    return call


@pytest.fixture
def rows(store):
    """Number 1 was sent at the second attempt, 2 was given up, 3 waits."""
    with store.begin() as connection:
        for name in ("sent", "dead", "due"):
            message = Message(f"title {name}", f"text of {name}")
            outbox.add(connection, [outbox.Posting("phone", "gone", "alert", name, message, "first")], NOW)
        first, second, _ = outbox.lease(connection, ["gone"], NOW, 45.0, 10)
        outbox.write(connection, Outcome(first, NOW + 1, "", "connection refused", NOW + 2))
        (again,) = [row for row in outbox.lease(connection, ["gone"], NOW, 45.0, 10) if row.id == first.id]
        outbox.write(connection, Outcome(again, NOW + 3, "accepted by ntfy"))
        outbox.write(connection, Outcome(second, NOW + 4, "", "401 unauthorized"))


def test_was_it_sent_is_answered_with_every_attempt(call, rows):
    code, out, _ = call("log", "--since", "30y")
    assert (code, out.splitlines()) == (
        0,
        [
            "2026-09-21 16:13:21      1 phone: attempt 1 NOT accepted: connection refused - title sent",
            "2026-09-21 16:13:23      1 phone: attempt 2 accepted: accepted by ntfy - title sent",
            "2026-09-21 16:13:24      2 phone: attempt 1 NOT accepted: 401 unauthorized - title dead",
        ],
    )


def test_the_log_of_one_message_as_json_has_its_text(call, rows):
    code, out, _ = call("log", "2", "--json")
    (attempt,) = json.loads(out)
    assert code == 0
    assert (attempt["accepted"], attempt["attempt"], attempt["text"]) == (False, 1, "text of dead")
    assert attempt["at"] == "2026-09-21T16:13:24+02:00"


@pytest.mark.parametrize(
    ("arguments", "attempts"),
    [(["--receiver", "phone"], 3), (["--receiver", "mail"], 0), (["--limit", "1"], 1), (["1"], 2)],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_the_log_can_be_narrowed(call, rows, arguments, attempts):
    assert len(json.loads(call("log", "--since", "30y", "--json", *arguments)[1])) == attempts


def test_a_wrong_since_is_one_line(call, rows):
    code, out, err = call("log", "--since", "yesterday")
    assert (code, out) == (2, "")
    assert err == 'watchman: --since: not a valid duration string: "yesterday"\n'


@pytest.mark.parametrize("command", ["retry", "drop"])
@pytest.mark.parametrize("number", ["99", "1"], ids=["unknown", "sent already"])
def test_a_number_that_does_not_wait_ends_with_1_and_touches_nothing(call, store, rows, command, number):
    code, out, err = call(command, "3", number)
    word = {"99": "unknown", "1": "sent"}[number]
    assert (code, out) == (1, "")
    assert err == f"watchman: neither waits nor was given up: {number} ({word}); see watchman outbox list --all\n"
    with store.begin() as connection:
        assert outbox.known_states(connection, [1, 2, 3]) == {1: "sent", 2: "dead", 3: "due"}


def test_dropped_is_dropped(call, store, rows):
    assert call("drop", "2", "3") == (0, "2 messages dropped\n", "")
    assert call("list") == (0, "nothing waits\n", "")


def test_a_retry_that_fails_again_says_so(call, rows):
    code, out, err = call("retry", "--all")
    assert (code, out) == (1, "0 of 2 messages were accepted\n")
    assert err.startswith("watchman: not accepted: 2, 3; watchman outbox log says why")


def test_a_retry_of_nothing_is_no_fault(call, store):
    assert call("retry", "--all") == (0, "nothing waits\n", "")
