"""Webhook version 4: everything that can be read is read, anything else is refused with a sentence."""

from __future__ import annotations

from typing import Any

import pytest

from watchman.alertmanager.webhook import Webhook, WebhookAlert, WebhookError, read_webhook
from watchman.localtime import LAST_S

NOW = 1_700_000_000.0
ZERO = "0001-01-01T00:00:00Z"


def alert(**changes: Any) -> dict[str, Any]:
    whole: dict[str, Any] = {
        "status": "firing",
        "labels": {"alertname": "A", "host": "h"},
        "annotations": {"summary": "it is on"},
        "startsAt": "2023-11-14T22:00:00.123456789Z",
        "endsAt": ZERO,
        "generatorURL": "http://p:9090/graph?g0.expr=up",
        "fingerprint": "0011223344556677",
    }
    return {**whole, **changes}


def document(*alerts: Any, **changes: Any) -> dict[str, Any]:
    whole: dict[str, Any] = {
        "version": "4",
        "groupKey": '{}:{alertname="A"}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "phone",
        "groupLabels": {"alertname": "A"},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://am:9093",
        "alerts": list(alerts or [alert()]),
    }
    return {**whole, **changes}


def test_a_group_as_alertmanager_sends_it() -> None:
    got = read_webhook(document(), NOW)

    (one,) = got.alerts
    assert (got.group_key, got.receiver, got.group_labels) == ('{}:{alertname="A"}', "phone", {"alertname": "A"})
    assert one.starts_at == pytest.approx(1_699_999_200.123456)
    assert one.ends_at is None
    assert one.labels == {"alertname": "A", "host": "h"}
    assert (one.annotations, one.generator_url) == ({"summary": "it is on"}, "http://p:9090/graph?g0.expr=up")


def test_a_resolved_alert_has_its_end() -> None:
    (one,) = read_webhook(document(alert(status="resolved", endsAt="2023-11-14T23:10:00+01:00")), NOW).alerts

    assert one.ends_at == 1_699_999_800.0


ODD: dict[str, tuple[dict[str, Any], Webhook]] = {
    "nothing but the version and the list": (
        {"version": "4", "alerts": []},
        Webhook("", "", {}, ()),
    ),
    "version as a number": ({"version": 4, "alerts": [{}]}, Webhook("", "", {}, (WebhookAlert({}),))),
    "unknown fields of newer versions": (
        {"version": "4", "alerts": [], "notification_reason": "first notification", "routeLabels": {}, "new": [1]},
        Webhook("", "", {}, ()),
    ),
    "a name that was quoted as a regular expression": (
        {"version": "4", "alerts": [], "receiver": r"my\.phone-1\(x\)"},
        Webhook("", "my.phone-1(x)", {}, ()),
    ),
    "labels that are no texts": (
        {"version": "4", "alerts": [{"labels": {"a": 1, "b": None, "c": True, "d": ""}, "annotations": 7}]},
        Webhook("", "", {}, (WebhookAlert({"a": "1", "c": "True"}),)),
    ),
    "an alert without a status has its group's": (
        {"version": "4", "status": "resolved", "alerts": [{"labels": {"a": "b"}}]},
        Webhook("", "", {}, (WebhookAlert({"a": "b"}, ends_at=NOW),)),
    ),
    "an end that is ahead, not there, or no time": (
        {
            "version": "4",
            "alerts": [
                {"status": "resolved", "endsAt": "2099-01-01T00:00:00Z"},
                {"status": "resolved", "endsAt": ZERO},
                {"status": "resolved", "endsAt": "soon"},
                {"status": "resolved", "endsAt": 5, "startsAt": []},
            ],
        },
        Webhook("", "", {}, (WebhookAlert({}, ends_at=NOW),) * 4),
    ),
    "alerts that are no objects are counted": (
        {"version": "4", "alerts": [3, None, {"labels": {"a": "b"}}], "truncatedAlerts": 12},
        Webhook("", "", {}, (WebhookAlert({"a": "b"}),), truncated=12, unreadable=2),
    ),
    "half a surrogate pair, which could not be written down": (
        {"version": "4", "groupKey": "\ud800", "receiver": "\udfff", "alerts": [{"labels": {"a\ud800": "\ud800"}}]},
        Webhook("\ufffd", "\ufffd", {}, (WebhookAlert({"a\ufffd": "\ufffd"}),)),
    ),
    "a start that has no local time everywhere": (
        {"version": "4", "alerts": [{"labels": {"a": "b"}, "startsAt": "9999-12-31T23:59:59Z"}]},
        Webhook("", "", {}, (WebhookAlert({"a": "b"}, starts_at=LAST_S),)),
    ),
    "a count that is none": ({"version": "4", "alerts": [], "truncatedAlerts": "many"}, Webhook("", "", {}, ())),
}


@pytest.mark.parametrize(("given", "expected"), ODD.values(), ids=ODD.keys())
def test_every_field_is_tolerated(given: dict[str, Any], expected: Webhook) -> None:
    assert read_webhook(given, NOW) == expected


REFUSED: dict[str, tuple[Any, str]] = {
    "list": ([], "not a JSON object"),
    "text": ("hello", "not a JSON object"),
    "null": (None, "not a JSON object"),
    "no version": ({"alerts": []}, "no version"),
    "version 3": (document(version="3"), "version '3' is not known; watchman takes version 4"),
    "version of somebody else": (document(version={"a": "b" * 90}), "is not known"),
    "no alerts": ({"version": "4"}, "no list of alerts"),
    "alerts as an object": (document(alerts={}), "no list of alerts"),
}


@pytest.mark.parametrize(("given", "sentence"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_webhook_is_refused_with_a_sentence(given: Any, sentence: str) -> None:
    with pytest.raises(WebhookError, match=sentence) as caught:
        read_webhook(given, NOW)

    assert (caught.value.status, len(str(caught.value)) < 200) == (400, True)
