"""The JSON a device answers: v1 as an eco 8 of 2019 (numbers as text), v2 as a firmware of 2023 (flat floats).

Field names and types follow recorded answers; every function takes a `Reading` and returns what `json.dumps` takes.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from watchman.sonnen.simulator.reading import Reading

Json = dict[str, object]

_MODULE_VOLTS = 102.4
_FIRST_KWH = 3970.0  # what the meters had counted before the simulation began

_SHUTDOWN_REASONS = (
    "Critical BMS Alarm",
    "Electrolyte Leakage",
    "Error condition in BMS initialization",
    "HW_Shutdown",
    "HardWire Over Voltage",
    "HardWired Under Voltage",
    "Holding Circuit Error",
    "Initialization Timeout",
    "Initialization of AC contactor failed",
    "Initialization of BMS hardware failed",
    "Initialization of DC contactor failed",
    "Initialization of Inverter failed",
    "Inverter Over Temperature",
    "Inverter Under Voltage",
    "Manual shutdown by user",
    "Minimum rSOC of System reached",
    "Modules voltage out of range",
    "No Setpoint received by HC",
    "Odd number of battery modules",
    "Shutdown Timer started",
    "System Validation failed",
    "Voltage Monitor Changed",
)
_LEDS = ("Blinking Red", "Pulsing Green", "Pulsing Orange", "Pulsing White", "Solid Red")
_MISC_FLAGS = ("Discharge not allowed", "F1 open", "Min System SOC", "Min User SOC", "Setpoint Timeout")
_MICROGRID_FLAGS = (
    "Continious Power Violation",
    "Discharge Current Limit Violation",
    "Low Temperature",
    "Max System SOC",
    "Max User SOC",
    "Microgrid Enabled",
    "Min System SOC",
    "Min User SOC",
    "Over Charge Current",
    "Over Discharge Current",
    "Peak Power Violation",
    "Protect is activated",
    "Transition to Ongrid Pending",
)
_PRIORITIES = ("BMS", "Energy Manager", "Full Charge Request", "Inverter", "Min User SOC", "Trickle Charge")
_VALIDATIONS = (
    "Country Code Set status flag 1",
    "Country Code Set status flag 2",
    "Self test Error DC Wiring",
    "Self test Postponed",
    "Self test Precondition not met",
    "Self test Running",
    "Self test successful finished",
)


def v1_status(reading: Reading) -> Json:
    """`/api/v1/status`: whole numbers, also for frequency and volts; a 48 V battery."""
    return _status(reading) | {
        "Fac": round(reading.frequency_hz),
        "Uac": round(reading.ac_volts),
        "Ubat": round(_battery_volts(reading) / 4),
        "RemainingCapacity_Wh": round(reading.stored_wh),
    }


def v2_status(reading: Reading) -> Json:
    """`/api/v2/status`: the frequency is a float. The remaining capacity is twice the truth, as on real devices.

    The device multiplies ampere-hours of modules counted in parallel with the volts of two modules in series.
    """
    return _status(reading) | {
        "Fac": reading.frequency_hz,
        "Uac": round(reading.ac_volts),
        "Ubat": round(_battery_volts(reading)),
        "RemainingCapacity_Wh": round(reading.stored_wh / _MODULE_VOLTS * _battery_volts(reading)),
    }


def v1_inverter(reading: Reading) -> Json:
    """`/api/inverter`: numbers as text, and 0.00 on the phases the device does not have."""
    power = reading.discharge_w
    phases = range(1, 4)
    values: dict[str, float] = {"fac": reading.frequency_hz, "pac_total": power, "pac_microgrid": _island_w(reading)}
    values |= {f"uac{phase}": reading.ac_volts * _share(reading, phase, whole=True) for phase in phases}
    values |= {f"pac{phase}": power * _share(reading, phase) for phase in phases}
    values |= {f"iac{phase}": abs(power) * _share(reading, phase) / reading.ac_volts for phase in phases}
    values |= {"pbat": _cells_w(reading), "ibat": _cells_w(reading) * 4 / _battery_volts(reading)}
    values |= {"ubat": _battery_volts(reading) / 4, "udc": 620.1, "phi": 0.99}
    values |= {"tempbdc": _inverter_celsius(reading), "temphmi": 28.0, "temppu": _inverter_celsius(reading) - 5.25}
    status: Json = {name: f"{value + 0.0:.2f}" for name, value in values.items()}
    return {"status": status | {"mode": "connected" if reading.on_grid else "island"}}


def v2_inverter(reading: Reading) -> Json:
    """`/api/v2/inverter`: flat floats; pbat and ibat are negative while charging."""
    return {
        "fac": reading.frequency_hz,
        "iac_total": round(abs(reading.discharge_w) / reading.ac_volts, 2),
        "ibat": round(_cells_w(reading) / _battery_volts(reading), 2),
        "ipv": 0.0,
        "pac_microgrid": float(_island_w(reading)),
        "pac_total": float(reading.discharge_w),
        "pbat": round(_cells_w(reading), 2),
        "phi": 0.99,
        "ppv": 0.0,
        "sac_total": float(abs(reading.discharge_w)),
        "tmax": round(_inverter_celsius(reading), 2),
        "uac": reading.ac_volts,
        "ubat": round(_battery_volts(reading), 2),
        "upv": 0.0,
    }


def v1_powermeter(reading: Reading) -> Json:
    """`/api/powermeter`: two meters under the keys `<deviceid>_<channel>`."""
    return {f"{meter['deviceid']}_{meter['channel']}": meter for meter in v2_powermeter(reading)}


def v2_powermeter(reading: Reading) -> list[Json]:
    """`/api/v2/powermeter`: the roof's meter and the house's meter, energies in steps of 0.1 kWh."""
    energy = reading.energy
    return [
        _meter(reading, 1, "production", reading.production_w, energy.production_wh),
        _meter(reading, 2, "consumption", reading.consumption_w, energy.consumption_wh),
    ]


def v2_battery(reading: Reading) -> Json:
    """`/api/v2/battery`: amperes, volts, degrees; -273.15 where there is no sensor."""
    volts, cell = _battery_volts(reading), _battery_volts(reading) / 64
    capacity = reading.settings.capacity_wh
    usable = max(reading.stored_wh - reading.settings.protected_percent / 100 * capacity, 0.0)
    return {
        "balancechargerequest": 0.0,
        "chargecurrentlimit": 39.97,
        "cyclecount": float(int(412 + reading.energy.battery_discharge_wh / capacity)),
        "dischargecurrentlimit": 39.97,
        "fullchargecapacity": round(capacity / _MODULE_VOLTS, 2),
        "fullchargecapacitywh": float(capacity),
        "maximumcelltemperature": round(_cell_celsius(reading), 2),
        "maximumcellvoltage": round(cell + 0.003, 3),
        "maximumcellvoltagenum": 0.0,
        "maximummodulecurrent": 0.0,
        "maximummoduledcvoltage": round(volts / 2, 2),
        "maximummoduletemperature": -273.15,
        "minimumcelltemperature": round(_cell_celsius(reading) - 1, 2),
        "minimumcellvoltage": round(cell - 0.003, 3),
        "minimumcellvoltagenum": 0.0,
        "minimummodulecurrent": 0.0,
        "minimummoduledcvoltage": round(volts / 2, 2),
        "minimummoduletemperature": -273.15,
        "nominalmoduledcvoltage": _MODULE_VOLTS,
        "relativestateofcharge": round(reading.charge_percent, 1),
        "remainingcapacity": round(reading.stored_wh / _MODULE_VOLTS, 2),
        "systemalarm": 0.0,
        "systemaveragecurrent": round(_cells_w(reading) / volts, 3),
        "systemcurrent": round(_cells_w(reading) / volts, 2),
        "systemdcvoltage": round(volts, 2),
        "systemstatus": 49.0,
        "systemtime": 0.0,
        "systemwarning": 0.0,
        "usableremainingcapacity": round(usable / _MODULE_VOLTS, 2),
    }


def v2_configurations(reading: Reading) -> Json:
    """`/api/v2/configurations`: every value is text."""
    settings = reading.settings
    return {
        "CM_MarketingModuleCapacity": f"{settings.capacity_wh / settings.modules:.0f}",
        "CN_CascadingRole": "none",
        "DE_Software": settings.firmware,
        "EM_OperatingMode": "2",
        "EM_Prognosis_Charging": "0",
        "EM_RE_ENABLE_MICROGRID": "1",
        "EM_ToU_Schedule": "[]",
        "EM_USOC": f"{settings.reserve_percent:.0f}",
        "EM_USER_INPUT_TIME_ONE": "08:00",
        "EM_USER_INPUT_TIME_TWO": "09:05",
        "EM_USER_INPUT_TIME_THREE": "10:10",
        "IC_BatteryModules": str(settings.modules),
        "IC_InverterMaxPower_w": f"{settings.power_limit_w:.0f}",
    }


def v2_latestdata(reading: Reading) -> Json:
    """`/api/v2/latestdata`: the powers again, and the flags of the inner controller."""
    local = _local(reading)
    offset = local.utcoffset()
    return {
        "Consumption_W": reading.consumption_w,
        "FullChargeCapacity": reading.settings.capacity_wh,
        "GridFeedIn_W": reading.grid_feed_in_w,
        "Pac_total_W": reading.discharge_w,
        "Production_W": reading.production_w,
        "RSOC": reading.rsoc_percent,
        "SetPoint_W": reading.discharge_w,
        "Timestamp": f"{local:%Y-%m-%d %H:%M:%S}",
        "USOC": reading.usoc_percent,
        "UTC_Offet": offset.total_seconds() / 3600 if offset else 0,
        "ic_status": {
            "DC Shutdown Reason": _flags(_SHUTDOWN_REASONS),
            "Eclipse Led": _led(reading),
            "MISC Status Bits": _flags(_MISC_FLAGS),
            "Microgrid Status": _flags(_MICROGRID_FLAGS, "" if reading.on_grid else "Microgrid Enabled"),
            "Setpoint Priority": _flags(_PRIORITIES, "Energy Manager"),
            "System Validation": _flags(_VALIDATIONS),
            "nrbatterymodules": reading.settings.modules,
            "secondssincefullcharge": round(reading.full_charge_age_s),
            "statebms": "ready",
            "statecorecontrolmodule": "ongrid" if reading.on_grid else "offgrid",
            "stateinverter": "running",
            "timestamp": f"{local:%a %b} {local.day} {local:%H:%M:%S %Y}",
        },
    }


def _status(reading: Reading) -> Json:
    """What v1 and v2 status have in common. BackupBuffer and OperatingMode are text, Timestamp has no zone."""
    house, roof, feed_in = reading.consumption_w, reading.production_w, reading.grid_feed_in_w
    apparent = abs(reading.discharge_w)
    per_phase = round(apparent / reading.settings.phases)
    return {
        "Apparent_output": apparent,
        "BackupBuffer": f"{reading.settings.reserve_percent:.0f}",
        "BatteryCharging": reading.charging,
        "BatteryDischarging": reading.discharging,
        "Consumption_Avg": reading.consumption_average_w,
        "Consumption_W": house,
        "FlowConsumptionBattery": reading.discharging,
        "FlowConsumptionGrid": feed_in < -50,
        "FlowConsumptionProduction": roof > 50 and house > 0,
        "FlowGridBattery": reading.charging and feed_in < -50,
        "FlowProductionBattery": reading.charging and roof > 50,
        "FlowProductionGrid": feed_in > 50,
        "GridFeedIn_W": feed_in,
        "IsSystemInstalled": 1,
        "OperatingMode": "2",
        "Pac_total_W": reading.discharge_w,
        "Production_W": roof,
        "RSOC": reading.rsoc_percent,
        "Sac1": per_phase,
        "Sac2": per_phase if reading.settings.phases == 3 else None,
        "Sac3": per_phase if reading.settings.phases == 3 else None,
        "SystemStatus": "OnGrid" if reading.on_grid else "OffGrid",
        "Timestamp": f"{_local(reading):%Y-%m-%d %H:%M:%S}",
        "USOC": reading.usoc_percent,
        "dischargeNotAllowed": False,
        "generator_autostart": False,
    }


def _meter(reading: Reading, channel: int, direction: str, watts: int, counted_wh: float) -> Json:
    volts = {phase: reading.ac_volts * _share(reading, phase, whole=True) for phase in (1, 2, 3)}
    power = {phase: watts * _share(reading, phase) for phase in (1, 2, 3)}
    line = round(reading.ac_volts * 3**0.5, 1) if reading.settings.phases == 3 else 0
    meter: Json = {f"a_l{phase}": round(power[phase] / reading.ac_volts, 3) for phase in (1, 2, 3)}
    meter |= {"channel": channel, "deviceid": 4, "direction": direction, "error": 0}
    meter |= {"kwh_exported": 0, "kwh_imported": round(_FIRST_KWH + counted_wh / 1000, 1)}
    meter |= {f"v_l{phase}_n": volts[phase] for phase in (1, 2, 3)}
    meter |= {"v_l1_l2": line, "v_l2_l3": line, "v_l3_l1": line}
    meter |= {f"w_l{phase}": round(power[phase], 1) for phase in (1, 2, 3)}
    return meter | {"va_total": float(watts), "var_total": 0, "w_total": float(watts)}


def _share(reading: Reading, phase: int, *, whole: bool = False) -> float:
    """The part of a power that one phase carries; `whole`: 1 for a phase that exists (voltages)."""
    if phase > reading.settings.phases:
        return 0.0
    return 1.0 if whole else 1 / reading.settings.phases


def _led(reading: Reading) -> Json:
    lit = "Pulsing White" if reading.on_grid else "Pulsing Green"
    text = "0x01 - ONGRID_READY" if reading.on_grid else "0x02 - OFFGRID_READY"
    return _flags(_LEDS, lit) | {"Brightness": 100, "Eclipse Status": text}


def _flags(names: tuple[str, ...], lit: str = "") -> Json:
    return {name: name == lit for name in names}


def _local(reading: Reading) -> datetime:
    return datetime.fromtimestamp(reading.ts, ZoneInfo(reading.settings.timezone))


def _battery_volts(reading: Reading) -> float:
    """Two modules of 32 cells in series."""
    return 64 * (3.16 + 0.0016 * reading.charge_percent)


def _cells_w(reading: Reading) -> float:
    settings, power = reading.settings, reading.discharge_w
    return power / settings.discharge_efficiency if power > 0 else power * settings.charge_efficiency


def _island_w(reading: Reading) -> int:
    return 0 if reading.on_grid else reading.discharge_w


def _inverter_celsius(reading: Reading) -> float:
    return 31 + 22 * abs(reading.discharge_w) / reading.settings.power_limit_w


def _cell_celsius(reading: Reading) -> float:
    return 20 + 6 * abs(reading.discharge_w) / reading.settings.power_limit_w
