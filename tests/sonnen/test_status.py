"""Status answers of all firmwares: same fields, other types."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

import pytest

from watchman.sonnen.answers import read_answer
from watchman.sonnen.status import Status, device_time, parse_status
from watchman.sonnen.values import Failure

Payload = Callable[[str], bytes]


def parsed(answer: dict[str, object]) -> Status:
    status = parse_status(answer)
    assert isinstance(status, Status)
    return status


def test_old_integers_and_texts(payload: Payload) -> None:
    status = parsed(json.loads(payload("synthetic_v1_status.json")))

    assert status.consumption_w == 1834
    assert status.grid_feed_in_w == -25
    assert status.discharge_w == 1240
    assert status.state_of_charge_percent == 64
    assert status.user_state_of_charge_percent == 61
    assert status.backup_buffer_percent == 10
    assert status.operating_mode == 2
    assert status.system_status == "on_grid"
    assert status.installed is True
    assert status.device_time == datetime.fromisoformat("2020-05-01 19:30:00")
    assert status.missing == 0


def test_floats_and_nulls_of_new_firmware(payload: Payload) -> None:
    status = parsed(json.loads(payload("sb10_v2_status.json")))

    assert status.grid_feed_in_w == -543
    assert status.production_w == -3, "a few watts below 0 at night are real"
    assert status.inverter_frequency_hz == 50.02
    assert status.apparent_power_va is None
    assert status.phase_apparent_power_va == (None, None, None)
    assert status.discharge_not_allowed is None
    assert status.operating_mode == 11
    assert status.system_status == "other"


def test_what_firmware_of_2019_lacks_is_none_and_counted() -> None:
    status = parsed(
        {"Consumption_W": 400, "Fac": 50, "GridFeedIn_W": 0, "Pac_total_W": 10, "Production_W": 390, "RSOC": 5}
    )

    assert status.system_status is None
    assert status.operating_mode is None
    assert status.flows == {}
    assert status.missing == 9


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({}, "bad_shape"),
        ([], "bad_shape"),
        (None, "bad_shape"),
        ("ok", "bad_shape"),
        (True, "bad_shape"),
        ({"error": "401 Unauthorized"}, "bad_shape"),
        ({"ReturnCode": 5}, "bad_shape"),
        ({"RSOC": None, "Consumption_W": float("nan"), "Production_W": []}, "bad_shape"),
        ({"RSOC": 0, "Consumption_W": 0, "Production_W": 0, "SystemStatus": "Config"}, "not_ready"),
        ({"RSOC": 0, "Consumption_W": 0, "Pac_total_W": 0, "SystemStatus": "Init"}, "not_ready"),
    ],
)
def test_what_is_no_status_says_why(answer: object, reason: str) -> None:
    failure = parse_status(answer)

    assert isinstance(failure, Failure)
    assert failure.reason == reason


def test_an_empty_battery_on_the_grid_is_a_status_and_not_a_device_that_starts() -> None:
    status = parsed({"RSOC": 0, "Consumption_W": 0, "Production_W": 0, "SystemStatus": "OnGrid"})

    assert status.state_of_charge_percent == 0


@pytest.mark.parametrize("name", ["OnGrid", "on grid", "ONGRID"])
def test_system_status_is_known_however_it_is_written(name: str) -> None:
    assert parsed({"RSOC": 5, "SystemStatus": name}).system_status == "on_grid"


@pytest.mark.parametrize("value", ["", "soon", None, 7, "2024-13-01 00:00:00"])
def test_a_timestamp_that_is_none_is_none(value: object) -> None:
    assert device_time(value) is None


def test_an_error_object_is_no_answer_of_any_endpoint() -> None:
    for endpoint in ("status", "inverter", "powermeter", "battery", "latestdata", "io", "configurations"):
        failure = read_answer(endpoint, b'{"error": "404 Not Found"}')

        assert isinstance(failure, Failure)
        assert failure.reason == "bad_shape"
