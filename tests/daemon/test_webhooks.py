"""An Alertmanager's webhook on its way to the phone, in a stepped daemon: told once, whatever else knows the alert."""

from dataclasses import replace

import pytest
from alertmanagers import Member, Stack, rfc3339, theirs
from sqlalchemy import select
from world import CONFIG, RULES

from watchman import jobs
from watchman.alertmanager.webhook import WebhookError
from watchman.errors import StoreError
from watchman.notify.matchers import parse_matchers
from watchman.notify.message import Source
from watchman.notify.mute import Silence
from watchman.notify.outbox import message_from_json
from watchman.notify.posted import PostedAlert
from watchman.series import fingerprint
from watchman.store import outbox, outbox_views, posted, schema, silences

DOWN = {"alertname": "monitor_service_down", "instance": "nas:9100", "job": "nas"}
HOT = {"alertname": "Hot", "severity": "critical", "host": "h"}
BESIDE = CONFIG + "alertmanager: {urls: ['http://127.0.0.1:9']}\nexternal_labels: {site: home}\n"
AT_ONCE = RULES.replace("for: 2m", "for: 0s")


def waiting(connection, now):
    """What is in the outbox and not sent."""
    keys = [key for _, key in outbox.due_destinations(connection, now)]
    return outbox.lease(connection, keys, now, 1.0, 10)


@pytest.fixture
def stack(make_world):
    return Stack(make_world(config=BESIDE, rules=AT_ONCE))


def down(stack, *, ends_at=None, labels=DOWN):
    return theirs(labels, starts_at=stack.world.start, ends_at=ends_at, summary="The NAS is down")


def texts(stack):
    with stack.context.store.begin() as connection:
        rows = connection.execute(select(schema.outbox.c.message).order_by(schema.outbox.c.id))
        return [message_from_json(row.message).text for row in rows]


def hot(world, *minutes):
    world.prometheus.values["heat > 0"] = {world.minute(minute): 7.0 for minute in minutes}


def test_a_group_is_told_its_replay_is_not_and_its_end_is(stack):
    assert stack.webhook(down(stack)) == ["The NAS is down"]
    assert stack.webhook(down(stack)) == []
    assert stack.webhook(down(stack, ends_at=stack.world.clock.at)) == ["Over: The NAS is down"]
    assert stack.webhook(down(stack, ends_at=stack.world.clock.at)) == []
    assert len(stack.world.incidents()) == 1
    assert stack.world.incidents()[0][2] is not None


def test_what_was_told_and_what_waits_survives_a_kill(stack):
    stack.webhook(down(stack))
    stack.restart()
    assert stack.webhook(down(stack)) == []
    with stack.context.store.begin() as connection:
        (row,) = outbox_views.lines(connection, limit=10)
    assert (row.state, row.title) == ("due", "The NAS is down")
    assert stack.webhook(down(stack, ends_at=stack.world.clock.at)) == ["Over: The NAS is down"]


def test_nothing_is_kept_of_a_webhook_that_cannot_be_written(stack, monkeypatch):
    def full(*_):
        raise StoreError("the disk is full")

    monkeypatch.setattr(outbox, "add", full)
    with pytest.raises(StoreError):
        stack.webhook(down(stack))
    monkeypatch.undo()
    assert stack.world.incidents() == []
    assert stack.context.brought == set(), "nobody may count on its having been told"
    assert stack.webhook(down(stack)) == ["The NAS is down"], "the Alertmanager posts again and it is told"


@pytest.mark.parametrize(
    ("path", "name", "receiver"),
    [(None, "webhook", "phone"), (None, "mail", "mail"), ("mail", "phone", "mail"), ("phone", "mail", "phone")],
)
def test_the_path_names_the_receiver_else_its_namesake_hears_else_the_root(stack, path, name, receiver):
    jobs.take_webhook(
        stack.context, path, {"version": "4", "receiver": name, "groupKey": "{}:{}", "alerts": [down(stack)]}
    )
    assert [who for who, _ in stack.world.messages()] == [receiver]


def test_a_receiver_nobody_configured_is_refused_by_name(stack):
    with pytest.raises(WebhookError, match='no receiver is called "nobody"; there is phone, mail') as caught:
        stack.webhook(down(stack), receiver="nobody")
    assert caught.value.status == 404
    assert stack.world.messages() == []


def test_alerts_that_were_cut_off_or_cannot_be_read_are_told_as_numbers(stack):
    stack.webhook(down(stack), 7, truncatedAlerts=31)
    (text,) = texts(stack)
    assert text.endswith("Alertmanager cut off 31 more (max_alerts). 1 could not be read.")


def test_an_own_alert_that_comes_back_is_not_told_again(stack):
    hot(stack.world, 0, 1, 2)
    assert stack.minutes(0, 1) == {0: ["It is hot: 7"]}
    back = theirs({**HOT, "site": "home"}, starts_at=stack.world.start)
    assert stack.webhook(back, down(stack)) == ["The NAS is down"]
    assert stack.minutes(1, 7) == {5: ["Over: It is hot: 7"]}, "after group_interval"
    back = theirs({**HOT, "site": "home"}, starts_at=stack.world.start, ends_at=stack.world.clock.at)
    assert stack.webhook(back, down(stack)) == []
    assert len(stack.world.incidents()) == 2


def test_beside_watchman_tells_its_own_alert_even_if_the_webhook_is_faster(stack):
    hot(stack.world, 0, 1)
    stack.world.clock.at = stack.world.minute(0)
    jobs.evaluate_group(stack.context, stack.context.wiring.groups[0], stack.world.minute(0), 0)
    assert stack.webhook(theirs({**HOT, "site": "home"}, starts_at=stack.world.start)) == []
    jobs.dispatch(stack.context)
    assert stack.titles() == ["It is hot: 7"]


def by_prometheus(stack, *, lasts_s=240.0):
    now = stack.world.clock.at
    alert = PostedAlert(fingerprint(DOWN), Source.PROMETHEUS, DOWN, {"summary": "Down"}, now, now + lasts_s, now)
    with stack.context.store.begin() as connection:
        posted.put(connection, [alert], now)
    jobs.dispatch(stack.context)


@pytest.mark.parametrize("webhook_first", [True, False], ids=["webhook first", "Prometheus first"])
def test_an_alert_that_prometheus_and_a_webhook_bring_is_one_message_and_one_incident(stack, webhook_first):
    stack.world.clock.at = stack.world.start
    steps = [lambda: stack.webhook(down(stack)), lambda: by_prometheus(stack)]
    for step in steps if webhook_first else reversed(steps):
        step()
    assert len(stack.titles()) == 1
    stack.world.clock.at += 60
    assert stack.webhook(down(stack, ends_at=stack.world.clock.at)) == [], "Prometheus says that it goes on"
    by_prometheus(stack, lasts_s=-1.0)
    stack.webhook(down(stack, ends_at=stack.world.clock.at))
    stack.world.clock.at += 300
    jobs.dispatch(stack.context)
    assert [title[:5] for title in stack.titles()[1:]] == ["Over:"]
    assert len(stack.world.incidents()) == 1


def test_an_alert_in_two_groups_of_one_receiver_is_told_once(stack):
    assert stack.webhook(down(stack), groupKey="{}/one:{}") == ["The NAS is down"]
    assert stack.webhook(down(stack), groupKey="{}/two:{}") == []
    ended = down(stack, ends_at=stack.world.clock.at)
    assert stack.webhook(ended, groupKey="{}/one:{}") == ["Over: The NAS is down"]
    assert stack.webhook(ended, groupKey="{}/two:{}") == []


def test_an_own_silence_holds_a_webhook_back_and_its_end_tells(stack):
    now = stack.world.clock.at = stack.world.minute(0)
    with stack.context.store.begin() as connection:
        wanted = Silence("", tuple(parse_matchers("job=nas")), now, now + 150.0)
        silences.save(connection, wanted, now)
    assert stack.webhook(down(stack)) == []
    assert stack.minutes(0, 6) == {2: ["The NAS is down"]}


def test_what_no_member_lists_any_more_is_closed_and_says_so(stack):
    stack.members[0].known[fingerprint(DOWN)] = DOWN
    stack.webhook(down(stack))
    assert stack.minutes(0, 20) == {}
    stack.members[0].known.clear()
    assert stack.minutes(20, 29) == {}
    assert stack.minutes(29, 33) == {30: ["Over: The NAS is down"]}
    assert texts(stack)[-1].endswith("Closed: Alertmanager does not know it any more.")
    assert stack.webhook(down(stack, ends_at=stack.world.clock.at)) == []


def test_while_no_member_answers_nothing_is_closed_for_a_day(stack):
    stack.webhook(down(stack))
    stack.members[0].down = True
    assert [title for titles in stack.minutes(0, 60).values() for title in titles if "NAS" in title] == []
    assert stack.minute(24 * 60 + 5)[:1] == ["Over: The NAS is down"]


def test_two_members_of_a_cluster_tell_once(make_world):
    stack = Stack(make_world(config=BESIDE, rules=AT_ONCE), Member("http://one"), Member("http://two"))
    assert stack.webhook(down(stack), externalURL="http://one") == ["The NAS is down"]
    stack.world.clock.at += 15
    assert stack.webhook(down(stack), externalURL="http://two") == []


def test_a_second_member_that_speaks_of_what_it_saw_before_the_end_is_not_heard(stack):
    """It looks at its alerts, waits for the first member, and posts what it saw."""
    stack.webhook(down(stack))
    over = down(stack, ends_at=stack.world.clock.at + 1)
    stack.world.clock.at += 2
    assert stack.webhook(over) == ["Over: The NAS is down"]
    assert stack.webhook(down(stack)) == []
    assert stack.minutes(1, 3) == {}
    assert stack.webhook(over) == []
    assert stack.minutes(3, 20) == {}
    assert len(stack.world.incidents()) == 1


@pytest.mark.parametrize(("mode", "minute"), [("beside", 1), ("instead", 6)])
def test_what_was_said_to_be_over_and_was_not_is_told_again(make_world, mode, minute):
    """Its sender fell silent for a while: the alert comes back with its old start, and it is no echo."""
    stack = Stack(make_world(config=BESIDE, rules=AT_ONCE))
    if mode == "instead":
        stack.members = ()
        stack.plug_in()
    stack.webhook(down(stack))
    stack.world.clock.at = stack.world.minute(0) + 1
    assert stack.webhook(down(stack, ends_at=stack.world.clock.at)) == ["Over: The NAS is down"]
    for member in stack.members:
        member.known[fingerprint(DOWN)] = DOWN
    assert stack.webhook(down(stack)) == []
    assert stack.minutes(1, 8) == {minute: ["The NAS is down"]}
    assert [ended for _, _, ended in stack.world.incidents()] == [None], "one incident that goes on"


def test_an_alert_of_prometheus_called_like_an_own_one_is_told_again_too(stack):
    """Here it is known without the external labels, at Alertmanager with them."""
    labels = {**HOT, "host": "another", "site": "home"}
    fires = theirs(labels, starts_at=stack.world.start)
    assert stack.webhook(fires) == ["Hot"]
    stack.world.clock.at = stack.world.minute(0) + 1
    assert stack.webhook({**fires, "status": "resolved", "endsAt": rfc3339(stack.world.clock.at)}) == ["Over: Hot"]
    stack.members[0].known[fingerprint(labels)] = labels
    assert stack.webhook(fires) == []
    assert stack.minutes(1, 3) == {1: ["Hot"]}


def test_an_alertmanager_that_is_not_among_the_urls_is_believed_once_it_cannot_be_an_echo(stack):
    """No member lists what it tells; a late first word of another one comes within minutes of the end."""
    stack.webhook(down(stack))
    stack.world.clock.at = stack.world.minute(0) + 1
    assert stack.webhook(down(stack, ends_at=stack.world.clock.at)) == ["Over: The NAS is down"]
    assert stack.minutes(1, 5) == {}
    assert stack.webhook(down(stack)) == []
    assert stack.minutes(5, 8) == {}
    assert stack.webhook(down(stack)) == ["The NAS is down"]


def test_the_end_of_an_earlier_story_does_not_end_the_new_one(stack):
    stack.webhook(down(stack, ends_at=None))
    again = theirs(DOWN, starts_at=stack.world.start + 100, summary="The NAS is down")
    first_end = down(stack, ends_at=stack.world.start + 50)
    stack.world.clock.at = stack.world.start + 101
    assert stack.webhook(first_end) == ["Over: The NAS is down"]
    assert stack.webhook(again) == ["The NAS is down"]
    assert stack.webhook(first_end) == []
    assert [ended for _, _, ended in stack.world.incidents()][-1] is None


def test_what_a_webhook_brought_explains_own_alerts(make_world):
    """An inhibit rule whose source only Alertmanager knows."""
    inhibit = "inhibit_rules: [{source_matchers: [alertname=monitor_service_down], target_matchers: [alertname=Hot]}]\n"
    stack = Stack(make_world(config=BESIDE + inhibit, rules=AT_ONCE))
    hot(stack.world, *range(10))
    stack.webhook(down(stack))
    stack.members[0].known[fingerprint(DOWN)] = DOWN
    assert stack.minutes(0, 3) == {}
    stack.webhook(down(stack, ends_at=stack.world.clock.at))
    assert stack.minutes(3, 4) == {3: ["It is hot: 7"]}


def test_a_receiver_that_a_reload_took_away_leaves_nothing_behind(stack):
    stack.webhook(down(stack), receiver="mail")
    routing = stack.context.wiring.routing
    left = {name: one for name, one in routing.receivers.items() if name != "mail"}
    stack.context.wiring = replace(stack.context.wiring, routing=replace(routing, receivers=left))
    stack.members[0].known.clear()
    assert [title for titles in stack.minutes(0, 15).values() for title in titles] == []
