"""`tariff` and `co2`: what is understood, and every fault with its place."""

from __future__ import annotations

from datetime import date

import pytest

from watchman.config import load_config
from watchman.config.tariff import to_co2, to_tariff
from watchman.energy.tariff import Prices, Rate, Standing, flat
from watchman.errors import ConfigError

HEAD = """\
prometheus: {url: http://localhost:9090}
site: {name: home, timezone: Europe/Berlin}
receivers: [{name: nobody}]
route: {receiver: nobody}
"""


OVERLAPPING = """\
tariff:
  export:
    - per_kwh: 0.1
      rates:
        - {per_kwh: 0.3, times: [{start_time: 06:00, end_time: 12:00}]}
        - {per_kwh: 0.2, times: [{start_time: 11:30, end_time: 14:00}]}
"""
CROOKED = """\
tariff:
  import:
    - per_kwh: 0.3
      rates: [{per_kwh: 0.2, times: [{start_time: 06:10, end_time: 07:00}]}]
"""


@pytest.fixture
def load(tmp_path):
    def load(text):
        file = tmp_path / "config.yaml"
        file.write_text(HEAD + text)
        return load_config(file, {})

    return load


@pytest.fixture
def faults(load, tmp_path):
    """`faults(text)`: `line:column: key: message` of every fault; the text begins in line 5."""

    def faults(text):
        with pytest.raises(ConfigError) as error:
            load(text)
        return str(error.value).replace(f"{tmp_path}/config.yaml:", "").replace(str(tmp_path), "DIR").splitlines()

    return faults


def test_the_flat_form_stays_what_it_was(load) -> None:
    config = load("tariff: {currency: USD, import_per_kwh: 0.32, export_per_kwh: 0.08}\n")

    assert to_tariff(config.tariff) == flat(0.32, 0.08, "USD")


@pytest.mark.parametrize("text", ["", "tariff: {currency: USD}\n", "tariff: {holidays: [2026-12-25]}\n"])
def test_without_a_price_no_money_is_told(load, text) -> None:
    assert to_tariff(load(text).tariff) is None


def test_lists_are_understood(load) -> None:
    text = """\
tariff:
  import:
    - {from: 2024-01-01, per_kwh: 0.31}
    - from: 2026-01-01
      per_kwh: 0.28
      rates:
        - per_kwh: 0.62
          months: ["june:september"]
          weekdays: ["monday:friday"]
          times: [{start_time: 16:00, end_time: 21:00}]
        - per_kwh: 0.20
          weekdays: [sunday]
          times: [{start_time: 00:00, end_time: 06:00}, {start_time: 22:00, end_time: 24:00}]
    - {from: 2027-01-01, query: spot_price, factor: 1.19, add: 0.18}
  export: [{per_kwh: 0.0811}]
  standing: [{per_month: 12.9}, {from: 2026-06-01, per_day: 0.5}]
  holidays: [2026-12-25]
co2: {grid: [{from: 2025-01-01, per_kwh: 363}]}
"""
    config = load(text)
    tariff = to_tariff(config.tariff)

    assert tariff.bought == (
        Prices(date(2024, 1, 1), 0.31),
        Prices(
            date(2026, 1, 1),
            0.28,
            (
                Rate(0.62, frozenset((6, 7, 8, 9)), frozenset(range(5)), ((960, 1260),)),
                Rate(0.20, weekdays=frozenset((6,)), minutes=((0, 360), (1320, 1440))),
            ),
        ),
        Prices(date(2027, 1, 1), series=True, factor=1.19, add=0.18),
    )
    assert tariff.sold == (Prices(per_kwh=0.0811),)
    assert tariff.standing == (Standing(12.9, "month"), Standing(0.5, "day", date(2026, 6, 1)))
    assert tariff.holidays == {date(2026, 12, 25)}
    assert to_co2(config.co2) == (Prices(date(2025, 1, 1), 363),)


def test_the_years_csv_is_read_at_start(load, tmp_path) -> None:
    (tmp_path / "prices.csv").write_text("start;per_kwh\n2026-01-01;0,30\n2026-02-01;0,28\n")

    assert to_tariff(load("tariff: {import: [{csv: prices.csv}]}\n").tariff).bought == (Prices(series=True),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "tariff:\n  import:\n    - rates: [{per_kwh: 0.3, weekdays: ['monday:saturday']}]\n",
            "7:7: tariff.import[0].rates: no rate holds on Sundays in January, 00:00 to 24:00; add one, or per_kwh",
        ),
        (
            OVERLAPPING,
            "10:11: tariff.export[0].rates[1]: overlaps rates[0]: both hold on Mondays in January, 11:30 to 12:00",
        ),
        (
            "tariff:\n  import:\n    - {from: 2026-02-01, per_kwh: 0.3}\n    - {from: 2026-01-01, per_kwh: 0.2}\n",
            "8:8: tariff.import[1].from: 2026-01-01 is not after 2026-02-01; write the entries in order of their dates",
        ),
        (
            "tariff:\n  import:\n    - {per_kwh: 0.3}\n    - {per_kwh: 0.2}\n",
            "8:7: tariff.import[1]: needs from: only the first entry may hold ever since",
        ),
        (
            "tariff:\n  import:\n    - {from: spring, per_kwh: 0.3}\n",
            "7:8: tariff.import[0].from: not a day: 'spring'; write it like 2026-01-01",
        ),
        (
            "tariff:\n  import:\n    - per_kwh: 0.3\n      rates: [{per_kwh: 0.2, weekdays: [funday]}]\n",
            "8:15: tariff.import[0].rates[0]: unknown weekday 'funday'; one of sunday, monday",
        ),
        (
            "tariff:\n  import:\n    - per_kwh: 0.3\n      rates: [{per_kwh: 0.2, months: [smarch]}]\n",
            "8:15: tariff.import[0].rates[0]: unknown month 'smarch'; one of january",
        ),
        (
            CROOKED,
            "8:15: tariff.import[0].rates[0]: 06:10: prices change on quarters of an hour",
        ),
        (
            "tariff: {import: [{per_kwh: 0.3, query: price}]}\n",
            "5:19: tariff.import[0]: give one of per_kwh, rates (with per_kwh for all other times), query, csv",
        ),
        (
            "tariff: {import: [{per_kwh: 0.3, add: 0.1}]}\n",
            "5:19: tariff.import[0]: factor and add belong to query or csv",
        ),
        (
            "tariff: {import: [{csv: none.csv}]}\n",
            "5:20: tariff.import[0].csv: cannot read DIR/none.csv: No such file or directory",
        ),
        (
            "tariff: {import_per_kwh: 0.3, import: [{per_kwh: 0.3}]}\n",
            "5:10: tariff.import_per_kwh: give import_per_kwh or import, not both",
        ),
        (
            "tariff: {export_per_kwh: 0.3, export: [{per_kwh: 0.3}]}\n",
            "5:10: tariff.export_per_kwh: give export_per_kwh or export, not both",
        ),
        (
            "tariff: {standing: [{per_day: 1, per_month: 30}]}\n",
            "5:21: tariff.standing[0]: give one of per_day, per_month, per_year",
        ),
        ("tariff: {import: [{per_kwh: .nan}]}\n", "5:20: tariff.import[0].per_kwh: Input should be a finite number"),
        ("co2: {per_kwh: 300, grid: [{per_kwh: 300}]}\n", "5:7: co2.per_kwh: give per_kwh or grid, not both"),
        ("tariff: {imports: []}\n", "5:10: tariff.imports: unknown key"),
    ],
    ids=lambda value: value.split(": ", 2)[-1][:40] if value[0].isdigit() else "",
)
def test_a_fault_has_its_place_and_its_mend(faults, text, expected) -> None:
    found = faults(text)

    assert len(found) == 1
    assert found[0].startswith(expected)


def test_a_fault_in_a_price_file_has_its_line(faults, tmp_path) -> None:
    (tmp_path / "prices.csv").write_text("start,per_kwh\n2026-01-01,0.3\n2026-01-02,much\n")

    assert faults("tariff: {import: [{csv: prices.csv}]}\n") == [
        "5:20: tariff.import[0].csv: DIR/prices.csv: line 3: per_kwh: not a number: 'much'"
    ]
