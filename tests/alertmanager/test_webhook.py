"""Webhook version 4: everything that can be read is read, anything else is refused with a sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, settings
from hypothesis import given as drawn
from hypothesis import strategies as st

from watchman.alertmanager.webhook import Webhook, WebhookAlert, WebhookError, read_webhook
from watchman.localtime import FIRST_S, LAST_S

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


FIELDS = ["version", "groupKey", "receiver", "status", "groupLabels", "truncatedAlerts", "alerts", "labels",
          "annotations", "startsAt", "endsAt", "generatorURL", "alertname"]  # fmt: skip
ANYTHING = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=5),
        st.sampled_from(["4", "firing", "resolved", ZERO, "9999-12-31T23:59:59-23:59", "2023-W01", "\ud800"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.one_of(st.sampled_from(FIELDS), st.text(max_size=3)), inner)
    ),
    max_leaves=20,
)
ALERT = st.fixed_dictionaries({}, optional=dict.fromkeys([*FIELDS[7:12], "status"], ANYTHING))
WEBHOOK = st.fixed_dictionaries(
    {"version": st.sampled_from(["4", 4]), "alerts": st.lists(st.one_of(ALERT, ANYTHING), max_size=3)},
    optional=dict.fromkeys(FIELDS[1:6], ANYTHING),
)


@settings(max_examples=40, deadline=None)
@drawn(st.one_of(WEBHOOK, ANYTHING))
@example({"version": "4", "alerts": [{"annotations": {"\ud800": ""}, "startsAt": "9999-12-31T23:59:59Z"}]})
def test_whatever_comes_is_read_or_refused_and_can_be_written_down(document: Any) -> None:
    try:
        got = read_webhook(json.loads(json.dumps(document)), NOW)
    except WebhookError as error:
        str(error).encode()
        return
    texts = [got.group_key, got.receiver, *got.group_labels.items()]
    for one in got.alerts:
        texts += [one.generator_url, *one.labels.items(), *one.annotations.items()]
        assert all(FIRST_S <= at <= LAST_S for at in (one.starts_at, one.ends_at) if at is not None)
        assert one.ends_at is None or one.ends_at <= NOW
    "".join("".join(text) for text in texts).encode()
