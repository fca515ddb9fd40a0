"""Recording rules in the daemon: in order, visible to later rules, on /metrics, and written back where that is set."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from likeness import get, unix
from servers import wait_for
from world import CONFIG

from watchman import jobs
from watchman.book import rule_keys
from watchman.config import load_config
from watchman.errors import QueryError
from watchman.series import Answer, Sample
from watchman.wiring import wire

RULES = """\
groups:
  - name: g
    interval: 60s
    rules:
      - {record: "room:heat:double", expr: heat * 2}
      - alert: Hot
        expr: room:heat:double > 100
        annotations: {summary: "{{ $labels.__name__ }} {{ $value }}"}
"""
PUT_IN = 'label_replace((heat * 2), "__name__", "room:heat:double", "", "")'


def test_a_record_is_on_metrics_and_its_expression_in_the_rule_that_reads_it(make_world):
    world = make_world(rules=RULES)
    asked = []

    def query(expr, ts):
        asked.append(expr)
        return Answer("vector", [Sample({"room": "bath"}, 120.0)])

    world.prometheus.query = query
    world.tick(0)
    assert asked == ["heat * 2", f"{PUT_IN} > 100"]
    text = world.context.metrics.render().decode()
    assert 'room:heat:double{instance="",job="",room="bath"} 120.0' in text
    assert "# HELP room:heat:double Recorded by a rule" in text

    world.prometheus.error = QueryError("gone", "connect")
    world.prometheus.query = lambda *_: (_ for _ in ()).throw(world.prometheus.error)
    world.tick(1)
    assert "room:heat:double{" not in world.context.metrics.render().decode(), "an old value would look like a new one"


class Receiver:
    """A remote write receiver that may be away."""

    def __init__(self):
        self.away, self.posts, self.tries = False, [], 0

    def write(self, ts, samples, ended):
        self.tries += 1
        if self.away:
            raise QueryError("nobody takes samples", "connect")
        shown = {sample.labels["__name__"]: sample.value for sample in samples}
        self.posts.append((ts, shown, [labels["__name__"] for labels in ended]))

    def close(self):
        pass


def test_records_and_alerts_are_written_and_ended_and_an_absent_receiver_holds_nothing_up(make_world):
    world = make_world(rules=RULES)
    receiver = Receiver()
    world.context.wiring = replace(world.context.wiring, writer=receiver)
    found = [Sample({"room": "bath"}, 120.0)]
    world.prometheus.query = lambda *_: Answer("vector", found)
    at = world.minute
    world.tick(0)
    assert receiver.posts == [
        (at(0), {"room:heat:double": 120.0}, []),
        (at(0), {"ALERTS": 1.0, "ALERTS_FOR_STATE": at(0)}, []),
    ]
    receiver.away, receiver.tries = True, 0
    world.tick(1)
    assert receiver.tries == 1, "after the first failure the receiver is left alone for a while"
    assert "nobody takes samples" in world.context.write_error
    receiver.away, receiver.posts = False, []
    found.clear()
    world.tick(2)
    assert receiver.posts == [
        (at(2), {}, ["room:heat:double"]),
        (at(2), {}, ["ALERTS", "ALERTS_FOR_STATE"]),
    ]
    assert world.context.write_error == ""


@pytest.mark.parametrize(
    ("change", "at_once", "next_time"),
    [
        (("room:heat:double", "room:heat:twice"), ["room:heat:double"], []),
        (("alert: Hot", "alert: Warm"), ["ALERTS", "ALERTS_FOR_STATE"], []),
        (("name: g", "name: h"), [], []),
        (("        annotations:", "        labels: {a: b}\n        annotations:"), [], ["ALERTS", "ALERTS_FOR_STATE"]),
    ],
    ids=["a record is renamed", "an alert is renamed", "the group is renamed", "a label is added"],
)
def test_a_reload_ends_the_series_that_no_rule_gives_any_more(make_world, change, at_once, next_time):
    world = make_world(rules=RULES)
    receiver = Receiver()
    world.context.wiring = replace(world.context.wiring, writer=receiver)
    world.prometheus.query = lambda *_: Answer("vector", [Sample({"room": "bath"}, 120.0)])
    world.tick(0)
    receiver.posts = []
    old, new = change
    rules = RULES.replace("expr: room:heat:double", "expr: heat * 2").replace(old, new)
    (world.folder / "rules.yaml").write_text(rules)
    wiring = wire(load_config(world.folder / "config.yaml", {}))
    world.context.wiring = replace(wiring, prometheus=world.prometheus, writer=receiver)
    jobs.forget_removed_rules(world.context)
    assert [name for _, _, ended in receiver.posts for name in ended] == at_once
    receiver.posts = []
    world.tick(1)
    assert [name for _, _, ended in receiver.posts for name in ended] == next_time


def test_a_rule_with_more_elements_than_allowed_fails_and_says_so(make_world):
    world = make_world(config=CONFIG + "max_elements_per_rule: 3\n", rules=RULES)
    elements = [Sample({"n": str(n)}, 120.0) for n in range(4)]
    world.prometheus.query = lambda *_: Answer("vector", elements)
    world.tick(0)
    assert world.states() == [("RuleFailing", "pending")] * 2, "it will be told if it stays so"
    health = world.context.book.health(rule_keys(world.context.wiring.groups[0])[1])
    assert (health.health, health.failing_since) == ("err", world.minute(0))
    assert health.error.startswith("the expression gives 4 elements, more than max_elements_per_rule (3): aggregate")
    elements.pop()
    world.tick(1)
    assert world.states() == [("Hot", "firing")] * 3


@pytest.fixture
def flood():
    """A Prometheus that answers every query with 100,000 elements."""
    result = [{"metric": {"n": str(n), "host": "h"}, "value": [1, "120"]} for n in range(100_000)]
    body = json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}}).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the name http.server calls

        def log_message(self, *_args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.integration
def test_a_hundred_thousand_elements_every_second_are_an_error_and_the_daemon_stays_responsive(
    flood, make_daemon, phone
):
    phone.open()
    daemon = make_daemon(flood).start()

    def failed():
        rules = json.loads(daemon.get("/api/v1/rules"))["data"]["groups"]
        return next((rule.get("lastError") for group in rules for rule in group["rules"] if rule["name"] == "Hot"), "")

    assert wait_for(failed, what="the error").startswith(
        "the expression gives 100000 elements, more than max_elements_per_rule (10000): aggregate or narrow it"
    )
    waits = []
    for _ in range(20):
        started = time.monotonic()
        for path in ("/-/healthy", "/api/v1/alerts", "/metrics"):
            daemon.get(path)
        waits.append(time.monotonic() - started)
        time.sleep(0.1)
    assert max(waits) < 3.0
    assert daemon.terminate() == 0


CHAINED = """\
groups:
  - name: chained
    interval: 1s
    rules:
      - {record: "r:m", expr: heat * 2}
      - {alert: AtOnce, expr: "r:m > 1"}
      - {alert: Later, expr: 'r:m{job="thing"} > 1'}
      - {alert: OfAlerts, expr: 'ALERTS{alertname="AtOnce",alertstate="firing"}'}
      - {alert: Before, expr: "r:after > 1"}
      - {record: "r:after", expr: heat * 2}
"""


@pytest.mark.integration
def test_with_remote_write_each_rule_sees_what_the_ones_before_it_gave(thing, watched, make_daemon, phone):
    """Cases C25 to C27: the same evaluation for a record before and for ALERTS, the next one for a record after."""
    phone.open()
    thing.heat = 0.0
    daemon = make_daemon(watched.url)
    config = daemon.config.read_text()
    url = f'prometheus: {{url: "{watched.url}", remote_write_url: "{watched.url}/api/v1/write"}}'
    daemon.config.write_text(config.replace(f'prometheus: {{url: "{watched.url}"}}', url))
    (daemon.folder / "rules.yaml").write_text(CHAINED)
    code, _, said = daemon.command("check")
    assert code == 0
    assert '"AtOnce": reads r:m and is asked with' in said
    assert '"Later": reads r:m and sees what Prometheus holds of it (it is selected by labels)' in said
    assert '"Before": reads r:after and sees what Prometheus holds of it (it is not recorded earlier' in said
    daemon.start()
    time.sleep(3)
    thing.heat = 7.0
    wait_for(lambda: len(since(daemon)) == 4, what="all four to fire")
    began = since(daemon)
    assert began["AtOnce"] == began["Later"] == began["OfAlerts"]
    assert 0.9 < began["Before"] - began["AtOnce"] < 1.1
    thing.heat = 0.0
    wait_for(lambda: not since(daemon), what="all to end")


OF_ALL = """\
groups:
  - name: g
    interval: 1s
    rules:
      - {record: "house:heat:sum", expr: sum(heat)}
      - {record: "room:heat:double", expr: heat * 2}
"""


@pytest.mark.integration
def test_a_record_that_prometheus_scrapes_has_the_labels_it_was_recorded_with(
    thing, run_prometheus, make_daemon, phone
):
    phone.open()
    thing.heat = 7.0
    daemon = make_daemon("http://127.0.0.1:9")
    jobs = [
        {"job_name": "thing", "static_configs": [{"targets": [thing.address]}]},
        {"job_name": "us", "honor_labels": True, "static_configs": [{"targets": [f"127.0.0.1:{daemon.port}"]}]},
    ]
    prometheus = run_prometheus(config={"scrape_configs": jobs})
    daemon.config.write_text(daemon.config.read_text().replace("http://127.0.0.1:9", prometheus.url, 1))
    (daemon.folder / "rules.yaml").write_text(OF_ALL)
    daemon.start()

    def labels(name):
        found = get(f"{prometheus.url}/api/v1/query?query={name}")["data"]["result"]
        return [one["metric"] for one in found]

    wait_for(lambda: labels("room:heat:double") and labels("house:heat:sum"), what="both records")
    assert labels("house:heat:sum") == [{"__name__": "house:heat:sum"}]
    assert labels("room:heat:double") == [{"__name__": "room:heat:double", "instance": thing.address, "job": "thing"}]


def since(daemon):
    return {alert["labels"]["alertname"]: unix(alert["activeAt"]) for alert in daemon.alerts()}
