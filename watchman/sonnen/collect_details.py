"""latestdata, battery, configurations and io as metric families."""

from __future__ import annotations

from collections.abc import Mapping

from watchman.sonnen.details import Battery, Configurations, Latest, Pins
from watchman.sonnen.families import Families, Labels

JOULES_PER_WH = 3600.0

_CAPACITY = "sonnen_battery_full_charge_energy_joules"
_CAPACITY_DOC = "Energy of the full battery, by the answer it is taken from (latestdata is wrong before firmware 1.6)"
_FLAGS = (
    ("dc_shutdown", "sonnen_dc_shutdown_active", "1 for the reason why the DC side is shut down", "reason"),
    ("microgrid", "sonnen_microgrid_flag", "Flags of operation without the grid", "flag"),
    ("misc", "sonnen_misc_flag", "Other status flags of the device", "flag"),
    ("setpoint_priority", "sonnen_setpoint_priority", "1 for what decides on the battery's power", "flag"),
    ("system_validation", "sonnen_system_validation_flag", "Flags of the device's self test", "flag"),
    (
        "eclipse_led",
        "sonnen_eclipse_led",
        "1 for what the light at the front shows (pulsing white is normal, orange no internet, red a fault)",
        "state",
    ),
)
# (field of the answer, name, HELP)
_BOUNDS = (
    ("celltemperature", "sonnen_battery_cell_temperature_celsius", "Coldest and warmest cell"),
    ("moduletemperature", "sonnen_battery_module_temperature_celsius", "Coldest and warmest module"),
    ("cellvoltage", "sonnen_battery_cell_volts", "Lowest and highest cell voltage"),
    ("moduledcvoltage", "sonnen_battery_module_volts", "Lowest and highest module voltage"),
    ("modulecurrent", "sonnen_battery_module_amperes", "Lowest and highest module current"),
)
_VALUES = (
    ("systemdcvoltage", "sonnen_battery_system_volts", "Voltage of the whole battery"),
    ("systemcurrent", "sonnen_battery_system_amperes", "Current of the whole battery"),
    ("fullchargecapacity", "sonnen_battery_full_charge_amperehours", "Charge of the full battery"),
    ("remainingcapacity", "sonnen_battery_remaining_amperehours", "Charge left in the battery"),
    (
        "usableremainingcapacity",
        "sonnen_battery_usable_remaining_amperehours",
        "Charge left in the battery above the protected floor",
    ),
    (
        "relativestateofcharge",
        "sonnen_battery_relative_state_of_charge_percent",
        "Charge as the battery's own electronics count it, finer than sonnen_state_of_charge_percent",
    ),
    ("systemalarm", "sonnen_battery_system_alarm_code", "Alarm code of the battery, 0 is none"),
    ("systemwarning", "sonnen_battery_system_warning_code", "Warning code of the battery, 0 is none"),
    ("systemstatus", "sonnen_battery_system_status_code", "Status code of the battery, 49 is usual"),
    ("balancechargerequest", "sonnen_battery_balance_charge_requested", "1 while the battery wants a balancing charge"),
)


def write_latest(page: Families, labels: Labels, latest: Latest) -> None:
    """All series of one latestdata answer."""
    page.gauge(
        "sonnen_setpoint_watts", "Power asked of the inverter (negative means charging)", labels, latest.setpoint_w
    )
    page.gauge("sonnen_battery_modules", "Number of battery modules", labels, latest.modules)
    age_doc = "Time since the battery was last full"
    page.gauge("sonnen_last_full_charge_age_seconds", age_doc, labels, latest.full_charge_age_s)
    _capacity(page, labels, "latestdata", latest.full_charge_wh)
    for group, name, doc, label in _FLAGS:
        for flag, state in latest.flags.get(group, {}).items():
            page.gauge(name, doc, {**labels, label: flag}, state)
    brightness = None if latest.led_brightness_percent is None else latest.led_brightness_percent / 100.0
    page.gauge("sonnen_eclipse_led_brightness_ratio", "Brightness of the light at the front", labels, brightness)
    _write_components(page, labels, latest)


def write_battery(page: Families, labels: Labels, battery: Battery, configurations: Configurations | None) -> None:
    """All series of one battery answer."""
    values = battery.values
    for name, metric, doc in _BOUNDS:
        for bound in ("minimum", "maximum"):
            page.gauge(metric, doc, {**labels, "bound": bound[:3]}, values.get(bound + name))
    for name, metric, doc in _VALUES:
        page.gauge(metric, doc, labels, values.get(name))
    for direction in ("charge", "discharge"):
        limit_a = values.get(f"{direction}currentlimit")
        doc = "Current the battery allows"
        page.gauge("sonnen_battery_current_limit_amperes", doc, {**labels, "direction": direction}, limit_a)
    page.counter("sonnen_battery_cycles_total", "Full cycles of the battery", labels, values.get("cyclecount"))
    _write_battery_energy(page, labels, values)
    _write_health(page, labels, values, configurations)
    for kind, flags in (("alarm", battery.alarms), ("warning", battery.warnings)):
        for flag, state in flags.items():
            doc = f"1 while the battery raises this {kind}"
            page.gauge(f"sonnen_battery_{kind}", doc, {**labels, "name": flag}, state)


def write_configurations(page: Families, labels: Labels, known: Configurations) -> None:
    """All series of one configurations answer but sonnen_info."""
    module_j = None if known.module_wh is None else known.module_wh * JOULES_PER_WH
    page.gauge("sonnen_module_nominal_energy_joules", "Energy of one battery module as marketed", labels, module_j)
    page.gauge("sonnen_inverter_max_power_watts", "Highest power of the inverter", labels, known.inverter_max_w)
    page.gauge(
        "sonnen_backup_reserve_setting_percent", "Backup reserve as configured (EM_USOC)", labels, known.reserve_percent
    )
    page.gauge(
        "sonnen_prognosis_charging_enabled",
        "1 if the battery charges by the weather forecast",
        labels,
        known.prognosis_charging,
    )


def write_pins(page: Families, labels: Labels, pins: Pins) -> None:
    """All series of one io answer."""
    for (pin, usage), on in pins.states.items():
        page.gauge("sonnen_io_state", "1 while an input or output is on", {**labels, "pin": pin, "usage": usage}, on)


def _write_components(page: Families, labels: Labels, latest: Latest) -> None:
    ready = {
        "bms": None if latest.bms is None else latest.bms == "ready",
        "inverter": None if latest.inverter is None else latest.inverter == "running",
        "core_control": None if latest.core_control is None else latest.core_control in ("ongrid", "offgrid"),
    }
    for component, state in ready.items():
        doc = "1 while this part of the device is ready"
        page.gauge("sonnen_component_ready", doc, {**labels, "component": component}, state)
    known = ("ongrid", "offgrid", "config", "other")
    doc = "1 for the state of the core control"
    page.states("sonnen_core_control_state", doc, labels, latest.core_control, label="state", known=known)


def _write_battery_energy(page: Families, labels: Labels, values: Mapping[str, float]) -> None:
    _capacity(page, labels, "battery", values.get("fullchargecapacitywh"))
    # Ah are summed as if all modules were parallel, so the module voltage, not the system's, makes energy of them.
    module_v = values.get("nominalmoduledcvoltage")
    for name, metric, doc in (
        ("remainingcapacity", "sonnen_battery_remaining_energy_joules", "Energy left in the battery"),
        (
            "usableremainingcapacity",
            "sonnen_battery_usable_remaining_energy_joules",
            "Energy left in the battery above the protected floor",
        ),
    ):
        charge_ah = values.get(name)
        if charge_ah is not None and module_v is not None:
            page.gauge(metric, doc, labels, charge_ah * module_v * JOULES_PER_WH)


def _write_health(page: Families, labels: Labels, values: Mapping[str, float], known: Configurations | None) -> None:
    name = "sonnen_battery_health_ratio"
    doc = "Capacity against new: by the battery's electronics (bms), or full charge against marketed capacity (derived)"
    health_percent, full_wh = values.get("stateofhealth"), values.get("fullchargecapacitywh")
    if health_percent is not None:
        page.gauge(name, doc, {**labels, "source": "bms"}, health_percent / 100.0)
    if known and full_wh is not None and (new_wh := (known.modules or 0.0) * (known.module_wh or 0.0)) > 0:
        page.gauge(name, doc, {**labels, "source": "derived"}, full_wh / new_wh)


def _capacity(page: Families, labels: Labels, source: str, energy_wh: float | None) -> None:
    energy_j = None if energy_wh is None else energy_wh * JOULES_PER_WH
    page.gauge(_CAPACITY, _CAPACITY_DOC, {**labels, "source": source}, energy_j)
