"""Inverter and power meters as metric families."""

from __future__ import annotations

from watchman.sonnen.families import Families, Labels
from watchman.sonnen.meters import Inverter, Meter, Meters

JOULES_PER_KWH = 3.6e6

_INVERTER = (
    ("sonnen_frequency_grid", "Frequency of grid", "frequency_hz"),
    ("sonnen_inverter_active_power_watts", "Active power of the inverter (negative means charging)", "active_power_w"),
    ("sonnen_inverter_apparent_power_voltamperes", "Apparent power of the inverter", "apparent_power_va"),
    ("sonnen_inverter_ac_amperes", "AC current of the inverter", "ac_a"),
    ("sonnen_inverter_microgrid_power_watts", "Power delivered to the house while off grid", "microgrid_power_w"),
    (
        "sonnen_inverter_battery_power_watts",
        "DC power between battery and inverter (negative means charging)",
        "battery_power_w",
    ),
    (
        "sonnen_inverter_battery_amperes",
        "DC current between battery and inverter (negative means charging)",
        "battery_a",
    ),
    ("sonnen_inverter_power_factor_ratio", "Cosine of the phase angle as the inverter says", "power_factor"),
)
_STRINGS = (
    ("sonnen_inverter_pv_power_watts", "DC power of each solar string at the inverter", "pv_power_w"),
    ("sonnen_inverter_pv_volts", "Voltage of each solar string at the inverter", "pv_v"),
    ("sonnen_inverter_pv_amperes", "Current of each solar string at the inverter", "pv_a"),
)
_TOTALS = (
    ("sonnen_meter_total_power_watts", "Active power over all phases of a meter", "total_power_w"),
    ("sonnen_meter_total_apparent_power_voltamperes", "Apparent power over all phases of a meter", "total_apparent_va"),
    ("sonnen_meter_total_reactive_power_vars", "Reactive power over all phases of a meter", "total_reactive_var"),
    ("sonnen_meter_error_code", "Error code of a meter: 0 is well, with any other it has no readings", "error"),
)


def write_inverter(page: Families, labels: Labels, inverter: Inverter) -> None:
    """All series of one inverter answer but the grid voltages."""
    for name, doc, attribute in _INVERTER:
        page.gauge(name, doc, labels, getattr(inverter, attribute))
    for name, doc, attribute in _STRINGS:
        for string, value in enumerate(getattr(inverter, attribute), start=1):
            page.gauge(name, doc, {**labels, "string": str(string)}, value)
    for probe, degrees_c in inverter.temperature_c.items():
        doc = "Temperature of different probes in Celcius"
        page.gauge("sonnen_temperature", doc, {**labels, "probe": probe}, degrees_c)
    page.gauge(
        "sonnen_inverter_temperature_celsius",
        "Highest temperature inside the inverter",
        labels,
        inverter.temperature_c.get("max"),
    )


def write_grid_volts(page: Families, labels: Labels, inverter: Inverter | None, meters: Meters | None) -> None:
    """Grid voltage by phase: the inverter's three (v1), else the consumption meter's, else the inverter's one (v2).

    A one-phase meter answers 0 for the phases it does not have; those are left out.
    """
    volts: tuple[float | None, ...] = inverter.grid_v if inverter else ()
    meter = meters.first("consumption") if meters else None
    if len(volts) < 3 and meter and any(meter.phase_v):
        volts = tuple(value or None for value in meter.phase_v)
    _by_phase(page, "sonnen_grid_volts", "Number of volts of each grid phase", labels, volts)


def write_meters(page: Families, labels: Labels, meters: Meters) -> None:
    """All series of one powermeter answer: per direction for dashboards, per meter for those who have several."""
    for direction in dict.fromkeys(meter.direction for meter in meters.meters):
        meter = meters.first(direction)
        if meter:
            _write_direction(page, {**labels, "direction": direction}, meter)
    for meter in meters.meters:
        own = {**labels, "direction": meter.direction, "device": meter.device, "channel": meter.channel}
        for name, doc, attribute in _TOTALS:
            page.gauge(name, doc, own, getattr(meter, attribute))
        _write_energy(page, own, meter)


def _write_direction(page: Families, labels: Labels, meter: Meter) -> None:
    _by_phase(page, "sonnen_meter_current", "Number of amps of each power meter phase", labels, meter.current_a)
    _by_phase(page, "sonnen_meter_volts", "Number of volts of each power meter phase", labels, meter.phase_v)
    _by_phase(page, "sonnen_meter_power_watts", "Active power of each power meter phase", labels, meter.power_w)
    for phases, volts in zip(("12", "23", "31"), meter.line_v, strict=True):
        page.gauge("sonnen_meter_line_volts", "Voltage between two phases", {**labels, "phases": phases}, volts)


def _write_energy(page: Families, labels: Labels, meter: Meter) -> None:
    doc = "Energy counted by a meter {}, since it was built in; what it covers depends on where its clamps sit"
    for name, words, energy_kwh in (
        ("sonnen_meter_imported_energy_joules_total", "in its own direction", meter.imported_kwh),
        ("sonnen_meter_exported_energy_joules_total", "against its own direction", meter.exported_kwh),
    ):
        energy_j = None if energy_kwh is None else energy_kwh * JOULES_PER_KWH
        page.counter(name, doc.format(words), labels, energy_j)


def _by_phase(page: Families, name: str, doc: str, labels: Labels, values: tuple[float | None, ...]) -> None:
    for phase, value in enumerate(values, start=1):
        page.gauge(name, doc, {**labels, "phase": str(phase)}, value)
