"""Status as metric families: the Rust exporter's names first, then what it left out."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone, tzinfo

from watchman.sonnen.eco import STATES
from watchman.sonnen.families import Families, Labels
from watchman.sonnen.status import Status

# (name, HELP, attribute). The HELP texts are the Rust exporter's, letter for letter.
_RUST = (
    ("sonnen_consumption_watts", "Number of watts being consumed", "consumption_w"),
    ("sonnen_frequency_inverter", "Frequency of AC inverter", "inverter_frequency_hz"),
    (
        "sonnen_grid_feed_in_watts",
        "Number of watts being fed into the grid (negative denotes grid purchase)",
        "grid_feed_in_w",
    ),
    (
        "sonnen_discharge_watts",
        "Number of watts being discharged by the battery (negative means battery charging)",
        "discharge_w",
    ),
    ("sonnen_production_watts", "Number of watts being produced by solar", "production_w"),
    ("sonnen_state_of_charge_percent", "Percent charged of the battery", "state_of_charge_percent"),
    ("sonnen_inverter_ac_volts", "Number of volts produced by the inverter", "inverter_ac_v"),
    ("sonnen_battery_volts", "Number of volts produced by the battery", "battery_v"),
)
_OWN = (
    (
        "sonnen_user_state_of_charge_percent",
        "Charge as the user sees it (USOC): 0 at the protected floor",
        "user_state_of_charge_percent",
    ),
    (
        "sonnen_backup_buffer_percent",
        "Charge kept for power cuts, on the scale of sonnen_user_state_of_charge_percent",
        "backup_buffer_percent",
    ),
    ("sonnen_consumption_average_watts", "House consumption, mean of the last minute", "consumption_average_w"),
    ("sonnen_apparent_power_voltamperes", "Apparent power at the AC side of the inverter", "apparent_power_va"),
    ("sonnen_battery_charging", "1 while the battery charges", "charging"),
    ("sonnen_battery_discharging", "1 while the battery discharges", "discharging"),
    (
        "sonnen_operating_mode",
        "Operating mode as the device numbers it (1 manual, 2 self-consumption, 10 time of use)",
        "operating_mode",
    ),
    (
        "sonnen_discharge_not_allowed",
        "1 while the battery refuses to discharge, as in maintenance",
        "discharge_not_allowed",
    ),
    ("sonnen_generator_autostart", "1 if a generator is started automatically", "generator_autostart"),
    ("sonnen_system_installed", "1 once the installer has finished", "installed"),
)
_MODES = {
    1: "manual",
    2: "self_consumption",
    4: "testing",
    6: "module_extension",
    7: "backup",
    10: "time_of_use",
    11: "optimization",
}
_SYSTEM_STATES = ("on_grid", "off_grid", "init", "config", "critical_error", "other")


def write_status(page: Families, labels: Labels, status: Status) -> None:
    """All series of one status answer."""
    for name, doc, attribute in (*_RUST, *_OWN):
        page.gauge(name, doc, labels, getattr(status, attribute))
    _write_directions(page, labels, status)
    _write_states(page, labels, status)
    for phase, power_va in enumerate(status.phase_apparent_power_va, start=1):
        page.gauge(
            "sonnen_phase_apparent_power_voltamperes",
            "Apparent power of each inverter phase",
            {**labels, "phase": str(phase)},
            power_va,
        )


def write_device_time(
    page: Families, labels: Labels, status: Status, zone: tzinfo | None, received_unix: float
) -> None:
    """The device's own clock, if its zone is known: a frozen answer or a wrong clock shows as skew."""
    device_unix = _device_unix(status, zone, received_unix)
    if device_unix is None:
        return
    page.gauge("sonnen_device_time_seconds", "Time of the last status by the device's own clock", labels, device_unix)
    page.gauge(
        "sonnen_device_clock_skew_seconds",
        "Device clock minus local clock when the last status arrived; it falls while a device repeats an old answer",
        labels,
        device_unix - received_unix,
    )


def zone_of(configured: tzinfo | None, utc_offset_h: float | None) -> tzinfo | None:
    """The zone of the device's clock: as configured, else as latestdata says."""
    if configured is not None or utc_offset_h is None:
        return configured
    return timezone(timedelta(hours=utc_offset_h))


def _write_directions(page: Families, labels: Labels, status: Status) -> None:
    discharge_w, feed_in_w = status.discharge_w, status.grid_feed_in_w
    doc = "Power {} as a value that is never negative"
    if discharge_w is not None:
        page.gauge("sonnen_battery_charge_watts", doc.format("into the battery"), labels, max(-discharge_w, 0.0))
        page.gauge("sonnen_battery_discharge_watts", doc.format("out of the battery"), labels, max(discharge_w, 0.0))
    if feed_in_w is not None:
        page.gauge("sonnen_grid_import_watts", doc.format("bought from the grid"), labels, max(-feed_in_w, 0.0))
        page.gauge("sonnen_grid_export_watts", doc.format("fed into the grid"), labels, max(feed_in_w, 0.0))
    page.gauge(
        "sonnen_power_balance_watts",
        "Production plus discharge minus consumption minus feed-in: near 0 when the meters agree",
        labels,
        _balance_w(status),
    )


def _balance_w(status: Status) -> float | None:
    production_w, consumption_w = status.production_w, status.consumption_w
    discharge_w, feed_in_w = status.discharge_w, status.grid_feed_in_w
    if production_w is None or consumption_w is None or discharge_w is None or feed_in_w is None:
        return None
    return production_w + discharge_w - consumption_w - feed_in_w


def _write_states(page: Families, labels: Labels, status: Status) -> None:
    for flow, active in status.flows.items():
        page.gauge(
            "sonnen_flow_active", "1 while energy goes from the first to the second", {**labels, "flow": flow}, active
        )
    mode = None if status.operating_mode is None else _MODES.get(int(status.operating_mode), "other")
    modes = (*_MODES.values(), "other")
    page.states(
        "sonnen_operating_mode_state", "1 for the operating mode in force", labels, mode, label="mode", known=modes
    )
    page.states(
        "sonnen_eco_state",
        "1 for what an eco 4 to 7 is doing (M06)",
        labels,
        status.tree_state,
        label="state",
        known=(*STATES.values(), "other"),
    )
    on_grid = None if status.system_status is None else status.system_status == "on_grid"
    page.gauge("sonnen_on_grid", "1 while the house is connected to the grid", labels, on_grid)
    page.states(
        "sonnen_system_status_state",
        "1 for the system status in force",
        labels,
        status.system_status,
        label="status",
        known=_SYSTEM_STATES,
    )


def _device_unix(status: Status, zone: tzinfo | None, received_unix: float) -> float | None:
    if status.device_time is None or zone is None:
        return None
    # The hour that happens twice in autumn has two readings; a working clock is near one of them.
    readings = (status.device_time.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    times = [moment.astimezone(UTC).timestamp() for moment in readings if 1971 <= moment.year <= 9998]
    return min(times, key=lambda unix: abs(unix - received_unix), default=None)
