"""The power balance names what is wrong: a table of homes and faults."""

from __future__ import annotations

import pytest

from watchman.energy.balance import diagnose
from watchman.energy.slots import Role

P, L, F, D = Role.PRODUCTION, Role.CONSUMPTION, Role.GRID_FEED_IN, Role.BATTERY_DISCHARGE
# A morning: the battery empties, the sun takes over, charges it, and the rest is sold. Watts, each row adds up.
MORNING = [
    # production, consumption, feed-in, discharge
    (0, 500, 0, 500),
    (0, 2200, -1700, 500),
    (300, 600, 0, 300),
    (1500, 500, 0, -1000),
    (3000, 450, 550, -2000),
    (4200, 700, 1500, -2000),
    (5000, 2800, 2200, 0),
    (5200, 400, 4800, 0),
]
NIGHT = [(0, 400 + 20 * n, -(400 + 20 * n), 0) for n in range(8)]


def points(rows=MORNING, **changes):
    """The powers by role; `f=-1` multiplies the feed-in."""
    columns = dict(zip((P, L, F, D), zip(*rows, strict=True), strict=True))
    factors = {P: changes.get("p", 1), L: changes.get("l", 1), F: changes.get("f", 1), D: changes.get("d", 1)}
    return {role: [value * factors[role] for value in columns[role]] for role in columns if factors[role] is not None}


@pytest.mark.parametrize(
    ("measured", "words"),
    [
        pytest.param(points(), [], id="all is well"),
        pytest.param(points(l=1.04), [], id="meters differ a little"),
        pytest.param(points(f=-1), ["the sign of grid_feed_in is turned: write -(...) around"], id="feed-in turned"),
        pytest.param(points(d=-1), ["the sign of battery_discharge is turned"], id="battery turned"),
        pytest.param(
            points(f=-1, d=-1),
            ["the sign of grid_feed_in is turned", " and ", "the sign of battery_discharge is turned"],
            id="both turned",
        ),
        pytest.param(points(p=1000), ["production is in mW: write (...) / 1000"], id="sun in mW"),
        pytest.param(points(p=0.001), ["production is in kW: write (...) / 0.001"], id="sun in kW"),
        pytest.param(points(l=0.001), ["consumption is in kW"], id="house in kW"),
        pytest.param(points(d=1000), ["battery_discharge is in mW"], id="battery in mW"),
        pytest.param(
            points(f=1000, d=-1),
            ["grid_feed_in is in mW", "the sign of battery_discharge is turned"],
            id="a unit and a sign",
        ),
        pytest.param(points(p=1000, l=1000, f=1000, d=1000), ["are the powers in mW?"], id="all in mW"),
        pytest.param(points(p=0.001, l=0.001, f=0.001, d=0.001), ["are the powers in kW?"], id="all in kW"),
        pytest.param(points(p=-1), ["production is -2400 W on average and must not be negative"], id="sun negative"),
        pytest.param(points(l=-1), ["consumption is -1019 W on average"], id="house negative"),
        pytest.param(points(d=None), ["metrics.battery_discharge is missing"], id="a battery nobody configured"),
        pytest.param(points(f=None), ["metrics.grid_feed_in is missing"], id="the grid nobody configured"),
        pytest.param(points(p=None, d=None), [], id="too little is configured to tell"),
        pytest.param(points(NIGHT, d=None), [], id="a home without a battery adds up"),
        pytest.param(points(NIGHT), [], id="a night: what was 0 says nothing"),
        pytest.param(points(NIGHT, p=1000, d=-1), [], id="faults that a night cannot show"),
        pytest.param(points(NIGHT, f=-1), ["the sign of grid_feed_in is turned"], id="a night shows the grid's sign"),
        pytest.param(points(l=3), ["no single sign or unit explains it"], id="another house's meter"),
        pytest.param(points(MORNING[:5], f=-1), [], id="too few points"),
        pytest.param({}, [], id="nothing"),
    ],
)
def test_the_balance_names_the_fault(measured, words) -> None:
    found = " ".join(diagnose(measured))

    assert all(part in found for part in words), found
    assert bool(found) == bool(words), found
