"""A real Prometheus posts its alerts to watchman, over outages, kills and restarts: nothing lost, nothing double."""

from __future__ import annotations

import json
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import yaml
from servers import free_port, wait_for

pytestmark = pytest.mark.integration

RULES = {
    "groups": [
        {
            "name": "theirs",
            "interval": "1s",
            "rules": [
                {
                    "alert": "Hot",
                    "expr": "heat > 0",
                    "annotations": {"summary": "Hot"},
                    "labels": {"severity": "warning"},
                },
                {"alert": "Boiling", "expr": "heat > 5", "annotations": {"summary": "Boiling"}},
            ],
        }
    ]
}


@pytest.fixture
def daemon(make_daemon):
    daemon = make_daemon("http://127.0.0.1:9")
    (daemon.folder / "rules.yaml").write_text("groups: []\n")
    return daemon


@pytest.fixture
def poster(thing, daemon, tmp_path, run_prometheus):
    """A Prometheus that scrapes the thing and tells watchman once a second."""
    rules = tmp_path / "theirs.yaml"
    rules.write_text(yaml.safe_dump(RULES))
    port = free_port()
    return run_prometheus(
        config={
            "scrape_configs": [
                {"job_name": "thing", "scrape_interval": "1s", "static_configs": [{"targets": [thing.address]}]}
            ],
            "rule_files": [str(rules)],
            "alerting": {
                "alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{daemon.port}"]}], "timeout": "5s"}]
            },
        },
        args=["--rules.alert.resend-delay=1s"],
        port=port,
    )


def names(daemon):
    return sorted(one["labels"]["alertname"] for one in json.loads(daemon.get("/api/v2/alerts")))


def is_noted(daemon):
    """True once it is written down that the phone took all: a kill before that rightly tells it again."""
    return 'watchman_outbox_rows{receiver="phone",state="due"} 0.0' in daemon.get("/metrics")


def told_again_since(daemon, moment):
    return all(one["updatedAt"] > moment for one in json.loads(daemon.get("/api/v2/alerts")))


def latest(daemon):
    return max(one["updatedAt"] for one in json.loads(daemon.get("/api/v2/alerts")))


def test_prometheus_is_heard_over_outages_and_restarts(thing, phone, daemon, poster):
    phone.open()
    daemon.start()
    thing.heat = 1.0
    wait_for(lambda: phone.titles() == ["Hot"], what="the first push")
    wait_for(lambda: is_noted(daemon), what="the push noted")
    # An outage: meanwhile one more alert begins, the other goes on.
    daemon.kill()
    thing.heat = 7.0
    wait_for(lambda: "Boiling" in theirs(poster), what="an alert nobody hears of")
    daemon.start()
    wait_for(lambda: sorted(phone.titles()) == ["Boiling", "Hot"], what="the alert of the outage")
    wait_for(lambda: is_noted(daemon), what="the push noted")
    # A restart while all goes on says nothing.
    moment = latest(daemon)
    assert daemon.terminate() == 0
    daemon.start()
    assert names(daemon) == ["Boiling", "Hot"]
    wait_for(lambda: told_again_since(daemon, moment), what="both told again")
    # The ends come while nobody listens.
    daemon.kill()
    thing.heat = 0.0
    wait_for(lambda: theirs(poster) == [], what="the ends")
    daemon.start()
    wait_for(lambda: len(phone.titles()) >= 4, what="the ends told")
    wait_for(lambda: names(daemon) == [], what="calm")
    assert sorted(phone.titles()) == ["Boiling", "Hot", "Over: Boiling", "Over: Hot"]
    assert not daemon.outbox()


def theirs(poster):
    with urlopen(f"{poster.url}/api/v1/alerts", timeout=5) as answer:
        return sorted(one["labels"]["alertname"] for one in json.loads(answer.read())["data"]["alerts"])


def test_prometheus_takes_watchman_for_an_alertmanager(thing, phone, daemon, poster):
    phone.open()
    daemon.start()
    thing.heat = 1.0
    wait_for(lambda: phone.titles() == ["Hot"], what="the push")
    with urlopen(f"{poster.url}/metrics", timeout=5) as answer:
        metrics = answer.read().decode()
    values = {
        line.partition("{")[0]: float(line.rpartition(" ")[2])
        for line in metrics.splitlines()
        if line.startswith("prometheus_notifications_") and f":{daemon.port}/" in line
    }
    assert values["prometheus_notifications_sent_total"] >= 1
    assert values["prometheus_notifications_errors_total"] == 0
    (one,) = json.loads(daemon.get("/api/v2/alerts"))
    assert one["generatorURL"].endswith("/graph?g0.expr=heat+%3E+0&g0.tab=1")
    assert one["labels"] == {
        "alertname": "Hot",
        "instance": thing.address,
        "job": "thing",
        "severity": "warning",
    }


def test_what_was_answered_with_200_outlives_a_kill(phone, daemon):
    phone.open()
    daemon.start()
    hot = [{"labels": {"alertname": "Hot"}, "annotations": {"summary": "Hot"}}]
    assert ask(daemon, "POST", "/api/v2/alerts", hot) == ""
    made = json.loads(ask(daemon, "POST", "/api/v2/silences", SILENCE))["silenceID"]
    daemon.kill()
    daemon.start()
    assert names(daemon) == ["Hot"]
    assert [one["id"] for one in json.loads(daemon.get("/api/v2/silences"))] == [made]


def test_while_the_state_is_locked_every_way_in_says_so_before_its_client_gives_up(phone, daemon):
    """Prometheus and Alertmanager wait 10 s for an answer: one that comes later is none."""
    phone.open()
    daemon.start()
    made = json.loads(ask(daemon, "POST", "/api/v2/silences", SILENCE))["silenceID"]
    hook = {"version": "4", "alerts": [{"status": "firing", "labels": {"alertname": "Brought"}}]}
    ways = [
        ("POST", "/api/v2/alerts", [{"labels": {"alertname": "Hot"}}]),
        ("POST", "/api/v2/silences", SILENCE),
        ("DELETE", f"/api/v2/silence/{made}", None),
        ("POST", "/webhook/alertmanager", hook),
    ]
    with closing(sqlite3.connect(daemon.folder / "watchman.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with ThreadPoolExecutor(len(ways)) as pool:
            answers = list(pool.map(lambda way: refusal(daemon, *way), ways))
    assert [status for status, _ in answers] == [503] * len(ways)
    assert all("another process holds it; end that or wait" in text for _, text in answers)
    assert names(daemon) == []
    assert ask(daemon, "POST", "/webhook/alertmanager", hook) == "taken\n"
    assert names(daemon) == ["Brought"]


def test_a_silence_of_the_command_line_reaches_the_daemon(phone, daemon):
    phone.open()
    daemon.start()
    code, made, _ = daemon.command("silence", "add", "Hot", "--until", "tomorrow", "--comment", "known")
    assert code == 0
    ask(daemon, "POST", "/api/v2/alerts", [{"labels": {"alertname": "Hot"}, "annotations": {"summary": "Hot"}}])
    (one,) = json.loads(daemon.get("/api/v2/alerts"))
    assert one["status"]["silencedBy"] == [made.strip()]
    assert daemon.command("silence", "expire", made.strip())[0] == 0
    wait_for(lambda: phone.titles() == ["Hot"], what="the alert after its silence")


SILENCE = {
    "matchers": [{"name": "alertname", "value": "Cold", "isRegex": False}],
    "startsAt": "2026-01-01T00:00:00Z",
    "endsAt": "2099-01-01T00:00:00Z",
    "createdBy": "me",
    "comment": "",
}


def ask(daemon, method, path, document):
    request = Request(
        f"http://127.0.0.1:{daemon.port}{path}",
        json.dumps(document).encode(),
        {"Content-Type": "application/json"},
        method=method,
    )
    with urlopen(request, timeout=10) as answer:
        return answer.read().decode()


def refusal(daemon, method, path, document):
    """Status and text of an answer that is no 200."""
    with pytest.raises(HTTPError) as caught:
        ask(daemon, method, path, document)
    return caught.value.code, caught.value.read().decode()
