"""Reasons as a table, and the ladder of severities."""

from __future__ import annotations

import pytest
from notify_world import HOUR, MINUTE, alert

from watchman.notify.dedup import LogEntry, Reason, decide, wants_over
from watchman.notify.severity import group_wait_s, repeat_after_s, repeats_s, worst

A, B = alert("A"), alert("B")
a, b = A.fingerprint, B.fingerprint


@pytest.mark.parametrize(
    ("told", "firing", "resolved", "age_s", "repeat_s", "expected"),
    [
        ((), (), (), 0, 60, Reason.NOTHING),
        ((), (a,), (), 0, 60, Reason.FIRST),
        ((A,), (a,), (), 1, 60, Reason.NOTHING),
        ((A,), (a, b), (), 1, 60, Reason.NEW_ALERTS),
        ((A, B), (a,), (), 1, 60, Reason.NOTHING),
        ((A, B), (a,), (b,), 1, 60, Reason.SOME_RESOLVED),
        ((A,), (), (a,), 1, 60, Reason.ALL_RESOLVED),
        ((A,), (), (b,), 1, 60, Reason.NOTHING),
        ((A,), (b,), (a,), 1, 60, Reason.NEW_ALERTS),
        ((A,), (a,), (), 60, 60, Reason.NOTHING),
        ((A,), (a,), (), 60.001, 60, Reason.REPEAT),
        ((A,), (a,), (), 1e9, None, Reason.NOTHING),
        ((A,), (), (), 1e9, 60, Reason.NOTHING),
    ],
)
def test_the_reason(
    told: tuple, firing: tuple, resolved: tuple, age_s: float, repeat_s: float | None, expected: Reason
) -> None:
    entry = LogEntry(told, sent_at=1000.0) if told else None

    assert decide(entry, firing, resolved, 1000.0 + age_s, repeat_s) is expected


def test_not_all_is_over_while_a_muted_alert_goes_on() -> None:
    entry = LogEntry((A, B), 0.0)

    assert decide(entry, (), (a,), 1.0, None, still_open=True) is Reason.SOME_RESOLVED


@pytest.mark.parametrize(
    ("annotation", "send_resolved", "expected"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"send_resolved": "false"}, True, False),
        ({"send_resolved": "true"}, True, True),
    ],
)
def test_over_is_told_if_receiver_and_alert_want_it(annotation: dict, send_resolved: bool, expected: bool) -> None:
    assert wants_over(alert(annotations=annotation), send_resolved) is expected


@pytest.mark.parametrize(
    ("severity", "expected"),
    [
        ("critical", [15 * MINUTE, HOUR, 4 * HOUR, 4 * HOUR]),
        ("warning", [24 * HOUR] * 4),
        ("notice", [None] * 4),
        ("info", [None] * 4),
        ("", [4 * HOUR] * 4),
        ("page", [4 * HOUR] * 4),
    ],
)
def test_each_severity_has_its_ladder_of_repeats(severity: str, expected: list[float | None]) -> None:
    assert [repeat_after_s(repeats_s(severity), repeats) for repeats in range(4)] == expected


def test_critical_waits_five_seconds_for_company_and_all_else_thirty() -> None:
    assert [group_wait_s(name) for name in ("critical", "warning", "notice", "")] == [5.0, 30.0, 30.0, 30.0]


def test_the_worst_severity_is_found_unknown_ones_between_warning_and_notice() -> None:
    assert worst(["info", "page", "notice"]) == "page"
    assert worst(["page", "warning"]) == "warning"
    assert worst([]) == ""
