"""The REST tree of the eco 4 to 7 generation, `:7979/rest/devices/battery`: numbered values, often as text.

M01 discharge, M02 charge, M03 production, M04 consumption, M05 charge shown, M06 state, M30 usable charge, M34 and M35
discharge and charge as later firmwares count them, M38 feed-in, M39 purchase, S65 highest inverter power; powers in W.
The energy sums of the tree (M31, M37, M41) have no unit anybody has confirmed and are left alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from watchman.sonnen.status import Status
from watchman.sonnen.values import Failure, count_missing, number

# The first is one that all of this generation have: a device without it is none.
PARTS = ("M05", "M01", "M02", "M03", "M04", "M06", "M30", "M38", "M39")
STATES = {
    10: "automatic",
    11: "maintenance",
    12: "forced",
    13: "charging",
    15: "discharging",
    20: "standby",
}
_CORE = ("M03", "M04", "M05", "M38", "M39")


def is_tree(answer: object) -> bool:
    """Whether an answer is of this generation: a JSON object with its numbered keys."""
    return isinstance(answer, dict) and any(name in answer for name in _CORE)


def parse_tree(answer: object) -> Status | Failure:
    """The status in a tree. What this generation does not know (voltages, flows, grid state) is None."""
    fields = answer if isinstance(answer, dict) else {}
    if all(number(fields.get(name)) is None for name in _CORE):
        return Failure("bad_shape", f"the answer has none of {', '.join(_CORE)}")
    state = number(fields.get("M06"))
    discharge_w = _battery_w(fields)
    return Status(
        consumption_w=number(fields.get("M04")),
        consumption_average_w=None,
        production_w=number(fields.get("M03")),
        grid_feed_in_w=_feed_in_w(fields, discharge_w),
        discharge_w=discharge_w,
        state_of_charge_percent=number(fields.get("M05")),
        user_state_of_charge_percent=number(fields.get("M30")),
        backup_buffer_percent=None,
        inverter_frequency_hz=None,
        inverter_ac_v=None,
        battery_v=None,
        apparent_power_va=None,
        phase_apparent_power_va=(),
        charging=None if state is None else state == 13,
        discharging=None if state is None else state == 15,
        flows={},
        operating_mode=None,  # M06 counts otherwise than OperatingMode: 10 is automatic here, time of use there
        system_status=None,
        discharge_not_allowed=None,
        generator_autostart=None,
        installed=None,
        device_time=None,
        missing=count_missing(fields, PARTS),
        tree_state=None if state is None else STATES.get(int(state), "other"),
    )


def _battery_w(fields: Mapping[str, object]) -> float | None:
    """+ discharge, - charge. Values above the inverter's power are a known fault and mean 0."""
    most_w = number(fields.get("S65"))
    for out, into in (("M34", "M35"), ("M01", "M02")):
        discharge_w, charge_w = number(fields.get(out)), number(fields.get(into))
        if discharge_w is not None and charge_w is not None:
            return _possible(discharge_w, most_w) - _possible(charge_w, most_w)
    return None


def _possible(power_w: float, most_w: float | None) -> float:
    return 0.0 if most_w and power_w > most_w else power_w


def _feed_in_w(fields: Mapping[str, object], discharge_w: float | None) -> float | None:
    """+ export, - import; from the energy balance where the tree does not tell it."""
    export_w, import_w = number(fields.get("M38")), number(fields.get("M39"))
    if export_w is not None and import_w is not None:
        return export_w - import_w
    production_w, consumption_w = number(fields.get("M03")), number(fields.get("M04"))
    if production_w is None or consumption_w is None or discharge_w is None:
        return None
    return production_w + discharge_w - consumption_w
