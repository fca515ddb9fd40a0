"""latestdata, battery, configurations and io."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from watchman.sonnen.details import (
    Battery,
    Configurations,
    Latest,
    Pins,
    parse_battery,
    parse_configurations,
    parse_latest,
    parse_pins,
)
from watchman.sonnen.values import Failure

Payload = Callable[[str], bytes]


def test_latestdata(payload: Payload) -> None:
    latest = parse_latest(json.loads(payload("eco8_v2_latestdata.json")))

    assert isinstance(latest, Latest)
    assert (latest.setpoint_w, latest.full_charge_wh, latest.modules) == (-1488, 10000.5, 4)
    assert latest.full_charge_age_s == 86400
    assert latest.utc_offset_h == 2
    assert latest.flags["eclipse_led"] == {
        "blinking_red": False,
        "pulsing_orange": True,
        "pulsing_white": False,
        "solid_red": False,
    }
    assert latest.flags["dc_shutdown"]["minimum_rsoc_of_system_reached"] is True
    assert latest.led_brightness_percent == 80


def test_latestdata_of_a_starting_device_is_not_ready() -> None:
    starting = {"RSOC": 0, "ic_status": {"statebms": "not ready", "statecorecontrolmodule": "config"}}
    failure = parse_latest(starting)

    assert isinstance(failure, Failure)
    assert failure.reason == "not_ready"


def test_a_battery_of_v2_leaves_out_what_no_sensor_measures(payload: Payload) -> None:
    battery = parse_battery(json.loads(payload("eco8_v2_battery.json")))

    assert isinstance(battery, Battery)
    assert battery.values["cyclecount"] == 1204
    assert battery.values["maximumcelltemperature"] == 27.5
    assert "maximummoduletemperature" not in battery.values


@pytest.mark.parametrize("wrap", [lambda answer: answer, lambda answer: {"measurements": answer}], ids=["v1", "page"])
def test_a_battery_of_v1_has_texts_and_alarm_bits(payload: Payload, wrap: Callable[[object], object]) -> None:
    battery = parse_battery(wrap(json.loads(payload("v1_battery.json"))))

    assert isinstance(battery, Battery)
    assert battery.values["stateofhealth"] == 97
    assert battery.alarms == {"cellovervoltage": False, "overcurrentcharge": True}
    assert battery.warnings == {"cellimbalance": False}


def test_configurations_are_texts_or_numbers(payload: Payload) -> None:
    expected = ("1.14.5", 4.0, 2500.0, 15.0, True)
    texts = parse_configurations(json.loads(payload("eco8_v2_configurations.json")))
    numbers = parse_configurations(
        {
            "DE_Software": "1.14.5",
            "IC_BatteryModules": 4,
            "CM_MarketingModuleCapacity": 2500,
            "EM_USOC": 15,
            "EM_Prognosis_Charging": 1,
        }
    )

    for found in (texts, numbers):
        assert isinstance(found, Configurations)
        assert expected == (
            found.firmware,
            found.modules,
            found.module_wh,
            found.reserve_percent,
            found.prognosis_charging,
        )


def test_only_pins_with_a_use_are_shown(payload: Payload) -> None:
    pins = parse_pins(json.loads(payload("eco8_v2_io.json")))

    assert isinstance(pins, Pins)
    assert pins.states == {("di_10", "Micro CHP"): False, ("do_12", "Self-consumption relay"): True}


@pytest.mark.parametrize("parse", [parse_latest, parse_battery, parse_configurations, parse_pins])
@pytest.mark.parametrize("answer", [None, [], "x", 5, True])
def test_what_is_no_object_is_a_bad_shape(parse: Callable[[object], object], answer: object) -> None:
    failure = parse(answer)

    assert isinstance(failure, Failure)
    assert failure.reason == "bad_shape"
