"""Coverage weighed by expected energy."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from watchman.energy.expected import expected_coverage, profile
from watchman.energy.slots import Flow, Role, Slot

UTC = ZoneInfo("UTC")
DAY = 1_793_491_200
FLOWS = (Flow.PRODUCTION, Flow.STATE_OF_CHARGE)


def day(number: int, *, without: range = range(0)) -> list[Slot]:
    """Sun from 10 to 14 o'clock, 1 kW; nothing was measured in the hours of `without`."""
    rows = []
    for quarter in range(96):
        hour, covered = quarter // 4, 0.0 if quarter // 4 in without else 900.0
        wh = 250.0 if 10 <= hour < 14 and covered else 0.0
        rows += [Slot("home", DAY + number * 86400 + quarter * 900, flow, wh, covered, 0.0) for flow in FLOWS]
    return rows


@pytest.mark.parametrize(
    ("without", "sun", "gauge"),
    [
        pytest.param(range(0), 1.0, 1.0, id="a whole day"),
        pytest.param(range(6), 1.0, 0.75, id="six hours at night weigh nothing"),
        pytest.param(range(10, 12), 0.5, 22 / 24, id="two hours at noon weigh half"),
        pytest.param(range(24), 0.0, 0.0, id="nothing"),
    ],
)
def test_an_hour_at_noon_weighs_more_than_one_at_night(without, sun, gauge) -> None:
    usual = profile([*day(-1), *day(-2, without=range(10, 11))], UTC)

    shares = expected_coverage(
        day(0, without=without), usual, (Role.PRODUCTION, Role.STATE_OF_CHARGE), DAY, DAY + 86400, UTC
    )

    assert shares == pytest.approx({Role.PRODUCTION: sun, Role.STATE_OF_CHARGE: gauge})


def test_without_a_past_time_counts() -> None:
    shares = expected_coverage(day(0, without=range(6)), {}, (Role.PRODUCTION,), DAY, DAY + 86400, UTC)

    assert shares == pytest.approx({Role.PRODUCTION: 0.75})
