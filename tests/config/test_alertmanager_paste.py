"""What an alertmanager.yml holds: taken, refused and routed as Alertmanager itself does it."""

from __future__ import annotations

import subprocess

import pytest
from servers import binary

from watchman.config import Config, load_config
from watchman.config.routing import to_route
from watchman.errors import ConfigError
from watchman.notify.route import build_tree, match_routes

OURS = """\
prometheus: {url: http://localhost:9090}
site: {name: home, timezone: America/Los_Angeles}
receivers: [{name: phone}, {name: mail}, {name: log}]
"""
THEIRS = "receivers: [{name: phone}, {name: mail}, {name: log}]\n"
NIGHT = "time_intervals: [{name: night, time_intervals: [{weekdays: [monday]}]}]\n"


def load(tmp_path, text: str) -> Config:
    file = tmp_path / "config.yaml"
    file.write_text(OURS + text)
    return load_config(file, {})


def faults(tmp_path, text: str) -> list[str]:
    try:
        load(tmp_path, text)
    except ConfigError as error:
        return [f"{fault.line}:{fault.column} {fault.message}" for fault in error.faults]
    return []


def they_take(tmp_path, text: str) -> bool:
    file = tmp_path / "alertmanager.yml"
    file.write_text(THEIRS + text)
    done = subprocess.run([binary("amtool"), "check-config", str(file)], capture_output=True, check=False)
    return done.returncode == 0


def interval(text: str) -> str:
    return f"time_intervals: [{{name: n, time_intervals: [{text}]}}]\nroute: {{receiver: phone}}\n"


def root(text: str) -> str:
    return f"{NIGHT}route: {{receiver: phone, {text}}}\n"


def child(text: str) -> str:
    return f"{NIGHT}route: {{receiver: phone, routes: [{text}]}}\n"


def inhibit(text: str) -> str:
    return f"inhibit_rules: [{text}]\nroute: {{receiver: phone}}\n"


ALIKE = [
    interval('{times: [{start_time: "09:00", end_time: "17:00"}]}'),
    interval('{times: [{start_time: "17:00", end_time: "09:00"}]}'),
    interval('{times: [{start_time: "09:00", end_time: "09:00"}]}'),
    interval('{times: [{start_time: "00:00", end_time: "24:01"}]}'),
    interval('{times: [{start_time: "09:00"}]}'),
    interval("{weekdays: ['monday:friday', 'Sunday']}"),
    interval("{weekdays: ['friday:monday']}"),
    interval("{weekdays: [mon]}"),
    interval("{days_of_month: ['1:5', '-3:-1']}"),
    interval("{days_of_month: ['-1:5']}"),
    interval("{days_of_month: ['25:-10']}"),
    interval("{days_of_month: ['0']}"),
    interval("{months: ['1:3', 'may:august', december]}"),
    interval("{months: ['may:march']}"),
    interval("{years: ['2020:2022', 2030]}"),
    interval("{location: Australia/Sydney, weekdays: [monday]}"),
    interval("{location: Mars/North, weekdays: [monday]}"),
    interval("{hours: []}"),
    "mute_time_intervals: [{name: n, time_intervals: [{weekdays: [monday]}]}]\nroute: {receiver: phone}\n",
    root("group_by: ['...']"),
    root("group_by: ['...', a]"),
    root("group_by: [a, a]"),
    root("group_interval: 0s"),
    root("repeat_interval: 0s"),
    root("group_wait: 1.5h"),
    root("match: {a: b}"),
    root("continue: true"),
    root("mute_time_intervals: [night]"),
    root("routes: null"),
    child("{match: {severity: critical, a: 1, b: true}}"),
    child("{match_re: {a: '^(b|c)$', d: 5}}"),
    child("{match_re: {a: '('}}"),
    child("{matchers: ['a=b', 'c=~\"d.*\"', '{e=\"f\",g!=\"h\"}']}"),
    child("{matchers: [a]}"),
    child("{receiver: nobody}"),
    child("{receiver: ''}"),
    child("{mute_time_intervals: [night], active_time_intervals: [night]}"),
    child("{mute_time_intervals: [day]}"),
    inhibit("{source_match: {a: b}, target_match: {c: 1}, equal: [x]}"),
    inhibit("{source_match_re: {a: 'b|c'}, target_match_re: {c: d}}"),
    inhibit("{source_matchers: [a=b], target_matchers: ['c=~\"d|e\"'], equal: [x, y]}"),
]


@pytest.mark.integration
def test_what_alertmanager_takes_or_refuses_is_taken_or_refused(tmp_path) -> None:
    verdicts = {text: (not faults(tmp_path, text), they_take(tmp_path, text)) for text in ALIKE}

    assert {text: verdict for text, verdict in verdicts.items() if verdict[0] is not verdict[1]} == {}
    assert {verdict for verdict, _ in verdicts.values()} == {True, False}


TREE = """\
route:
  receiver: log
  routes:
    - match: {severity: critical}
      receiver: phone
      continue: true
      routes:
        - {matchers: ['alertname=~"Grid.*"', host!=b], receiver: mail, continue: true}
        - {match_re: {host: "a|c"}}
    - matchers: ['alertname!~"Grid.+"', 'host=""']
      receiver: mail
    - {matchers: [host=c], receiver: phone}
"""
LABELS = [
    {"alertname": name, **({"severity": severity} if severity else {}), **({"host": host} if host else {})}
    for name in ("GridDown", "Grid", "Idle")
    for severity in ("critical", "warning", "")
    for host in ("a", "b", "c", "")
]


@pytest.mark.integration
def test_alerts_take_the_routes_that_amtool_says(tmp_path) -> None:
    file = tmp_path / "alertmanager.yml"
    file.write_text(THEIRS + TREE)
    tree = build_tree(to_route(load(tmp_path, TREE).route))

    for labels in LABELS:
        words = [f"{name}={value}" for name, value in labels.items()]
        done = subprocess.run(
            [binary("amtool"), "config", "routes", "test", f"--config.file={file}", *words],
            capture_output=True,
            text=True,
            check=True,
        )
        assert [node.receiver for node in match_routes(tree, labels)] == done.stdout.strip().split(","), labels


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (interval("{days_of_month: ['31'], months: [february]}"), "there is no such day"),
        (interval("{}"), "would hold always"),
        (interval('{times: [{start_time: "22:00", end_time: "07:00"}]}'), "write a night as two"),
        ("time_intervals: [{name: n, time_intervals: []}]\nroute: {receiver: phone}\n", "must not be empty"),
        (root("repeat_interval: []"), "leave the key out"),
        (root("repeat_interval: [1h, soon]"), "not a valid duration"),
        (root("escalate: [{after: 0s, receiver: mail}]"), "longer than 0s"),
        (root("escalate: [{after: 5m, receiver: boss}]"), 'no receiver is called "boss"'),
        ("away: {also_tell: [aunt]}\nroute: {receiver: phone}\n", 'no receiver is called "aunt"'),
        ("away: {sign_of_life: [nine]}\nroute: {receiver: phone}\n", "not a time of day"),
        ("flapping: {starts: 1}\nroute: {receiver: phone}\n", "give 2 or more, or 0"),
        (
            "maintenance: [{name: m, matchers: ['a=~('], time_intervals: [{years: [9]}]}]\nroute: {receiver: phone}\n",
            "not a regular expression",
        ),
        ("maintenance: [{name: m, matchers: [a=b], time_intervals: []}]\nroute: {receiver: phone}\n", "must not be"),
        ("global: {smtp_from: a@example.org}\nroute: {receiver: phone}\n", "is Alertmanager's; leave it out"),
        ("templates: ['*.tmpl']\nroute: {receiver: phone}\n", "is Alertmanager's; leave it out"),
    ],
)
def test_what_can_never_be_is_a_fault_with_its_place_and_mend(tmp_path, text: str, expected: str) -> None:
    (fault,) = faults(tmp_path, text)

    assert expected in fault
    assert int(fault.partition(":")[0]) >= 4


@pytest.mark.parametrize(
    ("key", "expected"),
    [("email_configs", "mailtos://"), ("webhook_configs", "jsons://"), ("wechat_configs", "its Apprise URL")],
)
def test_a_receiver_of_an_alertmanager_says_what_to_write_instead(tmp_path, key: str, expected: str) -> None:
    file = tmp_path / "config.yaml"
    text = OURS.replace("{name: log}", f"{{name: log, {key}: [{{to: a@example.org}}]}}")
    file.write_text(f"{text}route: {{receiver: phone}}\n")
    with pytest.raises(ConfigError) as caught:
        load_config(file, {})

    (fault,) = caught.value.faults
    assert (fault.line, expected in fault.message, "write apprise" in fault.message) == (3, True, True)


@pytest.mark.parametrize(
    ("quiet", "expected"),
    [
        ('{start: "22:00", end: "22:00"}', "the same time"),
        ('{start: "22:00"}', "end: is missing"),
        ("{start: 22, end: 7}", "not a time of day"),
    ],
)
def test_quiet_hours_that_are_none_are_a_fault(tmp_path, quiet: str, expected: str) -> None:
    file = tmp_path / "config.yaml"
    text = OURS.replace("{name: log}", f"{{name: log, quiet_hours: {quiet}}}")
    file.write_text(f"{text}route: {{receiver: phone}}\n")
    with pytest.raises(ConfigError, match=expected):
        load_config(file, {})


def test_every_key_of_a_route_reaches_the_tree(tmp_path) -> None:
    text = (
        "route: {receiver: phone, repeat_interval: [1h, 4h, 1d], escalate: [{after: 15m, receiver: mail}],"
        " routes: [{matchers: [a=b], digest_only: true, escalate: []}]}\n"
    )
    tree = build_tree(to_route(load(tmp_path, text).route))

    assert tree.repeat_intervals_s == (3600.0, 14400.0, 86400.0)
    assert [(step.after_s, step.receiver) for step in tree.escalations] == [(900.0, "mail")]
    assert (tree.digest_only, tree.children[0].digest_only, tree.children[0].escalations) == (False, True, ())
