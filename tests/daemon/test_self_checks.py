"""What watchman says about itself: whether it is scraped, whether Prometheus is away or one query is slow."""

import pytest
from world import RULES

from watchman import jobs
from watchman.errors import QueryError
from watchman.jobs.query import ask
from watchman.views import overview

OWN = RULES.replace("heat > 0", "heat > on () watchman_solar_usual_peak_watts")


def test_rules_that_wait_for_series_of_watchman_are_named_until_it_is_scraped(make_world, caplog):
    world = make_world(rules=OWN)
    world.context.started_at = world.clock.at
    jobs.check_scraped(world.context)
    assert world.context.scrape_problem == "", "Prometheus gets two minutes to find us"
    world.clock.at += 121
    jobs.check_scraped(world.context)
    jobs.check_scraped(world.context)
    assert caplog.text.count("these rules sleep: Hot") == 1
    assert "these rules sleep: Hot" in overview(world.context).problems[0]
    world.prometheus.values["count(watchman_build_info)"] = {world.clock.at: 1.0}
    jobs.check_scraped(world.context)
    assert overview(world.context).problems == []


def test_rules_that_need_nothing_of_watchman_are_not_worried_about(make_world):
    world = make_world()
    world.clock.at += 1000
    jobs.check_scraped(world.context)
    assert world.context.scrape_problem == ""


@pytest.mark.parametrize(
    ("reasons", "away"),
    [
        (["connect"], True),
        (["auth"], True),
        (["bad_query"], False),
        (["server"], False),
        (["timeout"], False),
        (["timeout", "ok", "timeout", "ok", "timeout"], False),
        (["timeout", "timeout", "timeout"], True),
        (["connect", "ok"], False),
    ],
)
def test_prometheus_is_away_when_it_does_not_answer_not_when_one_query_is_slow(make_world, reasons, away):
    world = make_world()
    for reason in reasons:
        world.prometheus.error = None if reason == "ok" else QueryError(reason, reason)
        if reason == "ok":
            ask(world.context, "x", 0.0)
            continue
        with pytest.raises(QueryError):
            ask(world.context, "x", 0.0)
    assert away == bool(world.context.prometheus_error)


def test_the_first_look_at_the_page_shows_the_home(make_world):
    world = make_world()
    now = world.clock.at
    world.prometheus.values["sonnen_production_watts"] = {now: 1234.0}
    view = overview(world.context)
    assert view.roles["production"] == 1234.0
    assert view.roles["consumption"] is None
    assert view.data_at == now
