"""All metric families of a scrape, from what the pollers know: pure, and done in about a millisecond per battery."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from prometheus_client import Metric

from watchman.sonnen import details
from watchman.sonnen.collect_details import write_battery, write_configurations, write_latest, write_pins
from watchman.sonnen.collect_health import write_health, write_info
from watchman.sonnen.collect_meters import write_grid_volts, write_inverter, write_meters
from watchman.sonnen.collect_status import write_device_time, write_status, zone_of
from watchman.sonnen.details import Configurations, Latest, Pins
from watchman.sonnen.energy import Battery, Energies
from watchman.sonnen.families import Families, Labels
from watchman.sonnen.meters import Inverter, Meters
from watchman.sonnen.plan import State, current
from watchman.sonnen.status import Status


@dataclass(frozen=True, slots=True)
class Build:
    """What is running."""

    version: str
    revision: str
    python: str


def collect(
    states: Iterable[State], build: Build, now_s: float, energies: Mapping[Battery, Energies] | None = None
) -> list[Metric]:
    """The families of all batteries. `now_s` is of the clock the states were made with, `energies` are summed up."""
    page = Families()
    page.gauge(
        "sonnen_build_info",
        "A metric with a constant '1' value labeled by version, revision and rustversion",
        # The empty label keeps joins of old dashboards working.
        {"version": build.version, "revision": build.revision, "rustversion": "", "pythonversion": build.python},
        1.0,
    )
    for state in states:
        labels = {"host": state.system.host, "sn": state.system.sn}
        write_health(page, labels, state, now_s)
        _write_readings(page, labels, state, now_s)
        write_info(page, labels, state, now_s)
        _write_energies(page, labels, (energies or {}).get((state.system.host, state.system.sn), {}))
    return list(page.families.values())


def _write_energies(page: Families, labels: Labels, energies: Energies) -> None:
    doc = "Energy that flowed, summed up by this exporter from the powers; gaps over 5 min are left out"
    for flow, energy_j in energies.items():
        page.counter("sonnen_energy_joules_total", doc, {**labels, "flow": flow}, energy_j)


def _write_readings(page: Families, labels: Labels, state: State, now_s: float) -> None:
    readings = {name: current(state, name, now_s) for name in state.endpoints}
    _write_status(page, labels, state, readings)
    inverter, meters = readings.get("inverter"), readings.get("powermeter")
    if isinstance(inverter, Inverter):
        write_inverter(page, labels, inverter)
    if isinstance(meters, Meters):
        write_meters(page, labels, meters)
    write_grid_volts(
        page,
        labels,
        inverter if isinstance(inverter, Inverter) else None,
        meters if isinstance(meters, Meters) else None,
    )
    _write_details(page, labels, readings)


def _write_status(page: Families, labels: Labels, state: State, readings: Mapping[str, object]) -> None:
    status, latest = readings.get("status"), readings.get("latestdata")
    received_unix = state.status.received_unix
    if isinstance(status, Status) and received_unix is not None:
        write_status(page, labels, status)
        offset_h = latest.utc_offset_h if isinstance(latest, Latest) else None
        write_device_time(page, labels, status, zone_of(state.system.timezone, offset_h), received_unix)


def _write_details(page: Families, labels: Labels, readings: Mapping[str, object]) -> None:
    latest, battery = readings.get("latestdata"), readings.get("battery")
    known, pins = readings.get("configurations"), readings.get("io")
    if isinstance(latest, Latest):
        write_latest(page, labels, latest)
    if isinstance(battery, details.Battery):
        write_battery(page, labels, battery, known if isinstance(known, Configurations) else None)
    if isinstance(known, Configurations):
        write_configurations(page, labels, known)
    if isinstance(pins, Pins):
        write_pins(page, labels, pins)
