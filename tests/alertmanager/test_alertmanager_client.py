"""One member: what it is told, how its silences are read, what its refusals mean."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from servers import free_port

from watchman.alertmanager.client import Alertmanager, AlertmanagerError, AlertmanagerSettings
from watchman.alertmanager.model import PostableAlert, Silence, SilenceMatcher, rfc3339

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = "s3cr3t-of-mine"
ALERT = PostableAlert({"alertname": "A", "empty": ""}, 1_700_000_000.25, 1_700_000_240.0)


def http(status: str, body: object) -> bytes:
    text = body if isinstance(body, str) else json.dumps(body)
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode()


def test_an_alert_as_it_is_told() -> None:
    alert = PostableAlert({"alertname": "A", "empty": ""}, 1.5, 241.0, {"summary": "s"}, "http://h/graph?x=1")

    assert alert.document() == {
        "labels": {"alertname": "A"},
        "startsAt": "1970-01-01T00:00:01.500Z",
        "endsAt": "1970-01-01T00:04:01.000Z",
        "annotations": {"summary": "s"},
        "generatorURL": "http://h/graph?x=1",
    }


def test_empty_annotations_and_generator_are_left_out() -> None:
    assert set(ALERT.document()) == {"labels", "startsAt", "endsAt"}


def test_a_post_is_json_and_carries_the_credentials(parrot: Callable) -> None:
    server = parrot(http("200 OK", ""))

    Alertmanager(f"{server.url}/am/", AlertmanagerSettings(username="me", password="pw")).post([ALERT])

    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /am/api/v2/alerts HTTP/1.1\r\n")
    assert b"content-type: application/json\r\n" in head.lower()
    assert b"Authorization: Basic bWU6cHc=" in head
    assert json.loads(body) == [ALERT.document()]


REFUSALS = {
    "bad alert, text": (http("400 Bad Request", "start time must be before end time"), 400, "start time must be"),
    "bad alert, JSON text": (http("400 Bad Request", '"bad label"'), 400, "bad label"),
    "schema": (http("422 Unprocessable Entity", {"code": 602, "message": "labels is required"}), 422, "is required"),
    "credentials": (http("401 Unauthorized", ""), 401, "refused the credentials"),
    "wrong path": (http("404 Not Found", "404"), 404, "path prefix"),
    "login page": (http("302 Found", ""), 302, "path prefix"),
    "server": (http("500 Oops", f"token {SECRET}\nx"), 500, "token *** x"),
    "not HTTP": (b"220 mail ESMTP\r\n", None, "cannot be reached"),
    "nothing": (b"", None, "cannot be reached"),
    "cut body": (http("200 OK", "12345")[:-3], None, "cannot be reached"),
}


@pytest.mark.parametrize(("reply", "status", "part"), REFUSALS.values(), ids=REFUSALS.keys())
def test_a_refusal_is_one_error_with_its_status(parrot: Callable, reply: bytes, status: int | None, part: str) -> None:
    member = Alertmanager(parrot(reply).url, AlertmanagerSettings(bearer_token=SECRET, timeout_s=5))

    with pytest.raises(AlertmanagerError) as caught:
        member.post([ALERT])

    text = str(caught.value)
    assert (caught.value.status, part in text) == (status, True), text
    assert SECRET not in text
    assert text.isprintable()


def test_nobody_there() -> None:
    with pytest.raises(AlertmanagerError, match="cannot be reached: Connection refused"):
        Alertmanager(f"http://127.0.0.1:{free_port()}").post([ALERT])


def test_silence_of_the_server_is_a_timeout(parrot: Callable) -> None:
    with pytest.raises(AlertmanagerError, match="no answer in time"):
        Alertmanager(parrot(None).url, AlertmanagerSettings(timeout_s=0.1)).silences()


def silence(**changes: object) -> dict:
    whole: dict[str, object] = {
        "id": "7",
        "status": {"state": "active"},
        "createdBy": "me",
        "comment": "painting",
        "startsAt": "2023-11-14T22:13:20.000Z",
        "endsAt": "2023-11-15T00:13:20.000+01:00",
        "matchers": [{"name": "alertname", "value": "A", "isRegex": False}],
    }
    return {**whole, **changes}


def test_a_silence_without_is_equal_means_equal(parrot: Callable) -> None:
    (got,) = Alertmanager(parrot(http("200 OK", [silence()])).url).silences()

    assert got == Silence(
        "7", (SilenceMatcher("alertname", "A"),), 1_700_000_000.0, 1_700_003_600.0, "active", "me", "painting"
    )


def test_negative_and_regex_matchers_are_kept(parrot: Callable) -> None:
    matchers = [{"name": "a", "value": "b|c", "isRegex": True, "isEqual": False}]
    (got,) = Alertmanager(parrot(http("200 OK", [silence(matchers=matchers)])).url).silences()

    assert got.matchers == (SilenceMatcher("a", "b|c", is_regex=True, is_equal=False),)


SHAPES: dict[str, object] = {
    "web page": "<html>",
    "object": {"silences": []},
    "numbers": [1],
    "no matchers": [silence(matchers=None)],
    "bad time": [silence(startsAt="yesterday")],
    "no status": [silence(status=None)],
}


@pytest.mark.parametrize("body", SHAPES.values(), ids=SHAPES.keys())
def test_anything_else_is_no_list_of_silences(parrot: Callable, body: object) -> None:
    with pytest.raises(AlertmanagerError, match="gave no list of silences"):
        Alertmanager(parrot(http("200 OK", body)).url).silences()


def test_settings_and_addresses_do_not_show_secrets() -> None:
    settings = AlertmanagerSettings(password=SECRET, bearer_token=SECRET, headers={"X": SECRET})

    assert SECRET not in repr(settings)
    assert Alertmanager(f"http://me:{SECRET}@h:9093/").url == "http://h:9093"


def test_times_are_utc_with_milliseconds() -> None:
    assert rfc3339(1_700_000_000.25) == "2023-11-14T22:13:20.250Z"
