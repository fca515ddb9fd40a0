"""The daemon has the energy ledger filled in the background."""

from __future__ import annotations

import pytest

from watchman import views
from watchman.errors import WatchmanError
from watchman.jobs import backfilling


@pytest.fixture
def world(make_world):
    return make_world()


@pytest.fixture
def worker(monkeypatch):
    """Stands in for the worker process: `seen` has what the page said meanwhile."""
    jobs, seen = [], []

    def run(context, job, _limit_s, on_line):
        jobs.append(job)
        for line in ("settled 3 of 15 days", "a warning of some library"):
            on_line(line)
        seen.extend(views.learning(context))
        return {"first": "2026-11-07", "days": 15, "written": 9000}

    monkeypatch.setattr(backfilling, "run_worker", run)
    run.jobs, run.seen = jobs, seen
    return run


def test_the_ledger_is_filled_at_the_start_and_then_every_six_hours(world, worker) -> None:
    for hours in (0, 1, 5.9, 6.1, 12):
        world.clock.at = 1_800_000_000 + hours * 3600
        backfilling.fill_ledger(world.context)

    assert worker.jobs == [{"kind": "backfill"}] * 2


def test_while_it_is_filled_the_page_says_how_far_it_is(world, worker) -> None:
    backfilling.fill_ledger(world.context)

    assert "energy ledger: settled 3 of 15 days" in worker.seen
    assert not any("ledger" in line for line in views.learning(world.context))


def test_a_failure_is_told_and_tried_again(world, worker, monkeypatch, caplog) -> None:
    def fail(*_args, **_more):
        raise WatchmanError("the worker ended with 1: Prometheus cannot be reached")

    with monkeypatch.context() as broken:
        broken.setattr(backfilling, "run_worker", fail)
        backfilling.fill_ledger(world.context)
    backfilling.fill_ledger(world.context)

    assert "it goes on in ten minutes: the worker ended with 1" in caplog.text
    assert len(worker.jobs) == 1


def test_while_prometheus_is_away_no_worker_is_started(world, worker) -> None:
    world.context.prometheus_error = "connection refused"
    backfilling.fill_ledger(world.context)

    assert worker.jobs == []
