"""The slower answers: latestdata, battery, configurations and io. In v2 they need the Auth-Token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from watchman.sonnen.values import Failure, count_missing, flags, key, mapping, number, switch, text

MAX_PINS = 40
_NO_SENSOR_C = -273.15

_LATEST = ("FullChargeCapacity", "SetPoint_W", "UTC_Offet", "ic_status")
_BATTERY = ("cyclecount", "fullchargecapacity", "remainingcapacity", "systemalarm", "systemdcvoltage", "systemwarning")
_CONFIGURATIONS = ("CM_MarketingModuleCapacity", "DE_Software", "EM_OperatingMode", "EM_USOC", "IC_BatteryModules")

FLAG_GROUPS = {
    "dc_shutdown": "DC Shutdown Reason",
    "microgrid": "Microgrid Status",
    "misc": "MISC Status Bits",
    "setpoint_priority": "Setpoint Priority",
    "system_validation": "System Validation",
    "eclipse_led": "Eclipse Led",
}


@dataclass(frozen=True, slots=True)
class Latest:
    """latestdata: what status lacks. Flags by group and normalised name, booleans only."""

    setpoint_w: float | None
    full_charge_wh: float | None
    modules: float | None
    full_charge_age_s: float | None
    utc_offset_h: float | None  # makes the device's clock readings absolute
    bms: str | None
    inverter: str | None
    core_control: str | None
    led_brightness_percent: float | None
    flags: Mapping[str, Mapping[str, bool]]
    missing: int


@dataclass(frozen=True, slots=True)
class Battery:
    """Measurements of the battery by the device's own field names, and alarm and warning flags of v1.

    Temperatures in degrees Celsius, volts, amperes, Ah, Wh and percent. What no sensor measures is left out.
    """

    values: Mapping[str, float]
    alarms: Mapping[str, bool]
    warnings: Mapping[str, bool]
    missing: int


@dataclass(frozen=True, slots=True)
class Configurations:
    """The settings that explain the other numbers."""

    firmware: str | None
    modules: float | None
    module_wh: float | None  # nominal, as marketed
    inverter_max_w: float | None
    reserve_percent: float | None
    prognosis_charging: bool | None
    missing: int


@dataclass(frozen=True, slots=True)
class Pins:
    """Inputs and outputs that have a use: (pin, usage) -> on."""

    states: Mapping[tuple[str, str], bool]
    missing: int


def parse_latest(answer: object) -> Latest | Failure:
    """A latestdata answer; not_ready while the inner controller has no clock yet and its numbers mean nothing."""
    fields = mapping(answer)
    inner = mapping(fields.get("ic_status"))
    if not inner and number(fields.get("FullChargeCapacity")) is None and number(fields.get("RSOC")) is None:
        return Failure("bad_shape", "the latestdata answer has neither ic_status nor FullChargeCapacity")
    bms, core_control = text(inner.get("statebms")), text(inner.get("statecorecontrolmodule"))
    if bms == "not ready" and core_control == "config":
        return Failure("not_ready", "the battery is starting up: its controller is not configured yet")
    led = mapping(inner.get("Eclipse Led"))
    return Latest(
        setpoint_w=number(fields.get("SetPoint_W")),
        full_charge_wh=number(fields.get("FullChargeCapacity")),
        modules=number(inner.get("nrbatterymodules")),
        full_charge_age_s=number(inner.get("secondssincefullcharge")),
        utc_offset_h=_offset(fields.get("UTC_Offet")),
        bms=bms,
        inverter=text(inner.get("stateinverter")),
        core_control=core_control,
        led_brightness_percent=number(led.get("Brightness")),
        flags={group: flags(inner.get(name)) for group, name in FLAG_GROUPS.items()},
        missing=count_missing(fields, _LATEST),
    )


def parse_battery(answer: object) -> Battery | Failure:
    """A battery answer: flat numbers (v2), or texts below `battery_status`, with or without `measurements` (v1)."""
    fields = mapping(answer)
    fields = mapping(fields.get("measurements")) or fields
    flat = mapping(fields.get("battery_status")) or fields
    values = {key(name): found for name, value in flat.items() if (found := number(value)) is not None}
    if not values:
        return Failure("bad_shape", "the battery answer holds no numbers")
    return Battery(
        values={name: value for name, value in values.items() if not _unmeasured(name, value)},
        alarms=_bits(fields.get("alarms")),
        warnings=_bits(fields.get("warnings")),
        missing=count_missing(flat, _BATTERY),
    )


def parse_configurations(answer: object) -> Configurations | Failure:
    """A configurations answer; its values are texts on most firmwares."""
    fields = mapping(answer)
    if not fields:
        return Failure("bad_shape", "the configurations answer is not a JSON object")
    return Configurations(
        firmware=text(fields.get("DE_Software")),
        modules=number(fields.get("IC_BatteryModules")),
        module_wh=number(fields.get("CM_MarketingModuleCapacity")),
        inverter_max_w=number(fields.get("IC_InverterMaxPower_w")),
        reserve_percent=number(fields.get("EM_USOC")),
        prognosis_charging=switch(fields.get("EM_Prognosis_Charging")),
        missing=count_missing(fields, _CONFIGURATIONS),
    )


def parse_pins(answer: object) -> Pins | Failure:
    """An io answer; pins without a usage text are passed over."""
    if not isinstance(answer, dict):
        return Failure("bad_shape", "the io answer is not a JSON object")
    states: dict[tuple[str, str], bool] = {}
    for name, entry in answer.items():
        usage, on = text(mapping(entry).get("usage")), switch(mapping(entry).get("status"))
        if usage and on is not None and key(name) and len(states) < MAX_PINS:
            states.setdefault((key(name), usage), on)
    return Pins(states, 0)


def _offset(value: object) -> float | None:
    """Hours ahead of UTC, where they are possible ones."""
    hours = number(value)
    return hours if hours is not None and -12 <= hours <= 14 else None


def _unmeasured(name: str, value: float) -> bool:
    return name.endswith("temperature") and value <= _NO_SENSOR_C


def _bits(value: object) -> dict[str, bool]:
    """Alarm and warning flags, which v1 writes as 0 and 1."""
    return flags({name: switch(state) for name, state in mapping(value).items()})
