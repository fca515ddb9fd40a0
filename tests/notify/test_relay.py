"""Lists of an Alertmanager become messages: each change once, replays never, repeats after a while."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchman.notify.dedup import Reason
from watchman.notify.message import ActiveAlert, Source
from watchman.notify.relay import REPLAY_S, Doors, GroupKey, GroupMemory, Post, relay

KEY = GroupKey('{}:{alertname="A"}', "webhook", "phone")
OPEN = Doors(untold=lambda _: False, told=lambda _: False)


def alert(name: str, ends_at: float | None = None, **labels: str) -> ActiveAlert:
    return ActiveAlert(name, {"alertname": name, **labels}, {}, 10.0, ends_at, source=Source.ALERTMANAGER)


def held(*names: str) -> Doors:
    return Doors(untold=lambda one: one.fingerprint in names, told=lambda one: one.fingerprint in names)


def run(*steps: tuple[float, Post | None, Doors]) -> list[tuple[float, str, list[str], list[str]]]:
    """The messages of a life of a group: when, why, what fires, what is over."""
    memory, told = GroupMemory(), []
    for now, post, doors in steps:
        memory, message = relay(now, KEY, memory, post, doors)
        if message is not None:
            firing, over = (sorted(one.fingerprint for one in part) for part in (message.firing, message.resolved))
            told.append((now, message.reason.value, firing, over))
    return told


def firing(*names: str) -> Post:
    return Post(tuple(alert(name) for name in names))


def over(*names: str) -> Post:
    return Post(over=tuple(alert(name, ends_at=50.0) for name in names))


A_AND_OVER_B = Post((alert("a"),), (alert("b", ends_at=50.0),))
LIVES = {
    "fires and ends": (
        [(0, firing("a"), OPEN), (300, over("a"), OPEN)],
        [(0, "first notification", ["a"], []), (300, "all alerts resolved", [], ["a"])],
    ),
    "a post that comes twice is told once": (
        [
            (0, firing("a"), OPEN),
            (1, firing("a"), OPEN),
            (15, firing("a"), OPEN),
            (300, over("a"), OPEN),
            (301, over("a"), OPEN),
        ],
        [(0, "first notification", ["a"], []), (300, "all alerts resolved", [], ["a"])],
    ),
    "the same list much later is a repeat": (
        [(0, firing("a"), OPEN), (REPLAY_S - 1, firing("a"), OPEN), (REPLAY_S, firing("a"), OPEN)],
        [(0, "first notification", ["a"], []), (REPLAY_S, "repeat interval elapsed", ["a"], [])],
    ),
    "one joins, one leaves": (
        [(0, firing("a"), OPEN), (300, firing("a", "b"), OPEN), (600, A_AND_OVER_B, OPEN)],
        [
            (0, "first notification", ["a"], []),
            (300, "new alerts added", ["a", "b"], []),
            (600, "some alerts resolved", ["a"], ["b"]),
        ],
    ),
    "an end of what was never told is not told": ([(0, over("a"), OPEN)], []),
    "one that is missing from the list is not over": (
        [(0, firing("a", "b"), OPEN), (300, firing("a"), OPEN)],
        [(0, "first notification", ["a", "b"], [])],
    ),
    "a silence holds back, and its end tells": (
        [(0, firing("a"), held("a")), (15, None, held("a")), (30, None, OPEN), (45, None, OPEN)],
        [(30, "first notification", ["a"], [])],
    ),
    "what ends while it is held back was never there": (
        [(0, firing("a"), held("a")), (300, over("a"), held("a")), (400, None, OPEN)],
        [],
    ),
    "an end under a silence is told after it": (
        [(0, firing("a"), OPEN), (300, over("a"), held("a")), (315, None, OPEN), (330, None, OPEN)],
        [(0, "first notification", ["a"], []), (315, "all alerts resolved", [], ["a"])],
    ),
    "fired again before its end could be told: one story": (
        [(0, firing("a"), OPEN), (300, over("a"), held("a")), (315, firing("a"), held("a")), (330, None, OPEN)],
        [(0, "first notification", ["a"], [])],
    ),
    "fired again after its end was told: a new one": (
        [(0, firing("a"), OPEN), (300, over("a"), OPEN), (600, firing("a"), OPEN)],
        [
            (0, "first notification", ["a"], []),
            (300, "all alerts resolved", [], ["a"]),
            (600, "first notification", ["a"], []),
        ],
    ),
    "a repeat does not name what is held back": (
        [(0, firing("a", "b"), OPEN), (2000, firing("a", "b"), held("b"))],
        [(0, "first notification", ["a", "b"], []), (2000, "repeat interval elapsed", ["a"], [])],
    ),
    "nobody hears a repeat of what somebody has seen": (
        [(0, firing("a"), OPEN), (2000, firing("a"), replace(OPEN, acknowledged=lambda _: True))],
        [(0, "first notification", ["a"], [])],
    ),
    "a receiver that wants no ends hears none": (
        [(0, firing("a"), OPEN), (300, over("a"), replace(OPEN, send_resolved=False)), (900, firing("a"), OPEN)],
        [(0, "first notification", ["a"], []), (900, "first notification", ["a"], [])],
    ),
    "a clock set back by hours does not stop repeats": (
        [(9000, firing("a"), OPEN), (100, firing("a"), OPEN), (101, firing("a"), OPEN)],
        [(9000, "first notification", ["a"], []), (100, "repeat interval elapsed", ["a"], [])],
    ),
}


@pytest.mark.parametrize(("steps", "told"), LIVES.values(), ids=LIVES.keys())
def test_the_life_of_a_group(steps: list, told: list) -> None:
    assert run(*steps) == told


NAMES = st.sampled_from(["a", "b", "c"])
STEP = st.tuples(st.frozensets(NAMES), st.frozensets(NAMES), st.frozensets(NAMES), st.booleans())


@given(st.lists(STEP, max_size=12))
def test_every_alert_is_told_once_before_each_end_and_every_post_may_come_twice(steps: list) -> None:
    """For any posts and holds: begin and end alternate, nothing open is forgotten, a replay changes nothing."""
    memory, is_open = GroupMemory(), set()
    for number, (fire, end, shut, with_post) in enumerate(steps):
        post = Post(tuple(map(alert, fire)), tuple(alert(name, 5.0) for name in end - fire)) if with_post else None
        memory, message = relay(number * 60.0, KEY, memory, post, held(*shut))
        if message is not None:
            assert message.new.isdisjoint(is_open)
            ended = {one.fingerprint for one in message.resolved}
            assert ended <= is_open
            assert {one.fingerprint for one in message.firing} == message.new | (
                is_open - ended - shut - _ended(memory)
            )
            is_open = (is_open - ended) | message.new
        assert {one.fingerprint for one in memory.told} == is_open
        again, replayed = relay(number * 60.0 + 1, KEY, memory, post, held(*shut))
        assert (again, replayed) == (memory, None)


def _ended(memory: GroupMemory) -> set[str]:
    return {one.fingerprint for one in memory.told if one.ends_at is not None}


def test_the_worst_comes_first() -> None:
    mild, grave = alert("a", severity="notice"), alert("b", severity="critical")

    _, message = relay(0.0, KEY, GroupMemory(), Post((mild, grave)), OPEN)

    assert message is not None
    assert [one.fingerprint for one in message.firing] == ["b", "a"]
    assert (message.reason, message.severity) == (Reason.FIRST, "critical")
