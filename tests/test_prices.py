"""Which series of prices and the like a configuration asks for, and from when until when."""

from __future__ import annotations

from datetime import date

import pytest

from watchman.config import load_config
from watchman.energy.beside import Wanted
from watchman.prices import file_values, wanted

CONFIG = """
prometheus: {{url: "http://127.0.0.1:1"}}
site: {{name: home, timezone: Europe/Berlin}}
receivers: [{{name: nobody}}]
route: {{receiver: nobody}}
{more}
"""
DYNAMIC = """
tariff:
  import:
    - {from: 2026-01-01, per_kwh: 0.3}
    - {from: 2026-02-01, query: spot}
    - {from: 2026-03-01, csv: prices.csv}
"""


@pytest.mark.parametrize(
    ("more", "found"),
    [
        pytest.param("", (), id="no tariff at all"),
        pytest.param("tariff: {import_per_kwh: 0.3}", (), id="one price"),
        pytest.param("tariff: {standing: [{per_month: 10}]}", (), id="no price, a charge"),
        pytest.param("tariff: {import: [{query: spot}]}", (Wanted("import_price", "spot"),), id="ever since"),
        pytest.param(
            DYNAMIC, (Wanted("import_price", "spot", date(2026, 2, 1), date(2026, 3, 1)),), id="until the next entry"
        ),
        pytest.param(
            "co2: {grid: [{query: grams}]}\nsolar: {irradiance: sun}",
            (Wanted("co2", "grams", smooth=True), Wanted("irradiance", "sun", smooth=True)),
            id="what is averaged",
        ),
    ],
)
def test_what_is_asked_of_prometheus(tmp_path, more, found) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG.format(more=more))
    (tmp_path / "prices.csv").write_text("\ufeffstart;per_kwh\n2026-02-28;0,2\n2026-03-01;0,4\n", encoding="utf-8")
    config = load_config(tmp_path / "config.yaml")

    assert wanted(config) == found
    # 28 February belongs to the entry before, whatever the file says of it.
    prices = file_values(config)("import_price", 1772233200.0, 1772406000.0)
    assert sorted(set(prices.values())) == ([0.4] if more == DYNAMIC else [])
