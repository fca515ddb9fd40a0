"""`watchman notify --preview`: what a message would say, from a rule or an alert that fires; nothing is sent."""

from __future__ import annotations

import pytest
from world import World

from watchman.errors import QueryError, UsageError
from watchman.previewing import preview

RULES = """\
groups:
  - name: g
    interval: 60s
    rules:
      - alert: Hot
        expr: heat{room="attic"} > 0
        for: 2m
        labels: {severity: warning}
        annotations: {summary: "It is hot at {{ $labels.host }}: {{ $value }}", chart: heat}
      - alert: Twice
        expr: heat
        labels: {host: "x"}
"""


def shown(world, name="Hot", receiver=""):
    source, found = preview(world.context.wiring, world.context.store, world.clock.at, name, receiver)
    return source, [(one.receiver, one.what, one.message.title, one.message.text) for one in found]


@pytest.fixture
def world(tmp_path):
    return World(tmp_path, rules=RULES)


def test_a_rule_that_finds_nothing_is_shown_with_a_series_it_looks_at(world):
    world.prometheus.values = {'heat{room="attic"}': {world.clock.at: 21.0}}
    source, found = shown(world)

    assert source == 'heat{room="attic"}, now'
    # The clock stands at 1,000,000 s: 05:46 in Los Angeles.
    assert found == [
        ("phone", "first message", "It is hot at h: 21", "Since 05:26. Value 21."),
        ("phone", "when it is over", "Over: It is hot at h: 21", "05:26 to 05:46, was 20 min."),
    ]


def test_a_rule_that_finds_something_is_shown_with_it(world):
    world.prometheus.values = {'heat{room="attic"} > 0': {world.clock.at: 30.0}}

    assert shown(world)[0] == "the rule's expression, now"
    assert shown(world)[1][0][2] == "It is hot at h: 30"


def test_an_alert_that_fires_is_shown_as_it_is(world):
    world.prometheus.values = {'heat{room="attic"} > 0': {world.minute(m): 40.0 for m in range(10)}}
    for minute in range(4):
        world.tick(minute)
    before = world.messages()

    assert shown(world)[0] == "it fires now"
    assert shown(world)[1][0][2] == "It is hot at h: 40"
    assert world.messages() == before


@pytest.mark.parametrize("error", [None, QueryError("connection refused", "unreachable")])
def test_without_prometheus_the_words_are_still_shown(world, error):
    world.prometheus.error = error
    source, found = shown(world)

    assert source.startswith("none: ")
    assert found[0][2].startswith("It is hot at")


def test_another_receiver_can_be_looked_at(world):
    assert {one[0] for one in shown(world, receiver="mail")[1]} == {"mail"}


@pytest.mark.parametrize(
    ("name", "receiver", "words"),
    [
        ("Hott", "", "no rule and no firing alert is called Hott; did you mean Hot?"),
        ("Zzz", "", "watchman rules lists them"),
        ("Hot", "nobody", 'no receiver is called "nobody"; there is phone, mail'),
    ],
)
def test_a_name_that_nobody_knows_is_told(world, name, receiver, words):
    with pytest.raises(UsageError) as caught:
        shown(world, name, receiver)
    assert words in str(caught.value)


def test_a_template_that_fails_on_a_real_alert_is_counted_and_the_message_goes_out(tmp_path):
    from world import CONFIG

    own = CONFIG.replace(
        'home"]}', "home\"], templates: {title: '{{ 1 // (alerts[0].labels.host | length - 1) }} x'}}", 1
    )
    world = World(tmp_path, config=own, rules=RULES)
    world.prometheus.values = {'heat{room="attic"} > 0': {world.minute(m): 40.0 for m in range(10)}}
    for minute in range(5):
        world.tick(minute)

    assert ("phone", "It is hot at h: 40") in world.messages()
    text = world.context.metrics.render().decode()
    assert 'watchman_template_failures_total{part="title",receiver="phone"} 1.0' in text
