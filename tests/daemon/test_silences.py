"""Silences of the Alertmanager beside watchman hold back what they match, for as long as they last."""

import json
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest
from servers import wait_for
from world import CONFIG

from watchman import jobs
from watchman.alertmanager.model import Silence as TheirSilence
from watchman.alertmanager.model import SilenceMatcher
from watchman.jobs.silences import to_silences

LONG = (0.0, 4e9)


def silence(*matchers, state="active"):
    return TheirSilence("s1", tuple(SilenceMatcher(*matcher) for matcher in matchers), *LONG, state)


@pytest.mark.parametrize(
    ("theirs", "labels", "silenced"),
    [
        (silence(("alertname", "Hot")), {"alertname": "Hot"}, True),
        (silence(("alertname", "Hot")), {"alertname": "Cold"}, False),
        (silence(("alertname", "H.*", True)), {"alertname": "Hot"}, True),
        (silence(("alertname", "o", True)), {"alertname": "Hot"}, False),
        (silence(("host", "h", False, False)), {"alertname": "Hot"}, True),
        (silence(("host", "h.*", True, False)), {"alertname": "Hot", "host": "h1"}, False),
        (silence(("alertname", "Hot"), ("home", "mine")), {"alertname": "Hot"}, True),
        (silence(("alertname", "Hot"), ("home", "yours")), {"alertname": "Hot"}, False),
        (silence(("alertname", "Hot"), state="expired"), {"alertname": "Hot"}, False),
        (silence(("alertname", "Hot"), state="pending"), {"alertname": "Hot"}, True),
        (silence(("alertname", "(", True)), {"alertname": "Hot"}, False),
    ],
)
def test_a_silence_means_here_what_it_means_there(theirs, labels, silenced):
    from watchman.notify.mute import silenced_by

    found = list(to_silences([theirs], {"home": "mine"}))
    assert silenced == bool(silenced_by(found, labels, now=5.0))


def test_a_silenced_alert_is_not_told_until_the_silence_ends(make_world):
    world = make_world()
    world.prometheus.values["heat > 0"] = {world.minute(number): 7.0 for number in range(60)}
    theirs = TheirSilence("s", (SilenceMatcher("alertname", "Hot"),), 0.0, world.minute(10), "active")
    world.context.silences = tuple(to_silences([theirs], {}))
    told = {number: world.tick(number) for number in range(15)}
    assert [number for number, messages in told.items() if messages] == [10]


@pytest.mark.integration
def test_the_silences_of_a_real_alertmanager_are_read(make_world, run_alertmanager):
    server = run_alertmanager()
    now = datetime.now(UTC)
    body = {
        "matchers": [{"name": "alertname", "value": "Hot", "isRegex": False}],
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(hours=1)).isoformat(),
        "createdBy": "me",
        "comment": "holiday",
    }
    request = urllib.request.Request(
        f"{server.url}/api/v2/silences", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=5) as answer:
        assert answer.status == 200
    world = make_world(config=f"{CONFIG}alertmanager: {{urls: ['http://127.0.0.1:9', '{server.url}']}}\n")

    def read():
        jobs.read_silences(world.context)
        return world.context.silences

    (found,) = wait_for(read, what="the silence")
    assert (found.comment, found.created_by) == ("holiday", "me")
    server.kill()
    jobs.read_silences(world.context)
    assert world.context.silences == (found,), "what was known stays in force while the Alertmanager is away"
    world.restart()
    assert world.context.silences == (found,), "and over a restart"
