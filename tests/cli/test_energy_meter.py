"""`watchman energy meter`: what a person types, what is kept, what is refused with one line."""

import json
import sys

import pytest

from watchman import cli

CONFIG = """
prometheus: {url: http://127.0.0.1:1}
site: {name: home, timezone: Europe/Berlin}
receivers: [{name: nobody}]
route: {receiver: nobody}
"""


@pytest.fixture
def meter(tmp_path, monkeypatch, capsys):
    """`meter(*arguments)`: exit code, stdout, stderr of `watchman energy meter`."""
    file = tmp_path / "config.yaml"
    file.write_text(CONFIG)

    def call(command, *arguments):
        monkeypatch.setattr(sys, "argv", ["watchman", "energy", "meter", command, "--config", str(file), *arguments])
        try:
            cli.main()
        except SystemExit as ended:
            return ended.code, *capsys.readouterr()
        return 0, *capsys.readouterr()

    return call


def test_readings_are_kept_listed_and_removed(meter):
    assert meter("list")[1].startswith("no readings")
    added = meter("add", "grid_import", "12345.6", "--at", "2026-11-21 07:30")
    assert added == (0, "grid_import: 12345.6 kWh at 2026-11-21T07:30:00+01:00\n", "")

    listed = json.loads(meter("list", "--json")[1])
    assert listed == [{"counter": "grid_import", "at": "2026-11-21T07:30:00+01:00", "kwh": 12345.6, "new_meter": False}]

    assert meter("remove", "grid_import", "--at", "2026-11-21T07:30:00+01:00") == (0, "removed\n", "")
    assert json.loads(meter("list", "--json")[1]) == []


def test_a_csv_is_taken_whole_or_not_at_all(meter, tmp_path):
    file = tmp_path / "readings.csv"
    file.write_text("counter,at,kwh\nproduction,2026-11-20,5\nproduction,2026-11-21,4\n")
    code, out, err = meter("import", str(file))
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert json.loads(meter("list", "--json")[1]) == []

    file.write_text("counter,at,kwh,new_meter\nproduction,2026-11-20,5,\nproduction,2026-11-21,4,yes\n")
    assert meter("import", str(file)) == (0, "2 readings taken\n", "")
    assert "new meter" in meter("list")[1]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["add", "gas", "1"], "no counter 'gas'"),
        (["add", "production", "many"], "not a valid float"),
        (["add", "production", "1", "--at", "noon"], "not a time: 'noon'"),
        (["import", "none.csv"], "cannot read none.csv"),
        (["remove", "production", "--at", "2026-11-21"], "no reading of production at 2026-11-21T00:00:00+01:00"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_wrong_input_is_one_line_and_exit_2(meter, arguments, says):
    code, out, err = meter(*arguments)
    assert (code, out) == (2, "")
    assert says in err
    assert "Traceback" not in err


def test_a_meter_that_runs_backwards_must_be_said_to_be_new(meter):
    meter("add", "production", "900", "--at", "2026-11-20")
    code, _, err = meter("add", "production", "1", "--at", "2026-11-21")
    assert (code, "--new-meter" in err) == (1, True)
    assert meter("add", "production", "1", "--at", "2026-11-21", "--new-meter")[0] == 0
