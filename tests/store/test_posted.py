"""Alerts from outside and own silences in the store, and the incidents that alerts make."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from watchman.notify.matchers import parse_matchers
from watchman.notify.message import Source
from watchman.notify.mute import Silence
from watchman.notify.posted import PostedAlert
from watchman.notify.silences import SilenceError
from watchman.rules.alert import Alert, AlertState
from watchman.series import fingerprint
from watchman.store import Store, open_store, posted, silences
from watchman.store.alerts import Incident, close_incident, incidents_between, open_incident, save_alerts

NOW = 1_000_000.0
LABELS = {"alertname": "Hot", "host": "h"}
HOT = PostedAlert(fingerprint(LABELS), Source.PROMETHEUS, LABELS, {"summary": "It is hot"}, NOW - 60, NOW + 240, NOW)
HOOK = replace(HOT, source=Source.ALERTMANAGER, ends_at=None)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/state.sqlite")
    yield opened
    opened.close()


def put(store: Store, *alerts: PostedAlert, now: float = NOW) -> posted.Outcome:
    with store.begin() as connection:
        return posted.put(connection, [replace(alert, updated_at=now) for alert in alerts], now)


def loaded(store: Store) -> list[PostedAlert]:
    with store.read() as connection:
        return posted.load(connection)


def periods(store: Store) -> list[tuple[float, float | None]]:
    """Beginning and end of every incident, in seconds after NOW."""
    with store.read() as connection:
        found = incidents_between(connection, 0, 1e12)
    return [(one.fired - NOW, None if one.ended is None else one.ended - NOW) for one in found]


def test_an_alert_fires_is_told_again_and_ends(store: Store) -> None:
    first = put(store, HOT)
    assert (len(first.opened), first.news) == (1, True)
    assert loaded(store) == [replace(HOT, is_open=True)]
    again = put(store, replace(HOT, ends_at=NOW + 300), now=NOW + 60)
    assert again == posted.Outcome(), "nothing new to anybody"
    assert loaded(store)[0].ends_at == NOW + 300
    over = put(store, replace(HOT, ends_at=NOW + 90), now=NOW + 100)
    assert (len(over.closed), over.news) == (1, True)
    assert periods(store) == [(-60, 90)]
    assert put(store, replace(HOT, ends_at=NOW + 90), now=NOW + 160) == posted.Outcome()
    assert loaded(store)[0].updated_at == NOW + 100, "an end told again is not written again"


def test_what_is_not_told_again_ends_by_itself(store: Store) -> None:
    put(store, HOT)
    with store.begin() as connection:
        assert posted.close_ended(connection, NOW + 239) == []
        assert [alert.fingerprint for alert in posted.close_ended(connection, NOW + 240)] == [HOT.fingerprint]
        assert posted.close_ended(connection, NOW + 241) == []
    assert periods(store) == [(-60, 240)]
    put(store, replace(HOT, ends_at=NOW + 600), now=NOW + 300)
    assert periods(store) == [(-60, None)], "the same story goes on"


def test_the_same_alert_from_two_sources_is_one_incident(store: Store) -> None:
    put(store, HOT)
    put(store, HOOK)
    assert periods(store) == [(-60, None)]
    put(store, replace(HOT, ends_at=NOW + 10), now=NOW + 20)
    assert periods(store) == [(-60, None)], "the other source still says that it fires"
    put(store, replace(HOOK, ends_at=NOW + 30), now=NOW + 40)
    assert periods(store) == [(-60, 30)]


@pytest.mark.parametrize("rule_first", [True, False])
def test_an_own_rule_and_a_post_are_one_incident(store: Store, rule_first: bool) -> None:
    own = Alert(LABELS, AlertState.FIRING, active_at=NOW - 50, value=1.0, fired_at=NOW - 50)
    incident = Incident(HOT.fingerprint, LABELS, {}, "rules", NOW - 50, NOW - 50)

    def rule_fires() -> None:
        with store.begin() as connection:
            save_alerts(connection, "g;Hot", [own])
            open_incident(connection, incident)

    def rule_ends() -> None:
        with store.begin() as connection:
            save_alerts(connection, "g;Hot", [])
            close_incident(connection, HOT.fingerprint, NOW + 50)

    steps = [rule_fires, lambda: put(store, HOT)]
    for step in steps if rule_first else reversed(steps):
        step()
    assert len(periods(store)) == 1
    ends = [rule_ends, lambda: put(store, replace(HOT, ends_at=NOW + 70), now=NOW + 80)]
    for step in ends if rule_first else reversed(ends):
        assert periods(store)[0][1] is None
        step()
    assert periods(store) == [(-50 if rule_first else -60, 70 if rule_first else 50)]


def test_a_batch_may_name_an_alert_twice(store: Store) -> None:
    outcome = put(store, HOT, replace(HOT, starts_at=NOW - 10, annotations={"summary": "newer"}))
    assert len(outcome.opened) == 1
    assert loaded(store) == [replace(HOT, annotations={"summary": "newer"}, is_open=True)]
    assert len(periods(store)) == 1


def test_other_words_and_a_nearer_end_are_news(store: Store) -> None:
    put(store, replace(HOT, by_timeout=True))
    assert put(store, replace(HOT, annotations={"summary": "Hotter"}, by_timeout=True), now=NOW + 1).news
    assert put(store, replace(HOT, annotations={"summary": "Hotter"}, ends_at=NOW + 10), now=NOW + 2).news


def test_after_a_start_senders_have_time_to_tell_again(store: Store) -> None:
    other = {"alertname": "Cold"}
    put(store, HOT, replace(HOT, fingerprint=fingerprint(other), labels=other, ends_at=NOW - 1))
    with store.begin() as connection:
        posted.keep_open(connection, NOW + 4000)
    assert {alert.labels["alertname"]: alert.ends_at for alert in loaded(store)} == {"Hot": NOW + 4000, "Cold": NOW - 1}


def test_when_an_alert_was_last_told(store: Store) -> None:
    put(store, HOT, now=NOW)
    put(store, replace(HOOK, ends_at=NOW + 999), now=NOW + 7)
    with store.read() as connection:
        assert posted.last_seen(connection, parse_matchers('alertname="Hot"')) == NOW + 7
        assert posted.last_seen(connection, parse_matchers('alertname="Hot"'), Source.PROMETHEUS) == NOW
        assert posted.last_seen(connection, parse_matchers('alertname="Cold"')) is None


def test_what_has_ended_is_forgotten_later(store: Store) -> None:
    put(store, replace(HOT, ends_at=NOW - 10), HOOK)
    with store.begin() as connection:
        posted.forget(connection, NOW - 10)
        assert len(posted.load(connection)) == 2
        posted.forget(connection, NOW)
        assert [alert.source for alert in posted.load(connection)] == [Source.ALERTMANAGER]


def test_many_alerts_in_one_post(store: Store) -> None:
    many = [
        replace(HOT, fingerprint=f"{number:016x}", labels={"alertname": "A", "n": str(number)})
        for number in range(1300)
    ]
    assert len(put(store, *many).opened) == 1300
    assert len(put(store, *(replace(alert, ends_at=NOW + 1) for alert in many), now=NOW + 2).closed) == 1300
    assert {end for _, end in periods(store)} == {1}


def test_a_silence_is_made_edited_and_ended(store: Store) -> None:
    wanted = Silence("", tuple(parse_matchers('alertname=~"H.*",host!="x"')), NOW, NOW + 3600, "holiday", "me")
    with store.begin() as connection:
        before = silences.mark(connection)
        made = silences.save(connection, wanted, NOW)
        assert silences.load(connection) == [made]
        assert silences.mark(connection) != before
        longer = silences.save(connection, replace(made, ends_at=NOW + 7200), NOW + 10)
        assert (longer.id, silences.load(connection)) == (made.id, [longer])
        other = silences.save(connection, replace(made, matchers=made.matchers[:1]), NOW + 20)
        assert other.id != made.id
        assert [one.id for one in silences.load(connection, ends_after=NOW + 20)] == [other.id]
        over = silences.expire(connection, other.id, NOW + 30)
        assert silences.expire(connection, other.id, NOW + 40) == over
        assert silences.find(connection, other.id) == over
        silences.forget(connection, NOW + 25)
        assert silences.load(connection) == [over]


def test_an_unknown_silence_is_refused(store: Store) -> None:
    wanted = Silence("nope", tuple(parse_matchers("a=b")), NOW, NOW + 60)
    with store.begin() as connection:
        with pytest.raises(silences.NoSuchSilenceError):
            silences.save(connection, wanted, NOW)
        with pytest.raises(SilenceError, match="not found"):
            silences.expire(connection, "nope", NOW)
