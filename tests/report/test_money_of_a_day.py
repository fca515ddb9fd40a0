"""The money of a digest: dynamic prices read and kept, a missing price is told, meters stand beside the figures."""

from __future__ import annotations

import pytest
from worker_world import Store, job, ports_of

from watchman.energy.beside import Wanted
from watchman.energy.meters import Reading
from watchman.energy.slots import Flow
from watchman.energy.tariff import Prices, Rate, Standing, Tariff, flat
from watchman.series import Series
from watchman.worker import run_job


class Kept:
    """Values beside the energies, in a dict."""

    def __init__(self) -> None:
        self.values: dict[int, float] = {}

    def read(self, kind: str, start: float, end: float) -> dict[int, float]:
        return {at: v for at, v in self.values.items() if kind == "import_price" and start <= at < end}

    def add(self, _kind: str, values: dict[int, float]) -> None:
        self.values |= values


def spot(_expr: str, start: float, end: float, step_s: float) -> list[Series]:
    times = [start + step_s * n for n in range(int((end - start) // step_s) + 1)]
    return [Series({}, times, [0.25 for _ in times])]


DYNAMIC = Tariff("EUR", (Prices(series=True, factor=2, add=0.1),), (Prices(per_kwh=0.08),))


def test_a_dynamic_price_is_read_and_kept_and_paid(home) -> None:
    kept, store = Kept(), Store()
    site = home.with_site(tariff=DYNAMIC)
    more = {"wanted": (Wanted("import_price", "spot"),), "read_values": kept.read, "add_values": kept.add}

    first = run_job(job(site, "text"), ports_of(site, store, fetch_range=spot, **more))
    again = run_job(job(site, "text"), ports_of(site, store, **more))

    bought = first["report"]["energy_wh"]["grid_import"] / 1000
    assert first["report"]["cost"]["import"] == pytest.approx(bought * 0.6, abs=1e-3)
    assert again["report"]["cost"] == first["report"]["cost"]
    assert set(kept.values.values()) == {0.25}


def test_a_price_that_is_not_known_is_not_guessed(home) -> None:
    site = home.with_site(tariff=DYNAMIC)

    report = run_job(job(site, "text"), ports_of(site))["report"]

    assert (report["cost"]["import"], report["cost"]["net"], report["cost"]["saved"]) == (None, None, None)
    assert report["warnings"] == [
        "no price is known for part of the import, so its money is not told: check tariff.import"
    ]


def test_a_fault_of_the_price_series_is_a_warning(home) -> None:
    site = home.with_site(tariff=DYNAMIC)

    def two(expr: str, start: float, end: float, step_s: float) -> list[Series]:
        return spot(expr, start, end, step_s) * 2

    ports = ports_of(site, fetch_range=two, wanted=(Wanted("import_price", "spot"),))

    assert "spot gives 2 series" in run_job(job(site), ports)["report"]["warnings"][0]


def test_prices_that_change_within_the_day_are_told_as_a_span(home) -> None:
    peak = Rate(0.62, minutes=((960, 1260),))
    tariff = Tariff("USD", (Prices(per_kwh=0.31, rates=(peak,)),), (Prices(per_kwh=0.08),), (Standing(15, "month"),))
    site = home.with_site(tariff=tariff)

    made = run_job(job(site, "html"), ports_of(site))

    assert "$0.31 to $0.62 per kWh bought, $0.08 per kWh sold, $0.50 a day standing charge" in made["html"]
    assert made["report"]["cost"]["standing"] == 0.5
    cost = made["report"]["cost"]
    assert cost["net"] == pytest.approx(cost["import"] - cost["export"] + 0.5, abs=1e-3)


def test_the_battery_has_a_value_of_its_own(home) -> None:
    site = home.with_site(tariff=flat(0.32, 0.08, "USD"))

    report = run_job(job(site), ports_of(site))["report"]

    flows = report["flows_wh"]
    worth = (flows["battery_to_load"] - flows["grid_to_battery"]) * 0.32 - flows["solar_to_battery"] * 0.08
    worth += flows.get("battery_to_grid", 0) * 0.08
    assert report["cost"]["battery_value"] == pytest.approx(worth / 1000, abs=1e-3)


def test_the_meter_is_in_the_json_and_changes_no_figure(home) -> None:
    readings = [
        Reading(Flow.GRID_IMPORT, home.midnight, 100.0),
        Reading(Flow.GRID_IMPORT, home.midnight + 86400, 110.0),
        Reading(Flow.GRID_IMPORT, home.midnight + 2 * 86400, 120.0),
    ]

    plain = run_job(job(home), ports_of(home))["report"]
    beside = run_job(job(home), ports_of(home, readings=lambda: readings))["report"]

    (meter,) = beside["meters"]
    assert meter["ledger_wh"] == pytest.approx(plain["energy_wh"]["grid_import"], abs=0.01)
    assert meter["deviation"] == pytest.approx(meter["ledger_wh"] / 10_000 - 1, abs=1e-5)
    assert beside | {"meters": []} == plain
