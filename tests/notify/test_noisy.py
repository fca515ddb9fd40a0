"""Who alerts most, and what would make it quieter."""

from __future__ import annotations

import pytest
from notify_world import DAY, HOUR, MINUTE

from watchman.notify.noisy import Firing, suggest, who_alerts_most

MONTH_S = 30 * DAY


def firings(
    every_s: float, lasting_s: float, count: int, name: str = "A", *, told: bool = True, value: float | None = None
) -> list[Firing]:
    return [
        Firing(name, name, "warning", number * every_s, number * every_s + lasting_s, value, told)
        for number in range(count)
    ]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (firings(20 * MINUTE, 15 * MINUTE, 14), "keep_firing_for: 10m would leave 1 of 14"),
        (firings(5 * HOUR, 4 * MINUTE, 8), "for longer by 5m would leave 0 of 8"),
        (firings(DAY, 6 * HOUR, 20), "news_after: 1d would leave 1 of 20"),
        (firings(20 * DAY, 6 * HOUR, 3), "a stricter threshold"),
        (firings(20 * DAY, 6 * HOUR, 3, value=7012.0), "a stricter threshold; half of them began at 7012 or more"),
    ],
    ids=["comes back soon", "short", "every night", "seldom and long", "its values"],
)
def test_the_gentlest_change_that_halves_it_is_suggested(found: list[Firing], expected: str) -> None:
    assert suggest(found, 1000 * DAY) == expected


def test_alerts_of_different_batteries_are_not_joined() -> None:
    two = [Firing("A", str(number % 2), "warning", number * 60.0, number * 60.0 + 7200.0) for number in range(2)]

    assert suggest(two, 1e9).startswith("a stricter threshold")


def test_the_noisiest_come_first_and_quiet_rules_are_not_named() -> None:
    found = [
        *firings(DAY, HOUR, 4, "Told"),
        *firings(DAY, HOUR, 9, "Held", told=False),
        *firings(DAY, HOUR, 5, "Quiet", told=False),
        *firings(DAY, HOUR, 2, "Seldom"),
        *firings(HOUR, MINUTE, 12, "Worst"),
    ]
    noisy = who_alerts_most(found, MONTH_S)

    assert [(rule.alertname, rule.incidents, rule.told) for rule in noisy] == [
        ("Worst", 12, 12),
        ("Told", 4, 4),
        ("Held", 9, 0),
    ]
    assert noisy[0].firing_s == 12 * MINUTE


def test_an_incident_that_goes_on_counts_up_to_the_end_of_the_period() -> None:
    (rule,) = who_alerts_most([*firings(DAY, HOUR, 2), Firing("A", "A", "", 3 * DAY, None, told=True)], 3 * DAY + 60)

    assert rule.firing_s == 2 * HOUR + 60
    assert rule.severity == ""


def test_nothing_is_noisy_where_nothing_alerted() -> None:
    assert who_alerts_most([], MONTH_S) == []
