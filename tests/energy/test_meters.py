"""Meter readings: what is taken, what is refused, and the deviation of the ledger from them."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchman.energy.meters import Reading, deviations, make_reading, merged, read_csv, read_moment
from watchman.energy.slots import Flow, Slot

BERLIN = ZoneInfo("Europe/Berlin")
T0 = 1_800_000_000
AFTER = T0 + 86400.0


def rows(count: int, wh: float = 100.0, covered_s: float = 900.0, flow: Flow = Flow.GRID_IMPORT) -> list[Slot]:
    return [Slot("home", T0 + 900 * n, flow, wh, covered_s, 0.0) for n in range(count)]


def read(at: float, kwh: float, *, new_meter: bool = False, counter: Flow = Flow.GRID_IMPORT) -> Reading:
    return Reading(counter, T0 + at, kwh, new_meter)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-11-21T07:30:00+01:00", "2026-11-21T06:30:00"),
        ("2026-11-21 07:30", "2026-11-21T06:30:00"),
        ("2026-07-01", "2026-06-30T22:00:00"),
        ("2026-10-25 02:30", "2026-10-25T00:30:00"),
    ],
    ids=["with its offset", "local", "a day is its midnight", "the hour that comes twice is the first"],
)
def test_moments_are_local_unless_they_say_otherwise(text, utc) -> None:
    assert read_moment(text, BERLIN) == datetime.fromisoformat(utc).replace(tzinfo=UTC).timestamp()


def test_a_wrong_moment_shows_the_right_form() -> None:
    with pytest.raises(ValueError, match=r'not a time: \'21.11.2026\'; write it like "2026-11-21 07:30"'):
        read_moment("21.11.2026", BERLIN)


@pytest.mark.parametrize(
    "text",
    [
        "counter,at,kwh\ngrid_import,2026-11-21 07:30,12345.6\n",
        "counter;at;kwh;new_meter\ngrid_import;2026-11-21 07:30;12345,6;\n",
        "\ufeffKWH\tAt\tCounter\n12345.6\t2026-11-21T06:30:00Z\tgrid_import\n",
    ],
    ids=["commas", "semicolons and a decimal comma", "tabs, a byte order mark, another order"],
)
def test_a_csv_is_read_as_spreadsheets_write_it(text) -> None:
    assert read_csv(text, BERLIN) == [make_reading("grid_import", 12345.6, read_moment("2026-11-21 07:30", BERLIN))]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "line 1: the first line must name the columns counter, at, kwh"),
        ("counter,at\n", "line 1: the first line must name"),
        ("counter,at,kwh\ngas,2026-11-21,1\n", "line 2: no counter 'gas': use one of production, consumption,"),
        ("counter,at,kwh\nproduction,2026-11-21,1\nproduction,yesterday,1\n", "line 3: not a time: 'yesterday'"),
        ("counter,at,kwh\nproduction,2026-11-21,twelve\n", "line 2: kwh: not a number: 'twelve'"),
        ("counter,at,kwh\nproduction,2026-11-21,-1\n", "line 2: a meter does not show -1 kWh"),
        ("counter,at,kwh\nproduction,2026-11-21,nan\n", "line 2: a meter does not show nan kWh"),
        ("counter,at,kwh,new_meter\nproduction,2026-11-21,1,maybe\n", "line 2: new_meter: write yes or nothing"),
        ("counter,at,kwh\nproduction\n", "line 2: kwh: not a number: ''"),
        ('counter,at,kwh\nproduction,"' + "x" * 200_000, "line 2: field larger than field limit"),
        ("counter;at;kwh\nproduction;2026-11-21;12.345,6\n", "line 2: kwh: not a number: '12.345,6'"),
    ],
)
def test_a_fault_in_a_csv_has_its_line(text, fault) -> None:
    with pytest.raises(ValueError, match="line") as error:
        read_csv(text, BERLIN)
    assert str(error.value).startswith(fault)


def test_a_meter_that_runs_backwards_is_refused() -> None:
    with pytest.raises(ValueError, match=r"grid_import: 4 kWh at .* is less than 9000 at .*--new-meter"):
        merged([read(0, 9000)], [read(900, 4)], AFTER, BERLIN)


def test_a_reading_of_days_to_come_is_refused() -> None:
    with pytest.raises(ValueError, match=r"grid_import: a reading at .* lies ahead"):
        merged([], [read(86400, 9000)], T0, BERLIN)

    assert merged([read(86400, 9000)], [], T0, BERLIN), "one that is there already is no reason to refuse the others"


def test_a_reading_of_the_same_time_replaces_the_old_one() -> None:
    assert merged([read(0, 9000), read(1800, 9005)], [read(0, 8999)], AFTER, BERLIN) == [
        read(0, 8999),
        read(1800, 9005),
    ]


def test_the_ledger_is_compared_between_readings_that_follow_each_other() -> None:
    found = deviations([read(0, 100), read(3600, 100.5), read(7200, 101)], [*rows(4), *rows(8, 120)[4:]])

    assert [(one.meter_wh, one.ledger_wh, one.coverage) for one in found] == [(500, 400, 1), (500, 480, 1)]
    assert [one.ratio for one in found] == pytest.approx([-0.2, -0.04])


def test_a_quarter_with_a_reading_inside_is_cut() -> None:
    (found,) = deviations([read(450, 1), read(1350, 1.1)], rows(2))

    assert (found.ledger_wh, found.ratio) == (100, pytest.approx(0, abs=1e-9))


def test_nothing_is_counted_over_the_change_of_a_meter() -> None:
    found = deviations([read(0, 9000), read(3600, 0, new_meter=True), read(7200, 0.4)], rows(8))

    assert [(one.start - T0, one.meter_wh) for one in found] == [(3600, 400)]


def test_what_was_not_measured_is_coverage_and_not_zero() -> None:
    half, none = (deviations([read(0, 1), read(1800, 1.2)], some)[0] for some in (rows(1), rows(2, covered_s=0)))

    assert (half.ledger_wh, half.coverage) == (100, 0.5)
    assert (none.ledger_wh, none.coverage, none.ratio) == (None, 0, None)


def test_a_meter_that_stood_still_has_no_ratio() -> None:
    assert deviations([read(0, 1), read(1800, 1)], rows(2))[0].ratio is None


@given(st.lists(st.integers(0, 40 * 900), min_size=3, max_size=12, unique=True), st.randoms())
def test_the_parts_between_readings_add_up_in_any_order(at, random) -> None:
    readings = [read(second, index / 10) for index, second in enumerate(sorted(at))]
    slots = rows(40, 73.0)

    parts = deviations(random.sample(readings, len(readings)), random.sample(slots, len(slots)))
    (whole,) = deviations([readings[0], readings[-1]], slots)

    assert sum(part.ledger_wh for part in parts) == pytest.approx(whole.ledger_wh)
    assert sum(part.meter_wh for part in parts) == pytest.approx(whole.meter_wh)
