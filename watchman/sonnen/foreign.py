"""Inverters of other makers behind a Sonnen: their registers as the fields a Sonnen inverter has.

The hybrid of the Australian eco 8.2 passes on raw Modbus registers as text: tenths and hundredths without a point,
negative numbers as two's complement of 16 bits. The Outback Radian of the early US units follows SunSpec: every
quantity has a power of ten beside it, -32768 is "not implemented".
"""

from __future__ import annotations

from collections.abc import Mapping

from watchman.sonnen.values import number

HYBRID_EXPECTED = ("fac", "pac_total", "uac1", "ubat", "pbat", "ibat")
RADIAN_EXPECTED = ("fac", "uac1", "uac2", "ubat")

# (our field, register, factor)
_HYBRID = (
    ("fac", "gridgensetfrequency", 0.01),
    ("uac1", "gridgensetvoltage", 1.0),
    ("iac_total", "gridgensetcurrent", 0.01),
    ("pac_total", "inverteractivepower", 1.0),
    ("phi", "acloadscosphi", 0.001),
    ("pbat", "batterypower", 1.0),
    ("ibat", "batterycurrent", 0.01),
    ("ubat", "batteryvoltage", 0.1),
    ("ppv", "pvpower", 1.0),
    ("upv", "pvvoltage", 1.0),
    ("ipv", "pvcurrent", 0.01),
)
# (our field, register, register of the power of ten)
_RADIAN = (
    ("fac", "gs_ac_input_frequency", "gs_ac_frequency_sf"),
    ("uac1", "gs_l1_grid_input_ac_voltage", "gs_ac_voltage_sf"),
    ("uac2", "gs_l2_grid_input_ac_voltage", "gs_ac_voltage_sf"),
    ("ubat", "gs_battery_voltage", "gs_dc_voltage_sf"),
)
_RADIAN_HEAT = "_fet_temperature"
_NOT_IMPLEMENTED = -32768


def is_hybrid(fields: Mapping[str, object]) -> bool:
    """Whether these are registers of the Australian hybrid."""
    return any(name.strip() in ("gridgensetfrequency", "batteryvoltage", "acloadsactivepower") for name in fields)


def is_radian(fields: Mapping[str, object]) -> bool:
    """Whether these are values of an Outback Radian."""
    return any(name.startswith("gs_") for name in fields)


def hybrid_fields(registers: Mapping[str, object]) -> dict[str, float]:
    """The hybrid's registers under a Sonnen inverter's names, in V, A, W and Hz; + discharge, - charge."""
    # Some of the names end in a line break.
    clean = {name.strip(): number(value) for name, value in registers.items()}
    return {
        ours: round(_signed(value) * factor, 6)
        for ours, name, factor in _HYBRID
        if (value := clean.get(name)) is not None
    }


def radian_fields(registers: Mapping[str, object]) -> dict[str, float]:
    """The Radian's values under a Sonnen inverter's names; `tmax` is the warmer of its two modules."""
    found: dict[str, float] = {}
    for ours, name, scale in _RADIAN:
        value, power = _implemented(registers.get(name)), number(registers.get(scale)) or 0.0
        if value is not None and -10 <= power <= 10:
            found[ours] = round(value * 10.0**power, 6)
    heats = [_implemented(value) for name, value in registers.items() if name.endswith(_RADIAN_HEAT)]
    known = [heat for heat in heats if heat is not None]
    return found | ({"tmax": max(known)} if known else {})


def _signed(value: float) -> float:
    return value - 65536 if 32767 < value <= 65535 else value


def _implemented(value: object) -> float | None:
    found = number(value)
    return None if found == _NOT_IMPLEMENTED else found
