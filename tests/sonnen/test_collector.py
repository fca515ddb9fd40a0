"""What a scrape shows: the Rust exporter's series to the letter, and more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from prometheus_client.parser import text_string_to_metric_families

from watchman.sonnen.plan import State
from watchman.sonnen.system import System

Payload = Callable[[str], bytes]
StateOf = Callable[..., State]
TextOf = Callable[..., str]
SamplesOf = Callable[..., dict[str, str]]

ECO8 = ("status", "inverter", "powermeter", "battery", "latestdata", "configurations", "io")


@pytest.fixture
def v1(payload: Payload, state_of: StateOf) -> State:
    parts = ("status", "inverter", "powermeter")
    return state_of("v1", {part: payload(f"synthetic_v1_{part}.json") for part in parts})


@pytest.fixture
def eco8(payload: Payload, state_of: StateOf) -> State:
    unix = datetime(2024, 6, 11, 8, 30, 6, tzinfo=UTC).timestamp()
    return state_of("v2", {part: payload(f"eco8_v2_{part}.json") for part in ECO8}, unix=unix)


@pytest.fixture
def sb10(payload: Payload, state_of: StateOf) -> State:
    parts = ("status", "inverter", "powermeter")
    return state_of("v2", {part: payload(f"sb10_v2_{part}.json") for part in parts})


def families(text: str) -> dict[str, list[str]]:
    """The lines of each family: HELP, TYPE and samples."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.startswith("# HELP "):
            found[line.split()[2]] = lines = []
        lines.append(line)
    return found


def test_old_answers_give_the_text_of_the_rust_exporter(payload: Payload, v1: State, text_of: TextOf) -> None:
    rust = families(payload("synthetic_v1_expected_rust_metrics.txt").decode())
    own = families(text_of(v1).replace('pythonversion="3.11.0",', ""))

    assert {name: own.get(name) for name in rust} == rust


def test_one_and_the_same_answer_gives_the_same_powers_in_v2(v1: State, state_of: StateOf, payload: Payload) -> None:
    v2 = state_of("v2", {"status": payload("synthetic_v1_status.json")})

    assert v2.status.reading == v1.status.reading


def test_everything_a_three_phase_battery_answers(eco8: State, samples_of: SamplesOf) -> None:
    shown = samples_of(eco8)
    expected = {
        "sonnen_online": "1",
        "sonnen_discharge_watts": "-1490",
        "sonnen_battery_charge_watts": "1490",
        "sonnen_battery_discharge_watts": "0",
        "sonnen_grid_feed_in_watts": "207",
        "sonnen_grid_export_watts": "207",
        "sonnen_grid_import_watts": "0",
        "sonnen_power_balance_watts": "-5",
        "sonnen_state_of_charge_percent": "47",
        "sonnen_user_state_of_charge_percent": "43",
        "sonnen_backup_buffer_percent": "15",
        "sonnen_frequency_grid": "49.99",
        'sonnen_temperature{probe="max"}': "44.25",
        'sonnen_grid_volts{phase="3"}': "235.3",
        'sonnen_meter_current{direction="production",phase="1"}': "3.3",
        'sonnen_meter_imported_energy_joules_total{channel="2",device="4",direction="consumption"}': "73241640000",
        "sonnen_battery_cycles_total": "1204",
        'sonnen_battery_cell_temperature_celsius{bound="min"}': "25.25",
        'sonnen_battery_health_ratio{source="derived"}': "1",
        "sonnen_battery_remaining_energy_joules": "17003520",
        'sonnen_battery_full_charge_energy_joules{source="battery"}': "36000000",
        'sonnen_battery_full_charge_energy_joules{source="latestdata"}': "36001800",
        "sonnen_battery_system_warning_code": "8",
        "sonnen_setpoint_watts": "-1488",
        'sonnen_dc_shutdown_active{reason="minimum_rsoc_of_system_reached"}': "1",
        'sonnen_eclipse_led{state="pulsing_orange"}': "1",
        "sonnen_eclipse_led_brightness_ratio": "0.8",
        'sonnen_component_ready{component="inverter"}': "1",
        'sonnen_core_control_state{state="ongrid"}': "1",
        "sonnen_prognosis_charging_enabled": "1",
        "sonnen_backup_reserve_setting_percent": "15",
        'sonnen_io_state{pin="do_12",usage="Self-consumption relay"}': "1",
        "sonnen_device_clock_skew_seconds": "-1",
        "sonnen_token_ok": "1",
        'sonnen_missing_fields{endpoint="status"}': "0",
        'sonnen_requests_total{endpoint="battery"}': "1",
        'sonnen_request_errors_total{endpoint="io",reason="timeout"}': "0",
    }

    assert {series: shown.get(series) for series in expected} == expected
    assert 'sonnen_info{api="v2",firmware="1.14.5",modules="4"}' in shown
    assert not [series for series in shown if "module_temperature" in series], "no sensor, no series"


def test_a_one_phase_battery_shows_no_phase_it_does_not_have(sb10: State, samples_of: SamplesOf) -> None:
    shown = samples_of(sb10)

    assert [series for series in shown if series.startswith("sonnen_grid_volts")] == ['sonnen_grid_volts{phase="1"}']
    assert shown['sonnen_grid_volts{phase="1"}'] == "234.5"
    assert shown["sonnen_production_watts"] == "-3"
    assert shown["sonnen_grid_import_watts"] == "543"


def test_null_is_absent_and_never_0(sb10: State, samples_of: SamplesOf) -> None:
    shown = samples_of(sb10)

    names = {series.partition("{")[0] for series in shown}

    assert names.isdisjoint(
        {
            "sonnen_apparent_power_voltamperes",
            "sonnen_phase_apparent_power_voltamperes",
            "sonnen_discharge_not_allowed",
            "sonnen_frequency_grid",
        }
    )


def test_unknown_modes_and_states_are_other(sb10: State, samples_of: SamplesOf) -> None:
    shown = samples_of(sb10)

    assert shown['sonnen_operating_mode_state{mode="optimization"}'] == "1"
    assert shown['sonnen_system_status_state{status="other"}'] == "1"
    assert shown["sonnen_on_grid"] == "0"


def test_grid_volts_come_from_the_inverter_where_no_meter_answers(
    state_of: StateOf, payload: Payload, samples_of: SamplesOf
) -> None:
    state = state_of("v2", {part: payload(f"sb10_v2_{part}.json") for part in ("status", "inverter")})

    assert samples_of(state)['sonnen_grid_volts{phase="1"}'] == "234.2"


@pytest.mark.parametrize(
    ("stamp", "received"),
    [
        pytest.param("2024-06-11 10:30:05", datetime(2024, 6, 11, 8, 30, 5, tzinfo=UTC), id="summer"),
        pytest.param("2024-10-27 02:30:00", datetime(2024, 10, 27, 0, 30, tzinfo=UTC), id="first of the double hour"),
        pytest.param("2024-10-27 02:30:00", datetime(2024, 10, 27, 1, 30, tzinfo=UTC), id="second of the double hour"),
    ],
)
def test_the_device_clock_is_read_in_the_configured_zone(
    state_of: StateOf, samples_of: SamplesOf, stamp: str, received: datetime
) -> None:
    system = System("sonnen-a", "Psb12345", "http://battery", timezone=ZoneInfo("Europe/Berlin"))
    body = f'{{"RSOC": 50, "Timestamp": "{stamp}"}}'.encode()
    shown = samples_of(state_of("v2", {"status": body}, system=system, unix=received.timestamp()))

    assert shown["sonnen_device_clock_skew_seconds"] == "0"


@pytest.mark.parametrize("stamp", ["0001-01-01 00:00:00", "9999-12-31 23:59:59", "1970-01-01 00:00:01"])
def test_a_clock_that_was_never_set_gives_no_skew(state_of: StateOf, samples_of: SamplesOf, stamp: str) -> None:
    system = System("sonnen-a", "Psb12345", "http://battery", timezone=ZoneInfo("Pacific/Apia"))
    shown = samples_of(state_of("v2", {"status": f'{{"RSOC": 5, "Timestamp": "{stamp}"}}'.encode()}, system=system))

    assert "sonnen_device_clock_skew_seconds" not in shown


def test_two_batteries_share_families(
    v1: State, eco8: State, text_of: TextOf, payload: Payload, state_of: StateOf
) -> None:
    other = System("sonnen-b", "", "http://other")
    second = state_of("v1", {"status": payload("synthetic_v1_status.json")}, system=other)
    text = text_of(v1, second)

    assert text.count("# HELP sonnen_consumption_watts ") == 1
    assert 'sonnen_consumption_watts{host="sonnen-b",sn=""} 1834' in text


def test_every_series_of_a_battery_has_its_two_labels(eco8: State, text_of: TextOf) -> None:
    for family in text_string_to_metric_families(text_of(eco8)):
        for sample in family.samples:
            if family.name != "sonnen_build_info":
                assert {"host", "sn"} <= set(sample.labels), sample.name
