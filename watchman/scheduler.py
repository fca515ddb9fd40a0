"""The clockwork: jobs at aligned slots of the wall clock, on top of the `schedule` library.

The library alone stalls when the clock is set back, lets one raising job starve the rest and counts intervals from the
end of a run. Here every job has slots `k * interval + offset`; a run is handed the slot it is for and the number of
slots that were missed; an exception is handed to `on_error` and the job comes again at its next slot.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from queue import Empty, SimpleQueue

import schedule

from watchman.rules.slots import missed_slots, next_slot, slot_at

Work = Callable[[float, int], None]
"""`work(slot, missed)`: slot in unix seconds. It must return quickly: long work is submitted to a pool."""

CLOCK_STEP_S = 5.0


class SlotJob(schedule.Job):
    """One job at the slots `k * interval_s + offset_s`."""

    def __init__(self, owner: SlotScheduler, interval_s: float, offset_s: float, work: Work) -> None:
        if interval_s <= 0:
            raise ValueError(f"a job needs an interval above 0 s, got {interval_s}")
        super().__init__(max(1, round(interval_s)), owner)
        self.owner = owner
        self.work = work
        self.interval_s = interval_s
        self.offset_s = offset_s
        self.last_slot: float | None = None
        self.slot = 0.0

    def _schedule_next_run(self) -> None:
        self.slot = next_slot(self.owner.now(), self.interval_s, self.offset_s)
        self.next_run = datetime.fromtimestamp(self.slot, UTC).replace(tzinfo=None)

    @property
    def should_run(self) -> bool:
        """True once the slot has come."""
        return self.owner.now() >= self.slot

    def run(self) -> None:
        """Run for the latest slot that has come, then wait for the next one."""
        now = self.owner.now()
        slot = slot_at(now, self.interval_s, self.offset_s)
        skipped = 0 if self.last_slot is None else missed_slots(self.last_slot, now, self.interval_s)
        self.last_slot = slot
        try:
            self.work(slot, skipped)
        finally:
            self._schedule_next_run()


class SlotScheduler(schedule.Scheduler):
    """Runs SlotJobs in one thread. `now` is the wall clock, `monotonic` what waiting is measured with."""

    def __init__(
        self, now: Callable[[], float], monotonic: Callable[[], float], on_error: Callable[[Exception], None]
    ) -> None:
        super().__init__()
        self.now = now
        self._monotonic = monotonic
        self._on_error = on_error
        self._offset_s = now() - monotonic()
        # Not an Event: its lock is not safe in a signal handler.
        self._calls: SimpleQueue[None] = SimpleQueue()

    def at_slots(self, interval_s: float, work: Work, *, offset_s: float = 0.0) -> SlotJob:
        """Run `work` at every slot; the first one is the next slot after now."""
        job = SlotJob(self, interval_s, offset_s, work)
        job.do(work)
        return job

    def wake(self) -> None:
        """End the current wait early, from any thread or signal handler."""
        self._calls.put(None)

    def run_until(self, stop: threading.Event, after_each: Callable[[], None]) -> None:
        """Run until `stop` is set (call wake() after setting it); `after_each` runs after every round."""
        while not stop.is_set():
            self._notice_clock_step()
            self.run_pending()
            after_each()
            self._wait(self.idle_s())

    def _wait(self, limit_s: float) -> None:
        try:
            self._calls.get(timeout=limit_s)
            while True:
                self._calls.get_nowait()
        except Empty:
            return

    def idle_s(self) -> float:
        """How long to wait: to the next slot, at most a second so that a clock step is noticed."""
        soonest = min((job.slot for job in self._slot_jobs()), default=self.now() + 1.0)
        return float(min(1.0, max(0.0, soonest - self.now())))

    def _run_job(self, job: schedule.Job) -> None:
        try:
            job.run()  # type: ignore[no-untyped-call]
        except Exception as error:
            self._on_error(error)

    def _slot_jobs(self) -> Iterator[SlotJob]:
        return (job for job in self.jobs if isinstance(job, SlotJob))

    def _notice_clock_step(self) -> None:
        """After a step of the wall clock every job looks for its next slot anew, so none stalls or runs in a burst."""
        offset_s = self.now() - self._monotonic()
        if abs(offset_s - self._offset_s) > CLOCK_STEP_S:
            for job in self._slot_jobs():
                job.last_slot = None
                job._schedule_next_run()
        self._offset_s = offset_s
