"""Bodies of the API: whatever comes is read or refused with a status and a sentence; nothing else happens."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from watchman.notify.message import Source
from watchman.series import fingerprint
from watchman.web.read_v2 import BodyError, read_alerts, read_silence

NAMES = st.sampled_from(
    ["labels", "annotations", "startsAt", "endsAt", "generatorURL", "alertname", "matchers", "name", "value", "isRegex",
     "isEqual", "comment", "createdBy", "id", ""]
)  # fmt: skip
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["2026-11-22T10:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "(", "http://x"]),
)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(NAMES, inner, max_size=6)),
    max_leaves=20,
)
ALERTS = st.lists(
    st.fixed_dictionaries(
        {"labels": st.dictionaries(st.sampled_from(["alertname", "a", "b c", ""]), SCALARS, max_size=3)},
        optional=dict.fromkeys(("startsAt", "endsAt", "generatorURL", "annotations"), SCALARS),
    ),
    max_size=4,
)


def outcome(read: Callable[[], Any]) -> Any:
    """What was read, or the fault; anything else that is raised fails the test."""
    try:
        return read()
    except BodyError as error:
        return error


def is_told(error: BodyError) -> bool:
    return 400 <= error.status < 500 and bool(str(error)) and "\n" not in str(error)


@settings(max_examples=60)
@given(st.one_of(DOCUMENTS, ALERTS).map(lambda value: json.dumps(value).encode()))
@example(b"\x00")
@example(b"1" * 5000)
def test_a_body_of_alerts_is_read_or_refused(body: bytes) -> None:
    batch = outcome(lambda: read_alerts(body, Source.PROMETHEUS, 1000.0, 300.0))
    if isinstance(batch, BodyError):
        assert is_told(batch)
        return
    assert all(batch.errors)
    for alert in batch.alerts:
        assert alert.fingerprint == fingerprint(alert.labels)
        assert alert.labels
        assert all(alert.labels.values())
        assert alert.ends_at is not None
        assert alert.starts_at <= alert.ends_at


@settings(max_examples=60)
@given(DOCUMENTS.map(lambda value: json.dumps(value).encode()))
def test_a_body_of_a_silence_is_read_or_refused(body: bytes) -> None:
    found = outcome(lambda: read_silence(body))
    assert not isinstance(found, BodyError) or is_told(found)


def test_every_alert_of_a_batch_is_taken_or_named() -> None:
    items: list[dict[str, Any]] = [{"labels": {"a": str(number)} if number % 3 else {}} for number in range(30)]
    batch = read_alerts(json.dumps(items).encode(), Source.PROMETHEUS, 1000.0, 300.0)
    assert (len(batch.alerts), len(batch.errors)) == (20, 10)
