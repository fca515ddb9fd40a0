"""The retry schedule: 1 s, doubling, 10 s at most in the first five minutes, five minutes later on, three days."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from watchman.notify.retry import GIVE_UP_S, MIN_ATTEMPTS, is_given_up, next_attempt


def schedule(random: float, until: float) -> list[float]:
    at, times, attempts = 0.0, [], 1
    while not is_given_up(0.0, attempts, at) and (due := next_attempt(0.0, attempts, at, random)) <= until:
        times.append(due)
        at, attempts = due, attempts + 1
    return times


def test_the_first_pauses_double_and_stay_at_ten_seconds() -> None:
    assert schedule(0.0, 60)[:7] == [1, 3, 7, 15, 25, 35, 45]


def test_after_five_minutes_pauses_are_five_minutes() -> None:
    late = [at for at in schedule(0.0, 3000) if at > 310]

    assert {round(b - a) for a, b in pairwise(late)} == {300}


def test_after_three_days_it_is_given_up() -> None:
    times = schedule(0.0, 10 * 86400)

    assert GIVE_UP_S - 300 <= times[-1] <= GIVE_UP_S + 300


def test_a_message_that_waited_while_nobody_ran_still_gets_its_attempts() -> None:
    assert not is_given_up(0.0, 1, GIVE_UP_S + 1)
    assert is_given_up(0.0, MIN_ATTEMPTS, GIVE_UP_S + 1)


@given(st.integers(1, 10_000), st.floats(0, GIVE_UP_S - 1), st.floats(0, 1, exclude_max=True))
def test_the_next_attempt_lies_ahead_and_within_the_longest_pause(attempts: int, now: float, random: float) -> None:
    due = next_attempt(0.0, attempts, now, random)

    assert 0.79 <= due - now <= (10 if now < 300 else 300) + 0.01
