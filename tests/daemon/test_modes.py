"""Mode before: a webhook tells alerts of own rules, and watchman does where none comes. Minutes of a life."""

import pytest
from alertmanagers import Member, Stack, theirs
from world import CONFIG, RULES

from watchman import jobs
from watchman.companion import listing, take_alerts
from watchman.modes import DUTIES, QUESTIONS, Mode, Part, table
from watchman.notify.message import Source
from watchman.notify.posted import PostedAlert
from watchman.series import fingerprint
from watchman.views import overview

HOT = {"alertname": "Hot", "severity": "critical", "host": "h", "site": "home"}
BEFORE = CONFIG + "alertmanager: {urls: ['http://127.0.0.1:9'], mode: before}\nexternal_labels: {site: home}\n"
AT_ONCE = RULES.replace("for: 2m", "for: 0s")
TOLD, OVER = "It is hot: 7", "Over: It is hot: 7"
AWAY = "Alertmanager does not do its part"


@pytest.fixture
def stack(make_world):
    return Stack(make_world(config=BEFORE, rules=AT_ONCE))


def hot(stack, *minutes):
    stack.world.prometheus.values["heat > 0"] = {stack.world.minute(minute): 7.0 for minute in minutes}


def back(stack, *, ends_at=None):
    """Our alert as its Alertmanager brings it back."""
    return theirs(HOT, starts_at=stack.world.start, ends_at=ends_at, summary="as Alertmanager says")


def test_an_own_alert_goes_to_alertmanager_and_is_told_when_it_comes_back(stack):
    hot(stack, *range(4))
    assert stack.minutes(0, 2) == {}
    assert list(stack.members[0].known.values()) == [HOT]
    assert stack.webhook(back(stack)) == [TOLD], "in watchman's own words, with its value"
    assert stack.minutes(2, 8) == {}
    assert stack.webhook(back(stack, ends_at=stack.world.minute(4))) == [OVER]
    assert stack.minutes(8, 20) == {}
    assert len(stack.world.incidents()) == 1


def test_without_any_member_watchman_tells_within_the_minute_says_so_and_goes_on_until_the_end(stack):
    hot(stack, *range(20))
    stack.members[0].down = True
    assert stack.minutes(0, 2) == {0: [TOLD], 1: [AWAY]}
    stack.members[0].down = False
    assert stack.minutes(2, 5) == {}
    assert stack.webhook(back(stack)) == [], "it was told already"
    assert stack.minutes(5, 12) == {6: [f"Over: {AWAY}"]}
    assert stack.webhook(back(stack)) == []
    assert stack.minutes(12, 22)[20] == [OVER]
    assert stack.webhook(back(stack, ends_at=stack.world.minute(20))) == []


def test_a_restart_of_alertmanager_that_takes_a_moment_changes_nothing(stack):
    hot(stack, *range(9))
    stack.minutes(0, 1)
    stack.members[0].down = True
    jobs.look_at_members(stack.context)
    stack.members[0].down = False
    assert stack.minutes(1, 9) == {}
    assert stack.webhook(back(stack)) == [TOLD]


def test_one_member_of_two_is_enough(make_world):
    stack = Stack(make_world(config=BEFORE, rules=AT_ONCE), Member("http://one"), Member("http://two"))
    hot(stack, *range(9))
    stack.members[0].down = True
    titles = [title for told in stack.minutes(0, 9).values() for title in told]
    assert titles == [AWAY], "after 5 minutes, and the alert is left to the other member"
    assert stack.webhook(back(stack)) == [TOLD]


def test_a_webhook_that_does_not_come_is_missed_after_ten_minutes(stack):
    hot(stack, *range(30))
    assert stack.minutes(0, 14) == {10: [TOLD], 11: [AWAY]}
    assert "watchman tells its alerts itself" in away(stack)
    assert stack.webhook(back(stack)) == []
    assert stack.minutes(14, 20) == {17: [f"Over: {AWAY}"]}


def away(stack):
    (alert,) = [one for one in stack.context.book.every_alert() if one.labels["alertname"] == "AlertmanagerAway"]
    return alert.annotations["description"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"held": {"Hot"}}, {}),
        ({"routed_to": ("nowhere",)}, {}),
        ({"routed_to": ("nowhere", "webhook")}, {10: [TOLD], 11: [AWAY]}),
        ({"routed_to": ("nowhere",), "posting": frozenset()}, {10: [TOLD], 11: [AWAY]}),
    ],
    ids=["inhibited there", "routed to another receiver", "routed to both", "nobody there posts webhooks"],
)
def test_what_alertmanager_means_not_to_tell_here_is_not_taken_over(stack, change, told):
    for name, value in change.items():
        setattr(stack.members[0], name, value)
    hot(stack, *range(14))
    assert stack.minutes(0, 14) == told


def test_an_alert_that_is_refused_is_told_from_here(stack):
    hot(stack, *range(5))
    stack.members[0].refuses = True
    assert stack.minutes(0, 3) == {0: [TOLD], 1: [AWAY]}


@pytest.mark.parametrize("down", [True, False], ids=["Alertmanager is gone", "Alertmanager forgets to"])
def test_the_end_of_what_a_webhook_told_is_told_in_any_case(stack, down):
    hot(stack, *range(3))
    stack.minutes(0, 1)
    assert stack.webhook(back(stack)) == [TOLD]
    stack.members[0].down = down
    told = {number: [title for title in titles if title != AWAY] for number, titles in stack.minutes(1, 20).items()}
    assert {number: titles for number, titles in told.items() if titles} == {3 if down else 13: [OVER]}
    assert stack.webhook(back(stack, ends_at=stack.world.minute(3))) == []


def test_a_kill_at_any_moment_neither_loses_nor_doubles(stack):
    """Minute by minute: fires, is brought, is killed, ends; then again with an Alertmanager that is gone."""
    hot(stack, *range(5), *range(30, 60))
    stack.minutes(0, 1)
    stack.restart()
    assert stack.minutes(1, 2) == {}
    assert stack.webhook(back(stack)) == [TOLD]
    stack.restart()
    assert stack.webhook(back(stack)) == []
    assert stack.minutes(2, 6) == {}
    stack.restart()
    assert stack.webhook(back(stack, ends_at=stack.world.minute(5))) == [OVER]
    stack.members[0].down = True
    assert stack.minutes(30, 31) == {30: [TOLD]}
    stack.restart()
    assert TOLD not in [title for titles in stack.minutes(31, 59).values() for title in titles if title == TOLD]
    assert OVER in [title for titles in stack.minutes(59, 66).values() for title in titles]


def test_what_is_about_watchman_itself_never_goes_by_way_of_alertmanager(stack):
    stack.world.prometheus.error = None
    stack.context.stuck = ()
    hot(stack, *range(20))
    stack.members[0].down = True
    stack.minutes(0, 3)
    stack.members[0].down = False
    stack.minutes(3, 6)
    assert {labels["alertname"] for labels in stack.members[0].known.values()} == {"Hot"}


def test_after_a_restart_what_was_taken_over_stays_so_without_a_new_complaint(stack):
    hot(stack, *range(40))
    stack.members[0].down = True
    assert stack.minutes(0, 2) == {0: [TOLD], 1: [AWAY]}
    stack.members[0].down = False
    assert stack.webhook(back(stack)) == []
    assert stack.minutes(2, 9) == {6: [f"Over: {AWAY}"]}
    stack.restart()
    assert [title for titles in stack.minutes(9, 40).values() for title in titles if title == AWAY] == []
    assert OVER in [title for titles in stack.minutes(40, 47).values() for title in titles]


def test_alertmanager_that_takes_an_alert_for_over_is_not_believed(stack):
    """It has heard nothing for a while, so it says "resolved"; here the alert fires all the time."""
    hot(stack, *range(9))
    stack.minutes(0, 1)
    assert stack.webhook(back(stack)) == [TOLD]
    stack.minutes(1, 3)
    assert stack.webhook(back(stack, ends_at=stack.world.minute(2))) == []
    assert stack.webhook(back(stack)) == []
    assert stack.minutes(3, 10) == {}
    assert stack.webhook(back(stack, ends_at=stack.world.minute(9))) == [OVER]


def test_a_change_of_mode_keeps_the_teller_of_each_alert(stack):
    hot(stack, *range(5))
    stack.minutes(0, 1)
    assert stack.webhook(back(stack)) == [TOLD]
    (stack.world.folder / "config.yaml").write_text(BEFORE.replace("before", "beside"))
    stack.restart()
    assert stack.minutes(1, 6) == {}
    assert stack.webhook(back(stack, ends_at=stack.world.minute(5))) == [OVER]


def test_the_page_says_what_alertmanager_holds_back(stack):
    hot(stack, *range(5))
    stack.members[0].held = {"Hot"}
    stack.minutes(0, 2)
    view = overview(stack.context)
    assert list(view.held_there.values()) == ["Alertmanager holds it back: inhibited by f00"]


def test_the_api_says_what_alertmanager_holds_back(stack):
    hot(stack, *range(5))
    stack.members[0].held = {"Hot"}
    stack.minutes(0, 2)
    (listed,) = listing(stack.context).alerts.values()
    assert (listed.status.inhibited_by, listed.status.state) == (("f00",), "suppressed")


def test_a_rule_that_prometheus_evaluates_too_makes_one_alert(make_world):
    """Its external labels are ours."""
    stack = Stack(make_world(config=BEFORE.replace("before", "beside"), rules=AT_ONCE))
    hot(stack, *range(5))
    now = stack.world.clock.at = stack.world.minute(0)
    labels = {**HOT, "severity": "critical"}
    theirs = PostedAlert(fingerprint(labels), Source.PROMETHEUS, labels, {"summary": "twice"}, now, now + 300, now)
    take_alerts(stack.context, [theirs])
    assert [len(titles) for titles in stack.minutes(0, 3).values()] == [1]
    assert len(stack.world.incidents()) == 1
    assert list(listing(stack.context).alerts) == [fingerprint({k: v for k, v in labels.items() if k != "site"})]


def test_a_service_that_is_down_explains_that_its_data_are_missing(make_world):
    """dockprom's rule names the exporter's job; the same job, and no other, keeps our own alert quiet."""
    rules = AT_ONCE.replace("Hot", "BatteryDataMissing").replace("severity: critical", "reason: exporter")
    stack = Stack(make_world(config=BEFORE.replace("before", "beside"), rules=rules))
    stack.world.prometheus.labels = {"job": "sonnenexporter"}
    hot(stack, *range(9))
    down = {"alertname": "monitor_service_down", "job": "sonnenexporter", "instance": "sonnen:9422"}
    stack.members[0].known[fingerprint(down)] = down
    assert stack.webhook(theirs(down, starts_at=stack.world.start)) == ["monitor_service_down"]
    assert stack.minutes(0, 5) == {}
    stack.world.prometheus.labels = {"job": "another"}
    assert stack.minutes(5, 6) == {5: [TOLD]}


def test_the_table_answers_every_question_for_every_mode():
    rows = table()
    assert [row[0] for row in rows] == list(QUESTIONS.values())
    assert all(len(row) == 1 + len(Mode) for row in rows)
    told_by = {mode: (duties.groups_own, duties.owns_silences) for mode, duties in DUTIES.items()}
    assert told_by == {
        Mode.BESIDE: (Part.WATCHMAN, Part.ALERTMANAGER),
        Mode.BEFORE: (Part.ALERTMANAGER, Part.ALERTMANAGER),
        Mode.INSTEAD: (Part.WATCHMAN, Part.WATCHMAN),
    }
