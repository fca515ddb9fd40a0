"""Slots: aligned, stable, never twice, and missed ones counted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchman.rules.slots import missed_slots, next_slot, slot_at, slot_offset

intervals = st.integers(min_value=1, max_value=86_400_000).map(lambda ms: ms / 1000)
times = st.integers(min_value=0, max_value=4_000_000_000_000).map(lambda ms: ms / 1000)
keys = st.text(max_size=30)


def test_the_offset_is_the_same_on_every_machine_and_after_every_restart() -> None:
    assert [slot_offset(f"rules/{name}.yaml;g", 60.0) for name in ("battery", "grid")] == [12.445, 51.747]


@pytest.mark.parametrize(
    ("now", "interval", "offset", "at", "after"),
    [
        (0.0, 60.0, 0.0, 0.0, 60.0),
        (59.999, 60.0, 0.0, 0.0, 60.0),
        (60.0, 60.0, 0.0, 60.0, 120.0),
        (60.0, 60.0, 12.5, 12.5, 72.5),
        (5.0, 60.0, 12.5, -47.5, 12.5),
        (1_700_000_000.3, 0.1, 0.0, 1_700_000_000.3, 1_700_000_000.4),
    ],
    ids=["at the first", "just before", "at a slot the next one", "with an offset", "before the first", "fractions"],
)
def test_slots_are_multiples_of_the_interval_after_the_offset(now, interval, offset, at, after) -> None:
    assert (slot_at(now, interval, offset), next_slot(now, interval, offset)) == (at, after)


@pytest.mark.parametrize(
    ("last", "now", "expected"),
    [(0.0, 60.0, 0), (0.0, 119.9, 0), (0.0, 120.0, 1), (0.0, 150.0, 1), (0.0, 600.0, 9), (600.0, 60.0, 0)],
    ids=["on time", "a little late", "one too late", "a slow evaluation", "a long stop", "the clock went back"],
)
def test_missed_slots_are_those_between_the_last_one_and_the_one_due(last, now, expected) -> None:
    assert missed_slots(last, now, 60.0) == expected


@given(keys, intervals)
def test_an_offset_lies_within_the_interval(key, interval) -> None:
    assert 0 <= slot_offset(key, interval) < interval


@given(times, intervals, keys)
def test_now_lies_between_its_slot_and_the_next_one(now, interval, key) -> None:
    offset = slot_offset(key, interval)
    at, after = slot_at(now, interval, offset), next_slot(now, interval, offset)
    assert at <= now < after
    assert after - at == pytest.approx(interval, abs=1e-6)


@given(times, intervals, keys, st.integers(min_value=1, max_value=1000))
def test_the_slots_evaluated_and_missed_are_all_slots(start, interval, key, later) -> None:
    offset = slot_offset(key, interval)
    last = next_slot(start, interval, offset)
    now = last + later * interval
    assert missed_slots(last, now, interval) + 1 == later
