"""Page and API as a browser, Prometheus and a stranger see them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from watchman.alertmanager.webhook import WebhookError
from watchman.errors import ConfigError, Fault, StoreError
from watchman.notify.message import ActiveAlert
from watchman.notify.orders import OrderError
from watchman.rules.alert import Alert, AlertState
from watchman.rules.rule import Group, Rule
from watchman.web.api_v1 import RuleStatus, go_exponent, rfc3339
from watchman.web.app import Ports, create_app
from watchman.web.guard import Access, host_allowed
from watchman.web.page import Delivery, Overview
from watchman.web.webhook import MAX_BYTES

NOW = datetime(2026, 11, 21, 22, 2, 10, tzinfo=UTC).timestamp()
RULE = Rule("GridDown", "up == 0", {"severity": "critical"}, {"summary": "Power cut"}, for_s=5, keep_firing_for_s=180)
RECORD = Rule("a:b", "sum(x)", record=True)
GROUP = Group("grid", "rules/grid.yaml", (RULE, RECORD), interval_s=5)
FIRING = Alert(
    {"alertname": "GridDown", "severity": "critical", "host": "h"},
    AlertState.FIRING,
    active_at=NOW - 60.5,
    value=1.0,
    annotations={"summary": "Power cut"},
    fired_at=NOW - 50,
)


class Home:
    """A daemon's answers, to be changed by a test."""

    def __init__(self):
        self.access = Access()
        self.ready = True
        self.reloaded = 0
        self.taken = []
        self.fault = None
        self.view = Overview("Home <b>", ZoneInfo("America/Los_Angeles"), NOW, {}, None)
        self.statuses = [
            RuleStatus(GROUP, RULE, (FIRING,), "ok", "", NOW, 0.25),
            RuleStatus(GROUP, RECORD, (), "err", "no such thing", NOW - 5, 0.5),
        ]

    def take_webhook(self, receiver, document):
        self.taken.append((receiver, document))
        if self.fault:
            raise self.fault

    def reload(self):
        if self.fault:
            raise self.fault
        self.reloaded += 1

    def offer(self, token):
        raise OrderError("not one of ours")

    def perform(self, token):
        raise OrderError("not one of ours")


@pytest.fixture
def home():
    return Home()


@pytest.fixture
def client(home):
    ports = Ports(
        overview=lambda: home.view,
        rules=lambda: home.statuses,
        metrics=lambda: b"up 1\n",
        is_ready=lambda: home.ready,
        reload=home.reload,
        access=lambda: home.access,
        take_webhook=home.take_webhook,
        offer=home.offer,
        perform=home.perform,
    )
    return create_app(ports).test_client()


def test_rules_are_told_as_prometheus_tells_them(client):
    answer = client.get("/api/v1/rules").get_json()
    assert answer == {
        "status": "success",
        "data": {
            "groups": [
                {
                    "name": "grid",
                    "file": "rules/grid.yaml",
                    "interval": 5,
                    "limit": 0,
                    "evaluationTime": 0.75,
                    "lastEvaluation": "2026-11-21T22:02:10Z",
                    "rules": [
                        {
                            "state": "firing",
                            "name": "GridDown",
                            "query": "up == 0",
                            "duration": 5,
                            "keepFiringFor": 180,
                            "labels": {"severity": "critical"},
                            "annotations": {"summary": "Power cut"},
                            "alerts": [
                                {
                                    "labels": dict(FIRING.labels),
                                    "annotations": {"summary": "Power cut"},
                                    "state": "firing",
                                    "activeAt": "2026-11-21T22:01:09.5Z",
                                    "value": "1e+00",
                                }
                            ],
                            "health": "ok",
                            "evaluationTime": 0.25,
                            "lastEvaluation": "2026-11-21T22:02:10Z",
                            "type": "alerting",
                        },
                        {
                            "name": "a:b",
                            "query": "sum(x)",
                            "health": "err",
                            "lastError": "no such thing",
                            "evaluationTime": 0.5,
                            "lastEvaluation": "2026-11-21T22:02:05Z",
                            "type": "recording",
                        },
                    ],
                }
            ]
        },
    }


@pytest.mark.parametrize(("kind", "names"), [("alert", ["GridDown"]), ("record", ["a:b"])])
def test_rules_can_be_asked_by_type(client, kind, names):
    groups = client.get(f"/api/v1/rules?type={kind}").get_json()["data"]["groups"]
    assert names == [rule["name"] for group in groups for rule in group["rules"]]


def test_an_unknown_type_of_rules_is_refused_as_prometheus_refuses_it(client):
    answer = client.get("/api/v1/rules?type=nope")
    assert answer.status_code == 400
    assert answer.get_json() == {
        "status": "error",
        "errorType": "bad_data",
        "error": 'invalid parameter "type": not supported value "nope"',
    }


def test_alerts_are_listed_without_those_that_are_over(client, home):
    over = Alert({"alertname": "X"}, AlertState.INACTIVE, 1.0, 1.0, fired_at=2.0, resolved_at=3.0)
    home.statuses = [RuleStatus(GROUP, RULE, (FIRING, over))]
    alerts = client.get("/api/v1/alerts").get_json()["data"]["alerts"]
    assert [alert["labels"]["alertname"] for alert in alerts] == ["GridDown"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1e+00"),
        (0.0, "0e+00"),
        (-0.0, "-0e+00"),
        (20.0, "2e+01"),
        (0.15, "1.5e-01"),
        (-1234567.5, "-1.2345675e+06"),
        (1e100, "1e+100"),
        (float("inf"), "+Inf"),
        (float("-inf"), "-Inf"),
        (float("nan"), "NaN"),
    ],
)
def test_values_are_printed_as_go_prints_them(value, text):
    assert text == go_exponent(value)


def test_times_are_printed_as_go_prints_them():
    assert [rfc3339(0), rfc3339(1.25)] == ["0001-01-01T00:00:00Z", "1970-01-01T00:00:01.25Z"]


@pytest.mark.parametrize(("ready", "status"), [(True, 200), (False, 503)])
def test_readiness_is_told_by_status(client, home, ready, status):
    home.ready = ready
    assert status == client.get("/-/ready").status_code
    assert client.get("/-/healthy").status_code == 200


def test_reload_says_what_is_wrong_and_keeps_running(client, home):
    assert client.post("/-/reload").status_code == 200
    home.fault = ConfigError([Fault("config.yaml", 3, 1, "route: is missing")])
    answer = client.post("/-/reload")
    assert (answer.status_code, "config.yaml:3:1: route: is missing" in answer.text) == (500, True)
    assert home.reloaded == 1


def test_reload_is_not_a_get(client):
    assert client.get("/-/reload").status_code == 405


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://evil.example.org"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://localhost"}, 200),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/json"}, 200),
        ({"Host": "evil.example.org"}, 421),
    ],
)
def test_a_page_of_another_origin_changes_nothing(client, home, headers, status):
    assert status == client.post("/-/reload", headers=headers, data="x=1").status_code
    assert home.reloaded == (1 if status == 200 else 0)


@pytest.mark.parametrize(
    ("host", "known", "allowed"),
    [
        ("localhost:9424", (), True),
        ("127.0.0.1:9424", (), True),
        ("[::1]:9424", (), True),
        ("192.168.1.5:9424", (), True),
        ("watchman:9424", (), True),
        ("home.example.org", (), False),
        ("home.example.org", ("home.example.org",), True),
        ("evil.org:9424", ("home.example.org",), False),
        ("", (), False),
        ("a b", (), False),
    ],
)
def test_only_known_hosts_are_answered(host, known, allowed):
    assert allowed == host_allowed(host, known)


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/", {}, 401),
        ("/api/v1/rules", {}, 401),
        ("/", {"Authorization": "Basic d2F0Y2htYW46czNjcmV0"}, 200),
        ("/", {"Authorization": "Basic d2F0Y2htYW46d3Jvbmc="}, 401),
        ("/", {"Authorization": "Basic nonsense"}, 401),
        ("/api/v1/rules", {"Authorization": "Bearer t0ken"}, 200),
        ("/api/v1/rules", {"Authorization": "Bearer s3cret"}, 401),
        ("/api/v1/rules", {"Authorization": "Bearer "}, 401),
        ("/metrics", {}, 200),
        ("/-/healthy", {}, 200),
        ("/-/ready", {}, 200),
    ],
)
def test_with_auth_only_health_and_metrics_stay_open(client, home, path, headers, status):
    home.access = Access(username="watchman", password="s3cret", bearer_token="t0ken")
    assert status == client.get(path, headers=headers).status_code


def test_the_page_says_what_is_worst_in_plain_words(client, home):
    alert = ActiveAlert("f", FIRING.labels, {"summary": "Power cut <script>"}, NOW - 50, since=NOW - 60)
    home.view = Overview(
        "Home <b>",
        ZoneInfo("America/Los_Angeles"),
        NOW,
        {"production": 4630.0, "consumption": 190.0, "grid_feed_in": 1000.0, "battery_discharge": -1500.0,
         "state_of_charge": 84.0},
        NOW - 3,
        firing=[alert],
        pending=[("BatteryIdle", NOW - 5)],
        deliveries=[Delivery(NOW - 40, "phone", "Power cut", "sent"), Delivery(NOW, "mail", "x", "dead", "535 no")],
        problems=["Messages to mail do not get through"],
    )  # fmt: skip
    page = client.get("/").text
    for text in ("Power cut &lt;script&gt;", "4.6 kW", "190 W", "84 %", "takes 1.5 kW", "sells", "14:01:10", "535 no"):
        assert text in page
    assert "<script>" not in page.replace('<script src="/static/page.js" defer></script>', "")
    assert "Home <b>" not in page


def test_without_an_urgent_alert_the_worst_problem_is_the_verdict(client, home):
    problem = "Prometheus does not answer: connection refused"
    home.view = Overview("Home", ZoneInfo("UTC"), NOW, {}, None, problems=[problem])
    page = client.get("/").text
    assert '<h1 class="ill">Prometheus does not answer</h1>' in page
    assert problem in page


def test_the_page_never_shows_zeros_for_what_it_does_not_know(client):
    page = client.get("/live").text
    assert "unknown" in page
    assert "data is missing" in page
    assert "0 W" not in page


def test_every_answer_carries_the_safe_headers(client):
    for path in ("/", "/metrics", "/nope"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_metrics_are_plain_text(client):
    answer = client.get("/metrics")
    assert (answer.text, answer.content_type.startswith("text/plain; version=0.0.4")) == ("up 1\n", True)


def test_an_unknown_path_is_a_plain_404(client):
    answer = client.get("/nope")
    assert (answer.status_code, answer.text.startswith("404 Not Found")) == (404, True)


def test_an_expected_fault_is_one_line_not_a_traceback(home, client):
    class Broken:
        def __iter__(self):
            raise StoreError("the disk is full")

    home.statuses = Broken()
    answer = client.get("/api/v1/rules")
    assert (answer.status_code, answer.text) == (503, "the disk is full\n")


@pytest.mark.parametrize("origin", ["http://[x", "http://[::1]]", "null", "http://localhost@evil.example", "x" * 5000])
def test_an_origin_that_is_no_address_is_a_foreign_one(home, client, origin):
    assert client.post("/-/reload", headers={"Origin": origin}).status_code == 403
    assert home.reloaded == 0


@pytest.mark.parametrize("host", ["[x", "a]b"])
def test_a_host_that_is_no_address_is_unknown(host):
    assert not host_allowed(host, ())


def test_a_webhook_is_handed_on_with_the_receiver_of_its_path(client, home):
    assert client.post("/webhook/alertmanager", json={"version": "4"}).status_code == 200
    assert client.post("/webhook/alertmanager/mail", json={"version": "4"}).status_code == 200
    assert home.taken == [(None, {"version": "4"}), ("mail", {"version": "4"})]


@pytest.mark.parametrize(
    ("fault", "status"),
    [(WebhookError("no version"), 400), (WebhookError("no receiver"), 404), (StoreError("the disk is full"), 503)],
)
def test_a_webhook_that_is_not_taken_gets_its_status_and_a_sentence(client, home, fault, status):
    if status == 404:
        fault = WebhookError(str(fault), 404)
    home.fault = fault
    answer = client.post("/webhook/alertmanager", json={})
    assert (answer.status_code, answer.text) == (status, f"{fault}\n")


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"\xff\xfe", {}, 400),
        (b"[" * 100_000, {}, 400),
        (b'"' + b"x" * MAX_BYTES + b'"', {}, 413),
        (b"{}", {"Origin": "http://evil.example"}, 403),
        (b"version=4", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
    ],
    ids=["no JSON", "no text", "too deep", "too large", "foreign page", "form"],
)
def test_a_bad_webhook_never_reaches_the_store(client, home, body, headers, status):
    answer = client.post("/webhook/alertmanager", data=body, headers={"Content-Type": "application/json", **headers})
    assert (answer.status_code, home.taken) == (status, [])
    assert len(answer.text) > 20


def test_a_webhook_of_more_than_a_mebibyte_is_taken(client, home):
    assert client.post("/webhook/alertmanager", json={"text": "x" * 2_000_000}).status_code == 200
    assert len(home.taken) == 1


def test_a_webhook_needs_the_password_where_there_is_one(client, home):
    home.access = Access(bearer_token="secret")
    assert client.post("/webhook/alertmanager", json={}).status_code == 401
    assert client.post("/webhook/alertmanager", json={}, headers={"Authorization": "Bearer secret"}).status_code == 200
