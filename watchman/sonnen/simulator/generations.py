"""What each generation of device answers, path by path: from the tree of an eco 4 to the floats of 2025.

A maker of an answer takes a `Reading` and returns what `json.dumps` takes, or a text that is sent as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from watchman.sonnen.simulator import answers
from watchman.sonnen.simulator.answers import Json
from watchman.sonnen.simulator.reading import Reading

Make = Callable[[Reading], object]

_TREE = "/rest/devices/battery"
_ALARMS = ("BMS communication lost", "Cell over voltage", "Over temperature")


def eco_tree(reading: Reading) -> dict[str, str]:
    """The numbered values of an eco 4 to 7, as text."""
    values = {
        "M01": max(reading.discharge_w, 0),
        "M02": max(-reading.discharge_w, 0),
        "M03": reading.production_w,
        "M04": reading.consumption_w,
        "M05": reading.rsoc_percent,
        "M06": 13 if reading.charging else 15 if reading.discharging else 20,
        "M30": reading.usoc_percent,
        "M38": max(reading.grid_feed_in_w, 0),
        "M39": max(-reading.grid_feed_in_w, 0),
        "S65": round(reading.settings.power_limit_w),
    }
    return {name: str(value) for name, value in values.items()}


def hybrid_inverter(reading: Reading) -> Json:
    """The registers of the Australian hybrid: text without a point, negatives as 16 bits; one name has a line break."""
    status = {
        "acloadsactivepower": reading.consumption_w,
        "acloadscosphi": 990,
        "batterycurrent": round(reading.discharge_w / 50.2 * 100),
        "batterypower": reading.discharge_w,
        "batteryvoltage": 502,
        "gridgensetcurrent": round(abs(reading.grid_feed_in_w) / reading.ac_volts * 100),
        "gridgensetfrequency": round(reading.frequency_hz * 100),
        "gridgensetvoltage\n": round(reading.ac_volts),
        "inverteractivepower": reading.discharge_w,
        "pvpower": reading.production_w,
        "pvvoltage": 356,
        "pvcurrent": round(reading.production_w / 356 * 100),
    }
    return {"status": {name: str(value % 65536) for name, value in status.items()}}


def radian_inverter(reading: Reading) -> Json:
    """An Outback Radian: whole numbers and their powers of ten."""
    half = round(reading.ac_volts / 2)
    status: Json = {
        "gs_ac_frequency_sf": -1,
        "gs_ac_input_frequency": round(reading.frequency_hz * 10),
        "gs_ac_voltage_sf": 0,
        "gs_battery_temperature": -32768,
        "gs_battery_voltage": 536,
        "gs_dc_voltage_sf": -1,
        "gs_l1_grid_input_ac_voltage": half,
        "gs_l2_grid_input_ac_voltage": half,
        "gs_l_module_fet_temperature": 25,
        "gs_r_module_fet_temperature": 27,
    }
    return {"settings": {}, "status": status}


def v1_battery(reading: Reading) -> Json:
    """`/api/battery`: texts below battery_status, alarms as 0 and 1."""
    values = answers.v2_battery(reading)
    return {
        "alarms": dict.fromkeys(_ALARMS, 0),
        "battery_status": {name: str(value) for name, value in values.items()} | {"stateofhealth": "98.0"},
        "warnings": dict.fromkeys(_ALARMS, 0),
    }


def v2_io(reading: Reading) -> Json:
    """`/api/v2/io`: pins, some of them with a use."""
    own_use = int(reading.production_w > reading.consumption_w)
    return {
        "DI_10": {"connector": "X5.1", "status": 0, "usage": "Micro CHP feedback"},
        "DO_12": {"connector": "X6.1", "status": own_use, "usage": "Self-consumption relay"},
        "DO_16": {"connector": "X6.5", "status": 0, "usage": ""},
    }


def new_status(reading: Reading) -> Json:
    """The status of a firmware of 2024 and later: floats where there were integers, null where there were values."""
    status = answers.v2_status(reading)
    for name in ("GridFeedIn_W", "Uac", "Ubat"):
        status[name] = float(str(status[name]))
    return status | {"Apparent_output": None, "OperatingMode": "11", "Sac1": None, "Sac2": None, "Sac3": None}


def new_powermeter(reading: Reading) -> list[Json]:
    """The power meter since the summer of 2025: without w_total."""
    return [
        {name: value for name, value in meter.items() if name != "w_total"} for meter in answers.v2_powermeter(reading)
    ]


def old_powermeter(reading: Reading) -> Json:
    """A v1 power meter whose consumption meter is a device of its own: 4_1 and 5_1."""
    production, consumption = answers.v2_powermeter(reading)
    return {"4_1": production, "5_1": consumption | {"deviceid": 5, "channel": 1}}


_V1: Mapping[str, Make] = {
    "/api/v1/status": answers.v1_status,
    "/api/inverter": answers.v1_inverter,
    "/api/powermeter": answers.v1_powermeter,
    "/api/battery": v1_battery,
}
_V2: Mapping[str, Make] = {
    "/api/v2/status": answers.v2_status,
    "/api/v2/latestdata": answers.v2_latestdata,
    "/api/v2/powermeter": answers.v2_powermeter,
    "/api/v2/battery": answers.v2_battery,
    "/api/v2/inverter": answers.v2_inverter,
    "/api/v2/io": v2_io,
    "/api/v2/configurations": answers.v2_configurations,
}


def _part(name: str) -> Make:
    return lambda reading: eco_tree(reading)[name]


_NAMES = ("M01", "M02", "M03", "M04", "M05", "M06", "M30", "M38", "M39", "S65")
_PARTS: Mapping[str, Make] = {f"{_TREE}/{name}": _part(name) for name in _NAMES}

GENERATIONS: Mapping[str, Mapping[str, Make]] = {
    "both": {**_V1, **_V2},
    "v1": _V1,
    "v2": _V2,
    "v2-status": {"/api/v2/status": answers.v2_status},
    "v2-new": {**_V2, "/api/v2/status": new_status, "/api/v2/powermeter": new_powermeter},
    "eco": {_TREE: eco_tree, **_PARTS},
    "eco-parts": _PARTS,
    "hybrid": {**_V1, "/api/inverter": hybrid_inverter},
    "radian": {**_V1, "/api/inverter": radian_inverter, "/api/powermeter": old_powermeter},
}
