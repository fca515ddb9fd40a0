"""Money: each quarter of an hour at its own price, unknown where a price or an energy is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchman.energy.money import Amount, added, amounts, cost
from watchman.energy.slots import Flow, Slot

T0 = 1_800_000_000
CHEAP, DEAR = 0.2, 0.6
PRICES = {T0: CHEAP, T0 + 900: DEAR}


def slot(flow: Flow, wh: float, n: int = 0, covered_s: float = 900.0) -> Slot:
    return Slot("home", T0 + 900 * n, flow, wh, covered_s, 0.0)


def test_every_quarter_has_its_own_price() -> None:
    found = amounts([slot(Flow.GRID_IMPORT, 1000), slot(Flow.GRID_IMPORT, 500, 1)], PRICES)

    assert found == {Flow.GRID_IMPORT: Amount(pytest.approx(CHEAP + DEAR / 2), 1500, 0)}


def test_import_is_paid_export_is_earned_and_saved_is_against_buying_everything() -> None:
    rows = [slot(Flow.CONSUMPTION, 21_900), slot(Flow.GRID_IMPORT, 7_600), slot(Flow.GRID_EXPORT, 11_200)]
    money = cost("USD", amounts(rows, {T0: 0.32}), amounts(rows, {T0: 0.08}), standing=0.5)

    assert (money.imported, money.exported, money.standing) == pytest.approx((2.432, 0.896, 0.5))
    assert (money.net, money.without_system, money.saved) == pytest.approx((2.036, 7.508, 5.472))


def test_without_the_energies_money_is_not_known() -> None:
    rows = [slot(Flow.CONSUMPTION, 1000), slot(Flow.GRID_EXPORT, 500)]
    money = cost("EUR", amounts(rows, {T0: 0.32}), amounts(rows, {T0: 0.0}))

    assert (money.imported, money.exported, money.saved, money.net) == (None, 0, None, None)


def test_what_was_not_measured_costs_nothing_and_is_not_known() -> None:
    assert amounts([slot(Flow.GRID_IMPORT, 500, covered_s=0)], PRICES) == {}


@pytest.mark.parametrize(("unpriced_wh", "known"), [(20, True), (21, False)], ids=["2 %", "more"])
def test_money_is_told_while_almost_all_energy_has_a_price(unpriced_wh, known) -> None:
    rows = [slot(Flow.GRID_IMPORT, 1000 - unpriced_wh), slot(Flow.GRID_IMPORT, unpriced_wh, 5)]

    money = cost("EUR", amounts(rows, PRICES), {})

    assert (money.imported is not None, money.unpriced_wh) == (known, unpriced_wh)


@pytest.mark.parametrize(
    ("flow", "n", "worth"),
    [
        (Flow.BATTERY_TO_LOAD, 1, 0.6),
        (Flow.BATTERY_TO_GRID, 1, 0.1),
        (Flow.SOLAR_TO_BATTERY, 1, -0.1),
        (Flow.GRID_TO_BATTERY, 0, -0.2),
        (Flow.SOLAR_TO_LOAD, 1, 0),
    ],
)
def test_the_battery_is_worth_what_it_spared_less_what_it_took(flow, n, worth) -> None:
    base = [slot(one, 0) for one in (Flow.GRID_IMPORT, Flow.GRID_EXPORT, Flow.BATTERY_CHARGE, Flow.BATTERY_DISCHARGE)]
    rows = [*base, slot(flow, 1000, n)]

    money = cost("EUR", amounts(rows, PRICES), amounts(rows, {T0: 0.1, T0 + 900: 0.1}), battery=True)

    assert money.battery == pytest.approx(worth)


def test_a_home_without_a_battery_has_no_value_of_it() -> None:
    rows = [slot(Flow.GRID_IMPORT, 100), slot(Flow.GRID_EXPORT, 100)]

    assert cost("EUR", amounts(rows, PRICES), amounts(rows, PRICES), battery=False).battery is None
    assert cost("EUR", amounts(rows, PRICES), amounts(rows, PRICES), battery=True).battery is None


ROWS = st.lists(
    st.tuples(st.sampled_from([Flow.GRID_IMPORT, Flow.GRID_EXPORT, Flow.CONSUMPTION]), st.integers(0, 3000)),
    max_size=40,
)


@given(ROWS, st.integers(0, 40), st.randoms())
def test_the_cost_of_a_period_is_the_sum_of_its_parts_in_any_order(rows, cut, random) -> None:
    slots = [slot(flow, float(wh), n) for n, (flow, wh) in enumerate(rows)]
    prices = {T0 + 900 * n: (n % 7) / 10 - 0.1 for n in range(41) if n % 11}

    whole = amounts(random.sample(slots, len(slots)), prices)
    parts = added(amounts(slots[:cut], prices), amounts(slots[cut:], prices))

    assert parts.keys() == whole.keys()
    for flow, amount in whole.items():
        assert parts[flow].value == pytest.approx(amount.value)
        assert (parts[flow].wh, parts[flow].unpriced_wh) == (amount.wh, amount.unpriced_wh)
