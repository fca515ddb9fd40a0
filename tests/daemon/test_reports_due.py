"""When a digest is due: once per day, at the site's local time, caught up after downtime, never twice."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from world import CONFIG

from watchman.errors import WatchmanError
from watchman.jobs import reporting
from watchman.localtime import local_day
from watchman.store.reports import claim_report

HERE = ZoneInfo("America/Los_Angeles")
REPORTS = 'reports: [{name: daily, at: "07:05", receivers: [mail]}]\n'
MADE = {
    "title": "Home, Sat 21 Nov: nothing to do",
    "text": "Sun 27.4 kWh",
    "push": "Sun 27.4 kWh, 65 % own power.\n- Power cut 03:50\n",
    "html": "<p>Sun</p>",
    "report": {"period": "day", "coverage": {"overall": 0.99}},
    "attachments": [{"name": "chart.png", "mimetype": "image/png", "content_base64": "AAAA"}],
}


def local(text):
    return datetime.fromisoformat(text).replace(tzinfo=HERE).timestamp()


@pytest.fixture
def world(make_world):
    return make_world(config=CONFIG + REPORTS)


def reported(world, *days):
    with world.context.store.begin() as connection:
        for day in days:
            start = local_day(datetime.fromisoformat(day).date(), HERE)[0]
            assert claim_report(connection, "daily", start, {}, 0.0)


def due(world, now):
    (report,) = world.context.wiring.config.reports
    return [day.isoformat() for day in reporting.due_days(world.context, report, local(now))]


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        pytest.param([], "2026-11-22T07:04:59", [], id="not before its time"),
        pytest.param([], "2026-11-22T07:05:00", ["2026-11-21"], id="at its time the day that ended"),
        pytest.param([], "2026-11-22T23:59:00", ["2026-11-21"], id="later, after downtime"),
        pytest.param(["2026-11-21"], "2026-11-22T07:06:00", [], id="once"),
        pytest.param(["2026-11-20"], "2026-11-22T06:00:00", [], id="made yesterday, today's not due yet"),
        pytest.param(
            ["2026-11-18"],
            "2026-11-22T08:00:00",
            ["2026-11-19", "2026-11-20", "2026-11-21"],
            id="three days of downtime are caught up",
        ),
        pytest.param(
            ["2026-11-10"],
            "2026-11-22T08:00:00",
            ["2026-11-19", "2026-11-20", "2026-11-21"],
            id="of a long downtime only the last three days",
        ),
        pytest.param(["2026-11-19", "2026-11-20"], "2026-11-22T06:00:00", [], id="all made"),
        pytest.param(["2026-10-31"], "2026-11-02T07:05:00", ["2026-11-01"], id="the day of 25 hours"),
        pytest.param(["2027-03-13"], "2027-03-15T07:05:00", ["2027-03-14"], id="the day of 23 hours"),
    ],
)
def test_a_digest_is_due(world, before, now, expected):
    reported(world, *before)
    assert expected == due(world, now)


def test_report_and_mark_are_written_together_and_once(world, monkeypatch):
    jobs_done = []
    monkeypatch.setattr(reporting, "run_worker", lambda _context, job: jobs_done.append(job) or {**MADE, "facts": {}})
    world.clock.at = local("2026-11-22T07:05:30")
    reporting.make_due_reports(world.context)
    reporting.make_due_reports(world.context)
    world.restart()
    reporting.make_due_reports(world.context)
    assert world.messages() == [("mail", "Home, Sat 21 Nov: nothing to do. Sun 27.4 kWh, 65 % own power.")]
    assert [job["date"] for job in jobs_done if job["kind"] == "report"] == ["2026-11-21"]


def test_a_report_that_fails_is_tried_again(world, monkeypatch):
    def fail(_context, _job):
        raise WatchmanError("the worker ended with 1: Prometheus cannot be reached")

    monkeypatch.setattr(reporting, "run_worker", fail)
    world.clock.at = local("2026-11-22T07:05:30")
    reporting.make_due_reports(world.context)
    assert world.messages() == []
    assert due(world, "2026-11-22T07:06:30") == ["2026-11-21"]


def test_a_new_home_gets_no_first_mail_about_a_day_it_did_not_see(world, monkeypatch):
    empty = {**MADE, "facts": {}, "report": {"coverage": {"overall": 0.0}}}
    monkeypatch.setattr(reporting, "run_worker", lambda _context, _job: empty)
    world.clock.at = local("2026-11-22T07:05:30")
    reporting.make_due_reports(world.context)
    assert world.messages() == []
    assert due(world, "2026-11-22T07:06:30") == []
    world.clock.at = local("2026-11-23T07:05:30")
    reporting.make_due_reports(world.context)
    assert world.messages() == [("mail", "Home, Sat 21 Nov: nothing to do. Sun 27.4 kWh, 65 % own power.")], (
        "later a day without data is told"
    )


def test_while_prometheus_is_away_no_worker_is_started_for_nothing(world, monkeypatch):
    asked = []
    monkeypatch.setattr(reporting, "run_worker", lambda _context, job: asked.append(job) or {**MADE, "facts": {}})
    reported(world, "2026-11-20")
    world.context.prometheus_error = "connection refused"
    world.clock.at = local("2026-11-22T07:05:30")
    reporting.make_due_reports(world.context)
    assert asked == []
    world.clock.at = local("2026-11-22T13:06:00")
    reporting.make_due_reports(world.context)
    assert [job["offline"] for job in asked] == [True]


@pytest.mark.parametrize(
    ("before", "now", "offline"),
    [
        (["2026-11-20"], "2026-11-22T07:05:30", False),
        (["2026-11-20"], "2026-11-22T13:06:00", True),
        ([], "2026-11-22T13:06:00", False),
    ],
    ids=["in time Prometheus is waited for", "hours late it is not", "at the first start it is always"],
)
def test_hours_late_a_digest_without_prometheus_is_better_than_none(world, monkeypatch, before, now, offline):
    reported(world, *before)
    asked = []
    monkeypatch.setattr(reporting, "run_worker", lambda _context, job: asked.append(job) or {**MADE, "facts": {}})
    world.clock.at = local(now)
    reporting.make_due_reports(world.context)
    assert offline == asked[0]["offline"]


def test_a_mail_tells_enough_unopened_and_brings_its_picture():
    message = reporting.message_for("mailtos://me:secret@example.org", MADE)
    assert message.title == "Home, Sat 21 Nov: nothing to do. Sun 27.4 kWh, 65 % own power."
    assert (message.text, message.html, message.attachments[0].content) == ("Sun 27.4 kWh", "<p>Sun</p>", b"\0\0\0")


def test_a_phone_gets_the_short_text_and_no_picture():
    message = reporting.message_for("ntfy://example.org/home", MADE)
    assert (message.title, message.text) == (MADE["title"], MADE["push"])
    assert (message.html, message.attachments) == (None, ())
