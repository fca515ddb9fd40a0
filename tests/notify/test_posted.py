"""What a post means for the alert known before: Alertmanager's rules."""

from __future__ import annotations

import pytest

from watchman.notify.message import Source
from watchman.notify.posted import PostedAlert, as_active, merge, with_times

NOW = 1000.0


def alert(starts_at: float, ends_at: float | None, *, by_timeout: bool = False, text: str = "") -> PostedAlert:
    return PostedAlert("f", Source.PROMETHEUS, {"a": "b"}, {"t": text}, starts_at, ends_at, NOW, by_timeout=by_timeout)


@pytest.mark.parametrize(
    ("starts_at", "ends_at", "expected"),
    [
        (None, None, (NOW, NOW + 300, True)),
        (None, 900.0, (900.0, 900.0, False)),
        (800.0, None, (800.0, NOW + 300, True)),
        (800.0, 900.0, (800.0, 900.0, False)),
    ],
)
def test_missing_times_are_filled_in(
    starts_at: float | None, ends_at: float | None, expected: tuple[float, float, bool]
) -> None:
    assert with_times(starts_at, ends_at, NOW, 300.0) == expected


@pytest.mark.parametrize(
    ("old", "new", "start", "end"),
    [
        pytest.param(alert(500, 1200), alert(500, 1300), 500, 1300, id="told again"),
        pytest.param(alert(500, 1200), alert(600, 1300), 500, 1300, id="the earliest start wins"),
        pytest.param(alert(500, 1400), alert(600, 1300), 500, 1400, id="a named end that is later rules"),
        pytest.param(alert(500, 1400, by_timeout=True), alert(600, 1300), 500, 1300, id="a time-out gives way"),
        pytest.param(alert(500, 1200), alert(500, 900), 500, 900, id="resolved"),
        pytest.param(alert(500, 990), alert(500, 900), 500, 990, id="both resolved: the later end"),
        pytest.param(alert(500, 900), alert(500, 990), 500, 990, id="both resolved: the newer is later"),
        pytest.param(alert(500, 600), alert(700, 1300), 700, 1300, id="no overlap: the newer replaces"),
        pytest.param(alert(500, None), alert(500, 950), 500, 950, id="an open end is closed"),
        pytest.param(alert(500, None), alert(600, None), 500, None, id="an open end stays open"),
        pytest.param(alert(500, 900), alert(950, None), 950, None, id="it begins anew"),
    ],
)
def test_two_posts_of_one_alert(old: PostedAlert, new: PostedAlert, start: float, end: float | None) -> None:
    merged = merge(old, new, NOW)
    assert (merged.starts_at, merged.ends_at) == (start, end)


def test_the_newest_annotations_win() -> None:
    assert merge(alert(500, 1200, text="old"), alert(600, 1300, text="new"), NOW).annotations == {"t": "new"}


def test_an_alert_has_no_end_until_it_has_come() -> None:
    assert as_active(alert(500, 1200), NOW).ends_at is None
    assert as_active(alert(500, 1000), NOW).ends_at == 1000
    assert as_active(alert(500, None), NOW).firing
