"""Power meters by direction whatever their shape, and the inverter's forms."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from watchman.sonnen.meters import Inverter, Meters, parse_inverter, parse_powermeter
from watchman.sonnen.values import Failure

Payload = Callable[[str], bytes]


def meters(answer: object) -> Meters:
    parsed = parse_powermeter(answer)
    assert isinstance(parsed, Meters)
    return parsed


def inverter(answer: object) -> Inverter:
    parsed = parse_inverter(answer)
    assert isinstance(parsed, Inverter)
    return parsed


@pytest.mark.parametrize(
    ("name", "production", "consumption"),
    [
        ("synthetic_v1_powermeter.json", (0.81, 0.82, 0.83), (2.61, 2.65, 2.59)),
        ("powermeter_4_1_5_1.json", (1.25, 1.5, 0), (2.5, 0.5, 1.5)),
        ("eco8_v2_powermeter.json", (3.3, 3.2, 3.25), (1.1, 0.4, 1.2)),
    ],
)
def test_meters_are_told_apart_by_direction(
    payload: Payload, name: str, production: tuple[float, ...], consumption: tuple[float, ...]
) -> None:
    found = meters(json.loads(payload(name)))

    assert [(meter.direction, meter.current_a) for meter in found.meters] == [
        ("consumption", consumption),
        ("production", production),
    ]


def test_a_meter_with_an_error_gives_the_error_and_no_zeros(payload: Payload) -> None:
    found = meters(json.loads(payload("powermeter_0_1_error.json")))
    production = found.first("production")

    assert production is not None
    assert production.error == 3
    assert production.current_a == production.phase_v == (None, None, None)
    assert production.imported_kwh is None
    assert found.first("consumption") is not None


def test_the_first_meter_without_an_error_stands_for_its_direction() -> None:
    answer = [
        {"direction": "consumption", "deviceid": 10, "channel": 1, "w_total": 3},
        {"direction": "consumption", "deviceid": 4, "channel": 2, "w_total": 2},
        {"direction": "consumption", "deviceid": 4, "channel": 1, "w_total": 1, "error": -1},
    ]
    found = meters(answer)
    first = found.first("consumption")

    assert [(meter.device, meter.channel) for meter in found.meters] == [("4", "1"), ("4", "2"), ("10", "1")]
    assert first is not None
    assert first.total_power_w == 2
    assert found.first("production") is None


def test_device_and_channel_may_be_in_the_key_only() -> None:
    found = meters({"4_2": {"direction": "Consumption", "w_total": "12.5"}})

    assert [(meter.direction, meter.device, meter.channel) for meter in found.meters] == [("consumption", "4", "2")]
    assert found.meters[0].total_power_w == 12.5


def test_twins_are_one_and_a_flood_is_cut() -> None:
    twin = {"direction": "production", "deviceid": 4, "channel": 1}
    flood = [{"direction": "production", "deviceid": index, "channel": 1} for index in range(100)]

    assert len(meters([twin, twin]).meters) == 1
    assert len(meters(flood).meters) == 16


@pytest.mark.parametrize("answer", ["text", 5, True, [1, None, "x"], {"4_1": 7}, {"error": "no"}])
def test_an_answer_without_a_meter_is_a_bad_shape(answer: object) -> None:
    failure = parse_powermeter(answer)

    assert isinstance(failure, Failure)
    assert failure.reason == "bad_shape"


@pytest.mark.parametrize("answer", [None, [], {}])
def test_no_meter_at_all_is_an_answer(answer: object) -> None:
    assert meters(answer).meters == ()


def test_the_inverter_of_v1_has_texts_below_status(payload: Payload) -> None:
    found = inverter(json.loads(payload("synthetic_v1_inverter.json")))

    assert found.frequency_hz == 49.98
    assert found.grid_v == (232.9, 233.4, 234.1)
    assert found.temperature_c == {"bdc": 41.5, "hmi": 28.0, "pu": 36.25}
    assert found.missing == 0


def test_the_inverter_of_v2_has_flat_numbers(payload: Payload) -> None:
    found = inverter(json.loads(payload("sb10_v2_inverter.json")))

    assert found.frequency_hz is None, "0 Hz means not measured"
    assert found.grid_v == (234.2,)
    assert found.temperature_c == {"max": 51.5}
    assert found.active_power_w == 782.5
    assert found.missing == 0


@pytest.mark.parametrize(
    "answer", [None, {}, {"status": {"gs_battery_voltage": "52.1"}}, {"status": {"batteryvoltage": "502"}}]
)
def test_a_strange_inverter_is_all_missing_and_no_failure(answer: object) -> None:
    found = inverter(answer)

    assert found.frequency_hz is None
    assert found.temperature_c == {}
    assert found.missing > 0
