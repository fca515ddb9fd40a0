"""The clockwork: aligned slots, one bad job harms nobody, a clock step neither stalls nor floods."""

import threading

import pytest

from watchman.scheduler import SlotScheduler


class Time:
    """Wall clock and monotonic clock that move together unless a test steps the wall clock."""

    def __init__(self):
        self.wall, self.mono = 1000.0, 50.0

    def go(self, seconds):
        self.wall += seconds
        self.mono += seconds


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def errors():
    return []


@pytest.fixture
def scheduler(time, errors):
    return SlotScheduler(lambda: time.wall, lambda: time.mono, errors.append)


def run_for(scheduler, time, seconds, step=1.0):
    for _ in range(int(seconds / step)):
        time.go(step)
        scheduler._notice_clock_step()
        scheduler.run_pending()


def test_a_job_runs_at_its_slots_and_is_told_which(scheduler, time):
    ran = []
    scheduler.at_slots(15.0, lambda slot, missed: ran.append((slot, missed)), offset_s=4.0)
    run_for(scheduler, time, 60)
    assert ran == [(1009.0, 0), (1024.0, 0), (1039.0, 0), (1054.0, 0)]


def test_slots_that_were_slept_through_are_counted_not_made_up_for(scheduler, time):
    ran = []
    scheduler.at_slots(10.0, lambda slot, missed: ran.append((slot, missed)))
    run_for(scheduler, time, 10)
    time.go(35)
    scheduler.run_pending()
    assert ran == [(1010.0, 0), (1040.0, 2)]


def test_a_job_that_raises_comes_again_and_starves_nobody(scheduler, time, errors):
    good = []

    def bad(_slot, _missed):
        raise ValueError("bad")

    scheduler.at_slots(5.0, bad)
    scheduler.at_slots(5.0, lambda slot, _missed: good.append(slot))
    run_for(scheduler, time, 20)
    assert len(good) == 4
    assert len(errors) == 4


@pytest.mark.parametrize("step_s", [-1800.0, 1800.0], ids=["set back", "set forward"])
def test_a_step_of_the_wall_clock_neither_stalls_nor_floods(scheduler, time, step_s):
    ran = []
    scheduler.at_slots(10.0, lambda slot, missed: ran.append((slot, missed)))
    run_for(scheduler, time, 20)
    time.wall += step_s
    before = len(ran)
    run_for(scheduler, time, 60)
    after = ran[before:]
    assert len(after) == 6
    assert {0} == {missed for _, missed in after}


def test_an_interval_of_nothing_is_refused(scheduler):
    with pytest.raises(ValueError, match="above 0 s"):
        scheduler.at_slots(0.0, lambda _slot, _missed: None)


def test_it_waits_for_the_next_slot_at_most_a_second(scheduler, time):
    scheduler.at_slots(10.0, lambda _slot, _missed: None)
    assert scheduler.idle_s() == 1.0
    time.go(9.75)
    assert scheduler.idle_s() == 0.25
    time.go(5)
    assert scheduler.idle_s() == 0.0


def test_it_ends_when_told_and_runs_what_follows_each_round(scheduler, time):
    stop, rounds = threading.Event(), []

    def after_each():
        rounds.append(1)
        if len(rounds) == 3:
            stop.set()
        scheduler.wake()

    scheduler.run_until(stop, after_each)
    assert len(rounds) == 3
