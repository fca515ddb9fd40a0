"""What an edit does to a silence, and which silences cannot be."""

from __future__ import annotations

from dataclasses import replace

import pytest

from watchman.notify.matchers import Op, make_matcher
from watchman.notify.mute import Silence
from watchman.notify.silences import SilenceError, SilenceState, covers, edit, expired, in_order, state_of

NOW = 1000.0
HOT = (make_matcher("alertname", Op.EQUAL, "Hot"),)
COLD = (make_matcher("alertname", Op.EQUAL, "Cold"),)
ACTIVE = Silence("old", HOT, 900.0, 2000.0, "why", "me", 900.0)
PENDING = replace(ACTIVE, starts_at=1500.0)
OVER = replace(ACTIVE, ends_at=950.0)


def test_a_new_silence_begins_now_at_the_earliest() -> None:
    (made,) = edit(None, replace(ACTIVE, id=""), NOW, "new")
    assert made == replace(ACTIVE, id="new", starts_at=NOW, updated_at=NOW)
    (ahead,) = edit(None, replace(PENDING, id=""), NOW, "new")
    assert ahead.starts_at == 1500.0


@pytest.mark.parametrize(
    ("previous", "change", "ids"),
    [
        pytest.param(ACTIVE, {"ends_at": 3000.0}, ["old"], id="an active one ends later"),
        pytest.param(ACTIVE, {"ends_at": NOW}, ["old"], id="an active one ends now"),
        pytest.param(ACTIVE, {"comment": "another"}, ["old"], id="another comment"),
        pytest.param(ACTIVE, {"starts_at": 900.4}, ["old"], id="the start with other decimals"),
        pytest.param(ACTIVE, {"starts_at": 950.0}, ["old", "new"], id="an active one that began later"),
        pytest.param(ACTIVE, {"matchers": COLD}, ["old", "new"], id="other matchers"),
        pytest.param(PENDING, {"starts_at": 1700.0}, ["old"], id="a pending one begins later"),
        pytest.param(PENDING, {"starts_at": 900.0}, ["old", "new"], id="a pending one begins in the past"),
        pytest.param(PENDING, {"matchers": COLD}, ["old", "new"], id="a pending one with other matchers"),
        pytest.param(OVER, {"ends_at": 3000.0}, ["new"], id="an expired one is not touched"),
    ],
)
def test_an_edit_keeps_the_id_where_it_rewrites_no_history(previous: Silence, change: dict, ids: list[str]) -> None:
    written = edit(previous, replace(previous, **change), NOW, "new")
    assert [one.id for one in written] == ids
    assert all(one.updated_at == NOW for one in written)
    if len(written) == 2:
        assert state_of(written[0], NOW) is SilenceState.EXPIRED
        assert written[1].starts_at >= NOW


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"ends_at": 900.0}, "start time must be before end time"),
        ({"starts_at": 1.0, "ends_at": 2.0}, "end time can't be in the past"),
        ({"matchers": ()}, "at least one matcher required"),
        ({"matchers": (make_matcher("a", Op.EQUAL, ""),)}, "must not match the empty string"),
        ({"matchers": (make_matcher("a", Op.REGEX, ".*"),)}, "must not match the empty string"),
        ({"matchers": (make_matcher("a", Op.NOT_EQUAL, "x"),)}, "must not match the empty string"),
        ({"matchers": (*HOT, make_matcher("a b", Op.EQUAL, "x"))}, 'matcher 1: invalid label name "a b"'),
    ],
)
def test_what_can_be_no_silence_says_why(change: dict, reason: str) -> None:
    with pytest.raises(SilenceError, match=reason):
        edit(ACTIVE, replace(ACTIVE, **change), NOW, "new")


def test_one_that_is_expired_before_it_began_never_holds() -> None:
    gone = expired(PENDING, NOW)
    assert not any(gone.active(at) for at in (NOW - 1, NOW, 1600.0))
    assert expired(OVER, NOW) == OVER


def test_they_are_listed_as_alertmanager_lists_them() -> None:
    later = replace(ACTIVE, id="later", ends_at=5000.0)
    old = replace(OVER, ends_at=930.0)
    assert in_order([old, OVER, PENDING, later, ACTIVE], NOW) == [ACTIVE, later, PENDING, OVER, old]


def test_a_filter_is_compared_with_the_matchers_themselves() -> None:
    assert covers(ACTIVE, HOT)
    assert covers(ACTIVE, ())
    assert not covers(ACTIVE, [make_matcher("alertname", Op.REGEX, "Hot")])
    assert not covers(ACTIVE, COLD)
