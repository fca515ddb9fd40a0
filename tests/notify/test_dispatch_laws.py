"""Laws of dispatch over random lives: nothing is told twice, nothing told stays open, a restart changes nothing."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from notify_world import T0, World, alert, routing

from watchman.notify.dedup import Reason
from watchman.notify.matchers import parse_matchers
from watchman.notify.mute import Silence
from watchman.notify.plan import DispatchState
from watchman.notify.route import Route

SEVERITIES = ("critical", "warning", "notice", "info", "")
STEP_S = 37.0


def matchers(text: str) -> tuple:
    return tuple(parse_matchers(text))


ROUTE = Route(
    "phone",
    group_by=("alertname",),
    routes=(
        Route("mail", matchers=matchers("host=a"), continue_=True),
        Route(matchers=matchers("alertname=A1"), group_by=("...",)),
    ),
)

events = st.lists(
    st.tuples(st.sampled_from(["fire", "end", "vanish", "wait", "silence"]), st.integers(0, 5), st.integers(1, 30)),
    max_size=40,
)


def play(story: list[tuple[str, int, int]], restarts: bool = False, twice: bool = False) -> World:
    """Live through a story; a dispatch after each event. `restarts`: only log and alerts survive each step."""
    world, at = World(routing(ROUTE)), 0.0
    for event, number, steps in story:
        one = alert(f"A{number % 3}", SEVERITIES[number % 5], at=at, host="ab"[number % 2])
        known = world.alerts.get(one.fingerprint)
        if event == "fire" and (known is None or known.ends_at is not None):
            world.put(one)
        elif event == "end" and known is not None and known.ends_at is None:
            world.put(replace(known, ends_at=T0 + at))
        elif event == "vanish":
            world.forget(one)
        elif event == "silence":
            silence = Silence("s", matchers(f"host={'ab'[number % 2]}"), T0 + at, T0 + at + steps * STEP_S)
            world.state = DispatchState(silences=[silence])
        at += steps * STEP_S
        if restarts:
            world = World(world.routing, world.state, dict(world.alerts), dict(world.log), world.sent)
        plan = world.run(at)
        assert plan.next_due is None or plan.next_due > T0 + at
        if twice:
            again = world.run(at)
            assert again.notifications == ()
            assert again.log == {}
    return world


def history(world: World) -> list[tuple]:
    return [
        (at, note.receiver, note.group_key, note.reason, [one.fingerprint for one in note.firing], note.new)
        for at, note in world.sent
    ]


@settings(max_examples=150, deadline=None)
@given(events)
def test_dispatching_again_with_the_log_written_decides_nothing(story: list[tuple[str, int, int]]) -> None:
    play(story, twice=True)


@settings(max_examples=100, deadline=None)
@given(events)
def test_a_restart_at_every_step_sends_the_same(story: list[tuple[str, int, int]]) -> None:
    assert history(play(story, restarts=True)) == history(play(story))


@settings(max_examples=150, deadline=None)
@given(events)
def test_whatever_was_told_is_told_to_be_over_or_is_still_in_the_log(story: list[tuple[str, int, int]]) -> None:
    world = play(story)
    open_now: set[tuple[str, str]] = set()
    for _, note in world.sent:
        named = {(note.receiver, one.fingerprint) for one in note.firing}
        if note.reason is not Reason.REPEAT:
            assert {(note.receiver, name) for name in note.new}.isdisjoint(open_now), "told as new while open"
        open_now |= named
        open_now -= {(note.receiver, one.fingerprint) for one in note.resolved}
    logged = {(receiver, one.fingerprint) for (_, receiver), entry in _entries(world) for one in entry.told}
    assert open_now == logged


@settings(max_examples=100, deadline=None)
@given(events)
def test_in_the_end_everything_is_closed(story: list[tuple[str, int, int]]) -> None:
    world = play(story)
    at = 100 * 3600.0
    world.alerts = {}
    world.state = DispatchState()
    world.run(at)
    world.run_until(at + 400, at + 2000)

    assert world.log == {}


def _entries(world: World) -> list:
    from watchman.notify.outbox import log_entry_from_json

    return [(key, log_entry_from_json(text)) for key, text in world.log.items()]
