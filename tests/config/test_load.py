"""config.yaml: what is read, what is refused, and how each fault is told."""

from datetime import time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from watchman.config import load_config
from watchman.config.load import listen_problem
from watchman.config.model import SONNEN_METRICS
from watchman.errors import ConfigError, UsageError
from watchman.modes import Mode
from watchman.rulefiles import read_rule_files
from watchman.wiring import check_receivers, make_routing

SMALLEST = """\
prometheus: {url: http://localhost:9090}
site: {name: home, timezone: America/Los_Angeles}
receivers: [{name: phone, apprise: ["ntfys://ntfy.example.org/home"]}]
route: {receiver: phone}
"""


@pytest.fixture
def load(tmp_path):
    def load_text(text, **environment):
        file = tmp_path / "config.yaml"
        file.write_text(text)
        return load_config(file, environment)

    return load_text


def faults(load, text, **environment):
    with pytest.raises(ConfigError) as caught:
        load(text, **environment)
    return [f"{fault.line}:{fault.column}: {fault.message}" for fault in caught.value.faults]


def test_the_smallest_config_has_a_default_for_everything(load):
    config = load(SMALLEST)
    assert config.metrics == SONNEN_METRICS
    assert config.evaluation_interval == 60.0
    assert config.rule_files is None
    assert config.alertmanager is None
    assert config.web.listen == "127.0.0.1:9424"
    assert config.site.timezone == ZoneInfo("America/Los_Angeles")
    assert config.receivers[0].send_resolved


def test_the_shipped_config_is_valid():
    config = load_config(Path(__file__).parents[2] / "config.yaml", {})
    assert config.reports[0].at == time(7, 5)
    assert config.site.battery.capacity_wh == 16000


def test_a_route_of_an_alertmanager_pastes_in(load):
    config = load(
        SMALLEST.replace(
            "route: {receiver: phone}",
            """\
route:
  receiver: phone
  group_by: ['...']
  group_wait: 30s
  repeat_interval: 4h
  routes:
    - {match: {severity: critical}, match_re: {host: "a|b"}, continue: true, receiver: phone}
    - {matchers: ['severity="info"', 'host=~"x.*"'], mute_time_intervals: [night]}
time_intervals:
  - {name: night, time_intervals: [{times: [{start_time: "22:00", end_time: "24:00"}]}]}
inhibit_rules:
  - {source_matchers: ['alertname="A"'], target_matchers: ['alertname="B"'], equal: [host]}
""",
        )
    )
    assert config.route.group_wait == 30.0
    assert config.route.routes[0].continue_
    assert config.inhibit_rules is not None


def test_values_come_from_the_environment(load):
    text = SMALLEST.replace("http://localhost:9090", '"${PROM:-http://x:9090}/p"').replace(
        "name: home", 'name: "${HOME_NAME}"'
    )
    assert load(text, HOME_NAME="hut").prometheus.url == "http://x:9090/p"
    assert load(text, HOME_NAME="hut", PROM="https://y").prometheus.url == "https://y/p"
    assert load(text, HOME_NAME="hut").site.name == "hut"


def test_a_number_may_come_from_the_environment(load):
    text = SMALLEST.replace("name: home,", 'name: home, latitude: "${LAT}", longitude: 1,')
    assert load(text, LAT="38.5").site.latitude == 38.5


def test_an_unset_variable_is_a_fault_with_its_place(load):
    text = SMALLEST.replace("name: home", 'name: "${NOPE}"')
    expected = "2:14: environment variable NOPE is not set; set it or write ${NOPE:-default}"
    assert expected in faults(load, text)


def test_a_secret_may_stand_in_a_file(load, tmp_path):
    (tmp_path / "secret").write_text("s3cret\n")
    text = SMALLEST.replace("9090}", f"9090, username: me, password_file: {tmp_path}/secret}}")
    config = load(text)
    assert config.prometheus.password.get_secret_value() == "s3cret"
    assert "s3cret" not in repr(config)


def test_receiver_urls_may_stand_in_a_file(load, tmp_path):
    (tmp_path / "urls").write_text("ntfy://a/b\n# phone of the cat\n\nntfy://a/c\n")
    text = SMALLEST.replace('["ntfys://ntfy.example.org/home"]', f"{{url_file: {tmp_path}/urls}}")
    assert [url.get_secret_value() for url in load(text).receivers[0].apprise] == ["ntfy://a/b", "ntfy://a/c"]


def test_a_time_of_day_may_lack_its_quotes(load):
    assert load(SMALLEST + "reports: [{name: d, at: 7:05, receivers: [phone]}]").reports[0].at == time(7, 5)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("{url: http://localhost:9090}", "{}"), "1:1: prometheus.url: is missing"),
        (("http://localhost", "localhost"), "1:14: prometheus.url: must begin with http:// or https://"),
        (
            ("9090}", "9090, timeout: 5}"),
            "1:42: prometheus.timeout: not a duration: 5; write a number with its unit, such as 30s, 5m or 1h30m",
        ),
        (("9090}", "9090, timeout: 0s}"), "1:42: prometheus.timeout: must be longer than 0s, got 0s"),
        (
            ("9090}", "9090, password: a, password_file: b}"),
            "1:1: prometheus: give password or password_file, not both",
        ),
        (
            ("9090}", "9090, password_file: /no/such}"),
            "1:1: prometheus: cannot read the secret file /no/such: No such file or directory",
        ),
        (
            ("America/Los_Angeles", "Mars/Base"),
            "2:20: site.timezone: unknown time zone 'Mars/Base'; use a name such as Europe/Berlin",
        ),
        (("name: home,", "name: home, latitude: 91, longitude: 0,"), "2:20: site.latitude: "),
        (("name: home,", "name: home, latitude: 9,"), "2:1: site: give latitude and longitude, or neither"),
        (
            ("route: {receiver: phone}", "route: {receiver: fone}"),
            '4:9: route.receiver: no receiver is called "fone"; there is phone',
        ),
        (("route: {receiver: phone}", "route: {}"), "4:1: route: the root route needs a receiver"),
        (
            ("receiver: phone}", "receiver: phone, matchers: [a=b]}"),
            "4:1: route: the root route must not have matchers",
        ),
        (
            ("receiver: phone}", "receiver: phone, routes: [{receiver: cat}]}"),
            '4:36: route.routes[0].receiver: no receiver is called "cat"; there is phone',
        ),
        (
            ("receiver: phone}", "receiver: phone, routes: [{mute_time_intervals: [x]}]}"),
            '4:58: route.routes[0].mute_time_intervals[0]: no time interval is called "x"; there is none',
        ),
        (("receivers: [", "receivers: [{name: phone}, "), '3:29: receivers[1].name: receiver "phone" is given twice'),
        (("name: phone, apprise", "name: phone, urls"), "3:27: receivers[0].urls: unknown key"),
        (("phone}\n", "phone}\nrecievers: []\n"), "5:1: recievers: unknown key"),
        (("phone}\n", "phone}\nreports: [{name: d, receivers: [x]}]\n"), "5:33: reports[0].receivers[0]: no receiver"),
        (("phone}\n", 'phone}\nreports: [{name: d, at: "25:00", receivers: [phone]}]\n'), "5:21: reports[0].at: not a"),
        (("phone}\n", "phone}\nweb: {listen: 0.0.0.0:9424}\n"), "5:7: web.listen: 0.0.0.0:9424 can be reached from"),
        (("phone}\n", "phone}\nmetrics: {}\n"), "5:1: metrics: gives no role"),
        (("phone}\n", "phone}\nalertmanager: {urls: [am:9093]}\n"), "5:23: alertmanager.urls[0]: must begin with"),
        (("phone}\n", "phone}\nroute: {receiver: phone}\n"), '5:1: key "route" is given twice'),
        (("receiver: phone}", "receiver: phone, routes: [{matchers: [a~b]}]}"), "4:47: route.routes[0].matchers[0]: "),
        (("receiver: phone}", "receiver: phone, routes: [{match_re: {a: '('}}]}"), "4:1: route: "),
        (
            ("phone}\n", "phone}\ntime_intervals: [{name: n, time_intervals: [{times: 5}]}]\n"),
            "5:45: time_intervals[0]",
        ),
        (("phone}\n", "phone\n"), "5:1: not valid YAML: "),
        (("phone}\n", "phone}\n\tx: 1\n"), "5:1: not valid YAML: "),
    ],
)
def test_a_fault_is_told_with_place_and_mend(load, change, expected):
    found = faults(load, SMALLEST.replace(*change))
    assert any(line.startswith(expected) for line in found), found


def test_all_faults_come_at_once_in_reading_order(load):
    text = "prometheus: {url: x}\nsite: {name: h}\nroute: 5\nfoo: 1\n"
    places = [line.split(" ")[0] for line in faults(load, text)]
    assert places == ["1:1:", "1:14:", "2:1:", "3:1:", "4:1:"]


@pytest.mark.parametrize("text", ["", "- a\n", "just words", "{" * 2000, "&a [*a]", "a: !!python/object:os.system x"])
def test_a_file_that_is_no_config_is_refused(load, text):
    assert faults(load, text)


def test_a_file_that_is_not_there_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match=r"no config file .*; name one with --config"):
        load_config(tmp_path / "nope.yaml", {})


def test_loopback_needs_no_password_and_a_password_opens_the_network(load):
    for listen in ("127.0.0.1:1", "localhost:1", '"[::1]:1"'):
        load(SMALLEST + f"web: {{listen: {listen}}}")
    load(SMALLEST + "web: {listen: 0.0.0.0:1, auth: {password: x}}")
    load(SMALLEST + "web: {listen: 0.0.0.0:1, allow_unauthenticated: true}")


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 10)
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (BOMB, "more than 50000 values; are there aliases within aliases?"),
        ("prometheus: &a [*a, *a, *a]", "more than 50000 values; are there aliases within aliases?"),
        ("site: &a {<<: *a}", "nested too deeply"),
        ("site: {<<: &a [*a]}", "<< takes over a mapping, or a list of mappings"),
        ("site: {<<: 5}", "<< takes over a mapping, or a list of mappings"),
        ("? [a, b]\n: 5", "a key must be a plain word"),
    ],
    ids=["aliases of aliases", "a list in itself", "merged into itself", "merged list in itself", "number", "list"],
)
def test_yaml_that_never_ends_or_means_nothing_is_a_fault(load, text, expected):
    assert any(fault.endswith(expected) for fault in faults(load, SMALLEST + text))


def test_merged_keys_may_be_overridden_and_merged_from_several(load):
    text = """\
receivers:
  - &phone {name: phone, apprise: ["ntfys://ntfy.example.org/home"]}
  - &mail {name: mail, send_resolved: false}
  - {<<: [*mail, *phone], name: both}
"""
    config = load(SMALLEST.replace(SMALLEST.splitlines()[2] + "\n", text))
    assert config.receivers[2].name == "both"
    assert not config.receivers[2].send_resolved
    assert config.receivers[2].apprise == config.receivers[0].apprise


def test_a_file_without_an_end_is_refused():
    with pytest.raises(UsageError, match="cannot read /dev/zero: larger than 4 MiB"):
        load_config(Path("/dev/zero"), {})


@pytest.mark.parametrize(
    "listen", ["", "127.0.0.1", "127.0.0.1:", ":9424", "[::1]:x", "127.0.0.1:-5", "127.0.0.1:65536"]
)
def test_an_address_nobody_can_listen_on_is_told(load, listen):
    assert listen_problem(load(SMALLEST), listen) == f"{listen!r} is no HOST:PORT such as 127.0.0.1:9424"


def test_a_port_beyond_the_last_one_is_a_fault_of_the_config(load):
    assert faults(load, SMALLEST + 'web: {listen: "127.0.0.1:99999"}\n') == [
        "5:7: web.listen: '127.0.0.1:99999' is no HOST:PORT such as 127.0.0.1:9424"
    ]


@pytest.mark.parametrize("at", ["7", "700", "425", "7.5", "1e3"])
def test_a_number_is_no_time_of_day(load, at):
    text = SMALLEST + f"reports: [{{name: daily, at: {at}, receivers: [phone]}}]\n"
    assert "reports[0].at: not a time of day" in faults(load, text)[0]


@pytest.mark.parametrize("pattern", ["/", ".", "a**b", "", "//x", "none/*.yaml", "a\\0b"])
def test_a_pattern_without_a_file_is_a_fault(tmp_path, pattern):
    with pytest.raises(ConfigError, match="rule_files: no file matches"):
        read_rule_files([pattern], tmp_path, tmp_path / "config.yaml")


@pytest.mark.parametrize(
    ("section", "mode"),
    [
        ("", Mode.INSTEAD),
        ("alertmanager: {mode: instead}\n", Mode.INSTEAD),
        ("alertmanager: {urls: ['http://am:9093']}\n", Mode.BESIDE),
        ("alertmanager: {urls: ['http://am:9093', 'http://127.0.0.1:9093'], mode: before}\n", Mode.BEFORE),
    ],
)
def test_where_the_alertmanager_stands(load, section, mode):
    assert load(SMALLEST + section).mode is mode


@pytest.mark.parametrize(
    ("section", "fault"),
    [
        (
            "{mode: instead, urls: ['http://am:9093']}",
            "5:1: alertmanager: mode instead has no Alertmanager: take urls out",
        ),
        ("{mode: before}", "5:1: alertmanager: mode before needs urls, every member of the cluster"),
        ("{urls: []}", "5:1: alertmanager: mode beside needs urls"),
        (
            "{urls: ['http://am:9093'], mode: behind}",
            "alertmanager.mode: must be 'beside', 'before' or 'instead'",
        ),
        (
            "{urls: ['http://localhost:9424/']}",
            "alertmanager.urls[0]: is watchman's own address; name the Alertmanager",
        ),
        ("{urls: ['http://[::1']}", "alertmanager.urls[0]: is no address"),
        ("{urls: ['http://:9093']}", "alertmanager.urls[0]: is no address"),
    ],
)
def test_a_mode_and_its_urls_must_fit(load, section, fault):
    (found,) = faults(load, SMALLEST + f"alertmanager: {section}\n")
    assert fault in found


@pytest.mark.parametrize(
    ("receivers", "fault"),
    [
        ("{name: a, apprise: [x], fallback: c}", 'receivers[0].fallback: no receiver is called "c"; there is a, b'),
        ("{name: a, apprise: [x], fallback: b}", 'receivers[0].fallback: receiver "b" has no apprise URL'),
        ("{name: a, apprise: [x], fallback: a}", "receivers[0].fallback: the fallbacks lead back to this receiver"),
    ],
    ids=["unknown", "delivers nowhere", "itself"],
)
def test_a_fallback_that_tells_nobody_is_a_fault(load, receivers, fault):
    text = SMALLEST.replace(
        '[{name: phone, apprise: ["ntfys://ntfy.example.org/home"]}]', f"[{receivers}, {{name: b}}]"
    )
    (found,) = faults(load, text.replace("receiver: phone", "receiver: a"))
    assert fault in found


def test_fallbacks_in_a_circle_are_a_fault_of_each(load):
    circle = "[{name: a, apprise: [x], fallback: b}, {name: b, apprise: [y], fallback: a}]"
    text = SMALLEST.replace('[{name: phone, apprise: ["ntfys://ntfy.example.org/home"]}]', circle)
    assert len(faults(load, text.replace("receiver: phone", "receiver: a"))) == 2


def test_a_fallback_of_a_fallback_is_fine(load):
    chain = "[{name: a, apprise: [x], fallback: b}, {name: b, apprise: [y], fallback: c}, {name: c, apprise: [z]}]"
    text = SMALLEST.replace('[{name: phone, apprise: ["ntfys://ntfy.example.org/home"]}]', chain)
    config = load(text.replace("receiver: phone", "receiver: a"))
    assert [receiver.fallback for receiver in config.receivers] == ["b", "c", None]
    assert config.receivers[0].fallback_after == 900.0
    assert (config.drill.enabled, config.drill.at, config.watchdog) == (True, time(12, 0), None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            SMALLEST.replace("ntfys://", "nosuch://"),
            '3:37: receiver "phone", apprise[0]: ',
        ),
        (SMALLEST + "commands:\n  ntfy_url: mailto://h?to=a@b.cd\n", "6:3: commands.ntfy_url: it is no ntfy URL"),
    ],
    ids=["receiver", "command topic"],
)
def test_a_url_that_only_apprise_can_judge_is_told_with_its_place(load, text, expected):
    with pytest.raises(ConfigError) as caught:
        check_receivers(load(text))
    [found] = caught.value.faults
    assert f"{found.line}:{found.column}: {found.message}".startswith(expected)


def test_wrong_urls_of_receivers_and_of_the_command_topic_come_at_once(load):
    text = SMALLEST.replace("ntfys://", "nosuch://") + "commands: {ntfy_url: nosuch}\n"
    with pytest.raises(ConfigError) as caught:
        check_receivers(load(text))
    assert [fault.line for fault in caught.value.faults] == [3, 5]


@pytest.mark.parametrize(
    "url", ["http://", "http://a b", "https://h/y?z=1", "https://h/#x", "http://h:99999", "http://["]
)
def test_an_external_url_that_no_link_can_begin_with_is_a_fault(load, url):
    assert faults(load, SMALLEST + f'web: {{external_url: "{url}"}}\n') == [
        "5:7: web.external_url: cannot begin a link; write it like https://watchman.example.org, without ? and #"
    ]


@pytest.mark.parametrize(
    "url", ["https://h", "http://192.168.1.2:9424/", "https://h.example.org/watchman", "http://[::1]:1"]
)
def test_an_external_url_may_have_port_and_path(load, url):
    assert load(SMALLEST + f'web: {{external_url: "{url}"}}\n').web.external_url == url


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("drill: {enabled: perhaps}", "5:9: drill.enabled: must be true or false"),
        ("flapping: {starts: many}", "5:12: flapping.starts: must be a whole number"),
        ("commands: {buttons: [2h]}", "5:22: commands.buttons[0]: must be 'acknowledge', '1h', '8h' or 'tomorrow'"),
    ],
)
def test_a_mistyped_value_is_told_in_words_of_the_file(load, line, expected):
    assert faults(load, SMALLEST + line + "\n") == [expected]


def test_critical_passes_quiet_hours_whatever_else_is_named(load):
    hours = 'quiet_hours: {start: "22:00", end: "07:00", passes: [warning]}'
    config = load(SMALLEST.replace("name: phone,", f"name: phone, {hours},"))
    quiet = make_routing(config, {"phone": {}}).receivers["phone"].quiet_hours
    assert quiet is not None
    assert quiet.passes == {"critical", "warning"}
