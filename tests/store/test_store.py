"""The state: what is committed is there again after opening, and a second daemon is kept out."""

import subprocess
import sys

import pytest

from watchman.energy.slots import Slot
from watchman.errors import StoreError
from watchman.rules.alert import Alert, AlertState
from watchman.series import fingerprint, label_key
from watchman.store import open_store
from watchman.store.alerts import (
    Incident,
    close_incident,
    forget_incidents,
    forget_rules,
    incidents_between,
    last_end,
    load_alerts,
    open_incident,
    save_alerts,
)
from watchman.store.facts import get_fact, set_fact
from watchman.store.ledger import first_slot, read_slots, write_slots
from watchman.store.reports import claim_report, forget_reports, latest_report, report_exists


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/state/watchman.sqlite"


@pytest.fixture
def store(url):
    store = open_store(url)
    yield store
    store.close()


def alert(state=AlertState.FIRING, **labels):
    return Alert({"alertname": "A", **labels}, state, active_at=10.0, value=1.5, fired_at=20.0, keep_since=30.0)


def incident(fired, ended=None, name="A"):
    labels = {"alertname": name}
    return Incident(fingerprint(labels), labels, {"summary": "s"}, "rules", fired - 60, fired, ended, 2.0)


def test_alert_states_come_back_as_they_were(store, url):
    states = [alert(host="a"), alert(AlertState.INACTIVE, host="b")]
    with store.begin() as connection:
        save_alerts(connection, "key", states)
    store.close()
    again = open_store(url)
    with again.begin() as connection:
        book = load_alerts(connection)
    again.close()
    assert {"key": {label_key(state.labels): state for state in states}} == book


def test_saving_a_rule_replaces_its_old_states_only(store):
    with store.begin() as connection:
        save_alerts(connection, "one", [alert(host="a")])
        save_alerts(connection, "two", [alert(host="b")])
        save_alerts(connection, "one", [])
        save_alerts(connection, "gone", [alert(host="c")])
        forget_rules(connection, ["one", "two"])
    with store.begin() as connection:
        assert {"two"} == set(load_alerts(connection))


def test_a_rolled_back_block_leaves_nothing(store):
    with pytest.raises(ValueError, match="half way"), store.begin() as connection:
        set_fact(connection, "x", 1, now=0.0)
        raise ValueError("half way")
    with store.begin() as connection:
        assert get_fact(connection, "x") is None


def test_an_incident_opens_once_and_ends_once(store):
    with store.begin() as connection:
        open_incident(connection, incident(100.0))
        open_incident(connection, incident(100.0))
        close_incident(connection, incident(100.0).fingerprint, 400.0)
        close_incident(connection, incident(100.0).fingerprint, 900.0)
        assert [(i.started, i.fired, i.ended) for i in incidents_between(connection, 0, 1000)] == [(40.0, 100.0, 400.0)]


def test_an_incident_never_ends_before_it_began(store):
    with store.begin() as connection:
        open_incident(connection, incident(100.0))
        close_incident(connection, incident(100.0).fingerprint, 5.0)
        assert [i.ended for i in incidents_between(connection, 0, 1000)] == [40.0]


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [(0, 30, 0), (0, 41, 1), (300, 500, 1), (400, 500, 1), (401, 500, 0)],
    ids=["before it began", "it began inside", "it was on", "it ended at the start", "it was over"],
)
def test_incidents_are_found_by_the_time_they_lasted(store, start, end, found):
    with store.begin() as connection:
        open_incident(connection, incident(100.0, ended=400.0))
        assert found == len(incidents_between(connection, start, end))


def test_the_previous_incident_tells_whether_an_alert_is_news(store):
    mark = incident(1.0).fingerprint
    with store.begin() as connection:
        open_incident(connection, incident(100.0, ended=400.0))
        open_incident(connection, incident(1000.0))
        assert last_end(connection, mark, before=100.0) is None
        assert last_end(connection, mark, before=1000.0) == 400.0
        assert last_end(connection, mark, before=2000.0) == 1000.0
        forget_incidents(connection, before=500.0)
        assert last_end(connection, mark, before=1000.0) is None


def test_a_report_is_claimed_by_one(store):
    with store.begin() as connection:
        assert claim_report(connection, "daily", 86400.0, {"a": 1}, now=5.0)
        assert not claim_report(connection, "daily", 86400.0, {"a": 2}, now=6.0)
        assert report_exists(connection, "daily", 86400.0)
        assert not report_exists(connection, "daily", 0.0)
        assert latest_report(connection, "daily") == 86400.0
        forget_reports(connection, before=1e6)
        assert latest_report(connection, "daily") is None


def test_ledger_rows_are_replaced_not_doubled(store):
    first = Slot("home", 900, "production", 10.0, 900.0, 0.0, peak=50.0, peak_at=950.0)
    better = Slot("home", 900, "production", 12.0, 880.0, 20.0, peak=60.0, peak_at=960.0, low=1.0, low_at=901.0)
    other = Slot("shed", 900, "production", 1.0, 900.0, 0.0)
    with store.begin() as connection:
        assert first_slot(connection, "home") is None
        write_slots(connection, [first, other])
        write_slots(connection, [better])
        write_slots(connection, [])
        assert [better] == read_slots(connection, "home", 0, 1800)
        assert read_slots(connection, "home", 0, 900) == []
        assert first_slot(connection, "home") == 900


def test_a_second_daemon_is_kept_out_until_the_first_ends(store, url):
    code = f"import sys; from watchman.store import open_store; sys.exit(0 if open_store({url!r}).lock() else 3)"
    ask = [sys.executable, "-c", code]
    assert store.lock()
    assert store.lock(), "asking again is no conflict"
    assert subprocess.run(ask, check=False).returncode == 3
    store.close()
    assert subprocess.run(ask, check=False).returncode == 0


def test_the_state_is_readable_by_its_owner_alone(store, tmp_path):
    with store.begin() as connection:
        set_fact(connection, "x", 1, now=0.0)
    assert {0o600} == {file.stat().st_mode & 0o777 for file in (tmp_path / "state").iterdir()}


def test_a_state_of_a_newer_watchman_is_refused(url, tmp_path):
    store = open_store(url)
    with store.begin() as connection:
        connection.exec_driver_sql("UPDATE schema_version SET version = 99")
    store.close()
    with pytest.raises(StoreError, match=r"newer watchman \(schema 99"):
        open_store(url)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"not a database at all, just some words" * 40, "no watchman state"), (None, "cannot be opened")],
    ids=["a text file", "a folder"],
)
def test_a_file_that_is_no_state_is_named(tmp_path, content, message):
    path = tmp_path / "x.sqlite"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(StoreError, match=message):
        open_store(f"sqlite:///{path}")


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense"])
def test_other_databases_are_refused_with_a_sentence(url):
    with pytest.raises(StoreError, match=r"state\.url"):
        open_store(url)


def test_a_copy_holds_everything_and_opens_as_a_state(store, tmp_path):
    with store.begin() as connection:
        set_fact(connection, "x", [1, 2], now=0.0)
    copy = tmp_path / "copy.sqlite"
    assert store.copy_to(copy) == copy.stat().st_size
    assert copy.stat().st_mode & 0o777 == 0o600
    again = open_store(f"sqlite:///{copy}")
    with again.begin() as connection:
        assert get_fact(connection, "x") == [1, 2]
    again.close()


def test_a_copy_never_overwrites(store, tmp_path):
    (tmp_path / "copy.sqlite").write_text("mine")
    with pytest.raises(FileExistsError):
        store.copy_to(tmp_path / "copy.sqlite")
    assert (tmp_path / "copy.sqlite").read_text() == "mine"


def test_reading_waits_for_no_writer_and_sees_the_last_commit(store):
    with store.begin() as connection:
        set_fact(connection, "a", 1, 0.0)
    with store.begin() as writing, store.read() as reading:
        set_fact(writing, "a", 2, 0.0)
        assert get_fact(reading, "a") == 1
    with store.read() as reading:
        assert get_fact(reading, "a") == 2


def test_a_lock_that_cannot_be_made_is_one_sentence(store, tmp_path):
    (tmp_path / "state" / "watchman.sqlite.lock").mkdir()
    with pytest.raises(StoreError, match=r"the lock of .* cannot be made: Is a directory; check the owner"):
        store.lock()
