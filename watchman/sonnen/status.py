"""`/api/v1/status` and `/api/v2/status`: the same fields in both, asked most often and without a token.

Signs are the device's own, as the Rust exporter passed them on: grid feed-in + export, - import; battery power
+ discharge, - charge. Every field may be missing on some firmware and is None then.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from watchman.sonnen.values import Failure, count_missing, key, number, switch, text, three

_EXPECTED = (
    "BackupBuffer", "BatteryCharging", "BatteryDischarging", "Consumption_W", "Fac", "GridFeedIn_W", "OperatingMode",
    "Pac_total_W", "Production_W", "RSOC", "SystemStatus", "Timestamp", "USOC", "Uac", "Ubat",
)  # fmt: skip
_CORE = ("Consumption_W", "GridFeedIn_W", "Pac_total_W", "Production_W", "RSOC")
_FLOWS = {
    "production_consumption": "FlowConsumptionProduction",
    "production_battery": "FlowProductionBattery",
    "production_grid": "FlowProductionGrid",
    "battery_consumption": "FlowConsumptionBattery",
    "grid_consumption": "FlowConsumptionGrid",
    "grid_battery": "FlowGridBattery",
}
_STATES = {
    "ongrid": "on_grid",
    "offgrid": "off_grid",
    "init": "init",
    "config": "config",
    "criticalerror": "critical_error",
}


@dataclass(frozen=True, slots=True)
class Status:
    """One status answer. Powers in W, apparent power in VA; percent 0..100."""

    consumption_w: float | None
    consumption_average_w: float | None  # mean of 60 s
    production_w: float | None  # a few watts below 0 at night are real
    grid_feed_in_w: float | None  # + export, - import
    discharge_w: float | None  # + discharge, - charge, at the AC side
    state_of_charge_percent: float | None  # RSOC: as the battery's own electronics count it
    user_state_of_charge_percent: float | None  # USOC: 0 at the protected floor
    backup_buffer_percent: float | None  # on the USOC scale
    inverter_frequency_hz: float | None
    inverter_ac_v: float | None
    battery_v: float | None
    apparent_power_va: float | None
    phase_apparent_power_va: tuple[float | None, ...]
    charging: bool | None
    discharging: bool | None
    flows: Mapping[str, bool]
    operating_mode: float | None
    system_status: str | None  # one of the states of section SystemStatus, or "other"
    discharge_not_allowed: bool | None
    generator_autostart: bool | None
    installed: bool | None
    device_time: datetime | None  # local time of the device, no zone
    missing: int
    tree_state: str | None = None  # M06 of the eco 4 to 7 generation, in words


def parse_status(answer: object) -> Status | Failure:
    """A status answer, or why it is none: bad_shape, or not_ready while the device is starting up."""
    if not isinstance(answer, dict):
        return Failure("bad_shape", "the status answer is not a JSON object")
    core = [number(answer.get(name)) for name in _CORE]
    if all(value is None for value in core):
        return Failure("bad_shape", f"the status answer has none of {', '.join(_CORE)}")
    state = _system_status(answer)
    # A device that is starting answers zeros everywhere; a charge of 0 % would be a false alarm.
    if not any(core) and state not in ("on_grid", "off_grid"):
        return Failure("not_ready", "the battery is starting up: all powers and the charge are 0")
    return _status(answer, state)


def _status(fields: Mapping[str, object], state: str | None) -> Status:
    def value(name: str) -> float | None:
        return number(fields.get(name))

    return Status(
        consumption_w=value("Consumption_W"),
        consumption_average_w=value("Consumption_Avg"),
        production_w=value("Production_W"),
        grid_feed_in_w=value("GridFeedIn_W"),
        discharge_w=value("Pac_total_W"),
        state_of_charge_percent=value("RSOC"),
        user_state_of_charge_percent=value("USOC"),
        backup_buffer_percent=value("BackupBuffer"),
        inverter_frequency_hz=value("Fac"),
        inverter_ac_v=value("Uac"),
        battery_v=value("Ubat"),
        apparent_power_va=value("Apparent_output"),
        phase_apparent_power_va=three(fields, "Sac1", "Sac2", "Sac3"),
        charging=switch(fields.get("BatteryCharging")),
        discharging=switch(fields.get("BatteryDischarging")),
        flows=_flows(fields),
        operating_mode=value("OperatingMode"),
        system_status=state,
        discharge_not_allowed=switch(fields.get("dischargeNotAllowed")),
        generator_autostart=switch(fields.get("generator_autostart")),
        installed=switch(fields.get("IsSystemInstalled")),
        device_time=device_time(fields.get("Timestamp")),
        missing=count_missing(fields, _EXPECTED),
    )


def device_time(value: object) -> datetime | None:
    """`YYYY-MM-DD HH:MM:SS` as a naive time: the answer does not say its zone."""
    try:
        moment = datetime.fromisoformat(text(value) or "")
    except ValueError:
        return None
    return moment.replace(tzinfo=None)


def _system_status(fields: Mapping[str, object]) -> str | None:
    state = text(fields.get("SystemStatus"))
    return None if state is None else _STATES.get(key(state).replace("_", ""), "other")


def _flows(fields: Mapping[str, object]) -> Mapping[str, bool]:
    known = {flow: switch(fields.get(name)) for flow, name in _FLOWS.items()}
    return {flow: active for flow, active in known.items() if active is not None}
