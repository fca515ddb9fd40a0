"""`watchman energy show` and `export`: rows of a real store, as a table, JSON and CSV."""

import csv
import io
import json
import sys
from datetime import date
from zoneinfo import ZoneInfo

import pytest

from watchman import cli
from watchman.energy.meters import Reading
from watchman.energy.slots import Flow, Slot
from watchman.localtime import local_day
from watchman.store import open_store
from watchman.store.ledger import write_slots
from watchman.store.meters import write_readings

CONFIG = """
prometheus: {url: http://127.0.0.1:1}
site: {name: home, timezone: Europe/Berlin}
metrics: {production: a, consumption: b, grid_feed_in: c}
tariff:
  import: [{per_kwh: 0.30}, {from: 2025-10-26, per_kwh: 0.40}]
  export: [{per_kwh: 0.08}]
receivers: [{name: nobody}]
route: {receiver: nobody}
"""
ZONE = ZoneInfo("Europe/Berlin")
SATURDAY, SUNDAY = date(2025, 10, 25), date(2025, 10, 26)
WH = {Flow.PRODUCTION: 300.0, Flow.CONSUMPTION: 250.0, Flow.GRID_IMPORT: 50.0, Flow.GRID_EXPORT: 100.0}


@pytest.fixture
def energy(tmp_path, monkeypatch, capsys):
    """`energy(*arguments)`: exit code, stdout, stderr of `watchman energy`."""
    file = tmp_path / "config.yaml"
    file.write_text(CONFIG)
    monkeypatch.delenv("WATCHMAN_DATA", raising=False)

    def call(command, *arguments):
        monkeypatch.setattr(sys, "argv", ["watchman", "energy", command, "--config", str(file), *arguments])
        try:
            cli.main()
        except SystemExit as ended:
            return ended.code, *capsys.readouterr()
        return 0, *capsys.readouterr()

    return call


@pytest.fixture
def filled(energy, tmp_path):
    """The same with the ledger of two days, the second of 25 hours, and two readings of a meter."""
    start, end = int(local_day(SATURDAY, ZONE)[0]), int(local_day(SUNDAY, ZONE)[1])
    store = open_store(f"sqlite:///{tmp_path / 'watchman.sqlite'}")
    with store.begin() as connection:
        rows = [Slot("home", at, flow, wh, 900.0, 0.0) for at in range(start, end, 900) for flow, wh in WH.items()]
        write_slots(connection, rows)
        write_readings(
            connection, "home", [Reading(Flow.GRID_IMPORT, start, 100.0), Reading(Flow.GRID_IMPORT, end, 110.0)]
        )
    store.close()
    return energy


RANGE = ("--since", "2025-10-25", "--until", "2025-10-26")


def test_a_day_of_25_hours_is_one_row_of_25_hours(filled):
    code, out, err = filled("show", *RANGE, "--json")
    shown = json.loads(out)

    assert (code, err, shown["site"], shown["by"]) == (0, "", "home", "day")
    assert [(row["hours"], row["production_wh"], row["complete"]) for row in shown["rows"]] == [
        (24, 96 * 300, True),
        (25, 100 * 300, True),
    ]
    assert shown["rows"][1]["start"] == "2025-10-26T00:00:00+02:00"
    assert shown["rows"][1]["end"] == "2025-10-27T00:00:00+01:00"
    assert shown["total"]["production_wh"] == 196 * 300


def test_each_day_has_the_price_of_its_date(filled):
    rows = json.loads(filled("show", *RANGE, "--json")[1])["rows"]

    assert [row["cost_import"] for row in rows] == pytest.approx([96 * 0.05 * 0.3, 100 * 0.05 * 0.4])
    assert {row["currency"] for row in rows} == {"EUR"}


def test_the_meter_is_shown_beside_the_figures(filled):
    (meter,) = json.loads(filled("show", *RANGE, "--json")[1])["meters"]

    assert (meter["counter"], meter["meter_wh"], meter["ledger_wh"]) == ("grid_import", 10_000, 9_800)
    assert (meter["deviation"], meter["coverage"]) == (-0.02, 1)
    assert "10.00 kWh, ledger 9.80 (-2.0 %), 100 % measured" in filled("show", *RANGE)[1]


def test_the_table_has_a_line_a_day_and_a_sum(filled):
    code, out, _ = filled("show", *RANGE)

    assert code == 0
    assert [line.split()[:6] for line in out.splitlines() if "2025" in line and "meter" not in line] == [
        ["Sat", "25", "Oct", "2025", "28.80", "24.00"],
        ["Sun", "26", "Oct", "2025", "30.00", "25.00"],
    ]
    assert "58.80" in out


def test_hours_that_come_twice_are_told_apart(filled):
    out = filled("export", "--by", "hour", "--since", "2025-10-26", "--until", "2025-10-26")[1]
    starts = [row["start"] for row in csv.DictReader(io.StringIO(out))]

    assert len(set(starts)) == 25
    assert starts[2:4] == ["2025-10-26T02:00:00+02:00", "2025-10-26T02:00:00+01:00"]


def test_a_csv_has_every_figure_and_empty_cells_for_what_is_not_known(filled, tmp_path):
    file = tmp_path / "out.csv"
    code, out, err = filled("export", *RANGE, "--output", str(file))
    rows = list(csv.DictReader(file.open()))

    assert (code, out, err) == (0, "", f"2 rows written to {file}\n")
    assert [float(row["grid_import_wh"]) for row in rows] == [4800, 5000]
    assert {row["battery_round_trip"] for row in rows} == {""}
    assert list(rows[0])[:6] == ["site", "start", "end", "hours", "complete", "coverage"]


def test_parquet_without_its_library_says_what_to_install(filled, tmp_path, monkeypatch):
    for name in ("pyarrow", "fastparquet"):
        monkeypatch.setitem(sys.modules, name, None)
    assert filled("export", "--output", str(tmp_path / "out.parquet")) == (
        1,
        "",
        "watchman: Parquet needs pyarrow: pip install 'watchman[parquet]'\n",
    )


def test_an_empty_ledger_says_how_to_fill_it(energy):
    assert energy("show") == (
        0,
        "",
        "the ledger holds nothing of this time; fill it with: watchman energy backfill\n",
    )
    assert energy("export")[0] == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["show", "--since", "spring"],
        ["show", "--by", "week"],
        ["export", "--output", "out.xlsx"],
        ["export", "--until", "12:00"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_one_line_and_exit_2(filled, arguments):
    code, out, err = filled(*arguments)
    assert (code, out) == (2, "")
    assert "Traceback" not in err


def test_a_file_that_cannot_be_written_is_one_line(filled, tmp_path):
    code, out, err = filled("export", "--output", str(tmp_path / "none" / "out.csv"))
    assert (code, out, err.count("\n")) == (1, "", 1)
