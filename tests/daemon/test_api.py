"""The API version 2 as clients meet it: what is refused and how, what karma and Grafana ask, what others may do."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
import yaml
from api_world import CONFIG, ApiWorld
from servers import binary

from watchman import jobs
from watchman.errors import StoreError
from watchman.notify.message import Source
from watchman.notify.mute import Silence
from watchman.series import fingerprint
from watchman.store import posted
from watchman.web.guard import MAX_BODY_BYTES, MAX_POST_BYTES, SIGNED_PATHS, Access
from watchman.web.openapi import document

HOT = {"labels": {"alertname": "Hot", "host": "h"}, "annotations": {"summary": "It is hot"}}


@pytest.fixture
def world(tmp_path):
    world = ApiWorld(tmp_path)
    yield world
    world.context.store.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One world for the tables: a row leaves nothing behind that another one minds."""
    world = ApiWorld(tmp_path_factory.mktemp("shared"))
    yield world
    world.context.store.close()


def post(world, alerts, **more):
    return world.client.post("/api/v2/alerts", json=alerts, **more)


def listed(world, query=""):
    return world.client.get(f"/api/v2/alerts{query}").get_json()


# --- what is refused ------------------------------------------------------------------------------------------------


def test_the_good_part_of_a_half_bad_batch_is_kept_and_told(world):
    answer = post(world, [HOT, {"labels": {}}, {"labels": {"a b": "c"}}])
    assert answer.status_code == 400
    assert answer.get_json() == 'at least one label pair required; invalid label set: invalid name "a b"'
    assert [one["labels"]["alertname"] for one in listed(world)] == ["Hot"]
    jobs.dispatch(world.context)
    assert world.messages() == [("phone", "It is hot")]
    metrics = world.client.get("/metrics").text
    assert 'watchman_alerts_received_total{outcome="taken",source="prometheus"} 1.0' in metrics
    assert 'watchman_alerts_received_total{outcome="refused",source="prometheus"} 2.0' in metrics


NESTED = b"[" * 100_000


@pytest.mark.parametrize(
    ("body", "content_type", "status", "words"),
    [
        pytest.param(b"x" * (MAX_POST_BYTES + 1), "application/json", 413, "larger than 8388608 bytes", id="too large"),
        pytest.param(b"{", "application/json", 400, "failed, because", id="malformed"),
        pytest.param(b'[{"labels": {"a": "b"}}, NaN]', "application/json", 400, "NaN is not JSON", id="no JSON value"),
        pytest.param(b"\xff\xfe", "application/json", 400, "not UTF-8", id="another encoding"),
        pytest.param(NESTED, "application/json", 400, "nested too deeply", id="nested"),
        pytest.param(b"[1]", "application/json", 400, "element 0 must be an object", id="mis-typed"),
        pytest.param(
            b'[{"labels": ["a"]}]', "application/json", 400, "labels must be an object", id="a list as labels"
        ),
        pytest.param(b"[]", "text/xml", 415, "only [application/json] are allowed", id="another type"),
        pytest.param(b"[]", "text/plain", 415, "send JSON", id="a form's type"),
        pytest.param(b"", "application/json", 422, "alerts in body is required", id="nothing"),
    ],
)
def test_a_post_that_cannot_be_read_gets_its_status_and_a_sentence(shared, body, content_type, status, words):
    before = listed(shared)
    answer = shared.client.post("/api/v2/alerts", data=body, content_type=content_type)
    assert answer.status_code == status
    assert words in answer.text
    assert len(answer.text.strip().splitlines()) == 1
    assert listed(shared) == before


def test_other_bodies_are_bounded_more_tightly(world):
    answer = world.client.post("/api/v2/silences", data=b" " * (MAX_BODY_BYTES + 1), content_type="application/json")
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "moment", ["9999-12-31T23:59:59-12:00", "0000-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-11-22T25:00:00Z"]
)
def test_a_moment_that_is_none_is_refused(shared, moment):
    answer = post(shared, [{**HOT, "startsAt": moment}])
    assert (answer.status_code, "write it like 2026-11-21T22:02:10Z" in answer.text) == (400, True)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-11-22T10:00:00Z", 0.0),
        ("2026-11-22t10:00:00z", 0.0),
        ("2026-11-22T10:00:00.123456789Z", 0.123),
        ("2026-11-22T12:00:00.5+02:00", 0.5),
        ("2026-11-22 10:00:00", 0.0),
    ],
)
def test_times_are_read_as_go_writes_them(shared, text, seconds):
    assert post(shared, [{"labels": {"alertname": "Timed", "text": text}, "startsAt": text}]).status_code == 200
    (one,) = listed(shared, f"?filter=text%3D%22{quote(text)}%22")
    at = datetime.fromisoformat(one["startsAt"])
    assert at.timestamp() == pytest.approx(datetime(2026, 11, 22, 10, tzinfo=UTC).timestamp() + seconds, abs=0.001)


def test_half_a_surrogate_pair_is_no_character(world):
    body = b'[{"labels": {"alertname": "\\ud800x"}, "annotations": {"a": "\\udfff"}}]'
    assert world.client.post("/api/v2/alerts", data=body, content_type="application/json").status_code == 200
    assert [one["labels"]["alertname"] for one in listed(world)] == ["\ufffdx"]


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "America/Los_Angeles"])
@pytest.mark.parametrize("moment", ["0001-01-01T00:00:01Z", "9999-12-31T23:59:59Z"])
def test_an_alert_of_the_first_or_the_last_day_of_the_calendar_is_shown_and_told(tmp_path, zone, moment):
    world = ApiWorld(tmp_path, config=CONFIG.replace("Europe/Berlin", zone))
    always = {"startsAt": moment, "endsAt": "9999-12-31T23:59:59Z"}
    assert post(world, [{**HOT, **always}]).status_code == 200
    jobs.dispatch(world.context)
    assert len(world.messages()) > 0
    for path in ("/", "/live", "/api/v2/alerts", "/api/v2/alerts/groups"):
        assert world.client.get(path).status_code == 200, path
    world.close()


def test_every_way_to_change_something_asks_who_and_from_where(world):
    """Whatever path is added later: no foreign page, and nobody without a password, changes anything by it."""
    ways = [
        (re.sub("<[^>]+>", "x", rule.rule), method)
        for rule in world.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}
    ]
    assert {path for path, _ in ways} >= {"/api/v2/alerts", "/api/v2/silences", "/-/reload", "/webhook/alertmanager"}
    world.access = Access(username="me", password="secret", origins=("http://karma.home:8080",))
    known = {"Authorization": "Basic " + base64.b64encode(b"me:secret").decode()}
    for path, method in ways:
        foreign = world.client.open(path, method=method, headers={**known, "Origin": "http://evil.example"})
        assert foreign.status_code == 403, (method, path)
        # The links of messages carry their own signature.
        status = 403 if path.startswith(SIGNED_PATHS) else 401
        assert world.client.open(path, method=method).status_code == status, (method, path)


def test_without_credentials_nothing_is_told_or_taken(world):
    world.access = Access(username="me", password="secret")
    for path in ("alerts", "alerts/groups", "silences", "status", "receivers", "openapi.json"):
        answer = world.client.get(f"/api/v2/{path}")
        assert (answer.status_code, answer.text) == (401, "give user name and password, or a bearer token\n")
    assert post(world, [HOT]).status_code == 401
    known = {"Authorization": "Basic " + base64.b64encode(b"me:secret").decode()}
    assert post(world, [HOT], headers=known).status_code == 200
    assert len(world.client.get("/api/v2/alerts", headers=known).get_json()) == 1


def test_a_foreign_page_changes_nothing_unless_it_is_named(world):
    foreign = {"Origin": "http://karma.home:8080"}
    refused = post(world, [HOT], headers=foreign)
    assert refused.status_code == 403
    assert "web.allowed_origins" in refused.text
    assert world.client.delete("/api/v2/silence/x", headers=foreign).status_code == 403
    world.access = Access(origins=("http://karma.home:8080",))
    assert post(world, [HOT], headers=foreign).status_code == 200
    assert world.client.post("/-/reload", headers=foreign).status_code == 403, "only the API is meant"


def test_a_state_that_cannot_be_written_is_503_and_nothing_is_taken(world, monkeypatch):
    def broken():
        raise StoreError("the state x: disk is full: free some space")

    monkeypatch.setattr(type(world.context.store), "begin", lambda _self: broken())
    answer = post(world, [HOT])
    assert (answer.status_code, answer.get_json()) == (503, "the state x: disk is full: free some space")


# --- what is shown --------------------------------------------------------------------------------------------------


def test_alerts_of_every_source_are_listed_once(world):
    world.prometheus.values["heat > 0"] = {world.minute(number): 7.0 for number in range(10)}
    for number in range(5):
        world.tick(number)
    own = {"alertname": "Hot", "host": "h", "severity": "critical"}
    post(world, [{"labels": own}, {"labels": {"alertname": "Theirs"}, "generatorURL": "http://other/graph"}])
    hook = posted.PostedAlert(
        fingerprint({"alertname": "Hook"}), Source.ALERTMANAGER, {"alertname": "Hook"}, {}, 1.0, None, world.clock.at
    )
    with world.context.store.begin() as connection:
        posted.put(connection, [hook], world.clock.at)
    found = {one["labels"]["alertname"]: one for one in listed(world)}
    assert sorted(found) == ["Hook", "Hot", "Theirs"]
    assert found["Hot"]["generatorURL"].startswith("http://127.0.0.1:9/graph?g0.expr=heat")
    assert found["Theirs"]["generatorURL"] == "http://other/graph"
    assert [one["name"] for one in found["Hot"]["receivers"]] == ["mail"]
    assert found["Hot"]["fingerprint"] == fingerprint(own)


def test_an_alert_says_what_keeps_it_back(world):
    now = world.clock.at
    world.context.silences = (Silence("of-theirs", (), now - 10, now + 600),)
    post(world, [{"labels": {"alertname": "Root", "host": "h"}}, {"labels": {"alertname": "Leaf", "host": "h"}}])
    status = {one["labels"]["alertname"]: one["status"] for one in listed(world)}
    root = fingerprint({"alertname": "Root", "host": "h"})
    assert status["Leaf"] == {
        "state": "suppressed",
        "silencedBy": ["of-theirs"],
        "inhibitedBy": [root],
        "mutedBy": [],
    }
    assert [one["id"] for one in world.client.get("/api/v2/silences").get_json()] == ["of-theirs"]


def test_a_silence_of_the_alertmanager_is_ended_here_and_edited_there(world, monkeypatch):
    theirs = "3f0a7cc4-0000-4000-8000-000000000000"
    world.context.silences = (Silence(theirs, (), 1.0, 4e9),)
    refused = world.client.post("/api/v2/silences", json={**SILENCE, "id": theirs})
    assert (refused.status_code, "change it there" in refused.get_json()) == (400, True)
    ended = []
    monkeypatch.setattr("watchman.companion.expire_silence", lambda _members, silence_id: ended.append(silence_id))
    assert world.client.delete(f"/api/v2/silence/{theirs}").status_code == 200
    assert ended == [theirs]


def test_a_posted_alert_is_on_the_page_at_once(world):
    answer = post(world, [HOT])
    assert (answer.status_code, answer.data, answer.content_type) == (200, b"", None)
    assert "It is hot" in world.client.get("/live").text


def test_the_end_of_an_alert_moves_with_every_post_and_then_comes(world):
    post(world, [HOT])
    world.clock.at += 200
    post(world, [HOT])
    world.clock.at += 200
    assert len(listed(world)) == 1
    world.clock.at += 101
    assert listed(world) == []


def test_the_status_tells_the_routing_and_no_secret(world):
    status = world.client.get("/api/v2/status").get_json()
    assert status["versionInfo"]["version"] == "0.25.0"
    told = yaml.safe_load(status["config"]["original"])
    assert told["receivers"] == [{"name": "phone"}, {"name": "mail"}]
    assert told["global"] == {"resolve_timeout": "5m"}
    assert "secret" not in status["config"]["original"]


ODD = """\
prometheus: {url: http://127.0.0.1:9}
site: {name: home, timezone: Europe/Berlin}
rule_files: [rules.yaml]
resolve_timeout: 90s
receivers: [{name: phone}, {name: "mail & more"}]
route:
  receiver: phone
  group_by: ['...']
  routes:
    - receiver: mail & more
      matchers: ['severity=~"critical|warning"', 'host!="a\\"b"']
      group_by: []
      repeat_interval: [1h, 12h]
      mute_time_intervals: [night]
      active_time_intervals: [night]
time_intervals:
  - name: night
    time_intervals:
      - times: [{start_time: 22:00, end_time: "24:00"}]
        weekdays: ["monday:friday"]
        days_of_month: ["-3:-1", 1]
        months: [1, "may:june"]
        years: [2026]
        location: Europe/Berlin
"""


@pytest.mark.integration
@pytest.mark.parametrize("config", [CONFIG, ODD], ids=["plain", "odd"])
def test_the_told_routing_is_one_that_alertmanager_accepts(tmp_path, config):
    world = ApiWorld(tmp_path, config=config)
    file = tmp_path / "told.yml"
    file.write_text(world.client.get("/api/v2/status").get_json()["config"]["original"])
    world.context.store.close()
    done = subprocess.run(
        [binary("amtool"), "check-config", file], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 0, done.stderr + file.read_text()


# --- karma and Grafana ----------------------------------------------------------------------------------------------

# Who asks what, and what it reads of the answer. A silence is posted through karma's proxy with the page's Origin.
CALLS = [
    ("karma", "GET", "/metrics", None, 200, lambda answer: 'alertmanager_build_info{branch="watchman"' in answer.text),
    ("karma", "GET", "/api/v2/status", None, 200, lambda answer: answer.json["cluster"]["peers"] == []),
    ("karma", "GET", "/api/v2/silences", None, 200, lambda answer: answer.json[0]["matchers"][0]["isEqual"] is True),
    ("karma", "GET", "/api/v2/alerts/groups", None, 200, lambda answer: answer.json[0]["receiver"]["name"] == "phone"),
    ("karma", "POST", "/api/v2/silences", "silence", 200, lambda answer: len(answer.json["silenceID"]) == 36),
    ("karma", "DELETE", "/api/v2/silence/{id}", None, 200, lambda answer: answer.text == ""),
    ("Grafana", "GET", "/api/v1/status/buildinfo", None, 404, lambda answer: True),
    ("Grafana", "GET", "/alertmanager/api/v2/status", None, 404, lambda answer: True),
    ("Grafana", "GET", "/api/v2/status", None, 200, lambda answer: "route:" in answer.json["config"]["original"]),
    ("Grafana", "GET", "/api/v2/alerts?active=true&silenced=true", None, 200, lambda answer: answer.json),
    ("Grafana", "GET", '/api/v2/alerts?filter=alertname="Hot"', None, 200, lambda answer: len(answer.json) == 1),
    ("Grafana", "GET", "/api/v2/alerts/groups", None, 200, lambda answer: "alertname" in answer.json[0]["labels"]),
    ("Grafana", "GET", "/api/v2/silences", None, 200, lambda answer: answer.json[0]["status"]["state"] == "active"),
    ("Grafana", "GET", "/api/v2/silence/{id}", None, 200, lambda answer: answer.json["createdBy"] == "me"),
    ("Grafana", "POST", "/api/v2/silences", "silence", 200, lambda answer: "silenceID" in answer.json),
    ("Grafana", "DELETE", "/api/v2/silence/{id}", None, 200, lambda answer: True),
    ("Grafana", "GET", "/api/v2/receivers", None, 200, lambda answer: {"name": "phone"} in answer.json),
    ("both", "GET", "/-/healthy", None, 200, lambda answer: True),
    ("both", "GET", "/-/ready", None, 200, lambda answer: True),
]  # fmt: skip
SILENCE = {
    "matchers": [{"name": "alertname", "value": "Hot", "isRegex": False, "isEqual": True}],
    "startsAt": "2026-01-01T00:00:00.000Z",
    "endsAt": "2099-01-01T00:00:00.000Z",
    "createdBy": "me",
    "comment": "ACK! This alert was acknowledged using karma",
}


@pytest.mark.parametrize(
    ("who", "method", "path", "body", "status", "reads"), CALLS, ids=[f"{c[0]} {c[1]} {c[2]}" for c in CALLS]
)
def test_what_karma_and_grafana_ask_is_answered(shared, who, method, path, body, status, reads):
    shared.access = Access(origins=("http://karma.home:8080",))
    post(shared, [HOT])
    made = shared.client.post("/api/v2/silences", json=SILENCE).get_json()["silenceID"]
    headers = {"Origin": "http://karma.home:8080"} if who == "karma" else {}
    more = {"json": SILENCE} if body else {}
    answer = shared.client.open(path.replace("{id}", made), method=method, headers=headers, **more)
    assert (answer.status_code, bool(reads(answer))) == (status, True), answer.text


# --- the document ---------------------------------------------------------------------------------------------------


def in_openapi(path):
    return path.replace("<silence_id>", "{silenceID}").replace("<receiver>", "{receiver}")


def test_the_document_names_every_path_and_method_there_is(world):
    described = {
        (path, method.upper())
        for path, item in world.client.get("/api/v2/openapi.json").get_json()["paths"].items()
        for method in item
        if method != "parameters"
    }
    served = {
        (in_openapi(rule.rule), method)
        for rule in world.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith(("/api/", "/webhook/"))
    }
    assert served <= described
    assert {path for path, _ in described} <= {in_openapi(rule.rule) for rule in world.app.url_map.iter_rules()}


def test_the_document_is_json(world):
    assert json.loads(json.dumps(document()))["openapi"] == "3.1.0"
