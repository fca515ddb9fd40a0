"""The daemon has the energy ledger filled in the background."""

from __future__ import annotations

import pytest

from watchman import views
from watchman.errors import QueryError, WatchmanError
from watchman.jobs import backfilling, reporting


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
    world.prometheus.error = QueryError("connection refused", "connect")
    backfilling.fill_ledger(world.context)

    assert worker.jobs == []


def test_no_worker_is_started_for_what_is_usual_while_prometheus_is_away(make_world, monkeypatch):
    world = make_world()
    asked = []

    def run_worker(_context, job, *_args, **_more):
        asked.append(job["kind"])
        return {"facts": {"usual_night_load_w": 200.0}}

    monkeypatch.setattr(reporting, "run_worker", run_worker)
    world.prometheus.error = QueryError("cannot be reached", "connect")
    reporting.refresh_facts(world.context)
    assert asked == []
    world.prometheus.error = None
    reporting.refresh_facts(world.context)
    reporting.refresh_facts(world.context)
    assert asked == ["facts"]
    assert world.context.facts["usual_night_load_w"] == 200.0


def test_what_the_worker_could_not_find_out_is_asked_again_an_hour_later(make_world, monkeypatch):
    world = make_world()
    asked = []

    def run_worker(_context, job, *_args, **_more):
        asked.append(world.clock.now())
        raise WatchmanError("no")

    monkeypatch.setattr(reporting, "run_worker", run_worker)
    for _ in range(70):
        reporting.refresh_facts(world.context)
        world.clock.at += 60.0
    assert [at - asked[0] for at in asked] == [0.0, 3600.0]
