"""A cluster is told everything; a bad alert is found and keeps no good one back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchman.alertmanager.client import AlertmanagerError
from watchman.alertmanager.forward import BATCH, Outcome, Refusal, forward
from watchman.alertmanager.model import PostableAlert

if TYPE_CHECKING:
    from collections.abc import Sequence


class Member:
    """Takes what it is told unless it holds a bad alert; `down_after` posts it is gone."""

    def __init__(self, bad: Sequence[str] = (), down_after: int = 10_000, status: int = 400) -> None:
        self.url = "http://member"
        self.bad, self.down_after, self.status = bad, down_after, status
        self.known: set[str] = set()
        self.posts = 0

    def post(self, alerts: Sequence[PostableAlert]) -> None:
        self.posts += 1
        assert len(alerts) <= BATCH
        if self.posts > self.down_after:
            raise AlertmanagerError("gone", None)
        if any(alert.labels["alertname"] in self.bad for alert in alerts):
            raise AlertmanagerError("bad alert", self.status)
        self.known |= {alert.labels["alertname"] for alert in alerts}


def named(count: int) -> list[PostableAlert]:
    return [PostableAlert({"alertname": f"a{n}"}, 1.0, 2.0) for n in range(count)]


def test_all_members_are_told_all_alerts_in_batches() -> None:
    members = [Member(), Member()]

    outcomes = forward(members, named(600), {})

    assert outcomes == [Outcome("http://member", 600)] * 2
    assert [(len(member.known), member.posts) for member in members] == [(600, 3)] * 2


def test_one_bad_alert_in_a_batch_is_found_and_the_rest_is_taken() -> None:
    member = Member(bad=["a17"])

    (outcome,) = forward([member], named(200), {})

    assert (outcome.accepted, outcome.refused) == (199, (Refusal({"alertname": "a17"}, "bad alert"),))
    assert not outcome.ok
    assert member.posts <= 2 * 8 + 1


def test_all_bad_is_all_refused() -> None:
    (outcome,) = forward([Member(bad=["a0", "a1", "a2"], status=422)], named(3), {})

    assert (outcome.accepted, len(outcome.refused)) == (0, 3)


def test_a_member_that_goes_away_keeps_what_it_took_and_does_not_hold_up_the_other() -> None:
    outcomes = forward([Member(down_after=1), Member()], named(600), {})

    assert outcomes == [Outcome("http://member", BATCH, (), "gone"), Outcome("http://member", 600)]


def test_going_away_while_the_bad_one_is_searched_never_counts_below_nothing() -> None:
    (outcome,) = forward([Member(bad=["a0"], down_after=3)], named(4), {})

    assert (outcome.accepted, outcome.error) == (0, "gone")


def test_external_labels_are_added_where_the_alert_has_none_of_its_own() -> None:
    told: list[PostableAlert] = []
    member = Member()
    member.post = told.extend

    forward([member], [PostableAlert({"alertname": "a", "site": "barn"}, 1.0, 2.0)], {"site": "home", "replica": "b"})

    assert told[0].labels == {"alertname": "a", "site": "barn", "replica": "b"}


def test_nobody_to_tell_and_nothing_to_tell() -> None:
    member = Member()

    assert forward([], named(1), {}) == []
    assert forward([member], [], {}) == [Outcome("http://member", 0)]
    assert member.posts == 0
