"""Accounts: months are their days, ratios come from sums, and what is not known is not told."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watchman.energy.account import IRRADIANCE, Plant, account
from watchman.energy.catalogue import FIGURES, provenance, values
from watchman.energy.rows import accounts, row
from watchman.energy.slots import ENERGY_FLOWS, Flow, Provenance, Role, Slot
from watchman.energy.tariff import Prices, Rate, Standing, Tariff
from watchman.localtime import local_day

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = Rate(0.20, minutes=((0, 360), (1320, 1440)))
TARIFF = Tariff(
    "EUR",
    (Prices(per_kwh=0.30, rates=(NIGHT,)), Prices(date(2026, 10, 25), per_kwh=0.40)),
    (Prices(per_kwh=0.08),),
    (Standing(12.40, "month"),),
)
POWERS = (Role.PRODUCTION, Role.CONSUMPTION, Role.GRID_FEED_IN)
PLANT = Plant(BERLIN, POWERS, capacity_wh=10_000, peak_w=9_000, tariff=TARIFF, co2=(Prices(per_kwh=380),))


def quarter(at: int, sun: float = 0, load: float = 100, seconds: float = 900) -> list[Slot]:
    powers = {
        Flow.PRODUCTION: sun,
        Flow.CONSUMPTION: load,
        Flow.GRID_IMPORT: max(0.0, load - sun),
        Flow.GRID_EXPORT: max(0.0, sun - load),
    }
    return [Slot("home", at, flow, wh, seconds, 0.0, wh * 4, at + 5.0, wh * 4, at + 5.0) for flow, wh in powers.items()]


def day_rows(day: date, sun: float = 600) -> list[Slot]:
    """Sun from 08 to 16, a house of 400 W with 100 W for the first five hours."""
    start, end = local_day(day, BERLIN)
    rows = []
    for at in range(int(start), int(end), 900):
        hour = (at - start) / 3600
        rows += quarter(at, sun if 8 <= hour < 16 else 0, 25 if hour < 5 else 100)
    return rows


def ledger(rows: list[Slot]):
    return lambda start, end, flows=(): [r for r in rows if start <= r.start < end and (not flows or r.flow in flows)]


def nothing(_start: float, _end: float) -> dict[str, dict[int, float]]:
    return {}


def of_day(day: date, rows: list[Slot], plant: Plant = PLANT, known: dict | None = None) -> dict[str, float | None]:
    return values(account(rows, *local_day(day, BERLIN), plant, known or {}))


def test_a_day_has_all_its_figures() -> None:
    day = date(2026, 6, 10)
    told = of_day(day, day_rows(day))

    assert told["production_wh"] == 32 * 600
    assert told["consumption_wh"] == 20 * 25 + 76 * 100
    assert told["self_consumption"] == pytest.approx(3200 / 19200)
    assert told["self_sufficiency"] == pytest.approx(3200 / 8100)
    assert told["grid_neutrality"] == pytest.approx(1 - 4900 / 16000)
    assert told["base_load_w"] == 100
    assert told["base_load_share"] == pytest.approx(2400 / 8100)
    assert told["specific_yield"] == pytest.approx(19200 / 9000)
    assert told["capacity_factor"] == pytest.approx(19200 / 9000 / 24)
    assert told["grid_import_15min_w"] == 400
    assert told["cost_import"] == pytest.approx((20 * 25 + 12 * 100) * 0.2e-3 + 3200 * 0.3e-3)
    assert told["cost_export"] == pytest.approx(16 * 0.08)
    assert told["cost_standing"] == pytest.approx(12.40 / 30)
    assert told["cost_net"] == pytest.approx(told["cost_import"] - told["cost_export"] + told["cost_standing"])
    assert told["co2_g"] == pytest.approx(4.9 * 380)
    assert told["co2_avoided_g"] == pytest.approx(3.2 * 380)
    assert told["effective_price"] == pytest.approx(told["cost_net"] / 8.1)
    unknown = (
        "battery_charge_wh",
        "battery_round_trip",
        "equivalent_full_cycles",
        "battery_value",
        "performance_ratio",
    )
    assert [told[name] for name in unknown] == [None] * len(unknown)


def test_nothing_measured_tells_nothing() -> None:
    day = date(2026, 6, 10)
    told = of_day(day, [])

    assert {name for name, value in told.items() if value is not None} == {"cost_standing"}


def test_the_performance_ratio_is_the_yield_over_what_the_sun_gave() -> None:
    day = date(2026, 6, 10)
    start = int(local_day(day, BERLIN)[0])
    sun = {start + 900 * n: 300.0 for n in range(32, 60)}

    told = of_day(day, day_rows(day), known={IRRADIANCE: sun})

    # 28 quarters of 600 Wh over 9 kWp, against 28 quarters of 300 W/m2.
    assert told["performance_ratio"] == pytest.approx((28 * 600 / 9000) / (28 * 75 / 1000))


def test_a_ratio_of_a_month_is_of_its_sums_and_not_the_mean_of_its_days() -> None:
    dull, bright = date(2026, 6, 10), date(2026, 6, 11)
    rows = [*day_rows(dull, sun=50), *day_rows(bright)]
    found, total = accounts(
        "day", local_day(dull, BERLIN)[0], local_day(bright, BERLIN)[1], PLANT, ledger(rows), nothing
    )

    ratios = [one.period.self_consumption for one in found]
    assert ratios == pytest.approx([1.0, 1 / 6])
    assert total.period.self_consumption == pytest.approx((1600 + 3200) / (1600 + 19200))


def test_a_ratio_is_never_made_of_the_days_totals() -> None:
    day = date(2026, 6, 10)
    told = of_day(day, day_rows(day, sun=250))

    # 8 kWh of sun and 8.1 kWh of use would look like a day that used all of it.
    assert told["production_wh"] == 8000
    assert told["self_consumption"] == pytest.approx(0.4)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 40), st.integers(1, 40), st.sampled_from(["15m", "hour", "day", "month", "year"]), st.randoms())
def test_the_rows_of_any_size_add_up_to_the_whole(first, length, by, random) -> None:
    start = local_day(date(2026, 10, 20) + timedelta(days=first % 8), BERLIN)[0] + 900 * first
    rows = [slot for n in range(length * 4) for slot in quarter(int(start) + 900 * n, 37.0 * (n % 9), 100 + n % 5)]
    mixed = random.sample(rows, len(rows))

    found, total = accounts(by, start, start + length * 3600, PLANT, ledger(mixed), nothing)

    for name in ("production_wh", "grid_import_wh", "cost_import", "cost_export", "saved", "co2_g"):
        parts = [values(one)[name] for one in found]
        assert sum(part for part in parts if part is not None) == pytest.approx(values(total)[name]), name
    assert sum(one.cost.standing for one in found) == pytest.approx(total.cost.standing)
    assert sum(one.period.hours for one in found) == pytest.approx(total.period.hours)


def test_a_new_price_leaves_earlier_days_alone() -> None:
    before, after = date(2026, 10, 24), date(2026, 10, 25)
    rows = [*day_rows(before), *day_rows(after)]
    old = Plant(BERLIN, POWERS, tariff=Tariff("EUR", TARIFF.bought[:1], TARIFF.sold))
    new = Plant(BERLIN, POWERS, tariff=Tariff("EUR", TARIFF.bought, TARIFF.sold))

    def saved(day: date, plant: Plant) -> float | None:
        start, end = local_day(day, BERLIN)
        return values(account(ledger(rows)(start, end), start, end, plant, {}))["saved"]

    costs = [[saved(day, plant) for day in (before, after)] for plant in (old, new)]

    assert costs[0][0] == costs[1][0]
    assert costs[0][1] != costs[1][1]


@pytest.mark.parametrize(
    ("day", "hours"),
    [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)],
    ids=["23", "25", "24"],
)
def test_a_day_of_any_length_is_one_row(day, hours) -> None:
    start, end = local_day(day, BERLIN)
    (one,), total = accounts("day", start, end, PLANT, ledger(day_rows(day)), nothing)
    hourly, _ = accounts("hour", start, end, PLANT, ledger(day_rows(day)), nothing)

    made = row(one, "home")
    assert (made["hours"], made["complete"], made["coverage"], len(hourly)) == (hours, True, 1.0, hours)
    assert made["start"].startswith(f"{day}T00:00:00")
    assert total.period.energy_wh == one.period.energy_wh
    assert len({row(part, "home")["start"] for part in hourly}) == hours


def test_a_row_without_data_is_a_row_and_not_zero() -> None:
    start, end = local_day(date(2026, 6, 10), BERLIN)
    (one,), _ = accounts("day", start, end, PLANT, ledger([]), nothing)
    made = row(one, "home")

    assert (made["complete"], made["coverage"], made["production_wh"], made["cost_net"]) == (False, 0.0, None, None)
    assert made["provenance"] == "missing"


def test_the_provenance_is_the_least_sure_of_the_parts() -> None:
    at = int(local_day(date(2026, 6, 10), BERLIN)[0])
    rows = quarter(at)
    rows[0] = Slot("home", at, Flow.PRODUCTION, 1.0, 100.0, 800.0)
    rows[1] = Slot("home", at, Flow.CONSUMPTION, 1.0, 900.0, 0.0, counter_s=900.0)
    one = account(rows, at, at + 900, PLANT, {})

    assert provenance(one, (Flow.CONSUMPTION,)) == Provenance.COUNTER
    assert provenance(one, (Flow.CONSUMPTION, Flow.GRID_IMPORT)) == Provenance.MEASURED
    assert provenance(one, (Flow.CONSUMPTION, Flow.PRODUCTION)) == Provenance.BRIDGED
    assert provenance(one, ENERGY_FLOWS) == Provenance.MISSING


def test_every_figure_is_described() -> None:
    assert len({figure.name for figure in FIGURES}) == len(FIGURES)
    assert [figure.name for figure in FIGURES if not (figure.unit and figure.definition and figure.source)] == []
    assert {flow.value + "_wh" for flow in ENERGY_FLOWS} <= {figure.name for figure in FIGURES}
